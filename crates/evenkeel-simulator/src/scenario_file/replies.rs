//! One reply, or one fault, as a table.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroUsize};
use std::time::Duration;

use serde::Deserialize;

use super::blocks::BlockTable;
use super::conditions::WhenTable;
use super::hex::Hex;
use super::length::Length;
use crate::answer::Answer;
use crate::distortion::LineEnd;
use crate::reply::{Cut, ErrorEvent, Point, Reply};
use crate::shortage::Shortage;
use crate::sse::SseEvent;
use crate::when::When;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefusalTable {
    category: String,
    explanation: String,
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
pub(super) struct DripTable {
    bytes: NonZeroUsize,
    every: Length,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PingsTable {
    after_events: usize,
    every: Length,
}

#[derive(Deserialize)]
pub(super) enum LineEndWord {
    #[serde(rename = "crlf")]
    CrLf,
    #[serde(rename = "cr")]
    Cr,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplyTable {
    message: Option<String>,
    error: Option<ErrorTable>,
    raw: Option<RawTable>,
    verbatim: Option<VerbatimTable>,
    gateway: Option<u16>,
    events: Option<Vec<EventTable>>,
    close: Option<CloseWord>,
    answer: Option<Vec<BlockTable>>,
    refusal: Option<RefusalTable>,
    out_of: Option<Shortage>,
    redirect: Option<RedirectTable>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    when: Option<WhenTable>,
    silence_after_events: Option<usize>,
    pings_only: Option<PingsTable>,
    pieces_of: Option<NonZeroUsize>,
    drip: Option<DripTable>,
    line_ends: Option<LineEndWord>,
    malformed_json_after_events: Option<usize>,
    #[serde(default)]
    unknown_events: bool,
    huge_event: Option<usize>,
    pub(super) times: Option<NonZeroU16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    retry_after: Option<Length>,
    pause_before_head: Option<Length>,
    #[serde(default)]
    pauses: Vec<PauseTable>,
    error_event: Option<ErrorEventTable>,
    cut: Option<CutTable>,
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

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CloseWord {
    Close,
    Reset,
    GoAway,
    RefuseStream,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PauseTable {
    after_events: Option<usize>,
    after_bytes: Option<u64>,
    r#for: Length,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ErrorEventTable {
    after_events: usize,
    r#type: String,
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CutTable {
    after_events: Option<usize>,
    after_bytes: Option<u64>,
    /// The one name that a place has.
    after: Option<PlaceWord>,
    how: CutWord,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PlaceWord {
    StopReason,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CutWord {
    Clean,
    Reset,
    MidChunk,
}

impl ReplyTable {
    /// A reply of the script.
    pub(super) fn in_turn(self) -> Result<Reply, String> {
        if self.when.is_some() {
            return Err("a [[reply]] has its turn; what has a `when` is a [[fault]]".into());
        }
        self.reply()?.ok_or_else(|| KINDS.to_owned())
    }

    /// A fault, and when it strikes.
    pub(super) fn fault(mut self) -> Result<(When, Reply), String> {
        if self.times.is_some() {
            return Err("`times` is for a [[reply]]; a [[fault]] has a `when`".into());
        }
        let when = self
            .when
            .take()
            .map_or(Ok(When::always()), WhenTable::when)?;
        let (kinds, rest) = self.split()?;
        let reply = match kinds.len() {
            0 => rest.dressed(Reply::scripted())?,
            _ => rest.dressed(one(kinds)?)?,
        };
        Ok((when, reply))
    }

    /// None if it says nothing.
    fn reply(self) -> Result<Option<Reply>, String> {
        let (kinds, rest) = self.split()?;
        if kinds.is_empty() {
            return Ok(None);
        }
        rest.dressed(one(kinds)?).map(Some)
    }

    /// What it says, and the rest.
    fn split(mut self) -> Result<(Vec<Reply>, Self), String> {
        let message = self.message.take().map(|text| Answer::new().text(text));
        let answer = self.answer.take().map(|blocks| {
            let blocks = blocks.into_iter();
            blocks.fold(Answer::new(), |answer, block| block.add_to(answer))
        });
        let both = message.is_some() && answer.is_some();
        let said = message.or(answer).map(Reply::answer);
        let kinds = [
            said.clone(),
            // Twice the same is one too many, which is what is to be said.
            said.filter(|_| both),
            self.refusal.take().map(|refusal| {
                Reply::answer(Answer::refusal(refusal.category, refusal.explanation))
            }),
            self.error.take().map(ErrorTable::reply),
            self.raw.take().map(RawTable::reply).transpose()?,
            self.verbatim.take().map(|bytes| match bytes {
                VerbatimTable::Text(text) => Reply::verbatim(text),
                VerbatimTable::Hex(hex) => Reply::verbatim(hex.0),
            }),
            self.gateway.take().map(Reply::html_gateway),
            self.out_of.take().map(Reply::out_of),
            self.redirect.take().map(|redirect| match redirect.to {
                Some(to) => Reply::redirect(redirect.status, to),
                None => Reply::redirect_to_trap(redirect.status),
            }),
            self.events.take().map(events).transpose()?,
            self.close.take().map(|word| match word {
                CloseWord::Close => Reply::close_without_reply(),
                CloseWord::Reset => Reply::reset_without_reply(),
                CloseWord::GoAway => Reply::go_away(),
                CloseWord::RefuseStream => Reply::refuse_stream(),
            }),
        ];
        Ok((kinds.into_iter().flatten().collect(), self))
    }

    /// The reply with all that goes on top.
    fn dressed(self, mut reply: Reply) -> Result<Reply, String> {
        reply = match (self.stop_reason, self.stop_sequence) {
            (None, None) => reply,
            (Some(reason), None) => reply.stop_reason(reason),
            (None, Some(sequence)) => reply.stop_sequence(sequence),
            (Some(_), Some(_)) => {
                return Err(
                    "an answer stops for a stop_reason or at a stop_sequence, not both".into(),
                );
            }
        };
        if self.pieces_of.is_some() && self.drip.is_some() {
            return Err("drip says how large its pieces are; leave pieces_of out".into());
        }
        reply.headers = self.headers.into_iter().collect();
        reply.retry_after = self.retry_after.map(|length| length.0);
        reply.head_pause = self
            .pause_before_head
            .map_or(Duration::ZERO, |length| length.0);
        for pause in self.pauses {
            let point = point("a pause", pause.after_events, pause.after_bytes)?;
            reply.pauses.push((point, pause.r#for.0));
        }
        reply.error_event = self.error_event.map(|error| ErrorEvent {
            after: error.after_events,
            error_type: error.r#type,
            message: error.message,
        });
        if let Some(cut) = self.cut {
            let at = match (cut.after, cut.after_events, cut.after_bytes) {
                (Some(PlaceWord::StopReason), None, None) => Point::StopReason,
                (Some(_), ..) => {
                    return Err("a cut has exactly one of after, after_events, after_bytes".into());
                }
                (None, events, bytes) => point("a cut", events, bytes)?,
            };
            let how = match cut.how {
                CutWord::Clean => Cut::Clean,
                CutWord::Reset => Cut::Reset,
                CutWord::MidChunk => Cut::MidChunk,
            };
            reply.cut = Some((at, how));
        }
        if let Some(events) = self.silence_after_events {
            reply = reply.silence_after_events(events);
        }
        reply.pings = self
            .pings_only
            .map(|pings| (pings.after_events, pings.every.0));
        reply.piece = self.pieces_of;
        if let Some(drip) = self.drip {
            reply = reply.drip(drip.bytes, drip.every.0);
        }
        reply.distortion.line_end = self.line_ends.map(|word| match word {
            LineEndWord::CrLf => LineEnd::CrLf,
            LineEndWord::Cr => LineEnd::Cr,
        });
        reply.distortion.malformed = self.malformed_json_after_events;
        reply.distortion.strangers = self.unknown_events;
        reply.distortion.huge = self.huge_event;
        Ok(reply)
    }
}

const KINDS: &str = "a reply is exactly one of message, answer, refusal, error, out_of, raw, verbatim, gateway, redirect, events, close";

fn one(kinds: Vec<Reply>) -> Result<Reply, String> {
    let mut kinds = kinds.into_iter();
    match (kinds.next(), kinds.next()) {
        (Some(reply), None) => Ok(reply),
        _ => Err(KINDS.to_owned()),
    }
}

impl ErrorTable {
    fn reply(self) -> Reply {
        let reply = Reply::error(self.status, self.r#type, self.message);
        match self.code {
            Some(code) => reply.error_code(code),
            None => reply,
        }
    }
}

impl RawTable {
    fn reply(self) -> Result<Reply, String> {
        let body = match (self.body, self.hex) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(hex)) => hex.0,
            (None, None) => Vec::new(),
            (Some(_), Some(_)) => return Err("a raw reply has a body or a hex, not both".into()),
        };
        Ok(Reply::raw(self.status).body(body))
    }
}

fn events(tables: Vec<EventTable>) -> Result<Reply, String> {
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

fn point(what: &str, events: Option<usize>, bytes: Option<u64>) -> Result<Point, String> {
    match (events, bytes) {
        (Some(events), None) => Ok(Point::Events(events)),
        (None, Some(bytes)) => Ok(Point::Bytes(bytes)),
        _ => Err(format!(
            "{what} has exactly one of after_events, after_bytes"
        )),
    }
}
