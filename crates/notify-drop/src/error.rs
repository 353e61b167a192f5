//! Why a mail was not taken.

use std::io;

/// What went wrong with the drop or the queue. The mail is still where it was.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct DropError {
    kind: DropErrorKind,
    message: String,
    source: Option<io::Error>,
}

/// What the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropErrorKind {
    /// There is no such folder: somebody must make it.
    Missing,
    /// As many mails as may lie there: try again when it has been emptied.
    Full,
    /// No room on the file system: somebody must make some.
    NoSpace,
    /// It is not what it should be, so nothing was put there: somebody must look.
    Unsafe,
    /// Another process is at it: try again later.
    Busy,
    /// A call of the system failed.
    Io,
}

impl DropError {
    pub(crate) fn new(kind: DropErrorKind, message: impl Into<String>) -> Self {
        DropError {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn io(message: impl Into<String>, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        let kind = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DropErrorKind::NoSpace,
            _ => DropErrorKind::Io,
        };
        DropError {
            kind,
            message: message.into(),
            source: Some(source),
        }
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> DropErrorKind {
        self.kind
    }
}
