//! Server-sent events, as the API writes them.

use bytes::Bytes;

use crate::answer::Stop;
use crate::block::quoted;
use crate::envelope::Envelope;
use crate::message;
use crate::usage::{Input, Usage};

/// One event of a scripted stream: well-formed, or any bytes at all.
///
/// ```
/// use evenkeel_simulator::SseEvent;
///
/// assert_eq!(SseEvent::ping().bytes(), b"event: ping\ndata: {\"type\": \"ping\"}\n\n");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    bytes: Bytes,
}

impl SseEvent {
    /// An event with this name and this data. Data of several lines becomes several `data:` lines.
    #[must_use]
    pub fn new(name: &str, data: &str) -> Self {
        let mut text = format!("event: {name}\n");
        for line in data.split('\n') {
            text.push_str("data: ");
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
        Self { bytes: text.into() }
    }

    /// These bytes, sent as they are: for whatever a well-formed event cannot be.
    #[must_use]
    pub fn verbatim(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: Bytes::from(bytes.into()),
        }
    }

    /// `message_start` of an empty message by `model`, with the id `msg_simulated`.
    #[must_use]
    pub fn message_start(model: &str) -> Self {
        let usage = Usage {
            input: Input::fresh(12),
            output_tokens: 1,
            ..Usage::default()
        };
        Self::message_starts(&message::begun("msg_simulated", model, usage))
    }

    /// `ping`, which may come anywhere.
    #[must_use]
    pub fn ping() -> Self {
        Self::new("ping", r#"{"type": "ping"}"#)
    }

    /// `content_block_start` of a text block.
    #[must_use]
    pub fn text_start(index: u32) -> Self {
        Self::block_start(index, r#"{"type":"text","text":""}"#)
    }

    /// `content_block_delta` with a piece of text.
    #[must_use]
    pub fn text_delta(index: u32, text: &str) -> Self {
        let text = quoted(text);
        Self::block_delta(index, &format!(r#"{{"type":"text_delta","text":{text}}}"#))
    }

    /// `content_block_start` of any block, given as JSON.
    #[must_use]
    pub fn block_start(index: u32, block: &str) -> Self {
        Self::new(
            "content_block_start",
            &format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#),
        )
    }

    /// `content_block_delta` of any kind, given as JSON.
    #[must_use]
    pub fn block_delta(index: u32, delta: &str) -> Self {
        Self::new(
            "content_block_delta",
            &format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#),
        )
    }

    /// `content_block_stop`.
    #[must_use]
    pub fn block_stop(index: u32) -> Self {
        Self::new(
            "content_block_stop",
            &format!(r#"{{"type":"content_block_stop","index":{index}}}"#),
        )
    }

    /// `message_delta` with a stop reason and the output tokens so far.
    #[must_use]
    pub fn message_delta(stop_reason: &str, output_tokens: u64) -> Self {
        let stop = message::stopped(&Stop::Reason(stop_reason.to_owned()));
        Self::message_ends(&stop, &format!(r#"{{"output_tokens":{output_tokens}}}"#))
    }

    /// `message_stop`, the last event of a whole stream.
    #[must_use]
    pub fn message_stop() -> Self {
        Self::new("message_stop", r#"{"type":"message_stop"}"#)
    }

    /// `error`, after which the API sends nothing more. Without a request id.
    #[must_use]
    pub fn error(error_type: &str, message: &str) -> Self {
        Self::new("error", &Envelope::new(error_type, message, None).json())
    }

    /// What goes over the wire.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    pub(crate) fn message_starts(message: &str) -> Self {
        Self::new(
            "message_start",
            &format!(r#"{{"type":"message_start","message":{message}}}"#),
        )
    }

    pub(crate) fn message_ends(stopped: &str, usage: &str) -> Self {
        Self::new(
            "message_delta",
            &format!(r#"{{"type":"message_delta","delta":{{{stopped}}},"usage":{usage}}}"#),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(event: &SseEvent) -> &str {
        std::str::from_utf8(event.bytes()).unwrap()
    }

    #[test]
    fn events_are_written_as_the_api_writes_them() {
        assert_eq!(
            text(&SseEvent::text_start(0)),
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\
             \"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
        );
        assert_eq!(
            text(&SseEvent::text_delta(1, "a\"b\n")),
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\
             \"delta\":{\"type\":\"text_delta\",\"text\":\"a\\\"b\\n\"}}\n\n"
        );
        assert_eq!(
            text(&SseEvent::message_delta("end_turn", 7)),
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":\
             {\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":7}}\n\n"
        );
        assert_eq!(
            text(&SseEvent::error("overloaded_error", "Overloaded")),
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\
             \"message\":\"Overloaded\",\"details\":null}}\n\n"
        );
    }

    #[test]
    fn data_of_several_lines_stays_one_event() {
        assert_eq!(
            text(&SseEvent::new("x", "a\nb")),
            "event: x\ndata: a\ndata: b\n\n"
        );
    }
}
