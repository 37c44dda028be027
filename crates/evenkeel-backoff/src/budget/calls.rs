use evenkeel_error::Moment;

use super::RetryBudget;
use crate::sync::{AtomicU64, Ordering};

/// How long the call rate is measured over: 2^33 ns, 8.6 s, so that a shift finds the span.
const SPAN_SHIFT: u32 = 33;

/// How much of the call rate the cap follows: two seconds.
const CAP_NANOS: u64 = 2_000_000_000;

/// So many calls in a span bring the largest cap; more need not be counted.
const ENOUGH: u64 = ((RetryBudget::MAX_CAP as u64) << SPAN_SHIFT).div_ceil(CAP_NANOS);

/// Calls in this span and in the one before, in one word: `[span: 32][this: 16][before: 16]`.
///
/// Read and written, not added to atomically: the deposit beside it has paid for the one atomic
/// operation that is worth its price. Threads that count in the same nanoseconds may lose a call to
/// each other, which makes the cap a little smaller; where that happens often enough to show, the
/// rate is far beyond what brings the largest cap.
#[derive(Debug, Default)]
pub(super) struct Calls {
    word: AtomicU64,
}

/// What counting found.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    span: u64,
    this: u64,
    before: u64,
}

impl Counted {
    /// Tokens that the call rate allows, at most [`RetryBudget::MAX_CAP`], before the least cap.
    #[inline]
    pub(super) fn cap(self) -> u64 {
        (self.this.max(self.before) * CAP_NANOS) >> SPAN_SHIFT
    }

    /// The end of this span, where it has seen enough calls for the largest cap.
    pub(super) fn quiet_until(self) -> Option<Moment> {
        let end = (self.span + 1).saturating_mul(1 << SPAN_SHIFT);
        (self.this == ENOUGH).then(|| Moment::from_nanos(end))
    }

    #[inline]
    const fn of(word: u64) -> Self {
        Self {
            span: word >> 32,
            this: (word >> 16) & 0xffff,
            before: word & 0xffff,
        }
    }

    const fn word(self) -> u64 {
        (self.span << 32) | (self.this << 16) | self.before
    }

    /// The first call of this later span.
    const fn moved_to(self, span: u64) -> Self {
        Self {
            span,
            this: 1,
            before: if span == self.span + 1 { self.this } else { 0 },
        }
    }
}

impl Calls {
    #[inline]
    pub(super) fn count(&self, now: Moment) -> Counted {
        let span = now.as_nanos() >> SPAN_SHIFT;
        let seen = self.word.load(Ordering::Relaxed);
        let mut counted = Counted::of(seen);
        if counted.span < span {
            counted = counted.moved_to(span);
            self.word.store(counted.word(), Ordering::Relaxed);
        } else if counted.this < ENOUGH {
            counted.this += 1;
            self.word.store(seen + (1 << 16), Ordering::Relaxed);
        }
        counted
    }
}
