//! How the program ends: the exit codes, and errors that carry one.

use std::fmt;
use std::process::ExitCode;

/// The exit codes of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// Something was left undone, or the answer is no.
    Failed = 1,
    /// Wrong usage, or a configuration that cannot be read as a whole.
    Usage = 2,
    /// Wrong usage, told to who knows `sysexits.h` (`EX_USAGE`).
    MailUsage = 64,
    /// Something that cannot be delivered was set aside (`EX_UNAVAILABLE`).
    SetAside = 69,
    /// A file or folder could not be made (`EX_CANTCREAT`).
    CannotCreate = 73,
    /// Nothing was taken anywhere; a repeat doubles nothing (`EX_TEMPFAIL` of sysexits).
    TryAgain = 75,
    /// This user may not (`EX_NOPERM`).
    NotPermitted = 77,
    /// The configuration cannot be read (`EX_CONFIG`).
    Misconfigured = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a command ended before its work was done.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Stop {
    /// Exit 2: the command line or the configuration as a whole cannot be used.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Stop {
            exit: Exit::Usage,
            message: message.into(),
            hint: None,
        }
    }

    /// Exit 1: it was understood and could not be done.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Stop {
            exit: Exit::Failed,
            message: message.into(),
            hint: None,
        }
    }

    /// With another code.
    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// With advice.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

pub(crate) type Answer = Result<Exit, Stop>;
