//! Requests from and to JSON.
//!
//! Read with visitors of our own, so that an error names path, line and column and never quotes
//! the prompt, as serde's own words would (`invalid type: string "…"`).

use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{MessageRequest, Streaming};
use crate::extra::Key;
use crate::{Content, Extra, MessageParam, RawJson};

const SHAPE: &str = r#"an object such as {"model": "…", "max_tokens": 1024, "messages": [{"role": "user", "content": "…"}]}"#;
const MESSAGES: &str = r#"an array such as [{"role": "user", "content": "…"}]"#;
const MESSAGE: &str = r#"an object such as {"role": "user", "content": "…"}"#;

/// What goes over the wire: the request, and how its reply is to be sent.
pub(super) struct Body<'a> {
    pub(super) request: &'a MessageRequest,
    pub(super) streaming: Streaming,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.request.write(&mut map, |name| name != "stream")?;
        if self.streaming == Streaming::On {
            map.serialize_entry("stream", &true)?;
        }
        map.end()
    }
}

/// The request as it was read or built, `stream` included if it was there.
impl Serialize for MessageRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(invalid) = self.broken {
            return Err(serde::ser::Error::custom(invalid));
        }
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map, |_| true)?;
        map.end()
    }
}

impl MessageRequest {
    fn write<M: SerializeMap>(
        &self,
        map: &mut M,
        keep: impl Fn(&str) -> bool,
    ) -> Result<(), M::Error> {
        map.serialize_entry("model", &self.model)?;
        map.serialize_entry("max_tokens", &self.max_tokens)?;
        map.serialize_entry("messages", &self.messages)?;
        for (name, value) in self.parameters.iter().filter(|(name, _)| keep(name)) {
            map.serialize_entry(name, value)?;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for MessageRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Request)
    }
}

/// Words for a value of the wrong type, without the value: what it says may be a prompt.
macro_rules! refuse_other_types {
    ($($visit:ident($type:ty, $found:literal);)+) => {
        $(fn $visit<E: serde::de::Error>(self, _: $type) -> Result<Self::Value, E> {
            Err(wrong_type(&self, $found))
        })+

        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Err(wrong_type(&self, "null"))
        }
    };
    () => {
        refuse_other_types! {
            visit_bool(bool, "true or false");
            visit_i64(i64, "a number");
            visit_u64(u64, "a number");
            visit_f64(f64, "a number");
            visit_str(&str, "a string");
        }
    };
}

struct Request;

impl<'de> Visitor<'de> for Request {
    type Value = MessageRequest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHAPE)
    }

    refuse_other_types!();

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(wrong_type(&self, "an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut model, mut max_tokens, mut messages) = (None, None, None);
        let mut parameters = Extra::default();
        while let Some(Key(name)) = map.next_key()? {
            match name.as_ref() {
                "model" => model = Some(leaf(&map.next_value()?, "model", "a string")?),
                "max_tokens" => {
                    let value = map.next_value()?;
                    max_tokens = Some(leaf(&value, "max_tokens", "a whole number, 0 or more")?);
                }
                "messages" => messages = Some(map.next_value_seed(Messages)?),
                _ => parameters.push(name, map.next_value()?),
            }
        }
        Ok(MessageRequest {
            model: model.ok_or_else(|| missing("model", r#""model": "claude-sonnet-5-5""#))?,
            max_tokens: max_tokens.ok_or_else(|| missing("max_tokens", r#""max_tokens": 1024"#))?,
            messages: messages.ok_or_else(|| {
                missing(
                    "messages",
                    r#""messages": [{"role": "user", "content": "…"}]"#,
                )
            })?,
            parameters,
            broken: None,
        })
    }
}

struct Messages;

impl<'de> DeserializeSeed<'de> for Messages {
    type Value = Vec<MessageParam>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Messages {
    type Value = Vec<MessageParam>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "messages: expected {MESSAGES}")
    }

    refuse_other_types!();

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(wrong_type(&self, "an object"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut messages = Vec::new();
        while let Some(message) = seq.next_element_seed(MessageAt(Some(messages.len())))? {
            messages.push(message);
        }
        Ok(messages)
    }
}

/// One message; knows its place in a request, to name it.
struct MessageAt(Option<usize>);

impl MessageAt {
    fn path(&self, field: &str) -> String {
        self.0.map_or_else(
            || field.to_owned(),
            |place| format!("messages[{place}].{field}"),
        )
    }
}

impl<'de> DeserializeSeed<'de> for MessageAt {
    type Value = MessageParam;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MessageAt {
    type Value = MessageParam;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(place) => write!(f, "messages[{place}]: expected {MESSAGE}"),
            None => write!(f, "expected {MESSAGE}"),
        }
    }

    refuse_other_types!();

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(wrong_type(&self, "an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let path = |field: &str| self.path(field);
        let (mut role, mut content) = (None, None);
        let mut extra = Extra::default();
        while let Some(Key(name)) = map.next_key()? {
            match name.as_ref() {
                "role" => role = Some(leaf(&map.next_value()?, path("role"), "a string")?),
                "content" => content = Some(read_content(&map.next_value()?, path("content"))?),
                _ => extra.push(name, map.next_value()?),
            }
        }
        Ok(MessageParam {
            role: role.ok_or_else(|| missing(path("role"), r#""role": "user""#))?,
            content: content.ok_or_else(|| missing(path("content"), r#""content": "…""#))?,
            extra,
        })
    }
}

impl<'de> Deserialize<'de> for MessageParam {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MessageAt(None))
    }
}

/// A block is never refused: the server is the judge of its shape.
fn read_content<E: serde::de::Error>(raw: &RawJson, path: String) -> Result<Content, E> {
    const EXPECTED: &str = "a string or an array of blocks";
    if raw.get().starts_with('[') {
        leaf(raw, path, EXPECTED).map(Content::Blocks)
    } else {
        leaf(raw, path, EXPECTED).map(Content::Text)
    }
}

fn leaf<T, E>(raw: &RawJson, path: impl fmt::Display, expected: &str) -> Result<T, E>
where
    T: serde::de::DeserializeOwned,
    E: serde::de::Error,
{
    if let Ok(value) = serde_json::from_str(raw.get()) {
        return Ok(value);
    }
    let found = match raw.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "another number",
    };
    Err(E::custom(format_args!(
        "{path}: expected {expected}, found {found}"
    )))
}

fn wrong_type<'de, V: Visitor<'de>, E: serde::de::Error>(visitor: &V, found: &str) -> E {
    struct Expecting<'a, V>(&'a V);
    impl<'de, V: Visitor<'de>> fmt::Display for Expecting<'_, V> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.expecting(f)
        }
    }
    E::custom(format_args!("{}, found {found}", Expecting(visitor)))
}

fn missing<E: serde::de::Error>(path: impl fmt::Display, cure: &str) -> E {
    E::custom(format_args!("{path}: missing; add {cure}"))
}
