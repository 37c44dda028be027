//! What the tests of one attempt share: a transport, a request with everything planted, and an answer
//! in bytes.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use evenkeel::error::Error;
use evenkeel::transport::{
    Body, HttpVersions, Request, ReqwestTransport, ReqwestTransportBuilder, Transport,
};
use futures_core::Stream;
use http::{HeaderValue, Method};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

pub(crate) const KEY: &str = "sk-ant-planted-key";
pub(crate) const TOKEN: &str = "planted-token";
pub(crate) const PROMPT: &str = "planted prompt";

/// A whole reply, after which the connection can be used again.
pub(crate) const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: session=planted\r\n\
     content-length: 17\r\n\r\n\"planted reply!!\"";

pub(crate) fn settings() -> ReqwestTransportBuilder {
    crate::overheard::listen();
    ReqwestTransport::builder().without_proxy()
}

pub(crate) fn transport() -> ReqwestTransport {
    settings().build().unwrap()
}

/// HTTP/2 without TLS.
pub(crate) fn h2c() -> ReqwestTransport {
    settings()
        .http_versions(HttpVersions::Http2)
        .build()
        .unwrap()
}

/// A request that the simulator takes, with key, token and prompt.
pub(crate) fn request(base_url: &str) -> Request {
    let uri = format!("{base_url}/v1/messages").parse().unwrap();
    let mut request = Request::new(Method::POST, uri);
    for (name, secret) in [("x-api-key", KEY), ("x-gateway-token", TOKEN)] {
        let mut value = HeaderValue::from_static(secret);
        value.set_sensitive(true);
        request.headers.insert(name, value);
    }
    let version = HeaderValue::from_static("2026-10-21");
    request.headers.insert("anthropic-version", version);
    request.body = Bytes::from(format!(
        r#"{{"model":"claude-sonnet-5-5","max_tokens":64,"stream":true,"messages":[{{"role":"user","content":"{PROMPT}"}}]}}"#
    ));
    request
}

/// Chunks that a test hands over when it likes.
pub(crate) struct Handed(pub(crate) mpsc::Receiver<Result<Bytes, std::io::Error>>);

impl Stream for Handed {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// Sends it and reads all of the reply.
pub(crate) async fn exchange(
    transport: &ReqwestTransport,
    request: Request,
) -> Result<(u16, Vec<u8>), Error> {
    eprintln!("{transport:?} {request:?}");
    let sent = transport.send(request).await;
    let sent = sent.inspect_err(say);
    let response = sent?;
    eprintln!("{response:?}");
    let status = response.facts.status();
    Ok((status, whole(response.body).await.inspect_err(say)?))
}

async fn whole(mut body: Body) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    while let Some(chunk) = body.chunk().await {
        all.extend_from_slice(&chunk?);
    }
    Ok(all)
}

/// Everything that an error shows of itself, on the output that is searched for what was planted.
pub(crate) fn say(error: &Error) {
    eprintln!("{error} | {error:?} | {}", error.report());
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// `bytes` in gzip, as the client itself makes it.
pub(crate) fn gzipped(bytes: impl Into<Bytes>) -> Bytes {
    let mut request = Request::new(Method::POST, http::Uri::from_static("http://localhost/"));
    request.body = bytes.into();
    request.gzip().body
}

/// Five seconds are more than anything here takes.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    let limit = std::time::Duration::from_secs(5);
    evenkeel_tests::within(limit, future)
        .await
        .expect("in time")
}

/// Reads one HTTP/1.1 head, and whatever came with it.
pub(crate) async fn head(socket: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut read = Vec::new();
    while !read.windows(4).any(|four| four == b"\r\n\r\n") {
        if socket.read_buf(&mut read).await.unwrap() == 0 {
            break;
        }
    }
    read
}

/// Reads the whole of [`request`] over HTTP/1.1: its prompt is its end.
pub(crate) async fn whole_request(socket: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut read = Vec::new();
    while !read.ends_with(b"]}") {
        if socket.read_buf(&mut read).await.unwrap() == 0 {
            break;
        }
    }
    read
}

/// Waits until the other side has closed, by the book or by force.
pub(crate) async fn closed(socket: &mut TcpStream) {
    let mut sink = vec![0; 64 * 1024];
    while socket.read(&mut sink).await.is_ok_and(|read| read > 0) {}
}
