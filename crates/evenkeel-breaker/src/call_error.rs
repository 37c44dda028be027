use core::error::Error;
use core::fmt;
use core::time::Duration;

use evenkeel_error::{Delivery, ErrorKind, Recoverable, Recovery};

use crate::Rejected;

/// Why a call through a breaker did not succeed: it was refused here, or it failed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError<E> {
    /// The breaker refused it; nothing was sent.
    Rejected(Rejected),
    /// It was made, and failed.
    Inner(E),
}

impl<E> CallError<E> {
    /// The call's own failure, if it was made.
    #[must_use]
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Rejected(_) => None,
            Self::Inner(error) => Some(error),
        }
    }

    /// How long to wait before asking the breaker again, if it refused.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Rejected(rejected) => Some(rejected.wait()),
            Self::Inner(_) => None,
        }
    }
}

impl<E> From<Rejected> for CallError<E> {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::Inner(error) => error.fmt(f),
        }
    }
}

impl<E: Error> Error for CallError<E> {
    /// Of the error inside: this one only stands for it.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Rejected(rejected) => rejected.source(),
            Self::Inner(error) => error.source(),
        }
    }
}

impl<E: Recoverable> Recoverable for CallError<E> {
    fn recovery(&self) -> Recovery {
        match self {
            Self::Rejected(rejected) => rejected.recovery(),
            Self::Inner(error) => error.recovery(),
        }
    }

    fn delivery(&self) -> Delivery {
        match self {
            Self::Rejected(rejected) => rejected.delivery(),
            Self::Inner(error) => error.delivery(),
        }
    }

    fn repeats(&self) -> Option<u32> {
        match self {
            Self::Rejected(rejected) => rejected.repeats(),
            Self::Inner(error) => error.repeats(),
        }
    }

    fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Rejected(rejected) => rejected.kind(),
            Self::Inner(error) => error.kind(),
        }
    }

    fn blames_caller(&self) -> bool {
        match self {
            Self::Rejected(rejected) => rejected.blames_caller(),
            Self::Inner(error) => error.blames_caller(),
        }
    }
}
