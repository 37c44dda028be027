use evenkeel_error::{ErrorKind, Moment};

use crate::clock::Monotonic;
use crate::present::Present;
use crate::{Breaker, ByError, Clock, Handle, Outcome, Permit, Rejected, dice};

#[cfg(feature = "async")]
mod asynchronous;
#[cfg(feature = "blocking")]
mod blocking;
#[cfg(feature = "async")]
mod streaming;

#[cfg(feature = "async")]
pub use streaming::Streaming;

/// A breaker with a clock, dice and a judge: all that calls need.
///
/// Made by [`Breaker::caller`]; cheap, so make one for each call or keep one. A call that is
/// refused is not begun. Dropping a call's future at any point, or a panic in it, gives its place back
/// and is neutral, unless [`drop_is`](Self::drop_is) says otherwise.
#[derive(Clone, Debug)]
pub struct Caller<C = Monotonic, J = ByError> {
    breaker: Breaker,
    clock: C,
    judge: J,
    dropped: Dropped,
}

/// What a call says that was dropped before it had a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dropped {
    /// Nothing: whoever waited has lost interest.
    #[default]
    Neutral,
    /// That the other side is in trouble: for callers who drop only what took too long.
    Failure(ErrorKind),
}

impl Breaker {
    /// Calls through this breaker, on the clock of the operating system, judged by what errors say
    /// themselves.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller {
            breaker: self.clone(),
            clock: Monotonic,
            judge: ByError,
            dropped: Dropped::Neutral,
        }
    }
}

impl<C, J> Caller<C, J> {
    /// Another clock. All that touches the breaker must use one.
    #[must_use]
    pub fn clock<D: Clock>(self, clock: D) -> Caller<D, J> {
        Caller {
            breaker: self.breaker,
            clock,
            judge: self.judge,
            dropped: self.dropped,
        }
    }

    /// Another judge of results: a closure from the result to an [`Outcome`], for errors that are
    /// not `Recoverable`, or where a success may be none.
    #[must_use]
    pub fn judge<K>(self, judge: K) -> Caller<C, K> {
        Caller {
            breaker: self.breaker,
            clock: self.clock,
            judge,
            dropped: self.dropped,
        }
    }

    /// What a dropped call says. Default [`Dropped::Neutral`].
    #[must_use]
    pub fn drop_is(mut self, dropped: Dropped) -> Self {
        self.dropped = dropped;
        self
    }

    /// The breaker behind it.
    #[must_use]
    pub const fn breaker(&self) -> &Breaker {
        &self.breaker
    }
}

impl<C: Clock, J> Caller<C, J> {
    fn admit(&self) -> Result<Permit<&Breaker>, Rejected> {
        Permit::admit(&self.breaker, Live::of(&self.clock))
    }

    fn flight<P: Verdict>(&self, permit: P) -> Flight<P, impl Clock> {
        Flight {
            permit,
            clock: || self.clock.now(),
            dropped: self.dropped,
        }
    }

    #[cfg(feature = "tower")]
    pub(crate) fn admit_owned(&self) -> Result<Flight<Permit, C>, Rejected>
    where
        C: Clone,
    {
        let permit = Permit::admit(self.breaker.clone(), Live::of(&self.clock))?;
        Ok(Flight {
            permit,
            clock: self.clock.clone(),
            dropped: self.dropped,
        })
    }

    #[cfg(feature = "tower")]
    pub(crate) const fn judging(&self) -> &J {
        &self.judge
    }
}

/// A call under way. Its drop says what dropped calls say.
#[derive(Debug)]
pub(crate) struct Flight<P: Verdict, C: Clock> {
    permit: P,
    clock: C,
    dropped: Dropped,
}

/// A permit, or the loan of one.
pub(crate) trait Verdict {
    /// Gives it this verdict, unless it has one.
    fn give(&mut self, outcome: Outcome, present: impl Present);
}

impl<H: Handle> Verdict for Permit<H> {
    fn give(&mut self, outcome: Outcome, present: impl Present) {
        self.settle(outcome, present);
    }
}

impl<V: Verdict> Verdict for &mut V {
    fn give(&mut self, outcome: Outcome, present: impl Present) {
        (**self).give(outcome, present);
    }
}

impl<P: Verdict, C: Clock> Flight<P, C> {
    /// The call has a result, or the beginning of one.
    pub(crate) fn settle(&mut self, outcome: Outcome) {
        self.permit.give(outcome, Live::of(&self.clock));
    }
}

impl<P: Verdict, C: Clock> Drop for Flight<P, C> {
    fn drop(&mut self) {
        if let Dropped::Failure(kind) = self.dropped {
            self.settle(Outcome::Failure { kind, hint: None });
        }
    }
}

/// The present by a clock that is read once, if at all.
struct Live<'a, C> {
    clock: &'a C,
    now: Option<Moment>,
}

impl<'a, C> Live<'a, C> {
    const fn of(clock: &'a C) -> Self {
        Self { clock, now: None }
    }
}

impl<C: Clock> Present for Live<'_, C> {
    fn now(&mut self) -> Moment {
        *self.now.get_or_insert_with(|| self.clock.now())
    }

    fn roll(&mut self) -> u64 {
        dice::roll()
    }
}

#[cfg(test)]
#[cfg(all(feature = "tokio", feature = "blocking"))]
mod tests;
