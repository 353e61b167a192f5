//! Why a delivery did not succeed, said so that the caller can decide.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// What kind of failure it was. Only the engine decides whether to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Someone must change the configuration: bad credentials, no such host name, a bad template.
    Misconfigured,
    /// The far side looked at it and said no for good.
    Rejected,
    /// It certainly was not taken, and may be taken later.
    Unavailable,
    /// It was sent and no answer came: it may have arrived.
    Uncertain,
}

impl FailureKind {
    /// `misconfigured`, `rejected`, `unavailable` or `uncertain`.
    pub const fn name(self) -> &'static str {
        match self {
            FailureKind::Misconfigured => "misconfigured",
            FailureKind::Rejected => "rejected",
            FailureKind::Unavailable => "unavailable",
            FailureKind::Uncertain => "uncertain",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failed delivery, or a refused recipient.
///
/// The texts are redacted by whoever makes them: they never hold a secret.
#[derive(Debug)]
pub struct Failure {
    kind: FailureKind,
    detail: String,
    retry_after: Option<Duration>,
    refused: Vec<(String, Failure)>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure of a kind. `detail` is lower case, without full stop, and names the thing.
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Failure {
            kind,
            detail: detail.into(),
            retry_after: None,
            refused: Vec::new(),
            source: None,
        }
    }

    /// See [`FailureKind::Misconfigured`].
    pub fn misconfigured(detail: impl Into<String>) -> Self {
        Failure::new(FailureKind::Misconfigured, detail)
    }

    /// See [`FailureKind::Rejected`].
    pub fn rejected(detail: impl Into<String>) -> Self {
        Failure::new(FailureKind::Rejected, detail)
    }

    /// See [`FailureKind::Unavailable`].
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Failure::new(FailureKind::Unavailable, detail)
    }

    /// See [`FailureKind::Uncertain`].
    pub fn uncertain(detail: impl Into<String>) -> Self {
        Failure::new(FailureKind::Uncertain, detail)
    }

    /// With the delay that the far side asked for.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// With the recipients that were refused one by one, each with its reason.
    ///
    /// For a delivery that failed because there was nobody left. `detail` then
    /// need not name them all.
    #[must_use]
    pub fn with_refused(mut self, refused: Vec<(String, Failure)>) -> Self {
        self.refused = refused;
        self
    }

    /// With its cause. `detail` then does not repeat it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind it is.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// This layer's text, without the cause.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The delay that the far side asked for.
    pub fn asked_delay(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The recipients that were refused one by one, each with its reason; empty
    /// when the delivery failed as a whole.
    pub fn refused(&self) -> &[(String, Failure)] {
        &self.refused
    }

    /// The text with all its causes, joined by colons: what a person reads.
    pub fn report(&self) -> String {
        crate::report(self)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, FailureKind};

    #[test]
    fn a_report_walks_the_causes_and_says_nothing_twice() {
        let failure = Failure::unavailable("connect to 127.0.0.1:25")
            .caused_by(std::io::Error::other("refused"));
        assert_eq!(failure.to_string(), "connect to 127.0.0.1:25");
        assert_eq!(failure.report(), "connect to 127.0.0.1:25: refused");
        assert_eq!(failure.kind(), FailureKind::Unavailable);
    }

    #[test]
    fn a_failure_keeps_who_was_refused() {
        let refused = vec![("a@b".to_owned(), Failure::rejected("unknown"))];
        let failure = Failure::rejected("nobody is left").with_refused(refused);
        assert_eq!(failure.report(), "nobody is left");
        let [(name, reason)] = failure.refused() else {
            panic!("one refused")
        };
        assert_eq!(
            (name.as_str(), reason.kind()),
            ("a@b", FailureKind::Rejected)
        );
        assert!(Failure::rejected("unknown").refused().is_empty());
    }
}
