use std::fmt;
use std::time::Duration;

use evenkeel_error::{Error, Moment};

use crate::{Stopped, WaitReason};

/// One decision about one call.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The call it is about; ties the attempts of a call together.
    pub call: CallId,
    /// When, on the clock of the client that took it.
    pub at: Moment,
    /// What was decided or seen.
    pub what: What<'a>,
}

/// The number of a call, from 1, unique within a client and its clones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(u64);

/// What was decided or seen.
///
/// Durations are measured on the client's monotonic clock. Attempts are counted from 1, the first
/// included.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum What<'a> {
    /// A request goes out.
    AttemptStarted {
        /// Its number.
        attempt: u32,
        /// The wait before it; zero for the first.
        waited: Duration,
    },
    /// An attempt ended in a failure.
    AttemptFailed {
        /// Its number.
        attempt: u32,
        /// The failure.
        error: &'a Error,
        /// From its start to the failure.
        elapsed: Duration,
    },
    /// Content that an attempt had brought, and nobody had been shown, is dropped for a replay.
    AttemptDiscarded {
        /// Its number.
        attempt: u32,
    },
    /// The call waits before it goes on.
    Waiting {
        /// The attempt it waits to make.
        attempt: u32,
        /// What it waits for.
        reason: WaitReason,
        /// How long.
        wait: Duration,
        /// How much of the deadline will be left then; `None` without a deadline.
        left: Option<Duration>,
    },
    /// The first content of the reply arrived.
    FirstContent {
        /// The attempt that brought it.
        attempt: u32,
        /// From the start of that attempt.
        elapsed: Duration,
    },
    /// A stream has been quiet for longer than is usual; nothing is done about it yet.
    Quiet {
        /// The attempt that is being read.
        attempt: u32,
        /// Since when nothing has come.
        quiet: Duration,
    },
    /// The call is complete.
    Succeeded {
        /// The attempt that brought the reply.
        attempt: u32,
        /// From the start of the call.
        elapsed: Duration,
    },
    /// The call is given up.
    GivenUp {
        /// Requests that were sent.
        attempts: u32,
        /// The last failure.
        error: &'a Error,
        /// Why there is no other attempt.
        stopped: Stopped,
        /// From the start of the call.
        elapsed: Duration,
    },
    /// The caller dropped the call.
    Cancelled {
        /// Requests that were sent.
        attempts: u32,
        /// From the start of the call.
        elapsed: Duration,
    },
    /// A circuit breaker changed its state.
    CircuitChanged {
        /// Whose breaker.
        scope: Scope,
        /// Its new state.
        to: Circuit,
    },
    /// The retry budget is empty.
    BudgetEmpty,
    /// The credential is refused; calls with it fail at once until a probe gets through.
    LatchSet {
        /// The refusal.
        error: &'a Error,
    },
    /// The credential works again.
    LatchCleared,
}

/// What a circuit breaker watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The way to the endpoint and its edge.
    Origin,
    /// One model at one speed behind it.
    Model,
}

/// The state of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Circuit {
    /// Everything is admitted.
    Closed,
    /// Nothing is admitted.
    Open,
    /// One probe is out.
    HalfOpen,
    /// Admitting more from second to second.
    Recovering,
}

impl<'a> Event<'a> {
    /// An event of this moment.
    #[must_use]
    pub const fn new(call: CallId, at: Moment, what: What<'a>) -> Self {
        Self { call, at, what }
    }
}

impl CallId {
    /// The call of this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl What<'_> {
    /// The stable `snake_case` name, for metrics and logs.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::AttemptStarted { .. } => "attempt_started",
            Self::AttemptFailed { .. } => "attempt_failed",
            Self::AttemptDiscarded { .. } => "attempt_discarded",
            Self::Waiting { .. } => "waiting",
            Self::FirstContent { .. } => "first_content",
            Self::Quiet { .. } => "quiet",
            Self::Succeeded { .. } => "succeeded",
            Self::GivenUp { .. } => "given_up",
            Self::Cancelled { .. } => "cancelled",
            Self::CircuitChanged { .. } => "circuit_changed",
            Self::BudgetEmpty => "budget_empty",
            Self::LatchSet { .. } => "latch_set",
            Self::LatchCleared => "latch_cleared",
        }
    }
}

impl Scope {
    /// The stable `snake_case` name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Model => "model",
        }
    }
}

impl Circuit {
    /// The stable `snake_case` name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Recovering => "recovering",
        }
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One line for a log, without secrets and without content.
impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {}: ", self.call)?;
        match self.what {
            What::AttemptStarted { attempt, .. } => write!(f, "attempt {attempt} started"),
            What::AttemptFailed {
                attempt,
                error,
                elapsed,
            } => {
                write!(f, "attempt {attempt} failed after {elapsed:.1?}: {error}")
            }
            What::AttemptDiscarded { attempt } => {
                write!(f, "what attempt {attempt} brought is dropped for a replay")
            }
            What::Waiting {
                attempt,
                reason,
                wait,
                ..
            } => {
                write!(f, "waiting {wait:.1?} ({reason}) before attempt {attempt}")
            }
            What::FirstContent { attempt, elapsed } => {
                write!(f, "first content of attempt {attempt} after {elapsed:.1?}")
            }
            What::Quiet { attempt, quiet } => {
                write!(f, "attempt {attempt} has been quiet for {quiet:.1?}")
            }
            What::Succeeded { attempt, elapsed } => {
                write!(f, "complete after {elapsed:.1?}, with attempt {attempt}")
            }
            What::GivenUp {
                attempts,
                error,
                stopped,
                elapsed,
            } => {
                write!(
                    f,
                    "given up after {attempts} attempts, {elapsed:.1?} ({stopped}): {error}"
                )
            }
            What::Cancelled { attempts, elapsed } => {
                write!(f, "cancelled after {attempts} attempts, {elapsed:.1?}")
            }
            What::CircuitChanged { scope, to } => {
                write!(f, "circuit of the {} is now {}", scope.label(), to.label())
            }
            What::BudgetEmpty => f.write_str("the retry budget is empty"),
            What::LatchSet { error } => write!(f, "the credential is refused from now on: {error}"),
            What::LatchCleared => f.write_str("the credential works again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_error::Delivery;

    use super::*;

    #[test]
    fn an_event_prints_as_one_line_that_says_which_call() {
        let error = Error::connection(Delivery::NotSent);
        let what = What::AttemptFailed {
            attempt: 2,
            error: &error,
            elapsed: Duration::from_millis(40),
        };
        let line = Event::new(CallId::new(7), Moment::ORIGIN, what).to_string();
        assert!(
            line.starts_with("call 7: attempt 2 failed after 40.0ms: connection"),
            "{line}"
        );
        assert!(!line.contains('\n'));
    }
}
