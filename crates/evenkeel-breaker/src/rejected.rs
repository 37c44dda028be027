use core::fmt;
use core::time::Duration;

use evenkeel_error::{Delivery, ErrorKind, Hint, Moment, Recoverable, Recovery};

use crate::{Rejection, State};

/// The call was refused by the breaker; nothing was sent.
///
/// As an error it asks to be waited out like a limit: no attempt is used, nothing is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    rejection: Rejection,
    at: Moment,
}

impl Rejected {
    pub(crate) const fn new(rejection: Rejection, at: Moment) -> Self {
        Self { rejection, at }
    }

    /// When to ask again.
    #[must_use]
    pub const fn retry_at(&self) -> Moment {
        self.rejection.retry_at
    }

    /// How long that is from the moment of refusal.
    #[must_use]
    pub const fn wait(&self) -> Duration {
        self.at.until(self.rejection.retry_at)
    }

    /// The failure that opened the circuit; `None` if an operator did.
    #[must_use]
    pub const fn fault(&self) -> Option<ErrorKind> {
        self.rejection.fault
    }

    /// What the call met.
    #[must_use]
    pub const fn state(&self) -> State {
        self.rejection.state
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused by the circuit breaker, ")?;
        match (self.fault(), self.state()) {
            (None, _) => f.write_str("which is forced open"),
            (Some(fault), State::Recovering) => write!(f, "which recovers from {fault}"),
            (Some(fault), _) => write!(f, "which opened on {fault}"),
        }?;
        write!(f, "; ask again in {:.1?}", self.wait())
    }
}

impl core::error::Error for Rejected {}

impl Recoverable for Rejected {
    fn recovery(&self) -> Recovery {
        Recovery::After {
            wait: self.wait(),
            hint: Hint::Limit,
        }
    }

    fn delivery(&self) -> Delivery {
        Delivery::NotSent
    }

    fn kind(&self) -> Option<ErrorKind> {
        Some(ErrorKind::CircuitOpen)
    }
}
