//! Those who bring numbered mails for root, as an MTA does, and note what they are told.
//!
//! One runs the command as root's MTA does. The other leaves each mail in the mail drop,
//! whether a daemon runs or not, as nobody does: a daemon takes it there, at once
//! or when one runs again.

use std::io;
use std::process::ExitStatus;

use notify_core::EventId;

use super::dice::Dice;
use super::ledger::{Answer, Ledger};
use super::oracle::{NO_DAEMON, PATIENCE, TRY_AGAIN, send_all, text};
use super::process::{Said, said};
use super::stage::Stage;
use super::verdict::title;

/// What the command remarks when it puts a mail into the queue of mails.
const KEPT: &str = " is kept until the daemon takes it";

/// What it says when a daemon may have it that did not answer.
const UNKNOWN: &str = " was taken before that is not known";

/// Brings mails to the command, until the ledger is closed.
pub(super) fn bring(stage: &Stage, ledger: &Ledger, mut dice: Dice) {
    send_all(ledger, |number| {
        let said = forwarded(stage, &[], number, &mut dice)?;
        Ok(answer_of(said, brought))
    });
}

/// Leaves mails in the mail drop, until the ledger is closed.
pub(super) fn drop_off(stage: &Stage, ledger: &Ledger, mut dice: Dice) {
    let drop = stage.drop().display().to_string();
    send_all(ledger, |number| {
        let said = forwarded(stage, &["--drop", &drop], number, &mut dice)?;
        Ok(answer_of(said, |_, _| Some(Answer::Dropped)))
    });
}

fn forwarded(stage: &Stage, more: &[&str], number: u64, dice: &mut Dice) -> io::Result<Said> {
    let mail = format!(
        "From: root@example.com\nTo: root@example.com\nSubject: {}\n\n{}",
        title(number),
        text(number, dice)
    );
    let mut command = stage.command(&["forward-mail"]);
    said(command.args(more), mail.as_bytes(), PATIENCE)
}

/// What the command's end means to an MTA, which knows two codes only.
fn answer_of(said: Said, taken: impl FnOnce(&str, &str) -> Option<Answer>) -> Answer {
    let Said {
        status,
        stdout,
        stderr,
    } = said;
    match status.as_ref().and_then(ExitStatus::code) {
        Some(0) => taken(&stdout, &stderr)
            .unwrap_or_else(|| Answer::Wrong(format!("success without a place: {stdout}{stderr}"))),
        // An MTA has no word for it.
        Some(TRY_AGAIN) if stderr.contains(UNKNOWN) => Answer::Open(stderr.trim().to_owned()),
        Some(TRY_AGAIN) => Answer::Refused(stderr.trim().to_owned()),
        _ => Answer::Wrong(format!("ended with {status:?}: {stdout}{stderr}")),
    }
}

/// Where a mail is that was brought to the command and taken.
fn brought(stdout: &str, stderr: &str) -> Option<Answer> {
    let id_after = |line: &str| {
        line.strip_prefix("accepted ")?
            .split(' ')
            .next()?
            .parse()
            .ok()
    };
    let id_before = |line: &str| line.strip_suffix(KEPT)?.parse().ok();
    let accepted: Option<EventId> = stdout.lines().find_map(id_after);
    let stored = stderr.contains(NO_DAEMON);
    match accepted {
        Some(id) if stored => Some(Answer::Stored(id)),
        Some(id) => Some(Answer::Accepted(id)),
        None => stderr.lines().find_map(id_before).map(Answer::Kept),
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, answer_of, brought};
    use crate::chaos::process::Said;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    const ID: &str = "0192fd4b-7c00-7000-8000-000000000001";

    fn check(code: i32, stdout: &str, stderr: &str) -> Answer {
        let said = Said {
            status: Some(ExitStatus::from_raw(code << 8)),
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
        };
        answer_of(said, brought)
    }

    #[test]
    fn a_mail_that_was_taken_is_somewhere() {
        let id = ID.parse().expect("an id");
        let accepted = format!("accepted {ID}\n");
        assert_eq!(check(0, &accepted, ""), Answer::Accepted(id));
        let known = format!("accepted {ID} (it was known)\n");
        assert_eq!(check(0, &known, ""), Answer::Accepted(id));
        let stored = format!("the daemon does not answer: {ID} waits in /s until it runs\n");
        assert_eq!(check(0, &accepted, &stored), Answer::Stored(id));
        let kept = format!("error: no room\n{ID} is kept until the daemon takes it\n");
        assert_eq!(check(0, "", &kept), Answer::Kept(id));
        assert!(matches!(check(0, "", ""), Answer::Wrong(_)));
    }

    #[test]
    fn what_may_be_taken_is_not_refused() {
        let said = format!("error: full; whether {ID} was taken before that is not known\n");
        assert!(matches!(check(75, "", &said), Answer::Open(_)));
    }

    #[test]
    fn an_mta_bounces_on_every_other_code() {
        assert_eq!(check(75, "", "full\n"), Answer::Refused("full".to_owned()));
        for code in [1, 2, 64, 78] {
            assert!(matches!(check(code, "", "why"), Answer::Wrong(_)), "{code}");
        }
    }
}
