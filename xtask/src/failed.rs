//! A task that could not be done, and why.

use std::fmt;
use std::path::Path;

/// What a task gives back.
pub(crate) type Outcome<T = ()> = Result<T, Failed>;

/// Why a task could not be done, for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failed(String);

impl Failed {
    /// A reason: lower case, no full stop, names the thing.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Failed(reason.into())
    }

    /// Something with a path went wrong.
    pub(crate) fn at(path: &Path, cause: impl fmt::Display) -> Self {
        Failed(format!("{}: {cause}", path.display()))
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
