//! A generated message, whole or as the events of a stream.

use serde::Serialize;

use crate::dice::Dice;
use crate::ids;
use crate::request::MessagesRequest;
use crate::sse::{SseEvent, Tally};
use crate::tokens;

/// A message as JSON: whole, or just begun as in `message_start`.
#[derive(Debug, Serialize)]
pub(crate) struct Shape<'a> {
    model: &'a str,
    id: &'a str,
    r#type: &'static str,
    role: &'static str,
    content: Vec<Block<'a>>,
    stop_reason: Option<&'a str>,
    stop_sequence: Option<&'a str>,
    usage: Usage,
}

#[derive(Debug, Serialize)]
struct Block<'a> {
    r#type: &'static str,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct Usage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation: CacheCreation,
    output_tokens: u64,
    service_tier: &'static str,
}

#[derive(Debug, Default, Serialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

impl<'a> Shape<'a> {
    /// Before anything is generated; the API counts one output token then.
    pub(crate) fn begun(id: &'a str, model: &'a str, input_tokens: u64) -> Self {
        let usage = Usage {
            input_tokens,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 0,
            cache_creation: CacheCreation::default(),
            output_tokens: 1,
            service_tier: "standard",
        };
        Self {
            model,
            id,
            r#type: "message",
            role: "assistant",
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage,
        }
    }

    /// The same when it is done.
    fn ended(mut self, text: &'a str, stop_reason: &'a str, output_tokens: u64) -> Self {
        if !text.is_empty() {
            self.content.push(Block {
                r#type: "text",
                text,
            });
        }
        self.stop_reason = Some(stop_reason);
        self.usage.output_tokens = output_tokens;
        self
    }
}

/// `message_start`, `ping` and `content_block_start`.
const EVENTS_BEFORE_TEXT: usize = 3;

/// A message as generated for one request.
#[derive(Debug)]
pub(crate) struct Message {
    id: String,
    model: String,
    deltas: Vec<String>,
    stop_reason: &'static str,
    input_tokens: u64,
    output_tokens: u64,
}

impl Message {
    /// Answers `request` with `text`, or with as much of it as `max_tokens` allows.
    pub(crate) fn compose(text: &str, request: &MessagesRequest, dice: &mut Dice) -> Self {
        let all = tokens::tokens(text);
        let most = usize::try_from(request.max_tokens).unwrap_or(usize::MAX);
        let (said, stop_reason) = match all.get(..most) {
            Some(said) if said.len() < all.len() => (said, "max_tokens"),
            _ => (all.as_slice(), "end_turn"),
        };
        Self {
            id: ids::message_id(dice),
            model: request.model.clone(),
            deltas: tokens::deltas(said, dice),
            stop_reason,
            input_tokens: request.input_tokens,
            output_tokens: said.len() as u64,
        }
    }

    pub(crate) fn output_tokens(&self) -> u64 {
        self.output_tokens
    }

    /// How many output tokens are in the first events of its stream.
    pub(crate) fn output_tokens_of(&self, events: usize) -> u64 {
        let deltas = events.saturating_sub(EVENTS_BEFORE_TEXT);
        let said: String = self
            .deltas
            .iter()
            .take(deltas)
            .map(String::as_str)
            .collect();
        tokens::tokens(&said).len() as u64
    }

    /// As the body of a plain reply.
    pub(crate) fn json(&self) -> String {
        let text = self.deltas.concat();
        let shape = self
            .begun()
            .ended(&text, self.stop_reason, self.output_tokens);
        serde_json::to_string(&shape).unwrap_or_default()
    }

    /// As a stream: start, ping, one text block in pieces, delta with the final usage, stop.
    pub(crate) fn events(&self) -> Vec<SseEvent> {
        let mut events = vec![SseEvent::message_starts(&self.begun()), SseEvent::ping()];
        if !self.deltas.is_empty() {
            events.push(SseEvent::text_start(0));
            events.extend(self.deltas.iter().map(|text| SseEvent::text_delta(0, text)));
            events.push(SseEvent::block_stop(0));
        }
        let usage = Tally {
            input_tokens: Some(self.input_tokens),
            cache_creation_input_tokens: Some(0),
            cache_read_input_tokens: Some(0),
            output_tokens: self.output_tokens,
        };
        events.push(SseEvent::message_ends(self.stop_reason, usage));
        events.push(SseEvent::message_stop());
        events
    }

    fn begun(&self) -> Shape<'_> {
        Shape::begun(&self.id, &self.model, self.input_tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Form;

    fn request(max_tokens: u64) -> MessagesRequest {
        let model = "claude-sonnet-5-5".to_owned();
        MessagesRequest {
            model,
            max_tokens,
            form: Form::Stream,
            input_tokens: 9,
        }
    }

    fn text(events: &[SseEvent]) -> String {
        events
            .iter()
            .map(|event| String::from_utf8_lossy(event.bytes()).into_owned())
            .collect()
    }

    #[test]
    fn a_whole_message_is_the_json_of_the_api() {
        let message = Message::compose("Hi there", &request(50), &mut Dice::new(0, 1));
        assert_eq!(
            message.json(),
            format!(
                r#"{{"model":"claude-sonnet-5-5","id":"{}","type":"message","role":"assistant","content":[{{"type":"text","text":"Hi there"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0}},"output_tokens":3,"service_tier":"standard"}}}}"#,
                message.id
            )
        );
    }

    #[test]
    fn a_stream_has_the_grammar_of_the_api() {
        let message = Message::compose("Hello, dear world", &request(50), &mut Dice::new(0, 1));
        let events = text(&message.events());
        let names: Vec<_> = events
            .lines()
            .filter_map(|line| line.strip_prefix("event: "))
            .collect();
        assert_eq!(names[..3], ["message_start", "ping", "content_block_start"]);
        let tail = names.len() - 3;
        assert!(
            names[3..tail]
                .iter()
                .all(|name| *name == "content_block_delta")
        );
        assert_eq!(
            names[tail..],
            ["content_block_stop", "message_delta", "message_stop"]
        );
        assert!(events.contains(r#""usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":5}"#));
    }

    #[test]
    fn max_tokens_cuts_the_answer_and_is_its_stop_reason() {
        let message = Message::compose("Hello, dear world", &request(2), &mut Dice::new(0, 1));
        assert!(
            message.json().contains(r#""text":"Hello,""#),
            "{}",
            message.json()
        );
        assert!(message.json().contains(r#""stop_reason":"max_tokens""#));
        let nothing = Message::compose("Hello", &request(0), &mut Dice::new(0, 1));
        assert!(
            nothing
                .json()
                .contains(r#""content":[],"stop_reason":"max_tokens""#)
        );
    }

    #[test]
    fn the_part_before_an_error_costs_what_is_in_it() {
        let message = Message::compose("Hello, dear world", &request(50), &mut Dice::new(0, 1));
        assert_eq!(
            [0, 1, 3].map(|events| message.output_tokens_of(events)),
            [0, 0, 0]
        );
        let first = tokens::tokens(&message.deltas[0]).len() as u64;
        assert_eq!(message.output_tokens_of(4), first);
        assert_eq!(message.output_tokens_of(1_000), message.output_tokens());
    }

    #[test]
    fn an_answer_that_just_fits_is_whole() {
        let message = Message::compose("Hello, dear world", &request(5), &mut Dice::new(0, 1));
        assert!(message.json().contains(r#""stop_reason":"end_turn""#));
    }
}
