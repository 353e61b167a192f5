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

use crate::breaker::{Breaker, BreakerState};
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

/// What an attempt changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    Opened(Millis),
    Closed,
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

    /// A claim was answered with so many jobs, or failed.
    pub(crate) fn claimed(&mut self, order: &Order, got: usize, failed: bool) {
        let lane = self.lane(&order.target);
        lane.is_claiming = false;
        lane.under_way -= order.most - got;
        lane.unsettled -= order.most - got;
        let is_drained = got < order.most;
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

    /// What an attempt says about its target.
    pub(crate) fn tried(
        &mut self,
        name: &str,
        outcome: Outcome,
        policy: &RetryPolicy,
        now: Millis,
    ) -> Change {
        use notify_core::FailureKind::{Misconfigured, Rejected};
        let lane = self.lane(name);
        lane.misconfigured = outcome == Outcome::Failed(Misconfigured);
        let change = match outcome {
            // Who says no is there.
            Outcome::Delivered | Outcome::Partial | Outcome::Failed(Rejected) => {
                let closed = lane.breaker.succeeded();
                if closed {
                    Change::Closed
                } else {
                    Change::Nothing
                }
            }
            // The worker ended, not the target.
            Outcome::CutOff => Change::Nothing,
            Outcome::Failed(_) => {
                let opened = lane.breaker.failed(policy, now);
                opened.map_or(Change::Nothing, Change::Opened)
            }
        };
        self.look(name);
        change
    }

    /// A failure without an attempt: the configuration has no such target, or none that can be used.
    pub(crate) fn untried(&mut self, name: &str) {
        self.lane(name).misconfigured = true;
    }

    /// The configuration of a target changed: a new beginning for it. Says whether its breaker was open.
    pub(crate) fn changed(&mut self, name: &str) -> bool {
        let lane = self.lane(name);
        lane.misconfigured = false;
        let closed = lane.breaker.succeeded();
        self.hurried.insert(name.into());
        closed
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
                Some(next) if next <= now => self.due(&queue.target),
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
            BreakerState::Open { until } => return (0, Some(until)),
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

    /// It is over. Says whether it had begun.
    pub(crate) fn end(&mut self) -> bool {
        std::mem::take(&mut self.0) > 0
    }
}
