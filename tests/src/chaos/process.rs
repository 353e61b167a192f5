//! A process that can be waited for with a limit.

use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

/// How a process ended, and what it said.
#[derive(Debug)]
pub(super) struct Said {
    /// None when it had to be killed, because it took too long.
    pub(super) status: Option<ExitStatus>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a command with this input, to its end or for so long.
pub(super) fn said(command: &mut Command, input: &[u8], most: Duration) -> io::Result<Said> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = Process::start(command)?;
    let child = &mut process.child;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        // A program that ends early does not read it all.
        scope.spawn(move || stdin.map(|mut pipe| pipe.write_all(input)));
        let stdout = scope.spawn(move || all(stdout));
        let stderr = scope.spawn(move || all(stderr));
        let status = process.ended_within(most)?;
        if status.is_none() {
            process.kill()?;
        }
        Ok(Said {
            status,
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
        })
    })
}

fn all(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    // What came before an error is what there is.
    let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A child process. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// It becomes readable when the process has ended.
    end: OwnedFd,
}

impl Process {
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        let child = command.spawn()?;
        let end = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        Ok(Process { child, end })
    }

    /// How it ended, if it does so in this time.
    pub(super) fn ended_within(&mut self, most: Duration) -> io::Result<Option<ExitStatus>> {
        let most = Timespec::try_from(most).map_err(io::Error::other)?;
        let mut end = [PollFd::new(&self.end, PollFlags::IN)];
        match poll(&mut end, Some(&most)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => self.child.try_wait(),
            Err(error) => Err(error.into()),
        }
    }

    /// SIGKILL, and its end.
    pub(super) fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// SIGTERM, and its end, if it comes in this time.
    pub(super) fn ask(&mut self, most: Duration) -> io::Result<Option<ExitStatus>> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.ended_within(most)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, mostly.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
