//! What became of events.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::spool::{JobState, Millis, Outcome, Refusal, Selection, SpoolError};
use crate::{EventId, Notification, Severity};

/// How many events [`History::ids`] looks at in one step.
const PAGE: usize = 1000;

/// The record of accepted events.
#[async_trait]
pub trait History: Debug + Send + Sync {
    /// Events, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn events(&self, query: &HistoryQuery) -> Result<Vec<EventSummary>, SpoolError>;

    /// All that is known of one event.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn event(&self, id: EventId) -> Result<Option<EventRecord>, SpoolError>;

    /// The ids of events from `first` to `last`, both included; at most `most`, in no order.
    ///
    /// People name an event by the beginning of its id. This looks at every
    /// event; a store that has its ids sorted answers from there.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn ids(
        &self,
        first: EventId,
        last: EventId,
        most: usize,
    ) -> Result<Vec<EventId>, SpoolError> {
        let mut found = Vec::new();
        let mut query = HistoryQuery {
            most: PAGE,
            ..HistoryQuery::default()
        };
        loop {
            let page = self.events(&query).await?;
            let Some(oldest) = page.last() else {
                return Ok(found);
            };
            query.before = Some(oldest.id);
            let wanted = page.iter().map(|event| event.id);
            found.extend(wanted.filter(|id| (first..=last).contains(id)));
            if found.len() >= most {
                found.truncate(most);
                return Ok(found);
            }
        }
    }

    /// Deliveries in these states, the oldest first; of one target, when it is named.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn jobs(
        &self,
        states: &[JobState],
        target: Option<&str>,
        most: usize,
    ) -> Result<Vec<JobRecord>, SpoolError>;

    /// The last success and the last failure of each target that ever had an attempt, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn last_attempts(
        &self,
    ) -> Result<Vec<(String, Option<AttemptRecord>, Option<AttemptRecord>)>, SpoolError>;

    /// What happened after `seen`, oldest first, at most `most` of each kind, and where to go on.
    ///
    /// What people did is news and no record: a store keeps the latest of it, or none.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn watch(&self, seen: Seen, most: usize) -> Result<(Vec<Watched>, Seen), SpoolError>;

    /// Where [`History::watch`] begins to see only what is new.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn seen_all(&self) -> Result<Seen, SpoolError>;
}

/// Which events are wanted. What is `None` or empty does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Accepted at this time or later.
    pub since: Option<Millis>,
    /// Accepted before this time.
    pub until: Option<Millis>,
    /// Their field `type`.
    pub kind: Option<String>,
    /// Their severity.
    pub severity: Option<Severity>,
    /// Chosen for this target.
    pub target: Option<String>,
    /// At least one delivery is in this state (with a target: the one to it).
    pub state: Option<JobState>,
    /// Accepted before this event: for the next page.
    pub before: Option<EventId>,
    /// At most so many; 0 means all.
    pub most: usize,
}

/// An event in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSummary {
    /// Its identity.
    pub id: EventId,
    /// When it was accepted.
    pub accepted: Millis,
    /// When it happened, in seconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// How grave it is.
    pub severity: Severity,
    /// Its field `type`.
    pub kind: Option<String>,
    /// What a person recognises it by: the title it was sent with, or its template's name.
    pub title: String,
    /// Its deliveries, by target.
    pub jobs: Vec<(String, JobState)>,
}

/// An event with all that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRecord {
    /// What happened.
    pub event: Notification,
    /// When it was accepted.
    pub accepted: Millis,
    /// The decision, as it was put.
    pub trace: String,
    /// Its deliveries, by target.
    pub jobs: Vec<JobRecord>,
}

/// A delivery with all its attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// `EVENT-ID.TARGET`.
    pub key: String,
    /// Of which event.
    pub event: EventId,
    /// The target.
    pub target: String,
    /// Where it stands.
    pub state: JobState,
    /// When the event was accepted, or a person had it tried again.
    pub since: Millis,
    /// When the next attempt may be made; for a leased one the end of the lease. Only when pending.
    pub due: Option<Millis>,
    /// Whether an attempt is under way; also one of a delivery that was cancelled meanwhile.
    pub is_leased: bool,
    /// Only these of the target's recipients; none means all.
    pub recipients: Option<Vec<String>>,
    /// Why it is dead.
    pub reason: Option<String>,
    /// When it was last changed.
    pub changed: Millis,
    /// Its attempts, the first first.
    pub attempts: Vec<AttemptRecord>,
}

/// An attempt that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// 1 for the first of its delivery.
    pub number: u32,
    /// When it began.
    pub started: Millis,
    /// When it ended.
    pub ended: Millis,
    /// How.
    pub outcome: Outcome,
    /// The failure with all causes.
    pub detail: Option<String>,
    /// The far side's name for what it took.
    pub reference: Option<String>,
    /// Recipients that refused.
    pub refused: Vec<Refusal>,
}

/// How a target fared lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastAttempts {
    /// The target.
    pub target: String,
    /// The last attempt that arrived, for all recipients or for some.
    pub success: Option<AttemptRecord>,
    /// The last that did not.
    pub failure: Option<AttemptRecord>,
}

/// How far a watcher has seen, in the store's own form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Events.
    pub events: u64,
    /// Attempts.
    pub attempts: u64,
    /// What people did.
    pub handled: u64,
}

/// What a person did with deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handling {
    /// They were made due: [`Spool::revive`](crate::Spool::revive).
    Retried,
    /// They were cancelled: [`Spool::cancel`](crate::Spool::cancel).
    Dropped,
}

impl Handling {
    /// `retried` or `dropped`.
    pub const fn name(self) -> &'static str {
        match self {
            Handling::Retried => "retried",
            Handling::Dropped => "dropped",
        }
    }
}

/// Something that a watcher sees.
#[derive(Clone, Debug, PartialEq)]
pub enum Watched {
    /// An event was accepted.
    Accepted(EventSummary),
    /// An attempt ended.
    Attempted {
        /// `EVENT-ID.TARGET`.
        key: String,
        /// The target.
        target: String,
        /// Where the delivery stands now.
        state: JobState,
        /// The attempt.
        attempt: AttemptRecord,
    },
    /// A person did something with deliveries.
    Handled {
        /// When.
        at: Millis,
        /// What.
        how: Handling,
        /// With which.
        which: Selection,
        /// How many were changed. A large selection is told in parts.
        number: u64,
    },
}
