//! A notification as a line of JSON, and what the answer says. Pure.

use std::time::Duration;

use notify_core::Notification;
use serde_json::json;

use crate::Config;

/// What a server says first.
pub const GREETING: &str = "echo 1\n";

/// The line that goes out, with its line break.
pub fn line(
    config: &Config,
    notification: &Notification,
    title: &str,
    text: &str,
    key: &str,
) -> String {
    let message = json!({
        "key": key,
        "severity": notification.severity,
        "fields": notification.fields,
        "title": title,
        "text": text,
        "token": config.token.expose(),
    });
    format!("{message}\n")
}

/// What a server said.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// `ok NUMBER`.
    Taken(String),
    /// `no REASON`.
    Refused(String),
    /// `busy` or `busy SECONDS`.
    Busy(Option<Duration>),
    /// `token`.
    WrongToken,
    /// Something else.
    Unclear,
}

/// Reads an answer.
pub fn answer(line: &str) -> Answer {
    let line = line.trim_end();
    match line.split_once(' ').unwrap_or((line, "")) {
        ("ok", number) => Answer::Taken(number.to_owned()),
        ("no", reason) => Answer::Refused(reason.to_owned()),
        ("busy", delay) => Answer::Busy(delay.parse().ok().map(Duration::from_secs)),
        ("token", "") => Answer::WrongToken,
        _ => Answer::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, answer};
    use std::time::Duration;

    #[test]
    fn answers_are_read() {
        let text = str::to_owned;
        assert_eq!(answer("ok 17\n"), Answer::Taken(text("17")));
        assert_eq!(answer("no such wall\n"), Answer::Refused(text("such wall")));
        assert_eq!(answer("busy\n"), Answer::Busy(None));
        assert_eq!(
            answer("busy 9\n"),
            Answer::Busy(Some(Duration::from_secs(9)))
        );
        assert_eq!(answer("token\n"), Answer::WrongToken);
        assert_eq!(answer("hello\n"), Answer::Unclear);
    }
}
