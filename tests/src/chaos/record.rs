//! What the spool says, read from outside while a daemon may work it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify_core::{
    EventId, HistoryQuery, JobRecord, JobState, OpenFor, Opened, SpoolError, SpoolPlace, SpoolType,
    report,
};
use rusqlite::Connection;
// It registers its type of spool.
use spool_sqlite as _;

/// How long somebody waits who wants to hold the database.
const TURN: Duration = Duration::from_secs(10);

/// Reads a spool, a new connection each time, as a command does.
#[derive(Debug)]
pub(super) struct Record {
    folder: PathBuf,
    runtime: tokio::runtime::Runtime,
}

impl Record {
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Record {
            folder: folder.to_owned(),
            runtime,
        })
    }

    /// How many deliveries are pending.
    pub(super) fn pending(&self) -> io::Result<u64> {
        self.read(async |opened| Ok(opened.spool.counts().await?.pending))
    }

    /// The title of each event, and all deliveries.
    pub(super) fn all(&self) -> io::Result<(BTreeMap<EventId, String>, Vec<JobRecord>)> {
        self.read(async |opened| {
            let events = opened.history.events(&HistoryQuery::default()).await?;
            let titles = events.into_iter().map(|event| (event.id, event.title));
            let all = usize::MAX;
            let jobs = opened.history.jobs(&JobState::ALL, None, all).await?;
            Ok((titles.collect(), jobs))
        })
    }

    fn read<T>(&self, look: impl AsyncFnOnce(&Opened) -> Result<T, SpoolError>) -> io::Result<T> {
        let place = SpoolPlace {
            folder: self.folder.clone(),
            purpose: OpenFor::Read,
        };
        let kinds = SpoolType::linked();
        let [kind] = kinds[..] else {
            return Err(io::Error::other("one type of spool is expected"));
        };
        let opened = (kind.open)(&place).map_err(|error| told(&error))?;
        self.runtime
            .block_on(look(&opened))
            .map_err(|error| told(&error))
    }
}

fn told(error: &SpoolError) -> io::Error {
    io::Error::other(report(error))
}

/// Writes the journal back and makes it empty, so that the next write needs room.
///
/// Somebody may be reading or writing; then it stays as long as it is.
pub(super) fn emptied_journal(folder: &Path) {
    let emptied = Connection::open(folder.join("spool.db"))
        .and_then(|connection| connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
    // It makes the trouble greater, and is not needed for it.
    let _ = emptied;
}

/// Holds the database, so that nobody else writes, until it is dropped.
pub(super) fn held(folder: &Path) -> io::Result<Connection> {
    let hold = || {
        let connection = Connection::open(folder.join("spool.db"))?;
        connection.busy_timeout(TURN)?;
        connection.execute_batch("BEGIN EXCLUSIVE")?;
        Ok(connection)
    };
    hold().map_err(|error: rusqlite::Error| io::Error::other(error.to_string()))
}
