//! An answer that comes before the upload is through: with it the call is over, and nothing of the upload
//! outlives the call. The connection is closed over HTTP/1.1, the stream reset over HTTP/2, the source
//! dropped, and no task is left.

use bytes::Bytes;
use evenkeel::transport::{Request, Response, StreamBody, Transport as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::cancel::{SOON, no_task_is_left, sees_the_close, told_of_the_cancel};
use crate::http2::{END_HEADERS, END_STREAM, HEADERS, SETTINGS, beginning, frame};
use crate::world::{self, Handed, request};

/// The connection is to be kept, and the answer has no body.
const BUSY: &str = "HTTP/1.1 529 Overloaded\r\ncontent-length: 0\r\n\r\n";

/// `:status 529` as a literal without indexing, its name from the static table.
const STATUS_529: [u8; 5] = [0x08, 3, b'5', b'2', b'9'];

const LARGE: usize = 32 * 1024 * 1024;

type Sender = mpsc::Sender<Result<Bytes, std::io::Error>>;

/// A request whose body is what is sent, and ends when the test says so.
fn handed(url: &str) -> (Sender, Request) {
    let (sender, receiver) = mpsc::channel(1);
    let mut request = request(url);
    request.body = Bytes::new();
    request.stream = Some(StreamBody::once(Handed(receiver), None));
    (sender, request)
}

/// What a caller does with an answer that it has no use for.
#[derive(Clone, Copy, Debug)]
enum Caller {
    Reads,
    Drops,
    /// Its status is all that it looks at, later.
    Keeps,
}

const CALLERS: [Caller; 3] = [Caller::Reads, Caller::Drops, Caller::Keeps];

impl Caller {
    async fn takes(self, mut response: Response) -> Option<Response> {
        match self {
            Self::Reads => {
                assert!(response.body.chunk().await.is_none());
                Some(response)
            }
            Self::Drops => None,
            Self::Keeps => Some(response),
        }
    }
}

async fn source_is_dropped(sender: &Sender) {
    let dropped = evenkeel_tests::within(SOON, sender.closed()).await;
    assert!(dropped.is_some(), "the source outlives its call");
}

/// Accepts a connection, reads its beginning, and says that there is no place.
async fn no_place(listener: &tokio::net::TcpListener) -> TcpStream {
    let (mut socket, _) = listener.accept().await.unwrap();
    world::head(&mut socket).await;
    socket.write_all(BUSY.as_bytes()).await.unwrap();
    socket
}

/// The same over HTTP/2, after this many bytes.
async fn no_place_over_http_2(listener: &tokio::net::TcpListener, after: usize) -> TcpStream {
    let (mut socket, _) = listener.accept().await.unwrap();
    let settings = [frame(SETTINGS, 0, 0, &[]), frame(SETTINGS, 1, 0, &[])];
    socket.write_all(&settings.concat()).await.unwrap();
    let mut read = Vec::new();
    while read.len() < after || !read.windows(5).any(|part| part == b"begun") {
        assert!(socket.read_buf(&mut read).await.unwrap() > 0);
    }
    let head = frame(HEADERS, END_HEADERS | END_STREAM, 1, &STATUS_529);
    socket.write_all(&head).await.unwrap();
    socket
}

#[tokio::test]
async fn a_source_is_asked_for_nothing_more_once_there_is_an_answer() {
    for caller in CALLERS {
        let (listener, address) = world::listen().await;
        let (sender, request) = handed(&format!("http://{address}"));
        sender.send(Ok(Bytes::from_static(b"begun"))).await.unwrap();
        let transport = world::transport();
        let (sent, socket) = tokio::join!(transport.send(request), no_place(&listener));
        let response = sent.unwrap();
        assert_eq!(response.facts.status(), 529);
        let kept = caller.takes(response).await;
        eprintln!("{caller:?}");
        source_is_dropped(&sender).await;
        sees_the_close(socket).await;
        no_task_is_left().await;
        drop((kept, transport));
    }
}

#[tokio::test]
async fn a_source_is_asked_for_nothing_more_once_there_is_an_answer_over_http_2() {
    for caller in CALLERS {
        let (listener, address) = world::listen().await;
        let (sender, request) = handed(&format!("http://{address}"));
        sender.send(Ok(Bytes::from_static(b"begun"))).await.unwrap();
        let transport = world::h2c();
        let serving = no_place_over_http_2(&listener, 0);
        let (sent, mut socket) = tokio::join!(transport.send(request), serving);
        let response = sent.unwrap();
        assert_eq!(response.facts.status(), 529);
        let kept = caller.takes(response).await;
        eprintln!("{caller:?}");
        source_is_dropped(&sender).await;
        told_of_the_cancel(&mut socket).await;
        // Its connection is good for others.
        drop((kept, transport));
        sees_the_close(socket).await;
        no_task_is_left().await;
    }
}

#[tokio::test]
async fn a_body_in_memory_is_not_sent_on_to_a_server_that_has_said_no() {
    for caller in CALLERS {
        let (listener, address) = world::listen().await;
        let mut request = request(&format!("http://{address}"));
        request.body = Bytes::from(vec![b' '; LARGE]);
        let transport = world::transport();
        let (sent, mut socket) = tokio::join!(transport.send(request), no_place(&listener));
        let kept = caller.takes(sent.unwrap()).await;
        eprintln!("{caller:?}");
        // It reads on, as polite servers do: what was on its way comes, and not the rest.
        let rest = async {
            let (mut read, mut some) = (0, vec![0; 64 * 1024]);
            loop {
                match socket.read(&mut some).await {
                    Ok(0) | Err(_) => return read,
                    Ok(more) => read += more,
                }
            }
        };
        let read = evenkeel_tests::within(SOON, rest).await;
        let read = read.expect("the server sees no close");
        // The server's own reading of the head has swallowed a little of it.
        assert!(read < LARGE / 2, "most of it was sent: {read} bytes");
        no_task_is_left().await;
        drop((kept, transport));
    }
}

#[tokio::test]
async fn a_body_in_memory_is_not_sent_on_over_http_2_either() {
    for caller in CALLERS {
        let (listener, address) = world::listen().await;
        let mut request = request(&format!("http://{address}"));
        let mut body = b"begun".to_vec();
        body.resize(1024 * 1024, b' ');
        request.body = body.into();
        let transport = world::h2c();
        // The windows of a stream and of a connection are 64 KiB, and one is used up.
        let serving = no_place_over_http_2(&listener, 60_000);
        let (sent, mut socket) = tokio::join!(transport.send(request), serving);
        let kept = caller.takes(sent.unwrap()).await;
        eprintln!("{caller:?}");
        // As polite servers do.
        let window = (u32::MAX >> 2).to_be_bytes();
        let wider = [frame(8, 0, 0, &window), frame(8, 0, 1, &window)];
        socket.write_all(&wider.concat()).await.unwrap();
        told_of_the_cancel(&mut socket).await;
        drop((kept, transport));
        sees_the_close(socket).await;
        no_task_is_left().await;
    }
}

#[tokio::test]
async fn an_upload_goes_on_while_its_answer_is_read() {
    let (listener, address) = world::listen().await;
    let (sender, request) = handed(&format!("http://{address}"));
    sender.send(Ok(Bytes::from_static(b"begun"))).await.unwrap();
    let transport = world::transport();
    let serving = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        world::head(&mut socket).await;
        let beginning = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n";
        socket.write_all(beginning.as_bytes()).await.unwrap();
        socket
    };
    let (sent, mut socket) = tokio::join!(transport.send(request), serving);
    let mut response = sent.unwrap();
    assert_eq!(response.body.chunk().await.unwrap().unwrap(), "hi");
    sender
        .send(Ok(Bytes::from_static(b"the end")))
        .await
        .unwrap();
    drop(sender);
    let mut read = Vec::new();
    while !read.ends_with(b"the end\r\n0\r\n\r\n") {
        let more = world::soon(socket.read_buf(&mut read)).await.unwrap();
        assert!(more > 0, "the upload was cut");
    }
    socket.write_all(b"0\r\n\r\n").await.unwrap();
    assert!(world::soon(response.body.chunk()).await.is_none());
    // Nothing was wrong with it: the connection serves the next.
    let again = transport.send(world::request(&format!("http://{address}")));
    let answering = async {
        world::whole_request(&mut socket).await;
        socket.write_all(world::ANSWER.as_bytes()).await.unwrap();
    };
    let (again, ()) = world::soon(async { tokio::join!(again, answering) }).await;
    assert_eq!(again.unwrap().facts.status(), 200);
}

#[tokio::test]
async fn an_upload_over_http_2_ends_with_an_answer_that_goes_on() {
    let (listener, address) = world::listen().await;
    let (sender, request) = handed(&format!("http://{address}"));
    sender.send(Ok(Bytes::from_static(b"begun"))).await.unwrap();
    let transport = world::h2c();
    let serving = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.windows(5).any(|part| part == b"begun") {
            assert!(socket.read_buf(&mut read).await.unwrap() > 0);
        }
        socket.write_all(&beginning(1, b"hi")).await.unwrap();
        socket
    };
    let (sent, mut socket) = tokio::join!(transport.send(request), serving);
    let mut response = sent.unwrap();
    assert_eq!(response.body.chunk().await.unwrap().unwrap(), "hi");
    assert!(!sender.is_closed(), "the answer may go on");
    drop(response);
    source_is_dropped(&sender).await;
    told_of_the_cancel(&mut socket).await;
    drop(transport);
    sees_the_close(socket).await;
    no_task_is_left().await;
}
