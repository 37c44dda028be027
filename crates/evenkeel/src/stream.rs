use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use evenkeel_messages::{End as ReplyEnd, Partial, StreamEvent};
use futures_core::Stream;

use crate::live::{Live, Step};
use crate::pipeline::{Broken, Call};
use crate::{Error, Reply};

/// A reply as it arrives, from its first content on.
///
/// Faults before the first content were handled unseen. A fault after it ends the stream with an
/// error that carries what arrived: what has been shown cannot be taken back, so nothing is
/// replayed. A stream that is cut never ends as if it were complete.
///
/// Items are the wire's events, `message_start` first; after an error or the end there are no more.
/// A gateway that answers with one JSON message yields the events of a stream that says the same.
///
/// Cancellation: dropping the stream closes its connection at once.
#[must_use = "a stream does nothing unless it is read"]
pub struct MessageStream {
    call: Box<Call>,
    live: Live,
    end: Option<End>,
}

enum End {
    /// The reply is whole; the end of its body was not read yet.
    Complete(Box<Reply>),
    /// The reply is whole, and nothing is left to read.
    Drained(Box<Reply>),
    Failed,
}

impl MessageStream {
    pub(crate) fn new(call: Box<Call>, mut live: Live) -> Self {
        live.spread();
        Self {
            call,
            live,
            end: None,
        }
    }

    /// The next event; `None` at the end of a complete reply and after an error.
    ///
    /// # Errors
    ///
    /// The call's failure, once.
    pub async fn next(&mut self) -> Option<Result<StreamEvent, Error>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// What has arrived so far, the events that were not read yet included; `None` where the reply
    /// came in one piece. Empty once the stream has ended: then the error or
    /// [`finish`](Self::finish) has it.
    #[must_use]
    pub fn message_so_far(&self) -> Option<&Partial> {
        self.live.so_far()
    }

    /// Reads to the end and returns the whole reply.
    ///
    /// # Errors
    ///
    /// The call's failure, unless [`next`](Self::next) has returned it already: then
    /// `interrupted`.
    pub async fn finish(mut self) -> Result<Reply, Error> {
        while let Some(event) = self.next().await {
            event?;
        }
        match self.end {
            Some(End::Complete(reply) | End::Drained(reply)) => Ok(*reply),
            Some(End::Failed) | None => Err(evenkeel_error::Error::interrupted().into()),
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<StreamEvent, Error>>> {
        let step = match (self.live.next_kept(), &self.end) {
            (Some(event), _) => Step::Event(event),
            (None, None) => ready!(self.live.poll_step(cx, self.call.body_limit())),
            (None, Some(End::Complete(_))) => return self.poll_drain(cx).map(|()| None),
            (None, Some(End::Drained(_) | End::Failed)) => return Poll::Ready(None),
        };
        let (event, verdict) = match step {
            Step::Limit(stopped) => return self.fail(Broken::Limit(stopped)),
            Step::End(end) => (None, self.live.verdict(end)),
            // The reply is whole: who stops reading here has not cancelled anything.
            Step::Event(event @ StreamEvent::MessageStop { .. }) => {
                (Some(Ok(event)), self.live.verdict(ReplyEnd::Eof))
            }
            Step::Event(event) => return Poll::Ready(Some(Ok(event))),
        };
        match verdict {
            Ok(message) => {
                let reply = Box::new(self.call.succeed(&self.live, message));
                let is_read = event.is_none();
                self.end = Some(if is_read {
                    End::Drained(reply)
                } else {
                    End::Complete(reply)
                });
                Poll::Ready(event)
            }
            Err(incomplete) => self.fail(Broken::Incomplete(incomplete)),
        }
    }

    /// Reads the end of the body behind a reply that is whole, so that its connection can be used
    /// again.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Step::Event(_) = ready!(self.live.poll_step(cx, self.call.body_limit())) {}
        if let Some(End::Complete(reply)) = self.end.take() {
            self.end = Some(End::Drained(reply));
        }
        Poll::Ready(())
    }

    fn fail(&mut self, broken: Broken) -> Poll<Option<Result<StreamEvent, Error>>> {
        self.end = Some(End::Failed);
        let error = match self.call.broke_off(&mut self.live, broken) {
            Ok(failure) => self.call.end_released(failure),
            Err(error) => error,
        };
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for MessageStream {
    type Item = Result<StreamEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(cx)
    }
}

impl fmt::Debug for MessageStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageStream").finish_non_exhaustive()
    }
}
