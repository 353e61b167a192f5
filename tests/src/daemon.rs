//! A daemon of an instance, and the service manager that it tells how it fares.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Notify, Run};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running daemon. It is killed when this is dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Option<Child>,
    manager: Manager,
}

/// Hears what a daemon tells its service manager.
#[derive(Debug)]
pub struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    /// Listens in the folder of an instance.
    ///
    /// # Panics
    /// When it cannot.
    pub fn of(notify: &Notify) -> Self {
        let name = |number| notify.scratch().join(format!("manager-{number}"));
        let path = (0..)
            .map(name)
            .find(|path| !path.exists())
            .expect("numbers do not end");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket
            .set_read_timeout(Some(PATIENCE))
            .expect("a time above zero");
        Manager { socket, path }
    }

    /// The next message.
    ///
    /// # Panics
    /// When none comes.
    pub fn hears(&self) -> String {
        let mut bytes = [0; 4096];
        let count = self
            .socket
            .recv(&mut bytes)
            .expect("the daemon says something");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    /// Waits for a message with this in it, and gives it.
    ///
    /// # Panics
    /// When other messages come for a minute.
    #[track_caller]
    pub fn wait_for(&self, part: &str) -> String {
        let end = Instant::now() + PATIENCE;
        let mut heard = Vec::new();
        while Instant::now() < end {
            let message = self.hears();
            if message.contains(part) {
                return message;
            }
            heard.push(message);
        }
        panic!("no `{part}` in {heard:?}");
    }
}

impl Daemon {
    /// Starts it, and waits until it is ready.
    pub fn start(notify: &Notify) -> Self {
        Daemon::spawn(notify, notify.command(&["daemon", "--log-format=text"]))
    }

    /// The same with this command.
    ///
    /// # Panics
    /// When it cannot be started, or ends before it is ready.
    pub fn spawn(notify: &Notify, mut command: Command) -> Self {
        let manager = Manager::of(notify);
        command.env("NOTIFY_SOCKET", &manager.path);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // Read on, or a full pipe stops it.
        let stderr = child.stderr.take().expect("a pipe");
        let log = notify.scratch().join("daemon.log");
        std::thread::spawn(move || keep(stderr, &log));
        let daemon = Daemon {
            child: Some(child),
            manager,
        };
        daemon.manager.wait_for("READY=1");
        daemon
    }

    /// What it tells its service manager.
    pub fn manager(&self) -> &Manager {
        &self.manager
    }

    /// Its number.
    ///
    /// # Panics
    /// When it was ended.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Sends it a signal, as `HUP`.
    ///
    /// # Panics
    /// When there is no `kill`.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(
            status.expect("kill is there").success(),
            "the daemon {pid} is there"
        );
    }

    /// Kills it as a power cut would.
    pub fn kill(mut self) {
        self.end();
    }

    /// Tells it to end, and waits for that.
    ///
    /// # Panics
    /// When it does not end.
    #[must_use]
    pub fn stop(self) -> i32 {
        self.signal("TERM");
        self.wait()
    }

    /// Waits until it has ended, and gives the exit code; -1 when a signal ended it.
    ///
    /// # Panics
    /// When it does not end.
    #[must_use]
    pub fn wait(mut self) -> i32 {
        let mut child = self.child.take().expect("it runs");
        let status = child.wait().expect("it ends");
        status.code().unwrap_or(-1)
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}

fn keep(mut from: impl std::io::Read, to: &std::path::Path) {
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(to);
    if let Ok(mut file) = file {
        let _ = std::io::copy(&mut from, &mut file);
    }
}

impl Notify {
    /// What the daemons of this instance wrote to standard error until now.
    pub fn daemon_log(&self) -> String {
        std::fs::read_to_string(self.scratch().join("daemon.log")).unwrap_or_default()
    }

    /// Its state folder.
    pub fn state(&self) -> PathBuf {
        self.scratch().join("state")
    }

    /// Runs a daemon that cannot be started.
    pub fn run_daemon(&self) -> Run {
        self.run(&["daemon", "--log-format=text"])
    }
}
