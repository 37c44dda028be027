//! A client that is nobody's: it writes bytes, and keeps what comes back with how it ended.
#![expect(
    clippy::disallowed_methods,
    reason = "a test of a server on a real socket keeps real time, here and nowhere else"
)]

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use evenkeel_simulator::{Entry, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How the server ended the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Reset,
}

/// Everything that came over one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: End,
}

impl Received {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("UTF-8")
    }

    pub(crate) fn head(&self) -> &str {
        self.text().split_once("\r\n\r\n").expect("a head").0
    }

    /// The body with its framing.
    pub(crate) fn rest(&self) -> &str {
        self.text().split_once("\r\n\r\n").expect("a head").1
    }

    pub(crate) fn status(&self) -> u16 {
        self.head()["HTTP/1.1 ".len()..][..3]
            .parse()
            .expect("a status")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head().lines().filter_map(|line| line.split_once(": "));
        lines.find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// The body as chunks, and what is left after the last that is whole.
    pub(crate) fn chunks(&self) -> (Vec<&str>, &str) {
        let (mut chunks, mut rest) = (Vec::new(), self.rest());
        while let Some((size, data)) = rest.split_once("\r\n") {
            let size = usize::from_str_radix(size, 16).expect("the size of a chunk");
            if size == 0 || data.len() < size + 2 {
                break;
            }
            chunks.push(&data[..size]);
            rest = &data[size + 2..];
        }
        (chunks, rest)
    }

    /// What the chunks of the body hold, as far as they go, characters or not.
    pub(crate) fn content(&self) -> Vec<u8> {
        let head = self.bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let (_, mut rest) = self.bytes.split_at(head.expect("a head") + 4);
        let mut content = Vec::new();
        while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
            let (size, data) = rest.split_at(line);
            let size = std::str::from_utf8(size).expect("a size");
            let size = usize::from_str_radix(size, 16).expect("a size");
            let data = data.get(2..).unwrap_or_default();
            content.extend(data.get(..size).unwrap_or(data));
            rest = data.get(size + 2..).unwrap_or_default();
        }
        content
    }

    /// The names of the events in a chunked body.
    pub(crate) fn events(&self) -> Vec<&str> {
        let name = |chunk: &'_ str| chunk.find('\n').map(|end| "event: ".len()..end);
        self.chunks()
            .0
            .into_iter()
            .map(|chunk| &chunk[name(chunk).expect("an event")])
            .collect()
    }
}

/// A well-formed Messages request that asks for its connection to be closed.
pub(crate) fn request(stream: &str) -> String {
    let body = format!(
        r#"{{"model":"claude-sonnet-5-5","max_tokens":500,"stream":{stream},"messages":[{{"role":"user","content":"Hi"}}]}}"#
    );
    post(
        &body,
        "anthropic-version: 2026-10-21\r\nx-api-key: sk-ant-secret\r\n",
    )
}

/// `POST /v1/messages` with this body and these header lines.
pub(crate) fn post(body: &str, headers: &str) -> String {
    let length = body.len();
    format!(
        "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\
         content-length: {length}\r\n\r\n{body}"
    )
}

pub(crate) async fn connect(simulator: &Simulator) -> TcpStream {
    TcpStream::connect(("127.0.0.1", simulator.port()))
        .await
        .expect("a connection")
}

/// Sends the bytes over a connection of their own and reads to its end.
pub(crate) async fn exchange(simulator: &Simulator, bytes: impl AsRef<[u8]>) -> Received {
    let mut stream = connect(simulator).await;
    stream
        .write_all(bytes.as_ref())
        .await
        .expect("room to write");
    read_to_end(&mut stream).await
}

pub(crate) async fn stream(simulator: &Simulator) -> Received {
    exchange(simulator, request("true")).await
}

pub(crate) async fn plain(simulator: &Simulator) -> Received {
    exchange(simulator, request("false")).await
}

pub(crate) async fn read_to_end(stream: &mut TcpStream) -> Received {
    let mut bytes = Vec::new();
    let end = soon(stream.read_to_end(&mut bytes)).await;
    let end = match end {
        Ok(_) => End::Closed,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => End::Reset,
        Err(error) => panic!("{error}"),
    };
    Received { bytes, end }
}

/// Reads until the connection has said `text`.
pub(crate) async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains(text) {
        let read = soon(stream.read_buf(&mut bytes))
            .await
            .expect("more to read");
        assert!(read > 0, "ended without {text}");
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// Waits until the journal's first entry is as wanted.
pub(crate) async fn first_entry(simulator: &Simulator, wanted: impl Fn(&Entry) -> bool) -> Entry {
    let look = async {
        loop {
            if let Some(entry) = simulator.journal().into_iter().next().filter(&wanted) {
                return entry;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon(look).await
}

/// A test fails rather than hangs.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(10), future)
        .await
        .expect("an end within 10 s")
}

/// What came of it, and how long it took.
pub(crate) async fn timed<F: Future>(future: F) -> (F::Output, Duration) {
    let start = Instant::now();
    let output = future.await;
    (output, start.elapsed())
}

/// Lets time pass.
pub(crate) async fn rest(length: Duration) {
    tokio::time::sleep(length).await;
}
