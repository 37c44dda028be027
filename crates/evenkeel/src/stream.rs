use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use evenkeel_messages::{End as ReplyEnd, Partial, StreamEvent};
use futures_core::Stream;

#[cfg(feature = "retry")]
use crate::Restart;
use crate::live::{Live, Step};
use crate::pipeline::{Broken, Call};
#[cfg(feature = "retry")]
use crate::restart::Restarts;
use crate::{Error, Reply, ReplyEvent};

/// A reply as it arrives, from its first content on.
///
/// Faults before the first content were handled unseen. A fault after it ends the stream with an
/// error that carries what arrived, unless [`Restart`](crate::Restart) permits another attempt: that
/// one is announced by [`ReplyEvent::AttemptDiscarded`], because what has been shown cannot be taken
/// back here. A stream that is cut never ends as if it were complete.
///
/// Items are the wire's events, `message_start` first; after an error or the end there are no more.
/// A gateway that answers with one JSON message yields the events of a stream that says the same.
///
/// Cancellation: dropping the stream closes its connection at once. One that has ended holds none,
/// however long it is kept.
#[must_use = "a stream does nothing unless it is read"]
pub struct MessageStream {
    /// `None` while another attempt is made: that has the call then.
    reading: Option<Reading>,
    end: Option<End>,
    #[cfg(feature = "retry")]
    restarting: Option<Box<Restarting>>,
}

struct Reading {
    call: Box<Call>,
    live: Live,
}

/// What a stream needs that may be asked for again.
#[cfg(feature = "retry")]
struct Restarting {
    restarts: Restarts,
    reopening: Option<Reopening>,
}

#[cfg(feature = "retry")]
type Reopening = Pin<Box<dyn Future<Output = (Box<Call>, Result<Live, Error>)> + Send>>;

enum End {
    /// The reply is whole; the end of its body was not read yet.
    Complete(Box<Reply>),
    /// The reply is whole, and nothing is left to read.
    Drained(Box<Reply>),
    Failed,
}

impl MessageStream {
    pub(crate) fn new(call: Box<Call>, live: Live) -> Self {
        Self {
            reading: Some(Reading::new(call, live)),
            end: None,
            #[cfg(feature = "retry")]
            restarting: None,
        }
    }

    #[cfg(feature = "retry")]
    pub(crate) fn restarting(mut self, restart: Restart) -> Self {
        self.restarting = Restarts::of(restart).map(|restarts| {
            Box::new(Restarting {
                restarts,
                reopening: None,
            })
        });
        self
    }

    /// The next event; `None` at the end of a complete reply and after an error.
    ///
    /// # Errors
    ///
    /// The call's failure, once.
    pub async fn next(&mut self) -> Option<Result<ReplyEvent, Error>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// What has arrived so far of the present attempt, the events that were not read yet included;
    /// `None` where the reply came in one piece, and between two attempts. Empty once the stream has
    /// ended: then the error or [`finish`](Self::finish) has it.
    #[must_use]
    pub fn message_so_far(&self) -> Option<&Partial> {
        self.reading
            .as_ref()
            .and_then(|reading| reading.live.so_far())
    }

    /// Reads to the end and returns the whole reply, of one attempt alone.
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

    /// Reads to the end and returns the text of the whole reply, of one attempt alone.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish).
    pub async fn text(self) -> Result<String, Error> {
        Ok(self.finish().await?.text())
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ReplyEvent, Error>>> {
        #[cfg(feature = "retry")]
        if let Err(error) = ready!(self.poll_reopen(cx)) {
            self.end = Some(End::Failed);
            return Poll::Ready(Some(Err(error)));
        }
        let Some(Reading { call, live }) = &mut self.reading else {
            return Poll::Ready(None);
        };
        let step = match (live.next_kept(), &self.end) {
            (Some(event), _) => Step::Event(event),
            (None, None) => ready!(live.poll_step(cx, call.body_limit())),
            (None, Some(End::Complete(_))) => return self.poll_drain(cx).map(|()| None),
            (None, Some(End::Drained(_) | End::Failed)) => return Poll::Ready(None),
        };
        let (event, verdict) = match step {
            Step::Limit(stopped) => return self.fail(Broken::Limit(stopped)),
            Step::End(end) => (None, live.verdict(end)),
            // The reply is whole: who stops reading here has not cancelled anything.
            Step::Event(event @ StreamEvent::MessageStop { .. }) => (
                Some(Ok(ReplyEvent::Event(event))),
                live.verdict(ReplyEnd::Eof),
            ),
            Step::Event(event) => {
                #[cfg(feature = "retry")]
                if let Some(restarting) = &mut self.restarting {
                    restarting.restarts.release(&event);
                }
                return Poll::Ready(Some(Ok(ReplyEvent::Event(event))));
            }
        };
        match verdict {
            Ok(message) => {
                let reply = Box::new(call.succeed(live, message));
                let is_read = event.is_none();
                self.end = Some(if is_read {
                    live.let_go();
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
        if let Some(Reading { call, live }) = &mut self.reading {
            while let Step::Event(_) = ready!(live.poll_step(cx, call.body_limit())) {}
            live.let_go();
        }
        if let Some(End::Complete(reply)) = self.end.take() {
            self.end = Some(End::Drained(reply));
        }
        Poll::Ready(())
    }

    fn fail(&mut self, broken: Broken) -> Poll<Option<Result<ReplyEvent, Error>>> {
        let Some(mut reading) = self.reading.take() else {
            return Poll::Ready(None);
        };
        let failure = match reading.call.broke_off(&mut reading.live, broken) {
            Ok(failure) => failure,
            Err(error) => return self.end_with(reading, error),
        };
        #[cfg(feature = "retry")]
        if let Some(restarting) = &mut self.restarting {
            let (attempt, kind) = (reading.live.watch.number, failure.kind());
            return match reading
                .call
                .restart(failure, attempt, &mut restarting.restarts)
            {
                Ok(again) => {
                    restarting.reopening = Some(Box::pin(reading.call.reopen(again)));
                    Poll::Ready(Some(Ok(ReplyEvent::AttemptDiscarded { attempt, kind })))
                }
                Err(error) => self.end_with(reading, error),
            };
        }
        let error = reading.call.end_released(failure);
        self.end_with(reading, error)
    }

    fn end_with(
        &mut self,
        mut reading: Reading,
        error: Error,
    ) -> Poll<Option<Result<ReplyEvent, Error>>> {
        reading.live.let_go();
        self.reading = Some(reading);
        self.end = Some(End::Failed);
        Poll::Ready(Some(Err(error)))
    }

    /// Makes the attempt that was announced, if one was.
    #[cfg(feature = "retry")]
    fn poll_reopen(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(restarting) = &mut self.restarting else {
            return Poll::Ready(Ok(()));
        };
        let Some(reopening) = &mut restarting.reopening else {
            return Poll::Ready(Ok(()));
        };
        let (call, live) = ready!(reopening.as_mut().poll(cx));
        restarting.reopening = None;
        self.reading = Some(Reading::new(call, live?));
        Poll::Ready(Ok(()))
    }
}

impl Reading {
    fn new(call: Box<Call>, mut live: Live) -> Self {
        live.spread();
        Self { call, live }
    }
}

impl Stream for MessageStream {
    type Item = Result<ReplyEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(cx)
    }
}

impl fmt::Debug for MessageStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageStream").finish_non_exhaustive()
    }
}
