//! Dovecot, only to check passwords for another server (SASL PLAIN and LOGIN).

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::daemon::Daemon;
use super::{PATIENCE, ask_until, folder, program, write};
use crate::smtp::Mechanism;

/// A running Dovecot that knows one user.
#[derive(Debug)]
pub struct Dovecot {
    // Before the folder: the process ends first.
    _daemon: Daemon,
    folder: TempDir,
}

impl Dovecot {
    /// Starts it with these mechanisms and this user.
    ///
    /// # Panics
    /// When it is not installed, not run as root, or does not come up within a minute.
    pub fn start(mechanisms: &[Mechanism], user: &str, password: &str) -> Self {
        let dovecot = program("dovecot");
        let folder = folder("notify-dovecot-");
        let path = folder.path();
        write(
            &path.join("users"),
            &format!("{user}:{{PLAIN}}{password}\n"),
        );
        write(&path.join("dovecot.conf"), &config(path, mechanisms));
        let mut command = Command::new(dovecot);
        command.arg("-F").arg("-c").arg(path.join("dovecot.conf"));
        let mut daemon = Daemon::spawn(&mut command, path);
        let ready = ask_until(Instant::now() + PATIENCE, || {
            (is_ready(&path.join("auth-client")) || !daemon.is_alive()).then_some(())
        });
        let log = std::fs::read_to_string(path.join("dovecot.log")).unwrap_or_default();
        let up = ready.is_some() && daemon.is_alive();
        assert!(
            up,
            "dovecot does not come up; it needs root; its log:\n{log}"
        );
        Dovecot {
            _daemon: daemon,
            folder,
        }
    }

    /// The socket at which other servers ask.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("auth-client")
    }
}

fn config(folder: &Path, mechanisms: &[Mechanism]) -> String {
    let names: Vec<_> = mechanisms
        .iter()
        .map(|known| known.name().to_lowercase())
        .collect();
    let names = names.join(" ");
    let folder = folder.display();
    format!(
        "base_dir = {folder}/run\n\
         state_dir = {folder}/state\n\
         log_path = {folder}/dovecot.log\n\
         protocols =\n\
         ssl = no\n\
         disable_plaintext_auth = no\n\
         auth_mechanisms = {names}\n\
         auth_failure_delay = 0 secs\n\
         passdb {{\n  driver = passwd-file\n  args = {folder}/users\n}}\n\
         userdb {{\n  driver = static\n  args = uid=nobody gid=nogroup home=/nonexistent\n}}\n\
         service auth {{\n  unix_listener {folder}/auth-client {{\n    mode = 0666\n  }}\n}}\n"
    )
}

/// Whether it offers its mechanisms, as a client of the authentication protocol sees it.
fn is_ready(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else {
        return false;
    };
    let asked = stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .and_then(|()| stream.write_all(b"VERSION\t1\t1\nCPID\t1\n"));
    asked.is_ok()
        && BufReader::new(stream)
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "DONE")
}
