//! The contracts of a durable spool: the queue, the record of what was done, and their upkeep.
//!
//! A [`Spool`] holds jobs: one delivery of one event to one target. A worker
//! [claims](Spool::claim) a job, which leases it, makes an attempt and
//! [settles](Spool::settle) it. [`History`] answers what became of events,
//! [`Upkeep`] checks, copies and sweeps. One object is usually all three.
//!
//! The queue asks nothing that a shared store cannot give: lease, acknowledge,
//! give back with a delay, one job for each key, and no order between keys.
//! Time is an argument of every call, so a test can turn it.

mod entry;
mod error;
mod history;
mod job;
mod kind;
mod millis;
mod queue;
mod upkeep;

pub use entry::{Entry, NewJob, Put};
pub use error::{SpoolError, SpoolErrorKind};
pub use history::{
    AttemptRecord, EventRecord, EventSummary, Handling, History, HistoryQuery, JobRecord,
    LastAttempts, Seen, Watched,
};
pub use job::{
    Claim, Job, JobState, Lease, Next, Outcome, Refusal, Selection, Settlement, Unreadable,
};
pub use kind::{OpenFor, Opened, SpoolPlace, SpoolType};
pub use millis::Millis;
pub use queue::{Counts, Spool, TargetQueue};
pub use upkeep::{Found, Retention, Swept, Upkeep};

#[doc(hidden)]
pub use kind::Linked as LinkedSpool;
