//! Real servers of the system, started on loopback as plain processes in folders of their own.
//!
//! Each is ready when `start` returns and has ended when it is dropped; should
//! the test program die without dropping it, a watcher ends it. A missing
//! program is a failure that names the command that installs it.

mod alertmanager;
mod apt;
mod chromium;
mod daemon;
mod daemons;
mod dovecot;
mod postfix;
mod tinyproxy;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use alertmanager::Alertmanager;
pub use apt::{Apt, Package};
pub use chromium::{Chromium, View};
pub use daemons::{Cron, mdadm_test, smartd_warning};
pub use dovecot::Dovecot;
pub use postfix::{Mail, Port, Postfix, PostfixOptions};
pub use tinyproxy::{Tinyproxy, TinyproxyOptions};

/// What to run, as root, when a program is missing.
pub const INSTALL: &str = "apt-get install -y --no-install-recommends postfix dovecot-core tinyproxy openssl cron smartmontools bsd-mailx mdadm prometheus-alertmanager chromium";

/// How long a server may take to start, and a mail to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// The path of a program, looked for where administrators' programs are, too.
///
/// # Panics
/// When it is not installed; the message says how to install it.
fn program(name: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default();
    let found = path
        .split(':')
        .chain(["/usr/sbin", "/usr/bin", "/sbin"])
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("`{name}` is not installed; run: {INSTALL}"))
}

/// A new folder that every user may enter: the servers' workers are not root.
fn folder(prefix: &str) -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir()
        .expect("there is a folder for temporary files");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))
        .expect("it belongs to this user");
    folder
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
}

/// A port that was free a moment ago, for servers that cannot take any port.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|addr| addr.port())
        .expect("loopback has a free port")
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Asks again and again until there is an answer or `deadline` has passed. Blocks the thread.
///
/// For what another program does, which cannot tell when it has done it.
pub fn ask_until<T>(deadline: Instant, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        // Another program cannot wake us; this only keeps the machine free for it.
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    #[should_panic(expected = "`no-such-program` is not installed; run: apt-get install -y")]
    fn a_missing_program_fails_with_the_command_that_installs_it() {
        program("no-such-program");
    }
}
