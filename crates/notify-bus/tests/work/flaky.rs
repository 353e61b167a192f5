//! A spool that fails when it is told to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use notify_core::{
    Claim, Counts, Entry, Job, JobState, Lease, Millis, Opened, Put, Selection, Settlement, Spool,
    SpoolError, SpoolErrorKind, TargetQueue, Unreadable, async_trait,
};
use notify_testkit::spool::MemorySpool;

/// Which calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Fails {
    Nothing,
    Settling,
    All,
}

#[derive(Debug)]
pub(crate) struct Flaky {
    spool: Arc<dyn Spool>,
    fails: AtomicU64,
    /// How many calls failed.
    refused: AtomicU64,
    /// What the next claim has given up.
    unreadable: Mutex<Vec<Unreadable>>,
}

impl Flaky {
    /// The handle, and what a bus opens.
    pub(crate) fn new() -> (Arc<Flaky>, Opened) {
        let mut opened = MemorySpool::new().opened();
        let flaky = Arc::new(Flaky {
            spool: opened.spool.clone(),
            fails: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            unreadable: Mutex::default(),
        });
        opened.spool = flaky.clone();
        (flaky, opened)
    }

    pub(crate) fn set(&self, fails: Fails) {
        self.fails.store(fails as u64, Ordering::Relaxed);
    }

    /// The next claim gives this up.
    pub(crate) fn damage(&self, unreadable: Unreadable) {
        self.unreadable.lock().expect("whole").push(unreadable);
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn pass(&self, settles: bool) -> Result<&dyn Spool, SpoolError> {
        let fails = self.fails.load(Ordering::Relaxed);
        if fails == Fails::All as u64 || (settles && fails == Fails::Settling as u64) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(SpoolError::new(SpoolErrorKind::Full, "the disk is full"));
        }
        Ok(&*self.spool)
    }
}

#[async_trait]
impl Spool for Flaky {
    async fn put(&self, entry: Entry) -> Result<Put, SpoolError> {
        self.pass(false)?.put(entry).await
    }

    async fn claim(&self, claim: Claim<'_>, now: Millis) -> Result<Vec<Job>, SpoolError> {
        self.pass(false)?.claim(claim, now).await
    }

    fn take_unreadable(&self) -> Vec<Unreadable> {
        std::mem::take(&mut *self.unreadable.lock().expect("whole"))
    }

    async fn settle(
        &self,
        lease: &Lease,
        settlement: Settlement,
        now: Millis,
    ) -> Result<JobState, SpoolError> {
        self.pass(true)?.settle(lease, settlement, now).await
    }

    async fn release(&self, lease: &Lease, due: Millis) -> Result<(), SpoolError> {
        self.pass(true)?.release(lease, due).await
    }

    async fn recover(&self, now: Millis) -> Result<u64, SpoolError> {
        self.pass(false)?.recover(now).await
    }

    async fn revive(&self, which: &Selection, now: Millis) -> Result<u64, SpoolError> {
        self.pass(false)?.revive(which, now).await
    }

    async fn hurry(&self, target: &str, now: Millis) -> Result<u64, SpoolError> {
        self.pass(false)?.hurry(target, now).await
    }

    async fn cancel(&self, which: &Selection, now: Millis) -> Result<u64, SpoolError> {
        self.pass(false)?.cancel(which, now).await
    }

    async fn try_out(&self) -> Result<(), SpoolError> {
        self.pass(true)?.try_out().await
    }

    async fn counts(&self) -> Result<Counts, SpoolError> {
        self.spool.counts().await
    }

    async fn targets(&self) -> Result<Vec<TargetQueue>, SpoolError> {
        self.pass(false)?.targets().await
    }
}
