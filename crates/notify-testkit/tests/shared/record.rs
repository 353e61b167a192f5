//! The record and its upkeep over a bucket.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;

use notify_core::{
    AttemptRecord, EventId, EventRecord, EventSummary, Found, History, HistoryQuery, JobRecord,
    JobState, Millis, Outcome, Retention, Seen, SpoolError, SpoolErrorKind, Swept, Upkeep, Watched,
    async_trait,
};

use crate::document::Document;
use crate::queue::{SharedSpool, name};

impl SharedSpool {
    /// What is there, in the order in which it came.
    fn events_by_arrival(&self) -> Vec<Document> {
        let mut documents = self.all();
        documents.retain(|document| !document.is_swept);
        documents.sort_by_key(Document::first);
        documents
    }
}

#[async_trait]
impl History for SharedSpool {
    async fn events(&self, query: &HistoryQuery) -> Result<Vec<EventSummary>, SpoolError> {
        let before = query.before.and_then(|id| self.read(&name(id)));
        let before = before.map_or(u64::MAX, |(_, document)| document.first());
        let newest = self.events_by_arrival().into_iter().rev();
        let wanted = newest.filter(|document| document.first() < before && fits(document, query));
        let most = match query.most {
            0 => usize::MAX,
            most => most,
        };
        Ok(wanted
            .take(most)
            .map(|document| summary(&document))
            .collect())
    }

    async fn event(&self, id: EventId) -> Result<Option<EventRecord>, SpoolError> {
        let found = self.read(&name(id)).map(|(_, document)| document);
        let found = found.filter(|document| !document.is_swept);
        Ok(found.map(|document| EventRecord {
            event: document.event.as_ref().clone(),
            accepted: document.accepted,
            trace: document.trace.clone(),
            jobs: document
                .jobs
                .iter()
                .map(|job| document.record(job))
                .collect(),
        }))
    }

    async fn jobs(
        &self,
        states: &[JobState],
        target: Option<&str>,
        most: usize,
    ) -> Result<Vec<JobRecord>, SpoolError> {
        let documents = self.events_by_arrival();
        let jobs = documents
            .iter()
            .flat_map(|document| document.jobs.iter().map(|job| document.record(job)));
        let wanted = jobs.filter(|job| {
            states.contains(&job.state) && target.is_none_or(|target| target == job.target)
        });
        Ok(wanted.take(most).collect())
    }

    async fn last_attempts(
        &self,
    ) -> Result<Vec<(String, Option<AttemptRecord>, Option<AttemptRecord>)>, SpoolError> {
        let mut last = BTreeMap::<String, (Option<_>, Option<_>)>::new();
        for (_, _, target, _, attempt) in attempts(&self.events_by_arrival()) {
            let arrived = matches!(attempt.outcome, Outcome::Delivered | Outcome::Partial);
            let of_target = last.entry(target).or_default();
            let slot = if arrived {
                &mut of_target.0
            } else {
                &mut of_target.1
            };
            *slot = Some(attempt);
        }
        let last = last.into_iter();
        Ok(last
            .map(|(target, (success, failure))| (target, success, failure))
            .collect())
    }

    async fn watch(&self, seen: Seen, most: usize) -> Result<(Vec<Watched>, Seen), SpoolError> {
        let documents = self.events_by_arrival();
        let (mut next, mut watched) = (seen, Vec::new());
        let new = documents
            .iter()
            .filter(|document| document.first() > seen.events);
        for document in new.take(most) {
            next.events = document.first();
            watched.push(Watched::Accepted(summary(document)));
        }
        let new = attempts(&documents).into_iter();
        let new = new.filter(|(written, ..)| *written > seen.attempts);
        for (written, key, target, state, attempt) in new.take(most) {
            next.attempts = written;
            watched.push(Watched::Attempted {
                key,
                target,
                state,
                attempt,
            });
        }
        Ok((watched, next))
    }

    async fn seen_all(&self) -> Result<Seen, SpoolError> {
        let last = self.bucket.last();
        Ok(Seen {
            events: last,
            attempts: last,
            // What people did is not kept.
            handled: 0,
        })
    }
}

/// All attempts in the order in which they were written, each with its revision.
fn attempts(documents: &[Document]) -> Vec<(u64, String, String, JobState, AttemptRecord)> {
    let mut all = Vec::new();
    for document in documents {
        for job in &document.jobs {
            for (written, state, attempt) in &job.attempts {
                let (key, target) = (document.event.key(&job.target), job.target.clone());
                let written = written.unwrap_or(0);
                all.push((written, key, target, *state, attempt.clone()));
            }
        }
    }
    all.sort_by_key(|(written, ..)| *written);
    all
}

fn fits(document: &Document, query: &HistoryQuery) -> bool {
    let event = &document.event;
    let jobs = || document.jobs.iter();
    let of_target = |target: &String, name: &String| target == name;
    query.since.is_none_or(|since| document.accepted >= since)
        && query.until.is_none_or(|until| document.accepted < until)
        && query
            .kind
            .as_ref()
            .is_none_or(|kind| event.fields.get("type") == Some(kind))
        && query
            .severity
            .is_none_or(|severity| severity == event.severity)
        && (query.target.is_none() && query.state.is_none()
            || jobs().any(|job| {
                query
                    .target
                    .as_ref()
                    .is_none_or(|target| of_target(target, &job.target))
                    && query.state.is_none_or(|state| state == job.state)
            }))
}

fn summary(document: &Document) -> EventSummary {
    let event = &document.event;
    let jobs = document.jobs.iter();
    EventSummary {
        id: event.id,
        accepted: document.accepted,
        timestamp: event.timestamp,
        severity: event.severity,
        kind: event.fields.get("type").cloned(),
        title: event.content.title().to_owned(),
        jobs: jobs.map(|job| (job.target.clone(), job.state)).collect(),
    }
}

#[async_trait]
impl Upkeep for SharedSpool {
    async fn verify(
        &self,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<Vec<Found>, SpoolError> {
        let mut found = Vec::new();
        for document in self.all() {
            for job in &document.jobs {
                if job.reason.is_some() != (job.state == JobState::Dead) {
                    let detail = document.event.key(&job.target);
                    found.push(Found {
                        law: "reason",
                        detail,
                    });
                }
            }
        }
        progress(1.0);
        Ok(found)
    }

    async fn backup(
        &self,
        to: &Path,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<(), SpoolError> {
        let made = OpenOptions::new().write(true).create_new(true).open(to);
        made.map_err(|error| {
            let detail = format!("cannot write {}", to.display());
            SpoolError::new(SpoolErrorKind::Broken, detail).caused_by(error)
        })?;
        self.places.insert(to, Arc::new(self.bucket.snapshot()));
        progress(1.0);
        Ok(())
    }

    async fn sweep(&self, retention: &Retention, now: Millis) -> Result<Swept, SpoolError> {
        let documents = self.events_by_arrival();
        let settled = documents.iter().filter(|document| !document.is_open());
        let (dead, delivered): (Vec<_>, Vec<_>) =
            settled.partition(|document| document.has(JobState::Dead));
        let mut left = (dead.len() + delivered.len()) as u64;
        let mut swept = Swept::default();
        for (class, keep, most) in [
            (delivered, retention.delivered, retention.most_delivered),
            (dead, retention.dead, retention.most_dead),
        ] {
            let mut of_class = class.len() as u64;
            for document in class {
                let is_old = now.since(document.accepted) > keep;
                // A size of nothing is the only one that an example knows.
                let are_many = left > retention.most_events || retention.most_bytes == 0;
                if is_old || are_many || of_class > most {
                    let gone = self.remove(document.event.id).await?;
                    swept.events += u64::from(gone);
                    let is_early_dead = gone && !is_old && document.has(JobState::Dead);
                    swept.dead_early += u64::from(is_early_dead);
                    (left, of_class) = (left - 1, of_class - 1);
                }
            }
        }
        if self.is_read_only {
            return Err(SpoolError::new(SpoolErrorKind::Denied, "opened to look"));
        }
        Ok(swept)
    }
}

impl SharedSpool {
    /// Removes an event that is still settled.
    async fn remove(&self, id: EventId) -> Result<bool, SpoolError> {
        let gone = self
            .update(&name(id), |_, document| {
                let is_settled = !document.is_open();
                document.is_swept = is_settled;
                is_settled.then_some(())
            })
            .await?;
        Ok(gone.is_some())
    }
}
