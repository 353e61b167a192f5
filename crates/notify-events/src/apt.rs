//! The updates that this machine's own apt knows of.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::Map;

use crate::data::package_updates::{PackageUpdate, PackageUpdates};
use crate::error::{EventError, EventErrorKind};

/// The most that is read of an answer, in bytes; 60,000 packages need 8 MiB.
const MOST: u64 = 64 << 20;

/// How often it is looked whether a program that was asked for too long has ended.
const LOOK: Duration = Duration::from_millis(20);

/// The program that knows of updates, and how long it may take.
///
/// It is asked for the plan of an upgrade, which it makes without changing
/// anything, without a lock and without a network. apt's own variable
/// `APT_CONFIG` is passed on to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apt {
    /// The program.
    pub program: PathBuf,
    /// How long it may take to answer.
    pub limit: Duration,
}

impl Default for Apt {
    /// `apt-get` of this machine, and five minutes.
    fn default() -> Self {
        Apt {
            program: PathBuf::from("apt-get"),
            limit: Duration::from_secs(300),
        }
    }
}

impl Apt {
    /// The packages that an upgrade would install, sorted by name.
    ///
    /// # Errors
    /// [`EventErrorKind::Origin`] when the program cannot be started, fails, or
    /// takes too long; it says what the program said.
    pub fn updates(&self) -> Result<PackageUpdates, EventError> {
        let answer = self.answer()?;
        if !answer.status.success() {
            let said = complaint(&answer.stderr);
            return Err(self.error(format!("{}{said}", answer.status)));
        }
        Ok(PackageUpdates::of(parse(&answer.stdout)))
    }

    fn answer(&self) -> Result<Answer, EventError> {
        let mut command = Command::new(&self.program);
        command
            .args(["-s", "-q", "-o", "Debug::NoLocking=true"])
            .args(["-o", "APT::Get::Show-User-Simulation-Note=false"])
            .arg("dist-upgrade")
            .env("LC_ALL", "C")
            .env_remove("LANGUAGE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.error("it is not installed"),
            _ => self.error(format!("cannot be started: {error}")),
        })?;
        self.wait(child)
    }

    fn wait(&self, mut child: Child) -> Result<Answer, EventError> {
        let deadline = Instant::now() + self.limit;
        let stdout = child.stdout.take().map(whole);
        let stderr = child.stderr.take().map(whole);
        let text = |from: Option<mpsc::Receiver<io::Result<Vec<u8>>>>| {
            let left = deadline.saturating_duration_since(Instant::now());
            from.map(|from| from.recv_timeout(left))
        };
        let (stdout, stderr) = (text(stdout), text(stderr));
        let status = ended(&mut child, deadline)
            .map_err(|error| self.error(format!("cannot be waited for: {error}")))?;
        let late = || {
            let seconds = self.limit.as_secs_f32();
            self.error(format!("no answer within {seconds} s"))
        };
        let text = |read: Option<Result<io::Result<Vec<u8>>, RecvTimeoutError>>| match read {
            Some(Ok(Ok(bytes))) if bytes.len() as u64 > MOST => {
                Err(self.error("its answer is longer than 64 MiB"))
            }
            Some(Ok(Ok(bytes))) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Some(Ok(Err(error))) => Err(self.error(format!("its answer cannot be read: {error}"))),
            Some(Err(_)) => Err(late()),
            None => Ok(String::new()),
        };
        Ok(Answer {
            status: status.ok_or_else(late)?,
            stdout: text(stdout)?,
            stderr: text(stderr)?,
        })
    }

    fn error(&self, reason: impl std::fmt::Display) -> EventError {
        let program = self.program.display();
        EventError::new(EventErrorKind::Origin, format!("{program}: {reason}"))
    }
}

struct Answer {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

/// Reads in a thread, so that two pipes can be read at once and no read lasts too long.
fn whole(pipe: impl Read + Send + 'static) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = pipe.take(MOST + 1).read_to_end(&mut bytes);
        // Whoever waited may have given up.
        let _ = send.send(read.map(|_| bytes));
    });
    receive
}

/// How a program ended; none when it did not in time, and then it is stopped.
fn ended(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            // It may have ended just now.
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
}

/// The errors among the lines on standard error, in one line; with a colon before them.
fn complaint(stderr: &str) -> String {
    let errors = stderr.lines().filter_map(|line| line.strip_prefix("E: "));
    let mut errors: Vec<_> = errors.map(str::trim).collect();
    errors.truncate(5);
    if errors.is_empty() {
        errors.extend(stderr.lines().rfind(|line| !line.trim().is_empty()));
    }
    let text = notify_schema::one_line(&errors.join("; "), 500);
    if text.is_empty() {
        text
    } else {
        format!(": {text}")
    }
}

/// The packages that a plan of `apt-get -s dist-upgrade` installs, sorted by name.
///
/// Lines that are none of a package are passed over. Of a package that stands
/// there twice the last counts.
///
/// ```
/// let plan = "Inst bash [5.2.15-2+b8] (5.2.15-2+b13 Debian:12.15/oldstable [amd64]) []\n\
///             Inst linux-image (6.1 Debian:12 [amd64])\n\
///             Conf bash (5.2.15-2+b13 Debian:12.15/oldstable [amd64])\n";
/// let updates = notify_events::apt::parse(plan);
/// assert_eq!(updates[0].package_name, "bash");
/// assert_eq!(updates[0].installed_version.as_deref(), Some("5.2.15-2+b8"));
/// assert_eq!(updates[0].available_version, "5.2.15-2+b13");
/// assert_eq!(updates[1].installed_version, None);
/// ```
pub fn parse(plan: &str) -> Vec<PackageUpdate> {
    let updates: BTreeMap<String, PackageUpdate> = plan
        .lines()
        .filter_map(update)
        .map(|update| (update.package_name.clone(), update))
        .collect();
    updates.into_values().collect()
}

/// `Inst NAME [OLD] (NEW ORIGIN [ARCH]) …`, where `[OLD]` is missing for what comes anew.
fn update(line: &str) -> Option<PackageUpdate> {
    let (name, rest) = line.strip_prefix("Inst ")?.trim_start().split_once(' ')?;
    let (before, after) = rest.split_once('(')?;
    let installed = before
        .trim()
        .strip_prefix('[')
        .and_then(|version| version.strip_suffix(']'));
    let available = after.split([' ', ')']).next()?;
    (!name.is_empty() && !available.is_empty()).then(|| PackageUpdate {
        package_name: name.to_owned(),
        installed_version: installed.map(str::to_owned),
        available_version: available.to_owned(),
        other: Map::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::{complaint, parse};

    fn check(line: &str, expected: Option<(&str, Option<&str>, &str)>) {
        let updates = parse(line);
        let found = updates.first().map(|update| {
            (
                update.package_name.as_str(),
                update.installed_version.as_deref(),
                update.available_version.as_str(),
            )
        });
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn a_line_is_a_package_or_nothing() {
        check("Inst a [1] (2 x:1/y [all])", Some(("a", Some("1"), "2")));
        check("Inst a (2 x [amd64])", Some(("a", None, "2")));
        check(
            "Inst a:i386 [1:1~rc1] (1:1 x, y:1/z [i386]) [b:amd64 ]",
            Some(("a:i386", Some("1:1~rc1"), "1:1")),
        );
        check("Inst a (2)", Some(("a", None, "2")));
        for other in [
            "",
            "Inst",
            "Inst a",
            "Inst a [1]",
            "Inst a [1] ()",
            "Inst a (",
            "Conf a (2 x [all])",
            "Remv a [1]",
            " Inst a (2 x)",
            "1 upgraded, 0 newly installed",
        ] {
            check(other, None);
        }
    }

    #[test]
    fn packages_are_sorted_and_stand_once() {
        let updates = parse("Inst b (1 x)\nInst a (1 x)\nInst b (2 x)\n");
        let names: Vec<_> = updates
            .iter()
            .map(|update| format!("{} {}", update.package_name, update.available_version))
            .collect();
        assert_eq!(names, ["a 1", "b 2"]);
    }

    #[test]
    fn a_complaint_is_the_errors_or_the_last_line() {
        assert_eq!(complaint("W: a\nE: b\nE: c\n"), ": b; c");
        assert_eq!(complaint("a\nb\n\n"), ": b");
        assert_eq!(complaint("\n"), "");
    }
}
