use core::time::Duration;

use evenkeel_error::Moment;

use super::RetryBudget;
use crate::nanos;
use crate::sync::{AtomicU64, Ordering};

/// How long the call rate is measured over, and how much of it the cap follows.
const SPAN: Duration = Duration::from_secs(10);
const CAP_SECONDS: u64 = 2;

/// So many calls in a span bring the largest cap; more need not be counted.
const ENOUGH: u64 = RetryBudget::MAX_CAP as u64 * 10 / CAP_SECONDS;

/// Calls in this span of ten seconds and in the one before, in one word:
/// `[span: 32][this: 16][before: 16]`.
#[derive(Debug, Default)]
pub(super) struct Calls {
    word: AtomicU64,
}

/// What counting found.
pub(super) struct Counted {
    /// Tokens that the call rate allows, before the least cap.
    pub(super) cap: u64,
    /// The end of this span, where it has seen enough calls for the largest cap.
    pub(super) quiet_until: Option<Moment>,
}

impl Calls {
    pub(super) fn count(&self, now: Moment) -> Counted {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let (counted, next) = step(word, now);
            if next == word {
                return counted;
            }
            let swapped =
                self.word
                    .compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed);
            match swapped {
                Ok(_) => return counted,
                Err(actual) => word = actual,
            }
        }
    }
}

fn step(word: u64, now: Moment) -> (Counted, u64) {
    let (mut span, mut this, mut before) = (word >> 32, (word >> 16) & 0xffff, word & 0xffff);
    let at = now.as_nanos() / nanos::of(SPAN);
    if at == span + 1 {
        (span, this, before) = (at, 0, this);
    } else if at > span {
        (span, this, before) = (at, 0, 0);
    }
    this = (this + 1).min(ENOUGH);
    let counted = Counted {
        cap: this.max(before) * CAP_SECONDS / 10,
        quiet_until: (this == ENOUGH)
            .then(|| Moment::from_nanos((span + 1).saturating_mul(nanos::of(SPAN)))),
    };
    (counted, (span << 32) | (this << 16) | before)
}
