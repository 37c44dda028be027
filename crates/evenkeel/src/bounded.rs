use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// A map that forgets its oldest entry when a new one would be too many.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    entries: HashMap<K, V>,
    order: VecDeque<K>,
    limit: usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Bounded<K, V> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            limit,
        }
    }

    pub(crate) fn get_or_insert_with(&mut self, key: &K, make: impl FnOnce() -> V) -> V {
        if let Some(value) = self.entries.get(key) {
            return value.clone();
        }
        if self.entries.len() >= self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        let value = make();
        self.entries.insert(key.clone(), value.clone());
        self.order.push_back(key.clone());
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entry_makes_room() {
        let mut map = Bounded::new(2);
        for key in [1, 2, 1, 3] {
            map.get_or_insert_with(&key, || key * 10);
        }
        assert_eq!(map.get_or_insert_with(&2, || 0), 20);
        assert_eq!(
            map.get_or_insert_with(&1, || 99),
            99,
            "1 was forgotten for 3"
        );
    }
}
