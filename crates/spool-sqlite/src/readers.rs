//! Connections that only read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify_core::{SpoolError, SpoolErrorKind};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::Semaphore;

use crate::connection::reading;
use crate::fault::{Failed, fault};
use crate::folder::mark_damaged;
use crate::presence::Presence;

/// Readers at once. More callers wait.
const MOST: usize = 4;

/// A small pool. A connection is made when it is first needed.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    path: Arc<PathBuf>,
    presence: Arc<Presence>,
    idle: Arc<Mutex<Vec<Connection>>>,
    room: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(path: &Path, presence: Arc<Presence>) -> Self {
        Readers {
            path: Arc::new(path.to_owned()),
            presence,
            idle: Arc::default(),
            room: Arc::new(Semaphore::new(MOST)),
        }
    }

    /// Reads on a thread that may block. All that `read` sees is of one moment.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, SpoolError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Failed> + Send + 'static,
    {
        let readers = self.clone();
        self.apart(move || readers.read_now(read)).await
    }

    /// Does something slow on a thread that may block, as one of the readers.
    pub(crate) async fn apart<T, F>(&self, work: F) -> Result<T, SpoolError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, SpoolError> + Send + 'static,
    {
        let ended = || fault(SpoolErrorKind::Broken, &self.path, "its readers have ended");
        let room = Arc::clone(&self.room).acquire_owned();
        let permit = room.await.map_err(|_| ended())?;
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        working.await.map_err(|_| ended())?
    }

    fn read_now<T>(
        &self,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, Failed>,
    ) -> Result<T, SpoolError> {
        self.presence.check()?;
        let done = self
            .connection()
            .map_err(Failed::Database)
            .and_then(|mut connection| {
                let transaction =
                    connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
                let done = read(&transaction)?;
                transaction.finish()?;
                self.give_back(connection);
                Ok(done)
            });
        done.map_err(|failed| {
            let is_of_file = matches!(failed, Failed::Database(_));
            let error = failed.told(&self.path);
            // One event that cannot be decoded is no reason to set all others aside.
            if is_of_file && error.kind() == SpoolErrorKind::Corrupt {
                mark_damaged(&self.path);
            }
            error
        })
    }

    fn connection(&self) -> rusqlite::Result<Connection> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        idle.map_or_else(|| reading(&self.path), Ok)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(connection);
    }
}
