//! What several benches need: a reply that is in memory, and a transport that hands it out.

use std::time::SystemTime;

use bytes::Bytes;
use evenkeel::error::{Error, Facts};
use evenkeel::transport::{Body, BoxFuture, Request, Response, Transport};
use http::{HeaderMap, HeaderValue};

/// Hands out the same stream for every request, without a socket.
#[derive(Clone, Debug)]
pub struct Canned {
    body: Bytes,
}

impl Canned {
    /// A transport whose every reply is `body`.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: body.into() }
    }

    /// The reply.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.body.clone()
    }
}

impl Transport for Canned {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let (facts, headers) = head();
        let response = Response::new(facts, headers, Body::from_bytes(self.body.clone()));
        Box::pin(std::future::ready(Ok(response)))
    }
}

/// The head of a stream.
#[must_use]
pub fn head() -> (Facts, HeaderMap) {
    let mut headers = HeaderMap::new();
    headers.insert(
        "content-type",
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert("request-id", HeaderValue::from_static("req_bench"));
    (Facts::read(200, &headers, SystemTime::UNIX_EPOCH), headers)
}

/// A stream of a short message, as the API sends it.
#[must_use]
pub fn short_message() -> String {
    let event = |name: &str, data: &str| format!("event: {name}\ndata: {data}\n\n");
    event(
        "message_start",
        r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":1}}}"#,
    ) + &event(
        "content_block_start",
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
    ) + &event(
        "content_block_delta",
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello there, all is well."}}"#,
    ) + &event(
        "content_block_stop",
        r#"{"type":"content_block_stop","index":0}"#,
    ) + &event(
        "message_delta",
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9}}"#,
    ) + &event("message_stop", r#"{"type":"message_stop"}"#)
}
