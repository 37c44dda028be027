use core::error::Error;
use core::fmt;
use core::time::Duration;

use evenkeel_error::{Delivery, ErrorKind, Recoverable, Recovery};

use crate::{Stop, StopReason};

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<E> {
    /// With this error.
    Failed(E),
    /// It was ended: it took longer than the policy or the deadline allows.
    TimedOut,
}

impl<E> Fault<E> {
    /// The same, with the error borrowed.
    #[must_use]
    pub const fn as_ref(&self) -> Fault<&E> {
        match self {
            Self::Failed(error) => Fault::Failed(error),
            Self::TimedOut => Fault::TimedOut,
        }
    }
}

/// A call that was given up: the last failure, and why there is no other attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GaveUp<E> {
    pub(crate) stop: Stop,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) last: Option<Fault<E>>,
}

impl<E> GaveUp<E> {
    /// Why there is no other attempt.
    #[must_use]
    pub const fn reason(&self) -> StopReason {
        self.stop.reason
    }

    /// Attempts that were made; 0 if the deadline had passed before the first.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long the call lasted, as far as the clock was read; see [`Attempt::elapsed`](crate::Attempt::elapsed).
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The wait that the last failure asked for, whatever the reason why there is no other attempt; `None`
    /// if it asked for none, and if time ran out in the middle of a wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.stop.wait
    }

    /// How the last attempt failed; `None` if there was none.
    #[must_use]
    pub const fn last(&self) -> Option<&Fault<E>> {
        self.last.as_ref()
    }

    /// The error of the last attempt that had one.
    #[must_use]
    pub const fn error(&self) -> Option<&E> {
        match &self.last {
            Some(Fault::Failed(error)) => Some(error),
            _ => None,
        }
    }

    /// The error of the last attempt that had one.
    #[must_use]
    pub fn into_error(self) -> Option<E> {
        match self.last {
            Some(Fault::Failed(error)) => Some(error),
            _ => None,
        }
    }
}

impl<E> fmt::Display for GaveUp<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stop, attempts, .. } = self;
        let reason = match stop.reason {
            StopReason::NotRecoverable => "the failure cannot be retried",
            StopReason::Attempts => "no attempt is left",
            StopReason::Patience => "patience is over",
            StopReason::Deadline => "the deadline does not allow another",
            StopReason::Budget => "the retry budget is empty",
        };
        match attempts {
            0 => f.write_str("not started: the deadline has passed"),
            1 => write!(f, "gave up after 1 attempt: {reason}"),
            _ => write!(f, "gave up after {attempts} attempts: {reason}"),
        }?;
        match self.last {
            Some(Fault::TimedOut) => f.write_str(" (the last one took too long)"),
            _ => Ok(()),
        }
    }
}

impl<E: Error + 'static> Error for GaveUp<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error().map(|error| error as _)
    }
}

/// As the last failure says: giving up does not change what would help.
impl<E: Recoverable> Recoverable for GaveUp<E> {
    fn recovery(&self) -> Recovery {
        match &self.last {
            Some(Fault::Failed(error)) => error.recovery(),
            Some(Fault::TimedOut) => Recovery::BackOff,
            None => Recovery::Never,
        }
    }

    fn delivery(&self) -> Delivery {
        match &self.last {
            Some(Fault::Failed(error)) => error.delivery(),
            Some(Fault::TimedOut) => Delivery::Unknown,
            None => Delivery::NotSent,
        }
    }

    fn kind(&self) -> Option<ErrorKind> {
        match &self.last {
            Some(Fault::Failed(error)) => error.kind(),
            Some(Fault::TimedOut) => Some(ErrorKind::TimedOut),
            None => None,
        }
    }

    fn repeats(&self) -> Option<u32> {
        self.error().and_then(Recoverable::repeats)
    }

    fn blames_caller(&self) -> bool {
        self.error().is_some_and(Recoverable::blames_caller)
    }
}
