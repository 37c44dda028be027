use std::time::SystemTime;

use bytes::Bytes;
use evenkeel_error::Facts;
use evenkeel_messages::{Accumulator, Decoder, End, Message, StreamEvent, Verdict};

/// Replies as the API sends them, and one as a later API might.
pub(crate) const FIXTURES: [(&str, &str); 7] = [
    ("text", TEXT),
    ("tools", TOOLS),
    ("thinking", THINKING),
    ("server-tools", SERVER_TOOLS),
    ("refusal", REFUSAL),
    ("grown", GROWN),
    ("citations", CITATIONS),
];

pub(crate) const TEXT: &str = include_str!("fixtures/text.sse");
pub(crate) const TOOLS: &str = include_str!("fixtures/tools.sse");
pub(crate) const THINKING: &str = include_str!("fixtures/thinking.sse");
pub(crate) const SERVER_TOOLS: &str = include_str!("fixtures/server-tools.sse");
pub(crate) const REFUSAL: &str = include_str!("fixtures/refusal.sse");
pub(crate) const CITATIONS: &str = include_str!("fixtures/citations.sse");
pub(crate) const GROWN: &str = include_str!("fixtures/grown.sse");

pub(crate) fn facts() -> Facts {
    let mut headers = http::HeaderMap::new();
    headers.insert(
        "request-id",
        http::HeaderValue::from_static("req_011CSHoEeqs5C35K2UUqR7Fy"),
    );
    Facts::read(200, &headers, SystemTime::UNIX_EPOCH)
}

/// Drives decoder and accumulator over `chunks`, as a client would.
pub(crate) fn drive<C: AsRef<[u8]>>(chunks: impl IntoIterator<Item = C>) -> (Accumulator, End) {
    let mut decoder = Decoder::new(facts());
    let mut accumulator = Accumulator::new(facts());
    for chunk in chunks {
        decoder.feed(Bytes::copy_from_slice(chunk.as_ref()));
        while let Some(event) = decoder.next_event() {
            match event {
                Ok(StreamEvent::Error(error)) | Err(error) => {
                    return (accumulator, End::Failed(error));
                }
                Ok(event) => accumulator.push(&event),
            }
        }
    }
    (accumulator, End::Eof)
}

pub(crate) fn verdict(stream: &str) -> Verdict {
    let (accumulator, end) = drive([stream.as_bytes()]);
    accumulator.end(end)
}

pub(crate) fn message(stream: &str) -> Message {
    verdict(stream)
        .into_result()
        .expect("the stream is complete")
}

/// Only the head of a stream, so that rows of tests can go on from it.
pub(crate) fn after_head(rest: &str) -> String {
    let head = TEXT.split_inclusive("\n\n").next().expect("a first event");
    format!("{head}{rest}")
}

/// One frame with the name that its data says.
pub(crate) fn frame(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}
