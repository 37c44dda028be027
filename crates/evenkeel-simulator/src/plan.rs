//! From a scripted reply and the request that gets it to the bytes, pauses and cut on the wire.
//! Pure: no socket, no clock.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::content::Content;
use crate::meter::Fault;
use crate::pieces::Pieces;
use crate::reply::{Cut, Point, Reply, What};
use crate::request::MessagesRequest;

/// What a reply depends on besides its script.
#[derive(Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) seed: u64,
    pub(crate) number: u64,
    pub(crate) wall: SystemTime,
    pub(crate) organization: &'a str,
    /// None when the request was refused before it was read as one.
    pub(crate) request: Option<&'a MessagesRequest>,
}

/// What to do with one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) head_pause: Duration,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Hangup(Fault),
    Answer(Answer),
}

/// A reply ready to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) request_id: Option<String>,
    pub(crate) steps: VecDeque<Step>,
    pub(crate) framing: Framing,
    pub(crate) finish: Finish,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Send(Bytes),
    Pause(Duration),
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
    /// `limits` is told what the reply costs in output tokens, and gives the rate-limit headers.
    pub(crate) fn new(
        reply: &Reply,
        given: &Circumstances<'_>,
        limits: impl FnOnce(u64) -> Vec<(String, String)>,
    ) -> Self {
        let outcome = match reply.what {
            What::Hangup(fault) => Outcome::Hangup(fault),
            _ => Outcome::Answer(Answer::new(reply, Content::of(reply, given, limits))),
        };
        Self {
            head_pause: reply.head_pause,
            outcome,
        }
    }
}

impl Answer {
    fn new(reply: &Reply, content: Content) -> Self {
        let Content {
            status,
            headers,
            request_id,
            pieces,
            ..
        } = content;
        let total = pieces.total();
        let cut = reply
            .cut
            .map(|(point, cut)| (cut, cut_place(&pieces, point, cut)));
        let end = cut.map_or(total, |(_, place)| place);
        let mut pauses: Vec<_> = reply
            .pauses
            .iter()
            .map(|(point, pause)| (pieces.place(*point), *pause))
            .filter(|(place, pause)| *place <= end && !pause.is_zero())
            .collect();
        pauses.sort_by_key(|(place, _)| *place);

        let finish = match cut.map(|(cut, _)| cut) {
            None => Finish::Whole,
            Some(Cut::Clean) => Finish::CutClean,
            Some(cut) => {
                let pause = pauses
                    .iter()
                    .filter(|(place, _)| *place == end)
                    .map(|(_, p)| *p)
                    .sum();
                pauses.retain(|(place, _)| *place < end);
                let fault = if cut == Cut::Reset {
                    Fault::Reset
                } else {
                    Fault::Close
                };
                Finish::CutWire {
                    after: end,
                    pause,
                    fault,
                }
            }
        };
        // The wire cuts inside a chunk, so the chunk with the cut in it is handed over whole.
        let sent = if matches!(finish, Finish::CutWire { .. }) {
            total
        } else {
            end
        };
        let framing = match (&finish, pieces.is_stream()) {
            (Finish::Whole, false) => Framing::Length,
            _ => Framing::Chunks,
        };
        let steps = steps(pieces, &pauses, sent);
        Self {
            status,
            headers,
            request_id,
            steps,
            framing,
            finish,
        }
    }
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
