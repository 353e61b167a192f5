//! A delivery on its way: claimed, attempted, settled.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{EventId, FailureKind, LegacyMail, Millis, Notification};

/// Where a delivery stands. Each is in exactly one of these states at every moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// An attempt is to be made, or is being made.
    Pending,
    /// It arrived.
    Delivered,
    /// It was given up for a stated reason.
    Dead,
    /// A person decided that it should not go out.
    Cancelled,
}

impl JobState {
    /// All of them.
    pub const ALL: [JobState; 4] = [
        JobState::Pending,
        JobState::Delivered,
        JobState::Dead,
        JobState::Cancelled,
    ];

    /// `pending`, `delivered`, `dead` or `cancelled`.
    pub const fn name(self) -> &'static str {
        match self {
            JobState::Pending => "pending",
            JobState::Delivered => "delivered",
            JobState::Dead => "dead",
            JobState::Cancelled => "cancelled",
        }
    }
}

/// What a worker asks for.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Only jobs of this target; none means of any.
    pub target: Option<&'a str>,
    /// At most so many.
    pub most: usize,
    /// How long they are leased.
    pub lease: Duration,
}

/// The right to settle a job. It ends, and then the job is due again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Of which job: `EVENT-ID.TARGET`.
    pub key: String,
    /// What makes this lease different from an earlier one of the same job, in the spool's own form.
    pub token: u64,
    /// Where the spool finds the job, in its own form.
    pub place: u64,
}

/// A claimed delivery.
#[derive(Clone, Debug)]
pub struct Job {
    /// To settle it with.
    pub lease: Lease,
    /// The event. Jobs of one event that are claimed together may share it.
    pub event: Arc<Notification>,
    /// The target.
    pub target: String,
    /// The number of the attempt that is now to be made: 1 for the first.
    pub attempt: u32,
    /// When the event was accepted, or a person had the delivery tried again: ages count from here.
    pub since: Millis,
    /// Only these of the target's recipients; none means all.
    pub recipients: Option<Vec<String>>,
    /// The recipients of a mail of the old way.
    pub legacy: Option<LegacyMail>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// All took it.
    Delivered,
    /// Some recipients took it.
    Partial,
    /// It failed like this.
    Failed(FailureKind),
    /// The worker ended in the middle of it: it may have arrived.
    CutOff,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 7] = [
        Outcome::Delivered,
        Outcome::Partial,
        Outcome::CutOff,
        Outcome::Failed(FailureKind::Misconfigured),
        Outcome::Failed(FailureKind::Rejected),
        Outcome::Failed(FailureKind::Unavailable),
        Outcome::Failed(FailureKind::Uncertain),
    ];

    /// `delivered`, `partial`, `cut-off`, or the name of the failure's kind.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Delivered => "delivered",
            Outcome::Partial => "partial",
            Outcome::Failed(kind) => kind.name(),
            Outcome::CutOff => "cut-off",
        }
    }

    /// The outcome of this name.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Outcome::ALL.into_iter();
        all.find(|outcome| outcome.name() == name)
    }
}

/// A recipient that refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Refusal {
    /// The address.
    pub recipient: String,
    /// The name of the failure's kind.
    pub kind: String,
    /// The text with all causes.
    pub message: String,
}

/// What an attempt gave and what comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// When the attempt began.
    pub started: Millis,
    /// How it ended.
    pub outcome: Outcome,
    /// What a person should read: the failure with all causes. It holds no secret.
    pub detail: Option<String>,
    /// The far side's name for what it took.
    pub reference: Option<String>,
    /// Recipients that refused.
    pub refused: Vec<Refusal>,
    /// What comes next.
    pub next: Next,
}

/// What comes after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it arrived.
    Delivered,
    /// Another attempt.
    Retry {
        /// Not before this.
        due: Millis,
        /// Only at these recipients; none means those of before.
        recipients: Option<Vec<String>>,
    },
    /// Nothing: it is given up.
    Dead {
        /// Why, in a few words for people.
        reason: String,
    },
}

/// A delivery that is dead because what is stored of it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The event; all zeros when not even that can be read.
    pub event: EventId,
    /// The target.
    pub target: String,
    /// Where it is stored, and what is wrong with it.
    pub detail: String,
}

/// Deliveries that a person means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All deliveries of an event.
    Event(EventId),
    /// One delivery: `EVENT-ID.TARGET`.
    Key(String),
    /// All that go to a target.
    Target(String),
    /// All.
    All,
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn outcomes_read_back() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::named(outcome.name()), Some(outcome));
        }
        assert_eq!(Outcome::named("lost"), None);
    }
}
