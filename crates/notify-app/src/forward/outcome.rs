//! What an attempt means for a mail: arrived, to be tried again, or given up.

use notify_bus::{Report, Skipped, State, TargetReport};
use notify_core::FailureKind;
use notify_drop::{Progress, Wait};

/// How long a mail is tried, in seconds: 5 days, as Postfix does.
const LIFETIME: i64 = 5 * 24 * 3600;
/// How often in a row a target may be down before the other mails of a drain do not wait for it.
const TIRED: u32 = 3;
/// How often a target may give no answer after it was sent: each time it may have arrived.
const UNANSWERED: u32 = 3;

/// How long a target is left alone after its first failure with a mail, in
/// seconds; after each further one twice as long.
const FIRST_WAIT: i64 = 20;
/// The longest time that we leave it alone unasked, in seconds.
const LONGEST_WAIT: i64 = 3600;
/// The longest time that a target may ask for, in seconds.
const LONGEST_ASKED: i64 = 24 * 3600;

/// Where a mail stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Every chosen target is done with it, and at least one took it, or none was chosen.
    Done,
    /// At least one target is to be tried again.
    Pending,
    /// No target took it, and none will.
    Failed,
}

/// What became of one target.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Taken,
    /// Taken by all but these, which may be tried again.
    TakenBut(Vec<String>),
    Later(String),
    Unanswered(String),
    Never(String),
    /// Switched off: as if it had not been chosen.
    Nothing,
}

/// Notes what an attempt gave. `rested` says that a target was left out of it and is to be tried again.
///
/// That a mail has had its time ends it only where it was tried once more: a
/// target that rested would otherwise never have seen it.
pub(super) fn settle(report: &Report, rested: bool, progress: &mut Progress, now: i64) -> Standing {
    let expired = now.saturating_sub(progress.arrival.timestamp) >= LIFETIME;
    let mut pending = rested;
    for target in &report.targets {
        let name = target.name.clone();
        let again = match verdict(target) {
            Verdict::Nothing => None,
            Verdict::Taken => {
                progress.taken.insert(name.clone());
                None
            }
            Verdict::TakenBut(recipients) => {
                progress.recipients.insert(name.clone(), recipients);
                Some("recipients were not reached".to_owned())
            }
            Verdict::Later(reason) => Some(reason),
            Verdict::Unanswered(reason) => {
                let count = progress.unanswered.entry(name.clone()).or_default();
                *count += 1;
                if *count >= UNANSWERED {
                    progress.given_up.insert(name.clone(), reason);
                    None
                } else {
                    Some(reason)
                }
            }
            Verdict::Never(reason) => {
                progress.given_up.insert(name.clone(), reason);
                None
            }
        };
        match again {
            Some(reason) if expired => drop(progress.given_up.insert(name, reason)),
            Some(_) => {
                let failures = progress.waits.get(&name).map_or(0, |wait| wait.failures);
                progress.waits.insert(name, wait(target, failures, now));
                pending = true;
            }
            None => drop(progress.waits.remove(&name)),
        }
    }
    let arrived = !progress.taken.is_empty() || !progress.recipients.is_empty();
    if pending {
        Standing::Pending
    } else if arrived || progress.given_up.is_empty() {
        Standing::Done
    } else {
        Standing::Failed
    }
}

/// A mail for which no target was chosen, and may yet be when this matcher is mended.
pub(super) fn undecided(matcher: &str, progress: &mut Progress, now: i64) -> Standing {
    if now.saturating_sub(progress.arrival.timestamp) < LIFETIME {
        return Standing::Pending;
    }
    let reason = "this matcher cannot be used, and no other chose a target";
    progress
        .given_up
        .insert(matcher.to_owned(), reason.to_owned());
    Standing::Failed
}

/// How long a target is left alone that failed so often with this mail before.
fn wait(target: &TargetReport, failures: u32, now: i64) -> Wait {
    let asked = target.error.as_ref().and_then(|error| error.retry_after_s);
    let seconds = match asked {
        Some(asked) => i64::try_from(asked).map_or(LONGEST_ASKED, |asked| asked.min(LONGEST_ASKED)),
        // 20 s doubled eight times is above an hour.
        None => (FIRST_WAIT << failures.min(8)).min(LONGEST_WAIT),
    };
    Wait {
        not_before: now.saturating_add(seconds),
        failures: failures.saturating_add(1),
        asked: asked.is_some(),
    }
}

/// How often in a row a target may fail like this before the other mails of a
/// drain do not wait for it; none when the next mail may fare better.
///
/// Wrong credentials are wrong for every mail, and some services lock out who
/// tries them again and again; a target that names a time means all mails.
pub(super) fn patience(target: &TargetReport) -> Option<u32> {
    let error = target.error.as_ref()?;
    match error.kind {
        _ if error.retry_after_s.is_some() => Some(1),
        FailureKind::Misconfigured => Some(1),
        FailureKind::Unavailable | FailureKind::Uncertain => Some(TIRED),
        _ => None,
    }
}

fn verdict(target: &TargetReport) -> Verdict {
    let reason = || {
        let error = target.error.as_ref();
        error.map_or_else(String::new, |error| error.message.clone())
    };
    match target.state {
        State::Delivered => Verdict::Taken,
        State::Partial => {
            let later = target.refused.iter();
            let later: Vec<_> = later
                .filter(|refused| refused.kind == FailureKind::Unavailable)
                .map(|refused| refused.recipient.clone())
                .collect();
            if later.is_empty() {
                Verdict::Taken
            } else {
                Verdict::TakenBut(later)
            }
        }
        // An attempt never ends like this.
        State::Pending => Verdict::Later(reason()),
        State::Skipped => match target.reason {
            Some(Skipped::Disabled) => Verdict::Nothing,
            // Somebody may mend the configuration.
            _ => Verdict::Later(format!("it is missing or cannot be used: {}", reason())),
        },
        State::Failed => match target.error.as_ref().map(|error| error.kind) {
            Some(FailureKind::Rejected) => Verdict::Never(reason()),
            Some(FailureKind::Uncertain) => Verdict::Unanswered(reason()),
            _ => Verdict::Later(reason()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{LIFETIME, Standing, patience, settle, undecided};
    use notify_bus::{ErrorReport, RefusedRecipient, Report, Skipped, State, TargetReport};
    use notify_core::{FailureKind, Severity};
    use notify_drop::Progress;
    use std::collections::BTreeMap;

    fn target(name: &str, state: State) -> TargetReport {
        TargetReport {
            name: name.to_owned(),
            kind: Some("x".to_owned()),
            state,
            reference: None,
            refused: Vec::new(),
            error: None,
            reason: None,
            warnings: Vec::new(),
        }
    }

    fn taken(name: &str) -> TargetReport {
        target(name, State::Delivered)
    }

    fn failed(name: &str, kind: FailureKind) -> TargetReport {
        TargetReport {
            error: Some(ErrorReport {
                kind,
                message: format!("{kind}"),
                retry_after_s: None,
            }),
            ..target(name, State::Failed)
        }
    }

    fn skipped(name: &str, reason: Skipped) -> TargetReport {
        TargetReport {
            reason: Some(reason),
            ..target(name, State::Skipped)
        }
    }

    fn partial(name: &str, refused: &[(&str, FailureKind)]) -> TargetReport {
        let refused = refused.iter().map(|(recipient, kind)| RefusedRecipient {
            recipient: (*recipient).to_owned(),
            kind: *kind,
            message: String::new(),
        });
        TargetReport {
            refused: refused.collect(),
            ..target(name, State::Partial)
        }
    }

    fn report(targets: Vec<TargetReport>) -> Report {
        Report {
            id: String::new(),
            severity: Severity::Unknown,
            timestamp: 0,
            fields: BTreeMap::new(),
            matchers: Vec::new(),
            targets,
        }
    }

    /// Settles these outcomes one after the other, each at a time after the arrival.
    fn settled(runs: Vec<(i64, Vec<TargetReport>)>) -> (Standing, Progress) {
        let mut progress = Progress::default();
        let mut standing = Standing::Done;
        for (now, targets) in runs {
            standing = settle(&report(targets), false, &mut progress, now);
        }
        (standing, progress)
    }

    #[track_caller]
    fn check(targets: Vec<TargetReport>, expected: Standing) {
        assert_eq!(settled(vec![(0, targets)]).0, expected);
    }

    use FailureKind::{Misconfigured, Rejected, Unavailable, Uncertain};

    #[test]
    fn it_is_done_when_nobody_is_to_be_tried_again_and_somebody_has_it() {
        check(vec![], Standing::Done);
        check(vec![taken("a"), taken("b")], Standing::Done);
        check(vec![taken("a"), failed("b", Rejected)], Standing::Done);
        check(vec![skipped("a", Skipped::Disabled)], Standing::Done);
        check(vec![partial("a", &[("x", Rejected)])], Standing::Done);
    }

    #[test]
    fn it_stays_when_somebody_may_still_take_it() {
        check(vec![failed("a", Unavailable)], Standing::Pending);
        check(
            vec![taken("a"), failed("b", Unavailable)],
            Standing::Pending,
        );
        check(
            vec![taken("a"), failed("b", Misconfigured)],
            Standing::Pending,
        );
        check(vec![skipped("a", Skipped::Missing)], Standing::Pending);
        check(vec![skipped("a", Skipped::Unusable)], Standing::Pending);
        check(
            vec![failed("a", Rejected), failed("b", Uncertain)],
            Standing::Pending,
        );
        check(vec![partial("a", &[("x", Unavailable)])], Standing::Pending);
    }

    #[test]
    fn it_has_failed_when_everybody_refused_it() {
        check(vec![failed("a", Rejected)], Standing::Failed);
        check(
            vec![failed("a", Rejected), skipped("b", Skipped::Disabled)],
            Standing::Failed,
        );
    }

    #[test]
    fn who_took_it_is_not_asked_again_and_who_gave_no_answer_twice_more() {
        let run = || (0, vec![failed("b", Uncertain)]);
        let first = (0, vec![taken("a"), failed("b", Uncertain)]);
        let (standing, progress) = settled(vec![first, run()]);
        assert_eq!(standing, Standing::Pending);
        assert!(progress.is_settled("a") && !progress.is_settled("b"));
        let (standing, progress) = settled(vec![run(), run(), run()]);
        assert_eq!(standing, Standing::Failed);
        assert!(progress.is_settled("b"));
    }

    #[test]
    fn only_recipients_who_may_still_get_it_are_tried_again() {
        let refused = [("x", Unavailable), ("y", Rejected)];
        let (standing, progress) = settled(vec![(0, vec![partial("a", &refused)])]);
        assert_eq!(standing, Standing::Pending);
        assert_eq!(progress.recipients["a"], ["x"]);
        let runs = vec![
            (0, vec![partial("a", &refused)]),
            (0, vec![failed("a", Rejected)]),
        ];
        assert_eq!(settled(runs).0, Standing::Done, "others have it");
    }

    #[test]
    fn a_target_that_fails_is_left_alone_for_longer_and_longer() {
        let mut progress = Progress::default();
        let mut waited = Vec::new();
        for _ in 0..11 {
            let report = report(vec![failed("a", Unavailable)]);
            assert_eq!(
                settle(&report, false, &mut progress, 1000),
                Standing::Pending
            );
            waited.push(progress.waits["a"].not_before - 1000);
        }
        assert_eq!(
            waited,
            [20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]
        );
        assert!(progress.is_waiting("a", 4599) && !progress.is_waiting("a", 4600));
        assert!(!progress.is_waiting("b", 0));
        settle(&report(vec![taken("a")]), false, &mut progress, 5000);
        assert!(progress.waits.is_empty());
    }

    #[test]
    fn a_target_says_itself_for_how_long_it_is_to_be_left_alone() {
        let check = |asked: u64, expected: i64| {
            let mut busy = failed("a", Unavailable);
            busy.error.as_mut().expect("an error").retry_after_s = Some(asked);
            let mut progress = Progress::default();
            settle(&report(vec![busy]), false, &mut progress, 1000);
            let wait = progress.waits["a"];
            assert_eq!((wait.not_before, wait.asked), (1000 + expected, true));
        };
        check(0, 0);
        check(7200, 7200);
        check(u64::MAX, 24 * 3600);
    }

    #[test]
    fn patience_ends_where_the_next_mail_would_fare_no_better() {
        let mut busy = failed("a", Unavailable);
        busy.error.as_mut().expect("an error").retry_after_s = Some(5);
        for (target, expected) in [
            (taken("a"), None),
            (failed("a", Rejected), None),
            (failed("a", Unavailable), Some(3)),
            (failed("a", Uncertain), Some(3)),
            (failed("a", Misconfigured), Some(1)),
            (busy, Some(1)),
        ] {
            assert_eq!(patience(&target), expected, "{target:?}");
        }
    }

    #[test]
    fn what_nobody_was_chosen_for_waits_for_a_matcher_to_be_mended() {
        let mut progress = Progress::default();
        assert_eq!(
            undecided("m", &mut progress, LIFETIME - 1),
            Standing::Pending
        );
        assert!(progress.given_up.is_empty());
        assert_eq!(undecided("m", &mut progress, LIFETIME), Standing::Failed);
        assert!(progress.given_up["m"].contains("cannot be used"));
    }

    #[test]
    fn it_is_tried_for_five_days() {
        let run = |now| (now, vec![failed("a", Unavailable)]);
        assert_eq!(settled(vec![run(LIFETIME - 1)]).0, Standing::Pending);
        let (standing, progress) = settled(vec![run(0), run(LIFETIME)]);
        assert_eq!(standing, Standing::Failed);
        assert_eq!(progress.given_up["a"], "unavailable");
        let half = (0, vec![taken("b"), failed("a", Unavailable)]);
        assert_eq!(settled(vec![half, run(LIFETIME)]).0, Standing::Done);
    }

    #[test]
    fn a_target_that_was_left_out_keeps_the_mail_however_old_it_is() {
        for now in [0, LIFETIME, 2 * LIFETIME] {
            for targets in [vec![], vec![taken("a")], vec![failed("a", Rejected)]] {
                let report = report(targets);
                let standing = settle(&report, true, &mut Progress::default(), now);
                assert_eq!(standing, Standing::Pending, "{now}: {report:?}");
            }
        }
    }
}
