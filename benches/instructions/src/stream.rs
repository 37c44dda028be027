//! Framing, typing and accumulating a stream.

use std::hint::black_box;
use std::time::SystemTime;

use bytes::Bytes;
use evenkeel_error::Facts;
use evenkeel_messages::sse::SseDecoder;
use evenkeel_messages::{Accumulator, Decoder, End};

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "stream/frame_a_reply_of_100_events",
        runs: 20,
        run: frame,
    },
    Case {
        name: "stream/accumulate_a_reply_of_100_events",
        runs: 20,
        run: owned,
    },
    Case {
        name: "stream/accumulate_the_same_one_event_a_chunk",
        runs: 20,
        run: one_event_a_chunk,
    },
    Case {
        name: "stream/accumulate_the_same_borrowed",
        runs: 20,
        run: borrowed,
    },
];

const HEAD: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-5-5\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n\
event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
const DELTA: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" again and\"}}\n\n";
const END: &str = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2000}}\n\n\
event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn reply() -> Bytes {
    [HEAD, &DELTA.repeat(95), END].concat().into()
}

fn facts() -> Facts {
    Facts::read(200, &http::HeaderMap::new(), SystemTime::UNIX_EPOCH)
}

fn frame(runs: u32) {
    let reply = reply();
    for _ in 0..runs {
        let mut decoder = SseDecoder::new();
        decoder.feed(black_box(reply.clone()));
        while let Some(Ok(frame)) = decoder.next_frame() {
            black_box(frame);
        }
    }
}

fn collect(chunks: impl Iterator<Item = Bytes>) {
    let mut decoder = Decoder::new(facts());
    let mut accumulator = Accumulator::new(facts());
    for chunk in chunks {
        decoder.feed(black_box(chunk));
        while let Some(Ok(event)) = decoder.next_event() {
            accumulator.push(&event);
        }
    }
    _ = black_box(accumulator.end(End::Eof));
}

fn owned(runs: u32) {
    let reply = reply();
    for _ in 0..runs {
        collect(std::iter::once(reply.clone()));
    }
}

fn one_event_a_chunk(runs: u32) {
    let reply = String::from_utf8_lossy(&reply()).into_owned();
    let chunks: Vec<Bytes> = reply
        .split_inclusive("\n\n")
        .map(|event| Bytes::from(event.to_owned()))
        .collect();
    for _ in 0..runs {
        collect(chunks.iter().cloned());
    }
}

fn borrowed(runs: u32) {
    let reply = reply();
    for _ in 0..runs {
        let mut decoder = Decoder::new(facts());
        let mut accumulator = Accumulator::new(facts());
        decoder.feed(black_box(reply.clone()));
        while let Some(Ok(event)) = decoder.next_ref() {
            accumulator.push_ref(&event);
        }
        _ = black_box(accumulator.end(End::Eof));
    }
}
