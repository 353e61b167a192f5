//! What a sweep may take, and what it must.

use notify_core::{EventSummary, JobState, Millis, Retention};

use crate::spool::stage::{Broken, holds};

/// What a sweep of these settled events may and must do.
pub(super) struct Rules<'r> {
    retention: &'r Retention,
    now: Millis,
    /// How many there are above each limit.
    events: usize,
    delivered: usize,
    dead: usize,
}

impl<'r> Rules<'r> {
    pub(super) fn of(retention: &'r Retention, settled: &[EventSummary], now: Millis) -> Self {
        let above = |count: usize, most: u64| {
            count.saturating_sub(usize::try_from(most).unwrap_or(usize::MAX))
        };
        let dead = settled.iter().filter(|event| is_dead(event)).count();
        Rules {
            retention,
            now,
            events: above(settled.len(), retention.most_events),
            delivered: above(settled.len() - dead, retention.most_delivered),
            dead: above(dead, retention.most_dead),
        }
    }

    fn is_old(&self, event: &EventSummary) -> bool {
        let keep = match is_dead(event) {
            true => self.retention.dead,
            false => self.retention.delivered,
        };
        self.now.since(event.accepted) > keep
    }

    pub(super) fn hold(
        &self,
        gone: &[&EventSummary],
        kept: &[&EventSummary],
    ) -> Result<(), Broken> {
        // A store may keep the newest event and the one with the newest attempt.
        let few =
            |what: &str, count: usize| holds(count <= 2, || format!("{count} {what} are left"));
        few(
            "old events",
            kept.iter().filter(|event| self.is_old(event)).count(),
        )?;
        let (dead, delivered): (Vec<&EventSummary>, Vec<_>) =
            gone.iter().copied().partition(|event| is_dead(event));
        few("too many", self.events.saturating_sub(gone.len()))?;
        few(
            "too many that arrived",
            self.delivered.saturating_sub(delivered.len()),
        )?;
        few("too many dead", self.dead.saturating_sub(dead.len()))?;
        let early =
            |events: &[&EventSummary]| events.iter().filter(|event| !self.is_old(event)).count();
        let most = self.events.max(self.delivered);
        holds(early(&delivered) <= most, || {
            format!(
                "{} that arrived went early, {most} were too many",
                early(&delivered)
            )
        })?;
        let most = self.events.max(self.dead);
        holds(early(&dead) <= most, || {
            format!("{} dead went early, {most} were too many", early(&dead))
        })?;
        // Beyond their own limit the dead go only when all others have gone.
        if early(&dead) > self.dead {
            few(
                "that arrived",
                kept.iter().filter(|event| !is_dead(event)).count(),
            )?;
        }
        Ok(())
    }
}

fn is_dead(event: &EventSummary) -> bool {
    event.jobs.iter().any(|(_, state)| *state == JobState::Dead)
}
