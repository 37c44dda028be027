//! The simulator without a socket: for suites under virtual time.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::Body;
use hyper::{Request, Response, Version};

use crate::api::{Api, Upload, Visit};
use crate::backstage;
use crate::body::{Coverage, ReplyBody};
use crate::entry::{Ending, Entry};
use crate::line::Control;
use crate::meter::Fault;
use crate::plan::Outcome;
use crate::scenario::Scenario;
use crate::scenario_file::ScenarioError;
use crate::trap::NOWHERE;
use crate::verdict::Verdict;

/// A Claude API in this process, without a port: the same scenarios, limits, journal and verdict.
///
/// It waits by tokio's clock. With that paused, hours pass at once, and the same seed and script give
/// the same bytes and the same journal, times included. Clones are the same API. A redirect leads to
/// `http://trap.invalid/trap`: what is sent to that host is [noted](Self::trap).
///
/// It is one connection at a time as far as [`When::on_reused_connection`] is concerned: it counts as
/// new after it was closed. With the feature `transport` it is a `Transport` of `evenkeel-transport`.
///
/// [`When::on_reused_connection`]: crate::When::on_reused_connection
#[derive(Debug, Clone)]
pub struct InProcess {
    api: Arc<Api>,
    /// Requests since the connection was last lost.
    served: Arc<AtomicU64>,
}

/// How an exchange without a socket fails where a connection would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Severed {
    /// Nothing listens: the request was not sent.
    Refused,
    /// The request was handed back unread: `REFUSED_STREAM`, or a `GOAWAY` before it.
    Returned,
    /// The connection was closed.
    Closed,
    /// The connection was reset.
    Reset,
}

impl fmt::Display for Severed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused",
            Self::Returned => "request handed back unread",
            Self::Closed => "connection closed",
            Self::Reset => "connection reset",
        })
    }
}

impl Error for Severed {}

impl InProcess {
    pub(crate) fn new(api: Api) -> Self {
        Self {
            api: Arc::new(api),
            served: Arc::default(),
        }
    }

    /// Sends a request and waits for the head of its reply.
    ///
    /// Cancellation: dropping the future is to leave; the journal says so.
    ///
    /// # Errors
    ///
    /// When there is no head, as the script will have it.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<InProcessBody>, Severed> {
        let trap = self.api.trap();
        let trap = trap.filter(|_| request.uri().host() == Some(NOWHERE));
        let api = trap.map_or(&self.api, |trap| trap.api());
        if api.refuses() {
            return Err(Severed::Refused);
        }
        let (head, body) = request.into_parts();
        let before = self.served.fetch_add(1, Ordering::Relaxed);
        let mut ticket = api.journal.open(&head, 1, before);
        ticket.body(&body, body.len() as u64);
        let visit = Visit {
            number: ticket.number(),
            before,
        };
        let upload = Upload {
            total: body.len() as u64,
            bytes: body.into(),
        };
        let decision = api.decide(&head, &upload, visit);
        ticket.remark(decision.takes_for_whole, decision.pool);
        let (outcome, turn) = decision.due().await;
        ticket.hold(turn);
        let answer = match outcome {
            Outcome::Answer(answer) => answer,
            Outcome::Verbatim(_) => {
                self.served.store(0, Ordering::Relaxed);
                ticket.close(Ending::Cut, 0);
                return Err(Severed::Closed);
            }
            Outcome::Hangup(fault) => {
                self.served.store(0, Ordering::Relaxed);
                let (severed, ending) = match fault {
                    Fault::Close => (Severed::Closed, Ending::Cut),
                    Fault::Reset => (Severed::Reset, Ending::Cut),
                    Fault::GoAway | Fault::RefusedStream => (Severed::Returned, Ending::Returned),
                };
                ticket.close(ending, 0);
                return Err(severed);
            }
        };
        ticket.answered(&answer);
        let mut response = Response::builder().status(answer.status);
        for (name, value) in &answer.headers {
            response = response.header(name, value);
        }
        let control = Arc::new(Control::new(1));
        let body = InProcessBody {
            // A cut is made in the body, as over HTTP/2.
            body: ReplyBody::new(
                answer,
                ticket,
                Arc::clone(&control),
                Version::HTTP_2,
                Coverage::Whole,
            ),
            control,
        };
        // Scripts are checked before the start.
        response.body(body).map_err(|fault| {
            let _ = fault;
            Severed::Closed
        })
    }

    /// The requests seen so far, the oldest first.
    #[must_use]
    pub fn journal(&self) -> Vec<Entry> {
        self.api.journal.entries()
    }

    /// The journal as `GET /_simulator/journal` shows it.
    #[must_use]
    pub fn journal_json(&self) -> String {
        self.api.journal.json()
    }

    /// What the clients did wrong so far.
    pub fn verdict(&self) -> Verdict {
        backstage::verdict(&self.api)
    }

    /// The requests that were sent to the trap, where [`Reply::redirect_to_trap`] leads.
    ///
    /// [`Reply::redirect_to_trap`]: crate::Reply::redirect_to_trap
    #[must_use]
    pub fn trap(&self) -> Vec<Entry> {
        backstage::trapped(&self.api)
    }

    /// What the calendar says.
    #[cfg(feature = "transport")]
    pub(crate) fn wall(&self) -> std::time::SystemTime {
        self.api.wall()
    }

    /// How many of the oldest requests the journal has dropped to stay within its limit.
    #[must_use]
    pub fn journal_dropped(&self) -> u64 {
        self.api.journal.dropped()
    }

    /// Forgets all that was, and plays the scenario from its start.
    pub fn reset(&self) {
        self.api.replay(None);
    }

    /// Forgets all that was, and plays this scenario.
    ///
    /// # Errors
    ///
    /// If a reply of the scenario cannot be sent.
    pub fn play(&self, scenario: Scenario) -> Result<(), ScenarioError> {
        scenario.check()?;
        self.api.replay(Some(scenario));
        Ok(())
    }
}

/// The body of a reply without a socket. Dropping it before its end is to leave.
#[derive(Debug)]
pub struct InProcessBody {
    body: ReplyBody,
    control: Arc<Control>,
}

impl InProcessBody {
    /// The next piece; `None` at the end, which may come before the content is whole.
    ///
    /// Cancellation: dropping the future loses nothing.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, Severed>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// The next piece, for hand-written futures.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Severed>>> {
        if self.control.struck().is_some() {
            // It stays closed, however often it is asked.
            return Poll::Ready(Some(Err(Severed::Closed)));
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(frame.into_data().ok().map(Ok)),
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(Severed::Reset))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if self.control.struck().is_some() => {
                Poll::Ready(Some(Err(Severed::Closed)))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod promises;
#[cfg(test)]
mod tests;
