//! The message that nearly every call brings, read in one pass straight into its types: blocks of text,
//! a stop reason, counts. Whatever is not what it should be in the least is left to the reader of
//! all messages, so that this one decides nothing: what it reads, both read alike.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Message;
use crate::extra::{Fields, Key};
use crate::object::Object;
use crate::take::Take;
use crate::{ContentBlock, ReplyDetails, Role, ServiceTier, StopReason, TextBlock, Usage};

/// `None` for any other message, and for what is none.
pub(super) fn read(text: &str) -> Option<Message> {
    serde_json::from_str(text)
        .ok()
        .map(|Usual(message)| message)
}

struct Usual(Message);

struct Block(ContentBlock);

/// Usage, and content: types of this crate that are read here in another way than elsewhere.
struct Counts(Usage);
struct Blocks(Vec<ContentBlock>);

/// An object, read field by field.
trait Read<'a>: Sized {
    fn read<A: MapAccess<'a>>(map: A) -> Result<Self, A::Error>;
}

struct Reader<T>(PhantomData<T>);

impl<'a, T: Read<'a>> Visitor<'a> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the usual object")
    }

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<T, A::Error> {
        T::read(map)
    }
}

macro_rules! deserialize_by_reader {
    ($($type:ty),*) => {
        $(impl<'a> Deserialize<'a> for $type {
            fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map(Reader(PhantomData))
            }
        })*
    };
}

deserialize_by_reader!(Usual, Block, Counts);

/// Fills an empty slot with the value of a field: one that is there twice is not usual.
fn fill<'a, T: Deserialize<'a>, A: MapAccess<'a>>(
    slot: &mut Option<T>,
    map: &mut A,
) -> Result<(), A::Error> {
    let value = map.next_value()?;
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(A::Error::custom("twice")),
    }
}

impl<'a> Read<'a> for Usual {
    fn read<A: MapAccess<'a>>(mut map: A) -> Result<Self, A::Error> {
        let (mut id, mut kind, mut role, mut model) = (None, None, None, None);
        let (mut content, mut usage) = (None, None);
        let mut stop_reason = None;
        let mut stop_sequence: Option<Option<String>> = None;
        let mut rest = Fields::default();
        while let Some(Key(name)) = map.next_key()? {
            match name.as_ref() {
                "id" => fill(&mut id, &mut map)?,
                "type" => fill(&mut kind, &mut map)?,
                "role" => fill(&mut role, &mut map)?,
                "model" => fill(&mut model, &mut map)?,
                "content" => fill(&mut content, &mut map)?,
                "stop_reason" => fill(&mut stop_reason, &mut map)?,
                "stop_sequence" => fill(&mut stop_sequence, &mut map)?,
                "usage" => fill(&mut usage, &mut map)?,
                _ => rest.push(name, map.next_value()?),
            }
        }
        let is_message = kind.is_some_and(|Key(kind)| kind == "message");
        let stop_reason = stop_reason.map(|Key(reason)| reason);
        let stop_reason = stop_reason.filter(|reason| is_message && !reason.is_empty());
        let (Some(stop_reason), Some(Blocks(content))) = (stop_reason, content) else {
            return Err(A::Error::custom("another object"));
        };
        let mut message = Message {
            id: id.unwrap_or_default(),
            model: model.unwrap_or_default(),
            role: role.map_or(Role::Assistant, |Key(role)| Role::from(role.as_ref())),
            content,
            stop_reason: Some(StopReason::from(stop_reason.as_ref())),
            stop_sequence: stop_sequence.flatten(),
            usage: usage.map_or_else(Usage::default, |Counts(usage)| usage),
            details: ReplyDetails::new(),
            unfinished: Vec::new(),
            unmerged: Vec::new(),
        };
        if !rest.is_empty() {
            message.details = ReplyDetails::from_fields(rest).unwrap_or_default();
        }
        Ok(Self(message))
    }
}

impl<'a> Read<'a> for Counts {
    fn read<A: MapAccess<'a>>(mut map: A) -> Result<Self, A::Error> {
        let (mut input, mut output, mut written, mut hit) = (None, None, None, None);
        let mut tier: Option<Option<Key<'_>>> = None;
        let mut rest = Fields::default();
        while let Some(Key(name)) = map.next_key()? {
            match name.as_ref() {
                "input_tokens" => fill(&mut input, &mut map)?,
                "output_tokens" => fill(&mut output, &mut map)?,
                "cache_creation_input_tokens" => fill(&mut written, &mut map)?,
                "cache_read_input_tokens" => fill(&mut hit, &mut map)?,
                "service_tier" => fill(&mut tier, &mut map)?,
                _ => rest.push(name, map.next_value()?),
            }
        }
        rest.drop_nulls();
        let mut usage = Usage::new();
        if !rest.is_empty() {
            usage = Usage::from_fields(rest).unwrap_or_default();
        }
        usage.input_tokens = input.flatten();
        usage.output_tokens = output.flatten();
        usage.cache_creation_input_tokens = written.flatten();
        usage.cache_read_input_tokens = hit.flatten();
        let tier = tier.flatten();
        usage.service_tier = tier.map(|Key(tier)| ServiceTier::from(tier.as_ref()));
        Ok(Self(usage))
    }
}

impl<'a> Read<'a> for Block {
    fn read<A: MapAccess<'a>>(mut map: A) -> Result<Self, A::Error> {
        // The type comes first: then it is known how to read what follows.
        let first: Option<(Key<'_>, &'a RawValue)> = map.next_entry()?;
        let Some((Key(Cow::Borrowed("type")), kind)) = first else {
            return Err(A::Error::custom("no type"));
        };
        let is_text = Key::take_from(kind).is_some_and(|Key(kind)| kind == "text");
        let mut text: Option<String> = None;
        let mut rest = Fields::default();
        if !is_text {
            rest.push(Cow::Borrowed("type"), kind);
        }
        while let Some(Key(name)) = map.next_key()? {
            match name.as_ref() {
                "text" if is_text => fill(&mut text, &mut map)?,
                "type" => return Err(A::Error::custom("twice")),
                _ => rest.push(name, map.next_value()?),
            }
        }
        match text {
            // Of an unknown type the whole has to be kept, and here are only the parts.
            None => ContentBlock::of(rest).map(Self).map_err(A::Error::custom),
            Some(text) => Ok(Self(ContentBlock::Text(TextBlock {
                text,
                citations: rest.take("citations"),
                cache_control: rest.take("cache_control"),
                extra: rest.into_extra(),
            }))),
        }
    }
}

impl<'a> Deserialize<'a> for Blocks {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'a> Visitor<'a> for Each {
            type Value = Blocks;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'a>>(self, mut array: A) -> Result<Blocks, A::Error> {
                let mut blocks = Vec::new();
                while let Some(Block(block)) = array.next_element()? {
                    if blocks.is_empty() {
                        // Most replies have one block, and a block is large.
                        blocks.reserve_exact(1);
                    }
                    blocks.push(block);
                }
                Ok(Blocks(blocks))
            }
        }
        deserializer.deserialize_seq(Each)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reply::plain;

    fn field(name: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = String> {
        proptest::sample::select(values).prop_map(move |value| format!("\"{name}\":{value}"))
    }

    /// Mostly usual, now and then not.
    fn message() -> impl Strategy<Value = String> {
        const TEXT: &[&str] = &[
            r#""a""#,
            r#""a\n\"b\" \u00e9ü""#,
            r#""""#,
            "null",
            "7",
            "[]",
        ];
        const BLOCKS: &[&str] = &[
            "[]",
            r#"[{"type":"text","text":"Hello"}]"#,
            r#"[{"type":"text","text":"a\nb","citations":null,"new":[1, 2]}, {"type":"text","text":""}]"#,
            r#"[{"text":"Hello","type":"text"}]"#,
            r#"[{"type":"text","text":"a","text":"b"}]"#,
            r#"[{"type":"text"}]"#,
            r#"[{"type":"text","text":null}]"#,
            r#"[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]"#,
            r#"[{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"n","input":{"a": 1}}]"#,
            r#"[{"type":"tool_use","id":"t","name":"n","input":null}]"#,
            r#"[{"type":"thinking","thinking":"hm","signature":"s","type":"text"}]"#,
            r#"[{"type":"invented","x": {"y":[ ]}}]"#,
            "[{}]",
            "[7]",
            r#"{"type":"text","text":"a"}"#,
        ];
        const USAGE: &[&str] = &[
            "{}",
            r#"{"input_tokens":12,"output_tokens":3,"cache_read_input_tokens":null,"service_tier":"standard"}"#,
            r#"{"service_tier":"later","cache_creation":{"ephemeral_5m_input_tokens":4},"new": 1.50}"#,
            r#"{"input_tokens":"12","speed":null}"#,
            r#"{"input_tokens":1,"input_tokens":2}"#,
            r#"{"output_tokens":-1}"#,
            "null",
            "[]",
        ];
        const WORD: &[&str] = &[
            r#""end_turn""#,
            r#""tool_use""#,
            r#""max_tokens""#,
            r#""later""#,
            r#""""#,
            "null",
        ];
        let fields = (
            field("id", TEXT),
            field(
                "type",
                &[
                    r#""message""#,
                    r#""message""#,
                    r#""message""#,
                    r#""error""#,
                    "null",
                ],
            ),
            field(
                "role",
                &[r#""assistant""#, r#""user""#, r#""other""#, "null"],
            ),
            field("model", TEXT),
            field("content", BLOCKS),
            field("stop_reason", WORD),
            field("stop_sequence", &["null", r#""x""#, "1"]),
            field("usage", USAGE),
            field(
                "container",
                &["null", r#"{"id":"c","expires_at":"2026"}"#, "1"],
            ),
            field("invented", TEXT),
        );
        let fields =
            fields.prop_map(|(a, b, c, d, e, f, g, h, i, j)| vec![a, b, c, d, e, f, g, h, i, j]);
        let some = fields.prop_flat_map(|fields| {
            let all = fields.len();
            (
                proptest::sample::subsequence(fields, 5..=all).prop_shuffle(),
                any::<bool>(),
            )
        });
        some.prop_map(|(mut fields, doubled)| {
            if doubled && fields.len() % 4 == 0 {
                fields.extend(fields.first().cloned());
            }
            format!("{{{}}}", fields.join(" ,"))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_is_read_in_one_pass_is_what_the_reader_of_all_messages_reads(text in message()) {
            if let Some(usual) = read(&text) {
                let raw: &RawValue = serde_json::from_str(&text).unwrap();
                let by_parts = plain::by_parts(raw);
                prop_assert_eq!(serde_json::to_string(&usual).unwrap(), serde_json::to_string(by_parts.as_ref().unwrap()).unwrap());
                prop_assert_eq!(Ok(usual), by_parts);
            }
        }
    }

    #[test]
    fn the_usual_messages_are_read_in_one_pass() {
        let text = r#"{"model":"m","id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"Hi \"you\""},{"type":"tool_use","id":"t","name":"n","input":{}}],"stop_reason":"tool_use","stop_sequence":null,"stop_details":null,"usage":{"input_tokens":12,"cache_creation":{"ephemeral_5m_input_tokens":0},"output_tokens":38,"service_tier":"standard","inference_geo":"us"}}"#;
        let message = read(text).expect("usual");
        assert_eq!(
            (message.text().as_str(), message.content.len()),
            ("Hi \"you\"", 2)
        );
        assert!(read(&format!("{text} x")).is_none());
    }
}
