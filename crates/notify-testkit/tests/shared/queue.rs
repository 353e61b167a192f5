//! The queue over a bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use notify_core::{
    Claim, Counts, Entry, EventId, Job, JobState, Lease, Millis, Put, Selection, Settlement, Spool,
    SpoolError, SpoolErrorKind, TargetQueue, async_trait,
};

use crate::bucket::Bucket;
use crate::document::{Delivery, Document};

/// A spool that shares its store with others.
#[derive(Clone, Debug)]
pub(crate) struct SharedSpool {
    pub(crate) bucket: Arc<Bucket<Document>>,
    pub(crate) is_read_only: bool,
    pub(crate) places: crate::Places,
}

impl SharedSpool {
    pub(crate) fn read(&self, key: &str) -> Option<(u64, Document)> {
        let (revision, document) = self.bucket.get(key)?;
        Some((revision, document.as_ref().clone().at(revision)))
    }

    /// All events, those that were swept too.
    pub(crate) fn all(&self) -> Vec<Document> {
        let all = self.bucket.all().into_iter();
        all.map(|(revision, document)| document.as_ref().clone().at(revision))
            .collect()
    }

    /// Changes an event, again and again until nobody was faster. None when it is not there, or
    /// when there is nothing to change.
    pub(crate) async fn update<T>(
        &self,
        key: &str,
        change: impl Fn(u64, &mut Document) -> Option<T> + Send + Sync,
    ) -> Result<Option<T>, SpoolError> {
        if self.is_read_only {
            return Err(SpoolError::new(SpoolErrorKind::Denied, "opened to look"));
        }
        while let Some((revision, mut document)) = self.read(key) {
            on_the_network().await;
            let Some(answer) = change(revision, &mut document) else {
                return Ok(None);
            };
            if self.bucket.replace(key, revision, document).is_ok() {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    /// Changes each delivery that is meant, one by one. Answers how many were changed.
    async fn update_each(
        &self,
        which: &Selection,
        change: impl Fn(&mut Delivery) -> bool + Send + Sync,
    ) -> Result<u64, SpoolError> {
        let mut changed = 0;
        for document in self.all() {
            for (at, job) in document.jobs.iter().enumerate() {
                let key = document.event.key(&job.target);
                let is_meant = match which {
                    Selection::Event(id) => document.event.id == *id,
                    Selection::Key(wanted) => *wanted == key,
                    Selection::Target(target) => job.target == *target,
                    Selection::All => true,
                };
                if is_meant {
                    let updated = self
                        .update(&name(document.event.id), |_, document| {
                            change(&mut document.jobs[at]).then_some(())
                        })
                        .await?;
                    changed += u64::from(updated.is_some());
                }
            }
        }
        if self.is_read_only {
            return Err(SpoolError::new(SpoolErrorKind::Denied, "opened to look"));
        }
        Ok(changed)
    }

    /// Changes the delivery that is held with a lease.
    async fn update_held<T>(
        &self,
        lease: &Lease,
        change: impl Fn(&mut Delivery) -> T + Send + Sync,
    ) -> Result<T, SpoolError> {
        let event = lease.key.split('.').next().unwrap_or_default();
        let changed = self
            .update(event, |_, document| {
                let at = document.place(&lease.key)?;
                let job = &mut document.jobs[at];
                job.is_held_with(lease).then(|| change(job))
            })
            .await?;
        changed.ok_or_else(|| {
            let detail = format!("the lease of {} has ended", lease.key);
            SpoolError::new(SpoolErrorKind::Stale, detail)
        })
    }

    async fn lease(
        &self,
        key: &str,
        at: usize,
        claim: Claim<'_>,
        now: Millis,
    ) -> Result<Option<Job>, SpoolError> {
        self.update(key, |revision, document| {
            // Somebody may have taken it since it was listed.
            is_due(&document.jobs[at], claim.target, now)
                .then(|| document.lease(at, revision, now, claim.lease))
        })
        .await
    }
}

/// Between a read and a write, others come to their turn.
async fn on_the_network() {
    tokio::task::yield_now().await;
}

/// The key of an event.
pub(crate) fn name(id: EventId) -> String {
    id.to_string()
}

fn is_due(job: &Delivery, target: Option<&str>, now: Millis) -> bool {
    job.state == JobState::Pending
        && job.due <= now
        && target.is_none_or(|target| target == job.target)
}

#[async_trait]
impl Spool for SharedSpool {
    async fn put(&self, entry: Entry) -> Result<Put, SpoolError> {
        if self.is_read_only {
            return Err(SpoolError::new(SpoolErrorKind::Denied, "opened to look"));
        }
        let key = name(entry.event.id);
        if self.bucket.get(&key).is_some() {
            return Ok(Put::Known);
        }
        on_the_network().await;
        let created = self.bucket.create(&key, Document::of(entry)?);
        Ok(created.map_or(Put::Known, |_| Put::Stored))
    }

    async fn claim(&self, claim: Claim<'_>, now: Millis) -> Result<Vec<Job>, SpoolError> {
        let mut claimed = Vec::new();
        for document in self.all() {
            for (at, job) in document.jobs.iter().enumerate() {
                if claimed.len() < claim.most && is_due(job, claim.target, now) {
                    claimed.extend(self.lease(&name(document.event.id), at, claim, now).await?);
                }
            }
        }
        if self.is_read_only {
            return Err(SpoolError::new(SpoolErrorKind::Denied, "opened to look"));
        }
        Ok(claimed)
    }

    async fn settle(
        &self,
        lease: &Lease,
        settlement: Settlement,
        now: Millis,
    ) -> Result<JobState, SpoolError> {
        let settle = |job: &mut Delivery| {
            job.settle(settlement.clone(), now);
            job.state
        };
        self.update_held(lease, settle).await
    }

    async fn release(&self, lease: &Lease, due: Millis) -> Result<(), SpoolError> {
        self.update_held(lease, |job| {
            job.lease = None;
            job.due = due;
        })
        .await
    }

    async fn recover(&self, now: Millis) -> Result<u64, SpoolError> {
        self.update_each(&Selection::All, |job| {
            let is_leased = job.lease.is_some();
            job.cut_off(now);
            is_leased
        })
        .await
    }

    async fn revive(&self, which: &Selection, now: Millis) -> Result<u64, SpoolError> {
        self.update_each(which, |job| {
            let is_revived = job.is_waiting() || job.state == JobState::Dead;
            if is_revived {
                job.revive(now);
            }
            is_revived
        })
        .await
    }

    async fn hurry(&self, target: &str, now: Millis) -> Result<u64, SpoolError> {
        self.update_each(&Selection::Target(target.to_owned()), |job| {
            let is_hurried = job.is_waiting() && job.due > now;
            if is_hurried {
                job.due = now;
            }
            is_hurried
        })
        .await
    }

    async fn cancel(&self, which: &Selection, now: Millis) -> Result<u64, SpoolError> {
        self.update_each(which, |job| {
            let is_cancelled = matches!(job.state, JobState::Pending | JobState::Dead);
            if is_cancelled {
                job.cancel(now);
            }
            is_cancelled
        })
        .await
    }

    async fn counts(&self) -> Result<Counts, SpoolError> {
        let mut counts = Counts::default();
        for job in self.all().iter().flat_map(|document| &document.jobs) {
            counts.accepted += 1;
            *match job.state {
                JobState::Pending => &mut counts.pending,
                JobState::Delivered => &mut counts.delivered,
                JobState::Dead => &mut counts.dead,
                JobState::Cancelled => &mut counts.cancelled,
            } += 1;
        }
        Ok(counts)
    }

    async fn targets(&self) -> Result<Vec<TargetQueue>, SpoolError> {
        let mut queues = BTreeMap::new();
        for document in self.all().iter().filter(|document| !document.is_swept) {
            for job in &document.jobs {
                if matches!(job.state, JobState::Pending | JobState::Dead) {
                    let target = &job.target;
                    let queue = queues
                        .entry(target.clone())
                        .or_insert_with(|| empty(target));
                    count(queue, job, document.accepted);
                }
            }
        }
        Ok(queues.into_values().collect())
    }
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

fn count(queue: &mut TargetQueue, job: &Delivery, accepted: Millis) {
    if job.state == JobState::Dead {
        queue.dead += 1;
        return;
    }
    queue.pending += 1;
    queue.leased += u64::from(job.lease.is_some());
    queue.oldest = Some(queue.oldest.map_or(accepted, |oldest| oldest.min(accepted)));
    queue.next = Some(queue.next.map_or(job.due, |next| next.min(job.due)));
}
