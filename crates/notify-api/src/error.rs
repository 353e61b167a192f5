//! Why the daemon's doors could not be opened, or not be used.

use std::error::Error;
use std::fmt;

use crate::protocol::ErrorAnswer;

/// What kind of trouble it is: the caller decides by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApiErrorKind {
    /// There is no socket: no daemon was started here.
    Missing,
    /// There is a socket, and nobody listens: the daemon has ended.
    Dead,
    /// This user may not.
    Denied,
    /// Another daemon listens there.
    InUse,
    /// The daemon did not answer in time. What was asked may be done.
    TimedOut,
    /// The connection ended before the answer. What was asked may be done.
    Lost,
    /// The daemon said no; [`ApiError::answer`] says why. Nothing was done.
    Declined,
    /// What answers is no daemon of ours.
    Garbled,
    /// Anything else. Nothing was asked.
    Broken,
}

/// A failed call of this crate.
#[derive(Debug)]
pub struct ApiError {
    kind: ApiErrorKind,
    detail: String,
    answer: Option<ErrorAnswer>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    pub(crate) fn new(kind: ApiErrorKind, detail: impl Into<String>) -> Self {
        ApiError {
            kind,
            detail: detail.into(),
            answer: None,
            source: None,
        }
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn declined(answer: ErrorAnswer) -> Self {
        ApiError {
            kind: ApiErrorKind::Declined,
            detail: answer.message.clone(),
            answer: Some(answer),
            source: None,
        }
    }

    /// What kind it is.
    pub fn kind(&self) -> ApiErrorKind {
        self.kind
    }

    /// What the daemon said, when it said no.
    pub fn answer(&self) -> Option<&ErrorAnswer> {
        self.answer.as_ref()
    }

    /// Whether what was asked may have been done although no answer came. An event
    /// with an id of its own may then be sent again under the same id.
    pub fn may_be_done(&self) -> bool {
        matches!(
            self.kind,
            ApiErrorKind::TimedOut | ApiErrorKind::Lost | ApiErrorKind::Garbled
        )
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
