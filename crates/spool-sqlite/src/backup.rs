//! Copying a spool while it is in use.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify_core::SpoolError;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::connection::reading;
use crate::fault::{fault, kind_of_io, told};

/// Pages of one step. Between two steps others may write.
const STEP: i32 = 1024;

/// How long a step waits when the source is locked.
const PAUSE: Duration = Duration::from_millis(50);

/// Steps that may be refused one after another.
const PATIENCE: u32 = 200;

/// Copies the database to a file that does not exist yet. The copy is whole or is not there.
pub(crate) fn backup(
    from: &Path,
    to: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<(), SpoolError> {
    let failed = |what: &str, error: io::Error| unwritable(to, what, error);
    let draft = draft_beside(to);
    let claimed = private(to).map_err(|error| failed("cannot be made", error))?;
    drop(claimed);
    let copied = private(&draft)
        .map_err(|error| failed("cannot be made", error))
        .and_then(|_| copy(from, &draft, progress))
        .and_then(|()| keep(&draft, to).map_err(|error| failed("cannot be kept", error)));
    if copied.is_err() {
        // The copy is whole or is not there.
        let _ = std::fs::remove_file(&draft);
        let _ = std::fs::remove_file(to);
    }
    copied
}

fn unwritable(to: &Path, what: &str, error: io::Error) -> SpoolError {
    fault(kind_of_io(&error), to, what).caused_by(error)
}

/// A new file that only its owner can read: mails are in it.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

fn draft_beside(to: &Path) -> PathBuf {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    to.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

fn copy(from: &Path, draft: &Path, progress: &mut dyn FnMut(f64)) -> Result<(), SpoolError> {
    let source = reading(from).map_err(|error| told(&error, from))?;
    let target = |error: rusqlite::Error| told(&error, draft);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(draft, flags).map_err(target)?;
    // One moment for the whole copy: otherwise each commit of others would begin it anew.
    source
        .execute_batch("BEGIN; SELECT count(*) FROM target;")
        .map_err(|error| told(&error, from))?;
    steps(&source, &mut copy, progress).map_err(target)?;
    // A copy stands alone: without a journal beside it.
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
        .map_err(target)
}

fn steps(
    source: &Connection,
    copy: &mut Connection,
    progress: &mut dyn FnMut(f64),
) -> rusqlite::Result<()> {
    let backup = Backup::new(source, copy)?;
    let mut refused = 0;
    progress(0.0);
    loop {
        match backup.step(STEP)? {
            StepResult::Done => {
                progress(1.0);
                return Ok(());
            }
            StepResult::More => {
                refused = 0;
                let pages = backup.progress();
                let done = pages.pagecount - pages.remaining;
                progress(f64::from(done) / f64::from(pages.pagecount.max(1)));
            }
            _ => {
                refused += 1;
                if refused > PATIENCE {
                    let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
                    return Err(rusqlite::Error::SqliteFailure(busy, None));
                }
                std::thread::sleep(PAUSE);
            }
        }
    }
}

fn keep(draft: &Path, to: &Path) -> io::Result<()> {
    File::open(draft)?.sync_all()?;
    std::fs::rename(draft, to)?;
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}
