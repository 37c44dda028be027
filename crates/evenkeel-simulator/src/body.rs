//! Plays the steps of an answer as the body of a response.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::{Method, Version};
use tokio::time::Sleep;

use crate::clock;
use crate::connection::{SETTLE, lull};
use crate::entry::Ending;
use crate::journal::Ticket;
use crate::line::{Control, Strike};
use crate::meter::Fault;
use crate::plan::{Answer, Drip, Finish, Framing, Step};

/// A body that pauses where the script says, and tells the journal how far it came.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    steps: VecDeque<Step>,
    pause: Option<Pin<Box<Sleep>>>,
    length: Option<u64>,
    sent: u64,
    finish: Finish,
    drip: Drip,
    /// Whether a cut on the wire is made here: HTTP/2 has no place of its own for it.
    cuts: bool,
    coverage: Coverage,
    report: Option<(Ticket, Arc<Control>)>,
}

/// How much of a reply goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coverage {
    Whole,
    /// Not the body, by the rules of HTTP.
    Head,
}

impl Coverage {
    pub(crate) fn of(method: &Method, status: u16) -> Self {
        if method == Method::HEAD || matches!(status, 204 | 304) {
            Self::Head
        } else {
            Self::Whole
        }
    }
}

impl ReplyBody {
    pub(crate) fn new(
        answer: Answer,
        ticket: Ticket,
        control: Arc<Control>,
        version: Version,
        coverage: Coverage,
    ) -> Self {
        let length = (answer.framing == Framing::Length).then(|| {
            let lengths = answer.steps.iter().map(|step| match step {
                Step::Send(bytes) => bytes.len() as u64,
                Step::Pause(_) | Step::Endless(..) => 0,
            });
            lengths.sum()
        });
        let report = Some((ticket, control));
        Self {
            steps: answer.steps,
            pause: None,
            length,
            sent: 0,
            finish: settled(answer.finish, version),
            drip: answer.drip,
            cuts: version == Version::HTTP_2,
            coverage,
            report,
        }
    }

    /// A body that no script and no journal knows of.
    pub(crate) fn plain(bytes: Bytes) -> Self {
        let length = Some(bytes.len() as u64);
        let steps = VecDeque::from([Step::Send(bytes)]);
        Self {
            steps,
            pause: None,
            length,
            sent: 0,
            finish: Finish::Whole,
            drip: Drip::default(),
            cuts: false,
            coverage: Coverage::Whole,
            report: None,
        }
    }

    /// The first of these bytes; the rest goes back to where it came from.
    fn dealt(&mut self, mut bytes: Bytes) -> Bytes {
        let mut most = self.drip.piece.map_or(bytes.len(), NonZeroUsize::get);
        if let (true, Finish::CutWire { after, .. }) = (self.cuts, self.finish) {
            most = most.min(usize::try_from(after - self.sent).unwrap_or(most));
        }
        if most < bytes.len() {
            self.steps.push_front(Step::Send(bytes.split_off(most)));
        }
        if !self.drip.wait.is_zero() {
            self.steps.push_front(Step::Pause(self.drip.wait));
        }
        bytes
    }

    /// The fault, once a cut that is made here has been reached.
    fn cut_reached(&mut self) -> Option<Fault> {
        let Finish::CutWire {
            after,
            pause,
            fault,
        } = self.finish
        else {
            return None;
        };
        if !self.cuts || self.sent < after {
            return None;
        }
        if !pause.is_zero() {
            // Once, and then the cut.
            self.finish = Finish::CutWire {
                after,
                pause: Duration::ZERO,
                fault,
            };
            self.steps.push_front(Step::Pause(pause));
            return None;
        }
        Some(fault)
    }

    fn cut(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let control = self.report.as_ref().map(|(_, control)| Arc::clone(control));
        self.close(Ending::Cut);
        match (fault, control) {
            (Fault::Close | Fault::GoAway, Some(control)) => {
                control.strike(Strike {
                    fault: Fault::Close,
                    pause: Duration::ZERO,
                    before: 0,
                });
                Poll::Pending
            }
            _ => Poll::Ready(Some(Err(h2::Reason::INTERNAL_ERROR.into()))),
        }
    }

    fn close(&mut self, ending: Ending) {
        let (reached, lull) = match self.finish {
            Finish::CutWire {
                after,
                pause,
                fault,
            } => {
                // A cut that is made on the wire is still to come.
                let lull = match (ending, self.cuts) {
                    (Ending::Cut, false) => lull(fault, pause),
                    _ => Duration::ZERO,
                };
                (self.sent.min(after), lull)
            }
            Finish::Whole | Finish::CutClean => (self.sent, Duration::ZERO),
        };
        if let Some((ticket, _)) = self.report.take() {
            ticket.close_after(lull, ending, reached);
        }
    }
}

/// Over HTTP/2 a reset overtakes what is under way, so a cut waits a moment for that.
fn settled(finish: Finish, version: Version) -> Finish {
    match finish {
        Finish::CutWire {
            after,
            pause,
            fault,
        } if version == Version::HTTP_2 => Finish::CutWire {
            after,
            pause: pause.max(SETTLE),
            fault,
        },
        other => other,
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            if let Some(fault) = self.cut_reached() {
                return self.cut(fault);
            }
            match self.steps.pop_front() {
                Some(Step::Pause(length)) => self.pause = Some(Box::pin(clock::sleep(length))),
                Some(Step::Endless(bytes, every)) => {
                    self.steps.push_back(Step::Pause(every));
                    self.steps.push_back(Step::Send(bytes.clone()));
                    self.steps.push_back(Step::Endless(bytes, every));
                }
                Some(Step::Send(bytes)) => {
                    let bytes = self.dealt(bytes);
                    self.sent += bytes.len() as u64;
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                None => {
                    let ending = match self.finish {
                        Finish::Whole => Ending::Complete,
                        Finish::CutClean | Finish::CutWire { .. } => Ending::Cut,
                    };
                    self.close(ending);
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, |length| {
            SizeHint::with_exact(length - self.sent)
        })
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        let struck = self
            .report
            .as_ref()
            .is_some_and(|(_, control)| control.struck().is_some());
        // hyper does not ask for the end of a body whose announced length it has.
        let has_all = self.length == Some(self.sent) || self.coverage == Coverage::Head;
        let whole = has_all && self.finish == Finish::Whole;
        self.close(match (struck, whole) {
            (true, _) => Ending::Cut,
            (false, true) => Ending::Complete,
            (false, false) => Ending::Abandoned,
        });
    }
}
