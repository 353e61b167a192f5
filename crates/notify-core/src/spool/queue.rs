//! The queue.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::spool::{
    Claim, Entry, Job, JobState, Lease, Millis, Put, Selection, Settlement, SpoolError, Unreadable,
};

/// A durable queue of deliveries.
///
/// A call that succeeded is on disk: it survives the end of the process and the
/// loss of power. A call that failed changed nothing. Calls may be made from
/// many tasks at once, and a future that is dropped may still take effect.
#[async_trait]
pub trait Spool: Debug + Send + Sync {
    /// Whether the oldest due job of a target is claimed first.
    fn is_ordered(&self) -> bool {
        false
    }

    /// Stores an event with its jobs, all or nothing.
    ///
    /// # Errors
    /// [`Unfit`](crate::SpoolErrorKind::Unfit) when two jobs are of one target;
    /// [`Full`](crate::SpoolErrorKind::Full), [`Busy`](crate::SpoolErrorKind::Busy) and others;
    /// nothing was stored then.
    async fn put(&self, entry: Entry) -> Result<Put, SpoolError>;

    /// Leases jobs that are due at `now`, at most as many as asked for.
    ///
    /// Jobs whose lease has ended at `now` are due again; their lost attempt is
    /// recorded as [`CutOff`](crate::Outcome::CutOff): it began when it was leased and ended at
    /// `now`. Without a claim in between, a lease that has ended can still be settled.
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn claim(&self, claim: Claim<'_>, now: Millis) -> Result<Vec<Job>, SpoolError>;

    /// The deliveries that claims gave up since this was last asked, because what is stored of
    /// them cannot be read. Each is told once.
    fn take_unreadable(&self) -> Vec<Unreadable> {
        Vec::new()
    }

    /// Records an attempt and what comes next, ends the lease, and answers where the job stands.
    ///
    /// The attempt of a job that was cancelled meanwhile is recorded like any other. When it
    /// arrived, the job is delivered; otherwise it stays cancelled, whatever was to come next.
    ///
    /// # Errors
    /// [`Stale`](crate::SpoolErrorKind::Stale) when the lease has ended and the job was claimed
    /// again, was settled, or was released. Nothing was changed.
    async fn settle(
        &self,
        lease: &Lease,
        settlement: Settlement,
        now: Millis,
    ) -> Result<JobState, SpoolError>;

    /// Gives a job back without an attempt: it is due again at `due`, unless it was cancelled.
    ///
    /// # Errors
    /// As for [`Spool::settle`].
    async fn release(&self, lease: &Lease, due: Millis) -> Result<(), SpoolError>;

    /// Ends all leases, whoever has them: for the start of the only worker.
    ///
    /// Their attempts are recorded as [`CutOff`](crate::Outcome::CutOff) and their jobs are due at
    /// `now`; those that were cancelled stay so. Answers how many there were.
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn recover(&self, now: Millis) -> Result<u64, SpoolError>;

    /// Makes waiting and dead deliveries due at `now`; their age counts anew. Answers how many.
    ///
    /// Leased, delivered and cancelled ones stay as they are.
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn revive(&self, which: &Selection, now: Millis) -> Result<u64, SpoolError>;

    /// Makes the waiting deliveries of a target due at `now`, as after a change of its
    /// configuration; their age goes on, and one that is due already keeps its place.
    /// Answers how many were not yet due.
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn hurry(&self, target: &str, now: Millis) -> Result<u64, SpoolError>;

    /// Cancels waiting, leased and dead deliveries. Answers how many.
    ///
    /// An attempt that is under way goes on, and its lease is good for one more call: see
    /// [`Spool::settle`].
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn cancel(&self, which: &Selection, now: Millis) -> Result<u64, SpoolError>;

    /// Tries whether something can be stored now: writes a little that changes nothing.
    ///
    /// Asked after a call failed, so that the end of a full disk is known before the next event
    /// comes. A store that cannot tell says yes.
    ///
    /// # Errors
    /// As for [`Spool::put`].
    async fn try_out(&self) -> Result<(), SpoolError> {
        Ok(())
    }

    /// How many deliveries there are in each state, and how many were accepted.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn counts(&self) -> Result<Counts, SpoolError>;

    /// The queue of each target that has pending or dead deliveries, sorted by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn targets(&self) -> Result<Vec<TargetQueue>, SpoolError>;
}

/// How many deliveries a spool has seen. Those that were swept away are still counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All that were ever accepted.
    pub accepted: u64,
    /// To be made or being made.
    pub pending: u64,
    /// Arrived.
    pub delivered: u64,
    /// Given up.
    pub dead: u64,
    /// Cancelled by a person.
    pub cancelled: u64,
}

impl Counts {
    /// Whether nothing was lost: accepted = pending + delivered + dead + cancelled.
    pub fn are_conserved(&self) -> bool {
        self.accepted == self.pending + self.delivered + self.dead + self.cancelled
    }
}

/// What waits for one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetQueue {
    /// The target.
    pub target: String,
    /// Pending deliveries, the leased ones too.
    pub pending: u64,
    /// Of these the leased ones.
    pub leased: u64,
    /// Dead deliveries.
    pub dead: u64,
    /// When the oldest pending one was accepted.
    pub oldest: Option<Millis>,
    /// When the next attempt may be made; also the end of a lease.
    pub next: Option<Millis>,
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn counts_are_conserved_when_nothing_is_lost() {
        let counts = Counts {
            accepted: 10,
            pending: 1,
            delivered: 6,
            dead: 2,
            cancelled: 1,
        };
        assert!(counts.are_conserved());
        assert!(
            !Counts {
                accepted: 11,
                ..counts
            }
            .are_conserved()
        );
    }
}
