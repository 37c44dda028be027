//! One message of some 200 words, whole and as it comes piece by piece.

use std::fmt::Write as _;

/// Events of the streamed reply: one a word, and what frames them.
pub const EVENTS: usize = 200;

/// The head of the message and of its text, a ping, the end of both.
const FRAME: usize = 6;

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

fn words() -> impl Iterator<Item = &'static str> {
    WORDS.into_iter().cycle().take(EVENTS - FRAME)
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nrequest-id: req_011CSHoEeqs5C35K2UUqR7Fy\r\n\
                    date: Sun, 22 Nov 2026 12:00:00 GMT\r\nserver: cloudflare\r\n";

const USAGE: &str =
    r#""input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0"#;

pub fn plain() -> String {
    let text: String = words().collect();
    let body = format!(
        r#"{{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{{USAGE},"output_tokens":{EVENTS},"service_tier":"standard"}}}}"#
    );
    let length = body.len();
    format!("{HEAD}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// An HTTP chunk an event, as the API frames it; all of it written at once, so that what is timed is not how often
/// two threads wake each other.
pub fn streamed() -> String {
    let mut reply = format!(
        "{HEAD}content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let mut event = |name: &str, rest: &str| {
        let event = format!("event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n");
        let length = event.len();
        write!(reply, "{length:x}\r\n{event}\r\n").expect("a string takes it");
    };
    let message = format!(
        r#","message":{{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{{USAGE},"output_tokens":1,"service_tier":"standard"}}}}"#
    );
    event("message_start", &message);
    event(
        "content_block_start",
        r#","index":0,"content_block":{"type":"text","text":""}"#,
    );
    event("ping", "");
    for word in words() {
        event(
            "content_block_delta",
            &format!(r#","index":0,"delta":{{"type":"text_delta","text":"{word}"}}"#),
        );
    }
    event("content_block_stop", r#","index":0"#);
    let end = format!(
        r#","delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{{{USAGE},"output_tokens":{EVENTS}}}"#
    );
    event("message_delta", &end);
    event("message_stop", "");
    reply + "0\r\n\r\n"
}
