//! What keeps a spool healthy and small.

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;

use crate::spool::{Millis, SpoolError};

/// Checks, copies, and sweeps a spool.
#[async_trait]
pub trait Upkeep: Debug + Send + Sync {
    /// Looks for damage and for broken promises. Empty when all is well.
    ///
    /// `progress` is told how much of the work is done, from 0 to 1.
    ///
    /// # Errors
    /// When it cannot be read at all.
    async fn verify(
        &self,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<Vec<Found>, SpoolError>;

    /// Copies it to a new file while it is in use. The copy is whole or is not there.
    ///
    /// # Errors
    /// When the file exists, or cannot be written.
    async fn backup(
        &self,
        to: &Path,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<(), SpoolError>;

    /// Removes old settled events, in one small step that stalls nobody.
    ///
    /// What it removes is still counted. The newest event and the one with the newest attempt may
    /// stay, by which a store knows its last numbers.
    ///
    /// # Errors
    /// When it cannot be written.
    async fn sweep(&self, retention: &Retention, now: Millis) -> Result<Swept, SpoolError>;
}

/// Something that should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which promise is broken, in one word as `conservation`.
    pub law: &'static str,
    /// What was found.
    pub detail: String,
}

/// How long settled events stay: those of which nothing is pending or under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events whose deliveries all arrived or were cancelled, after they were accepted.
    pub delivered: Duration,
    /// Events with a dead delivery.
    pub dead: Duration,
    /// At most so many whose deliveries all arrived or were cancelled; the oldest go first.
    pub most_delivered: u64,
    /// At most so many with a dead delivery; the oldest go first.
    pub most_dead: u64,
    /// At most so many settled events. Those with a dead delivery go only when there are no others;
    /// else the oldest go first.
    pub most_events: u64,
    /// At most so many bytes on disk. Events go in the same order.
    pub most_bytes: u64,
}

impl Retention {
    /// Keeps all.
    pub const KEEP: Retention = Retention {
        delivered: Duration::MAX,
        dead: Duration::MAX,
        most_delivered: u64::MAX,
        most_dead: u64::MAX,
        most_events: u64::MAX,
        most_bytes: u64::MAX,
    };
}

/// What one step of a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Events that were removed.
    pub events: u64,
    /// Those of them with a dead delivery that were not yet old: there were too many.
    pub dead_early: u64,
    /// Whether another step would remove more.
    pub more: bool,
}
