//! What each key has used of its limits, what is left, and when to come back.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, SystemTime};

use crate::bucket::{Bucket, Wait};
use crate::buckets::{Buckets, grouped, whole_seconds};
use crate::limits::RateLimits;
use crate::request::Speed;
use crate::shortage::Shortage;
use crate::usage::Input;

/// How many keys are told apart. Beyond that the key unused for longest is forgotten.
const KEYS: usize = 1_024;

/// Millionths of a cent for a token.
const INPUT_PRICE: u64 = 200;
const WRITE_5M_PRICE: u64 = 250;
const WRITE_1H_PRICE: u64 = 400;
const READ_PRICE: u64 = 20;
const OUTPUT_PRICE: u64 = 1_000;
const CENT: u64 = 1_000_000;

/// Who asks, and by which limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) key: u64,
    /// What a key and a class of models share.
    pub(crate) pool: u64,
    pub(crate) speed: Speed,
}

/// What a reply turned out to cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(crate) status: u16,
    /// None if nothing was generated.
    pub(crate) generated: Option<(Input, u64)>,
}

/// Calls that have a pool of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Errand {
    Count,
    Batch,
}

/// Why a request was not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `50 requests per minute`: the limit that keeps the request out for longest.
    pub(crate) limit: String,
    /// In whole seconds; none when waiting does not help.
    pub(crate) retry_after: Option<Duration>,
    /// What it needs alone, where that is more than the whole limit.
    pub(crate) needs: Option<String>,
    /// Where it is not a limit of the buckets.
    pub(crate) shortage: Option<Shortage>,
}

/// The buckets of every key.
#[derive(Debug)]
pub(crate) struct Gate {
    limits: RateLimits,
    pools: HashMap<u64, Buckets>,
    errands: HashMap<(u64, Errand), Bucket>,
    /// In millionths of a cent.
    spent: HashMap<u64, u64>,
}

impl Gate {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            pools: HashMap::new(),
            errands: HashMap::new(),
            spent: HashMap::new(),
        }
    }

    /// Lets a request in and counts it with this many input tokens, or says when to come back. A
    /// refused one costs nothing.
    pub(crate) fn admit(
        &mut self,
        caller: Caller,
        input_tokens: u64,
        now: Duration,
    ) -> Result<(), Refusal> {
        if let Some(cap) = self.limits.spend
            && self.spent.get(&caller.key).copied().unwrap_or_default()
                >= u64::from(cap.get()) * CENT
        {
            return Err(Refusal {
                limit: String::new(),
                retry_after: None,
                needs: None,
                shortage: Some(Shortage::SpendCap),
            });
        }
        self.buckets(caller.pool, now).map_or(Ok(()), |buckets| {
            buckets.admit(caller.speed, input_tokens, now)
        })
    }

    /// Puts right what a request was counted with, now that its reply is known.
    pub(crate) fn settle(&mut self, caller: Caller, counted: u64, bill: Bill, now: Duration) {
        if let Some((input, output)) = bill.generated {
            self.charge(caller.key, input, output);
        }
        if let Some(buckets) = self.buckets(caller.pool, now) {
            buckets.settle(caller.speed, counted, bill, now);
        }
    }

    /// Lets a call in that has a pool of its own, or says when to come back.
    pub(crate) fn admit_errand(
        &mut self,
        errand: Errand,
        key: u64,
        now: Duration,
    ) -> Result<(), Refusal> {
        let (limit, name) = match errand {
            Errand::Count => (self.limits.counts, "count_tokens requests"),
            Errand::Batch => (self.limits.batches, "batch requests"),
        };
        let Some(limit) = limit else {
            return Ok(());
        };
        make_room(&mut self.errands, &(key, errand), Bucket::used);
        let bucket = self.errands.entry((key, errand));
        let bucket = bucket.or_insert_with(|| Bucket::full(limit.get(), now));
        match bucket.wait_for(1, now) {
            Wait::None => {
                bucket.take(1, now);
                Ok(())
            }
            wait => Err(Refusal {
                limit: format!("{} {name} per minute", grouped(limit.get())),
                retry_after: whole_seconds(wait),
                needs: None,
                shortage: None,
            }),
        }
    }

    /// Lets this many items join those that wait, if one is done in `each`.
    pub(crate) fn admit_items(
        &self,
        items: usize,
        waiting: usize,
        each: Duration,
    ) -> Result<(), Refusal> {
        let Some(limit) = self.limits.queued else {
            return Ok(());
        };
        let most = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        let over = (items + waiting).saturating_sub(most);
        if over == 0 {
            return Ok(());
        }
        // Those of one batch are done one after the other; those of several may be sooner.
        let wait = each.saturating_mul(u32::try_from(over).unwrap_or(u32::MAX));
        Err(Refusal {
            limit: format!("{} queued batch requests", grouped(limit.get())),
            retry_after: (items <= most)
                .then(|| whole_seconds(Wait::For(wait)))
                .flatten(),
            needs: (items > most).then(|| format!("{items} items")),
            shortage: None,
        })
    }

    /// The rate-limit headers for this caller at this moment; none when nothing is limited.
    pub(crate) fn headers(
        &mut self,
        caller: Caller,
        now: Duration,
        wall: SystemTime,
    ) -> Vec<(String, String)> {
        self.buckets(caller.pool, now)
            .map_or_else(Vec::new, |buckets| buckets.headers(caller.speed, now, wall))
    }

    /// Keys beyond the number that is told apart are not watched.
    fn charge(&mut self, key: u64, input: Input, output: u64) {
        if self.limits.spend.is_none()
            || (self.spent.len() >= KEYS && !self.spent.contains_key(&key))
        {
            return;
        }
        let price = [
            (input.fresh, INPUT_PRICE),
            (input.written_5m, WRITE_5M_PRICE),
            (input.written_1h, WRITE_1H_PRICE),
            (input.read, READ_PRICE),
            (output, OUTPUT_PRICE),
        ];
        let spent = self.spent.entry(key).or_default();
        for (tokens, each) in price {
            *spent = spent.saturating_add(tokens.saturating_mul(each));
        }
    }

    fn buckets(&mut self, pool: u64, now: Duration) -> Option<&mut Buckets> {
        if self.limits == RateLimits::none() {
            return None;
        }
        make_room(&mut self.pools, &pool, |buckets| buckets.used);
        let limits = self.limits;
        let buckets = self.pools.entry(pool);
        let buckets = buckets.or_insert_with(|| Buckets::full(limits, now));
        buckets.used = now;
        Some(buckets)
    }
}

/// Forgets what was unused for longest, if `key` is new and there is no room for it.
fn make_room<K: Copy + Eq + Hash, V>(
    all: &mut HashMap<K, V>,
    key: &K,
    used: impl Fn(&V) -> Duration,
) {
    if all.len() < KEYS || all.contains_key(key) {
        return;
    }
    let idle = all.iter().min_by_key(|(_, value)| used(value));
    if let Some(idle) = idle.map(|(key, _)| *key) {
        all.remove(&idle);
    }
}

#[cfg(test)]
mod tests;
