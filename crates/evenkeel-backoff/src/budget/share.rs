use evenkeel_error::Moment;

use super::Floor;
use crate::Ratio;
use crate::sync::{AtomicU64, Ordering};

/// At most so many retries for the calls of a sliding window.
///
/// The window is this span of time and what it still overlaps of the span before, taken as evenly
/// filled. A count stops at 65535 in a span.
///
/// Each word stands for itself and publishes no other memory, and no rule needs two of them to be of
/// one instant, so every ordering is relaxed.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Share {
    calls: AtomicU64,
    retries: AtomicU64,
    paused: AtomicU64,
    of_calls: Ratio,
    window: u64,
    /// 2^64 by the window: a multiplication takes a tenth of the time of a division.
    reciprocal: u64,
    free: u64,
}

/// `[span: 32][this: 16][before: 16]`.
#[derive(Clone, Copy)]
struct Counts {
    span: u64,
    this: u64,
    before: u64,
}

const MOST: u64 = u16::MAX as u64;

/// One more call in this span.
const ONE: u64 = 1 << 16;

/// So many threads may add at once to a count that is nearly full before one sees it.
const ROOM: u64 = 4_096;

impl Share {
    pub(super) fn new(of_calls: Ratio, window: u64, free: u16) -> Self {
        Self {
            calls: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            paused: AtomicU64::new(0),
            of_calls,
            window,
            reciprocal: u64::MAX / window,
            free: u64::from(free),
        }
    }

    #[inline]
    pub(super) fn earn(&self, now: Moment) {
        let (span, _) = self.place(now);
        let seen = Counts::of(self.calls.load(Ordering::Relaxed));
        if seen.span == span && seen.this < MOST - ROOM {
            // If the span ends meanwhile, the call counts in the next.
            self.calls.fetch_add(ONE, Ordering::Relaxed);
        } else {
            self.count(span);
        }
    }

    #[inline(never)]
    fn count(&self, span: u64) {
        let _ = update(&self.calls, |counts| Some(counts.moved_to(span).one_more()));
    }

    /// The calls are read first: they grow behind our back, which only makes the answer stricter
    /// than it needs to be. The retries are compared and swapped, so no two threads take one place.
    pub(super) fn withdraw(&self, now: Moment) -> Result<(), Moment> {
        let (span, _) = self.place(now);
        let allowed = self.allowed(now);
        let taken = update(&self.retries, |counts| {
            let counts = counts.moved_to(span);
            (self.weighed(counts, now) < allowed && counts.this < MOST).then(|| counts.one_more())
        });
        if taken {
            return Ok(());
        }
        Err(Moment::from_nanos((span + 1).saturating_mul(self.window)))
    }

    pub(super) fn put_back(&self) {
        let _ = update(&self.retries, |mut counts| {
            if counts.this > 0 {
                counts.this -= 1;
            } else {
                counts.before = counts.before.saturating_sub(1);
            }
            Some(counts)
        });
    }

    pub(super) fn set_floor(&self, floor: Floor) {
        self.paused
            .store(u64::from(floor == Floor::Paused), Ordering::Relaxed);
    }

    pub(super) fn tokens(&self, now: Moment) -> u32 {
        let counts = Counts::of(self.retries.load(Ordering::Relaxed)).moved_to(self.place(now).0);
        let left = self.allowed(now).saturating_sub(self.weighed(counts, now));
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    fn allowed(&self, now: Moment) -> u64 {
        let calls = Counts::of(self.calls.load(Ordering::Relaxed)).moved_to(self.place(now).0);
        let free = match self.paused.load(Ordering::Relaxed) {
            0 => self.free,
            _ => 0,
        };
        self.of_calls.of(self.weighed(calls, now)) + free
    }

    /// This span's count and the part of the last one's that the window still overlaps.
    fn weighed(&self, counts: Counts, now: Moment) -> u64 {
        let overlapped = self.window - self.place(now).1;
        let before = u128::from(counts.before) * u128::from(overlapped) / u128::from(self.window);
        counts.this + u64::try_from(before).unwrap_or(counts.before)
    }

    /// The span of this moment, and how far into it the moment is.
    #[inline]
    fn place(&self, now: Moment) -> (u64, u64) {
        let now = now.as_nanos();
        // The reciprocal is cut, so this is at most two spans too early.
        let mut span = ((u128::from(now) * u128::from(self.reciprocal)) >> u64::BITS) as u64;
        let mut into = now - span * self.window;
        while into >= self.window {
            span += 1;
            into -= self.window;
        }
        (span.min(u64::from(u32::MAX)), into)
    }
}

impl Counts {
    const fn of(word: u64) -> Self {
        Self {
            span: word >> 32,
            this: (word >> 16) & MOST,
            before: word & MOST,
        }
    }

    const fn word(self) -> u64 {
        (self.span << 32) | (self.this << 16) | self.before
    }

    /// As seen from this span; a span that has passed does not come back.
    const fn moved_to(self, span: u64) -> Self {
        if span <= self.span {
            return self;
        }
        let before = if span == self.span + 1 { self.this } else { 0 };
        Self {
            span,
            this: 0,
            before,
        }
    }

    fn one_more(mut self) -> Self {
        self.this = (self.this + 1).min(MOST);
        self
    }
}

/// Whether `change` was booked.
fn update(word: &AtomicU64, change: impl Fn(Counts) -> Option<Counts>) -> bool {
    let mut seen = word.load(Ordering::Relaxed);
    loop {
        let Some(next) = change(Counts::of(seen)) else {
            return false;
        };
        let swapped =
            word.compare_exchange_weak(seen, next.word(), Ordering::Relaxed, Ordering::Relaxed);
        match swapped {
            Ok(_) => return true,
            Err(actual) => seen = actual,
        }
    }
}

#[cfg(all(test, loom))]
mod orders;
