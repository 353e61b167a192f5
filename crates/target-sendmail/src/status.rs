//! What the exit status of a `sendmail` program means.

use std::process::ExitStatus;

use notify_core::FailureKind;
use notify_core::FailureKind::{Misconfigured, Rejected, Unavailable};

/// The statuses of `sysexits.h` and the two of a shell that cannot run a program.
///
/// A status that does not say that the mail is refused for good is tried again:
/// a notification that comes late or twice is better than one that is lost.
const MEANINGS: [(i32, &str, FailureKind); 17] = [
    (64, "command line not understood", Misconfigured),
    (65, "mail not understood", Rejected),
    (66, "input not found", Misconfigured),
    (67, "user unknown", Rejected),
    (68, "host unknown", Rejected),
    (69, "service unavailable", Unavailable),
    (70, "internal software error", Unavailable),
    (71, "operating system error", Unavailable),
    (72, "system file missing", Misconfigured),
    (73, "output cannot be created", Unavailable),
    (74, "input or output error", Unavailable),
    (75, "temporary failure", Unavailable),
    (76, "protocol error", Unavailable),
    (77, "permission denied", Misconfigured),
    (78, "configuration error", Misconfigured),
    (126, "program cannot be run", Misconfigured),
    (127, "program not found", Misconfigured),
];

/// The kind of failure, and `exited with 75, temporary failure`; none for success.
///
/// `handed_over` says whether the program got the whole mail: one that a signal
/// ended after that may have passed it on.
pub(crate) fn failure(status: ExitStatus, handed_over: bool) -> Option<(FailureKind, String)> {
    if status.success() {
        return None;
    }
    let Some(code) = status.code() else {
        return Some((interrupted(handed_over), format!("was ended by {status}")));
    };
    let known = MEANINGS.iter().find(|(known, ..)| *known == code);
    Some(match known {
        Some((_, meaning, kind)) => (*kind, format!("exited with {code}, {meaning}")),
        None => (Unavailable, format!("exited with {code}")),
    })
}

/// The kind of failure of a program that did not come to its own end.
pub(crate) fn interrupted(handed_over: bool) -> FailureKind {
    if handed_over {
        FailureKind::Uncertain
    } else {
        Unavailable
    }
}

#[cfg(test)]
mod tests {
    use super::{MEANINGS, failure};
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    fn check(raw: i32, handed_over: bool, expected: Option<(&str, &str)>) {
        let found = failure(ExitStatus::from_raw(raw), handed_over);
        let found = found
            .as_ref()
            .map(|(kind, text)| (kind.name(), text.as_str()));
        assert_eq!(found, expected, "{raw:#x}");
    }

    #[test]
    fn statuses_have_their_meaning() {
        check(0, true, None);
        check(
            75 << 8,
            true,
            Some(("unavailable", "exited with 75, temporary failure")),
        );
        check(
            67 << 8,
            true,
            Some(("rejected", "exited with 67, user unknown")),
        );
        check(
            78 << 8,
            true,
            Some(("misconfigured", "exited with 78, configuration error")),
        );
        check(1 << 8, true, Some(("unavailable", "exited with 1")));
        check(
            11,
            true,
            Some(("uncertain", "was ended by signal: 11 (SIGSEGV)")),
        );
        check(
            11,
            false,
            Some(("unavailable", "was ended by signal: 11 (SIGSEGV)")),
        );
    }

    #[test]
    fn the_manual_has_the_same_table() {
        let manual = include_str!("../manual.md");
        for (code, meaning, kind) in MEANINGS {
            let row = format!("| {code} | {meaning} | {kind} |");
            assert!(manual.contains(&row), "{row}");
        }
    }

    #[test]
    fn each_status_of_sysexits_has_one_meaning() {
        let codes: Vec<i32> = MEANINGS.iter().map(|(code, ..)| *code).collect();
        assert_eq!(codes, (64..=78).chain([126, 127]).collect::<Vec<_>>());
    }
}
