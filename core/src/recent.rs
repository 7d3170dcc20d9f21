//! A map of bounded size that keeps what was used recently.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

use foldhash::fast::RandomState;

/// Entries are in two generations. When the newer one is full it becomes the older one, and what the older one still has
/// is evicted. An entry that is looked up returns to the newer one.
#[derive(Debug)]
pub struct Recent<K, V> {
    limit: usize,
    newer: HashMap<K, V, RandomState>,
    older: HashMap<K, V, RandomState>,
}

impl<K: Copy + Eq + Hash, V: Clone> Recent<K, V> {
    /// Keeps at most twice `limit` entries.
    pub fn new(limit: usize) -> Recent<K, V> {
        Recent { limit, newer: HashMap::default(), older: HashMap::default() }
    }

    pub fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.newer.get(key) {
            return Some(value.clone());
        }
        let value = self.older.remove(key)?;
        self.insert(*key, value.clone());
        Some(value)
    }

    pub fn insert(&mut self, key: K, value: V) {
        if self.newer.len() >= self.limit {
            self.older = mem::take(&mut self.newer);
        }
        self.newer.insert(key, value);
    }

    pub fn remove(&mut self, key: &K) {
        self.newer.remove(key);
        self.older.remove(key);
    }

    pub fn clear(&mut self) {
        self.newer = HashMap::default();
        self.older = HashMap::default();
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    #[test]
    fn what_is_used_stays_and_the_size_is_bounded() {
        let mut recent = Recent::new(100);
        recent.insert(0, 'a');
        for key in 1..1000 {
            recent.insert(key, 'b');
            assert_eq!(recent.get(&0), Some('a'));
            assert!(recent.newer.len() + recent.older.len() <= 200);
        }
        assert_eq!((recent.get(&1), recent.get(&999)), (None, Some('b')));
        recent.remove(&999);
        assert_eq!((recent.get(&998), recent.get(&999)), (Some('b'), None));
        recent.clear();
        assert_eq!(recent.get(&998), None);
    }

    #[test]
    fn the_last_value_of_a_key_counts_in_either_generation() {
        let mut recent = Recent::new(2);
        recent.insert(1, 'a');
        recent.insert(2, 'a');
        recent.insert(3, 'a');
        recent.insert(1, 'b');
        recent.insert(4, 'a');
        assert_eq!(recent.get(&1), Some('b'));
    }
}
