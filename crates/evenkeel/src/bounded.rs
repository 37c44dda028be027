use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// A map of shared values with a limit. When a new key would be too many, a value that nobody holds is
/// forgotten: of those that may be, the one that was asked for longest ago, or else of all.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    entries: HashMap<K, (Arc<V>, u64)>,
    limit: usize,
    /// Counts the requests, so that the entries can be ordered by their last one.
    requests: u64,
}

/// A value of a [`Bounded`], and what was forgotten for it.
#[derive(Debug)]
#[must_use = "what was forgotten may run foreign code when it is dropped: not under a lock"]
pub(crate) struct Got<V> {
    pub(crate) value: Arc<V>,
    pub(crate) forgotten: Option<Arc<V>>,
}

impl<K: Eq + Hash + Clone, V> Bounded<K, V> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            entries: HashMap::new(),
            limit,
            requests: 0,
        }
    }

    /// The value of `key`, made if there is none. Where all others are held, the new value is not
    /// kept: its caller goes without what sharing it would bring.
    pub(crate) fn get_or_make<Q>(
        &mut self,
        key: &Q,
        make: impl FnOnce() -> V,
        may_forget: impl Fn(&V) -> bool,
    ) -> Got<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        self.requests = self.requests.saturating_add(1);
        if let Some((value, last)) = self.entries.get_mut(key) {
            *last = self.requests;
            let value = Arc::clone(value);
            return Got {
                value,
                forgotten: None,
            };
        }
        let value = Arc::new(make());
        let is_full = self.entries.len() >= self.limit;
        let forgotten = is_full.then(|| self.make_room(may_forget)).flatten();
        if !is_full || forgotten.is_some() {
            self.entries
                .insert(key.to_owned(), (Arc::clone(&value), self.requests));
        }
        Got { value, forgotten }
    }

    /// Every value.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values().map(|(value, _)| &**value)
    }

    fn make_room(&mut self, may_forget: impl Fn(&V) -> bool) -> Option<Arc<V>> {
        let (mut oldest, mut oldest_idle) = (None, None);
        for (key, (value, last)) in &self.entries {
            let is_before =
                |found: &Option<(&K, u64)>| found.is_none_or(|(_, first)| *last < first);
            if Arc::strong_count(value) > 1 {
                continue;
            }
            if is_before(&oldest) {
                oldest = Some((key, *last));
            }
            // Asked of few: most are not older than what was found.
            if is_before(&oldest_idle) && may_forget(value) {
                oldest_idle = Some((key, *last));
            }
        }
        let key = oldest_idle.or(oldest)?.0.clone();
        self.entries.remove(&key).map(|(value, _)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(map: &mut Bounded<u32, u32>, key: u32, value: u32) -> u32 {
        *map.get_or_make(&key, || value, |_| true).value
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
    fn what_is_held_is_not_forgotten_and_where_all_is_held_the_new_value_is_not_kept() {
        let mut map = Bounded::new(2);
        let held = [1, 2].map(|key| map.get_or_make(&key, || key * 10, |_| true).value);
        let unkept = map.get_or_make(&3, || 30, |_| true);
        assert_eq!((*unkept.value, unkept.forgotten), (30, None));
        assert_eq!((get(&mut map, 1, 0), get(&mut map, 2, 0)), (10, 20));
        assert_eq!(get(&mut map, 3, 31), 31);
        drop(held);
    }

    #[test]
    fn what_is_needed_is_forgotten_last_and_handed_to_who_asked() {
        let mut map = Bounded::new(2);
        get(&mut map, 1, 10);
        get(&mut map, 2, 20);
        let is_idle = |value: &u32| *value != 10;
        let got = map.get_or_make(&3, || 30, is_idle);
        assert_eq!(got.forgotten.as_deref(), Some(&20), "though 1 is older");
        // Nothing may be forgotten: what was asked for longest ago is.
        let got = map.get_or_make(&4, || 40, |_| false);
        assert_eq!(got.forgotten.as_deref(), Some(&10));
        assert_eq!((get(&mut map, 3, 0), get(&mut map, 4, 0)), (30, 40));
    }
}
