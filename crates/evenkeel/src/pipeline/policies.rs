//! Which retry policy goes with which patience.

use std::num::NonZeroU32;
use std::time::Duration;

use evenkeel_backoff::{Curve, RetryPolicy};

use crate::Patience;

/// The retry policies of a client, in its own time. Made once: most calls need none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policies {
    interactive: RetryPolicy,
    background: RetryPolicy,
    unattended: RetryPolicy,
}

impl Policies {
    /// With a policy, and a spread of hints, that the caller chose for all.
    pub(crate) fn new(
        own: Option<RetryPolicy>,
        hint_spread: Option<Duration>,
        divisor: NonZeroU32,
    ) -> Self {
        let of = |patience: Patience| {
            let mut policy = own.unwrap_or_else(|| policy_for(patience));
            if let (None, Some(limit)) = (policy.patience_limit(), patience.limit()) {
                policy = policy.patience(limit);
            }
            if let Some(most) = hint_spread {
                policy = policy.hint_spread(most);
            }
            policy.time_divided_by(divisor)
        };
        Self {
            interactive: of(Patience::Interactive),
            background: of(Patience::Background),
            unattended: of(Patience::Unattended),
        }
    }

    pub(super) fn of(&self, patience: Patience) -> RetryPolicy {
        match patience {
            Patience::Interactive => self.interactive,
            Patience::Background => self.background,
            Patience::Unattended => self.unattended,
        }
    }
}

/// The policy that goes with a patience.
fn policy_for(patience: Patience) -> RetryPolicy {
    let short = Curve::exponential(Duration::from_millis(500)).cap(Duration::from_secs(8));
    let long = Curve::exponential(Duration::from_secs(2)).cap(patience.longest_wait());
    let mut policy = RetryPolicy::tiered(short, long);
    if let Some(attempts) = patience.attempts() {
        policy = policy.max_attempts(attempts);
    }
    if let Some(limit) = patience.limit() {
        policy = policy.patience(limit);
    }
    policy
}
