//! What is put into a spool.

use crate::{LegacyMail, Millis, Notification};

/// An accepted event: what happened, what was decided, and the deliveries to make.
///
/// An entry is stored as a whole or not at all. One without jobs is stored
/// too: that nothing was chosen is an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What happened.
    pub event: Notification,
    /// Why these targets: JSON in the form of the engine that decided.
    pub trace: String,
    /// One for each target; no two of one target.
    pub jobs: Vec<NewJob>,
    /// When it was accepted, by the spool's clock.
    pub accepted: Millis,
    /// The recipients of a mail of the old way, which goes past the configuration.
    pub legacy: Option<LegacyMail>,
}

/// A delivery to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// The target.
    pub target: String,
    /// When the first attempt may be made.
    pub due: Millis,
    /// Only these of the target's recipients; none means all.
    pub recipients: Option<Vec<String>>,
    /// Attempts that were made before it came here.
    pub attempts: u32,
}

impl NewJob {
    /// A first attempt at a target, due at once.
    pub fn first(target: impl Into<String>, due: Millis) -> Self {
        NewJob {
            target: target.into(),
            due,
            recipients: None,
            attempts: 0,
        }
    }
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is stored, with all its jobs.
    Stored,
    /// An event of this id is there already. Nothing was changed.
    Known,
}
