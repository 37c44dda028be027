use evenkeel_error::Moment;

use super::RetryBudget;
use crate::sync::{AtomicU64, Ordering};

/// How long the call rate is measured over: 2^33 ns, 8.6 s, so that a shift finds the span, and 31 bits
/// hold every one.
const SPAN_SHIFT: u32 = 33;

/// How much of the call rate the cap follows: two seconds.
const CAP_NANOS: u64 = 2_000_000_000;

/// So many calls in a span bring the largest cap; more need not be counted.
const ENOUGH: u64 = ((RetryBudget::MAX_CAP as u64) << SPAN_SHIFT).div_ceil(CAP_NANOS);

const COUNTDOWN_BITS: u32 = 15;
const COUNTDOWN_MASK: u64 = (1 << COUNTDOWN_BITS) - 1;
const COUNT_BITS: u32 = 9;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

/// Calls in this span and in the one before, in one word, which also says when it must be looked at
/// again: for so many calls more the cap is what it was.
///
/// ```text
/// 63     33 32   24 23     15 14        0
/// [span    ][last  ][before  ][countdown ]
/// ```
///
/// `last` is the highest count of this span that leaves the cap as it is, and the span has had that
/// many calls less the countdown. So a call in the middle is one comparison and one subtraction. At a
/// countdown of zero the bucket must be looked at. A span that has seen [`ENOUGH`] stays at zero; the
/// bucket knows by then that it need not ask.
///
/// Read and written, not added to atomically: the deposit beside it has paid for the one atomic
/// operation that is worth its price. Threads that count in the same nanoseconds may lose a call to
/// each other, or a span's beginning, which makes the cap a little smaller or later; where that
/// happens often enough to show, the rate is far beyond what brings the largest cap. Whatever is
/// written is a word that some thread made whole, so every ordering is relaxed.
#[derive(Debug, Default)]
pub(super) struct Calls {
    word: AtomicU64,
}

/// What counting found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    span: u64,
    this: u64,
    before: u64,
}

impl Counted {
    /// Tokens that the call rate allows, at most [`RetryBudget::MAX_CAP`], before the least cap.
    pub(super) const fn cap(self) -> u64 {
        let most = if self.this > self.before {
            self.this
        } else {
            self.before
        };
        (most * CAP_NANOS) >> SPAN_SHIFT
    }

    /// The end of this span, where it has seen enough calls for the largest cap.
    pub(super) fn settled_until(self) -> Option<Moment> {
        let end = (self.span + 1).saturating_mul(1 << SPAN_SHIFT);
        (self.this == ENOUGH).then(|| Moment::from_nanos(end))
    }

    const fn of(word: u64) -> Self {
        let last = (word >> (COUNTDOWN_BITS + COUNT_BITS)) & COUNT_MASK;
        Self {
            span: word >> SPAN_SHIFT,
            this: last.saturating_sub(word & COUNTDOWN_MASK),
            before: (word >> COUNTDOWN_BITS) & COUNT_MASK,
        }
    }

    /// For a full bucket, to be looked at with the next call.
    const fn word_when_full(self) -> u64 {
        self.packed(self.this, 0)
    }

    /// To be looked at again when the cap, which is at least this, changes.
    const fn word(self, least_cap: u64) -> u64 {
        let cap = self.cap();
        let cap = if cap > least_cap { cap } else { least_cap };
        let changes = ((cap + 1) << SPAN_SHIFT).div_ceil(CAP_NANOS);
        let last = if changes <= ENOUGH {
            changes - 1
        } else {
            ENOUGH
        };
        self.packed(last, last - self.this)
    }

    const fn packed(self, last: u64, countdown: u64) -> u64 {
        let counts = (last << COUNT_BITS) | self.before;
        (self.span << SPAN_SHIFT) | (counts << COUNTDOWN_BITS) | countdown
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

/// What a call in passing has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// Counted; the cap is what it was.
    Counted,
    /// Nothing was counted yet: a new span, a change of the cap, or a full bucket.
    Stopped,
}

impl Calls {
    /// Counts a call if it changes neither span nor cap.
    pub(super) fn pass(&self, now: Moment) -> Passed {
        let seen = self.word.load(Ordering::Relaxed);
        if (seen ^ now.as_nanos()) >> SPAN_SHIFT != 0 {
            return Passed::Stopped;
        }
        if seen & COUNTDOWN_MASK == 0 {
            return Passed::Stopped;
        }
        // Above zero, so nothing is borrowed from the fields above it.
        self.word.store(seen - 1, Ordering::Relaxed);
        Passed::Counted
    }

    /// The count with this call, or as it is; a span that has passed does not come back. Nothing is
    /// written yet.
    pub(super) fn count(&self, now: Moment, passed: Passed) -> Counted {
        let span = now.as_nanos() >> SPAN_SHIFT;
        let mut counted = Counted::of(self.word.load(Ordering::Relaxed));
        if passed == Passed::Stopped {
            if counted.span < span {
                counted = counted.moved_to(span);
            } else if counted.this < ENOUGH {
                counted.this += 1;
            }
        }
        counted
    }

    #[cfg(all(test, loom))]
    pub(super) fn settle(&self) {
        let word = ENOUGH << (COUNTDOWN_BITS + COUNT_BITS);
        self.word.store(word, Ordering::Relaxed);
    }

    /// The bucket is full: every call is to be looked at, until one finds that there were enough.
    pub(super) fn fill(&self, counted: Counted) {
        self.word.store(counted.word_when_full(), Ordering::Relaxed);
    }

    /// The bucket is not full.
    pub(super) fn arm(&self, counted: Counted, least_cap: u64) {
        self.word.store(counted.word(least_cap), Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counting_in_passing_counts_as_counting_does_and_never_past_a_change_of_the_cap(
            nanos in proptest::collection::vec(0..1_u64 << 28, 1..1_500), least_cap in 1..=100_u64,
        ) {
            let (calls, plain) = (Calls::default(), Calls::default());
            let (mut now, mut cap) = (0, least_cap);
            for nanos in nanos {
                now += nanos / 8;
                let now = Moment::from_nanos(now);
                let expected = plain.count(now, Passed::Stopped);
                plain.fill(expected);
                if calls.pass(now) == Passed::Counted {
                    let seen = Counted::of(calls.word.load(Ordering::Relaxed));
                    prop_assert_eq!(seen, expected);
                    prop_assert_eq!(expected.cap().max(least_cap), cap);
                } else {
                    prop_assert_eq!(calls.count(now, Passed::Stopped), expected);
                    calls.arm(expected, least_cap);
                }
                cap = expected.cap().max(least_cap);
            }
        }
    }
}
