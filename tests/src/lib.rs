//! The whole program on loopback, against real servers.
//!
//! The tests stand in `tests/`; this library runs the program for them, each
//! time in a configuration folder of its own.

pub mod chaos;
mod daemon;
pub mod mails;
mod nobody;
mod powerless;
pub mod sections;
mod sendmail;

pub use daemon::{Daemon, Manager};
pub use nobody::Nobody;
pub use sendmail::{Call, Sendmail};

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The program, and a configuration folder for it.
#[derive(Debug)]
pub struct Notify {
    folder: TempDir,
    /// Another program than the one under test.
    program: Option<PathBuf>,
    variables: Vec<(OsString, OsString)>,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// The program under test: `NOTIFY_BIN`, which `cargo xtask test` sets.
///
/// # Panics
/// When it is not set, with the command to use.
pub fn program() -> PathBuf {
    let named = std::env::var_os("NOTIFY_BIN").map(PathBuf::from);
    named
        .filter(|path| path.is_file())
        .expect("NOTIFY_BIN names the built program: run the tests with `cargo xtask test`")
}

impl Default for Notify {
    fn default() -> Self {
        Notify::new()
    }
}

impl Notify {
    /// With an empty configuration folder.
    ///
    /// # Panics
    /// When no folder can be made.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir_all(folder.path().join("etc/priv")).expect("a configuration folder");
        Notify {
            folder,
            program: None,
            variables: Vec::new(),
        }
    }

    /// The same with a program that has other targets.
    #[must_use]
    pub fn of_program(mut self, path: &Path) -> Self {
        self.program = Some(path.to_owned());
        self
    }

    /// With a file in the configuration folder; what stands in `priv/` is readable by its owner only.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[must_use]
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.config().join(name);
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
        std::fs::write(&path, content).expect("a configuration file");
        if name.starts_with("priv/") {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
                .expect("a private file");
        }
        self
    }

    /// The same; the built-in matcher, which chooses the built-in target for everything, is off.
    #[must_use]
    pub fn routing(self, matchers: &str) -> Self {
        let off = "matcher: default-matcher\n\tdisable true\n\n";
        self.file("notifications.cfg", format!("{off}{matchers}"))
    }

    /// With other permissions for a file of the configuration folder.
    ///
    /// # Panics
    /// When there is no such file.
    #[must_use]
    pub fn mode(self, name: &str, mode: u32) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.config().join(name), permissions)
            .expect("a file of the configuration folder");
        self
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// The configuration folder.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("etc")
    }

    /// A folder of this instance that is not the configuration's.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the configuration folder.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.config().join(name)).expect("a configuration file")
    }

    /// The program that it runs.
    pub fn program(&self) -> PathBuf {
        self.program.clone().unwrap_or_else(program)
    }

    /// The command, ready to start.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        command
            .args(words)
            .env("NOTIFY_CONFIG_DIR", self.config())
            .env("NOTIFY_STATE_DIR", self.folder.path().join("state"))
            .env("TZ", "Europe/Vienna")
            .env_remove("NOTIFY_SENDMAIL")
            // Not the defaults of this machine's backups.
            .env("NOTIFY_VZDUMP_CONF", "/dev/null")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it to the end.
    pub fn run(&self, words: &[&str]) -> Run {
        self.run_with(words, b"")
    }

    /// Runs it to the end with this on its standard input.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run_with(&self, words: &[&str], input: &[u8]) -> Run {
        Run::of(self.command(words), input)
    }

    /// Runs it to the end without root's power to read what permissions forbid.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run_powerless(&self, words: &[&str]) -> Run {
        Run::of(powerless::bound(&self.command(words)), b"")
    }
}

impl Run {
    /// Runs a command to the end with this on its standard input.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn of(mut command: Command, input: &[u8]) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let output = std::thread::scope(|scope| {
            // A program that does not read its input closes the pipe early.
            scope.spawn(move || stdin.write_all(input).ok());
            child.wait_with_output().expect("the program ends")
        });
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Itself, after a look at the exit code.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    #[must_use]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "exit code\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// Standard output as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    /// Itself, after a look for these words in one line of standard error.
    ///
    /// # Panics
    /// When no line has all of them.
    #[track_caller]
    pub fn expect_error_line(self, words: &[&str]) -> Self {
        let told = |line: &str| words.iter().all(|word| line.contains(word));
        assert!(
            self.stderr.lines().any(told),
            "no line of standard error has {words:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Standard output as one JSON value a line.
    ///
    /// # Panics
    /// When a line is none.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let value = |line: &str| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{error}: {line}\n{}", self.stderr))
        };
        self.stdout.lines().map(value).collect()
    }
}
