use super::Past;
use crate::sync::{AtomicU64, Ordering};

/// Verdicts that the word counts before they are moved out of it: by then some threads may add a few
/// more before one of them has done so, and there is room for as many again.
const FULL: u64 = 1 << 31;

/// The lower half of the word counts, the upper half says for which bucket.
const COUNT: u64 = u32::MAX as u64;

/// The one word that successes write: a count and the lower half of the number of the bucket that it
/// counts for. Any number of threads count; all else happens under the breaker's lock.
///
/// It fills a cache line of its own, so that counting leaves alone the line which all calls read. A
/// success adds before it looks: a look before would ask for the line twice where threads meet.
/// `Relaxed` throughout: a count orders nothing, the gate and the lock do.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Verdicts {
    word: AtomicU64,
    /// In a window of time the newest bucket in full; in one of calls, whose bucket is always 0, the
    /// verdicts that were moved out of the word. Touched under the lock only.
    upper: AtomicU64,
    /// Successes that came while another thread had the lock, and found a word of another bucket:
    /// counted in that bucket already, and with this in the one whose number is the upper half.
    late: AtomicU64,
}

/// A verdict that was added to a word which counts for another bucket, or is full.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Misplaced {
    before: u64,
    bucket: u64,
}

impl Verdicts {
    pub(crate) fn new() -> Self {
        Self {
            word: AtomicU64::new(0),
            upper: AtomicU64::new(0),
            late: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(crate) fn count(&self, bucket: u64) -> Option<Misplaced> {
        let before = self.word.fetch_add(1, Ordering::Relaxed);
        // The bucket's half must be the same, and the highest bit of the count be zero.
        if (before ^ bucket << 32) >> 31 == 0 {
            return None;
        }
        Some(Misplaced { before, bucket })
    }

    /// Puts right what [`count`](Self::count) returned, under the lock, in a window of time.
    pub(crate) fn mend(&self, past: &mut Option<Box<Past>>, misplaced: Misplaced) {
        let Misplaced { before, bucket } = misplaced;
        let newest = self.newest();
        // Where it was added: the newest bucket then, which is 2³² buckets ago at most.
        let added_to = newest - ((newest & COUNT).wrapping_sub(before >> 32) & COUNT).min(newest);
        if bucket <= added_to {
            // Time ran backwards, and it counts for the newest; or the word was full.
            let word = self.word.load(Ordering::Relaxed);
            if word & FULL != 0 {
                self.word.fetch_sub(FULL, Ordering::Relaxed);
                Past::add(past, newest, FULL);
            }
            return;
        }
        if added_to == newest {
            // The first of its bucket: takes itself along.
            self.turn(past, bucket, 1);
        } else if let Some(past) = past {
            // Another was first, and has put this one into the past with the others.
            past.take_back(added_to);
        }
        self.word.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a misplaced one without the lock: once too often, if the bucket that it was added to
    /// still lies in the window. None is lost, and a success too many opens nothing.
    pub(crate) fn note_late(&self, misplaced: Misplaced) {
        let add = |late: u64| Some(misplaced.bucket << 32 | ((late & COUNT) + 1).min(COUNT));
        // Of several buckets, while one thread has the lock, all count for the last.
        let _ = self
            .late
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Slides to `bucket`; the newest one, which is later if time runs backwards.
    pub(crate) fn advance(&self, past: &mut Option<Box<Past>>, bucket: u64) -> u64 {
        let newest = self.newest();
        if bucket <= newest {
            return newest;
        }
        self.turn(past, bucket, 0);
        bucket
    }

    /// The newest bucket, and the successes in it.
    pub(crate) fn newest_and_count(&self) -> (u64, u64) {
        let word = self.word.load(Ordering::Relaxed);
        let late = self.late.load(Ordering::Relaxed);
        (self.newest(), (word & COUNT) + (late & COUNT))
    }

    /// The number of the next verdict in a window of calls, counted from 0.
    pub(crate) fn next(&self) -> u64 {
        let before = self.word.fetch_add(1, Ordering::Relaxed);
        self.upper.load(Ordering::Relaxed) + before
    }

    /// The number of the latest verdict in a window of calls: of this one, if it is the first.
    pub(crate) fn latest(&self) -> u64 {
        match self.counted().checked_sub(1) {
            Some(latest) => latest,
            None => self.next(),
        }
    }

    /// Makes room in a word that is full, in a window of calls.
    pub(crate) fn make_room(&self) {
        if self.word.load(Ordering::Relaxed) & FULL != 0 {
            self.upper.fetch_add(FULL, Ordering::Relaxed);
            self.word.fetch_sub(FULL, Ordering::Relaxed);
        }
    }

    /// The verdicts since the last clearing, in a window of calls.
    pub(crate) fn counted(&self) -> u64 {
        self.upper.load(Ordering::Relaxed) + self.word.load(Ordering::Relaxed)
    }

    /// Forgets the counts of a window of time; its newest bucket stays.
    pub(crate) fn clear_bucket(&self) {
        self.late.store(0, Ordering::Relaxed);
        self.word.store(self.newest() << 32, Ordering::Relaxed);
    }

    /// Forgets the counts of a window of calls.
    pub(crate) fn clear(&self) {
        self.word.store(0, Ordering::Relaxed);
        self.upper.store(0, Ordering::Relaxed);
    }

    fn newest(&self) -> u64 {
        self.upper.load(Ordering::Relaxed)
    }

    /// Begins a later bucket, and puts into the past what the one before has counted, but for those that
    /// take themselves along, and what was noted for a bucket in between.
    fn turn(&self, past: &mut Option<Box<Past>>, bucket: u64, along: u64) {
        let newest = self.newest();
        let late = self.late.swap(0, Ordering::Relaxed);
        let (noted, ago) = (
            late & (FULL - 1),
            (bucket & COUNT).wrapping_sub(late >> 32) & COUNT,
        );
        let is_between = ago > 0 && ago < bucket - newest;
        let (now, then) = if is_between { (0, noted) } else { (noted, 0) };
        self.upper.store(bucket, Ordering::Relaxed);
        let counted = self.word.swap(bucket << 32 | now, Ordering::Relaxed) & COUNT;
        Past::add(past, newest, counted.saturating_sub(along));
        Past::add(past, bucket.saturating_sub(ago), then);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn samples(verdicts: &Verdicts, past: Option<&Past>) -> u64 {
        let (newest, count) = verdicts.newest_and_count();
        count + past.map_or(0, |it| it.successes(newest))
    }

    fn count(verdicts: &Verdicts, past: &mut Option<Box<Past>>, bucket: u64) {
        if let Some(misplaced) = verdicts.count(bucket) {
            verdicts.mend(past, misplaced);
        }
    }

    #[test]
    fn two_threads_that_begin_a_bucket_at_once_are_both_counted_in_it() {
        let (verdicts, mut past) = (Verdicts::new(), Some(Box::default()));
        count(&verdicts, &mut past, 7);
        let first = verdicts.count(8).unwrap();
        let second = verdicts.count(8).unwrap();
        verdicts.mend(&mut past, first);
        verdicts.mend(&mut past, second);
        assert_eq!(verdicts.newest_and_count(), (8, 2));
        assert_eq!(past.unwrap().successes(8), 1);
    }

    #[test]
    fn a_success_that_cannot_have_the_lock_is_counted_in_the_newest_bucket() {
        let (verdicts, mut past) = (Verdicts::new(), Some(Box::default()));
        verdicts.note_late(verdicts.count(1_000).unwrap());
        assert_eq!(
            verdicts.newest_and_count().1,
            2,
            "once too often, and not lost"
        );
        verdicts.advance(&mut past, 1_000);
        assert_eq!(verdicts.newest_and_count(), (1_000, 1));
    }

    #[test]
    fn what_was_noted_before_a_silence_is_as_old_as_it_is() {
        let (verdicts, mut past) = (Verdicts::new(), Some(Box::default()));
        count(&verdicts, &mut past, 7);
        for _ in 0..1_000 {
            verdicts.note_late(verdicts.count(8).unwrap());
        }
        count(&verdicts, &mut past, 18);
        assert_eq!(verdicts.newest_and_count(), (18, 1));
        assert_eq!(past.as_ref().unwrap().successes(18), 2_001);
        count(&verdicts, &mut past, 48);
        assert_eq!(past.unwrap().successes(48), 0, "40 buckets ago");
    }

    #[test]
    fn a_word_that_is_full_goes_on_counting() {
        let (verdicts, mut past) = (Verdicts::new(), Some(Box::default()));
        count(&verdicts, &mut past, 7);
        verdicts.word.fetch_add(FULL - 1, Ordering::Relaxed);
        count(&verdicts, &mut past, 7);
        assert_eq!(verdicts.word.load(Ordering::Relaxed), 7 << 32 | 1);
        assert_eq!(samples(&verdicts, past.as_deref()), FULL + 1);

        let calls = Verdicts::new();
        calls.word.store(FULL, Ordering::Relaxed);
        assert!(calls.count(0).is_some());
        calls.make_room();
        assert_eq!(
            (calls.word.load(Ordering::Relaxed), calls.counted()),
            (1, FULL + 1)
        );
    }

    #[test]
    fn buckets_whose_numbers_pass_32_bits_go_on() {
        let (verdicts, mut past) = (Verdicts::new(), Some(Box::default()));
        for bucket in COUNT - 2..COUNT + 4 {
            count(&verdicts, &mut past, bucket);
        }
        assert_eq!(samples(&verdicts, past.as_deref()), 6);
        count(&verdicts, &mut past, COUNT - 9);
        assert_eq!(samples(&verdicts, past.as_deref()), 7, "time ran backwards");
    }
}
