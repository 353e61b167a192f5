//! How many clients there are, and which of them are strangers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The connections of this moment.
#[derive(Debug, Default)]
pub(crate) struct Crowd(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    trusted: usize,
    strangers: usize,
    of_stranger: HashMap<u32, usize>,
}

/// The place of one connection. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    stranger: Option<u32>,
}

impl Crowd {
    /// A place for a trusted user, when there are less than `most`.
    pub(crate) fn admit(self: &Arc<Self>, most: usize) -> Option<Place> {
        self.enter(None, |counts| counts.trusted < most)
    }

    /// A place for another user: of `most` that all of them have, a quarter.
    pub(crate) fn admit_stranger(self: &Arc<Self>, uid: u32, most: usize) -> Option<Place> {
        self.enter(Some(uid), |counts| {
            let own = counts.of_stranger.get(&uid).copied().unwrap_or(0);
            counts.strangers < most && own < most.div_ceil(4)
        })
    }

    fn enter(
        self: &Arc<Self>,
        stranger: Option<u32>,
        has_room: impl FnOnce(&Counts) -> bool,
    ) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !has_room(&counts) {
            return None;
        }
        match stranger {
            None => counts.trusted += 1,
            Some(uid) => {
                counts.strangers += 1;
                *counts.of_stranger.entry(uid).or_default() += 1;
            }
        }
        let crowd = Arc::clone(self);
        Some(Place { crowd, stranger })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(uid) = self.stranger else {
            counts.trusted -= 1;
            return;
        };
        counts.strangers -= 1;
        if let Some(own) = counts.of_stranger.get_mut(&uid) {
            *own -= 1;
            if *own == 0 {
                counts.of_stranger.remove(&uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Crowd;
    use std::sync::Arc;

    #[test]
    fn strangers_leave_room_for_root_and_for_each_other() {
        let crowd = Arc::new(Crowd::default());
        let first: Vec<_> = (0..2).map(|_| crowd.admit_stranger(7, 8)).collect();
        assert!(first.iter().all(Option::is_some));
        assert!(crowd.admit_stranger(7, 8).is_none(), "a quarter is enough");
        let others: Vec<_> = (0..6)
            .map(|uid| crowd.admit_stranger(10 + uid, 8))
            .collect();
        assert!(others.iter().all(Option::is_some));
        assert!(crowd.admit_stranger(9, 8).is_none(), "all places are taken");
        assert!(crowd.admit(1).is_some(), "not those of root");
        drop(first);
        assert!(crowd.admit_stranger(7, 8).is_some());
        drop(others);
        let counts = crowd.0.lock().expect("not poisoned");
        assert_eq!((counts.strangers, counts.of_stranger.len()), (0, 0));
    }

    #[test]
    fn trusted_users_are_bounded_too() {
        let crowd = Arc::new(Crowd::default());
        let place = crowd.admit(1);
        assert!(place.is_some() && crowd.admit(1).is_none());
        drop(place);
        assert!(crowd.admit(1).is_some());
    }
}
