//! That the files that are open are still those of the folder.
//!
//! A file that was removed or replaced can be written as long as it is open, and what is written
//! is gone when it is closed. SQLite does not look, so this does: before each reading, and around
//! each commit, before anybody is answered.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use notify_core::{SpoolError, SpoolErrorKind};
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use rustix::io::Errno;

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
    device: (u32, u32),
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

/// Not by `metadata`: whoever asks for the times of a file makes the next write give it finer
/// ones (Linux 6.13, multigrain timestamps), and each commit would sync them, too.
fn identity(path: &Path) -> Result<Identity, SpoolError> {
    let about = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::INO);
    about
        .map(|about| Identity {
            device: (about.stx_dev_major, about.stx_dev_minor),
            inode: about.stx_ino,
        })
        .map_err(|error| match error {
            Errno::NOENT | Errno::NOTDIR => gone(path),
            _ => fault(SpoolErrorKind::Broken, path, "cannot be looked at").caused_by(error),
        })
}

fn gone(path: &Path) -> SpoolError {
    let what = "it was removed or replaced while it was open; nothing is stored until it is back, \
                or the daemon is started anew";
    fault(SpoolErrorKind::Missing, path, what)
}
