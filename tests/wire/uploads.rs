//! Uploads over real sockets: what is on the wire, and that a stream is sent once.

use std::future::poll_fn;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use evenkeel::transport::{ReqwestTransport, StreamBody};
use evenkeel::{Category, Client, Delivery, ErrorKind, Stopped, Upload};
use evenkeel_tests::{pause, within};
use futures_core::Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::world::{self, Handed};

const FILE: &str = r#"{"type":"file","id":"file_1"}"#;

fn client(address: std::net::SocketAddr) -> Client {
    crate::overheard::listen();
    Client::builder()
        .connections(ReqwestTransport::builder().without_proxy())
        .base_url(format!("http://{address}"))
        .api_key(world::KEY)
        .time_divided_by(NonZeroU32::new(50).unwrap())
        .seed(7)
        .build()
        .unwrap()
}

fn handed(length: Option<u64>) -> (mpsc::Sender<Result<Bytes, std::io::Error>>, Upload) {
    let (sender, receiver) = mpsc::channel(1);
    let upload = Upload::stream("a.bin", Handed(receiver), length);
    (sender, upload)
}

/// The head of a request, and its body as HTTP/1.1 frames it.
async fn request(socket: &mut TcpStream) -> (String, Vec<u8>) {
    let mut read = world::head(socket).await;
    let end = read
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    let mut body = read.split_off(end);
    let head = String::from_utf8(read).unwrap().to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let is_whole = |body: &[u8]| match length {
        Some(length) => body.len() >= length.parse().unwrap(),
        None => body.ends_with(b"\r\n0\r\n\r\n"),
    };
    while !is_whole(&body) {
        assert_ne!(
            socket.read_buf(&mut body).await.unwrap(),
            0,
            "the request was cut"
        );
    }
    (head, body)
}

async fn answer(socket: &mut TcpStream, status: &str, body: &str) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    socket.write_all((head + body).as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_stream_goes_out_under_its_length_or_else_in_chunks() {
    for length in [Some(300_000), None] {
        let (listener, address) = world::listen().await;
        let (sender, upload) = handed(length);
        let call = tokio::spawn(client(address).files().upload(upload));
        let feed = tokio::spawn(async move {
            for _ in 0..3 {
                sender.send(Ok(vec![b'x'; 100_000].into())).await.unwrap();
            }
        });
        let (mut socket, _) = listener.accept().await.unwrap();
        let (head, body) = request(&mut socket).await;
        assert!(head.starts_with("post /v1/files http/1.1"), "{head}");
        assert_eq!(
            head.contains("transfer-encoding: chunked"),
            length.is_none(),
            "{head}"
        );
        assert_eq!(body.split(|byte| *byte == b'x').count() - 1, 300_000);
        answer(&mut socket, "200 OK", FILE).await;
        feed.await.unwrap();
        assert_eq!(call.await.unwrap().unwrap().id, "file_1");
    }
}

#[tokio::test]
async fn a_file_in_memory_that_was_refused_goes_out_again_byte_for_byte() {
    let (listener, address) = world::listen().await;
    let content: Bytes = (0..=255).cycle().take(500_000).collect();
    let upload = Upload::bytes("a.bin", content);
    let call = tokio::spawn(client(address).files().upload(upload));
    let (mut socket, _) = listener.accept().await.unwrap();
    let (_, first) = request(&mut socket).await;
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#;
    answer(&mut socket, "529 Overloaded", error).await;
    let (_, second) = request(&mut socket).await;
    answer(&mut socket, "200 OK", FILE).await;
    assert_eq!(call.await.unwrap().unwrap().meta.attempts.len(), 2);
    assert!(first == second, "the second upload differs");
}

#[tokio::test]
async fn a_refusal_before_the_body_is_through_is_heard_and_a_stream_not_sent_again() {
    let (listener, address) = world::listen().await;
    let (sender, upload) = handed(None);
    let call = tokio::spawn(client(address).files().upload(upload));
    sender.send(Ok(Bytes::from_static(b"begun"))).await.unwrap();
    let (mut socket, _) = listener.accept().await.unwrap();
    world::head(&mut socket).await;
    let error = r#"{"type":"error","error":{"type":"rate_limit_error","message":"x"}}"#;
    answer(&mut socket, "429 Too Many Requests", error).await;
    let error = within(Duration::from_secs(5), call)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::RateLimited, Stopped::NotReplayable)
    );
    let again = within(Duration::from_millis(200), listener.accept()).await;
    assert!(again.is_none(), "it was sent again");
}

#[tokio::test]
async fn a_stream_that_met_a_closed_port_is_sent_whole_once_the_port_is_open() {
    let (listener, address) = world::listen().await;
    drop(listener);
    let (sender, upload) = handed(Some(7));
    let call = tokio::spawn(client(address).files().upload(upload));
    pause(Duration::from_millis(30)).await;
    let listener = TcpListener::bind(address).await.unwrap();
    let (mut socket, _) = within(Duration::from_secs(5), listener.accept())
        .await
        .unwrap()
        .unwrap();
    sender
        .send(Ok(Bytes::from_static(b"content")))
        .await
        .unwrap();
    drop(sender);
    let (_, body) = request(&mut socket).await;
    assert!(body.windows(7).any(|part| part == b"content"));
    answer(&mut socket, "200 OK", FILE).await;
    assert!(call.await.unwrap().unwrap().meta.attempts.len() > 1);
}

#[tokio::test]
async fn a_source_that_fails_cuts_the_request_and_is_the_callers_fault() {
    for (chunks, length) in [
        (
            vec![
                Ok(Bytes::from_static(b"begun")),
                Err(std::io::Error::other("disk on fire")),
            ],
            None,
        ),
        (vec![Ok(Bytes::from_static(b"short"))], Some(7)),
        (vec![Ok(Bytes::from_static(b"too long"))], Some(7)),
    ] {
        let (listener, address) = world::listen().await;
        let (sender, upload) = handed(length);
        let call = tokio::spawn(client(address).files().upload(upload));
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut read = Vec::new();
            let _ = socket.read_to_end(&mut read).await;
            read
        });
        for chunk in chunks {
            let _ = sender.send(chunk).await;
        }
        drop(sender);
        let error = within(Duration::from_secs(5), call)
            .await
            .unwrap()
            .unwrap()
            .unwrap_err();
        assert_eq!(
            (error.category(), error.kind()),
            (Category::Local, ErrorKind::InvalidConfig)
        );
        let read = within(Duration::from_secs(5), server)
            .await
            .unwrap()
            .unwrap();
        // Whoever reads this has no end to take for one.
        assert!(!read.ends_with(b"--\r\n") && !read.ends_with(b"0\r\n\r\n"));
    }
}

/// What came before the fault may be all that the server waits for.
#[tokio::test]
async fn of_a_body_whose_source_failed_when_some_of_it_had_left_nobody_claims_that_nothing_was_sent()
 {
    for length in [None, Some(5), Some(1_000)] {
        let (listener, address) = world::listen().await;
        let (sender, upload) = handed(length);
        let call = tokio::spawn(client(address).files().upload(upload));
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut read = world::head(&mut socket).await;
        sender.send(Ok(Bytes::from_static(b"begun"))).await.unwrap();
        while !read.windows(5).any(|part| part == b"begun") {
            assert_ne!(socket.read_buf(&mut read).await.unwrap(), 0, "it was cut");
        }
        let fault = Err(std::io::Error::other("disk on fire"));
        sender.send(fault).await.unwrap();
        let error = within(Duration::from_secs(5), call)
            .await
            .unwrap()
            .unwrap()
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.delivery()),
            (ErrorKind::InvalidConfig, Delivery::Unknown),
            "of {length:?}"
        );
    }
}

#[tokio::test]
async fn a_source_that_goes_on_behind_its_length_is_not_sent_as_if_that_were_all_of_it() {
    for transport in [world::transport(), world::h2c()] {
        let reply = evenkeel_simulator::Reply::message("half a file");
        let scenario = evenkeel_simulator::Scenario::script(vec![reply]);
        let simulator = evenkeel_simulator::Simulator::start(scenario)
            .await
            .unwrap();
        let (sender, receiver) = mpsc::channel(2);
        let source = Handed(receiver);
        let mut request = world::request(simulator.base_url());
        let body = std::mem::take(&mut request.body);
        // The whole of a request, and then some.
        let length = body.len() as u64;
        for chunk in [body, Bytes::from_static(b"12345")] {
            sender.send(Ok(chunk)).await.unwrap();
        }
        drop(sender);
        request.stream = Some(StreamBody::once(source, Some(length)));
        let error = world::exchange(&transport, request).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.delivery()),
            (ErrorKind::InvalidConfig, Delivery::Unknown)
        );
        assert_eq!(
            error.message(),
            Some("body has more bytes than its length says")
        );
    }
}

#[tokio::test]
async fn a_body_whose_source_fails_before_there_is_a_connection_was_not_sent() {
    let (listener, address) = world::listen().await;
    drop(listener);
    let (sender, upload) = handed(None);
    let fault = Err(std::io::Error::other("disk on fire"));
    sender.send(fault).await.unwrap();
    let calls = client(address).files().attempts(1);
    let error = calls.upload(upload).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::Connection, Delivery::NotSent)
    );
}

#[tokio::test]
async fn an_upload_that_is_dropped_closes_its_connection_and_drops_its_source() {
    let (listener, address) = world::listen().await;
    let (sender, upload) = handed(None);
    let call = tokio::spawn(client(address).files().upload(upload));
    sender.send(Ok(Bytes::from_static(b"begun"))).await.unwrap();
    let (mut socket, _) = listener.accept().await.unwrap();
    world::head(&mut socket).await;
    call.abort();
    let _ = call.await;
    let closing = world::closed(&mut socket);
    assert!(within(Duration::from_millis(200), closing).await.is_some());
    assert!(
        within(Duration::from_millis(200), sender.closed())
            .await
            .is_some()
    );
}

#[tokio::test]
async fn a_download_that_is_cut_is_no_file() {
    let (listener, address) = world::listen().await;
    let server = tokio::spawn(async move {
        for length in [7, 9] {
            let (mut socket, _) = listener.accept().await.unwrap();
            world::head(&mut socket).await;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            socket.write_all(head.as_bytes()).await.unwrap();
            socket.write_all(b"content").await.unwrap();
        }
    });
    let client = client(address);
    let whole = client.files().download("file_1").await.unwrap();
    assert_eq!(whole.length(), Some(7));
    assert_eq!(&whole.collect().await.unwrap().value[..], b"content");
    let mut cut = client.files().download("file_1").await.unwrap();
    let mut read = Vec::new();
    let error = loop {
        match poll_fn(|cx| Pin::new(&mut cut).poll_next(cx)).await {
            Some(Ok(bytes)) => read.extend_from_slice(&bytes),
            Some(Err(error)) => break error,
            None => panic!("half a file was taken for whole"),
        }
    };
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::Interrupted, Stopped::Released)
    );
    assert_eq!(read, b"content");
    server.await.unwrap();
}

#[tokio::test]
async fn a_post_without_a_body_says_that_it_has_none() {
    let (listener, address) = world::listen().await;
    let call = tokio::spawn(client(address).batches().cancel("msgbatch_1"));
    let (mut socket, _) = listener.accept().await.unwrap();
    let (head, body) = request(&mut socket).await;
    assert!(
        head.starts_with("post /v1/messages/batches/msgbatch_1/cancel "),
        "{head}"
    );
    assert!(
        head.contains("content-length: 0") && body.is_empty(),
        "{head}"
    );
    let batch = r#"{"type":"message_batch","id":"msgbatch_1","processing_status":"canceling","request_counts":{}}"#;
    answer(&mut socket, "200 OK", batch).await;
    call.await.unwrap().unwrap();
}
