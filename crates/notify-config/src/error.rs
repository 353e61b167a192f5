//! Why a configuration was not written.

use std::io;

use notify_schema::Fault;

/// A change that was not made. Nothing was written, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    hint: Option<String>,
    faults: Vec<Fault>,
    source: Option<io::Error>,
}

/// What the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Somebody else changed the files meanwhile: read again.
    Changed,
    /// The name is in use: take another.
    Taken,
    /// There is no section of this name, or no such type.
    Unknown,
    /// A value, or the section that would result, is not good; see [`StoreError::faults`].
    Invalid,
    /// It would write what Proxmox VE refuses into a folder of Proxmox VE.
    RefusedByPve,
    /// Another program holds the lock: try again later.
    Locked,
    /// A file could not be read or written; some of the files may have been written.
    Io,
}

impl StoreError {
    pub(crate) fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        StoreError {
            kind,
            message: message.into(),
            hint: None,
            faults: Vec::new(),
            source: None,
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        StoreError::new(StoreErrorKind::Invalid, message)
    }

    pub(crate) fn io(message: impl Into<String>, source: io::Error) -> Self {
        StoreError {
            source: Some(source),
            ..StoreError::new(StoreErrorKind::Io, message)
        }
    }

    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub(crate) fn with_faults(mut self, faults: Vec<Fault>) -> Self {
        self.faults = faults;
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Advice for people.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The faults of the section that would have resulted, where there are any.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}
