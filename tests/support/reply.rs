use std::time::Duration;

use evenkeel::Delivery;

/// What a [`Script`](crate::Script) answers to one request.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(crate) head: Head,
    pub(crate) pause: Duration,
    pub(crate) parts: Vec<Part>,
    pub(crate) ending: Ending,
}

#[derive(Clone, Debug)]
pub(crate) enum Head {
    Status {
        status: u16,
        headers: Vec<(&'static str, String)>,
    },
    Lost(Delivery),
    Never,
}

#[derive(Clone, Debug)]
pub(crate) enum Part {
    Bytes(Vec<u8>),
    Pause(Duration),
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As HTTP says that a body ends.
    Clean,
    /// The connection is lost.
    Cut,
    /// Nothing comes any more, and the connection stays.
    Silence,
}

impl Reply {
    /// A whole stream that says `text`.
    #[must_use]
    pub fn message(text: &str) -> Self {
        Self::stream().body(&events::whole(text))
    }

    /// A whole stream of these blocks that stops for this reason.
    #[must_use]
    pub fn turn(stop_reason: &str, blocks: &serde_json::Value) -> Self {
        Self::stream().body(&events::turn(stop_reason, blocks))
    }

    /// A 200 with an event stream for a body.
    #[must_use]
    pub fn stream() -> Self {
        Self::status(200).header("content-type", "text/event-stream")
    }

    /// A head with an empty body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let headers = vec![("request-id", "req_test".to_owned())];
        Self {
            head: Head::Status { status, headers },
            pause: Duration::ZERO,
            parts: Vec::new(),
            ending: Ending::Clean,
        }
    }

    /// The API's error envelope.
    #[must_use]
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        let body = format!(
            r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_test"}}"#
        );
        Self::status(status)
            .header("content-type", "application/json")
            .body(&body)
    }

    /// No response head: the connection fails.
    #[must_use]
    pub fn lost(delivery: Delivery) -> Self {
        Self {
            head: Head::Lost(delivery),
            ..Self::status(200)
        }
    }

    /// No response head, ever.
    #[must_use]
    pub fn never() -> Self {
        Self {
            head: Head::Never,
            ..Self::status(200)
        }
    }

    /// A header more.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Head::Status { headers, .. } = &mut self.head {
            headers.push((name, value.into()));
        }
        self
    }

    /// A piece of body more.
    #[must_use]
    pub fn body(mut self, text: &str) -> Self {
        self.parts.push(Part::Bytes(text.as_bytes().to_vec()));
        self
    }

    /// A piece of body more, of any bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.parts.push(Part::Bytes(bytes.to_vec()));
        self
    }

    /// A pause before the head.
    #[must_use]
    pub fn pause_before_head(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// A pause in the body.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.parts.push(Part::Pause(pause));
        self
    }

    /// How the body ends. Default: clean.
    #[must_use]
    pub fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }
}

/// One event as it stands on the wire.
#[must_use]
pub fn sse(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// Pieces of streams.
pub mod events {
    use serde_json::{Value, json};

    use super::sse;

    /// `message_start`.
    #[must_use]
    pub fn start() -> String {
        sse(
            "message_start",
            r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":1}}}"#,
        )
    }

    /// `ping`.
    #[must_use]
    pub fn ping() -> String {
        sse("ping", r#"{"type":"ping"}"#)
    }

    /// The start of a text block and one delta.
    #[must_use]
    pub fn text(text: &str) -> String {
        let start =
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
        let delta = format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}"#
        );
        sse("content_block_start", start) + &sse("content_block_delta", &delta)
    }

    /// The end of the text block.
    #[must_use]
    pub fn block_stop() -> String {
        sse(
            "content_block_stop",
            r#"{"type":"content_block_stop","index":0}"#,
        )
    }

    /// `message_delta` with a stop reason.
    #[must_use]
    pub fn stop_reason() -> String {
        sse(
            "message_delta",
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}"#,
        )
    }

    /// `message_delta` with this stop reason.
    #[must_use]
    pub fn stop_for(stop_reason: &str) -> String {
        let data = json!({
            "type": "message_delta",
            "delta": {"stop_reason": stop_reason, "stop_sequence": null},
            "usage": {"output_tokens": 5},
        });
        sse("message_delta", &data.to_string())
    }

    /// A whole block at its place: a call's input and a text come in deltas, all else at once.
    ///
    /// An input that is a string is streamed as it is, JSON or not.
    #[must_use]
    pub fn block(index: usize, block: &Value) -> String {
        let mut start = block.clone();
        let delta = match block["type"].as_str() {
            Some("text") => {
                start["text"] = json!("");
                Some(json!({"type": "text_delta", "text": block["text"]}))
            }
            Some("tool_use" | "server_tool_use") => {
                start["input"] = json!({});
                let input = &block["input"];
                let input = input
                    .as_str()
                    .map_or_else(|| input.to_string(), str::to_owned);
                Some(json!({"type": "input_json_delta", "partial_json": input}))
            }
            _ => None,
        };
        let start = json!({"type": "content_block_start", "index": index, "content_block": start});
        let delta = delta.map_or_else(String::new, |delta| {
            let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
            sse("content_block_delta", &delta.to_string())
        });
        let stop = json!({"type": "content_block_stop", "index": index});
        sse("content_block_start", &start.to_string())
            + &delta
            + &sse("content_block_stop", &stop.to_string())
    }

    /// A whole stream of these blocks.
    #[must_use]
    pub fn turn(stop_reason: &str, blocks: &Value) -> String {
        let blocks = blocks.as_array().expect("a list of blocks").iter();
        let blocks = blocks.enumerate().map(|(index, given)| block(index, given));
        start() + &blocks.collect::<String>() + &stop_for(stop_reason) + &stop()
    }

    /// `message_stop`.
    #[must_use]
    pub fn stop() -> String {
        sse("message_stop", r#"{"type":"message_stop"}"#)
    }

    /// An `error` event.
    #[must_use]
    pub fn error(kind: &str, message: &str) -> String {
        let data =
            format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#);
        sse("error", &data)
    }

    /// A whole stream.
    #[must_use]
    pub fn whole(said: &str) -> String {
        start() + &ping() + &text(said) + &block_stop() + &stop_reason() + &stop()
    }
}
