//! Check, copy and sweep.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::{Arc, Mutex};

use notify_core::{
    Content, Counts, EventId, Found, JobState, Millis, Retention, SpoolError, Swept, Upkeep,
    async_trait,
};

use super::queue::total;
use super::state::{Event, State, count};
use super::{MemorySpool, unwritable};

/// At most so many events go in one step.
const STEP: usize = 100;

impl MemorySpool {
    /// Removes an event as a sweep does, whatever became of it.
    pub(in crate::spool) fn forget(&self, id: EventId) {
        let mut state = self.state();
        if let Some(seq) = state.ids.get(&id).copied() {
            state.remove(seq);
        }
    }
}

#[async_trait]
impl Upkeep for MemorySpool {
    async fn verify(
        &self,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<Vec<Found>, SpoolError> {
        progress(0.0);
        let found = self.state().faults();
        progress(1.0);
        Ok(found)
    }

    async fn backup(
        &self,
        to: &Path,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<(), SpoolError> {
        progress(0.0);
        let copy = self.state().clone();
        let made = OpenOptions::new().write(true).create_new(true).open(to);
        made.map_err(|error| unwritable(to, error))?;
        let mut stores = self.stores.lock();
        stores.insert(to.to_owned(), Arc::new(Mutex::new(copy)));
        progress(1.0);
        Ok(())
    }

    async fn sweep(&self, retention: &Retention, now: Millis) -> Result<Swept, SpoolError> {
        Ok(self.writable()?.sweep(retention, now))
    }
}

impl State {
    fn faults(&self) -> Vec<Found> {
        let mut found = Vec::new();
        let mut broken = |law, detail| found.push(Found { law, detail });
        if !self.counts.are_conserved() {
            broken("conservation", format!("{:?}", self.counts));
        }
        let mut stored = Counts::default();
        for (place, delivery) in &self.deliveries {
            *count(&mut stored, delivery.state) += 1;
            let queue = self.due.get(&delivery.target);
            let is_queued = queue.is_some_and(|queue| queue.contains(&(delivery.due, *place)));
            if is_queued != (delivery.state == JobState::Pending) {
                broken("index", format!("{}: queued {is_queued}", delivery.key));
            }
            let may_be_leased = matches!(delivery.state, JobState::Pending | JobState::Cancelled);
            if delivery.lease.is_some() && !may_be_leased {
                broken("lease", format!("{} is settled and leased", delivery.key));
            }
            if delivery.reason.is_some() != (delivery.state == JobState::Dead) {
                broken("reason", format!("{}: {:?}", delivery.key, delivery.reason));
            }
        }
        // What is pending is never swept away, so this count has no other source.
        if stored.pending != self.counts.pending {
            let detail = format!(
                "{} pending, counted {}",
                stored.pending, self.counts.pending
            );
            broken("conservation", detail);
        }
        found
    }

    fn sweep(&mut self, retention: &Retention, now: Millis) -> Swept {
        let settled = self.events.iter();
        let settled = settled.filter(|(_, event)| !self.is_open(event));
        let (dead, delivered): (Vec<_>, Vec<_>) =
            settled.partition(|(_, event)| self.has(event, JobState::Dead));
        let mut events = total(dead.len() + delivered.len());
        let mut bytes: u64 = self.events.values().map(size).sum();
        let (mut swept, mut dead_early) = (Vec::new(), 0);
        let classes = [
            (delivered, retention.delivered, retention.most_delivered),
            (dead, retention.dead, retention.most_dead),
        ];
        for (is_dead, (class, keep, most)) in [false, true].into_iter().zip(classes) {
            let mut left = total(class.len());
            for (seq, event) in class {
                let is_old = now.since(event.accepted) > keep;
                let are_many = events > retention.most_events || bytes > retention.most_bytes;
                if is_old || are_many || left > most {
                    (events, left) = (events - 1, left - 1);
                    bytes -= size(event);
                    swept.push((*seq, is_dead && !is_old));
                }
            }
        }
        let more = swept.len() > STEP;
        swept.truncate(STEP);
        for (seq, is_early_dead) in &swept {
            self.remove(*seq);
            dead_early += u64::from(*is_early_dead);
        }
        Swept {
            events: total(swept.len()),
            dead_early,
            more,
        }
    }

    /// Whether something of it is pending, or under way though it was cancelled.
    fn is_open(&self, event: &Event) -> bool {
        let mut deliveries = event.deliveries.iter().map(|place| &self.deliveries[place]);
        deliveries.any(|delivery| delivery.state == JobState::Pending || delivery.lease.is_some())
    }

    fn has(&self, event: &Event, state: JobState) -> bool {
        let mut deliveries = event.deliveries.iter();
        deliveries.any(|place| self.deliveries[place].state == state)
    }

    fn remove(&mut self, seq: u64) {
        let Some(event) = self.events.remove(&seq) else {
            return;
        };
        self.ids.remove(&event.event.id);
        for place in event.deliveries {
            let delivery = self.deliveries.remove(&place);
            for number in delivery.into_iter().flat_map(|delivery| delivery.attempts) {
                self.attempts.remove(&number);
            }
        }
    }
}

/// About how many bytes an event takes.
fn size(event: &Event) -> u64 {
    let fields = event.event.fields.iter();
    let fields: usize = fields.map(|(name, value)| name.len() + value.len()).sum();
    let content = match &event.event.content {
        Content::Template { name, data } => name.len() + data.to_string().len(),
        Content::Mail(mail) => mail.raw.len() + mail.title.len() + mail.text.len(),
        _ => 0,
    };
    total(event.trace.len() + fields + content)
}
