//! What is stored, and the indexes that find it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use notify_core::{
    AttemptRecord, Counts, EventId, Handling, JobRecord, JobState, LegacyMail, Millis,
    Notification, Selection, Watched,
};

/// All that a spool holds. One lock guards it, so each call is all or nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// By the order in which they were put.
    pub(super) events: BTreeMap<u64, Event>,
    pub(super) ids: HashMap<EventId, u64>,
    /// By the order in which they were put.
    pub(super) deliveries: BTreeMap<u64, Delivery>,
    /// By the order in which they ended.
    pub(super) attempts: BTreeMap<u64, Attempt>,
    /// What people did, in order.
    pub(super) handled: BTreeMap<u64, Watched>,
    /// For each target its pending deliveries, by when they are due or their lease ends.
    pub(super) due: BTreeMap<String, BTreeSet<(Millis, u64)>>,
    /// Those that were swept away too.
    pub(super) counts: Counts,
    /// The last number that was given to anything.
    last: u64,
}

/// An accepted event.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) event: Arc<Notification>,
    pub(super) trace: String,
    pub(super) legacy: Option<LegacyMail>,
    pub(super) accepted: Millis,
    pub(super) deliveries: Vec<u64>,
}

/// A delivery, wherever it stands.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) event: u64,
    pub(super) key: String,
    pub(super) target: String,
    pub(super) state: JobState,
    pub(super) since: Millis,
    /// When pending.
    pub(super) due: Millis,
    pub(super) lease: Option<Leased>,
    pub(super) recipients: Option<Vec<String>>,
    pub(super) reason: Option<String>,
    pub(super) changed: Millis,
    /// How many attempts have ended, those before it came here too.
    pub(super) tried: u32,
    pub(super) attempts: Vec<u64>,
}

/// A lease that was not settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leased {
    pub(super) token: u64,
    pub(super) began: Millis,
}

/// An attempt that ended.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) delivery: u64,
    /// Where the delivery stood after it.
    pub(super) state: JobState,
    pub(super) record: AttemptRecord,
}

impl State {
    /// A number that nothing has yet, larger than all before.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The largest number that was given.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Notes what a person did, if it changed anything.
    pub(super) fn handle(&mut self, how: Handling, which: &Selection, number: u64, at: Millis) {
        if number > 0 {
            let place = self.number();
            let handled = Watched::Handled {
                at,
                how,
                which: which.clone(),
                number,
            };
            self.handled.insert(place, handled);
        }
    }

    /// Changes a delivery and keeps indexes and counts in step. None when there is no such one.
    pub(super) fn change<T>(
        &mut self,
        place: u64,
        change: impl FnOnce(&mut Delivery) -> T,
    ) -> Option<T> {
        let delivery = self.deliveries.get_mut(&place)?;
        let queue = self.due.entry(delivery.target.clone()).or_default();
        queue.remove(&(delivery.due, place));
        *count(&mut self.counts, delivery.state) -= 1;
        let answer = change(delivery);
        *count(&mut self.counts, delivery.state) += 1;
        if delivery.state == JobState::Pending {
            queue.insert((delivery.due, place));
        }
        Some(answer)
    }

    pub(super) fn add_attempt(&mut self, delivery: u64, record: AttemptRecord) {
        let number = self.number();
        if let Some(found) = self.deliveries.get_mut(&delivery) {
            found.attempts.push(number);
            let state = found.state;
            let attempt = Attempt {
                delivery,
                state,
                record,
            };
            self.attempts.insert(number, attempt);
        }
    }

    pub(super) fn record(&self, delivery: &Delivery) -> JobRecord {
        let attempts = delivery.attempts.iter();
        JobRecord {
            key: delivery.key.clone(),
            event: self.events[&delivery.event].event.id,
            target: delivery.target.clone(),
            state: delivery.state,
            since: delivery.since,
            due: (delivery.state == JobState::Pending).then_some(delivery.due),
            is_leased: delivery.lease.is_some(),
            recipients: delivery.recipients.clone(),
            reason: delivery.reason.clone(),
            changed: delivery.changed,
            attempts: attempts
                .map(|number| self.attempts[number].record.clone())
                .collect(),
        }
    }
}

/// The count of a state.
pub(super) fn count(counts: &mut Counts, state: JobState) -> &mut u64 {
    match state {
        JobState::Pending => &mut counts.pending,
        JobState::Delivered => &mut counts.delivered,
        JobState::Dead => &mut counts.dead,
        JobState::Cancelled => &mut counts.cancelled,
    }
}
