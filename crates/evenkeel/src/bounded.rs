use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// A map of shared values with a limit. When a new key would be too many, the value that was asked
/// for longest ago is forgotten, among those that nobody holds and that may be forgotten.
/// ([`replacing`](Self::replacing): where there is none, among those that nobody holds.)
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    entries: HashMap<K, (Arc<V>, u64)>,
    limit: usize,
    needed: Needed,
    /// Counts the requests, so that the entries can be ordered by their last one.
    requests: u64,
}

/// What is done with a new value where all others are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needed {
    Kept,
    Replaced,
}

impl<K: Eq + Hash + Clone, V> Bounded<K, V> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            entries: HashMap::new(),
            limit,
            needed: Needed::Kept,
            requests: 0,
        }
    }

    /// For values whose loss costs little, and that must not keep new ones out for ever.
    pub(crate) fn replacing(mut self) -> Self {
        self.needed = Needed::Replaced;
        self
    }

    /// The value of `key`, made if there is none, and the one that was forgotten for it, to be dropped
    /// where no lock is held. Where all others are needed, the new value is not kept: its caller goes
    /// without what sharing it would bring.
    pub(crate) fn get_or_make<Q>(
        &mut self,
        key: &Q,
        make: impl FnOnce() -> V,
        may_forget: impl Fn(&V) -> bool,
    ) -> (Arc<V>, Option<Arc<V>>)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        self.requests = self.requests.saturating_add(1);
        if let Some((value, last)) = self.entries.get_mut(key) {
            *last = self.requests;
            return (Arc::clone(value), None);
        }
        let value = Arc::new(make());
        let mut forgotten = None;
        if self.entries.len() >= self.limit {
            forgotten = self.make_room(may_forget);
            if forgotten.is_none() && self.needed == Needed::Replaced {
                forgotten = self.make_room(|_| true);
            }
        }
        if self.entries.len() < self.limit {
            self.entries
                .insert(key.to_owned(), (Arc::clone(&value), self.requests));
        }
        (value, forgotten)
    }

    fn make_room(&mut self, may_forget: impl Fn(&V) -> bool) -> Option<Arc<V>> {
        let oldest = self
            .entries
            .iter()
            .filter(|(_, (value, _))| Arc::strong_count(value) == 1 && may_forget(value))
            .min_by_key(|(_, (_, last))| *last)
            .map(|(key, _)| key.clone());
        let (forgotten, _) = self.entries.remove(&oldest?)?;
        Some(forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(map: &mut Bounded<u32, u32>, key: u32, value: u32) -> u32 {
        *map.get_or_make(&key, || value, |_| true).0
    }

    #[test]
    fn what_was_asked_for_longest_ago_makes_room() {
        let mut map = Bounded::new(2);
        for key in [1, 2, 1, 3] {
            get(&mut map, key, key * 10);
        }
        assert_eq!(get(&mut map, 1, 0), 10);
        assert_eq!(get(&mut map, 2, 99), 99, "2 was forgotten for 3");
    }

    #[test]
    fn what_is_held_or_needed_is_not_forgotten() {
        let mut map = Bounded::new(2);
        let (held, _) = map.get_or_make(&1, || 10, |_| true);
        get(&mut map, 2, 20);
        let (unkept, _) = map.get_or_make(&3, || 30, |value| *value != 20);
        assert_eq!((*held, *unkept), (10, 30));
        assert_eq!((get(&mut map, 1, 0), get(&mut map, 2, 0)), (10, 20));
    }

    #[test]
    fn what_replaces_prefers_the_idle_and_then_takes_the_oldest_that_nobody_holds() {
        let mut map = Bounded::new(3).replacing();
        let is_idle = |value: &u32| *value == 20;
        let (held, none) = map.get_or_make(&1, || 10, is_idle);
        assert!(none.is_none());
        for (key, forgotten) in [(2, None), (3, None), (4, Some(20)), (5, Some(30))] {
            let (_, was) = map.get_or_make(&key, || key * 10, is_idle);
            assert_eq!(was.as_deref().copied(), forgotten);
        }
        assert_eq!((*held, get(&mut map, 1, 0)), (10, 10));
    }
}
