//! The folder of the spool: its files, who has it open, and what is set aside.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use notify_core::{SpoolError, SpoolErrorKind};
use rusqlite::Connection;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use crate::fault::{fault, kind_of_io};

/// How long an opener waits for one that sets a database aside, and the other way round.
const PATIENCE: Duration = Duration::from_secs(5);

/// The database in a folder.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("spool.db")
}

/// Makes the folder and the database file, so that nobody else can read them from the first byte.
pub(crate) fn make(folder: &Path) -> Result<(), SpoolError> {
    let is_new = !database(folder).exists();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| told(folder, "cannot be made", error))?;
    private_file(&database(folder))
        .map_err(|error| told(&database(folder), "cannot be made", error))?;
    if is_new {
        // Or a loss of power might take the names, and all that was accepted under them.
        for made in [Some(folder), folder.parent()].into_iter().flatten() {
            synced(made).map_err(|error| told(made, "cannot be synced", error))?;
        }
    }
    Ok(())
}

fn synced(folder: &Path) -> io::Result<()> {
    match folder.as_os_str().is_empty() {
        true => File::open(".")?.sync_all(),
        false => File::open(folder)?.sync_all(),
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    // The folder may be another user's than the one who writes there.
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options.open(path)
}

/// That this process has the spool open, or alone may touch its files.
#[derive(Debug)]
pub(crate) struct Hold {
    file: File,
}

impl Hold {
    /// Has it open, as others may.
    pub(crate) fn shared(folder: &Path) -> Result<Self, SpoolError> {
        Hold::of(folder, private_file)
    }

    /// The same for one who only looks, and leaves no file.
    pub(crate) fn looking(folder: &Path) -> Result<Self, SpoolError> {
        Hold::of(folder, |path| File::open(path))
    }

    fn of(folder: &Path, open: fn(&Path) -> io::Result<File>) -> Result<Self, SpoolError> {
        let path = folder.join("spool.lock");
        let file = open(&path).map_err(|error| told(&path, "cannot be opened", error))?;
        let hold = Hold { file };
        hold.wait(FlockOperation::NonBlockingLockShared, &path)?;
        Ok(hold)
    }

    /// Nobody else has it open from now on, until [`Hold::share`].
    pub(crate) fn alone(&self, folder: &Path) -> Result<(), SpoolError> {
        self.wait(
            FlockOperation::NonBlockingLockExclusive,
            &folder.join("spool.lock"),
        )
    }

    /// Others may open it again.
    pub(crate) fn share(&self, folder: &Path) -> Result<(), SpoolError> {
        self.wait(
            FlockOperation::NonBlockingLockShared,
            &folder.join("spool.lock"),
        )
    }

    fn wait(&self, how: FlockOperation, path: &Path) -> Result<(), SpoolError> {
        let until = Instant::now() + PATIENCE;
        loop {
            match flock(&self.file, how) {
                Ok(()) => return Ok(()),
                Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let what = "another process has the spool open";
                    return Err(fault(SpoolErrorKind::Busy, path, what));
                }
                Err(error) => return Err(told(path, "cannot be locked", error.into())),
            }
        }
    }
}

/// A file or folder that could not be used.
fn told(path: &Path, what: &str, error: io::Error) -> SpoolError {
    fault(kind_of_io(&error), path, what).caused_by(error)
}

/// Notes that the database is damaged, so that the next start sets it aside.
pub(crate) fn mark_damaged(database: &Path) {
    // When even this fails, the next start may still find the damage itself.
    let _ = private_file(&damaged(database));
}

/// Whether a run has met damage.
pub(crate) fn is_marked_damaged(database: &Path) -> bool {
    damaged(database).exists()
}

fn damaged(database: &Path) -> PathBuf {
    database.with_file_name("damaged")
}

/// Renames a damaged database and what belongs to it, and answers the new path.
pub(crate) fn set_aside(database: &Path) -> Result<PathBuf, SpoolError> {
    let dated = format!("{}.corrupt-{}", database.display(), date()?);
    let aside = (1..1000)
        .map(|number| match number {
            1 => PathBuf::from(&dated),
            _ => PathBuf::from(format!("{dated}-{number}")),
        })
        .find(|path| !path.exists())
        .ok_or_else(|| fault(SpoolErrorKind::Broken, database, "no name is left"))?;
    let failed = |error| told(database, "is damaged and cannot be set aside", error);
    for suffix in ["", "-wal", "-shm"] {
        let with = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        match std::fs::rename(with(database), with(&aside)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done.map_err(failed)?,
        }
    }
    match std::fs::remove_file(damaged(database)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(aside),
    }
}

/// Now as `YYYYMMDD-HHMMSS`, UTC. SQLite knows the calendar.
fn date() -> Result<String, SpoolError> {
    Connection::open_in_memory()
        .and_then(|calendar| {
            calendar.query_row("SELECT strftime('%Y%m%d-%H%M%S')", [], |row| row.get(0))
        })
        .map_err(|error| {
            SpoolError::new(SpoolErrorKind::Broken, "no date").caused_by(error.to_string())
        })
}

/// Takes away what a wider umask or a copy left to others.
pub(crate) fn close_to_others(folder: &Path) {
    // Whoever cannot change the mode is not the owner, and then it is the owner's business.
    // No link is followed: root must not change what another user pointed it to.
    let of_file = private_file(&database(folder));
    let _ = of_file.and_then(|file| file.set_permissions(Permissions::from_mode(0o600)));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if let Ok(opened) = rustix::fs::open(folder, flags, Mode::empty()) {
        let _ = File::from(opened).set_permissions(Permissions::from_mode(0o700));
    }
}
