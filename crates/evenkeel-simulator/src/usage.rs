//! What an answer costs in tokens, as the API counts and writes it.

use crate::block::quoted;
use crate::request::{MessagesRequest, Speed};

/// The tokens of a request, by how they are billed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Input {
    /// Neither read from the cache nor written to it.
    pub(crate) fresh: u64,
    /// Written to the cache for five minutes.
    pub(crate) written_5m: u64,
    /// Written to the cache for an hour.
    pub(crate) written_1h: u64,
    /// Read from the cache.
    pub(crate) read: u64,
}

impl Input {
    pub(crate) fn fresh(tokens: u64) -> Self {
        Self {
            fresh: tokens,
            ..Self::default()
        }
    }

    pub(crate) fn written(self) -> u64 {
        self.written_5m + self.written_1h
    }

    /// What counts against input limits: all but what the cache had.
    pub(crate) fn limited(self) -> u64 {
        self.fresh + self.written()
    }
}

/// What a whole answer costs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) input: Input,
    pub(crate) output_tokens: u64,
    /// Those of the output tokens that are thinking.
    pub(crate) thinking_tokens: u64,
    pub(crate) searches: u32,
    /// What the request asked for beyond the usual, as JSON fields.
    pub(crate) asked: String,
}

/// Who is served first. Priority Tier is no longer sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    Standard,
    Batch,
}

impl Usage {
    /// Nothing generated yet.
    pub(crate) fn of(request: &MessagesRequest, input: Input) -> Self {
        let mut asked = String::new();
        match request.speed {
            None => {}
            Some(Speed::Standard) => asked.push_str(r#","speed":"standard""#),
            Some(Speed::Fast) => asked.push_str(r#","speed":"fast""#),
        }
        if let Some(place) = &request.inference_geo {
            asked.push_str(r#","inference_geo":"#);
            asked.push_str(&quoted(place));
        }
        Self {
            input,
            asked,
            ..Self::default()
        }
    }

    /// As in a message.
    pub(crate) fn json(&self, tier: Tier) -> String {
        let input = self.input;
        let tier = match tier {
            Tier::Standard => "standard",
            Tier::Batch => "batch",
        };
        format!(
            r#"{{"input_tokens":{},"cache_creation_input_tokens":{},"cache_read_input_tokens":{},"cache_creation":{{"ephemeral_5m_input_tokens":{},"ephemeral_1h_input_tokens":{}}},"output_tokens":{}{},"service_tier":"{tier}"{}}}"#,
            input.fresh,
            input.written(),
            input.read,
            input.written_5m,
            input.written_1h,
            self.output_tokens,
            self.details(),
            self.asked,
        )
    }

    /// As in `message_delta`: cumulative, and without what does not change while generating.
    pub(crate) fn delta(&self) -> String {
        let input = self.input;
        format!(
            r#"{{"input_tokens":{},"cache_creation_input_tokens":{},"cache_read_input_tokens":{},"output_tokens":{}{}}}"#,
            input.fresh,
            input.written(),
            input.read,
            self.output_tokens,
            self.details(),
        )
    }

    fn details(&self) -> String {
        let thinking = match self.thinking_tokens {
            0 => String::new(),
            tokens => format!(r#","output_tokens_details":{{"thinking_tokens":{tokens}}}"#),
        };
        let searches = match self.searches {
            0 => String::new(),
            searches => format!(
                r#","server_tool_use":{{"web_search_requests":{searches},"web_fetch_requests":0}}"#
            ),
        };
        thinking + &searches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cache_has_does_not_count_against_limits() {
        let input = Input {
            fresh: 1,
            written_5m: 20,
            written_1h: 300,
            read: 4_000,
        };
        assert_eq!((input.written(), input.limited()), (320, 321));
        let usage = Usage::of(&MessagesRequest::default(), input);
        let json: serde_json::Value = serde_json::from_str(&usage.json(Tier::Batch)).unwrap();
        assert_eq!(json["cache_creation_input_tokens"], 320);
        assert_eq!(json["cache_read_input_tokens"], 4_000);
        assert_eq!(json["cache_creation"]["ephemeral_5m_input_tokens"], 20);
        assert_eq!(json["cache_creation"]["ephemeral_1h_input_tokens"], 300);
        assert_eq!(json["service_tier"], "batch");
    }

    #[test]
    fn what_was_asked_for_is_said_and_what_was_not_is_left_out() {
        let request = MessagesRequest {
            speed: Some(Speed::Fast),
            inference_geo: Some("us".into()),
            ..MessagesRequest::default()
        };
        let mut usage = Usage::of(&request, Input::default());
        usage.thinking_tokens = 3;
        let json: serde_json::Value = serde_json::from_str(&usage.json(Tier::Standard)).unwrap();
        assert_eq!(json["speed"], "fast");
        assert_eq!(json["inference_geo"], "us");
        assert_eq!(json["output_tokens_details"]["thinking_tokens"], 3);
        let plain = Usage::of(&MessagesRequest::default(), Input::default());
        assert!(!plain.json(Tier::Standard).contains("speed"));
        let delta: serde_json::Value = serde_json::from_str(&plain.delta()).unwrap();
        assert_eq!(delta.as_object().unwrap().len(), 4);
    }
}
