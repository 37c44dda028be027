//! From a scripted reply and the request that gets it to the bytes, pauses and cut on the wire.
//! Pure: no socket, no clock.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::content::{Content, Remarks};
use crate::flaw::Soundness;
use crate::gate::Bill;
use crate::meter::Fault;
use crate::pieces::Pieces;
use crate::reply::{Cut, Point, Reply, What};
use crate::request::MessagesRequest;
use crate::sse::SseEvent;
use crate::usage::Input;

/// What a reply depends on besides its script.
#[derive(Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) seed: u64,
    pub(crate) number: u64,
    pub(crate) wall: SystemTime,
    pub(crate) organization: &'a str,
    pub(crate) workspace: &'a str,
    /// Where the trap is, if there is one.
    pub(crate) trap: Option<String>,
    /// None when the request was refused before it was read as one.
    pub(crate) request: Option<&'a MessagesRequest>,
    /// What its input costs.
    pub(crate) input: Input,
}

/// What to do with one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) head_pause: Duration,
    /// How long it takes to generate, if anything is generated.
    pub(crate) generation: Option<Duration>,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Hangup(Fault),
    /// These bytes and no more.
    Verbatim(Bytes),
    Answer(Answer),
}

/// A reply ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) request_id: Option<String>,
    pub(crate) steps: VecDeque<Step>,
    pub(crate) framing: Framing,
    pub(crate) finish: Finish,
    pub(crate) drip: Drip,
    pub(crate) remarks: Remarks,
    pub(crate) soundness: Soundness,
    /// The text in what was sent of a stream that a script broke off.
    pub(crate) broken_off: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Send(Bytes),
    Pause(Duration),
    /// These bytes, again and again, with this wait before each.
    Endless(Bytes, Duration),
}

/// How the bytes of a body are dealt out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Drip {
    /// At most so many at a time.
    pub(crate) piece: Option<NonZeroUsize>,
    /// With this wait between.
    pub(crate) wait: Duration,
}

/// How long generation takes, where there is a model of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    /// To the first token.
    pub(crate) first: Duration,
    /// From the first token to the last.
    pub(crate) rest: Duration,
    /// Between pings; zero is none.
    pub(crate) pings: Duration,
}

/// How the end of the body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// By `content-length`.
    Length,
    /// By the last chunk.
    Chunks,
}

/// How the body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    Whole,
    /// Cut by script, and yet well-formed.
    CutClean,
    /// Cut on the wire after this many bytes of the body and this pause.
    CutWire {
        after: u64,
        pause: Duration,
        fault: Fault,
    },
}

impl Plan {
    /// `limits` is told what the reply costs, and gives the rate-limit headers; `pace` is told how
    /// many tokens are generated, and says how long they take.
    pub(crate) fn new(
        reply: &Reply,
        given: &Circumstances<'_>,
        limits: impl FnOnce(Bill) -> Vec<(String, String)>,
        pace: impl FnOnce(u64) -> Pace,
    ) -> Self {
        let mut head_pause = reply.head_pause;
        let mut generation = None;
        let outcome = if let What::Hangup(fault) = reply.what {
            Outcome::Hangup(fault)
        } else if let What::Verbatim(bytes) = &reply.what {
            Outcome::Verbatim(bytes.clone())
        } else {
            let mut content = Content::of(reply, given, limits);
            let pace = content.output_tokens.map(pace);
            generation = pace.map(|pace| pace.first.saturating_add(pace.rest));
            let pace = pace.unwrap_or_default();
            head_pause = head_pause.saturating_add(pace.first);
            if let Some(every) = events_between_pings(&content.pieces, pace) {
                let ping = reply.distortion.ended(SseEvent::ping());
                content.pieces.insert_every(every, &ping.into_bytes());
            }
            if !content.pieces.is_stream() {
                head_pause = head_pause.saturating_add(pace.rest);
            }
            Outcome::Answer(Answer::new(reply, content, pace.rest))
        };
        Self {
            head_pause,
            generation,
            outcome,
        }
    }

    /// The text in what is sent of a stream that the script breaks off.
    pub(crate) fn broken_off(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Answer(answer) => answer.broken_off.as_deref(),
            Outcome::Hangup(_) | Outcome::Verbatim(_) => None,
        }
    }
}

impl Answer {
    fn new(reply: &Reply, content: Content, generation: Duration) -> Self {
        let Content {
            status,
            headers,
            request_id,
            pieces,
            remarks,
            soundness,
            ..
        } = content;
        let total = pieces.total();
        let cut = reply
            .cut
            .map(|(point, cut)| (cut, cut_place(&pieces, point, cut)));
        let pings = reply
            .pings
            .map(|(events, every)| (pieces.place(Point::Events(events)), every));
        let end = cut.map_or(total, |(_, place)| place);
        let end = pings.map_or(end, |(place, _)| end.min(place));
        let pauses = pauses(reply, &pieces, generation, end);
        let (finish, pauses) = finish(cut.map(|(cut, _)| cut), pauses, end);
        // The wire cuts inside a chunk, so the chunk with the cut in it is handed over whole.
        let sent = match finish {
            Finish::CutWire { .. } if pings.is_none() => total,
            _ => end,
        };
        let framing = match (&finish, pings, pieces.is_stream()) {
            (Finish::Whole, None, false) => Framing::Length,
            _ => Framing::Chunks,
        };
        let broken = cut.is_some() || pings.is_some() || reply.error_event.is_some();
        let mut soundness = soundness.within(end);
        if finish == Finish::CutClean && end == total && soundness.flaw.is_none() {
            // Nothing is missing, and nothing tells that it was cut.
            soundness.settled = soundness
                .settled
                .or(Some(total).filter(|_| !pieces.is_stream()));
        }
        let broken_off = (broken && pieces.is_stream() && soundness.settled.is_none())
            .then(|| pieces.text_before(end))
            // What is left of white space is what a message without a text has.
            .filter(|text| !text.trim_end().is_empty());
        let mut steps = steps(pieces, &pauses, sent);
        if let Some((_, every)) = pings {
            steps.push_back(Step::Endless(SseEvent::ping().into_bytes(), every));
        }
        Self {
            status,
            headers,
            request_id,
            steps,
            framing,
            finish,
            drip: Drip {
                piece: reply.piece,
                wait: reply.drip,
            },
            remarks,
            soundness,
            broken_off,
        }
    }
}

/// Events are spread evenly over the time that generation takes.
fn events_between_pings(pieces: &Pieces, pace: Pace) -> Option<NonZeroUsize> {
    let events = u128::try_from(pieces.events()).ok()?;
    let between = (events * pace.pings.as_nanos()).checked_div(pace.rest.as_nanos())?;
    // Pings that come as fast as events are a generation that is slower than anybody waits for.
    let between = usize::try_from(between.max(1)).ok()?;
    NonZeroUsize::new(between).filter(|_| !pace.pings.is_zero())
}

/// Every pause and its place, in order: those of the script, and those of generation.
fn pauses(reply: &Reply, pieces: &Pieces, generation: Duration, end: u64) -> Vec<(u64, Duration)> {
    let scripted = reply.pauses.iter();
    let mut pauses: Vec<_> = scripted
        .map(|(point, pause)| (pieces.place(*point), *pause))
        .chain(generated(pieces, generation))
        .filter(|(place, pause)| *place <= end && !pause.is_zero())
        .collect();
    pauses.sort_by_key(|(place, _)| *place);
    pauses
}

/// Spreads the time that generation takes over the events of a stream.
fn generated(pieces: &Pieces, generation: Duration) -> Vec<(u64, Duration)> {
    let events = pieces.events();
    let Some(each) = u32::try_from(events)
        .ok()
        .and_then(|events| generation.checked_div(events))
        .filter(|each| !each.is_zero())
    else {
        return Vec::new();
    };
    pieces.ends().map(|place| (place, each)).collect()
}

fn finish(
    cut: Option<Cut>,
    mut pauses: Vec<(u64, Duration)>,
    end: u64,
) -> (Finish, Vec<(u64, Duration)>) {
    let fault = match cut {
        None => return (Finish::Whole, pauses),
        Some(Cut::Clean) => return (Finish::CutClean, pauses),
        Some(Cut::Reset) => Fault::Reset,
        Some(Cut::MidChunk) => Fault::Close,
    };
    let at_the_end = pauses.iter().filter(|(place, _)| *place == end);
    // Not `sum`, which panics where two silences are longer than time.
    let pause = at_the_end.fold(Duration::ZERO, |all, (_, pause)| all.saturating_add(*pause));
    pauses.retain(|(place, _)| *place < end);
    let finish = Finish::CutWire {
        after: end,
        pause,
        fault,
    };
    (finish, pauses)
}

/// Where the cut is, in bytes of the body.
fn cut_place(pieces: &Pieces, point: Point, cut: Cut) -> u64 {
    let place = pieces.place(point);
    match (point, cut) {
        (Point::Events(_), Cut::MidChunk) => place + pieces.length_at(place) / 2,
        _ => place,
    }
}

/// The pieces up to `end`, with the pauses where they belong.
fn steps(pieces: Pieces, pauses: &[(u64, Duration)], end: u64) -> VecDeque<Step> {
    let mut steps = VecDeque::new();
    let mut pauses = pauses.iter().copied().peekable();
    let mut place = 0;
    let length = |piece: &Bytes| piece.len() as u64;
    for mut piece in pieces {
        if length(&piece) > end - place {
            piece.truncate(usize::try_from(end - place).unwrap_or(usize::MAX));
        }
        while let Some((at, pause)) = pauses.next_if(|(at, _)| *at < place + length(&piece)) {
            let before = piece.split_to(usize::try_from(at - place).unwrap_or(0));
            place += length(&before);
            send(&mut steps, before);
            steps.push_back(Step::Pause(pause));
        }
        place += length(&piece);
        send(&mut steps, piece);
    }
    steps.extend(pauses.map(|(_, pause)| Step::Pause(pause)));
    steps
}

fn send(steps: &mut VecDeque<Step>, bytes: Bytes) {
    if !bytes.is_empty() {
        steps.push_back(Step::Send(bytes));
    }
}

#[cfg(test)]
mod tests;
