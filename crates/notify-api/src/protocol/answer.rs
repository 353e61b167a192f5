//! What the daemon answers. New versions add keys, they change none.

use std::fmt;

use notify_core::{EventId, EventRecord, JobRecord, JobState, Refusal, SpoolErrorKind};
use serde::{Deserialize, Serialize};

/// One answer: the only key of its object says which.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// To `ping`.
    Pong(Pong),
    /// To `send`, `mail` and `legacy`: the event is durable.
    Accepted(Accepted),
    /// To `follow`: how the event stands now.
    Event(EventState),
    /// To `status`, in the form of the daemon's version.
    Status(serde_json::Value),
    /// To `wake`.
    Done {},
    /// It was not done.
    Error(ErrorAnswer),
}

/// Who is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pong {
    /// The version of the daemon.
    pub version: String,
}

/// An event that is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Accepted {
    /// Its id.
    pub id: String,
    /// Whether it was accepted before: nothing was changed then.
    #[serde(default)]
    pub known: bool,
    /// Whether it is a mail of this installation that came back: it is recorded, and goes nowhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub r#loop: bool,
    /// The matchers that matched.
    #[serde(default)]
    pub matchers: Vec<String>,
    /// The targets that they chose.
    #[serde(default)]
    pub targets: Vec<AcceptedTarget>,
}

/// What is to become of an event at one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AcceptedTarget {
    /// The target.
    pub name: String,
    /// Its type; none when there is no such target.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `pending`, or `skipped` when nothing will be tried.
    pub state: String,
    /// Why it is skipped: `disabled`; or why it waits for the matchers, in words.
    pub reason: Option<String>,
}

/// How an event stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EventState {
    /// Its id.
    pub id: String,
    /// Whether nothing is pending any more.
    pub settled: bool,
    /// Its deliveries.
    pub targets: Vec<TargetState>,
}

/// How a delivery stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TargetState {
    /// The target.
    pub name: String,
    /// `pending`, `delivered`, `dead` or `cancelled`.
    pub state: JobState,
    /// How many attempts have ended.
    pub attempts: u32,
    /// When the next attempt may be made, in milliseconds since 1970-01-01 UTC.
    pub due_ms: Option<i64>,
    /// Why it is dead.
    pub reason: Option<String>,
    /// The last attempt.
    pub last: Option<LastAttempt>,
}

/// An attempt that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LastAttempt {
    /// When it began, in milliseconds since 1970-01-01 UTC.
    pub started_ms: i64,
    /// When it ended.
    pub ended_ms: i64,
    /// `delivered`, `partial`, `cut-off`, or the kind of failure.
    pub outcome: String,
    /// The failure with all causes.
    pub detail: Option<String>,
    /// The far side's name for what it took.
    pub reference: Option<String>,
    /// Recipients that refused.
    pub refused: Vec<Refusal>,
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ErrorAnswer {
    /// What callers decide by.
    pub kind: ErrorKind,
    /// What people read.
    pub message: String,
    /// The exit code that it means, of `sysexits.h`.
    pub exit: u8,
    /// How long to wait before the same request may be made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The kinds of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// It is no request of this version, or something in it is wrong.
    Request,
    /// It is longer than the daemon takes.
    TooLarge,
    /// The store cannot hold it in this form.
    Unfit,
    /// This user may not.
    Denied,
    /// There is no such event.
    UnknownEvent,
    /// This user sent more than is allowed; nothing was taken.
    Rate,
    /// There are too many clients, or too many long requests at once.
    Busy,
    /// The client stopped in the middle of a request.
    Stalled,
    /// The daemon is about to end.
    Stopping,
    /// The disk is full. Nothing was stored.
    Full,
    /// The store has another trouble. Nothing was stored.
    Spool,
    /// A kind of a later version.
    #[serde(other)]
    Other,
}

impl ErrorKind {
    /// The exit code of `sysexits.h` that it means.
    pub const fn exit(self) -> u8 {
        match self {
            ErrorKind::Request => 64,
            ErrorKind::TooLarge | ErrorKind::Unfit => 65,
            ErrorKind::UnknownEvent => 66,
            ErrorKind::Denied => 77,
            ErrorKind::Rate
            | ErrorKind::Busy
            | ErrorKind::Stalled
            | ErrorKind::Stopping
            | ErrorKind::Full
            | ErrorKind::Spool
            | ErrorKind::Other => 75,
        }
    }
}

impl From<SpoolErrorKind> for ErrorKind {
    fn from(kind: SpoolErrorKind) -> Self {
        match kind {
            SpoolErrorKind::Full => ErrorKind::Full,
            SpoolErrorKind::Unfit => ErrorKind::Unfit,
            _ => ErrorKind::Spool,
        }
    }
}

impl fmt::Display for ErrorAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Answer {
    /// Its line, with the end of the line.
    pub fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("the keys of every answer are strings");
        line.push(b'\n');
        line
    }
}

impl Accepted {
    /// A mail of this installation that came back.
    pub fn dead_loop(id: EventId) -> Self {
        Accepted {
            id: id.to_string(),
            r#loop: true,
            ..Accepted::default()
        }
    }
}

impl From<&EventRecord> for EventState {
    fn from(record: &EventRecord) -> Self {
        let is_open = |job: &JobRecord| job.state == JobState::Pending;
        EventState {
            id: record.event.id.to_string(),
            settled: !record.jobs.iter().any(is_open),
            targets: record.jobs.iter().map(TargetState::from).collect(),
        }
    }
}

impl From<&JobRecord> for TargetState {
    fn from(job: &JobRecord) -> Self {
        let last = job.attempts.last();
        TargetState {
            name: job.target.clone(),
            state: job.state,
            attempts: u32::try_from(job.attempts.len()).unwrap_or(u32::MAX),
            due_ms: job.due.map(|due| due.0),
            reason: job.reason.clone(),
            last: last.map(|attempt| LastAttempt {
                started_ms: attempt.started.0,
                ended_ms: attempt.ended.0,
                outcome: attempt.outcome.name().to_owned(),
                detail: attempt.detail.clone(),
                reference: attempt.reference.clone(),
                refused: attempt.refused.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Accepted, Answer, ErrorKind};

    #[test]
    fn an_answer_of_a_later_version_is_understood() {
        let line = r#"{"accepted":{"id":"a","known":true,"matchers":[],"targets":[],"new":1}}"#;
        let expected = Accepted {
            id: "a".to_owned(),
            known: true,
            ..Accepted::default()
        };
        let answer: Answer = serde_json::from_str(line).expect("an answer");
        assert_eq!(answer, Answer::Accepted(expected));
        let line = r#"{"error":{"kind":"mood","message":"no","exit":75}}"#;
        let answer: Answer = serde_json::from_str(line).expect("an answer");
        assert!(matches!(answer, Answer::Error(error) if error.kind == ErrorKind::Other));
    }
}
