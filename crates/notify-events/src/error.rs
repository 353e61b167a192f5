//! Why there is no event.

use std::error::Error;
use std::fmt;

/// An event that was not made.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EventError {
    kind: EventErrorKind,
    message: String,
    faults: Vec<DataFault>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventErrorKind {
    /// The data are not of the kind's form: correct them; see [`EventError::faults`].
    Data,
    /// The program or file that the event would come from did not answer: look at it, or try again.
    Origin,
    /// What must be remembered could not be read or written.
    State,
}

/// One thing that is wrong with the data of an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataFault {
    /// Where, as `guest-table.data[1].size`; empty for the data as a whole.
    pub path: String,
    /// What: lower case, no full stop.
    pub message: String,
}

impl DataFault {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        DataFault {
            path: path.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for DataFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "`{}`: {}", self.path, self.message)
        }
    }
}

impl EventError {
    pub(crate) fn new(kind: EventErrorKind, message: impl Into<String>) -> Self {
        EventError {
            kind,
            message: message.into(),
            faults: Vec::new(),
            source: None,
        }
    }

    /// Data with these faults.
    pub(crate) fn data(kind: &str, faults: Vec<DataFault>) -> Self {
        let number = match faults.len() {
            1 => "1 fault".to_owned(),
            many => format!("{many} faults"),
        };
        EventError {
            faults,
            ..EventError::new(
                EventErrorKind::Data,
                format!("{number} in the data of `{kind}`"),
            )
        }
    }

    #[must_use]
    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> EventErrorKind {
        self.kind
    }

    /// Everything that is wrong with the data, sorted by path.
    pub fn faults(&self) -> &[DataFault] {
        &self.faults
    }
}
