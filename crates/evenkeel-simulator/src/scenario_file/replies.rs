//! One reply, or one fault, as a table.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroUsize};
use std::time::Duration;

use serde::Deserialize;

use super::blocks::BlockTable;
use super::conditions::WhenTable;
use super::kinds::{
    ErrorTable, EventTable, RawTable, RedirectTable, RefusalTable, Said, VerbatimTable, events, one,
};
use super::length::Length;
use crate::answer::Answer;
use crate::distortion::LineEnd;
use crate::reply::{Cut, ErrorEvent, Point, Reply};
use crate::shortage::Shortage;
use crate::when::When;

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
        let (kinds, rest) = self.split()?;
        rest.dressed(one(kinds)?)
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
        if reply == Reply::scripted() {
            return Err(
                "this fault does nothing: add what is said instead (error, gateway, close, …), or what \
                 goes wrong (cut, pause_before_head, …)"
                    .into(),
            );
        }
        Ok((when, reply))
    }

    /// What it says, and the rest.
    fn split(mut self) -> Result<(Vec<Said>, Self), String> {
        let answer = match self.answer.take() {
            Some(blocks) if blocks.is_empty() => {
                return Err("`answer` has at least one block: [{ text = \"Hi\" }]".into());
            }
            blocks => blocks.map(|blocks| {
                let blocks = blocks.into_iter();
                let answer = blocks.fold(Answer::new(), |answer, block| block.add_to(answer));
                Reply::answer(answer)
            }),
        };
        let kinds = [
            ("message", self.message.take().map(Reply::message)),
            ("answer", answer),
            (
                "refusal",
                self.refusal.take().map(|refusal| {
                    Reply::answer(Answer::refusal(refusal.category, refusal.explanation))
                }),
            ),
            (
                "error",
                self.error.take().map(ErrorTable::reply).transpose()?,
            ),
            ("raw", self.raw.take().map(RawTable::reply).transpose()?),
            (
                "verbatim",
                self.verbatim.take().map(|bytes| match bytes {
                    VerbatimTable::Text(text) => Reply::verbatim(text),
                    VerbatimTable::Hex(hex) => Reply::verbatim(hex.0),
                }),
            ),
            ("gateway", self.gateway.take().map(Reply::html_gateway)),
            ("out_of", self.out_of.take().map(Reply::out_of)),
            (
                "redirect",
                self.redirect.take().map(RedirectTable::reply).transpose()?,
            ),
            ("events", self.events.take().map(events).transpose()?),
            (
                "close",
                self.close.take().map(|word| match word {
                    CloseWord::Close => Reply::close_without_reply(),
                    CloseWord::Reset => Reply::reset_without_reply(),
                    CloseWord::GoAway => Reply::go_away(),
                    CloseWord::RefuseStream => Reply::refuse_stream(),
                }),
            ),
        ];
        let said = kinds.into_iter();
        let said = said.filter_map(|(name, reply)| Some((name, reply?)));
        Ok((said.collect(), self))
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
            let point = point("`pauses`: each", pause.after_events, pause.after_bytes)?;
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
                    return Err(CUT_PLACE.into());
                }
                (None, None, None) => return Err(CUT_PLACE.into()),
                (None, events, bytes) => point("`cut`", events, bytes)?,
            };
            let how = match cut.how {
                CutWord::Clean => Cut::Clean,
                CutWord::Reset => Cut::Reset,
                CutWord::MidChunk => Cut::MidChunk,
            };
            if let (Point::Events(cut), Some(pings)) = (at, &self.pings_only)
                && cut > pings.after_events
            {
                return Err(
                    "`cut` never comes: `pings_only` begins before it and has no end; leave one out"
                        .into(),
                );
            }
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

const CUT_PLACE: &str =
    "`cut` has exactly one of after_events, after_bytes and after = \"stop-reason\"";

fn point(what: &str, events: Option<usize>, bytes: Option<u64>) -> Result<Point, String> {
    match (events, bytes) {
        (Some(events), None) => Ok(Point::Events(events)),
        (None, Some(bytes)) => Ok(Point::Bytes(bytes)),
        _ => Err(format!(
            "{what} has exactly one of after_events, after_bytes"
        )),
    }
}
