//! Gzip over the wire: what goes out compressed, what comes back so, and what a small body can hide.

use bytes::{Bytes, BytesMut};
use evenkeel::error::{Delivery, ErrorKind};
use evenkeel::transport::{Body, Filled, Transport as _};
use http::HeaderValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::world::{self, exchange, gzipped, request};

/// Whole as HTTP frames it, in gzip as it says.
fn reply(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Answers one request so, and gives its head in lower case.
async fn serve(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
    let (listener, address) = world::listen().await;
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let head = world::head(&mut socket).await;
        // The client may have read enough before all is written.
        let _ = socket.write_all(&answer).await;
        world::closed(&mut socket).await;
        String::from_utf8_lossy(&head).to_lowercase()
    });
    (format!("http://{address}"), server)
}

#[tokio::test]
async fn a_reply_in_gzip_is_asked_for_and_read_where_the_builder_says_so_and_not_otherwise() {
    let text = "planted reply ".repeat(1000);
    for asked in [true, false] {
        let (url, server) = serve(reply(&gzipped(text.clone()))).await;
        let settings = world::settings();
        let settings = if asked {
            settings.accept_gzip()
        } else {
            settings
        };
        let transport = settings.build().unwrap();
        let (status, body) = exchange(&transport, request(&url)).await.unwrap();
        assert_eq!((status, body == text.as_bytes()), (200, asked));
        drop(transport);
        let head = world::soon(server).await.unwrap();
        assert_eq!(
            head.contains("\r\naccept-encoding: gzip\r\n"),
            asked,
            "{head}"
        );
        assert_eq!(head.contains("accept-encoding"), asked, "{head}");
    }
}

#[tokio::test]
async fn the_setting_is_the_facade_s_by_way_of_its_connections() {
    let reply = serde_json::json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5",
        "content": [{"type": "text", "text": "planted ".repeat(100)}], "stop_reason": "end_turn",
        "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1},
    });
    let (url, server) = serve(self::reply(&gzipped(reply.to_string()))).await;
    let client = evenkeel::Client::builder()
        .base_url(&url)
        .api_key(world::KEY)
        .connections(world::settings().accept_gzip())
        .build()
        .unwrap();
    let asked = evenkeel::MessageRequest::new("claude-sonnet-5-5", 64).user(world::PROMPT);
    let reply = client.messages().create(asked).await.unwrap();
    assert_eq!(reply.text(), "planted ".repeat(100));
    drop(client);
    assert!(
        world::soon(server)
            .await
            .unwrap()
            .contains("accept-encoding: gzip")
    );
}

async fn body_of(url: &str) -> Body {
    let transport = world::settings().accept_gzip().build().unwrap();
    transport.send(request(url)).await.unwrap().body
}

#[tokio::test]
async fn a_small_body_that_grows_without_end_is_read_to_the_limit_and_no_further() {
    // A thousandth of what it holds, as zeros compress.
    let bomb = gzipped(vec![0; 64 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024, "{}", bomb.len());
    let (url, server) = serve(reply(&bomb)).await;
    let mut body = body_of(&url).await;
    let mut bytes = BytesMut::new();
    let filled = world::soon(body.fill(&mut bytes, Body::ERROR_LIMIT)).await;
    assert!(matches!(filled, Filled::Full), "{filled:?}");
    assert_eq!(bytes.len(), Body::ERROR_LIMIT);
    // What is handed over at a time has a limit as well, so a reader who counts is in time.
    let chunk = world::soon(body.chunk()).await.unwrap().unwrap();
    assert!(chunk.len() <= 64 * 1024, "{}", chunk.len());
    drop(body);
    world::soon(server).await.unwrap();
}

#[tokio::test]
async fn a_gzip_stream_that_is_cut_is_interrupted_though_http_frames_it_as_whole() {
    let text: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let whole = gzipped(text.clone());
    for left in [whole.len() / 2, whole.len() - 1, 5] {
        let (url, _server) = serve(reply(&whole[..left])).await;
        let mut body = body_of(&url).await;
        let mut bytes = BytesMut::new();
        let filled = world::soon(body.fill(&mut bytes, Body::REPLY_LIMIT)).await;
        let Filled::Cut(error) = filled else {
            panic!("{left}: {filled:?}");
        };
        world::say(&error);
        assert_eq!(
            (error.kind(), error.delivery()),
            (ErrorKind::Interrupted, Delivery::Answered)
        );
        assert!(text.starts_with(&bytes), "what came is what was sent");
        assert_eq!(error.status(), Some(200), "the head is known");
    }
}

#[tokio::test]
async fn a_request_in_gzip_says_so_and_is_what_was_given_once_it_is_read() {
    let (listener, address) = world::listen().await;
    // Sends back what it was sent.
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut read = world::head(&mut socket).await;
        let at = read
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8_lossy(&read[..at]).to_lowercase();
        assert!(head.contains("content-encoding: gzip"), "{head}");
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        while read.len() < at + 4 + length {
            socket.read_buf(&mut read).await.unwrap();
        }
        let body = read.split_off(at + 4);
        socket.write_all(&reply(&body)).await.unwrap();
        body.len()
    });
    let mut request = request(&format!("http://{address}"));
    request.body = Bytes::from("planted prompt ".repeat(10_000));
    request
        .headers
        .insert("content-type", HeaderValue::from_static("application/json"));
    let plain = request.body.clone();
    let transport = world::settings().accept_gzip().build().unwrap();
    let (status, body) = exchange(&transport, request.gzip().gzip()).await.unwrap();
    assert_eq!((status, body == plain), (200, true));
    let sent = world::soon(server).await.unwrap();
    assert!(sent < plain.len() / 10, "{sent}");
}
