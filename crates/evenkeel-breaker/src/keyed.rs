use core::fmt;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use evenkeel_error::Moment;

mod hash;

pub use hash::{KeyHash, KeyHasher};

use crate::audience::Audience;
use crate::{Breaker, BreakerConfig, Health, Permit, Rejected, State, Transition, defaults, roll};

/// One breaker a key, all with the same configuration: so that a model in trouble takes only
/// itself out of service.
///
/// A lookup holds a shared lock for a few steps, never across a call: the permit has a handle of its
/// own.
///
/// Bounded. When it is full and a new key comes, it forgets the breaker that was asked for
/// longest ago, to a second, among those which are closed and which nobody holds, and of those first one
/// that has not opened [for a while](defaults::CLEAN_TIME). If there is none, it forgets
/// one that opened and was abandoned: its delay is over, nobody holds it, and nobody asked for it
/// during the longest open delay ([a minute](defaults::OPEN_DELAY_LIMIT)). A breaker that refuses
/// calls, that a handle or a call in flight belongs to, or whose mode was
/// [switched](Breaker::switch) is never forgotten; if there is no other, the new key gets a
/// breaker that the set does not keep, which lets calls through. All three are counted in the
/// [`Snapshot`], and the [listener](Self::listener) hears that what was not closed is
/// [forgotten](crate::Reason::Forgotten).
///
/// ```
/// use evenkeel_breaker::{BreakerConfig, KeyedSet};
/// use evenkeel_error::Moment;
///
/// let now = Moment::ORIGIN;
/// let set = KeyedSet::new(BreakerConfig::default());
/// let permit = set.admit(&("api.anthropic.com", "claude-sonnet-5-5"), now, 7)?;
/// permit.neutral();
/// assert_eq!(set.snapshot(now).breakers.len(), 1);
/// # Ok::<(), evenkeel_breaker::Rejected>(())
/// ```
///
/// Keys are hashed with [`KeyHash`]; [`with_hasher`](Self::with_hasher) takes another.
pub struct KeyedSet<K, S = KeyHash> {
    config: BreakerConfig,
    capacity: NonZeroUsize,
    listener: Option<Arc<Introduce<K>>>,
    shelf: RwLock<Shelf<K, S>>,
    /// When room was last looked for in vain; [`NEVER`] if it never was.
    full_at: AtomicU64,
    unkept: AtomicU64,
}

/// Makes the audience of a new key's breaker.
type Introduce<K> = dyn Fn(&K) -> Audience + Send + Sync;

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

struct Shelf<K, S> {
    seats: HashMap<K, Seat, S>,
    evicted: u64,
    abandoned: u64,
}

struct Seat {
    breaker: Breaker,
    /// When it was last asked for, to a [`GRAIN`]: callers who share a key need not write.
    asked_at: AtomicU64,
}

/// One second, in nanoseconds.
const GRAIN: u64 = 1_000_000_000;

const NEVER: u64 = u64::MAX;

/// What forgetting a breaker would lose, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Loss {
    /// The counts of a window.
    Counts,
    /// How often it opened in a row, too: it is closed, but not for long yet.
    Openings,
    /// How often it opened in a row, in an outage that nobody asked about any more.
    Abandoned,
}

impl<K: Eq + Hash + Clone> KeyedSet<K> {
    /// An empty set that keeps [1,024](defaults::KEYS) breakers.
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        Self::with_hasher(config, KeyHash::default())
    }
}

impl<K: Eq + Hash + Clone, S: BuildHasher> KeyedSet<K, S> {
    /// The same with another hash. One without a secret is only for keys that no stranger chooses.
    #[must_use]
    pub fn with_hasher(config: BreakerConfig, hasher: S) -> Self {
        let shelf = Shelf {
            seats: HashMap::with_hasher(hasher),
            evicted: 0,
            abandoned: 0,
        };
        Self {
            config,
            capacity: defaults::KEYS,
            listener: None,
            shelf: RwLock::new(shelf),
            full_at: AtomicU64::new(NEVER),
            unkept: AtomicU64::new(0),
        }
    }

    /// Keeps this many breakers.
    #[must_use]
    pub fn capacity(mut self, capacity: NonZeroUsize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Hears of each transition of the breakers made from now on, with the key: once, and in the
    /// order of each breaker, as with [`Breaker::with_listener`].
    #[must_use]
    pub fn listener(mut self, listener: impl Fn(&K, &Transition) + Send + Sync + 'static) -> Self
    where
        K: Send + Sync + 'static,
    {
        let listener = Arc::new(listener);
        self.listener = Some(Arc::new(move |key: &K| {
            let (key, listener) = (key.clone(), Arc::clone(&listener));
            Audience::new(move |transition: &Transition| listener(&key, transition))
        }));
        self
    }

    /// May a call to what `key` names begin? See [`Breaker::admit_owned`]; the permit holds the
    /// breaker, which is not forgotten before the call is over.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`Breaker::admit`] says.
    #[inline]
    pub fn admit<Q>(&self, key: &Q, now: Moment, roll: u64) -> Result<Permit, Rejected>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        self.get(key, now).into_admission(now, roll)
    }

    /// The breaker of `key`; a new, closed one if there is none.
    ///
    /// Costs one lookup under a shared lock. A new key takes the lock alone, and one pass over the
    /// set if that is full; where such a pass found no room, the next one is a second later. As long as
    /// the handle lives, the set does not forget its breaker.
    #[must_use]
    pub fn get<Q>(&self, key: &Q, now: Moment) -> Breaker
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let kept = self.read();
        if let Some(seat) = kept.seats.get(key) {
            return seat.ask(now);
        }
        let is_full = kept.seats.len() >= self.capacity.get();
        drop(kept);
        self.seat(key.to_owned(), is_full, now)
    }

    /// Every breaker's health at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Moment) -> Snapshot<K> {
        let kept = self.read();
        let health = |(key, seat): (&K, &Seat)| (key.clone(), seat.breaker.health(now));
        Snapshot {
            breakers: kept.seats.iter().map(health).collect(),
            evicted: kept.evicted,
            abandoned: kept.abandoned,
            unkept: self.unkept.load(Ordering::Relaxed),
        }
    }

    #[cold]
    fn seat(&self, key: K, is_full: bool, now: Moment) -> Breaker {
        let audience = self.listener.as_ref().map(|introduce| introduce(&key));
        let breaker = Breaker::with_audience(self.config.clone(), audience);
        if is_full && self.is_in_vain(now) {
            self.unkept.fetch_add(1, Ordering::Relaxed);
            return breaker;
        }
        let mut kept = self.write();
        // Another may have been quicker.
        if let Some(seat) = kept.seats.get(&key) {
            return seat.ask(now);
        }
        let mut forgotten = None;
        if kept.seats.len() >= self.capacity.get() {
            forgotten = kept.make_room(&self.config, now);
            if forgotten.is_none() {
                drop(kept);
                self.full_at.store(now.as_nanos(), Ordering::Relaxed);
                self.unkept.fetch_add(1, Ordering::Relaxed);
                return breaker;
            }
        }
        let seat = Seat {
            breaker: breaker.clone(),
            asked_at: AtomicU64::new(now.as_nanos()),
        };
        kept.seats.insert(key, seat);
        drop(kept);
        // The listener hears of it outside of the lock.
        if let Some(seat) = forgotten {
            seat.breaker.circuit().forget(now);
        }
        breaker
    }

    /// Whether room was looked for a moment ago, and there was none.
    fn is_in_vain(&self, now: Moment) -> bool {
        let full_at = self.full_at.load(Ordering::Relaxed);
        full_at != NEVER && now.as_nanos().wrapping_sub(full_at) < GRAIN
    }

    /// Foreign code, a key's `Hash` or `Clone`, may panic under this lock; it can then cost a
    /// count or a seat, and no more.
    fn read(&self) -> RwLockReadGuard<'_, Shelf<K, S>> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shelf<K, S>> {
        self.shelf.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: fmt::Debug, S> fmt::Debug for KeyedSet<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("KeyedSet")
            .field("capacity", &self.capacity)
            .field("keys", &kept.seats.keys())
            .finish_non_exhaustive()
    }
}

impl<K: Eq + Hash + Clone, S: BuildHasher> Shelf<K, S> {
    /// Takes out the breaker that is missed least, if one may be forgotten.
    fn make_room(&mut self, config: &BreakerConfig, now: Moment) -> Option<Seat> {
        let least = self
            .seats
            .iter()
            .filter_map(|(key, seat)| Some((seat.loss(config, now)?, seat.asked_at(), key)))
            .min_by_key(|(loss, asked_at, _)| (*loss, *asked_at))
            .map(|(loss, _, key)| (loss, key.clone()));
        let (loss, key) = least?;
        let seat = self.seats.remove(&key)?;
        match loss {
            Loss::Counts | Loss::Openings => self.evicted += 1,
            Loss::Abandoned => self.abandoned += 1,
        }
        Some(seat)
    }
}

impl Seat {
    #[inline]
    fn ask(&self, now: Moment) -> Breaker {
        let asked_at = self.asked_at.load(Ordering::Relaxed);
        if now.as_nanos() >= asked_at.saturating_add(GRAIN) {
            self.asked_at.fetch_max(now.as_nanos(), Ordering::Relaxed);
        }
        self.breaker.clone()
    }

    fn asked_at(&self) -> Moment {
        Moment::from_nanos(self.asked_at.load(Ordering::Relaxed))
    }

    /// What forgetting this breaker would lose; `None` if it is needed.
    fn loss(&self, config: &BreakerConfig, now: Moment) -> Option<Loss> {
        if self.breaker.is_held() || self.breaker.mode() != config.settings.mode {
            return None;
        }
        let patience = roll::nanos(config.settings.open_delay_limit).saturating_add(GRAIN);
        match self.breaker.state(now) {
            State::Closed if self.breaker.circuit().openings(now) > 0 => Some(Loss::Openings),
            State::Closed => Some(Loss::Counts),
            // The last request may have come up to a grain later than is known.
            State::HalfOpen if roll::nanos(now.since(self.asked_at())) >= patience => {
                Some(Loss::Abandoned)
            }
            State::Open | State::HalfOpen | State::Recovering => None,
        }
    }
}

#[cfg(test)]
mod tests;
