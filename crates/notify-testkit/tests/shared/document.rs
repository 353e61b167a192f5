//! An event with its deliveries, as one value: so that it is there as a whole or not at all.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use notify_core::{
    AttemptRecord, Entry, Job, JobRecord, JobState, Lease, LegacyMail, Millis, Next, Notification,
    Outcome, Settlement, SpoolError, SpoolErrorKind,
};

#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) event: Arc<Notification>,
    pub(crate) trace: String,
    pub(crate) legacy: Option<LegacyMail>,
    pub(crate) accepted: Millis,
    /// By target.
    pub(crate) jobs: Vec<Delivery>,
    /// The revision of its first write. A value does not know the revision that its own write will
    /// have, so it is noted by the second.
    first: Option<u64>,
    /// What was there is removed; its deliveries are still counted.
    pub(crate) is_swept: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) target: String,
    pub(crate) state: JobState,
    pub(crate) since: Millis,
    pub(crate) due: Millis,
    pub(crate) lease: Option<(u64, Millis)>,
    pub(crate) recipients: Option<Vec<String>>,
    pub(crate) reason: Option<String>,
    changed: Millis,
    tried: u32,
    /// Each with the revision of its write, and where the delivery stood after it.
    pub(crate) attempts: Vec<(Option<u64>, JobState, AttemptRecord)>,
}

impl Document {
    pub(crate) fn of(entry: Entry) -> Result<Self, SpoolError> {
        let targets: BTreeSet<_> = entry.jobs.iter().map(|job| &job.target).collect();
        if targets.len() != entry.jobs.len() {
            let detail = format!("{}: two jobs of one target", entry.event.id);
            return Err(SpoolError::new(SpoolErrorKind::Unfit, detail));
        }
        let mut jobs: Vec<_> = entry
            .jobs
            .into_iter()
            .map(|job| Delivery {
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
            })
            .collect();
        jobs.sort_by(|one, other| one.target.cmp(&other.target));
        Ok(Document {
            event: Arc::new(entry.event),
            trace: entry.trace,
            legacy: entry.legacy,
            accepted: entry.accepted,
            jobs,
            first: None,
            is_swept: false,
        })
    }

    /// As it was read at this revision: now it is known when it was written.
    pub(crate) fn at(mut self, revision: u64) -> Self {
        self.first.get_or_insert(revision);
        for (written, ..) in self.jobs.iter_mut().flat_map(|job| &mut job.attempts) {
            written.get_or_insert(revision);
        }
        self
    }

    /// The revision of its first write.
    pub(crate) fn first(&self) -> u64 {
        self.first.unwrap_or(0)
    }

    pub(crate) fn has(&self, state: JobState) -> bool {
        self.jobs.iter().any(|job| job.state == state)
    }

    /// Whether something of it is pending, or under way though it was cancelled.
    pub(crate) fn is_open(&self) -> bool {
        let mut jobs = self.jobs.iter();
        jobs.any(|job| job.state == JobState::Pending || job.lease.is_some())
    }

    /// The number of the delivery with this key.
    pub(crate) fn place(&self, key: &str) -> Option<usize> {
        let mut jobs = self.jobs.iter();
        jobs.position(|job| self.event.key(&job.target) == key)
    }

    /// Leases a delivery. `token` is a revision that no other lease of it has.
    pub(crate) fn lease(&mut self, at: usize, token: u64, now: Millis, lease: Duration) -> Job {
        self.jobs[at].cut_off(now);
        let job = &mut self.jobs[at];
        job.lease = Some((token, now));
        job.due = now.plus(lease);
        job.changed = now;
        Job {
            lease: Lease {
                key: self.event.key(&job.target),
                token,
                place: 0,
            },
            event: self.event.clone(),
            target: job.target.clone(),
            attempt: job.tried + 1,
            since: job.since,
            recipients: job.recipients.clone(),
            legacy: self.legacy.clone(),
        }
    }

    pub(crate) fn record(&self, job: &Delivery) -> JobRecord {
        JobRecord {
            key: self.event.key(&job.target),
            event: self.event.id,
            target: job.target.clone(),
            state: job.state,
            since: job.since,
            due: (job.state == JobState::Pending).then_some(job.due),
            is_leased: job.lease.is_some(),
            recipients: job.recipients.clone(),
            reason: job.reason.clone(),
            changed: job.changed,
            attempts: job.attempts.iter().map(|(.., one)| one.clone()).collect(),
        }
    }
}

impl Delivery {
    pub(crate) fn is_waiting(&self) -> bool {
        self.state == JobState::Pending && self.lease.is_none()
    }

    pub(crate) fn is_held_with(&self, lease: &Lease) -> bool {
        self.lease.is_some_and(|(token, _)| token == lease.token)
    }

    /// Ends its lease, if it has one, and records the attempt as lost.
    pub(crate) fn cut_off(&mut self, now: Millis) {
        let Some((_, began)) = self.lease else {
            return;
        };
        let lost = Settlement {
            started: began,
            outcome: Outcome::CutOff,
            detail: None,
            reference: None,
            refused: Vec::new(),
            next: Next::Retry {
                due: now,
                recipients: None,
            },
        };
        self.settle(lost, now);
    }

    pub(crate) fn settle(&mut self, settlement: Settlement, now: Millis) {
        self.lease = None;
        self.tried += 1;
        self.changed = now;
        match settlement.next {
            Next::Delivered => self.state = JobState::Delivered,
            _ if self.state == JobState::Cancelled => {}
            Next::Retry { due, recipients } => {
                self.due = due;
                self.recipients = recipients.or_else(|| self.recipients.take());
            }
            Next::Dead { reason } => {
                self.state = JobState::Dead;
                self.reason = Some(reason);
            }
        }
        let attempt = AttemptRecord {
            number: self.tried,
            started: settlement.started,
            ended: now,
            outcome: settlement.outcome,
            detail: settlement.detail,
            reference: settlement.reference,
            refused: settlement.refused,
        };
        self.attempts.push((None, self.state, attempt));
    }

    pub(crate) fn revive(&mut self, now: Millis) {
        self.state = JobState::Pending;
        self.due = now;
        self.since = now;
        self.changed = now;
        self.reason = None;
    }

    pub(crate) fn cancel(&mut self, now: Millis) {
        self.state = JobState::Cancelled;
        self.changed = now;
        self.reason = None;
    }
}
