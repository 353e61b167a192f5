//! A record of what arrived, in order, that can be waited for without sleeping.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

/// What a fake has seen, in the order of arrival.
pub struct Record<T> {
    entries: Mutex<Vec<T>>,
    grown: Condvar,
    grown_async: Notify,
}

impl<T> Default for Record<T> {
    fn default() -> Self {
        Record {
            entries: Mutex::default(),
            grown: Condvar::new(),
            grown_async: Notify::new(),
        }
    }
}

impl<T: Clone> Record<T> {
    /// Adds an entry and wakes those who wait.
    pub fn push(&self, entry: T) {
        self.lock().push(entry);
        self.grown.notify_all();
        self.grown_async.notify_waiters();
    }

    /// All entries so far.
    pub fn all(&self) -> Vec<T> {
        self.lock().clone()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nothing has arrived.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All entries as soon as there are at least `count`, or those that came until `deadline`.
    pub async fn wait_for(&self, count: usize, deadline: Instant) -> Vec<T> {
        self.wait_until(deadline, |entries| entries.len() >= count)
            .await
    }

    /// All entries as soon as they are `enough`, or those that came until `deadline`.
    pub async fn wait_until(&self, deadline: Instant, enough: impl Fn(&[T]) -> bool) -> Vec<T> {
        loop {
            let grown = self.grown_async.notified();
            tokio::pin!(grown);
            grown.as_mut().enable();
            let entries = self.all();
            if enough(&entries) {
                return entries;
            }
            if tokio::time::timeout_at(deadline.into(), grown)
                .await
                .is_err()
            {
                return self.all();
            }
        }
    }

    /// The same for a caller without a runtime: it blocks the thread.
    pub fn wait_for_blocking(&self, count: usize, deadline: Instant) -> Vec<T> {
        let mut entries = self.lock();
        while entries.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            entries = self
                .grown
                .wait_timeout(entries, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        entries.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: fmt::Debug> fmt::Debug for Record<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Record").field(&self.entries).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Record;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    #[tokio::test]
    async fn a_waiter_gets_what_is_pushed_later() {
        let record = Arc::new(Record::default());
        let writer = Arc::clone(&record);
        let far = Instant::now() + Duration::from_secs(60);
        let pushing = std::thread::spawn(move || {
            writer.push(1);
            writer.push(2);
        });
        assert_eq!(record.wait_for(2, far).await, [1, 2]);
        assert_eq!(record.wait_for_blocking(2, far), [1, 2]);
        pushing.join().expect("the writer does not panic");
    }

    #[tokio::test]
    async fn a_deadline_gives_what_came_so_far() {
        let record = Record::default();
        record.push('a');
        assert_eq!(record.wait_for(2, Instant::now()).await, ['a']);
        assert_eq!(record.wait_for_blocking(2, Instant::now()), ['a']);
    }
}
