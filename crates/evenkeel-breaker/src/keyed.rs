use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use evenkeel_error::Moment;

use crate::{Breaker, BreakerConfig, Health, State, defaults};

/// One breaker a key, all with the same configuration: so that a model in trouble takes only
/// itself out of service.
///
/// Bounded. When it is full and a new key comes, it forgets the breaker that was asked for
/// longest ago among those which are closed and which nobody holds. If there is none, it forgets
/// one that opened and was abandoned: its delay is over, nobody holds it, and nobody asked for it
/// during the longest open delay ([a minute](defaults::OPEN_DELAY_LIMIT)). A breaker that refuses
/// calls, that a handle or a call in flight belongs to, or whose mode was
/// [switched](Breaker::switch) is never forgotten; if there is no other, the new key gets a
/// breaker that the set does not keep, which lets calls through. All three are counted in the
/// [`Snapshot`].
///
/// ```
/// use evenkeel_breaker::{BreakerConfig, KeyedSet};
/// use evenkeel_error::Moment;
///
/// let now = Moment::ORIGIN;
/// let set = KeyedSet::new(BreakerConfig::default());
/// let permit = set.get(&("api.anthropic.com", "claude-sonnet-5-5"), now).admit(now, 7)?;
/// permit.neutral();
/// assert_eq!(set.snapshot(now).breakers.len(), 1);
/// # Ok::<(), evenkeel_breaker::Rejected>(())
/// ```
#[derive(Debug)]
pub struct KeyedSet<K> {
    config: BreakerConfig,
    capacity: NonZeroUsize,
    shelf: Mutex<Shelf<K>>,
}

/// The breakers of a [`KeyedSet`], for a health page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot<K> {
    /// Each key with the health of its breaker, in no particular order.
    pub breakers: Vec<(K, Health)>,
    /// How many closed breakers were forgotten, ever, to make room. Costs the counts of a window.
    pub evicted: u64,
    /// How many breakers that nobody had asked for since they opened were forgotten, ever.
    pub abandoned: u64,
    /// How often a key had to go without a breaker that is kept, ever. Over zero, the set is too
    /// small.
    pub unkept: u64,
}

#[derive(Debug)]
struct Shelf<K> {
    seats: HashMap<K, Seat>,
    /// Counts the requests, so that the seats can be ordered by their last one.
    requests: u64,
    evicted: u64,
    abandoned: u64,
    unkept: u64,
}

#[derive(Debug)]
struct Seat {
    breaker: Breaker,
    last_request: u64,
    asked_at: Moment,
}

/// What forgetting a breaker would lose, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Loss {
    /// The counts of a window.
    Counts,
    /// How often it opened in a row, in an outage that nobody asked about any more.
    Abandoned,
}

impl<K: Eq + Hash + Clone> KeyedSet<K> {
    /// An empty set that keeps [1,024](defaults::KEYS) breakers.
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        let shelf = Shelf {
            seats: HashMap::new(),
            requests: 0,
            evicted: 0,
            abandoned: 0,
            unkept: 0,
        };
        Self {
            config,
            capacity: defaults::KEYS,
            shelf: Mutex::new(shelf),
        }
    }

    /// Keeps this many breakers.
    #[must_use]
    pub fn capacity(mut self, capacity: NonZeroUsize) -> Self {
        self.capacity = capacity;
        self
    }

    /// The breaker of `key`; a new, closed one if there is none.
    ///
    /// Costs one lookup under a lock; one pass over the set when a new key finds it full.
    #[must_use]
    pub fn get(&self, key: &K, now: Moment) -> Breaker {
        let mut kept = self.lock();
        kept.requests += 1;
        let last_request = kept.requests;
        if let Some(seat) = kept.seats.get_mut(key) {
            seat.last_request = last_request;
            seat.asked_at = seat.asked_at.max(now);
            return seat.breaker.clone();
        }
        let breaker = Breaker::new(self.config.clone());
        if kept.seats.len() >= self.capacity.get() && !kept.make_room(&self.config, now) {
            kept.unkept += 1;
            return breaker;
        }
        let seat = Seat {
            breaker: breaker.clone(),
            last_request,
            asked_at: now,
        };
        kept.seats.insert(key.clone(), seat);
        breaker
    }

    /// Every breaker's health at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Moment) -> Snapshot<K> {
        let kept = self.lock();
        let health = |(key, seat): (&K, &Seat)| (key.clone(), seat.breaker.health(now));
        Snapshot {
            breakers: kept.seats.iter().map(health).collect(),
            evicted: kept.evicted,
            abandoned: kept.abandoned,
            unkept: kept.unkept,
        }
    }

    /// Foreign code, a key's `Hash` or `Clone`, may panic under this lock; it can then cost a
    /// count or a seat, and no more.
    fn lock(&self) -> MutexGuard<'_, Shelf<K>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone> Shelf<K> {
    /// Forgets the breaker that is missed least, if one may be forgotten.
    fn make_room(&mut self, config: &BreakerConfig, now: Moment) -> bool {
        let least = self
            .seats
            .iter()
            .filter_map(|(key, seat)| Some((seat.loss(config, now)?, seat.last_request, key)))
            .min_by_key(|(loss, last_request, _)| (*loss, *last_request))
            .map(|(loss, _, key)| (loss, key.clone()));
        let Some((loss, key)) = least else {
            return false;
        };
        self.seats.remove(&key);
        match loss {
            Loss::Counts => self.evicted += 1,
            Loss::Abandoned => self.abandoned += 1,
        }
        true
    }
}

impl Seat {
    /// What forgetting this breaker would lose; `None` if it is needed.
    fn loss(&self, config: &BreakerConfig, now: Moment) -> Option<Loss> {
        if self.breaker.is_held() || self.breaker.mode() != config.mode {
            return None;
        }
        match self.breaker.state(now) {
            State::Closed => Some(Loss::Counts),
            State::HalfOpen if now.since(self.asked_at) >= config.open_delay_limit => {
                Some(Loss::Abandoned)
            }
            State::Open | State::HalfOpen | State::Recovering => None,
        }
    }
}

#[cfg(test)]
mod tests;
