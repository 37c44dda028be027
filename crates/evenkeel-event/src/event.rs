use std::fmt;

use evenkeel_error::Moment;

use crate::What;

/// One decision about one call.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The call it is about; ties the attempts of a call together.
    pub call: CallId,
    /// When, on the clock of the client where it happened, which counts from a moment of its own:
    /// compare it with events of that client alone. Who listens to a call itself, which a fallback
    /// takes to the client of another endpoint, finds `at` on that client's clock from the event
    /// after `fell_back` on; the durations in `what` mean the same everywhere.
    pub at: Moment,
    /// What was decided or seen.
    pub what: What<'a>,
}

/// The number of a call, from 1, unique within a client and its clones.
///
/// A call that a fallback takes to another client has one of that client's numbers there, for the
/// observers and propagators of that client. Those of the call itself know it by one number
/// throughout: the one it has where it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(u64);

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
            What::AttemptRefused { attempt, elapsed } => {
                write!(f, "the model refused attempt {attempt} after {elapsed:.1?}")
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
                    "given up after {}, {elapsed:.1?} ({stopped}): {error}",
                    Attempts(attempts)
                )
            }
            What::Cancelled { attempts, elapsed } => {
                write!(f, "cancelled after {}, {elapsed:.1?}", Attempts(attempts))
            }
            What::CircuitChanged { scope, to } => {
                write!(f, "circuit of the {} is now {}", scope.label(), to.label())
            }
            What::BudgetEmpty {} => f.write_str("the retry budget is empty"),
            What::LatchSet { error } => {
                write!(f, "the credential is refused, calls with it stop: {error}")
            }
            What::LatchCleared { held } => {
                write!(f, "the credential is accepted again after {held:.1?}")
            }
            What::CredentialRefreshed { elapsed } => {
                write!(f, "credential renewed in {elapsed:.1?}")
            }
            What::CredentialRefreshFailed { error, elapsed } => {
                write!(f, "credential not renewed after {elapsed:.1?}: {error}")
            }
            What::FellBack { from, to, trigger } => {
                write!(f, "falling back from {from} to {to} ({})", trigger.label())
            }
        }
    }
}

/// A number of attempts, in words.
struct Attempts(u32);

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 attempt"),
            attempts => write!(f, "{attempts} attempts"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use evenkeel_error::{Delivery, Error};

    use super::*;

    #[test]
    fn what_happens_to_credentials_and_fallbacks_prints_as_one_line() {
        let error = Error::connection(Delivery::NotSent);
        let second = Duration::from_secs(1);
        for (what, words) in [
            (
                What::attempt_refused(1, second),
                "the model refused attempt 1 after 1.0s",
            ),
            (What::latch_set(&error), "calls with it stop: connection"),
            (What::latch_cleared(second), "accepted again after 1.0s"),
            (What::credential_refreshed(second), "renewed in 1.0s"),
            (
                What::credential_refresh_failed(&error, second),
                "not renewed after 1.0s: connection",
            ),
            (
                What::fell_back("a", "b", crate::Trigger::Silence),
                "from a to b (silence)",
            ),
        ] {
            let line = Event::new(CallId::new(7), Moment::ORIGIN, what).to_string();
            assert!(
                line.starts_with("call 7: ") && line.contains(words),
                "{line}"
            );
            assert!(!line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn an_event_prints_as_one_line_that_says_which_call() {
        let error = Error::connection(Delivery::NotSent);
        let what = What::attempt_failed(2, &error, Duration::from_millis(40));
        let line = Event::new(CallId::new(7), Moment::ORIGIN, what).to_string();
        assert!(
            line.starts_with("call 7: attempt 2 failed after 40.0ms: connection"),
            "{line}"
        );
        assert!(!line.contains('\n'));
    }
}
