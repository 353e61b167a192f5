//! What is claimed for and begun, and when.

use super::{Backoff, Lanes, Order, Orders, Rules};
use crate::policy::WhenUncertain;
use crate::{RetryPolicy, Settings, TargetSettings};
use notify_core::{
    Content, EventId, FailureKind, Job, Lease, Millis, Notification, Outcome, Severity, TargetQueue,
};
use std::sync::Arc;
use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(12);
/// The end of a lease that is far away.
const LATE: Millis = Millis(1_000_000);

/// What settings there are, with four places.
fn rules(_: &str) -> Rules {
    let settings = *Settings::default().target("any");
    Rules {
        enabled: true,
        settings: TargetSettings {
            concurrency: 4,
            ..settings
        },
        longest: LONGEST,
    }
}

fn policy() -> RetryPolicy {
    rules("any").settings.retry
}

/// The same where an uncertain delivery is held.
fn holding(name: &str) -> Rules {
    let mut rules = rules(name);
    rules.settings.retry.uncertain = WhenUncertain::Hold;
    rules
}

fn orders(lanes: &mut Lanes, now: i64, total: usize) -> Orders {
    lanes.orders(Millis(now), total, rules)
}

/// The claims among them.
fn claims(orders: &Orders) -> Vec<(&str, usize)> {
    let claims = orders.claims.iter();
    claims.map(|order| (&*order.target, order.most)).collect()
}

fn begun(orders: &Orders) -> Vec<&str> {
    orders.begin.iter().map(|(name, _)| &**name).collect()
}

fn order(target: &str, most: usize) -> Order {
    let target = target.into();
    Order { target, most }
}

fn jobs(target: &str, count: u64) -> Option<Vec<Job>> {
    let event = Arc::new(Notification {
        id: EventId::from_bytes([0; 16]),
        severity: Severity::Info,
        timestamp: 0,
        fields: Default::default(),
        content: Content::Template {
            name: "message".to_owned(),
            data: serde_json::Value::Null,
        },
    });
    let job = |place| Job {
        lease: Lease {
            key: format!("{}.{target}", event.id),
            token: 0,
            place,
        },
        event: Arc::clone(&event),
        target: target.to_owned(),
        attempt: 1,
        since: Millis(0),
        recipients: None,
        legacy: None,
    };
    Some((0..count).map(job).collect())
}

/// A quick target of which four attempts are under way.
fn busy() -> Lanes {
    let mut lanes = Lanes::default();
    lanes.due("a");
    orders(&mut lanes, 0, 64);
    lanes.claimed(&order("a", 4), jobs("a", 4), LATE);
    let took = Duration::from_millis(1);
    lanes.tried("a", Outcome::Delivered, None, &policy(), (Millis(0), took));
    assert_eq!(begun(&orders(&mut lanes, 0, 64)), ["a"; 4]);
    lanes
}

#[test]
fn a_target_is_claimed_for_as_long_as_something_comes() {
    let mut lanes = Lanes::default();
    assert_eq!(claims(&orders(&mut lanes, 0, 64)), []);
    lanes.due("a");
    assert_eq!(claims(&orders(&mut lanes, 0, 64)), [("a", 4)]);
    assert_eq!(
        claims(&orders(&mut lanes, 0, 64)),
        [],
        "one claim at a time"
    );
    lanes.claimed(&order("a", 4), jobs("a", 2), LATE);
    let next = orders(&mut lanes, 0, 64);
    assert_eq!((begun(&next), lanes.under_way()), (vec!["a"; 2], 2));
    assert_eq!(claims(&next), [("a", 2)], "there may be more");
    lanes.claimed(&order("a", 2), jobs("a", 0), LATE);
    assert_eq!(claims(&orders(&mut lanes, 0, 64)), []);
}

#[test]
fn a_quick_target_is_claimed_for_ahead() {
    let mut lanes = busy();
    assert_eq!(claims(&orders(&mut lanes, 0, 64)), [], "it is asked for");
    lanes.claimed(&order("a", 4), jobs("a", 4), LATE);
    let next = orders(&mut lanes, 0, 64);
    assert_eq!(begun(&next).len() + claims(&next).len(), 0, "they wait");
    lanes.freed("a");
    let next = orders(&mut lanes, 0, 64);
    assert_eq!(begun(&next), ["a"], "a place is free");
    assert_eq!(claims(&next), [], "rather a few more a little later");
    lanes.freed("a");
    let next = orders(&mut lanes, 0, 64);
    assert_eq!((begun(&next), claims(&next)), (vec!["a"], vec![("a", 2)]));
}

#[test]
fn nothing_waits_for_a_slow_target_nor_for_one_that_holds() {
    let mut lanes = busy();
    let took = Duration::from_secs(2);
    lanes.claimed(&order("a", 4), jobs("a", 0), LATE);
    lanes.due("a");
    assert_eq!(claims(&lanes.orders(Millis(0), 64, holding)), []);
    lanes.tried("a", Outcome::Delivered, None, &policy(), (Millis(0), took));
    assert_eq!(claims(&orders(&mut lanes, 0, 64)), []);
    let took = Duration::from_millis(1);
    lanes.tried("a", Outcome::Delivered, None, &policy(), (Millis(0), took));
    assert_eq!(claims(&orders(&mut lanes, 0, 64)), [("a", 4)]);
}

#[test]
fn what_waits_is_given_back_when_it_cannot_be_begun() {
    let mut opened = busy();
    opened.claimed(&order("a", 4), jobs("a", 4), LATE);
    for _ in 0..5 {
        let failed = Outcome::Failed(FailureKind::Unavailable);
        opened.tried("a", failed, None, &policy(), (Millis(0), Duration::ZERO));
    }
    assert_eq!(orders(&mut opened, 0, 64).give_back.len(), 4, "its breaker");

    let mut late = busy();
    late.claimed(&order("a", 4), jobs("a", 4), Millis(11_999));
    assert_eq!(orders(&mut late, 0, 64).give_back.len(), 4, "its lease");

    let mut stirred = busy();
    stirred.claimed(&order("a", 4), jobs("a", 4), LATE);
    stirred.stirred();
    let next = orders(&mut stirred, 0, 64);
    assert_eq!(next.give_back.len(), 4, "it may have been dropped");

    let mut stopped = busy();
    stopped.claimed(&order("a", 4), jobs("a", 4), LATE);
    assert_eq!(stopped.take_waiting().len(), 4);
    assert_eq!(stopped.take_waiting().len(), 0);
    for mut lanes in [opened, late, stirred, stopped] {
        for _ in 0..4 {
            lanes.freed("a");
            lanes.settled("a");
            lanes.settled("a");
        }
        let lane = lanes.lane("a");
        let left = (lane.under_way, lane.unsettled, lane.claiming);
        let claims: usize = left.2;
        assert_eq!((left.0, left.1 - claims, lanes.held - claims), (0, 0, 0));
    }
}

#[test]
fn what_comes_while_a_claim_is_on_its_way_is_not_overlooked() {
    let mut lanes = Lanes::default();
    lanes.due("a");
    orders(&mut lanes, 0, 64);
    lanes.due("a");
    lanes.claimed(&order("a", 4), jobs("a", 0), LATE);
    assert_eq!(claims(&orders(&mut lanes, 0, 64)), [("a", 4)]);
}

#[test]
fn what_is_due_after_the_earliest_is_asked_for() {
    let mut lanes = Lanes::default();
    let queue = TargetQueue {
        target: "a".to_owned(),
        pending: 2,
        leased: 0,
        dead: 0,
        oldest: Some(Millis(0)),
        next: Some(Millis(0)),
    };
    lanes.surveyed(&[queue], Millis(0));
    assert_eq!(claims(&orders(&mut lanes, 0, 64)), [("a", 4)]);
    lanes.claimed(&order("a", 4), jobs("a", 1), LATE);
    orders(&mut lanes, 0, 64);
    lanes.claimed(&order("a", 3), jobs("a", 0), LATE);
    assert!(lanes.take_survey(), "the second may be due in a moment");
}

#[test]
fn the_last_places_are_for_those_who_have_none() {
    let mut lanes = Lanes::default();
    for target in ["a", "b", "c"] {
        lanes.due(target);
    }
    // Twice 8 may be claimed. Of the 8 places 2 are kept.
    let next = orders(&mut lanes, 0, 8);
    assert_eq!(claims(&next), [("a", 4), ("b", 4), ("c", 4)]);
    for target in ["a", "b", "c"] {
        lanes.claimed(&order(target, 4), jobs(target, 4), LATE);
    }
    let next = orders(&mut lanes, 0, 8);
    assert_eq!(begun(&next), ["a", "a", "a", "a", "b", "b", "c"]);
    for target in ["d", "e"] {
        lanes.due(target);
    }
    let next = orders(&mut lanes, 0, 8);
    assert_eq!(claims(&next), [("d", 1), ("e", 1)]);
    for target in ["d", "e"] {
        lanes.claimed(&order(target, 1), jobs(target, 1), LATE);
    }
    let next = orders(&mut lanes, 0, 8);
    assert_eq!(begun(&next), ["d"], "no more than all");
    assert_eq!(lanes.under_way(), 8);
    lanes.freed("a");
    assert_eq!(
        begun(&orders(&mut lanes, 0, 8)),
        ["e"],
        "nobody is forgotten"
    );
}

#[test]
fn due_times_are_kept_and_asked_for() {
    let mut lanes = Lanes::default();
    lanes.later("a", Millis(1_000));
    lanes.later("a", Millis(500));
    assert_eq!(claims(&orders(&mut lanes, 0, 64)), []);
    assert_eq!(lanes.next_timer(), Some(Millis(500)));
    assert_eq!(claims(&orders(&mut lanes, 500, 64)), [("a", 4)]);
    lanes.claimed(&order("a", 4), jobs("a", 0), LATE);
    assert!(lanes.take_survey(), "what comes after it is not known");
    let queue = TargetQueue {
        target: "a".to_owned(),
        pending: 1,
        leased: 0,
        dead: 0,
        oldest: None,
        next: Some(Millis(1_000)),
    };
    lanes.surveyed(&[queue], Millis(500));
    assert_eq!(claims(&orders(&mut lanes, 500, 64)), []);
    assert_eq!(lanes.next_timer(), Some(Millis(1_000)));
}

#[test]
fn a_failed_claim_gives_its_places_back_and_is_made_again() {
    let mut lanes = Lanes::default();
    lanes.due("a");
    orders(&mut lanes, 0, 64);
    lanes.claimed(&order("a", 4), None, LATE);
    assert_eq!(lanes.under_way(), 0);
    assert_eq!(claims(&orders(&mut lanes, 0, 64)), [("a", 4)]);
}

#[test]
fn waits_for_the_spool_are_bounded() {
    let mut backoff = Backoff::default();
    assert!(!backoff.is_on());
    let waits: Vec<_> = (0..100).map(|_| backoff.next()).collect();
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
    assert_eq!(
        (waits[0], waits[99]),
        (Duration::from_millis(100), Duration::from_secs(10))
    );
    assert!(backoff.is_on());
    backoff.end();
    assert!(!backoff.is_on());
}
