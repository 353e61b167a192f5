//! A daemon of its own, and what the kernel says of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use notify_tests::Notify;

/// A running `notify daemon`. It is killed when it is dropped.
pub(crate) struct Daemon {
    child: Child,
    socket: PathBuf,
    _notify: Notify,
}

impl Daemon {
    /// With these sections, and a matcher that chooses these targets for everything.
    pub(crate) fn start(targets: &str, chosen: &[&str]) -> Self {
        let chosen: String = chosen
            .iter()
            .map(|name| format!("\ttarget {name}\n"))
            .collect();
        let tokens: String = targets
            .lines()
            .filter_map(|line| line.strip_prefix("gotify: "))
            .map(|name| format!("gotify: {name}\n\ttoken A.bench\n\n"))
            .collect();
        let notify = Notify::new()
            .file(
                "notifications.cfg",
                format!("{targets}matcher: default-matcher\n{chosen}"),
            )
            .file("priv/notifications.cfg", tokens);
        let socket = notify.scratch().join("notify.sock");
        let mut command = notify.command(&["--quiet", "daemon"]);
        command
            .env("NOTIFY_DAEMON_SOCKET", &socket)
            .stdout(Stdio::null());
        let child = command.spawn().expect("the program starts");
        let daemon = Daemon {
            child,
            socket,
            _notify: notify,
        };
        let end = Instant::now() + Duration::from_secs(10);
        while UnixStream::connect(&daemon.socket).is_err() {
            assert!(Instant::now() < end, "the daemon does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        daemon
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Resident memory.
    pub(crate) fn megabytes(&self) -> f64 {
        self.status("VmRSS:") * 1024.0 / 1e6
    }

    /// The most resident memory it ever had.
    pub(crate) fn peak_megabytes(&self) -> f64 {
        self.status("VmHWM:") * 1024.0 / 1e6
    }

    /// How often each of its threads gave up the processor since it started.
    pub(crate) fn wake_ups(&self) -> BTreeMap<OsString, u64> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let counted = tasks.flatten().filter_map(|task| {
            let status = std::fs::read_to_string(task.path().join("status")).ok()?;
            let count = number(&status, "voluntary_ctxt_switches:") as u64;
            Some((task.file_name(), count))
        });
        counted.collect()
    }

    fn status(&self, key: &str) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        number(&std::fs::read_to_string(path).expect("it runs"), key)
    }
}

fn number(status: &str, key: &str) -> f64 {
    let mut lines = status.lines();
    let value = lines.find_map(|line| line.strip_prefix(key));
    let digits = value
        .expect("the kernel tells it")
        .split_whitespace()
        .next();
    digits
        .and_then(|digits| digits.parse().ok())
        .expect("a number")
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
