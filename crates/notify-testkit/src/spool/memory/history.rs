//! The record of what is stored.

use std::collections::BTreeMap;

use notify_core::{
    AttemptRecord, EventId, EventRecord, EventSummary, History, HistoryQuery, JobRecord, JobState,
    Outcome, Seen, SpoolError, Watched, async_trait,
};

use super::MemorySpool;
use super::state::{Event, State};

#[async_trait]
impl History for MemorySpool {
    async fn events(&self, query: &HistoryQuery) -> Result<Vec<EventSummary>, SpoolError> {
        let state = self.state();
        let most = if query.most == 0 {
            usize::MAX
        } else {
            query.most
        };
        let before = query
            .before
            .map(|id| state.ids.get(&id).copied().unwrap_or(0));
        let newest = state.events.range(..before.unwrap_or(u64::MAX)).rev();
        Ok(newest
            .filter(|(_, event)| state.fits(event, query))
            .take(most)
            .map(|(_, event)| state.summary(event))
            .collect())
    }

    async fn event(&self, id: EventId) -> Result<Option<EventRecord>, SpoolError> {
        let state = self.state();
        let Some(event) = state.ids.get(&id).map(|seq| &state.events[seq]) else {
            return Ok(None);
        };
        let deliveries = event.deliveries.iter();
        let mut jobs: Vec<_> = deliveries
            .map(|place| state.record(&state.deliveries[place]))
            .collect();
        jobs.sort_by(|one, other| one.target.cmp(&other.target));
        Ok(Some(EventRecord {
            event: event.event.as_ref().clone(),
            accepted: event.accepted,
            trace: event.trace.clone(),
            jobs,
        }))
    }

    async fn jobs(
        &self,
        states: &[JobState],
        target: Option<&str>,
        most: usize,
    ) -> Result<Vec<JobRecord>, SpoolError> {
        let state = self.state();
        let oldest = state.deliveries.values();
        Ok(oldest
            .filter(|delivery| states.contains(&delivery.state))
            .filter(|delivery| target.is_none_or(|target| target == delivery.target))
            .take(most)
            .map(|delivery| state.record(delivery))
            .collect())
    }

    async fn last_attempts(
        &self,
    ) -> Result<Vec<(String, Option<AttemptRecord>, Option<AttemptRecord>)>, SpoolError> {
        let state = self.state();
        let mut targets = BTreeMap::<String, (Option<_>, Option<_>)>::new();
        for attempt in state.attempts.values() {
            let target = &state.deliveries[&attempt.delivery].target;
            let last = targets.entry(target.clone()).or_default();
            let arrived = matches!(
                attempt.record.outcome,
                Outcome::Delivered | Outcome::Partial
            );
            let slot = if arrived { &mut last.0 } else { &mut last.1 };
            *slot = Some(attempt.record.clone());
        }
        Ok(targets
            .into_iter()
            .map(|(target, (success, failure))| (target, success, failure))
            .collect())
    }

    async fn watch(&self, seen: Seen, most: usize) -> Result<(Vec<Watched>, Seen), SpoolError> {
        let state = self.state();
        let mut next = seen;
        let mut watched = Vec::new();
        let events = state.events.range(seen.events.saturating_add(1)..);
        for (seq, event) in events.take(most) {
            next.events = *seq;
            watched.push((*seq, Watched::Accepted(state.summary(event))));
        }
        let attempts = state.attempts.range(seen.attempts.saturating_add(1)..);
        for (number, attempt) in attempts.take(most) {
            next.attempts = *number;
            let delivery = &state.deliveries[&attempt.delivery];
            let attempted = Watched::Attempted {
                key: delivery.key.clone(),
                target: delivery.target.clone(),
                state: attempt.state,
                attempt: attempt.record.clone(),
            };
            watched.push((*number, attempted));
        }
        let handled = state.handled.range(seen.handled.saturating_add(1)..);
        for (number, handled) in handled.take(most) {
            next.handled = *number;
            watched.push((*number, handled.clone()));
        }
        watched.sort_by_key(|(number, _)| *number);
        let watched = watched.into_iter().map(|(_, watched)| watched);
        Ok((watched.collect(), next))
    }

    async fn seen_all(&self) -> Result<Seen, SpoolError> {
        let last = self.state().last();
        Ok(Seen {
            events: last,
            attempts: last,
            handled: last,
        })
    }
}

impl State {
    fn fits(&self, event: &Event, query: &HistoryQuery) -> bool {
        let notification = &event.event;
        let of_target =
            |job: &&(String, JobState)| query.target.as_ref().is_none_or(|target| *target == job.0);
        let in_state = |job: &(String, JobState)| query.state.is_none_or(|state| state == job.1);
        let jobs = self.stands(event);
        let asks_for_jobs = query.target.is_some() || query.state.is_some();
        query.since.is_none_or(|since| event.accepted >= since)
            && query.until.is_none_or(|until| event.accepted < until)
            && (query.kind.is_none() || query.kind.as_ref() == notification.fields.get("type"))
            && query
                .severity
                .is_none_or(|severity| severity == notification.severity)
            && (!asks_for_jobs || jobs.iter().filter(of_target).any(in_state))
    }

    fn summary(&self, event: &Event) -> EventSummary {
        let notification = &event.event;
        EventSummary {
            id: notification.id,
            accepted: event.accepted,
            timestamp: notification.timestamp,
            severity: notification.severity,
            kind: notification.fields.get("type").cloned(),
            title: notification.content.title().to_owned(),
            jobs: self.stands(event),
        }
    }

    /// Where the deliveries of an event stand, by target.
    fn stands(&self, event: &Event) -> Vec<(String, JobState)> {
        let deliveries = event.deliveries.iter().map(|place| &self.deliveries[place]);
        let mut jobs: Vec<_> = deliveries
            .map(|delivery| (delivery.target.clone(), delivery.state))
            .collect();
        jobs.sort_unstable();
        jobs
    }
}
