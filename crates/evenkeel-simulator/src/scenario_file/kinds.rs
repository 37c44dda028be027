//! What one reply says: exactly one of these.

use serde::Deserialize;

use super::hex::Hex;
use crate::reply::Reply;
use crate::sse::SseEvent;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefusalTable {
    pub(super) category: String,
    pub(super) explanation: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RedirectTable {
    status: u16,
    /// A URL; the trap if it is left out.
    to: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ErrorTable {
    status: u16,
    r#type: String,
    message: String,
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTable {
    status: u16,
    body: Option<String>,
    hex: Option<Hex>,
}

/// Text, or any bytes at all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum VerbatimTable {
    Text(String),
    Hex(Hex),
}

/// Well-formed, or any bytes at all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventTable {
    event: Option<String>,
    data: Option<String>,
    verbatim: Option<String>,
    hex: Option<Hex>,
}

/// The key that says something, and what.
pub(super) type Said = (&'static str, Reply);

pub(super) fn one(said: Vec<Said>) -> Result<Reply, String> {
    let names: Vec<_> = said.iter().map(|(name, _)| *name).collect();
    let mut said = said.into_iter();
    match (said.next(), names.as_slice()) {
        (Some((_, reply)), [_]) => Ok(reply),
        (_, []) => Err(
            "this reply says nothing; add one of message, answer, refusal, error, out_of, raw, \
             verbatim, gateway, redirect, events, close"
                .into(),
        ),
        (_, [one, other]) => Err(format!("this reply has two: {one} and {other}; keep one")),
        (_, several) => {
            let (count, all) = (several.len(), several.join(", "));
            Err(format!("this reply has {count}: {all}; keep one"))
        }
    }
}

impl ErrorTable {
    pub(super) fn reply(self) -> Result<Reply, String> {
        if self.status < 400 {
            let status = self.status;
            return Err(format!(
                "`error.status` is one from 400 to 599, not {status}; any other is for raw"
            ));
        }
        let reply = Reply::error(self.status, self.r#type, self.message);
        Ok(match self.code {
            Some(code) => reply.error_code(code),
            None => reply,
        })
    }
}

impl RedirectTable {
    pub(super) fn reply(self) -> Result<Reply, String> {
        if !(300..400).contains(&self.status) {
            let status = self.status;
            return Err(format!(
                "`redirect.status` is one from 300 to 399, not {status}"
            ));
        }
        Ok(match self.to {
            Some(to) => Reply::redirect(self.status, to),
            None => Reply::redirect_to_trap(self.status),
        })
    }
}

impl RawTable {
    pub(super) fn reply(self) -> Result<Reply, String> {
        let body = match (self.body, self.hex) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(hex)) => hex.0,
            (None, None) => Vec::new(),
            (Some(_), Some(_)) => return Err("a raw reply has a body or a hex, not both".into()),
        };
        Ok(Reply::raw(self.status).body(body))
    }
}

pub(super) fn events(tables: Vec<EventTable>) -> Result<Reply, String> {
    let events = tables.into_iter().map(EventTable::event);
    Ok(Reply::events(events.collect::<Result<_, _>>()?))
}

impl EventTable {
    fn event(self) -> Result<SseEvent, String> {
        match (self.event, self.data, self.verbatim, self.hex) {
            (Some(event), Some(data), None, None) => Ok(SseEvent::new(&event, &data)),
            (None, None, Some(text), None) => Ok(SseEvent::verbatim(text)),
            (None, None, None, Some(hex)) => Ok(SseEvent::verbatim(hex.0)),
            _ => Err("an event is { event, data }, { verbatim } or { hex }".into()),
        }
    }
}
