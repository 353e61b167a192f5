//! What the worker knows of each target, and whom it may claim for.
//!
//! A target has a lane: its breaker, its places, and what is known of its
//! queue. [`Lanes::orders`] says which claims to make now and which attempts to
//! begin; everything else tells the lanes what happened. No I/O, and the time is
//! an argument.
//!
//! A claim waits for the disk. So that a quick target need not wait with it, the
//! next deliveries are claimed while the last are made: they wait in the lane.
//! Where each attempt takes long nothing is gained, and nothing waits.
//!
//! A quarter of all places is kept for targets that have nothing under way, so
//! that many hung ones do not delay the others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use notify_core::{Job, Millis, Outcome, TargetQueue};

use crate::breaker::{Breaker, BreakerState, Change};
use crate::gauges::Tally;
use crate::policy::WhenUncertain;
use crate::{RetryPolicy, TargetSettings};

/// A target's name.
pub(crate) type Name = Arc<str>;

/// So many deliveries for each place may wait for their settlement.
const UNSETTLED: usize = 4;

/// A target is quick whose last attempt took less.
const QUICK: Duration = Duration::from_secs(1);

/// All lanes, and which of them are to be looked at, and when.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: BTreeMap<Name, Lane>,
    ready: VecDeque<Name>,
    timers: BTreeSet<(Millis, Name)>,
    /// Attempts that are being made.
    under_way: usize,
    /// The same, and what is claimed or being claimed for later.
    held: usize,
    /// Claimed deliveries that are to be given back.
    recalled: Vec<(Name, Job)>,
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
    /// Attempts that are being made.
    pub(crate) under_way: usize,
    /// Claimed, and to be begun when there is a place, each with the end of its lease.
    waiting: VecDeque<(Job, Millis)>,
    /// Claimed and not settled, or being claimed.
    unsettled: usize,
    /// So many are being claimed.
    claiming: usize,
    is_quick: bool,
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
    /// The longest that an attempt takes.
    pub(crate) longest: Duration,
}

/// What there is to do now.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    pub(crate) claims: Vec<Order>,
    /// Attempts to begin: the places are taken already.
    pub(crate) begin: Vec<(Name, Job)>,
    /// What was claimed and cannot be begun.
    pub(crate) give_back: Vec<(Name, Job)>,
}

/// A claim to make: there is room for what it brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) target: Name,
    pub(crate) most: usize,
}

impl Lanes {
    /// What to do now. `total` bounds the attempts of all lanes.
    pub(crate) fn orders(
        &mut self,
        now: Millis,
        total: usize,
        rules: impl Fn(&str) -> Rules,
    ) -> Orders {
        self.ring(now);
        let mut orders = Orders {
            give_back: std::mem::take(&mut self.recalled),
            ..Orders::default()
        };
        for _ in 0..self.ready.len() {
            let Some(name) = self.ready.pop_front() else {
                break;
            };
            self.lane(&name).is_ready = false;
            let rules = rules(&name);
            self.begin(&name, now, total, &rules, &mut orders);
            self.order(&name, now, total, &rules, &mut orders);
        }
        orders
    }

    /// Begins what waits in a lane, as far as there are places.
    fn begin(
        &mut self,
        name: &Name,
        now: Millis,
        total: usize,
        rules: &Rules,
        orders: &mut Orders,
    ) {
        let Lanes {
            lanes,
            under_way,
            held,
            ..
        } = self;
        let lane = lanes.entry(name.clone()).or_default();
        let places = lane.places(now, rules);
        let mut is_crowded = false;
        while let Some((_, until)) = lane.waiting.front() {
            let is_too_late = *until < now.plus(rules.longest);
            let is_begun = !is_too_late && places > 0;
            if is_begun {
                let room = total.saturating_sub(*under_way);
                is_crowded = share(room, total, lane.under_way) == 0;
                if is_crowded || lane.under_way >= places {
                    break;
                }
            }
            let Some((job, _)) = lane.waiting.pop_front() else {
                break;
            };
            if is_begun {
                lane.under_way += 1;
                *under_way += 1;
                orders.begin.push((name.clone(), job));
            } else {
                *held -= 1;
                orders.give_back.push((name.clone(), job));
            }
        }
        if is_crowded {
            self.look(name);
        }
    }

    /// Orders a claim for a lane, if it can take more.
    fn order(
        &mut self,
        name: &Name,
        now: Millis,
        total: usize,
        rules: &Rules,
        orders: &mut Orders,
    ) {
        // As much again as is under way may wait.
        let total = 2 * total;
        let room = total.saturating_sub(self.held);
        let lane = self.lane(name);
        let (wanted, timer) = lane.wanted(now, rules);
        let most = wanted.min(share(room, total, lane.held()));
        if most > 0 {
            lane.may_be_due = false;
            lane.claiming = most;
            lane.unsettled += most;
            self.held += most;
            let target = name.clone();
            orders.claims.push(Order { target, most });
        }
        if let Some(at) = timer {
            self.set_timer(name, at);
        }
        if wanted > 0 && most == 0 {
            self.look(name);
        }
    }

    /// When something is to be looked at, if nothing happens before.
    pub(crate) fn next_timer(&self) -> Option<Millis> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// How many attempts are being made.
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
    ///
    /// What waits may have been dropped meanwhile, so it is given back.
    pub(crate) fn stirred(&mut self) {
        self.want_survey();
        self.recalled = self.take_waiting();
        let names: Vec<Name> = self.lanes.keys().cloned().collect();
        for name in names {
            self.lane(&name).breaker.probe();
            self.look(&name);
        }
    }

    /// What was claimed and is not begun, to be given back.
    pub(crate) fn take_waiting(&mut self) -> Vec<(Name, Job)> {
        let mut taken = std::mem::take(&mut self.recalled);
        for (name, lane) in &mut self.lanes {
            self.held -= lane.waiting.len();
            let jobs = lane.waiting.drain(..);
            taken.extend(jobs.map(|(job, _)| (name.clone(), job)));
        }
        taken
    }

    /// Nothing waits any more: the leases have ended.
    pub(crate) fn forget_waiting(&mut self) {
        for (name, _) in self.take_waiting() {
            self.lane(&name).unsettled -= 1;
        }
    }

    /// A claim was answered with these jobs, whose leases end at `until`; or it failed.
    pub(crate) fn claimed(&mut self, order: &Order, jobs: Option<Vec<Job>>, until: Millis) {
        let failed = jobs.is_none();
        let jobs = jobs.unwrap_or_default();
        let unused = order.most - jobs.len();
        self.held -= unused;
        let lane = self.lane(&order.target);
        lane.claiming = 0;
        lane.unsettled -= unused;
        // Fewer than asked for may be all that one claim may hold.
        let is_drained = jobs.is_empty();
        lane.waiting
            .extend(jobs.into_iter().map(|job| (job, until)));
        lane.may_be_due |= failed || !is_drained;
        let unsure = lane.is_unsure && is_drained && !failed;
        if unsure {
            lane.is_unsure = false;
        }
        self.wants_survey |= unsure;
        self.look(&order.target);
    }

    /// An attempt ended, so its place is free.
    pub(crate) fn freed(&mut self, name: &str) {
        self.under_way -= 1;
        self.held -= 1;
        self.lane(name).under_way -= 1;
        self.look(name);
    }

    /// A claimed job was settled or given back, or it failed for good to be.
    pub(crate) fn settled(&mut self, name: &str) {
        self.lane(name).unsettled -= 1;
        self.look(name);
    }

    /// What an attempt says about its target, that ended at `now` and took so long; `rest` is how
    /// long the target asked to be left alone.
    pub(crate) fn tried(
        &mut self,
        name: &str,
        outcome: Outcome,
        rest: Option<Duration>,
        policy: &RetryPolicy,
        (now, took): (Millis, Duration),
    ) -> Change {
        use notify_core::FailureKind::{Misconfigured, Rejected};
        let lane = self.lane(name);
        lane.misconfigured = outcome == Outcome::Failed(Misconfigured);
        lane.is_quick = took < QUICK;
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
    fn wanted(&mut self, now: Millis, rules: &Rules) -> (usize, Option<Millis>) {
        if self.next.is_some_and(|next| next <= now) {
            self.next = None;
            self.may_be_due = true;
            self.is_unsure = true;
        }
        if !self.may_be_due || self.claiming > 0 {
            return (0, self.next);
        }
        if !rules.enabled {
            return (0, None);
        }
        if let BreakerState::Open { until } | BreakerState::Resting { until } =
            self.breaker.look(now)
        {
            return (0, Some(until));
        }
        let concurrency = rules.settings.concurrency;
        let places = self.places(now, rules);
        // What is claimed counts as tried when the worker dies; where that holds a delivery
        // back, nothing is claimed that is not tried at once.
        let may_wait = self.is_quick && rules.settings.retry.uncertain == WhenUncertain::Resend;
        let ahead = match self.breaker.look(now) {
            BreakerState::Closed if may_wait => concurrency,
            _ => 0,
        };
        let room = (places + ahead).saturating_sub(self.held());
        // Rather a few more a little later.
        let is_small = self.waiting.len() * 2 > ahead;
        let settling = (UNSETTLED * concurrency).saturating_sub(self.unsettled);
        match ahead > 0 && is_small {
            true => (0, self.next),
            false => (room.min(settling), self.next),
        }
    }

    /// So many attempts may be under way.
    fn places(&mut self, now: Millis, rules: &Rules) -> usize {
        match self.breaker.look(now) {
            _ if !rules.enabled => 0,
            BreakerState::Open { .. } | BreakerState::Resting { .. } => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Closed => rules.settings.concurrency,
        }
    }

    /// What it has of the room of all lanes.
    fn held(&self) -> usize {
        self.under_way + self.waiting.len() + self.claiming
    }
}

/// What a lane may take of this room: all but the reserve, and one of that if it holds nothing.
fn share(room: usize, total: usize, held: usize) -> usize {
    let shared = room.saturating_sub(total / 4);
    match held {
        0 => shared.max(1).min(room),
        _ => shared,
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
mod tests;
