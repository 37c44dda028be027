//! The beginnings of a prompt, which is what the prompt cache knows it by.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::Value;

use crate::tokens::{MESSAGE, characters, of_characters};

const MINUTE: Duration = Duration::from_secs(60);

/// A prompt up to the end of one of its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) hash: u64,
    pub(crate) tokens: u64,
    /// For how long it is to be kept, if the block has a `cache_control`.
    pub(crate) keep: Option<Keep>,
}

/// How long the cache keeps a prefix after its last use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    FiveMinutes,
    Hour,
}

impl Keep {
    pub(crate) fn length(self) -> Duration {
        match self {
            Self::FiveMinutes => 5 * MINUTE,
            Self::Hour => 60 * MINUTE,
        }
    }

    fn of(mark: &Value) -> Option<Self> {
        match mark.get("ttl").and_then(Value::as_str) {
            _ if !mark.is_object() => None,
            Some("1h") => Some(Self::Hour),
            _ => Some(Self::FiveMinutes),
        }
    }
}

/// The prefixes of a request in the order in which the API reads it: tools, system, messages. None
/// at all if nothing in it is to be cached, which is the usual case and costs nothing.
pub(crate) fn prefixes(body: &Value) -> Vec<Prefix> {
    let last = body.get("cache_control").and_then(Keep::of);
    if last.is_none() && !is_marked(body) {
        return Vec::new();
    }
    let mut reader = Reader::default();
    for tool in blocks(body.get("tools")) {
        reader.block(tool);
    }
    for block in blocks(body.get("system")) {
        reader.block(block);
    }
    for message in blocks(body.get("messages")) {
        reader.message(message.get("role").unwrap_or(&Value::Null));
        for block in blocks(message.get("content")) {
            reader.block(block);
        }
    }
    if let (Some(keep), Some(prefix)) = (last, reader.prefixes.last_mut()) {
        prefix.keep = prefix.keep.or(Some(keep));
    }
    reader.prefixes
}

fn is_marked(body: &Value) -> bool {
    ["tools", "system", "messages"].iter().any(|name| {
        blocks(body.get(*name)).iter().any(|block| {
            let inner = blocks(block.get("content"));
            inner
                .iter()
                .chain([block])
                .any(|block| mark(block).is_some())
        })
    })
}

/// A list, or a single value as a list of one.
fn blocks(value: Option<&Value>) -> &[Value] {
    match value {
        None => &[],
        Some(Value::Array(blocks)) => blocks,
        Some(single) => std::slice::from_ref(single),
    }
}

fn mark(block: &Value) -> Option<Keep> {
    block.get("cache_control").and_then(Keep::of)
}

#[derive(Default)]
struct Reader {
    hasher: DefaultHasher,
    characters: usize,
    messages: usize,
    prefixes: Vec<Prefix>,
}

impl Reader {
    fn message(&mut self, role: &Value) {
        self.messages += 1;
        self.add(role);
    }

    fn block(&mut self, block: &Value) {
        self.add(block);
        self.prefixes.push(Prefix {
            hash: self.hasher.finish(),
            tokens: of_characters(self.characters) + MESSAGE * self.messages as u64,
            keep: mark(block),
        });
    }

    fn add(&mut self, value: &Value) {
        self.characters += characters(value);
        hash(value, &mut self.hasher);
    }
}

/// Of all but what says how to cache it, which may change from turn to turn.
fn hash(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter().filter(|(name, _)| *name != "cache_control") {
                name.hash(hasher);
                hash(field, hasher);
            }
        }
        Value::Array(values) => {
            values.len().hash(hasher);
            for value in values {
                hash(value, hasher);
            }
        }
        Value::String(text) => text.hash(hasher),
        Value::Number(number) => number.to_string().hash(hasher),
        Value::Bool(truth) => truth.hash(hasher),
        Value::Null => 0_u8.hash(hasher),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tokens::input_tokens;

    fn body(mark: &Value) -> Value {
        json!({
            "system": [{"type": "text", "text": "Be brief.", "cache_control": mark}],
            "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": [{"type": "text", "text": "Ho"}]}],
        })
    }

    #[test]
    fn a_request_without_marks_has_none() {
        assert_eq!(prefixes(&body(&Value::Null)), []);
    }

    #[test]
    fn every_block_ends_a_prefix_and_the_last_is_the_whole_request() {
        let body = body(&json!({"type": "ephemeral", "ttl": "1h"}));
        let all = prefixes(&body);
        assert_eq!(
            all.iter().map(|prefix| prefix.keep).collect::<Vec<_>>(),
            [Some(Keep::Hour), None, None]
        );
        assert_eq!(all[2].tokens, input_tokens(&body));
        assert!(all[0].tokens < all[1].tokens && all[0].hash != all[1].hash);
    }

    #[test]
    fn a_mark_for_the_whole_request_is_one_on_its_last_block() {
        let mut body = body(&Value::Null);
        body["cache_control"] = json!({"type": "ephemeral"});
        assert_eq!(prefixes(&body)[2].keep, Some(Keep::FiveMinutes));
    }

    #[test]
    fn marks_do_not_change_what_a_prefix_is_and_one_letter_does() {
        let five = body(&json!({"type": "ephemeral"}));
        let hour = body(&json!({"type": "ephemeral", "ttl": "1h"}));
        let hashes = |body: &Value| prefixes(body).iter().map(|p| p.hash).collect::<Vec<_>>();
        assert_eq!(hashes(&five), hashes(&hour));
        let mut other = five.clone();
        other["system"][0]["text"] = json!("Be brief!");
        assert_ne!(hashes(&five)[0], hashes(&other)[0]);
    }
}
