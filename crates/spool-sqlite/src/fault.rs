//! What an error of the database means to the caller.

use std::io;
use std::path::Path;

use notify_core::{SpoolError, SpoolErrorKind};
use rusqlite::{Error, ErrorCode};
use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};
use rustix::io::Errno;

/// Why a call in a transaction failed.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It was refused before it changed anything: the others of the transaction go on.
    Refused(SpoolError),
    /// The database failed: the transaction is rolled back.
    Database(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        if is_of_value(&error) {
            return Failed::Refused(unreadable(error.to_string()));
        }
        Failed::Database(error)
    }
}

/// Whether a value is not what this program writes. The file itself is whole.
pub(crate) fn is_of_value(error: &Error) -> bool {
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..)
    )
}

impl From<SpoolError> for Failed {
    fn from(error: SpoolError) -> Self {
        Failed::Refused(error)
    }
}

impl Failed {
    /// For the caller; `path` is the database.
    pub(crate) fn told(self, path: &Path) -> SpoolError {
        match self {
            Failed::Refused(error) => error,
            Failed::Database(error) => told(&error, path),
        }
    }
}

/// The error of a database for the caller.
///
/// Of one that struck many calls each caller gets one, so it is made from a reference.
pub(crate) fn told(error: &Error, path: &Path) -> SpoolError {
    let folder = path.parent().unwrap_or(path);
    let kind = match kind(error) {
        SpoolErrorKind::Broken if disk_is_full(path) => SpoolErrorKind::Full,
        SpoolErrorKind::Denied if is_read_only(folder) => SpoolErrorKind::ReadOnly,
        kind => kind,
    };
    let what = match kind {
        SpoolErrorKind::Full => "the disk is full",
        SpoolErrorKind::Busy => "another process holds the spool",
        SpoolErrorKind::ReadOnly => "its file system can only be read",
        SpoolErrorKind::Denied if !may_write(folder) => "its folder may not be written",
        SpoolErrorKind::Denied if !may_write(path) => "it may not be written",
        SpoolErrorKind::Denied => "the spool may not be opened or written",
        SpoolErrorKind::Corrupt => "the spool is damaged",
        SpoolErrorKind::Unfit => "the event is too large for the spool",
        _ => "the spool failed",
    };
    SpoolError::new(kind, format!("{}: {what}", path.display())).caused_by(error.to_string())
}

fn kind(error: &Error) -> SpoolErrorKind {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => SpoolErrorKind::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => SpoolErrorKind::Busy,
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
            SpoolErrorKind::Denied
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => SpoolErrorKind::Corrupt,
        Some(ErrorCode::TooBig) => SpoolErrorKind::Unfit,
        _ => SpoolErrorKind::Broken,
    }
}

/// Whether there is no room worth speaking of. An I/O error does not say so, for the index of the
/// journal is memory.
pub(crate) fn disk_is_full(path: &Path) -> bool {
    const LITTLE: u64 = 256 * 1024;
    let folder = path.parent().unwrap_or(path);
    statvfs(folder).is_ok_and(|about| about.f_bavail * about.f_frsize < LITTLE)
}

/// Whether a file system is mounted to be read, or became so by an error of its disk.
pub(crate) fn is_read_only(folder: &Path) -> bool {
    statvfs(folder).is_ok_and(|about| about.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// Whether the rights let this process write it. A file that is not there is no matter of rights.
fn may_write(path: &Path) -> bool {
    !matches!(
        access(path, Access::WRITE_OK),
        Err(Errno::ACCESS | Errno::PERM)
    )
}

/// What a failed call of the system means to the caller.
pub(crate) fn kind_of_io(error: &io::Error) -> SpoolErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => SpoolErrorKind::Missing,
        io::ErrorKind::PermissionDenied | io::ErrorKind::AlreadyExists => SpoolErrorKind::Denied,
        io::ErrorKind::ReadOnlyFilesystem => SpoolErrorKind::ReadOnly,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SpoolErrorKind::Full,
        _ => SpoolErrorKind::Broken,
    }
}

/// An error of this crate's own, about the database.
pub(crate) fn fault(kind: SpoolErrorKind, path: &Path, what: &str) -> SpoolError {
    SpoolError::new(kind, format!("{}: {what}", path.display()))
}

/// What was read is not what this program writes.
pub(crate) fn unreadable(what: impl Into<String>) -> SpoolError {
    SpoolError::new(SpoolErrorKind::Corrupt, what)
}

#[cfg(test)]
mod tests {
    use super::kind;
    use notify_core::SpoolErrorKind as Kind;
    use rusqlite::{Error, ffi};

    #[test]
    fn a_code_says_what_the_caller_can_do() {
        for (code, expected) in [
            (ffi::SQLITE_FULL, Kind::Full),
            (ffi::SQLITE_BUSY, Kind::Busy),
            (ffi::SQLITE_BUSY_SNAPSHOT, Kind::Busy),
            (ffi::SQLITE_READONLY_DIRECTORY, Kind::Denied),
            (ffi::SQLITE_CANTOPEN, Kind::Denied),
            (ffi::SQLITE_CORRUPT_INDEX, Kind::Corrupt),
            (ffi::SQLITE_NOTADB, Kind::Corrupt),
            (ffi::SQLITE_TOOBIG, Kind::Unfit),
            (ffi::SQLITE_IOERR_FSYNC, Kind::Broken),
        ] {
            let error = Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(kind(&error), expected, "{code}");
        }
        assert_eq!(kind(&Error::QueryReturnedNoRows), Kind::Broken);
    }
}
