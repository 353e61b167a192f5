//! The way to the program and back.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use notify_core::{
    Attempt, Failure, FailureKind, Host, Notification, Receipt, RecipientError, Target, async_trait,
};
use notify_schema::Fault;
use rustix::io::Errno;

use crate::program::{Ended, run};
use crate::request::request;
use crate::{Config, status};

/// An MTA that checks a mail before it takes it may need a while.
const DEADLINE: Duration = Duration::from_secs(60);

/// A way to the people's mailboxes through the system's `sendmail` program.
#[derive(Debug)]
pub struct Sendmail {
    config: Config,
}

impl Sendmail {
    /// A target of this section.
    pub fn new(config: Config) -> Self {
        Sendmail { config }
    }
}

#[async_trait]
impl Target for Sendmail {
    fn deadline(&self) -> Duration {
        DEADLINE
    }

    fn prepare(&self, host: &dyn Host) -> Vec<Fault> {
        let mut faults = self.config.addressees.faults(host);
        let program = host.sendmail();
        if let Err(error) = std::fs::metadata(program) {
            let missing = not_started(program, &error);
            faults.push(self.config.fault(missing).with_hint(INSTALL));
        }
        faults
    }

    async fn deliver(
        &self,
        notification: &Notification,
        attempt: &Attempt<'_>,
    ) -> Result<Receipt, Failure> {
        attempt.begin(Instant::now())?;
        let request = request(&self.config, notification, attempt)?;
        let program = attempt.host.sendmail();
        let ended = run(
            program,
            &request.arguments,
            &request.message,
            attempt.deadline,
        )
        .await
        .map_err(|error| start_failure(program, &error))?;
        judge(program, &ended)?;
        let refusal = |(text, error): (String, RecipientError)| {
            (text, Failure::misconfigured(error.to_string()))
        };
        Ok(Receipt {
            reference: None,
            refused: request.refused.into_iter().map(refusal).collect(),
            warnings: request.warnings,
        })
    }
}

const INSTALL: &str = "install a mail server, as postfix, or use a target of the type smtp; NOTIFY_SENDMAIL names another program";

fn not_started(program: &Path, error: &io::Error) -> String {
    format!("cannot run `{}`: {error}", program.display())
}

/// A program that is not there stays away; a system without room for a process may find some.
fn start_failure(program: &Path, error: &io::Error) -> Failure {
    let detail = not_started(program, error);
    let passing = [
        Errno::AGAIN,
        Errno::NOMEM,
        Errno::MFILE,
        Errno::NFILE,
        Errno::TXTBSY,
    ];
    match Errno::from_io_error(error) {
        Some(errno) if passing.contains(&errno) => Failure::unavailable(detail),
        _ => Failure::misconfigured(detail),
    }
}

/// The verdict on an ending.
fn judge(program: &Path, ended: &Ended) -> Result<(), Failure> {
    let (kind, what) = match ended.status {
        None => (
            status::interrupted(ended.handed_over),
            "was still running at the deadline and was killed".to_owned(),
        ),
        Some(status) => match status::failure(status, ended.handed_over) {
            Some(failure) => failure,
            None if ended.handed_over => return Ok(()),
            None => (
                FailureKind::Misconfigured,
                "exited with 0 and had not read the mail".to_owned(),
            ),
        },
    };
    let complaint = match ended.complaint.as_str() {
        "" => String::new(),
        text => format!(": {text}"),
    };
    Err(Failure::new(
        kind,
        format!("`{}` {what}{complaint}", program.display()),
    ))
}
