use evenkeel_error::Moment;

use super::Floor;
use crate::Ratio;
use crate::sync::{AtomicU64, Ordering};

/// At most so many retries for the calls of a sliding window.
///
/// The window is this span of time and what it still overlaps of the span before, taken as evenly
/// filled. The count of calls stops at [`MOST_CALLS`] in a span.
///
/// What a deposit only reads lies apart from what it writes. Each word stands for itself and publishes
/// no other memory, and no rule needs two of them to be of one instant, so every ordering is relaxed.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Share {
    /// Nanoseconds of the moment up to which the count of calls stands still.
    enough_until: AtomicU64,
    /// Nanoseconds of the moment up to which a call is one addition: the end of the calls' span.
    counting_until: AtomicU64,
    paused: AtomicU64,
    of_calls: Ratio,
    window: u64,
    /// 2^64 by the window: a multiplication takes a tenth of the time of a division.
    reciprocal: u64,
    free: u64,
    written: Written,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Written {
    calls: AtomicU64,
    retries: AtomicU64,
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

/// So many threads may add at once to a count that is full before each has seen it.
const ROOM: u64 = 4_095;

const MOST_CALLS: u64 = MOST - ROOM;

/// Where a retry was counted: the number of the span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place(u32);

impl Share {
    pub(super) fn new(of_calls: Ratio, window: u64, free: u16) -> Self {
        Self {
            enough_until: AtomicU64::new(0),
            counting_until: AtomicU64::new(window),
            paused: AtomicU64::new(0),
            of_calls,
            window,
            reciprocal: u64::MAX / window,
            free: u64::from(free),
            written: Written::default(),
        }
    }

    #[inline]
    pub(super) fn earn(&self, now: Moment) {
        if now.as_nanos() < self.enough_until.load(Ordering::Relaxed) {
            return;
        }
        if now.as_nanos() >= self.counting_until.load(Ordering::Relaxed) {
            return self.count(now);
        }
        // If the span ends meanwhile, the call counts in the next.
        let seen = self.written.calls.fetch_add(ONE, Ordering::Relaxed);
        let seen = Counts::of(seen);
        if seen.this >= MOST_CALLS {
            self.stop_counting(seen);
        }
    }

    /// The first call of a span.
    #[inline(never)]
    fn count(&self, now: Moment) {
        let (span, _) = self.place(now);
        let counted = update(&self.written.calls, |counts| {
            let counts = counts.moved_to(span);
            Some(counts.one_more(MOST_CALLS))
        });
        let until = counted.map_or(0, |counted| self.end(counted.span));
        self.counting_until.store(until, Ordering::Relaxed);
    }

    /// The span has seen as many calls as are counted.
    #[cold]
    fn stop_counting(&self, seen: Counts) {
        let _ = update(&self.written.calls, |counts| {
            let this = counts.this.min(MOST_CALLS);
            Some(Counts { this, ..counts })
        });
        self.enough_until
            .store(self.end(seen.span), Ordering::Relaxed);
    }

    /// The calls are read first: they grow behind our back, which only makes the answer stricter
    /// than it needs to be. The retries are compared and swapped, so no two threads take one place.
    pub(super) fn withdraw(&self, now: Moment) -> Result<Place, Moment> {
        let (asked, _) = self.place(now);
        let allowed = self.allowed(now);
        let taken = update(&self.written.retries, |counts| {
            let counts = counts.moved_to(asked);
            let fits = self.weighed(counts, now) < allowed && counts.this < MOST;
            fits.then(|| counts.one_more(MOST))
        });
        let span = taken.and_then(|taken| u32::try_from(taken.span).ok());
        span.map(Place).ok_or_else(|| self.next(now))
    }

    /// Before when time alone makes no room: the retries weigh too much until then for what is allowed
    /// now, and without calls no more will be. The end of time where nothing is allowed.
    #[cold]
    fn next(&self, now: Moment) -> Moment {
        let allowed = self.allowed(now);
        if allowed == 0 {
            return Moment::MAX;
        }
        let (asked, _) = self.place(now);
        let counts = Counts::of(self.written.retries.load(Ordering::Relaxed)).moved_to(asked);
        let span = counts.span;
        let (span, before, lighter) = match allowed.checked_sub(counts.this) {
            Some(lighter) if lighter > 0 && counts.this < MOST => (span, counts.before, lighter),
            _ => (span + 1, counts.this, allowed),
        };
        // The most of the span before that may still be overlapped.
        let overlapped = (u128::from(lighter) * u128::from(self.window) - 1)
            .checked_div(before.into())
            .and_then(|most| u64::try_from(most).ok())
            .map_or(self.window, |most| most.min(self.window));
        let begin = span.saturating_mul(self.window);
        Moment::from_nanos(begin.saturating_add(self.window - overlapped))
    }

    /// A retry whose span is no longer counted has no place to give back.
    pub(super) fn put_back(&self, place: Place) {
        let span = u64::from(place.0);
        let _ = update(&self.written.retries, |mut counts| {
            let count = match counts.span.checked_sub(span) {
                Some(0) => &mut counts.this,
                Some(1) => &mut counts.before,
                _ => return None,
            };
            *count = count.saturating_sub(1);
            Some(counts)
        });
    }

    pub(super) fn set_floor(&self, floor: Floor) {
        self.paused
            .store(u64::from(floor == Floor::Paused), Ordering::Relaxed);
    }

    pub(super) fn tokens(&self, now: Moment) -> u32 {
        let counts =
            Counts::of(self.written.retries.load(Ordering::Relaxed)).moved_to(self.place(now).0);
        if counts.this >= MOST {
            return 0;
        }
        let left = self.allowed(now).saturating_sub(self.weighed(counts, now));
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    fn allowed(&self, now: Moment) -> u64 {
        let calls =
            Counts::of(self.written.calls.load(Ordering::Relaxed)).moved_to(self.place(now).0);
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

    /// The first nanosecond after this span.
    fn end(&self, span: u64) -> u64 {
        (span + 1).saturating_mul(self.window)
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

    fn one_more(mut self, most: u64) -> Self {
        self.this = (self.this + 1).min(most);
        self
    }
}

/// What it was changed into, if it was.
fn update(word: &AtomicU64, change: impl Fn(Counts) -> Option<Counts>) -> Option<Counts> {
    let mut seen = word.load(Ordering::Relaxed);
    loop {
        let next = change(Counts::of(seen))?;
        let swapped =
            word.compare_exchange_weak(seen, next.word(), Ordering::Relaxed, Ordering::Relaxed);
        match swapped {
            Ok(_) => return Some(next),
            Err(actual) => seen = actual,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod orders;
