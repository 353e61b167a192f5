//! One life of the daemon: started, waited for, ended.

use std::fs::OpenOptions;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::process::Process;
use super::stage::Stage;

/// How long it may take until it answers.
const READY: Duration = Duration::from_secs(30);

/// Starts a daemon; `failpoint` is where it kills itself.
pub(super) fn start(stage: &Stage, failpoint: Option<&str>) -> io::Result<Process> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(stage.log())?;
    let mut command = stage.command(&["daemon", "--log-format", "text"]);
    command
        .envs(failpoint.map(|place| ("NOTIFY_FAILPOINT", place)))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Process::start(&mut command)
}

/// Waits until it answers on its socket; else how it ended before.
///
/// It is an error when it does not answer in time.
pub(super) fn ready(daemon: &mut Process, socket: &Path) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + READY;
    loop {
        if answers(socket).is_ok() {
            return Ok(None);
        }
        if let Some(status) = daemon.ended_within(Duration::from_millis(5))? {
            return Ok(Some(status));
        }
        if Instant::now() > deadline {
            let what = format!("the daemon does not answer within {READY:?}");
            return Err(io::Error::other(what));
        }
    }
}

/// Whether it was killed, by itself or by others.
pub(super) fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::KILL.as_raw())
}

/// Asks whether anybody is there.
fn answers(socket: &Path) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"{\"ping\":{}}\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    match line.starts_with("{\"pong\"") {
        true => Ok(()),
        false => Err(io::Error::other(line)),
    }
}
