use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evenkeel::{Client, ErrorKind, MessageRequest, Stopped};
use evenkeel_simulator::{Ending, Reply, Scenario, Simulator};
use evenkeel_tests::within;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

fn request() -> MessageRequest {
    MessageRequest::new("claude-sonnet-5-5", 256).user(crate::world::PROMPT)
}

fn client(base_url: &str) -> Client {
    crate::overheard::listen();
    Client::builder()
        .base_url(base_url)
        .api_key("sk-ant-planted")
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_redirect_to_another_origin_takes_neither_key_nor_prompt_there() {
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/v1/messages", trap.local_addr().unwrap());
    let redirect = Reply::raw(307).header("location", target);
    let simulator = Simulator::start(Scenario::script(vec![redirect]))
        .await
        .unwrap();
    let error = client(simulator.base_url())
        .messages()
        .create(request())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(simulator.journal().len(), 1);
    let visited = within(Duration::from_millis(100), trap.accept()).await;
    assert!(visited.is_none(), "something reached the trap");
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection_within_the_fifth_of_a_second() {
    let slow = Reply::message("never").pause_before_head(Duration::from_secs(30));
    let simulator = Simulator::start(Scenario::script(vec![slow]))
        .await
        .unwrap();
    let call = tokio::spawn({
        let messages = client(simulator.base_url()).messages();
        async move { messages.create(request()).await }
    });
    let seen = async {
        while simulator.journal().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    within(Duration::from_secs(5), seen)
        .await
        .expect("the request arrives");
    call.abort();
    let closed = async {
        while simulator.journal()[0].ending != Ending::Abandoned {
            tokio::task::yield_now().await;
        }
    };
    within(Duration::from_millis(200), closed)
        .await
        .expect("the server sees the close");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut sink = [0; 4096];
        while socket.read(&mut sink).await.is_ok_and(|read| read > 0) {}
    });
    let calls = client(&url).messages().deadline(Duration::from_millis(200));
    let error = calls.create(request()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::DeadlineExceeded, Stopped::Deadline)
    );
    assert!(
        error.elapsed() < Duration::from_secs(1),
        "{:?}",
        error.elapsed()
    );
    within(Duration::from_secs(1), server)
        .await
        .expect("and its connection is closed")
        .unwrap();
}

#[tokio::test]
async fn an_error_body_that_is_cut_keeps_status_id_and_hint() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut sink = [0; 4096];
        let _ = socket.read(&mut sink).await.unwrap();
        let head = "HTTP/1.1 429 Too Many Requests\r\nrequest-id: req_cut\r\nretry-after: 9000\r\n\
                    content-length: 900\r\n\r\n{\"type\":\"error\",\"err";
        socket.write_all(head.as_bytes()).await.unwrap();
    });
    let error = client(&url).messages().create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.status(), Some(429));
    assert_eq!(error.request_id(), Some("req_cut"));
    assert_eq!(
        error.failure().retry_after(),
        Some(Duration::from_mins(150))
    );
    server.await.unwrap();
}

#[tokio::test]
async fn the_connection_of_a_finished_stream_is_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let server = tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            // Beside each other: a second connection must fail the count, not hang the test.
            tokio::spawn(answer_for_ever(socket));
        }
    });
    let client = client(&url);
    for _ in 0..10 {
        client.messages().create(request()).await.unwrap();
        let mut stream = client.messages().stream(request()).await.unwrap();
        while stream.next().await.is_some() {}
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    server.abort();
}

/// Answers each request of a connection with a whole message, its last chunk a moment late.
async fn answer_for_ever(mut socket: TcpStream) {
    let body = evenkeel_tests::events::whole("hello");
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("{head}{:x}\r\n{body}\r\n", body.len());
    let mut request = Vec::new();
    loop {
        request.clear();
        // The request ends with the JSON object that is its body.
        while !request.ends_with(b"}") {
            if socket.read_buf(&mut request).await.unwrap_or(0) == 0 {
                return;
            }
        }
        socket.write_all(chunk.as_bytes()).await.unwrap();
        tokio::task::yield_now().await;
        socket.write_all(b"0\r\n\r\n").await.unwrap();
    }
}
