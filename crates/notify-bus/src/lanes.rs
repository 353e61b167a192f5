//! What the worker knows of each target, and whom it may claim for.
//!
//! A target has a lane: its breaker, its places, and what is known of its
//! queue. [`Lanes::orders`] says which claims to make now; everything else tells
//! the lanes what happened. No I/O, and the time is an argument.
//!
//! A quarter of all places is kept for targets that have nothing under way, so
//! that many hung ones do not delay the others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use notify_core::{Millis, Outcome, TargetQueue};

use crate::breaker::{Breaker, BreakerState, Change};
use crate::gauges::Tally;
use crate::{RetryPolicy, TargetSettings};

/// A target's name.
pub(crate) type Name = Arc<str>;

/// So many deliveries for each place may wait for their settlement.
const UNSETTLED: usize = 4;

/// All lanes, and which of them are to be looked at, and when.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: BTreeMap<Name, Lane>,
    ready: VecDeque<Name>,
    timers: BTreeSet<(Millis, Name)>,
    under_way: usize,
    /// What is counted for targets that the configuration does not have.
    pub(crate) others: Tally,
    /// Whether the next due times are unknown and the spool must be asked.
    wants_survey: bool,
    /// Targets whose waiting deliveries are to be made due.
    hurried: BTreeSet<Name>,
}

/// What is known of one target.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) breaker: Breaker,
    pub(crate) tally: Tally,
    /// Places that are taken: claimed for, or under way.
    pub(crate) under_way: usize,
    /// Claimed and not settled.
    unsettled: usize,
    is_claiming: bool,
    is_ready: bool,
    /// Whether something may be due now.
    may_be_due: bool,
    /// Whether an earlier due time has passed, so that the next one is not known.
    is_unsure: bool,
    /// The earliest due time that is known to come.
    next: Option<Millis>,
    timer: Option<Millis>,
    /// Whether the last attempt failed for its configuration.
    misconfigured: bool,
}

/// What holds for the claims of one target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) enabled: bool,
    pub(crate) settings: TargetSettings,
}

/// A claim to make: the places are taken already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) target: Name,
    pub(crate) most: usize,
}

impl Lanes {
    /// The claims to make now. `total` bounds the places of all lanes.
    pub(crate) fn orders(
        &mut self,
        now: Millis,
        total: usize,
        rules: impl Fn(&str) -> Rules,
    ) -> Vec<Order> {
        self.ring(now);
        let mut orders = Vec::new();
        for _ in 0..self.ready.len() {
            let Some(name) = self.ready.pop_front() else {
                break;
            };
            let room = total.saturating_sub(self.under_way);
            let shared = room.saturating_sub(total / 4);
            let lane = self.lanes.entry(name.clone()).or_default();
            lane.is_ready = false;
            let (wanted, timer) = lane.wanted(now, || rules(&name));
            if let Some(at) = timer {
                self.set_timer(&name, at);
            }
            if wanted == 0 {
                continue;
            }
            let lane = self.lanes.entry(name.clone()).or_default();
            let most = match lane.under_way {
                0 => wanted.min(shared.max(1)).min(room),
                _ => wanted.min(shared),
            };
            if most == 0 {
                self.look(&name);
                continue;
            }
            lane.may_be_due = false;
            lane.is_claiming = true;
            lane.under_way += most;
            lane.unsettled += most;
            self.under_way += most;
            orders.push(Order { target: name, most });
        }
        orders
    }

    /// When something is to be looked at, if nothing happens before.
    pub(crate) fn next_timer(&self) -> Option<Millis> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// How many deliveries are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way
    }

    /// What is known of a target.
    pub(crate) fn lane(&mut self, name: &str) -> &mut Lane {
        if !self.lanes.contains_key(name) {
            self.lanes.insert(name.into(), Lane::default());
        }
        self.lanes.get_mut(name).expect("it was put there")
    }

    /// The same, without making one.
    pub(crate) fn known(&self, name: &str) -> Option<&Lane> {
        self.lanes.get(name)
    }

    /// Something of this target is due.
    pub(crate) fn due(&mut self, name: &str) {
        self.lane(name).may_be_due = true;
        self.look(name);
    }

    /// Something of this target will be due then.
    pub(crate) fn later(&mut self, name: &str, at: Millis) {
        let lane = self.lane(name);
        lane.next = Some(lane.next.map_or(at, |next| next.min(at)));
        self.look(name);
    }

    /// Somebody changed the spool: it is to be asked, and each breaker that is not closed lets a probe out.
    pub(crate) fn stirred(&mut self) {
        self.want_survey();
        let names: Vec<Name> = self.lanes.keys().cloned().collect();
        for name in names {
            self.lane(&name).breaker.probe();
            self.look(&name);
        }
    }

    /// A claim was answered with so many jobs, or failed.
    pub(crate) fn claimed(&mut self, order: &Order, got: usize, failed: bool) {
        let lane = self.lane(&order.target);
        lane.is_claiming = false;
        lane.under_way -= order.most - got;
        lane.unsettled -= order.most - got;
        // Fewer than asked for may be all that one claim may hold.
        let is_drained = got == 0;
        lane.may_be_due |= failed || !is_drained;
        let unsure = lane.is_unsure && is_drained && !failed;
        if unsure {
            lane.is_unsure = false;
        }
        self.wants_survey |= unsure;
        self.under_way -= order.most - got;
        self.look(&order.target);
    }

    /// An attempt ended, so its place is free.
    pub(crate) fn freed(&mut self, name: &str) {
        self.under_way -= 1;
        self.lane(name).under_way -= 1;
        self.look(name);
    }

    /// A claimed job was settled or given back, or it failed for good to be.
    pub(crate) fn settled(&mut self, name: &str) {
        self.lane(name).unsettled -= 1;
        self.look(name);
    }

    /// What an attempt says about its target; `rest` is how long it asked to be left alone.
    pub(crate) fn tried(
        &mut self,
        name: &str,
        outcome: Outcome,
        rest: Option<Duration>,
        policy: &RetryPolicy,
        now: Millis,
    ) -> Change {
        use notify_core::FailureKind::{Misconfigured, Rejected};
        let lane = self.lane(name);
        lane.misconfigured = outcome == Outcome::Failed(Misconfigured);
        let change = match outcome {
            // Who says no is there.
            Outcome::Delivered | Outcome::Partial | Outcome::Failed(Rejected) => {
                lane.breaker.succeeded()
            }
            // The worker ended, not the target.
            Outcome::CutOff => Change::Nothing,
            Outcome::Failed(_) => lane.breaker.failed(policy, now, rest),
        };
        self.look(name);
        change
    }

    /// A failure without an attempt: the configuration has no such target, or none that can be used.
    pub(crate) fn untried(&mut self, name: &str) {
        self.lane(name).misconfigured = true;
    }

    /// The configuration of a target changed: a new beginning for it. Says whether its breaker was not closed.
    pub(crate) fn changed(&mut self, name: &str) -> bool {
        let lane = self.lane(name);
        lane.misconfigured = false;
        let closed = lane.breaker.reset();
        self.hurry(name);
        closed
    }

    /// What failed for its configuration may go out now, though its own section is as it was: one
    /// delivery is the probe, and the others follow it.
    pub(crate) fn perhaps_mended(&mut self, name: &str) {
        self.lane(name).breaker.probe();
        self.hurry(name);
    }

    /// What waits for a target is to be made due.
    pub(crate) fn hurry(&mut self, name: &str) {
        self.hurried.insert(name.into());
    }

    /// The targets whose last attempt failed for its configuration.
    pub(crate) fn misconfigured(&self) -> Vec<Name> {
        let lanes = self.lanes.iter();
        let bad = lanes.filter(|(_, lane)| lane.misconfigured);
        bad.map(|(name, _)| name.clone()).collect()
    }

    /// Whose waiting deliveries are to be made due. Asked once.
    pub(crate) fn take_hurried(&mut self) -> BTreeSet<Name> {
        std::mem::take(&mut self.hurried)
    }

    /// Whether the spool must be asked for due times. Asked once.
    pub(crate) fn take_survey(&mut self) -> bool {
        std::mem::take(&mut self.wants_survey)
    }

    /// The spool must be asked for due times.
    pub(crate) fn want_survey(&mut self) {
        self.wants_survey = true;
    }

    /// What the spool said.
    pub(crate) fn surveyed(&mut self, queues: &[TargetQueue], now: Millis) {
        for queue in queues {
            match queue.next {
                Some(next) if next <= now => {
                    // Only the earliest is told: when it is claimed, the next one is not known.
                    self.lane(&queue.target).is_unsure = true;
                    self.due(&queue.target);
                }
                Some(next) => self.later(&queue.target, next),
                None => {}
            }
        }
    }

    /// Everything is to be looked at: settings or targets changed.
    pub(crate) fn look_at_all(&mut self) {
        let names: Vec<_> = self.lanes.keys().cloned().collect();
        for name in names {
            self.look(&name);
        }
    }

    fn look(&mut self, name: &str) {
        let Some((name, _)) = self.lanes.get_key_value(name) else {
            return;
        };
        let name = name.clone();
        let lane = self.lane(&name);
        if !lane.is_ready {
            lane.is_ready = true;
            self.ready.push_back(name);
        }
    }

    fn ring(&mut self, now: Millis) {
        while self.timers.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, name)) = self.timers.pop_first() else {
                return;
            };
            self.lane(&name).timer = None;
            self.look(&name);
        }
    }

    fn set_timer(&mut self, name: &Name, at: Millis) {
        let lane = self.lane(name);
        if lane.timer.is_some_and(|timer| timer <= at) {
            return;
        }
        let before = lane.timer.replace(at);
        if let Some(before) = before {
            self.timers.remove(&(before, name.clone()));
        }
        self.timers.insert((at, name.clone()));
    }
}

impl Lane {
    /// How many jobs it could take now, and when to look again if that is not only up to others.
    fn wanted(&mut self, now: Millis, rules: impl FnOnce() -> Rules) -> (usize, Option<Millis>) {
        if self.next.is_some_and(|next| next <= now) {
            self.next = None;
            self.may_be_due = true;
            self.is_unsure = true;
        }
        if !self.may_be_due || self.is_claiming {
            return (0, self.next);
        }
        let rules = rules();
        if !rules.enabled {
            return (0, None);
        }
        let concurrency = rules.settings.concurrency;
        let places = match self.breaker.look(now) {
            BreakerState::Open { until } | BreakerState::Resting { until } => {
                return (0, Some(until));
            }
            BreakerState::HalfOpen => usize::from(self.under_way == 0),
            BreakerState::Closed => concurrency.saturating_sub(self.under_way),
        };
        let settling = (UNSETTLED * concurrency).saturating_sub(self.unsettled);
        (places.min(settling), self.next)
    }
}

/// Waits of a worker whose spool fails: doubled each time, and bounded.
#[derive(Debug, Default)]
pub(crate) struct Backoff(u32);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);
    const LAST: Duration = Duration::from_secs(10);

    pub(crate) fn next(&mut self) -> Duration {
        let factor = 1 << self.0.min(10);
        self.0 = self.0.saturating_add(1);
        (Backoff::FIRST * factor).min(Backoff::LAST)
    }

    /// Whether it has begun.
    pub(crate) fn is_on(&self) -> bool {
        self.0 > 0
    }

    /// It is over.
    pub(crate) fn end(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, Lanes, Order, Rules};
    use crate::{Settings, TargetSettings};
    use notify_core::{Millis, TargetQueue};
    use std::time::Duration;

    fn rules(_: &str) -> Rules {
        let settings = *Settings::default().target("any");
        Rules {
            enabled: true,
            settings: TargetSettings {
                concurrency: 4,
                ..settings
            },
        }
    }

    fn orders(lanes: &mut Lanes, now: i64, total: usize) -> Vec<(String, usize)> {
        let orders = lanes.orders(Millis(now), total, rules);
        let shown = |order: Order| (order.target.to_string(), order.most);
        orders.into_iter().map(shown).collect()
    }

    fn order(target: &str, most: usize) -> Order {
        let target = target.into();
        Order { target, most }
    }

    #[test]
    fn a_target_is_claimed_for_as_long_as_something_comes() {
        let mut lanes = Lanes::default();
        assert_eq!(orders(&mut lanes, 0, 64), []);
        lanes.due("a");
        assert_eq!(orders(&mut lanes, 0, 64), [("a".to_owned(), 4)]);
        assert_eq!(orders(&mut lanes, 0, 64), [], "one claim at a time");
        lanes.claimed(&order("a", 4), 2, false);
        assert_eq!(lanes.under_way(), 2);
        assert_eq!(
            orders(&mut lanes, 0, 64),
            [("a".to_owned(), 2)],
            "there may be more"
        );
        lanes.claimed(&order("a", 2), 0, false);
        assert_eq!(orders(&mut lanes, 0, 64), []);
    }

    #[test]
    fn what_comes_while_a_claim_is_on_its_way_is_not_overlooked() {
        let mut lanes = Lanes::default();
        lanes.due("a");
        orders(&mut lanes, 0, 64);
        lanes.due("a");
        lanes.claimed(&order("a", 4), 0, false);
        assert_eq!(orders(&mut lanes, 0, 64), [("a".to_owned(), 4)]);
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
        assert_eq!(orders(&mut lanes, 0, 64), [("a".to_owned(), 4)]);
        lanes.claimed(&order("a", 4), 1, false);
        orders(&mut lanes, 0, 64);
        lanes.claimed(&order("a", 3), 0, false);
        assert!(lanes.take_survey(), "the second may be due in a moment");
    }

    #[test]
    fn the_last_places_are_for_those_who_have_none() {
        let mut lanes = Lanes::default();
        for target in ["a", "b", "c"] {
            lanes.due(target);
        }
        // 2 of 8 places are kept.
        let given = [("a", 4), ("b", 2), ("c", 1)].map(|(name, most)| (name.to_owned(), most));
        assert_eq!(orders(&mut lanes, 0, 8), given);
        lanes.due("d");
        lanes.due("e");
        assert_eq!(
            orders(&mut lanes, 0, 8),
            [("d".to_owned(), 1)],
            "no more than all"
        );
        assert_eq!(lanes.under_way(), 8);
        lanes.freed("a");
        assert_eq!(
            orders(&mut lanes, 0, 8),
            [("e".to_owned(), 1)],
            "nobody is forgotten"
        );
    }

    #[test]
    fn due_times_are_kept_and_asked_for() {
        let mut lanes = Lanes::default();
        lanes.later("a", Millis(1_000));
        lanes.later("a", Millis(500));
        assert_eq!(orders(&mut lanes, 0, 64), []);
        assert_eq!(lanes.next_timer(), Some(Millis(500)));
        assert_eq!(orders(&mut lanes, 500, 64), [("a".to_owned(), 4)]);
        lanes.claimed(&order("a", 4), 0, false);
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
        assert_eq!(orders(&mut lanes, 500, 64), []);
        assert_eq!(lanes.next_timer(), Some(Millis(1_000)));
    }

    #[test]
    fn a_failed_claim_gives_its_places_back_and_is_made_again() {
        let mut lanes = Lanes::default();
        lanes.due("a");
        orders(&mut lanes, 0, 64);
        lanes.claimed(&order("a", 4), 0, true);
        assert_eq!(lanes.under_way(), 0);
        assert_eq!(orders(&mut lanes, 0, 64), [("a".to_owned(), 4)]);
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
}
