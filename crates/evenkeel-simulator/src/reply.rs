//! One scripted reply: what is said.

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;

use crate::answer::{Answer, Stop};
use crate::distortion::Distortion;
use crate::meter::Fault;
use crate::shortage::Shortage;
use crate::sse::SseEvent;

/// One reply of a scenario. Made by a constructor, then given headers, pauses and faults.
///
/// Positions count from the start of the body, in events or in bytes. On a reply that is not a
/// stream a position in events means the middle of the body. A position past the end is the end.
///
/// ```
/// use std::time::Duration;
///
/// use evenkeel_simulator::{Cut, Reply, Scenario};
///
/// let scenario = Scenario::script(vec![
///     Reply::error(529, "overloaded_error", "Overloaded"),
///     Reply::message("This one breaks off.").cut_after_events(4, Cut::Reset),
///     Reply::message("This one is late.").pause_before_head(Duration::from_secs(2)),
/// ]);
/// # let _ = scenario;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Reply {
    pub(crate) what: What,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) head_pause: Duration,
    pub(crate) pauses: Vec<(Point, Duration)>,
    pub(crate) error_event: Option<ErrorEvent>,
    pub(crate) cut: Option<(Point, Cut)>,
    /// Why an answer stops, in place of what it says itself.
    pub(crate) stop: Option<Stop>,
    pub(crate) distortion: Distortion,
    /// The most bytes in one piece.
    pub(crate) piece: Option<NonZeroUsize>,
    /// The wait after each piece.
    pub(crate) drip: Duration,
    /// Nothing but pings, this far apart, after this many events.
    pub(crate) pings: Option<(usize, Duration)>,
}

/// How a reply that is cut off ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cut {
    /// The body ends as if it were whole: the last chunk is sent, the connection lives on.
    Clean,
    /// The connection is reset (TCP `RST`).
    Reset,
    /// The connection is closed inside a chunk whose size had promised more.
    MidChunk,
}

/// What the reply is before anything goes wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Answer(Answer),
    Events(Vec<SseEvent>),
    Error {
        status: u16,
        error_type: String,
        message: String,
        code: Option<String>,
    },
    Shortage(Shortage),
    Raw {
        status: u16,
        body: Bytes,
    },
    Gateway {
        status: u16,
    },
    /// To this URL, or to the trap.
    Redirect {
        status: u16,
        to: Option<String>,
    },
    Hangup(Fault),
    /// These bytes where a reply would be, and the end of the connection.
    Verbatim(Bytes),
    /// Whatever the script says.
    Scripted,
}

/// A place in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    Events(usize),
    Bytes(u64),
    /// After the `message_delta`, which has the stop reason.
    StopReason,
}

/// An `error` event in place of the rest of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorEvent {
    pub(crate) after: usize,
    pub(crate) error_type: String,
    pub(crate) message: String,
}

impl Reply {
    /// An answer with this text: as server-sent events when the request says `"stream": true`,
    /// else as one JSON message. Model and usage come from the request; the stop reason is
    /// `end_turn`, or `max_tokens` when the text has more tokens than that allows (a token is at
    /// most four characters here).
    pub fn message(text: impl Into<String>) -> Self {
        Self::answer(Answer::new().text(text))
    }

    /// An answer with these blocks.
    pub fn answer(answer: Answer) -> Self {
        Self::new(What::Answer(answer))
    }

    /// Whatever the script says at this place, with the faults of this reply on top: for use with
    /// [`Scenario::with`](crate::Scenario::with).
    pub fn scripted() -> Self {
        Self::new(What::Scripted)
    }

    /// A stream of exactly these events, whatever form the request asked for.
    pub fn events(events: Vec<SseEvent>) -> Self {
        Self::new(What::Events(events))
    }

    /// The API's error body with a status from 200 to 599.
    pub fn error(status: u16, error_type: impl Into<String>, message: impl Into<String>) -> Self {
        let (error_type, message) = (error_type.into(), message.into());
        Self::new(What::Error {
            status,
            error_type,
            message,
            code: None,
        })
    }

    /// A 429 of the requests-per-minute limit: message, `retry-after` and rate-limit headers as
    /// the API sends them.
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self::out_of(Shortage::Requests).retry_after(retry_after)
    }

    /// A 429 of the monthly spend cap: code `enforced_spend_limit_reached`, a message that names
    /// the first day of the next month, and no `retry-after`.
    pub fn spend_cap() -> Self {
        Self::out_of(Shortage::SpendCap)
    }

    /// The refusal that goes with this shortage: a 429 for most. Give it a `retry_after` where the
    /// API would.
    pub fn out_of(shortage: Shortage) -> Self {
        Self::new(What::Shortage(shortage))
    }

    /// A redirect with this status to this URL.
    pub fn redirect(status: u16, to: impl Into<String>) -> Self {
        let to = Some(to.into());
        Self::new(What::Redirect { status, to })
    }

    /// A redirect with this status to the trap: a second port, thus another origin, that answers
    /// everything and notes what it was given. [`Simulator::trap`](crate::Simulator::trap) has it.
    pub fn redirect_to_trap(status: u16) -> Self {
        Self::new(What::Redirect { status, to: None })
    }

    /// An HTML error page of the proxy in front of the API: it has a `cf-ray`, and neither request
    /// id nor organization. Status from 200 to 599; proxies send 502, 503, 504 and 520 to 526.
    pub fn html_gateway(status: u16) -> Self {
        Self::new(What::Gateway { status })
    }

    /// A status from 200 to 599 with an empty body and no content type, to be filled in.
    pub fn raw(status: u16) -> Self {
        Self::new(What::Raw {
            status,
            body: Bytes::new(),
        })
    }

    /// A body of JSON.
    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        let body = Bytes::from(body.into());
        Self::new(What::Raw { status, body }).header("content-type", "application/json")
    }

    /// The connection is closed before a byte of the reply.
    pub fn close_without_reply() -> Self {
        Self::new(What::Hangup(Fault::Close))
    }

    /// Exactly these bytes over the connection, status line and all, and then its end (TCP `FIN`): for
    /// heads that HTTP does not allow. Over HTTP/2 they come where a frame would; without a socket
    /// they are not sent. The journal has no status for it, and the ending [`Ending::Cut`].
    ///
    /// [`Ending::Cut`]: crate::Ending::Cut
    pub fn verbatim(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(What::Verbatim(Bytes::from(bytes.into())))
    }

    /// The connection is reset (TCP `RST`) before a byte of the reply.
    pub fn reset_without_reply() -> Self {
        Self::new(What::Hangup(Fault::Reset))
    }

    /// HTTP/2: `GOAWAY` that names the requests before this one as the last that were taken on, and
    /// the end of the connection. Over HTTP/1.1 the connection is closed.
    pub fn go_away() -> Self {
        Self::new(What::Hangup(Fault::GoAway))
    }

    /// HTTP/2: `RST_STREAM` with `REFUSED_STREAM`; the connection lives on. Over HTTP/1.1 the
    /// connection is closed.
    pub fn refuse_stream() -> Self {
        Self::new(What::Hangup(Fault::RefusedStream))
    }

    fn new(what: What) -> Self {
        Self {
            what,
            headers: Vec::new(),
            retry_after: None,
            head_pause: Duration::ZERO,
            pauses: Vec::new(),
            error_event: None,
            cut: None,
            stop: None,
            distortion: Distortion::default(),
            piece: None,
            drip: Duration::ZERO,
            pings: None,
        }
    }

    /// Sends exactly this body instead of a generated one. The status stays; the content type of
    /// what was replaced does not.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        let status = match self.what {
            What::Answer(_)
            | What::Events(_)
            | What::Hangup(_)
            | What::Verbatim(_)
            | What::Scripted => 200,
            What::Shortage(shortage) => shortage.status(),
            What::Error { status, .. }
            | What::Raw { status, .. }
            | What::Redirect { status, .. }
            | What::Gateway { status } => status,
        };
        self.what = What::Raw {
            status,
            body: Bytes::from(body.into()),
        };
        self
    }

    /// Adds a header; it takes the place of one that the simulator would have sent. Headers that
    /// frame the body (`content-length`, `transfer-encoding`) cannot be set.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Gives an error its machine code, as `error.details.error_code`. Nothing else has one.
    pub fn error_code(mut self, new: impl Into<String>) -> Self {
        if let What::Error { code, .. } = &mut self.what {
            *code = Some(new.into());
        }
        self
    }
}
