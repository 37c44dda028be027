//! The same call without a socket: what the layers of the client cost over sending and decoding by hand, on a transport
//! that has the reply at hand.

use std::time::SystemTime;

use bytes::Bytes;
use evenkeel_messages::{Message, MessageRequest, Streaming};
use evenkeel_transport::{Body, BoxFuture, Request, Response, Transport};
use http::{HeaderMap, HeaderValue};
use peers_server::MESSAGE;

use crate::contenders::{Call, KEY, MODEL, PROMPT, api, composed};

#[derive(Clone)]
struct Scripted;

impl Transport for Scripted {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, evenkeel::error::Error>> {
        let mut headers = HeaderMap::with_capacity(2);
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let facts = evenkeel::error::Facts::read(200, &headers, SystemTime::UNIX_EPOCH);
        let body = Body::from_bytes(Bytes::from_static(MESSAGE.as_bytes()));
        Box::pin(std::future::ready(Ok(Response::new(facts, headers, body))))
    }
}

fn asked() -> MessageRequest {
    MessageRequest::new(MODEL, 1024).user(PROMPT)
}

/// Writes the request, sends it, decodes the reply.
pub fn by_hand() -> Call {
    let api = api("http://127.0.0.1:1");
    Box::new(move || {
        let body = asked().to_body(Streaming::Off).expect("it is JSON");
        let request = composed(&api, body);
        Box::pin(async move {
            let mut response = Scripted.send(request).await.expect("a reply");
            let body = response.body.chunk().await.expect("a chunk").expect("no fault");
            let message = Message::from_json(&body, &response.facts);
            message.expect("a message").text().len()
        })
    })
}

/// The client does.
pub fn all_layers() -> Call {
    let client = evenkeel::Client::with_transport(Scripted)
        .base_url("http://127.0.0.1:1")
        .api_key(KEY)
        .build()
        .expect("the defaults");
    Box::new(move || {
        let call = client.messages().fetch(evenkeel::Fetch::Plain).create(asked());
        Box::pin(async move { call.await.expect("a reply").text().len() })
    })
}
