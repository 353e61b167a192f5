//! Why a spool could not do what it was asked.

use std::error::Error;
use std::fmt;

/// What kind of trouble it is: the caller decides by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpoolErrorKind {
    /// The disk is full. Nothing was stored.
    Full,
    /// Somebody else holds the store. Nothing was stored; try again.
    Busy,
    /// The lease has ended, or its job was settled already. Nothing was changed.
    Stale,
    /// This process may not read it, or not write it.
    Denied,
    /// It is on a file system that can only be read. Nothing was stored.
    ReadOnly,
    /// It is not there, or no longer. Nothing was stored.
    Missing,
    /// A newer version of this program wrote it. It was not touched.
    Newer,
    /// It is damaged.
    Corrupt,
    /// What was to be stored has a form that it cannot hold.
    Unfit,
    /// Anything else: an I/O error, a bug.
    Broken,
}

/// A failed call of a spool.
#[derive(Debug)]
pub struct SpoolError {
    kind: SpoolErrorKind,
    detail: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl SpoolError {
    /// An error of a kind. `detail` is lower case, without full stop, and names the thing.
    pub fn new(kind: SpoolErrorKind, detail: impl Into<String>) -> Self {
        SpoolError {
            kind,
            detail: detail.into(),
            source: None,
        }
    }

    /// With its cause. `detail` then does not repeat it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind it is.
    pub fn kind(&self) -> SpoolErrorKind {
        self.kind
    }
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl Error for SpoolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
