//! A recorder in place of the machine's `sendmail`.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Notify;

/// Takes every mail, or refuses it with a code; both can be looked at.
#[derive(Debug)]
pub struct Sendmail {
    folder: TempDir,
}

/// One call of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its arguments, without the program.
    pub arguments: Vec<String>,
    /// What it read.
    pub mail: String,
}

impl Call {
    /// What stands after `--`.
    pub fn recipients(&self) -> &[String] {
        let after = self.arguments.iter().position(|word| word == "--");
        after.map_or(&[], |at| &self.arguments[at + 1..])
    }
}

impl Sendmail {
    /// One that takes every mail.
    ///
    /// # Panics
    /// When there is no folder for it.
    pub fn taking() -> Self {
        Sendmail {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// One that exits with this code, as of `sysexits.h`.
    ///
    /// # Panics
    /// When there is no folder for it.
    pub fn exiting(code: i32) -> Self {
        let sendmail = Sendmail::taking();
        std::fs::write(sendmail.folder.path().join("exit"), code.to_string())
            .expect("a file in a new folder");
        sendmail
    }

    /// The program to call.
    pub fn program() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/programs/sendmail")
    }

    /// An instance that calls it.
    #[must_use]
    pub fn installed(&self, notify: Notify) -> Notify {
        notify
            .variable("NOTIFY_SENDMAIL", Sendmail::program())
            .variable("NOTIFY_TEST_SENDMAIL", self.folder.path())
    }

    /// All calls so far, in no order.
    ///
    /// # Panics
    /// When the record of a call cannot be read.
    pub fn calls(&self) -> Vec<Call> {
        let Ok(entries) = std::fs::read_dir(self.folder.path().join("calls")) else {
            return Vec::new();
        };
        let read = |path: PathBuf| std::fs::read_to_string(path).expect("the record of a call");
        entries
            .map(|entry| entry.expect("a call").path())
            .map(|call| Call {
                arguments: read(call.join("arguments"))
                    .lines()
                    .map(str::to_owned)
                    .collect(),
                mail: read(call.join("mail")),
            })
            .collect()
    }
}
