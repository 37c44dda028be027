use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use evenkeel_error::{Delivery, Error as Failure, Moment};
use evenkeel_event::Stopped;
use evenkeel_messages::{Batch, BatchStatus};
use futures_core::Stream;

use crate::cadence::Cadence;
use crate::clock::Timer;
use crate::{Answered, Batches, Error};

/// Looks at a batch until it has ended. Made by [`Batches::poll`], from the id alone: a program that
/// was restarted makes it again and loses nothing.
///
/// The first look is at once, the second about 5 s later, and then ever more rarely, up to about once
/// a minute; [`interval`](Self::interval) changes that. Each wait is a fifth longer or shorter by
/// chance. A look is a call like any other: it goes on through overload, faults and limits for as
/// long as its patience says, which begins anew with each look.
///
/// A stream of what the looks saw, which ends once the batch has. A look that failed is an item too;
/// whoever goes on asking looks again after the next interval.
///
/// Cancellation: dropping it ends the look under way. The futures of [`next`](Self::next) and
/// [`ended`](Self::ended) can be dropped and made again at any time: neither is the look lost nor the
/// wait before it begun anew, so a loop around `select!` does not look more often.
#[must_use = "a poller looks at nothing unless it is asked"]
pub struct BatchPoller {
    calls: Batches,
    id: String,
    cadence: Result<Cadence, evenkeel_error::InvalidConfig>,
    /// For all looks together, from the first one on.
    limit: Option<Duration>,
    deadline: Option<Moment>,
    timer: Timer,
    state: State,
    last: Option<Answered<Batch>>,
    looked: Looked,
}

/// Whether there was a look, however it ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looked {
    Never,
    Once,
}

type Looking = Pin<Box<dyn Future<Output = Result<Answered<Batch>, Error>> + Send>>;

enum State {
    New,
    Waiting(Moment),
    Looking(Looking),
    /// The next look does not fit.
    OutOfTime,
    Ended,
}

impl BatchPoller {
    pub(crate) fn new(mut calls: Batches, id: &str) -> Self {
        Self {
            // The deadline of the calls is that of all looks together.
            limit: calls.options_mut().deadline.take(),
            calls,
            id: id.to_owned(),
            cadence: Ok(Cadence::DEFAULT),
            deadline: None,
            timer: Timer::default(),
            state: State::New,
            last: None,
            looked: Looked::Never,
        }
    }

    /// How long after the first look the second comes, and how long it is between looks at most: above
    /// zero, the second no shorter than the first. Default 5 s and 60 s.
    pub fn interval(mut self, first: Duration, longest: Duration) -> Self {
        self.cadence = Cadence::new(first, longest);
        self
    }

    /// The batch's id: all that it takes to make this again.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the next look sees; `None` once the batch has ended, or the deadline has come.
    ///
    /// # Errors
    ///
    /// The failure of the look. `deadline_exceeded` when the next look does not fit: that is the last
    /// item. `invalid_config` for an interval or an id that cannot be.
    pub async fn next(&mut self) -> Option<Result<Answered<Batch>, Error>> {
        poll_fn(|cx| self.poll_look(cx)).await
    }

    /// Waits until the batch has ended, and returns it. Ended is not good: its `request_counts` say
    /// what became of the requests.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next), for the first look that fails. It can be called again: it goes on
    /// after the next interval.
    pub async fn ended(&mut self) -> Result<Answered<Batch>, Error> {
        while let Some(seen) = self.next().await {
            let seen = seen?;
            if has_ended(&seen) {
                return Ok(seen);
            }
        }
        match &self.last {
            Some(last) if has_ended(last) => Ok(last.clone()),
            _ => Err(out_of_time()),
        }
    }

    fn poll_look(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Answered<Batch>, Error>>> {
        loop {
            match &mut self.state {
                State::New => {
                    if let Err(invalid) = self.cadence {
                        return self.end(Err(invalid.into()));
                    }
                    let now = self.calls.shared().clock.now();
                    self.deadline = self.limit.map(|limit| now + limit);
                    self.state = State::Waiting(now);
                }
                State::Waiting(due) => {
                    let shared = self.calls.shared();
                    if shared.clock.now() < *due {
                        ready!(self.timer.poll_until(&shared.clock, *due, cx));
                    }
                    self.state = match self.left() {
                        // Whoever asked too late for the look that would have fitted.
                        Some(Duration::ZERO) if self.looked == Looked::Once => State::OutOfTime,
                        _ => State::Looking(self.look()),
                    };
                }
                State::Looking(looking) => {
                    let seen = ready!(looking.as_mut().poll(cx));
                    return self.take(seen);
                }
                State::OutOfTime => return self.end(Err(out_of_time())),
                State::Ended => return Poll::Ready(None),
            }
        }
    }

    fn look(&self) -> Looking {
        let mut calls = self.calls.clone();
        let left = self.left();
        calls.options_mut().deadline = left;
        let id = self.id.clone();
        Box::pin(async move { calls.retrieve(&id).await })
    }

    /// Takes in what a look saw, and sees when the next one is.
    fn take(
        &mut self,
        seen: Result<Answered<Batch>, Error>,
    ) -> Poll<Option<Result<Answered<Batch>, Error>>> {
        self.looked = Looked::Once;
        match &seen {
            Ok(batch) => {
                self.last = Some(batch.clone());
                if has_ended(batch) {
                    return self.end(seen);
                }
            }
            Err(error) if error.stopped() == Stopped::Deadline => return self.end(seen),
            Err(_) => {}
        }
        let shared = self.calls.shared();
        let (bits, now) = (shared.dice.bits(), shared.clock.now());
        let Ok(cadence) = &mut self.cadence else {
            return self.end(seen);
        };
        let wait = shared.tuning.divided(cadence.wait(bits));
        let shortest = shared.tuning.divided(cadence.first());
        self.state = match self.left() {
            None => State::Waiting(now + wait),
            Some(left) if wait < left => State::Waiting(now + wait),
            // One last look while there is time for its answer.
            Some(left) if left > shortest.saturating_mul(2) => {
                State::Waiting(now + left.saturating_sub(shortest))
            }
            Some(_) => State::OutOfTime,
        };
        Poll::Ready(Some(seen))
    }

    fn end(
        &mut self,
        last: Result<Answered<Batch>, Error>,
    ) -> Poll<Option<Result<Answered<Batch>, Error>>> {
        self.state = State::Ended;
        Poll::Ready(Some(last))
    }

    fn left(&self) -> Option<Duration> {
        let now = self.calls.shared().clock.now();
        self.deadline.map(|deadline| now.until(deadline))
    }
}

fn has_ended(batch: &Batch) -> bool {
    batch.processing_status == BatchStatus::Ended
}

fn out_of_time() -> Error {
    let failure = Failure::deadline_exceeded(Delivery::Answered);
    Error::new(failure, Stopped::Deadline)
}

impl Stream for BatchPoller {
    type Item = Result<Answered<Batch>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_look(cx)
    }
}

impl fmt::Debug for BatchPoller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchPoller")
            .field("id", &self.id)
            .field("cadence", &self.cadence)
            .finish_non_exhaustive()
    }
}
