//! Laws of the retry policy, and its cases one by one.

use std::time::Duration;

use notify_core::{Failure, FailureKind, Millis, Next, Outcome, Receipt};
use proptest::prelude::*;

use super::{HELD, RetryPolicy, Situation, WhenUncertain, seed, share};

const SECOND: Duration = Duration::from_secs(1);

fn situation(attempt: u32, age: Duration) -> Situation {
    Situation {
        attempt,
        since: Millis(1_000),
        now: Millis(1_000).plus(age),
        seed: seed("key", attempt),
    }
}

fn after(failure: Failure, situation: Situation) -> Next {
    RetryPolicy::default().next(&Err(failure), situation).1
}

fn partial(refused: Vec<(&str, Failure)>) -> Receipt {
    Receipt {
        refused: refused
            .into_iter()
            .map(|(who, why)| (who.to_owned(), why))
            .collect(),
        ..Receipt::default()
    }
}

/// What is waited, and for whom; nothing when it is not tried again.
fn retry(next: &Next, from: Millis) -> Option<(Duration, Option<&[String]>)> {
    match next {
        Next::Retry { due, recipients } => Some((due.since(from), recipients.as_deref())),
        _ => None,
    }
}

#[test]
fn a_rejection_is_the_end() {
    let next = after(
        Failure::rejected("no such user"),
        situation(1, Duration::ZERO),
    );
    let reason = "it was rejected for good".to_owned();
    assert_eq!(next, Next::Dead { reason });
}

#[test]
fn what_may_have_arrived_waits_the_whole_time_or_is_held() {
    let at = situation(3, SECOND);
    let next = after(Failure::uncertain("no answer"), at);
    assert_eq!(retry(&next, at.now), Some((SECOND * 40, None)));
    let hold = RetryPolicy {
        uncertain: WhenUncertain::Hold,
        ..RetryPolicy::default()
    };
    let held = Next::Dead {
        reason: HELD.to_owned(),
    };
    assert_eq!(hold.next(&Err(Failure::uncertain("no answer")), at).1, held);
    assert_eq!(hold.after_cut_off(at), held);
    let unavailable = hold.next(&Err(Failure::unavailable("not now")), at).1;
    assert!(
        retry(&unavailable, at.now).is_some(),
        "only what is uncertain is held"
    );
}

#[test]
fn a_wrong_configuration_waits_the_longest_time() {
    let at = situation(1, Duration::ZERO);
    let next = after(Failure::misconfigured("no such host"), at);
    assert_eq!(retry(&next, at.now), Some((SECOND * 3_600, None)));
}

#[test]
fn a_failure_at_the_age_is_the_last() {
    let age = RetryPolicy::default().max_age;
    let young = situation(9, age - Duration::from_millis(1));
    assert!(retry(&after(Failure::unavailable("x"), young), young.now).is_some());
    let reason = "it was unavailable for longer than `retry-max-age`, 3d".to_owned();
    assert_eq!(
        after(Failure::unavailable("x"), situation(1, age)),
        Next::Dead { reason }
    );
}

#[test]
fn only_recipients_with_hope_are_tried_again() {
    let at = situation(1, Duration::ZERO);
    let receipt = partial(vec![
        ("gone@a", Failure::rejected("unknown")),
        (
            "grey@a",
            Failure::unavailable("greylisted").retry_after(SECOND * 300),
        ),
        ("odd@a", Failure::misconfigured("no such host")),
    ]);
    let (outcome, next) = RetryPolicy::default().next(&Ok(receipt), at);
    assert_eq!(outcome, Outcome::Partial);
    let left = ["grey@a".to_owned(), "odd@a".to_owned()];
    let (wait, recipients) = retry(&next, at.now).expect("another attempt");
    assert_eq!((wait, recipients), (SECOND * 300, Some(&left[..])));
}

#[test]
fn a_whole_target_rests_when_it_says_so_for_itself() {
    let policy = RetryPolicy::default();
    let check = |failure: Failure, expected: Option<Duration>| {
        assert_eq!(policy.rest(&Err(failure)), expected);
    };
    let unavailable = |delay| Failure::unavailable("429").retry_after(delay);
    check(unavailable(SECOND * 30), Some(SECOND * 30));
    check(unavailable(SECOND * 86_400), Some(policy.max_interval));
    check(unavailable(Duration::ZERO), None);
    check(Failure::unavailable("no route"), None);
    check(Failure::rejected("410").retry_after(SECOND), None);
    check(Failure::uncertain("silence").retry_after(SECOND), None);
    let grey = || unavailable(SECOND * 300);
    let of_one = vec![("grey@a".to_owned(), grey())];
    check(grey().with_refused(of_one), None);
    let some = partial(vec![("grey@a", grey())]);
    assert_eq!(policy.rest(&Ok(some)), None);
}

#[test]
fn those_who_took_it_count_when_nobody_is_left() {
    let gone = || vec![("gone@a", Failure::rejected("unknown"))];
    let grey = || vec![("grey@a", Failure::unavailable("greylisted"))];
    let policy = RetryPolicy::default();
    let young = situation(1, Duration::ZERO);
    let next = policy.next(&Ok(partial(gone())), young).1;
    assert_eq!(next, Next::Delivered);
    let old = situation(1, policy.max_age);
    assert_eq!(policy.next(&Ok(partial(grey())), old).1, Next::Delivered);
}

#[test]
fn a_failure_of_all_recipients_is_judged_one_by_one() {
    let at = situation(1, Duration::ZERO);
    let fail = |kind, refused: Vec<(&str, FailureKind)>| {
        let refused = refused
            .into_iter()
            .map(|(who, kind)| (who.to_owned(), Failure::new(kind, "x")));
        after(
            Failure::new(kind, "nobody is left").with_refused(refused.collect()),
            at,
        )
    };
    use FailureKind::{Rejected, Unavailable, Uncertain};
    let some = fail(
        Unavailable,
        vec![("gone@a", Rejected), ("grey@a", Unavailable)],
    );
    let left = ["grey@a".to_owned()];
    assert_eq!(retry(&some, at.now).expect("another").1, Some(&left[..]));
    let all = fail(
        Unavailable,
        vec![("grey@a", Unavailable), ("grey@b", Unavailable)],
    );
    assert_eq!(
        retry(&all, at.now).expect("another").1,
        None,
        "those of before"
    );
    let none = fail(Unavailable, vec![("gone@a", Rejected)]);
    assert!(matches!(none, Next::Dead { .. }));
    let uncertain = fail(Uncertain, vec![("gone@a", Rejected)]);
    assert_eq!(retry(&uncertain, at.now).expect("another").1, None);
}

#[test]
fn seeds_differ() {
    let seeds = [
        seed("a.b", 1),
        seed("a.b", 2),
        seed("a.c", 1),
        seed("a.c", 2),
    ];
    let waits: Vec<_> = seeds.map(|seed| share(SECOND * 3_600, seed)).into();
    let mut distinct = waits.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), waits.len(), "{waits:?}");
}

prop_compose! {
    fn policies()(
        min in 1_u64..100_000,
        max in 1_u64..1_000_000,
        age in 1_u64..10_000_000,
        hold in any::<bool>(),
    ) -> RetryPolicy {
        RetryPolicy {
            min_interval: Duration::from_secs(min),
            max_interval: Duration::from_secs(max),
            max_age: Duration::from_secs(age),
            uncertain: if hold { WhenUncertain::Hold } else { WhenUncertain::Resend },
        }
    }
}

prop_compose! {
    fn situations()(attempt in 1_u32.., age in 0_u64..20_000_000_000, seed in any::<u64>()) -> Situation {
        Situation { seed, ..situation(attempt, Duration::from_millis(age)) }
    }
}

fn kinds() -> impl Strategy<Value = FailureKind> {
    proptest::sample::select(vec![
        FailureKind::Misconfigured,
        FailureKind::Rejected,
        FailureKind::Unavailable,
        FailureKind::Uncertain,
    ])
}

proptest! {
    #[test]
    fn waits_keep_to_their_bounds(
        policy in policies(), at in situations(), kind in kinds(), asked in proptest::option::of(0_u64..20_000_000),
    ) {
        let asked = asked.map(Duration::from_secs);
        let failure = Failure::new(kind, "x");
        let failure = match asked {
            Some(delay) => failure.retry_after(delay),
            None => failure,
        };
        let age = at.now.since(at.since);
        match policy.next(&Err(failure), at).1 {
            Next::Retry { due, recipients } => {
                let wait = due.since(at.now);
                let asked = asked.unwrap_or_default().min(policy.max_age);
                prop_assert!(due >= at.now);
                prop_assert!(wait >= asked, "before Retry-After");
                prop_assert!(wait <= policy.max_interval.max(asked), "above the ceiling");
                if kind == FailureKind::Unavailable {
                    prop_assert!(wait <= policy.ceiling(at.attempt).max(asked));
                }
                prop_assert!(age < policy.max_age);
                prop_assert_eq!(recipients, None);
            }
            Next::Dead { .. } => {
                let held = kind == FailureKind::Uncertain && policy.uncertain == WhenUncertain::Hold;
                prop_assert!(kind == FailureKind::Rejected || held || age >= policy.max_age);
            }
            Next::Delivered => prop_assert!(false, "a failure is no delivery"),
        }
    }

    #[test]
    fn ceilings_grow_and_end(policy in policies(), attempt in 1_u32..u32::MAX) {
        let (this, next) = (policy.ceiling(attempt), policy.ceiling(attempt + 1));
        prop_assert!(this <= next);
        prop_assert!(next <= policy.max_interval);
        prop_assert_eq!(policy.ceiling(1), policy.min_interval.min(policy.max_interval));
    }

    #[test]
    fn the_same_again_decides_the_same(policy in policies(), at in situations(), kind in kinds()) {
        let decide = || policy.next(&Err(Failure::new(kind, "x")), at);
        prop_assert_eq!(decide(), decide());
    }

    #[test]
    fn jitter_fills_its_span(seed in any::<u64>(), seconds in 0_u64..1_000_000) {
        let span = Duration::from_secs(seconds);
        prop_assert!(share(span, seed) <= span);
    }
}
