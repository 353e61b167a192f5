//! The queue: put, claim, settle and what a person may do to it.

use std::collections::BTreeSet;
use std::sync::Arc;

use notify_core::{
    AttemptRecord, Claim, Counts, Entry, Handling, Job, JobState, Lease, Millis, Next, Outcome,
    Put, Selection, Settlement, SpoolError, SpoolErrorKind, TargetQueue,
};

use super::state::{Delivery, Event, Leased, State};

impl State {
    pub(super) fn put(&mut self, entry: Entry) -> Result<Put, SpoolError> {
        if self.ids.contains_key(&entry.event.id) {
            return Ok(Put::Known);
        }
        let targets: BTreeSet<_> = entry.jobs.iter().map(|job| &job.target).collect();
        if targets.len() != entry.jobs.len() {
            let detail = format!("event {} has two jobs of one target", entry.event.id);
            return Err(SpoolError::new(SpoolErrorKind::Unfit, detail));
        }
        let seq = self.number();
        let mut deliveries = Vec::new();
        for job in entry.jobs {
            let place = self.number();
            let delivery = Delivery {
                event: seq,
                key: entry.event.key(&job.target),
                target: job.target,
                state: JobState::Pending,
                since: entry.accepted,
                due: job.due,
                lease: None,
                recipients: job.recipients,
                reason: None,
                changed: entry.accepted,
                tried: job.attempts,
                attempts: Vec::new(),
            };
            let queue = self.due.entry(delivery.target.clone()).or_default();
            queue.insert((delivery.due, place));
            self.deliveries.insert(place, delivery);
            self.counts.accepted += 1;
            self.counts.pending += 1;
            deliveries.push(place);
        }
        self.ids.insert(entry.event.id, seq);
        let event = Event {
            event: Arc::new(entry.event),
            trace: entry.trace,
            legacy: entry.legacy,
            accepted: entry.accepted,
            deliveries,
        };
        self.events.insert(seq, event);
        Ok(Put::Stored)
    }

    pub(super) fn claim(&mut self, claim: Claim<'_>, now: Millis) -> Vec<Job> {
        let places = self.due_at(claim.target, claim.most, now);
        let leased = places.into_iter();
        leased
            .filter_map(|place| self.lease(place, claim, now))
            .collect()
    }

    /// What is due, the oldest first.
    fn due_at(&self, target: Option<&str>, most: usize, now: Millis) -> Vec<u64> {
        let queues = self
            .due
            .iter()
            .filter(|(name, _)| target.is_none_or(|target| target == *name));
        let due = queues
            .flat_map(|(_, queue)| queue.iter().take_while(|(due, _)| *due <= now).take(most));
        let mut due: Vec<_> = due.collect();
        due.sort_unstable();
        due.into_iter()
            .take(most)
            .map(|(_, place)| *place)
            .collect()
    }

    fn lease(&mut self, place: u64, claim: Claim<'_>, now: Millis) -> Option<Job> {
        self.cut_off(place, now);
        let token = self.number();
        self.change(place, |delivery| {
            delivery.lease = Some(Leased { token, began: now });
            delivery.due = now.plus(claim.lease);
            delivery.changed = now;
        })?;
        let delivery = &self.deliveries[&place];
        let event = &self.events[&delivery.event];
        Some(Job {
            lease: Lease {
                key: delivery.key.clone(),
                token,
                place,
            },
            event: event.event.clone(),
            target: delivery.target.clone(),
            attempt: delivery.tried.saturating_add(1),
            since: delivery.since,
            recipients: delivery.recipients.clone(),
            legacy: event.legacy.clone(),
        })
    }

    /// Ends the lease of a delivery, if it has one, and records the attempt as lost.
    fn cut_off(&mut self, place: u64, now: Millis) -> bool {
        let leased = self.change(place, |delivery| {
            let leased = delivery.lease.take()?;
            delivery.tried = delivery.tried.saturating_add(1);
            delivery.due = now;
            delivery.changed = now;
            Some((delivery.tried, leased.began))
        });
        let Some(Some((number, started))) = leased else {
            return false;
        };
        let lost = AttemptRecord {
            number,
            started,
            ended: now,
            outcome: Outcome::CutOff,
            detail: None,
            reference: None,
            refused: Vec::new(),
        };
        self.add_attempt(place, lost);
        true
    }

    /// Whether the lease is the one that the delivery has now.
    fn check(&self, lease: &Lease) -> Result<(), SpoolError> {
        let delivery = self.deliveries.get(&lease.place);
        let is_held = delivery.is_some_and(|delivery| {
            let token = delivery.lease.map(|leased| leased.token);
            delivery.key == lease.key && token == Some(lease.token)
        });
        if is_held {
            return Ok(());
        }
        let detail = format!("the lease of {} has ended", lease.key);
        Err(SpoolError::new(SpoolErrorKind::Stale, detail))
    }

    pub(super) fn settle(
        &mut self,
        lease: &Lease,
        settlement: Settlement,
        now: Millis,
    ) -> Result<JobState, SpoolError> {
        self.check(lease)?;
        let stands = self.change(lease.place, |delivery| {
            delivery.lease = None;
            delivery.tried = delivery.tried.saturating_add(1);
            delivery.changed = now;
            match settlement.next {
                Next::Delivered => delivery.state = JobState::Delivered,
                // Nothing more goes out.
                _ if delivery.state == JobState::Cancelled => {}
                Next::Retry { due, recipients } => {
                    delivery.due = due;
                    delivery.recipients = recipients.or_else(|| delivery.recipients.take());
                }
                Next::Dead { reason } => {
                    delivery.state = JobState::Dead;
                    delivery.reason = Some(reason);
                }
            }
            (delivery.tried, delivery.state)
        });
        let (number, state) = stands.unwrap_or((1, JobState::Pending));
        let record = AttemptRecord {
            number,
            started: settlement.started,
            ended: now,
            outcome: settlement.outcome,
            detail: settlement.detail,
            reference: settlement.reference,
            refused: settlement.refused,
        };
        self.add_attempt(lease.place, record);
        Ok(state)
    }

    pub(super) fn release(&mut self, lease: &Lease, due: Millis) -> Result<(), SpoolError> {
        self.check(lease)?;
        self.change(lease.place, |delivery| {
            delivery.lease = None;
            delivery.due = due;
        });
        Ok(())
    }

    pub(super) fn recover(&mut self, now: Millis) -> u64 {
        let leased = self.chosen(&Selection::All, |delivery| delivery.lease.is_some());
        let cut_off = leased.into_iter().filter(|place| self.cut_off(*place, now));
        total(cut_off.count())
    }

    pub(super) fn revive(&mut self, which: &Selection, now: Millis) -> u64 {
        let revived = self.chosen(which, |delivery| {
            is_waiting(delivery) || delivery.state == JobState::Dead
        });
        for place in &revived {
            self.change(*place, |delivery| {
                delivery.state = JobState::Pending;
                delivery.due = now;
                delivery.since = now;
                delivery.changed = now;
                delivery.reason = None;
            });
        }
        let number = total(revived.len());
        self.handle(Handling::Retried, which, number, now);
        number
    }

    pub(super) fn hurry(&mut self, target: &str, now: Millis) -> u64 {
        let hurried = self.chosen(&Selection::Target(target.to_owned()), |delivery| {
            is_waiting(delivery) && delivery.due > now
        });
        for place in &hurried {
            self.change(*place, |delivery| {
                delivery.due = now;
                delivery.changed = now;
            });
        }
        total(hurried.len())
    }

    pub(super) fn cancel(&mut self, which: &Selection, now: Millis) -> u64 {
        let cancelled = self.chosen(which, |delivery| {
            matches!(delivery.state, JobState::Pending | JobState::Dead)
        });
        for place in &cancelled {
            self.change(*place, |delivery| {
                delivery.state = JobState::Cancelled;
                delivery.changed = now;
                delivery.reason = None;
            });
        }
        let number = total(cancelled.len());
        self.handle(Handling::Dropped, which, number, now);
        number
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn targets(&self) -> Vec<TargetQueue> {
        let mut queues = std::collections::BTreeMap::new();
        for delivery in self.deliveries.values() {
            if !matches!(delivery.state, JobState::Pending | JobState::Dead) {
                continue;
            }
            let queue = queues
                .entry(delivery.target.clone())
                .or_insert_with(|| empty(&delivery.target));
            if delivery.state == JobState::Dead {
                queue.dead += 1;
                continue;
            }
            let accepted = self.events[&delivery.event].accepted;
            queue.pending += 1;
            queue.leased += u64::from(delivery.lease.is_some());
            queue.oldest = Some(queue.oldest.map_or(accepted, |oldest| oldest.min(accepted)));
            queue.next = Some(
                queue
                    .next
                    .map_or(delivery.due, |next| next.min(delivery.due)),
            );
        }
        queues.into_values().collect()
    }

    fn chosen(&self, which: &Selection, wanted: impl Fn(&Delivery) -> bool) -> Vec<u64> {
        let is_meant = |delivery: &Delivery| match which {
            Selection::Event(id) => self.events[&delivery.event].event.id == *id,
            Selection::Key(key) => delivery.key == *key,
            Selection::Target(target) => delivery.target == *target,
            Selection::All => true,
        };
        let chosen = self.deliveries.iter();
        chosen
            .filter(|(_, delivery)| is_meant(delivery) && wanted(delivery))
            .map(|(place, _)| *place)
            .collect()
    }
}

fn is_waiting(delivery: &Delivery) -> bool {
    delivery.state == JobState::Pending && delivery.lease.is_none()
}

fn empty(target: &str) -> TargetQueue {
    TargetQueue {
        target: target.to_owned(),
        pending: 0,
        leased: 0,
        dead: 0,
        oldest: None,
        next: None,
    }
}

/// A length as the contracts count.
pub(super) fn total(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
