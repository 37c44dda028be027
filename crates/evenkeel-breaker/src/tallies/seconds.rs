use crate::counts::BUCKETS;
use crate::sync::{AtomicU64, Ordering};

/// Slots of the ring: two more than the window has buckets, so that finding one is a mask.
const SLOTS: u64 = 32;

/// Successes that a slot counts; more are not. Two billion in a thirtieth of the window.
const FULL: u64 = 1 << 31;

/// The lower half of a slot counts, the upper half says for which turn of the ring.
const COUNT: u64 = u32::MAX as u64;

/// Successes over a sliding span of time, by the number of the bucket; any number of threads count.
///
/// Counting is one atomic addition, to the slot of the newest bucket. Whoever is the first to count
/// in a bucket finds the slot of an earlier turn, and starts it anew.
#[derive(Debug)]
pub(crate) struct Seconds {
    newest: AtomicU64,
    slots: Box<[AtomicU64]>,
}

impl Seconds {
    pub(crate) fn new() -> Self {
        Self {
            newest: AtomicU64::new(0),
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    #[inline]
    pub(crate) fn succeed(&self, bucket: u64) {
        let bucket = self.advance(bucket);
        let Some(slot) = self.slot(bucket) else {
            return;
        };
        let before = slot.fetch_add(1, Ordering::Relaxed);
        if before >> 32 != turn(bucket) || before & COUNT >= FULL {
            mend(slot, turn(bucket), before);
        }
    }

    /// Slides to `bucket`; the newest one, which is later if time runs backwards.
    #[inline]
    pub(crate) fn advance(&self, bucket: u64) -> u64 {
        let newest = self.newest.load(Ordering::Relaxed);
        if bucket <= newest {
            return newest;
        }
        self.begin(bucket)
    }

    #[cold]
    #[inline(never)]
    fn begin(&self, bucket: u64) -> u64 {
        self.newest.fetch_max(bucket, Ordering::Relaxed).max(bucket)
    }

    /// The newest bucket, if the present is `bucket`, and the successes in the window then.
    pub(crate) fn successes(&self, bucket: u64) -> (u64, u64) {
        let newest = self.newest.load(Ordering::Relaxed).max(bucket);
        let oldest = newest.saturating_sub(BUCKETS as u64 - 1);
        let successes = (oldest..=newest)
            .filter_map(|bucket| {
                let slot = self.slot(bucket)?.load(Ordering::Relaxed);
                (slot >> 32 == turn(bucket)).then_some(slot & COUNT)
            })
            .sum();
        (newest, successes)
    }

    pub(crate) fn clear(&self) {
        for slot in &self.slots {
            slot.store(0, Ordering::Relaxed);
        }
    }

    #[inline]
    fn slot(&self, bucket: u64) -> Option<&AtomicU64> {
        self.slots.get(usize::try_from(bucket % SLOTS).ok()?)
    }
}

/// Which turn of the ring the bucket belongs to. It repeats after 2³⁷ buckets, by when somebody has
/// long written into each slot.
#[inline]
const fn turn(bucket: u64) -> u64 {
    (bucket / SLOTS) & COUNT
}

/// One was added to a slot that is full, or that counts for an earlier turn.
#[cold]
#[inline(never)]
fn mend(slot: &AtomicU64, turn: u64, before: u64) {
    if before >> 32 == turn {
        slot.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let mut seen = slot.load(Ordering::Relaxed);
    loop {
        if seen >> 32 == turn {
            // Another thread started it; what was added before that went with the earlier turn.
            slot.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let started = turn << 32 | 1;
        match slot.compare_exchange_weak(seen, started, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => seen = now,
        }
    }
}
