//! The daemon of the demonstration: this program, in the folders of the stage.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use notify_api::client::Client;
use notify_api::protocol::{EventState, SendRequest};
use notify_bus::Report;
use notify_core::Notification;
use rustix::process::{Pid, Signal, kill_process};

use super::stage::Stage;
use crate::exit::Stop;
use crate::handover;

/// How long anything may take: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether it listens.
const LOOK: Duration = Duration::from_millis(20);

/// A running daemon. It ends when this is dropped.
pub(super) struct Daemon {
    child: Child,
    socket: PathBuf,
}

impl Daemon {
    /// Starts it, and waits until it listens.
    pub(super) fn start(stage: &Stage) -> Result<Self, Stop> {
        let cannot = |why: String| Stop::failed(format!("the daemon does not start: {why}"));
        let program = std::env::current_exe().map_err(|error| cannot(error.to_string()))?;
        let log = stage.log().map_err(|error| cannot(error.to_string()))?;
        let mut command = Command::new(program);
        command
            .args(["daemon", "--log-format=text"])
            .envs(stage.variables())
            .env("TZ", "UTC")
            // It is no service, even if this is one.
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_USEC")
            .env_remove("LISTEN_FDS")
            .env_remove("CREDENTIALS_DIRECTORY")
            .env_remove("NOTIFY_DAEMON_SOCKET")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = command.spawn().map_err(|error| cannot(error.to_string()))?;
        let mut daemon = Daemon {
            child,
            socket: stage.socket(),
        };
        let end = Instant::now() + PATIENCE;
        while Client::connect(&daemon.socket, PATIENCE).is_err() {
            let ended = daemon.child.try_wait().is_ok_and(|ended| ended.is_some());
            if ended || Instant::now() >= end {
                return Err(cannot(stage.logged()));
            }
            sleep(LOOK);
        }
        Ok(daemon)
    }

    /// Hands an event over and follows it to its end; `each` is told how it stands meanwhile.
    pub(super) fn deliver(
        &self,
        event: &Notification,
        each: impl FnMut(&EventState),
    ) -> Result<Report, Stop> {
        let deliver = || {
            let mut client = Client::connect(&self.socket, PATIENCE)?;
            let accepted = client.send(SendRequest::of(event).unwrap_or_default())?;
            let end = Instant::now().checked_add(PATIENCE);
            let state = client.follow(event.id, end, each)?;
            Ok(handover::settled(event, &accepted, &state))
        };
        deliver().map_err(|error: notify_api::ApiError| {
            Stop::failed(format!("the daemon does not deliver: {error}"))
        })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended by itself is waited for as well.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}
