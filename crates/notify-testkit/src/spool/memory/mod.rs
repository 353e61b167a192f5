//! A spool in memory: a model to compare with, and a queue for tests that need no file.
//!
//! It keeps every promise of the contracts but one: nothing survives the end of
//! the process. Several handles may share one store, by a folder's name, as
//! several processes share a file.

mod history;
mod queue;
mod state;
mod upkeep;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify_core::{
    Claim, Counts, Entry, Job, JobState, Lease, Millis, OpenFor, Opened, Put, Selection,
    Settlement, Spool, SpoolError, SpoolErrorKind, SpoolPlace, TargetQueue, async_trait,
};

use state::State;

/// The name of the one file in a folder that holds a [`MemorySpool`].
///
/// It says only that the folder is one; what is stored is in [`MemoryStores`].
pub const MEMORY_FILE: &str = "spool.memory";

/// An ordered spool in memory. Clones share what is stored.
///
/// ```
/// use notify_core::{Claim, Entry, Millis, NewJob};
/// use notify_testkit::{Delivery, spool::MemorySpool};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let opened = MemorySpool::new().opened();
/// let now = Millis(1_000);
/// let entry = Entry {
///     event: Delivery::new("Backup failed", "no space left").notification,
///     trace: "{}".to_owned(),
///     jobs: vec![NewJob::first("ops", now)],
///     accepted: now,
///     legacy: None,
/// };
/// opened.spool.put(entry).await?;
/// let claim = Claim { target: None, most: 10, lease: std::time::Duration::from_secs(30) };
/// assert_eq!(opened.spool.claim(claim, now).await?[0].target, "ops");
/// # Ok::<(), notify_core::SpoolError>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemorySpool {
    state: Arc<Mutex<State>>,
    stores: MemoryStores,
    is_read_only: bool,
}

impl MemorySpool {
    /// An empty one.
    pub fn new() -> Self {
        MemorySpool::default()
    }

    /// All three contracts of this spool.
    pub fn opened(&self) -> Opened {
        let shared = Arc::new(self.clone());
        Opened {
            spool: shared.clone(),
            history: shared.clone(),
            upkeep: shared,
            alarms: Vec::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What panicked while it held the lock has broken its own test.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writable(&self) -> Result<MutexGuard<'_, State>, SpoolError> {
        if self.is_read_only {
            let detail = "the spool was opened to look at it";
            return Err(SpoolError::new(SpoolErrorKind::Denied, detail));
        }
        Ok(self.state())
    }
}

/// Spools in memory by the folder that stands for them.
#[derive(Clone, Debug, Default)]
pub struct MemoryStores(Arc<Mutex<HashMap<PathBuf, Arc<Mutex<State>>>>>);

impl MemoryStores {
    /// None.
    pub fn new() -> Self {
        MemoryStores::default()
    }

    /// Opens the spool of a folder.
    ///
    /// # Errors
    /// [`Missing`](SpoolErrorKind::Missing) when it is not there and may not be made;
    /// [`Broken`](SpoolErrorKind::Broken) when the folder cannot be made.
    pub fn open(&self, place: &SpoolPlace) -> Result<Opened, SpoolError> {
        let file = place.folder.join(MEMORY_FILE);
        let known = self.lock().get(&file).cloned();
        let state = match known {
            Some(state) => state,
            None if place.purpose == OpenFor::Work => {
                std::fs::create_dir_all(&place.folder)
                    .and_then(|()| std::fs::write(&file, b""))
                    .map_err(|error| unwritable(&file, error))?;
                self.lock().entry(file).or_default().clone()
            }
            None => {
                let detail = format!("no spool in {}", place.folder.display());
                return Err(SpoolError::new(SpoolErrorKind::Missing, detail));
            }
        };
        let spool = MemorySpool {
            state,
            stores: self.clone(),
            is_read_only: place.purpose == OpenFor::Read,
        };
        Ok(spool.opened())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Arc<Mutex<State>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unwritable(file: &Path, error: std::io::Error) -> SpoolError {
    let detail = format!("cannot write {}", file.display());
    SpoolError::new(SpoolErrorKind::Broken, detail).caused_by(error)
}

#[async_trait]
impl Spool for MemorySpool {
    fn is_ordered(&self) -> bool {
        true
    }

    async fn put(&self, entry: Entry) -> Result<Put, SpoolError> {
        self.writable()?.put(entry)
    }

    async fn claim(&self, claim: Claim<'_>, now: Millis) -> Result<Vec<Job>, SpoolError> {
        Ok(self.writable()?.claim(claim, now))
    }

    async fn settle(
        &self,
        lease: &Lease,
        settlement: Settlement,
        now: Millis,
    ) -> Result<JobState, SpoolError> {
        self.writable()?.settle(lease, settlement, now)
    }

    async fn release(&self, lease: &Lease, due: Millis) -> Result<(), SpoolError> {
        self.writable()?.release(lease, due)
    }

    async fn recover(&self, now: Millis) -> Result<u64, SpoolError> {
        Ok(self.writable()?.recover(now))
    }

    async fn revive(&self, which: &Selection, now: Millis) -> Result<u64, SpoolError> {
        Ok(self.writable()?.revive(which, now))
    }

    async fn hurry(&self, target: &str, now: Millis) -> Result<u64, SpoolError> {
        Ok(self.writable()?.hurry(target, now))
    }

    async fn cancel(&self, which: &Selection, now: Millis) -> Result<u64, SpoolError> {
        Ok(self.writable()?.cancel(which, now))
    }

    async fn counts(&self) -> Result<Counts, SpoolError> {
        Ok(self.state().counts())
    }

    async fn targets(&self) -> Result<Vec<TargetQueue>, SpoolError> {
        Ok(self.state().targets())
    }
}
