use core::time::Duration;

use evenkeel_error::Moment;

use crate::Cost;
use crate::curve::NO_WAIT_BEFORE;

/// How far one call has come: what a [`RetryPolicy`](crate::RetryPolicy) remembers between its
/// decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// When the present stretch without progress began.
    pub(crate) since: Moment,
    /// Attempts that count against the policy's limit, the first included.
    pub(crate) attempts: u32,
    /// The number of the next retry on the curve, free ones included.
    pub(crate) retry: u32,
    /// Retries made on account of failures that allow only so many.
    pub(crate) repeats: u32,
    /// The last wait of the curve in nanoseconds, for decorrelated jitter.
    pub(crate) previous: u64,
    /// Whether the last retry went out at once.
    pub(crate) hurried: Hurried,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hurried {
    No,
    Yes,
}

/// What bounds a call from outside the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    pub(crate) deadline: Option<Moment>,
    pub(crate) patience: Option<Duration>,
}

impl Limits {
    /// No bound.
    pub const NONE: Self = Self {
        deadline: None,
        patience: None,
    };

    /// The moment at which the call ends whatever happens; `None`: none.
    pub const fn deadline(mut self, deadline: Option<Moment>) -> Self {
        self.deadline = deadline;
        self
    }

    /// A patience for this failure shorter than the policy's; `None`: the policy's.
    pub const fn patience(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }
}

impl Session {
    /// A call whose first attempt starts at `now`.
    #[must_use]
    #[inline]
    pub const fn start(now: Moment) -> Self {
        Self {
            since: now,
            attempts: 1,
            retry: 1,
            repeats: 0,
            previous: NO_WAIT_BEFORE,
            hurried: Hurried::No,
        }
    }

    /// The same for a call that has made so many attempts elsewhere, at another endpoint for one: they
    /// count against the policy's limit, and the curve begins with this session.
    ///
    /// ```
    /// use evenkeel_backoff::Session;
    /// use evenkeel_error::Moment;
    ///
    /// let session = Session::start(Moment::ORIGIN).having_made(2);
    /// assert_eq!((session.attempts(), session.next_retry()), (3, 1));
    /// ```
    #[must_use]
    pub const fn having_made(mut self, attempts: u32) -> Self {
        self.attempts = self.attempts.saturating_add(attempts);
        self
    }

    /// Starts the count of attempts, the curve and the patience over: the call got somewhere, and
    /// lost it at `now`. Two retries at once in a row there are none, also across progress.
    pub const fn progressed(&mut self, now: Moment) {
        *self = Self {
            repeats: self.repeats,
            hurried: self.hurried,
            ..Self::start(now)
        };
    }

    /// Starts the patience over, and nothing else: the attempt under way got on until `now`, as an
    /// upload does that takes its time. What has been tried stays counted.
    pub const fn alive(&mut self, now: Moment) {
        self.since = now;
    }

    /// Counts a retry that is about to be made: on the curve, and against the limit of attempts if it
    /// costs something. [`RetryPolicy`](crate::RetryPolicy) does so itself; a
    /// [`Policy`](crate::Policy) of your own that decides without one must.
    pub const fn retried(&mut self, cost: Cost) {
        self.retry = self.retry.saturating_add(1);
        if matches!(cost, Cost::Token) {
            self.attempts = self.attempts.saturating_add(1);
        }
    }

    /// The number of the next retry since the last progress, from 1, free ones included: what
    /// [`Curve::delay`](crate::Curve::delay) asks for.
    #[must_use]
    pub const fn next_retry(&self) -> u32 {
        self.retry
    }

    /// When the present stretch without progress began.
    #[must_use]
    pub const fn since(&self) -> Moment {
        self.since
    }

    /// Attempts that count against the policy's limit, from 1, the first included.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }
}
