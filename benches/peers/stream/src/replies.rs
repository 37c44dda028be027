//! What is read: a reply of 2,000 events, and one event of a mebibyte.

use std::time::SystemTime;

use bytes::Bytes;
use evenkeel_error::Facts;

pub fn facts() -> Facts {
    Facts::read(200, &http::HeaderMap::new(), SystemTime::UNIX_EPOCH)
}

const HEAD: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-5-5\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":25,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":1}}}\n\n";
const START: &str = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
const STOP: &str =
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n";
const END: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":25,\"output_tokens\":2000}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

const WORDS: [&str; 8] = [
    " the",
    " quick",
    " brown",
    " fox\\n",
    " jumps",
    " \\\"over\\\"",
    " Zürich",
    " again.",
];

fn delta(text: &str) -> String {
    format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
    )
}

fn events() -> Vec<String> {
    let mut events = vec![HEAD.to_owned(), START.to_owned()];
    // Head, start, stop, two at the end.
    events.extend((0..1_995).map(|n| delta(WORDS[n % WORDS.len()])));
    events.push(STOP.to_owned());
    events.extend(END.split_inclusive("\n\n").map(str::to_owned));
    events
}

pub fn in_chunks(size: usize) -> Vec<Bytes> {
    cut(&events().concat(), size)
}

pub fn one_event_a_chunk() -> Vec<Bytes> {
    events().into_iter().map(Bytes::from).collect()
}

pub fn large_event(bytes: usize, chunk: usize) -> Vec<Bytes> {
    let text = "0123456789 abcde".repeat(bytes / 16);
    cut(&[HEAD, START, &delta(&text), STOP, END].concat(), chunk)
}

pub fn large_result(bytes: usize, chunk: usize) -> Vec<Bytes> {
    let found: Vec<_> = (0..8)
        .map(|n| {
            let page = "Eqgf0123456789ab".repeat(bytes / 16 / 8);
            format!("{{\"type\":\"web_search_result\",\"url\":\"https://example.com/{n}\",\"title\":\"Page\",\"encrypted_content\":\"{page}\",\"page_age\":null}}")
        })
        .collect();
    let start = format!(
        "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"srvtoolu_1\",\"content\":[{}]}}}}\n\n",
        found.join(",")
    );
    cut(&[HEAD, &start, STOP, END].concat(), chunk)
}

fn cut(stream: &str, size: usize) -> Vec<Bytes> {
    let stream = Bytes::from(stream.to_owned());
    (0..stream.len())
        .step_by(size)
        .map(|at| stream.slice(at..(at + size).min(stream.len())))
        .collect()
}
