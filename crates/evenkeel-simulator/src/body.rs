//! Plays the steps of an answer as the body of a response.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::clock;
use crate::entry::Ending;
use crate::journal::Ticket;
use crate::line::Control;
use crate::plan::{Answer, Finish, Framing, Step};

/// A body that pauses where the script says, and tells the journal how far it came.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    steps: VecDeque<Step>,
    pause: Option<Pin<Box<Sleep>>>,
    length: Option<u64>,
    sent: u64,
    finish: Finish,
    report: Option<(Ticket, Arc<Control>)>,
}

impl ReplyBody {
    pub(crate) fn new(answer: Answer, ticket: Ticket, control: Arc<Control>) -> Self {
        let length = (answer.framing == Framing::Length).then(|| {
            let lengths = answer.steps.iter().map(|step| match step {
                Step::Send(bytes) => bytes.len() as u64,
                Step::Pause(_) => 0,
            });
            lengths.sum()
        });
        let report = Some((ticket, control));
        Self {
            steps: answer.steps,
            pause: None,
            length,
            sent: 0,
            finish: answer.finish,
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
            report: None,
        }
    }

    fn close(&mut self, ending: Ending) {
        let reached = match self.finish {
            Finish::CutWire { after, .. } => self.sent.min(after),
            Finish::Whole | Finish::CutClean => self.sent,
        };
        if let Some((ticket, _)) = self.report.take() {
            ticket.close(ending, reached);
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match self.steps.pop_front() {
                Some(Step::Pause(length)) => self.pause = Some(Box::pin(clock::sleep(length))),
                Some(Step::Send(bytes)) => {
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
        let whole = self.length == Some(self.sent) && self.finish == Finish::Whole;
        self.close(match (struck, whole) {
            (true, _) => Ending::Cut,
            (false, true) => Ending::Complete,
            (false, false) => Ending::Abandoned,
        });
    }
}
