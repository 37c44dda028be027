use evenkeel_error::{ErrorKind, Moment};

use crate::{Mode, State};

/// What a breaker knows, for a health page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// What a call that arrives now would meet.
    pub state: State,
    /// Who decides.
    pub mode: Mode,
    /// Verdicts in the window.
    pub samples: u64,
    /// Failures among them.
    pub failures: u64,
    /// Slow calls among them; 0 unless [that rule](crate::BreakerConfigBuilder::slow_ratio) is on.
    pub slow: u64,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// Openings since the circuit was last closed for a while; the open delay grows with them.
    pub openings: u32,
    /// The failure that opened the circuit, unless it is closed.
    pub fault: Option<ErrorKind>,
    /// While open: when the open delay is over. While a probe is out: when its lease ends.
    pub retry_at: Option<Moment>,
}
