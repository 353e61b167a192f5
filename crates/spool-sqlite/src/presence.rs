//! That the files that are open are still those of the folder.
//!
//! A file that was removed or replaced can be written as long as it is open, and what is written
//! is gone when it is closed. SQLite does not look, so this does: before each reading, and around
//! each commit, before anybody is answered.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use notify_core::{SpoolError, SpoolErrorKind};

use crate::fault::fault;

/// The files of an open spool, as they were when it was opened.
#[derive(Debug)]
pub(crate) struct Presence {
    database: PathBuf,
    is: Identity,
    journal: PathBuf,
    /// Since the first commit, which makes it when nobody else did.
    journal_is: OnceLock<Identity>,
}

/// What tells a file from another of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Presence {
    /// Of a database that was just opened.
    pub(crate) fn of(database: &Path) -> Result<Self, SpoolError> {
        Ok(Presence {
            database: database.to_owned(),
            is: identity(database)?,
            journal: database.with_file_name("spool.db-wal"),
            journal_is: OnceLock::new(),
        })
    }

    /// That the database is there.
    ///
    /// # Errors
    /// `Missing` when it is not, or when another is in its place.
    pub(crate) fn check(&self) -> Result<(), SpoolError> {
        self.same(&self.database, self.is)
    }

    /// The same, and that the journal is there, into which was just written.
    pub(crate) fn check_written(&self) -> Result<(), SpoolError> {
        self.check()?;
        if let Some(was) = self.journal_is.get() {
            return self.same(&self.journal, *was);
        }
        // When another thread was faster, it saw the same.
        let _ = self.journal_is.set(identity(&self.journal)?);
        Ok(())
    }

    fn same(&self, path: &Path, was: Identity) -> Result<(), SpoolError> {
        match identity(path)? == was {
            true => Ok(()),
            false => Err(gone(path)),
        }
    }
}

fn identity(path: &Path) -> Result<Identity, SpoolError> {
    let identity = |about: Metadata| Identity {
        device: about.dev(),
        inode: about.ino(),
    };
    path.symlink_metadata()
        .map(identity)
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => gone(path),
            _ => fault(SpoolErrorKind::Broken, path, "cannot be looked at").caused_by(error),
        })
}

fn gone(path: &Path) -> SpoolError {
    let what = "it was removed or replaced while it was open; nothing is stored until it is back, \
                or the daemon is started anew";
    fault(SpoolErrorKind::Missing, path, what)
}
