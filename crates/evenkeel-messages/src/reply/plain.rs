use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    ContentBlock, Error, Facts, Fields, Message, Role, StopReason, UnfinishedTool, Usage, usual,
};
use crate::extra::Key;
use crate::object::Object;
use crate::{Accumulator, Decoder, End, ReplyDetails, StreamEvent, sse};

/// A whole JSON message, or what is wrong with it, in words that quote none of it.
pub(super) fn read(body: &[u8], facts: &Facts) -> Result<Message, Error> {
    let protocol = |what: &str| {
        Error::protocol(format!("expected a JSON message, found {what}"))
            .with_facts(facts.clone())
            .with_body(sse::sample_of(body))
    };
    let Ok(text) = std::str::from_utf8(body) else {
        return Err(protocol("bytes that are not UTF-8"));
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if is_stream(text) {
        return collect(body, facts);
    }
    if let Some(mut message) = usual::read(text) {
        set_cut_call_aside(&mut message);
        return Ok(message);
    }
    let mut fields = match Fields::split(text) {
        Ok(fields) => fields,
        Err(error) if error.is_eof() && !text.trim_start().is_empty() => {
            return Err(Error::interrupted().with_facts(facts.clone()));
        }
        Err(_) => return Err(protocol(kind_of(text))),
    };
    let kind = fields.take("type").map(|Key(kind)| kind);
    if kind.as_deref() == Some("error") {
        return Err(Error::from_event(facts, body));
    }
    let mut message = from_fields(kind.as_deref(), fields).map_err(protocol)?;
    set_cut_call_aside(&mut message);
    Ok(message)
}

/// A message, or what was found instead.
pub(super) fn message(raw: &RawValue) -> Result<Message, &'static str> {
    let mut message = by_parts(raw)?;
    set_cut_call_aside(&mut message);
    Ok(message)
}

/// As it stands, a call that was cut among the content.
pub(super) fn by_parts(raw: &RawValue) -> Result<Message, &'static str> {
    let Ok(mut fields) = Fields::split(raw.get()) else {
        return Err(kind_of(raw.get()));
    };
    let kind = fields.take("type").map(|Key(kind)| kind);
    from_fields(kind.as_deref(), fields)
}

fn from_fields(kind: Option<&str>, mut fields: Fields<'_>) -> Result<Message, &'static str> {
    let (Some("message"), Some(content)) = (kind, fields.take("content")) else {
        return Err("another object");
    };
    let stop_reason = fields.take("stop_reason");
    let Some(Key(stop_reason)) = stop_reason.filter(|Key(reason)| !reason.is_empty()) else {
        return Err("a message without a stop reason");
    };
    let stop_sequence: Option<Option<String>> = fields.take("stop_sequence");
    let usage = fields.raw("usage").and_then(Usage::read);
    if usage.is_some() {
        fields.remove("usage");
    }
    let message = Message {
        id: fields.take("id").unwrap_or_default(),
        model: fields.take("model").unwrap_or_default(),
        role: fields.take("role").unwrap_or(Role::Assistant),
        content,
        stop_reason: Some(StopReason::from(stop_reason.as_ref())),
        stop_sequence: stop_sequence.flatten(),
        usage: usage.unwrap_or_default(),
        details: ReplyDetails::from_fields(fields).unwrap_or_default(),
        unfinished: Vec::new(),
        unmerged: Vec::new(),
    };
    Ok(message)
}

fn set_cut_call_aside(message: &mut Message) {
    if message
        .stop_reason
        .as_ref()
        .is_some_and(StopReason::closes_tool_calls)
    {
        return;
    }
    let index = message.content.len().saturating_sub(1);
    let is_call = |block: &mut ContentBlock| block.is_call();
    if let Some(start) = message.content.pop_if(is_call) {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let mut call = UnfinishedTool::open(index, start);
        call.input = call
            .start
            .call_input()
            .map_or_else(String::new, |raw| raw.get().to_owned());
        message.unfinished.push(call);
    }
}

/// Whether a body that should be JSON is an event stream: no JSON begins so.
fn is_stream(text: &str) -> bool {
    let text = text.trim_start();
    ["event:", "data:", "id:", "retry:", ":"]
        .iter()
        .any(|field| text.starts_with(field))
}

fn collect(body: &[u8], facts: &Facts) -> Result<Message, Error> {
    let mut decoder = Decoder::new(facts.clone()).body_limit(u64::MAX);
    let mut accumulator = Accumulator::new(facts.clone());
    let mut end = End::Eof;
    decoder.feed(Bytes::copy_from_slice(body));
    while let Some(event) = decoder.next_event() {
        match event {
            Ok(StreamEvent::Error(error)) | Err(error) => {
                end = End::Failed(error);
                break;
            }
            Ok(event) => accumulator.push(&event),
        }
    }
    accumulator
        .end(end)
        .into_result()
        .map_err(|incomplete| incomplete.error)
}

fn kind_of(text: &str) -> &'static str {
    match text.trim_start().bytes().next() {
        None => "an empty body",
        Some(b'<') => "HTML",
        Some(b'{') => "malformed JSON",
        Some(b'[') => "an array",
        _ => "text",
    }
}
