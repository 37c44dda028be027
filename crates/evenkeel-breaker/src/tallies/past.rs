use crate::counts::BUCKETS;

/// Successes of the buckets before the newest one, by the number of the bucket.
#[derive(Debug, Default)]
pub(crate) struct Past {
    newest: u64,
    ring: [u32; BUCKETS],
}

impl Past {
    /// Adds what a bucket has counted. It is made when there is something to keep.
    pub(crate) fn add(past: &mut Option<Box<Self>>, bucket: u64, counted: u64) {
        if counted == 0 {
            return;
        }
        let past = past.get_or_insert_default();
        past.advance(bucket);
        if let Some(successes) = past.bucket(bucket) {
            let counted = u32::try_from(counted).unwrap_or(u32::MAX);
            *successes = successes.saturating_add(counted);
        }
    }

    /// Takes one back that belongs to a later bucket.
    pub(crate) fn take_back(&mut self, bucket: u64) {
        if let Some(successes) = self.bucket(bucket) {
            *successes = successes.saturating_sub(1);
        }
    }

    /// What the window holds of it in the bucket `present`.
    pub(crate) fn successes(&self, present: u64) -> u64 {
        let oldest = present.saturating_sub(BUCKETS as u64 - 1);
        (oldest..=self.newest)
            .filter_map(|bucket| self.ring.get(place(bucket)))
            .map(|successes| u64::from(*successes))
            .sum()
    }

    fn advance(&mut self, bucket: u64) {
        let steps = bucket.saturating_sub(self.newest);
        for step in 1..=steps.min(BUCKETS as u64) {
            let gone = self.newest + step;
            if let Some(successes) = self.ring.get_mut(place(gone)) {
                *successes = 0;
            }
        }
        self.newest += steps;
    }

    fn bucket(&mut self, bucket: u64) -> Option<&mut u32> {
        let is_kept = bucket <= self.newest && self.newest - bucket < BUCKETS as u64;
        self.ring.get_mut(place(bucket)).filter(|_| is_kept)
    }
}

fn place(bucket: u64) -> usize {
    usize::try_from(bucket % BUCKETS as u64).unwrap_or_default()
}
