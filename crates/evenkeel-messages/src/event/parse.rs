//! Frames into events. The frequent event, a delta, is read once, straight into its type; the
//! others are split into fields first, which costs a second scan of a few hundred bytes per block.

use std::borrow::Cow;
use std::ops::Range;

use evenkeel_error::{Error, Facts};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::scan;
use super::{DeltaRef, EventRef, MessageDelta, MessageHead, RawEvent, StreamEvent};
use crate::extra::{Fields, Key};
use crate::object::Object;
use crate::sse::Frame;
use crate::{ContentBlock, Delta, Extra, ReplyDetails, Role, StopReason, Usage};

/// An event that is known but not in its shape.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) name: String,
    /// Where in the data the JSON breaks; `None` where it is JSON, of another shape.
    pub(crate) at: Option<usize>,
}

/// What a frame holds, without borrowing it: text is a place in the data.
pub(crate) enum Found {
    Delta(u32, DeltaKind, Span),
    Event(StreamEvent),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum DeltaKind {
    Text,
    InputJson,
    Thinking,
    Signature,
}

pub(crate) enum Span {
    Within(Range<usize>),
    /// It held escapes.
    Unescaped(String),
}

impl Found {
    pub(crate) fn into_ref(self, frame: Frame<'_>) -> EventRef<'_> {
        match self {
            Self::Delta(index, kind, span) => EventRef::ContentBlockDelta {
                index,
                delta: kind.with(span.text(frame.data)),
                frame,
            },
            Self::Event(event) => EventRef::Other { event, frame },
        }
    }
}

impl DeltaKind {
    pub(crate) fn with(self, text: Cow<'_, str>) -> DeltaRef<'_> {
        match self {
            Self::Text => DeltaRef::Text(text),
            Self::InputJson => DeltaRef::InputJson(text),
            Self::Thinking => DeltaRef::Thinking(text),
            Self::Signature => DeltaRef::Signature(text),
        }
    }
}

impl Span {
    fn of(text: Cow<'_, str>, data: &str) -> Self {
        match text {
            Cow::Borrowed(text) => {
                let start = (text.as_ptr() as usize).saturating_sub(data.as_ptr() as usize);
                Self::Within(start..start + text.len())
            }
            Cow::Owned(text) => Self::Unescaped(text),
        }
    }

    pub(crate) fn text(self, data: &str) -> Cow<'_, str> {
        match self {
            Self::Within(range) => Cow::Borrowed(data.get(range).unwrap_or_default()),
            Self::Unescaped(text) => Cow::Owned(text),
        }
    }
}

#[cfg(test)]
pub(crate) fn parse(frame: &Frame<'_>, facts: &Facts) -> Result<StreamEvent, Malformed> {
    find(frame, facts).map(|found| found.into_ref(*frame).into_owned())
}

pub(crate) fn find(frame: &Frame<'_>, facts: &Facts) -> Result<Found, Malformed> {
    if matches!(frame.name, Some("content_block_delta") | None) {
        if let Some((index, kind, range)) = scan::delta(frame.data) {
            return Ok(Found::Delta(index, kind, Span::Within(range)));
        }
        if let Some(delta) = delta_in_one_pass(frame.data) {
            return Ok(delta);
        }
    }
    if matches!(frame.name, Some("content_block_start") | None)
        && let Some(start) = start_in_one_pass(frame.data)
    {
        return Ok(Found::Event(start));
    }
    event(frame, facts).map(Found::Event)
}

fn event(frame: &Frame<'_>, facts: &Facts) -> Result<StreamEvent, Malformed> {
    let name = frame.name.unwrap_or_default();
    // An error is an error whatever its data looks like.
    let error = || StreamEvent::Error(Error::from_event(facts, frame.data.as_bytes()));
    if name == "error" {
        return Ok(error());
    }
    let mut fields = match Fields::split(frame.data) {
        Ok(fields) => fields,
        Err(broken) => return unreadable(name, frame.data, &broken),
    };
    // The name repeats the data's type; gateways that lose one of them keep the other.
    let kind = match fields.take("type") {
        Some(Key(kind)) => kind,
        None => Cow::Borrowed(name),
    };
    match kind.as_ref() {
        "message_start" => message_start(fields),
        "content_block_start" => content_block_start(fields),
        "content_block_delta" => content_block_delta(fields),
        "content_block_stop" => fields
            .take("index")
            .map(|index| StreamEvent::ContentBlockStop {
                index,
                extra: fields.into_extra(),
            }),
        "message_delta" => message_delta(fields),
        "message_stop" => Some(StreamEvent::MessageStop {
            extra: fields.into_extra(),
        }),
        "ping" => Some(StreamEvent::Ping {
            extra: fields.into_extra(),
        }),
        "error" => Some(error()),
        // How servers that look alike fail, before an end marker that looks like success.
        "" if fields.raw("error").is_some_and(|said| said.get() != "null") => Some(error()),
        _ => Some(unknown(
            if name.is_empty() { &kind } else { name },
            frame.data,
        )),
    }
    .ok_or_else(|| Malformed {
        name: kind.into_owned(),
        at: None,
    })
}

/// Data that is no JSON object. Of an event that we know, or that nobody named, it is a fault.
fn unreadable(
    name: &str,
    data: &str,
    broken: &serde_json::Error,
) -> Result<StreamEvent, Malformed> {
    match name {
        // The end marker, and the keep-alive, of servers that look alike.
        "" if matches!(data.trim(), "" | "[DONE]") => Ok(unknown(name, data)),
        "ping" => Ok(StreamEvent::Ping {
            extra: Extra::default(),
        }),
        ""
        | "message_start"
        | "content_block_start"
        | "content_block_delta"
        | "content_block_stop"
        | "message_delta"
        | "message_stop" => Err(Malformed {
            name: name.to_owned(),
            at: (broken.line() == 1 && !broken.is_data()).then(|| broken.column()),
        }),
        _ => Ok(unknown(name, data)),
    }
}

fn unknown(name: &str, data: &str) -> StreamEvent {
    StreamEvent::Unknown {
        name: name.to_owned(),
        raw: RawEvent(data.into()),
    }
}

/// `None` for whatever is not exactly a delta of a frequent type: the careful way decides then.
fn delta_in_one_pass(data: &str) -> Option<Found> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Event<'a> {
        #[serde(borrow, rename = "type")]
        kind: Key<'a>,
        index: u32,
        #[serde(borrow)]
        delta: Union<'a>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Union<'a> {
        #[serde(borrow, rename = "type")]
        kind: Key<'a>,
        #[serde(borrow)]
        text: Option<Key<'a>>,
        #[serde(borrow)]
        partial_json: Option<Key<'a>>,
        #[serde(borrow)]
        thinking: Option<Key<'a>>,
        #[serde(borrow)]
        signature: Option<Key<'a>>,
    }
    let event: Event<'_> = serde_json::from_str(data).ok()?;
    if event.kind.0 != "content_block_delta" {
        return None;
    }
    let Union {
        kind,
        text,
        partial_json,
        thinking,
        signature,
    } = event.delta;
    let (kind, Key(text)) = match (kind.0.as_ref(), text, partial_json, thinking, signature) {
        ("text_delta", Some(text), None, None, None) => (DeltaKind::Text, text),
        ("input_json_delta", None, Some(json), None, None) => (DeltaKind::InputJson, json),
        ("thinking_delta", None, None, Some(text), None) => (DeltaKind::Thinking, text),
        ("signature_delta", None, None, None, Some(text)) => (DeltaKind::Signature, text),
        _ => return None,
    };
    Some(Found::Delta(event.index, kind, Span::of(text, data)))
}

/// The start of a block that is known: a result of a tool may be large, and each level that is
/// split before it is read is one more scan. `None` leaves the event to the careful way.
fn start_in_one_pass(data: &str) -> Option<StreamEvent> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Event<'a> {
        #[serde(borrow, rename = "type")]
        kind: Key<'a>,
        index: u32,
        #[serde(borrow)]
        content_block: Fields<'a>,
    }
    let event: Event<'_> = serde_json::from_str(data).ok()?;
    if event.kind.0 != "content_block_start" {
        return None;
    }
    Some(StreamEvent::ContentBlockStart {
        index: event.index,
        block: Box::new(ContentBlock::of(event.content_block).ok()?),
        extra: Extra::default(),
    })
}

fn content_block_delta(mut fields: Fields<'_>) -> Option<StreamEvent> {
    let index = fields.take("index")?;
    let raw = fields
        .raw("delta")
        .filter(|raw| raw.get().starts_with('{'))?;
    let delta = Delta::read(raw);
    // A delta that is known, but not in its shape, would be missed in its block.
    if let Delta::Unknown(object) = &delta
        && DELTAS.contains(&object.kind.as_str())
    {
        return None;
    }
    fields.remove("delta");
    Some(StreamEvent::ContentBlockDelta {
        index,
        delta,
        extra: fields.into_extra(),
    })
}

/// The deltas without which a block is wrong.
const DELTAS: [&str; 6] = [
    "text_delta",
    "input_json_delta",
    "thinking_delta",
    "signature_delta",
    "citations_delta",
    "compaction_delta",
];

fn content_block_start(mut fields: Fields<'_>) -> Option<StreamEvent> {
    let index = fields.take("index")?;
    let raw = fields
        .raw("content_block")
        .filter(|raw| raw.get().starts_with('{'))?;
    fields.remove("content_block");
    Some(StreamEvent::ContentBlockStart {
        index,
        block: Box::new(ContentBlock::read(raw)),
        extra: fields.into_extra(),
    })
}

fn message_start(mut fields: Fields<'_>) -> Option<StreamEvent> {
    let mut message = Fields::split(fields.raw("message")?.get()).ok()?;
    fields.remove("message");
    // Content has events of its own. Content here would be lost, so it is not accepted.
    match message.raw("content").map(RawValue::get) {
        None | Some("null") => {}
        Some(content) => {
            let blocks: Vec<&RawValue> = serde_json::from_str(content).ok()?;
            if !blocks.is_empty() {
                return None;
            }
        }
    }
    // A stop reason counts only at the end.
    for name in ["type", "content", "stop_reason", "stop_sequence"] {
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
        details: ReplyDetails::from_fields(message)?,
        extra: fields.into_extra(),
    })))
}

fn message_delta(mut fields: Fields<'_>) -> Option<StreamEvent> {
    let mut delta = Fields::split(fields.raw("delta")?.get()).ok()?;
    fields.remove("delta");
    delta.drop_nulls();
    fields.drop_nulls();
    let usage = fields.raw("usage").and_then(Usage::read);
    if usage.is_some() {
        fields.remove("usage");
    }
    let stop_reason = match delta.raw("stop_reason") {
        Some(_) => Some(delta.take::<String>("stop_reason")?),
        None => None,
    };
    let stop_sequence = delta.take("stop_sequence");
    Some(StreamEvent::MessageDelta(Box::new(MessageDelta {
        // An empty reason is none: it must not make a cut reply look complete.
        stop_reason: stop_reason
            .filter(|reason| !reason.is_empty())
            .map(StopReason::from),
        stop_sequence,
        usage: usage.unwrap_or_default(),
        details: ReplyDetails::from_fields(delta)?,
        outer: ReplyDetails::from_fields(fields)?,
    })))
}
