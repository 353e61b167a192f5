//! The folders of a run: configuration, state, and what the environment says of them.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sections;

use super::sink::{HttpSink, MailSink};

/// The targets, one of each way to deliver.
pub(super) const TARGETS: [&str; 3] = ["mail", "push", "hook"];

/// The target of which nothing is sent again that may have arrived.
pub(super) const HELD: &str = TARGETS[2];

/// Who gets a mail.
pub(super) const RECIPIENTS: [&str; 2] = ["one@example.com", "two@example.com"];

/// As `notify forward-mail --install` makes the mail drop.
const DROP_MODE: u32 = 0o1733;

/// What an administrator, or an editor, does to the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    /// A target lacks what it needs.
    Unusable(&'static str),
    /// A target is gone.
    Missing(&'static str),
    /// The file is cut in the middle, and rubbish follows.
    Garbage,
}

/// The folders of a run.
#[derive(Debug)]
pub(super) struct Stage {
    root: PathBuf,
    program: PathBuf,
    variables: Vec<(&'static str, String)>,
    /// The section of each target, in the order of [`TARGETS`].
    sections: [String; TARGETS.len()],
}

impl Stage {
    /// Makes the folders and a configuration that is well.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn set(
        root: &Path,
        program: &Path,
        mail: &MailSink,
        push: &HttpSink,
        hook: &HttpSink,
    ) -> io::Result<Self> {
        let [name_of_mail, name_of_push, name_of_hook] = TARGETS;
        let stage = Stage {
            root: root.to_owned(),
            program: program.to_owned(),
            variables: Vec::new(),
            sections: [
                sections::smtp(name_of_mail, mail.port(), &RECIPIENTS),
                sections::gotify(name_of_push, &push.url()),
                // The title, with nothing around it.
                format!(
                    "webhook: {name_of_hook}\n\tmethod post\n\turl {}/hook\n\tbody e3sgdGl0bGUgfX0=\n\n",
                    hook.url()
                ),
            ],
        };
        for folder in ["etc/priv", "state/incoming"] {
            fs::create_dir_all(root.join(folder))?;
        }
        fs::set_permissions(stage.drop(), fs::Permissions::from_mode(DROP_MODE))?;
        let private = stage.config().join("priv/notifications.cfg");
        fs::write(&private, sections::token(name_of_push, "A.token"))?;
        fs::set_permissions(&private, fs::Permissions::from_mode(0o600))?;
        // A rubbish file leaves the built-in target, which gets what is sent meanwhile.
        let users = "user:root@pam:1:0:::root@example.com:::\n";
        fs::write(stage.config().join("user.cfg"), users)?;
        fs::write(stage.sendmail(), "#!/bin/sh\nexec cat >/dev/null\n")?;
        fs::set_permissions(stage.sendmail(), fs::Permissions::from_mode(0o755))?;
        // Hours of retries in seconds, and nothing that is given up in that time.
        let own = format!(
            "daemon: local\n\tretry-min-interval 1s\n\tretry-max-interval 2s\n\n\
             webhook: {HELD}\n\tretry-uncertain hold\n"
        );
        fs::write(stage.config().join("notify.cfg"), own)?;
        stage.set_clock(0)?;
        stage.heal()?;
        Ok(stage)
    }

    /// With a variable in the environment of the daemon and of all senders.
    #[must_use]
    pub(super) fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// The state folder.
    pub(super) fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    /// The mail drop.
    pub(super) fn drop(&self) -> PathBuf {
        self.state().join("incoming")
    }

    /// How many mails lie in the drop, or in the queue behind it.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub(super) fn mails(&self) -> io::Result<usize> {
        let is_mail = |name: &str| name.starts_with("mail.") || name.ends_with(".mail");
        let mut count = 0;
        for folder in [self.drop(), self.state().join("mail")] {
            let entries = match fs::read_dir(folder) {
                // The queue is made when it is needed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            let names = entries.flatten().map(|entry| entry.file_name());
            count += names
                .filter(|name| name.to_str().is_some_and(is_mail))
                .count();
        }
        Ok(count)
    }

    /// The folder of the spool.
    pub(super) fn spool(&self) -> PathBuf {
        self.state().join("spool")
    }

    /// Where the daemon listens.
    pub(super) fn socket(&self) -> PathBuf {
        self.state().join("notify.sock")
    }

    /// What the daemon says.
    pub(super) fn log(&self) -> PathBuf {
        self.root.join("daemon.log")
    }

    /// A call of the program.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .env("NOTIFY_CONFIG_DIR", self.config())
            .env("NOTIFY_STATE_DIR", self.state())
            .env("NOTIFY_CLOCK_OFFSET_FILE", self.offset())
            .env("NOTIFY_SENDMAIL", self.sendmail())
            .env("TZ", "UTC")
            // A service manager's, should this run under one.
            .env_remove("NOTIFY_SOCKET")
            .env_remove("NOTIFY_DAEMON_SOCKET")
            .envs(self.variables.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Breaks the configuration.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn damage(&self, how: Break) -> io::Result<()> {
        match how {
            Break::Unusable(target) => self.write(|name, section| {
                let lines = section.split_inclusive('\n');
                let needed = |line: &&str| {
                    name == target
                        && ["\tserver", "\turl"]
                            .iter()
                            .any(|key| line.starts_with(key))
                };
                lines.filter(|line| !needed(line)).collect()
            }),
            Break::Missing(target) => self.write(|name, section| match name == target {
                true => String::new(),
                false => section.to_owned(),
            }),
            // In place, as a bad editor does, and half of it.
            Break::Garbage => fs::write(self.public(), "smtp: mail\n\tserver 127.0.\0\0\u{1}{]["),
        }
    }

    /// Mends the configuration.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn heal(&self) -> io::Result<()> {
        self.write(|_, section| section.to_owned())
    }

    /// Sets the wall clock ahead of the real one by so many seconds.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn set_clock(&self, seconds: i64) -> io::Result<()> {
        replace(&self.offset(), &seconds.to_string())
    }

    /// Writes the public file, its sections changed like this.
    fn write(&self, change: impl Fn(&str, &str) -> String) -> io::Result<()> {
        let sections = TARGETS.iter().zip(&self.sections);
        let sections: String = sections.map(|(name, text)| change(name, text)).collect();
        let off = "matcher: default-matcher\n\tdisable true\n\n";
        let text = format!("{sections}{}{off}", sections::all_to(&TARGETS));
        replace(&self.public(), &text)
    }

    fn config(&self) -> PathBuf {
        self.root.join("etc")
    }

    fn public(&self) -> PathBuf {
        self.config().join("notifications.cfg")
    }

    /// It takes every mail.
    fn sendmail(&self) -> PathBuf {
        self.root.join("sendmail")
    }

    fn offset(&self) -> PathBuf {
        self.root.join("clock-offset")
    }
}

/// Nobody reads half of it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let temp = path.with_extension("new");
    fs::write(&temp, text)?;
    fs::rename(temp, path)
}
