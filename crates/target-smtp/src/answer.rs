//! What an answer of the server means, or its absence, in words without secrets.

use std::error::Error as _;
use std::io;
use std::time::{Duration, Instant};

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::{Code, Response, Severity};
use notify_core::{Failure, FailureKind};
use notify_schema::{Secret, one_line, redacted};
use tokio::time::timeout_at;

use crate::Config;
use crate::wire::Wire;

/// Most characters of an answer that are shown.
const SHOWN_MAX: usize = 500;

/// The time limits of one attempt, and what its texts must not show.
pub(crate) struct Talk<'a> {
    server: &'a str,
    step_limit: Duration,
    deadline: Instant,
    secrets: &'a [Secret],
}

/// What must not stand in any text: the password, and what AUTH PLAIN makes of it.
pub(crate) fn secrets(config: &Config) -> Vec<Secret> {
    let Some(login) = &config.login else {
        return Vec::new();
    };
    let password = login.password.expose();
    vec![
        login.password.clone(),
        Secret::new(format!("\0{}\0{password}", login.user)),
    ]
}

/// Why a step did not succeed.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The server said no.
    Refused(Code, String),
    /// It closed the connection, or the connection broke.
    Broken(String),
    /// It did not answer in time.
    Silent,
    /// What it says is not SMTP.
    Gibberish(&'static str),
    /// It does not offer what is needed, or asks what we cannot answer.
    Unfit(String),
}

impl Trouble {
    /// Whether the connection is of no use any more: 421 announces that (RFC 5321 3.8).
    pub(crate) fn ends_the_connection(&self) -> bool {
        match self {
            Trouble::Refused(code, _) => u16::from(*code) == 421,
            Trouble::Broken(_) => true,
            Trouble::Silent | Trouble::Gibberish(_) | Trouble::Unfit(_) => false,
        }
    }

    /// The kind of failure while the server does not have the mail.
    fn kind(&self) -> FailureKind {
        match self {
            // RFC 3207 4 and RFC 4954 6: it wants STARTTLS or AUTH first.
            Trouble::Refused(code, _) if u16::from(*code) == 530 => FailureKind::Misconfigured,
            Trouble::Refused(code, _) => match code.severity {
                Severity::PermanentNegativeCompletion => FailureKind::Rejected,
                _ => FailureKind::Unavailable,
            },
            Trouble::Broken(_) | Trouble::Silent => FailureKind::Unavailable,
            Trouble::Gibberish(_) | Trouble::Unfit(_) => FailureKind::Misconfigured,
        }
    }
}

impl<'a> Talk<'a> {
    /// The conversations of an attempt with a server.
    pub(crate) fn new(config: &'a Config, deadline: Instant, secrets: &'a [Secret]) -> Self {
        Talk {
            server: &config.server,
            step_limit: config.step_limit,
            deadline,
            secrets,
        }
    }

    /// A step that may take as long as one may; none when it took longer, or the deadline has passed.
    pub(crate) async fn step<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        self.steps(1, step).await
    }

    /// So many steps at once.
    pub(crate) async fn steps<T>(&self, count: u32, steps: impl Future<Output = T>) -> Option<T> {
        self.until(Instant::now() + self.step_limit * count, steps)
            .await
    }

    /// A step that may take all the time that is left.
    pub(crate) async fn long_step<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        self.until(self.deadline, step).await
    }

    async fn until<T>(&self, limit: Instant, step: impl Future<Output = T>) -> Option<T> {
        // Without this a step that is ready at once would be taken after the deadline.
        if Instant::now() >= self.deadline {
            return None;
        }
        let limit = limit.min(self.deadline);
        timeout_at(limit.into(), step).await.ok()
    }

    /// What came of a step: the answer, if it is of the wanted severity.
    pub(crate) fn judged(
        &self,
        outcome: Option<Result<Response, Error>>,
        wanted: Severity,
        wire: &Wire,
    ) -> Result<Response, Trouble> {
        match outcome {
            None => Err(Trouble::Silent),
            Some(Err(error)) => Err(self.trouble(&error, wire)),
            Some(Ok(response)) if response.code().severity == wanted => Ok(response),
            Some(Ok(_)) => Err(Trouble::Gibberish("its answer does not fit")),
        }
    }

    /// What an error of lettre's means.
    pub(crate) fn trouble(&self, error: &Error, wire: &Wire) -> Trouble {
        let cause = error.source();
        let text = cause.map(ToString::to_string).unwrap_or_default();
        let text = self.shown(&text);
        if let Some(code) = error.status() {
            return Trouble::Refused(code, text);
        }
        if wire.is_endless() {
            return Trouble::Gibberish("its answer does not end");
        }
        if wire.is_closed() {
            return Trouble::Broken("the connection was closed".to_owned());
        }
        let not_text = cause
            .and_then(|cause| cause.downcast_ref::<io::Error>())
            .is_some_and(|error| error.kind() == io::ErrorKind::InvalidData);
        match () {
            () if error.is_response() || not_text => Trouble::Gibberish("its answer is not SMTP"),
            () if error.is_client() => Trouble::Unfit(text),
            () => Trouble::Broken(text),
        }
    }

    /// The failure of a step before the server has the mail.
    pub(crate) fn failure(&self, step: &str, trouble: &Trouble) -> Failure {
        Failure::new(trouble.kind(), self.told(step, trouble))
    }

    /// The failure of a login or of STARTTLS: what the server refuses there for
    /// good, someone must configure.
    pub(crate) fn setup_failure(&self, step: &str, trouble: &Trouble) -> Failure {
        let kind = match trouble.kind() {
            FailureKind::Rejected => FailureKind::Misconfigured,
            other => other,
        };
        Failure::new(kind, self.told(step, trouble))
    }

    /// The failure after the final dot: without an answer it may have been taken.
    pub(crate) fn failure_after_the_mail(&self, trouble: &Trouble) -> Failure {
        let kind = match trouble {
            Trouble::Refused(..) => trouble.kind(),
            _ => FailureKind::Uncertain,
        };
        Failure::new(kind, self.told("the mail", trouble))
    }

    fn told(&self, step: &str, trouble: &Trouble) -> String {
        let server = self.server;
        match trouble {
            Trouble::Refused(code, text) if text.is_empty() => {
                format!("{server} answered {code} to {step}")
            }
            Trouble::Refused(code, text) => format!("{server} answered {code} to {step}: {text}"),
            Trouble::Broken(reason) => format!("{server} did not answer to {step}: {reason}"),
            Trouble::Silent => format!("{server} did not answer to {step} in time"),
            Trouble::Gibberish(reason) => {
                format!("{server} does not speak SMTP, at {step}: {reason}")
            }
            Trouble::Unfit(reason) => format!("{server} cannot be used, at {step}: {reason}"),
        }
    }

    /// The text of an answer: one line, bounded, without secrets.
    pub(crate) fn answer(&self, response: &Response) -> String {
        let lines: Vec<&str> = response.message().collect();
        self.shown(&lines.join(" "))
    }

    fn shown(&self, text: &str) -> String {
        one_line(&redacted(text, self.secrets), SHOWN_MAX)
    }
}
