//! What became of an event: the answer that `send` gives.

use std::collections::BTreeMap;

use notify_core::{Failure, FailureKind, Notification, Receipt, Severity};
use serde::Serialize;

/// What became of one event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// The event.
    pub id: String,
    /// Its severity.
    pub severity: Severity,
    /// Seconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Its fields.
    pub fields: BTreeMap<String, String>,
    /// The matchers that matched, sorted bytewise.
    pub matchers: Vec<String>,
    /// The chosen targets, sorted bytewise.
    pub targets: Vec<TargetReport>,
}

/// What became of an event at one target.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TargetReport {
    /// The target.
    pub name: String,
    /// Its type; none when there is no such target.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// How it ended.
    pub state: State,
    /// The far side's name for what it took.
    pub reference: Option<String>,
    /// Recipients that were refused: some of them when it is partial, all of them when it failed for that.
    pub refused: Vec<RefusedRecipient>,
    /// Why it failed.
    pub error: Option<ErrorReport>,
    /// Why nothing was tried.
    pub reason: Option<Skipped>,
    /// What a person should know although it went well.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Taken for all recipients.
    Delivered,
    /// Taken for some recipients.
    Partial,
    /// Not taken, or not known to be.
    Failed,
    /// Nothing was tried.
    Skipped,
    /// It is durable and on its way.
    Pending,
}

/// Why nothing was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Skipped {
    /// `disable` is set.
    Disabled,
    /// There is no such target.
    Missing,
    /// Its section has a fault.
    Unusable,
}

/// A recipient that was refused.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RefusedRecipient {
    /// The address.
    pub recipient: String,
    /// The kind of failure.
    pub kind: FailureKind,
    /// The text with all causes.
    pub message: String,
}

/// A failure, as answers show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ErrorReport {
    /// The kind of failure.
    pub kind: FailureKind,
    /// The text with all causes.
    pub message: String,
    /// The delay that the far side asked for, in seconds.
    pub retry_after_s: Option<u64>,
}

/// The sum of a report, as an exit code tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every chosen target took it; or none was chosen.
    Done,
    /// At least one did not.
    Failed,
    /// Nothing was or may have been taken anywhere, and all of it may be tried again.
    TryAgain,
}

impl Report {
    /// A report about an event, still without targets.
    pub(crate) fn of(notification: &Notification, matchers: Vec<String>) -> Self {
        Report {
            id: notification.id.to_string(),
            severity: notification.severity,
            timestamp: notification.timestamp,
            fields: notification.fields.clone(),
            matchers,
            targets: Vec::new(),
        }
    }

    /// The sum. Disabled targets do not count.
    pub fn verdict(&self) -> Verdict {
        let counted = || {
            self.targets
                .iter()
                .filter(|target| target.reason != Some(Skipped::Disabled))
        };
        if counted().all(|target| target.state == State::Delivered) {
            Verdict::Done
        } else if counted().all(TargetReport::may_be_repeated) {
            Verdict::TryAgain
        } else {
            Verdict::Failed
        }
    }
}

impl TargetReport {
    /// Nothing was tried, because of this.
    pub(crate) fn skipped(name: &str, kind: Option<&str>, reason: Skipped) -> Self {
        TargetReport {
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
            state: State::Skipped,
            reference: None,
            refused: Vec::new(),
            error: None,
            reason: Some(reason),
            warnings: Vec::new(),
        }
    }

    /// What an attempt gave.
    pub(crate) fn of(name: &str, kind: &str, result: Result<Receipt, Failure>) -> Self {
        let blank = TargetReport {
            reason: None,
            ..TargetReport::skipped(name, Some(kind), Skipped::Missing)
        };
        match result {
            Ok(receipt) => TargetReport {
                state: if receipt.refused.is_empty() {
                    State::Delivered
                } else {
                    State::Partial
                },
                reference: receipt.reference,
                refused: receipt.refused.iter().map(RefusedRecipient::of).collect(),
                warnings: receipt.warnings,
                ..blank
            },
            Err(failure) => TargetReport {
                state: State::Failed,
                refused: failure.refused().iter().map(RefusedRecipient::of).collect(),
                error: Some(ErrorReport::of(&failure)),
                ..blank
            },
        }
    }

    /// With the reason why its section cannot be used.
    #[must_use]
    pub(crate) fn because(mut self, message: &str) -> Self {
        self.error = Some(ErrorReport::of(&Failure::misconfigured(message)));
        self
    }

    fn may_be_repeated(&self) -> bool {
        self.state == State::Failed
            && self
                .error
                .as_ref()
                .is_some_and(|error| error.kind == FailureKind::Unavailable)
    }
}

impl RefusedRecipient {
    fn of((recipient, failure): &(String, Failure)) -> Self {
        RefusedRecipient {
            recipient: recipient.clone(),
            kind: failure.kind(),
            message: failure.report(),
        }
    }
}

impl ErrorReport {
    fn of(failure: &Failure) -> Self {
        ErrorReport {
            kind: failure.kind(),
            message: failure.report(),
            retry_after_s: failure.asked_delay().map(|delay| delay.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, Skipped, State, TargetReport, Verdict};
    use notify_core::{Failure, FailureKind, Receipt, Severity};
    use std::collections::BTreeMap;

    fn check(targets: Vec<TargetReport>, expected: Verdict) {
        let report = Report {
            id: String::new(),
            severity: Severity::Info,
            timestamp: 0,
            fields: BTreeMap::new(),
            matchers: Vec::new(),
            targets,
        };
        assert_eq!(report.verdict(), expected, "{report:?}");
    }

    fn delivered() -> TargetReport {
        TargetReport::of("ok", "x", Ok(Receipt::default()))
    }

    fn failed(failure: Failure) -> TargetReport {
        TargetReport::of("bad", "x", Err(failure))
    }

    fn partial(failure: Failure) -> TargetReport {
        let refused = vec![("a@b".to_owned(), failure)];
        TargetReport::of(
            "half",
            "x",
            Ok(Receipt {
                refused,
                ..Receipt::default()
            }),
        )
    }

    fn skipped(reason: Skipped) -> TargetReport {
        TargetReport::skipped("none", None, reason)
    }

    #[test]
    fn done_when_every_chosen_target_took_it() {
        check(vec![], Verdict::Done);
        check(vec![delivered(), skipped(Skipped::Disabled)], Verdict::Done);
    }

    #[test]
    fn failed_when_one_did_not() {
        check(
            vec![delivered(), failed(Failure::unavailable("x"))],
            Verdict::Failed,
        );
        check(
            vec![delivered(), skipped(Skipped::Missing)],
            Verdict::Failed,
        );
        check(vec![skipped(Skipped::Unusable)], Verdict::Failed);
        check(vec![partial(Failure::unavailable("x"))], Verdict::Failed);
        check(vec![failed(Failure::uncertain("x"))], Verdict::Failed);
        check(
            vec![
                failed(Failure::unavailable("x")),
                failed(Failure::rejected("x")),
            ],
            Verdict::Failed,
        );
        check(
            vec![failed(Failure::unavailable("x")), skipped(Skipped::Missing)],
            Verdict::Failed,
        );
    }

    #[test]
    fn again_when_a_repeat_doubles_nothing() {
        check(vec![failed(Failure::unavailable("x"))], Verdict::TryAgain);
        check(
            vec![
                failed(Failure::unavailable("x")),
                skipped(Skipped::Disabled),
            ],
            Verdict::TryAgain,
        );
    }

    #[test]
    fn all_refused_is_failed_with_their_names() {
        let refused = vec![
            ("a@b".to_owned(), Failure::rejected("unknown")),
            ("c@d".to_owned(), Failure::unavailable("greylisted")),
        ];
        let report = failed(Failure::unavailable("nobody is left").with_refused(refused));
        assert_eq!(report.state, State::Failed);
        let error = report.error.as_ref().expect("a reason");
        assert_eq!(
            (error.kind, error.message.as_str()),
            (FailureKind::Unavailable, "nobody is left")
        );
        let names = report.refused.iter().map(|refused| {
            (
                refused.recipient.as_str(),
                refused.kind,
                refused.message.as_str(),
            )
        });
        assert!(names.eq([
            ("a@b", FailureKind::Rejected, "unknown"),
            ("c@d", FailureKind::Unavailable, "greylisted"),
        ]));
        check(vec![report], Verdict::TryAgain);
    }
}
