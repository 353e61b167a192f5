//! The program as an MTA runs it for root: as nobody, who may read nothing.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::{Notify, Run, program};

/// A copy of the program in a place where every user can run it.
#[derive(Debug)]
pub struct Nobody {
    folder: TempDir,
}

impl Default for Nobody {
    fn default() -> Self {
        Nobody::new()
    }
}

impl Nobody {
    /// Copies the program.
    ///
    /// # Panics
    /// When it cannot be copied, or this is not run by root, who alone can become nobody.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        open_to_all(folder.path());
        // A child writes it: a program that this process has open for writing
        // cannot be run, and another thread's fork may keep it open for a moment.
        let copied = Command::new("cp")
            .arg(program())
            .arg(folder.path().join("notify"))
            .status();
        assert!(
            copied.is_ok_and(|status| status.success()),
            "cp copies a file"
        );
        Nobody { folder }
    }

    /// The program.
    pub fn program(&self) -> PathBuf {
        self.folder.path().join("notify")
    }

    /// A call by nobody, with an instance's folders, which are root's, in the environment.
    pub fn command(&self, notify: &Notify, words: &[&str]) -> Command {
        open_to_all(notify.scratch());
        let own = notify.command(words);
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "--no-new-privs",
            ])
            .arg(self.program())
            .args(words)
            .env("HOME", "/root");
        like(&own, &mut command);
        command
    }

    /// Runs the copy as root: what it installs names the copy.
    pub fn run_as_root(&self, notify: &Notify, words: &[&str]) -> Run {
        open_to_all(notify.scratch());
        let own = notify.command(words);
        let mut command = Command::new(self.program());
        command.args(words);
        like(&own, &mut command);
        Run::of(command, b"")
    }

    /// Runs it to the end with this on its standard input.
    pub fn run_with(&self, notify: &Notify, words: &[&str], input: &[u8]) -> Run {
        Run::of(self.command(notify, words), input)
    }
}

/// Gives a command the variables of another.
fn like(other: &Command, command: &mut Command) {
    for (name, value) in other.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

/// Lets every user pass through a folder.
fn open_to_all(folder: &std::path::Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
        .expect("a folder of our own");
}
