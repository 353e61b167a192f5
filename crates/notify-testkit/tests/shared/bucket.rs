//! What the stores of a cluster give: a value for each key, and a revision with each value.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Somebody else wrote first.
#[derive(Debug)]
pub(crate) struct Conflict;

/// A value is made once, and replaced only by who knows its revision. There is no
/// transaction over two keys, no order and no clock.
#[derive(Debug)]
pub(crate) struct Bucket<T> {
    values: Mutex<Values<T>>,
    /// Writes whatever the revision is, to show that the laws see it.
    is_careless: bool,
}

#[derive(Debug)]
struct Values<T> {
    last: u64,
    values: BTreeMap<String, (u64, Arc<T>)>,
}

impl<T> Bucket<T> {
    pub(crate) fn new(is_careless: bool) -> Self {
        let values = Values {
            last: 0,
            values: BTreeMap::new(),
        };
        Bucket {
            values: Mutex::new(values),
            is_careless,
        }
    }

    pub(crate) fn create(&self, key: &str, value: T) -> Result<u64, Conflict> {
        self.write(key, None, value)
    }

    pub(crate) fn replace(&self, key: &str, seen: u64, value: T) -> Result<u64, Conflict> {
        self.write(key, Some(seen), value)
    }

    fn write(&self, key: &str, seen: Option<u64>, value: T) -> Result<u64, Conflict> {
        let mut values = self.lock();
        let now = values.values.get(key).map(|(revision, _)| *revision);
        if now != seen && !self.is_careless {
            return Err(Conflict);
        }
        values.last += 1;
        let last = values.last;
        values
            .values
            .insert(key.to_owned(), (last, Arc::new(value)));
        Ok(last)
    }

    pub(crate) fn get(&self, key: &str) -> Option<(u64, Arc<T>)> {
        self.lock().values.get(key).cloned()
    }

    /// All values with their revisions, as of one moment: as a watcher of the store gets them.
    pub(crate) fn all(&self) -> Vec<(u64, Arc<T>)> {
        self.lock().values.values().cloned().collect()
    }

    /// The revision of the last write.
    pub(crate) fn last(&self) -> u64 {
        self.lock().last
    }

    /// As a copy of the store's files would be.
    pub(crate) fn snapshot(&self) -> Self {
        let values = self.lock();
        let copy = Values {
            last: values.last,
            values: values.values.clone(),
        };
        Bucket {
            values: Mutex::new(copy),
            is_careless: self.is_careless,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Values<T>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
