//! A process that ends with its owner, even when the owner is killed.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::ask_until;

/// How long a process may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(10);

/// Ends a process when dropped, or when this program has gone without dropping it.
#[derive(Debug)]
pub(super) struct Daemon {
    pid: Pid,
    /// Set for our own child, which must be waited for.
    child: Option<Child>,
    watcher: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts a program that stays in the foreground.
    pub(super) fn spawn(command: &mut Command, folder: &Path) -> Self {
        let log = folder.join("daemon.log");
        let said = File::create(&log).expect("a file of our folder");
        let also = said.try_clone().expect("a second handle");
        let child = command
            .stdin(Stdio::null())
            .stdout(said)
            .stderr(also)
            // So that Ctrl-C ends the test first and the watcher ends the rest.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("start {command:?}: {error}"));
        let pid = Pid::from_child(&child);
        Daemon {
            pid,
            watcher: watch(pid, folder),
            child: Some(child),
            log,
        }
    }

    /// What a program that was started here has said.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Takes over a process that has detached itself.
    pub(super) fn adopt(pid: Pid, folder: &Path) -> Self {
        Daemon {
            pid,
            watcher: watch(pid, folder),
            child: None,
            log: folder.join("daemon.log"),
        }
    }

    /// Whether it still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => test_kill_process(self.pid).is_ok(),
        }
    }
}

/// Waits for the end of this program, which closes its input; then ends the
/// process and removes the folder.
fn watch(pid: Pid, folder: &Path) -> Child {
    Command::new("/bin/sh")
        .args(["-c", r#"read -r _; kill "$1"; rm -rf "$2""#, "watcher"])
        .arg(pid.as_raw_nonzero().to_string())
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("there is a shell")
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The watcher first, or it would end a process that has our old number.
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
        let _ = kill_process(self.pid, Signal::TERM);
        let gone = ask_until(Instant::now() + GRACE, || (!self.is_alive()).then_some(()));
        if gone.is_none() {
            let _ = kill_process(self.pid, Signal::KILL);
        }
        if let Some(child) = &mut self.child {
            let _ = child.wait();
        }
    }
}
