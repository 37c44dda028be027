//! Frames into events. The frequent event, a delta, is parsed once, straight into its type; the
//! others are split into fields first, which costs a second scan of a few hundred bytes per block.

use evenkeel_error::{Error, Facts};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Delta, MessageDelta, MessageHead, RawEvent, StreamEvent};
use crate::extra::{Fields, Key};
use crate::sse::Frame;
use crate::{ContentBlock, RawJson, Role, StopReason, Usage};

/// An event that is known but not in its shape; holds the name and nothing of its content.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

pub(crate) fn parse(frame: &Frame<'_>, facts: &Facts) -> Result<StreamEvent, Malformed> {
    let name = frame.name.unwrap_or_default();
    match name {
        // An error is an error whatever its data looks like; a ping likewise.
        "error" => {
            return Ok(StreamEvent::Error(Error::from_event(
                facts,
                frame.data.as_bytes(),
            )));
        }
        "ping" => return Ok(StreamEvent::Ping),
        "content_block_delta" => {
            if let Some(event) = delta_in_one_pass(frame.data) {
                return Ok(event);
            }
        }
        _ => {}
    }
    let Ok(mut fields) = Fields::split(frame.data) else {
        return unreadable(name, frame.data);
    };
    // The name repeats the data's type; gateways that lose one of them keep the other.
    let kind = fields.take("type").unwrap_or_else(|| name.to_owned());
    match kind.as_str() {
        "message_start" => message_start(&fields),
        "content_block_start" => content_block_start(&mut fields),
        "content_block_delta" => content_block_delta(&mut fields),
        "content_block_stop" => fields
            .take("index")
            .map(|index| StreamEvent::ContentBlockStop { index }),
        "message_delta" => message_delta(fields),
        "message_stop" => Some(StreamEvent::MessageStop),
        "ping" => Some(StreamEvent::Ping),
        "error" => Some(StreamEvent::Error(Error::from_event(
            facts,
            frame.data.as_bytes(),
        ))),
        _ => Some(unknown(
            if name.is_empty() { &kind } else { name },
            frame.data,
        )),
    }
    .ok_or(Malformed(kind))
}

/// Data that is no JSON object. Of an event that we know, or that nobody named, it is a fault.
fn unreadable(name: &str, data: &str) -> Result<StreamEvent, Malformed> {
    match name {
        // The end marker, and the keep-alive, of servers that look alike.
        "" if matches!(data.trim(), "" | "[DONE]") => Ok(unknown(name, data)),
        ""
        | "message_start"
        | "content_block_start"
        | "content_block_delta"
        | "content_block_stop"
        | "message_delta"
        | "message_stop" => Err(Malformed(name.to_owned())),
        _ => Ok(unknown(name, data)),
    }
}

fn unknown(name: &str, data: &str) -> StreamEvent {
    StreamEvent::Unknown {
        name: name.to_owned(),
        raw: RawEvent(data.into()),
    }
}

/// `None` for whatever is not exactly a delta of a known type: the careful way decides then.
fn delta_in_one_pass(data: &str) -> Option<StreamEvent> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<Key<'a>>,
        index: u32,
        #[serde(borrow)]
        delta: Union<'a>,
    }
    #[derive(Deserialize)]
    struct Union<'a> {
        #[serde(borrow, rename = "type")]
        kind: Key<'a>,
        text: Option<String>,
        partial_json: Option<String>,
        thinking: Option<String>,
        signature: Option<String>,
        #[serde(borrow)]
        citation: Option<&'a RawValue>,
    }
    let Event { kind, index, delta } = serde_json::from_str(data).ok()?;
    if kind.is_some_and(|Key(kind)| kind != "content_block_delta") {
        return None;
    }
    let delta = match delta.kind.0.as_ref() {
        "text_delta" => Delta::Text(delta.text?),
        "input_json_delta" => Delta::InputJson(delta.partial_json?),
        "thinking_delta" => Delta::Thinking(delta.thinking?),
        "signature_delta" => Delta::Signature(delta.signature?),
        "citations_delta" => Delta::Citations(RawJson::copy(delta.citation?)),
        _ => return None,
    };
    Some(StreamEvent::ContentBlockDelta { index, delta })
}

fn content_block_delta(fields: &mut Fields<'_>) -> Option<StreamEvent> {
    let index = fields.take("index")?;
    let raw = fields.raw("delta")?;
    let mut delta = Fields::split(raw.get()).ok()?;
    let kind: String = delta.take("type").unwrap_or_default();
    let delta = match kind.as_str() {
        "text_delta" => Delta::Text(delta.take("text")?),
        "input_json_delta" => Delta::InputJson(delta.take("partial_json")?),
        "thinking_delta" => Delta::Thinking(delta.take("thinking")?),
        "signature_delta" => Delta::Signature(delta.take("signature")?),
        "citations_delta" => Delta::Citations(delta.take("citation")?),
        _ => Delta::Unknown {
            kind,
            raw: RawJson::copy(raw),
        },
    };
    Some(StreamEvent::ContentBlockDelta { index, delta })
}

fn content_block_start(fields: &mut Fields<'_>) -> Option<StreamEvent> {
    let index = fields.take("index")?;
    let raw = fields
        .raw("content_block")
        .filter(|raw| raw.get().starts_with('{'))?;
    Some(StreamEvent::ContentBlockStart {
        index,
        block: ContentBlock::read(raw),
    })
}

fn message_start(fields: &Fields<'_>) -> Option<StreamEvent> {
    let mut message = Fields::split(fields.raw("message")?.get()).ok()?;
    // Content has events of its own. Content here would be lost, so it is not accepted.
    let content: Option<Vec<&RawValue>> = message.take("content");
    if content.is_some_and(|content| !content.is_empty()) {
        return None;
    }
    // A stop reason counts only at the end.
    for name in ["type", "stop_reason", "stop_sequence"] {
        message.remove(name);
    }
    let usage = message.raw("usage").and_then(Usage::read);
    if usage.is_some() {
        message.remove("usage");
    }
    Some(StreamEvent::MessageStart(Box::new(MessageHead {
        id: message.take("id").unwrap_or_default(),
        model: message.take("model").unwrap_or_default(),
        role: message.take("role").unwrap_or(Role::Assistant),
        usage: usage.unwrap_or_default(),
        extra: message.into_extra(),
    })))
}

fn message_delta(mut fields: Fields<'_>) -> Option<StreamEvent> {
    let mut delta = Fields::split(fields.raw("delta")?.get()).ok()?;
    fields.remove("delta");
    delta.drop_nulls();
    fields.drop_nulls();
    let usage = fields
        .raw("usage")
        .and_then(Usage::read)
        .unwrap_or_default();
    fields.remove("usage");
    let stop_reason = match delta.raw("stop_reason") {
        Some(_) => Some(delta.take::<String>("stop_reason")?),
        None => None,
    };
    let stop_sequence = delta.take("stop_sequence");
    let mut extra = delta.into_extra();
    extra.overwrite(&fields.into_extra());
    Some(StreamEvent::MessageDelta(Box::new(MessageDelta {
        // An empty reason is none: it must not make a cut reply look complete.
        stop_reason: stop_reason
            .filter(|reason| !reason.is_empty())
            .map(StopReason::from),
        stop_sequence,
        usage,
        extra,
    })))
}
