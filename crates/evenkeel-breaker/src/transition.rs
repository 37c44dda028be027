use core::fmt;
use core::time::Duration;

use evenkeel_error::{ErrorKind, Moment};

use crate::State;

/// One change of state. Returned once, by the call that caused it, in the order they happened:
/// each begins in the state in which the one before it ended. One for which no call is the cause,
/// [`Reason::Forgotten`], is only told to the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transition {
    /// The state that was left.
    pub from: State,
    /// The state that was entered.
    pub to: State,
    /// When.
    pub at: Moment,
    /// Why.
    pub reason: Reason,
    /// The failure that opened the circuit, this time or last. Slowness is
    /// [`TimedOut`](ErrorKind::TimedOut).
    pub fault: ErrorKind,
    /// When the open delay will be over; only on the way to [`State::Open`].
    pub open_until: Option<Moment>,
}

/// Why the state changed, with the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Too large a share of the window failed.
    FailureRatio {
        /// Failures in the window.
        failures: u64,
        /// Verdicts in the window.
        samples: u64,
    },
    /// Too large a share of the window was slow to answer.
    SlowRatio {
        /// Slow verdicts in the window.
        slow: u64,
        /// Verdicts in the window.
        samples: u64,
    },
    /// Too many failures without a success between them.
    ConsecutiveFailures {
        /// How many.
        failures: u32,
        /// From the first of them to the last.
        over: Duration,
    },
    /// The open delay passed; the call at hand is the probe.
    DelayOver,
    /// The probe succeeded.
    ProbeSucceeded,
    /// The probe failed, or was slow where that counts.
    ProbeFailed,
    /// A call, or [so many](crate::BreakerConfigBuilder::ramp_failures), failed during the slow start.
    FailedWhileRecovering,
    /// The last step of the slow start passed.
    RampOver,
    /// A full [`KeyedSet`](crate::KeyedSet) keeps this breaker no more: nobody had asked for it any more.
    Forgotten,
}

impl Reason {
    /// The stable `snake_case` name, for metrics and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::FailureRatio { .. } => "failure_ratio",
            Self::SlowRatio { .. } => "slow_ratio",
            Self::ConsecutiveFailures { .. } => "consecutive_failures",
            Self::DelayOver => "delay_over",
            Self::ProbeSucceeded => "probe_succeeded",
            Self::ProbeFailed => "probe_failed",
            Self::FailedWhileRecovering => "failed_while_recovering",
            Self::RampOver => "ramp_over",
            Self::Forgotten => "forgotten",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailureRatio { failures, samples } => {
                write!(f, "{failures} of {samples} calls failed")
            }
            Self::SlowRatio { slow, samples } => {
                write!(f, "{slow} of {samples} calls were slow")
            }
            Self::ConsecutiveFailures { failures, over } => {
                write!(f, "{failures} calls in a row failed within {over:.1?}")
            }
            Self::DelayOver => f.write_str("the open delay is over"),
            Self::ProbeSucceeded => f.write_str("the probe succeeded"),
            Self::ProbeFailed => f.write_str("the probe failed"),
            Self::FailedWhileRecovering => f.write_str("a call failed during the slow start"),
            Self::RampOver => f.write_str("the slow start is over"),
            Self::Forgotten => f.write_str("nobody asks for it any more"),
        }
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            from, to, reason, ..
        } = self;
        write!(f, "{from} to {to}: {reason}")?;
        if *to == State::Open {
            write!(f, " ({})", self.fault)?;
        }
        Ok(())
    }
}
