//! The options of a backup that say who hears of it, and how.

use std::fmt;
use std::str::FromStr;

use crate::quote::quoted;

/// Which way the report of a backup goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NotificationMode {
    /// A mail of the old way where an address is set, else the notification system.
    #[default]
    Auto,
    /// A mail to the addresses of the job, past targets and matchers.
    LegacySendmail,
    /// The notification system.
    NotificationSystem,
}

/// When a mail of the old way is sent. The notification system does not look at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailNotification {
    /// After every backup.
    #[default]
    Always,
    /// Only when something failed.
    Failure,
}

/// A word that is none of those that an option knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {expected}, not {}", quoted(.word))]
pub struct UnknownWord {
    expected: String,
    word: String,
}

impl NotificationMode {
    /// All of them.
    pub const ALL: [NotificationMode; 3] = [
        NotificationMode::Auto,
        NotificationMode::LegacySendmail,
        NotificationMode::NotificationSystem,
    ];

    /// The word in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            NotificationMode::Auto => "auto",
            NotificationMode::LegacySendmail => "legacy-sendmail",
            NotificationMode::NotificationSystem => "notification-system",
        }
    }
}

impl MailNotification {
    /// Both of them.
    pub const ALL: [MailNotification; 2] = [MailNotification::Always, MailNotification::Failure];

    /// The word in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            MailNotification::Always => "always",
            MailNotification::Failure => "failure",
        }
    }
}

impl fmt::Display for NotificationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for MailNotification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for NotificationMode {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        one_of(&NotificationMode::ALL, NotificationMode::name, word)
    }
}

impl FromStr for MailNotification {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        one_of(&MailNotification::ALL, MailNotification::name, word)
    }
}

fn one_of<T: Copy>(
    all: &[T],
    name: impl Fn(T) -> &'static str,
    word: &str,
) -> Result<T, UnknownWord> {
    let found = all.iter().copied().find(|known| name(*known) == word);
    found.ok_or_else(|| UnknownWord {
        expected: all
            .iter()
            .map(|known| name(*known))
            .collect::<Vec<_>>()
            .join(", "),
        word: word.to_owned(),
    })
}

/// The addresses of a `mailto` list, in order: parted by `,`, `;`, blanks or NUL.
///
/// ```
/// assert_eq!(notify_config::mailto("root, a@x.org;b@x.org"), ["root", "a@x.org", "b@x.org"]);
/// assert!(notify_config::mailto(" ; ").is_empty());
/// ```
pub fn mailto(list: &str) -> Vec<String> {
    let parts = list.split(|c: char| matches!(c, ',' | ';' | '\0') || c.is_whitespace());
    let named = parts.filter(|part| !part.is_empty());
    named.map(str::to_owned).collect()
}

/// A value, and the line that gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// The line, from 1.
    pub line: u32,
}

/// What a job, or the defaults of a host, say about reports. What they leave out is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupOptions {
    /// `notification-mode`.
    pub mode: Option<Given<NotificationMode>>,
    /// `mailto`. A list without an address is set all the same.
    pub mailto: Option<Given<Vec<String>>>,
    /// `mailnotification`.
    pub mailnotification: Option<Given<MailNotification>>,
}

impl BackupOptions {
    /// Takes a line in. Keys that do not concern reports are passed over.
    ///
    /// # Errors
    /// The value is no value of this option; nothing has changed then.
    pub(crate) fn set(&mut self, key: &str, value: &str, line: u32) -> Result<(), UnknownWord> {
        match key {
            "notification-mode" => self.mode = Some(given(value.parse()?, line)),
            "mailto" => self.mailto = Some(given(mailto(value), line)),
            "mailnotification" => self.mailnotification = Some(given(value.parse()?, line)),
            _ => {}
        }
        Ok(())
    }

    /// The line that sets an option; none when no line does.
    pub(crate) fn line_of(&self, key: &str) -> Option<u32> {
        match key {
            "notification-mode" => self.mode.as_ref().map(|given| given.line),
            "mailto" => self.mailto.as_ref().map(|given| given.line),
            "mailnotification" => self.mailnotification.as_ref().map(|given| given.line),
            _ => None,
        }
    }

    /// Whether an option concerns reports.
    pub(crate) fn knows(key: &str) -> bool {
        ["notification-mode", "mailto", "mailnotification"].contains(&key)
    }
}

fn given<T>(value: T, line: u32) -> Given<T> {
    Given { value, line }
}
