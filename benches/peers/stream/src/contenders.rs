//! Who is measured. Each says how many events it read.

use std::convert::Infallible;

use bytes::Bytes;
use evenkeel_messages::{Accumulator, Decoder, End};
use eventsource_stream::Eventsource as _;
use futures_util::stream::{self, Stream};
use futures_util::{FutureExt as _, StreamExt as _};
use serde::Deserialize;

use crate::replies::facts;

type Contender = fn(&[Bytes]) -> usize;

pub const ALL: [(&str, Contender); 6] = [
    ("evenkeel-messages", ours),
    ("evenkeel-messages, borrowed", ours_borrowed),
    ("eventsource-stream + serde", eventsource_stream_and_serde),
    ("sse-stream + serde", sse_stream_and_serde),
    ("claude-api", claude_api_own),
    ("crimson-crab", crimson_crab_own),
];

pub fn ours(chunks: &[Bytes]) -> usize {
    ours_over(&mut chunks.iter().cloned())
}

pub fn ours_over(chunks: &mut dyn Iterator<Item = Bytes>) -> usize {
    let mut decoder = Decoder::new(facts());
    let mut accumulator = Accumulator::new(facts());
    let mut events = 0;
    for chunk in chunks {
        decoder.feed(chunk);
        while let Some(event) = decoder.next_event() {
            accumulator.push(&event.expect("well formed"));
            events += 1;
        }
    }
    accumulator.end(End::Eof).into_result().expect("complete");
    events
}

pub fn ours_borrowed(chunks: &[Bytes]) -> usize {
    let mut decoder = Decoder::new(facts());
    let mut accumulator = Accumulator::new(facts());
    let mut events = 0;
    for chunk in chunks {
        decoder.feed(chunk.clone());
        while let Some(event) = decoder.next_ref() {
            accumulator.push_ref(&event.expect("well formed"));
            events += 1;
        }
    }
    accumulator.end(End::Eof).into_result().expect("complete");
    events
}

/// The types that a user would write by hand.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(dead_code)]
enum Event {
    MessageStart { message: Head },
    ContentBlockStart { index: u32, content_block: Block },
    ContentBlockDelta { index: u32, delta: Delta },
    ContentBlockStop { index: u32 },
    MessageDelta { delta: Conclusion, usage: Usage },
    MessageStop,
    Ping,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Head {
    id: String,
    model: String,
    usage: Usage,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(dead_code)]
enum Block {
    Text {
        text: String,
    },
    WebSearchToolResult {
        tool_use_id: String,
        content: Vec<Found>,
    },
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Found {
    url: String,
    title: String,
    encrypted_content: String,
    page_age: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(dead_code)]
enum Delta {
    TextDelta { text: String },
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Conclusion {
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Usage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

fn typed(data: &str) -> usize {
    let event: Event = serde_json::from_str(data).expect("typed");
    drop(std::hint::black_box(event));
    1
}

fn source(
    chunks: &[Bytes],
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + Unpin + 'static {
    stream::iter(chunks.to_vec().into_iter().map(Ok))
}

fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    stream.next().now_or_never().expect("never waits")
}

pub fn eventsource_stream_and_serde(chunks: &[Bytes]) -> usize {
    let mut frames = source(chunks).eventsource();
    let mut events = 0;
    while let Some(frame) = next(&mut frames) {
        events += typed(&frame.expect("a frame").data);
    }
    events
}

pub fn sse_stream_and_serde(chunks: &[Bytes]) -> usize {
    let mut frames = sse_stream::SseStream::from_bytes_stream(source(chunks));
    let mut events = 0;
    while let Some(frame) = next(&mut frames) {
        events += typed(&frame.expect("a frame").data.expect("data"));
    }
    events
}

/// What its client does with the body of a response: eventsource-stream, its types, its aggregator.
pub fn claude_api_own(chunks: &[Bytes]) -> usize {
    let mut frames = source(chunks).eventsource();
    let mut aggregator = claude_api::messages::stream::Aggregator::default();
    let mut events = 0;
    while let Some(frame) = next(&mut frames) {
        let data = frame.expect("a frame").data;
        let event: claude_api::messages::stream::StreamEvent =
            serde_json::from_str(&data).expect("typed");
        aggregator.handle(event).expect("aggregated");
        events += 1;
    }
    aggregator.finalize().expect("a message");
    events
}

pub fn crimson_crab_own(chunks: &[Bytes]) -> usize {
    let chunks = chunks.to_vec().into_iter().map(Ok);
    let mut stream = crimson_crab::streaming::MessageStream::from_byte_stream(stream::iter(chunks));
    let mut events = 0;
    while let Some(event) = next(&mut stream) {
        event.expect("typed");
        events += 1;
    }
    stream.final_message().expect("a message");
    events
}
