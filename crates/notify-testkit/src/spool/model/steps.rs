//! The steps that a spool and the model take, chosen at random.

use std::time::Duration;

use notify_core::{Millis, Next, Outcome, Retention, Selection, Settlement};
use proptest::prelude::*;

use super::{EVENTS, TARGETS};
use crate::spool::sample::{LEASE, arrived, dead, failed, id, retry};

/// One call, or time that passes.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Wait(Duration),
    /// An event by number, for the targets whose bits are set, due after a delay.
    Put(u64, u8, Duration),
    Claim(usize, usize),
    /// A lease by the order in which it was given; it may have ended.
    Settle(usize, How),
    Release(usize, Duration),
    Recover,
    Revive(Which),
    Hurry(usize),
    Cancel(Which),
    Sweep(Retention),
    /// Another handle goes on.
    Reopen,
}

#[derive(Clone, Debug)]
pub(super) enum How {
    Arrived,
    Dead,
    Retry(Duration),
    Only(Duration),
}

#[derive(Clone, Debug)]
pub(super) enum Which {
    Event(u64),
    Key(u64, usize),
    Target(usize),
    All,
}

impl Which {
    pub(super) fn selection(&self) -> Selection {
        match self {
            Which::Event(number) => Selection::Event(id(*number)),
            Which::Key(number, target) => {
                Selection::Key(format!("{}.{}", id(*number), TARGETS[*target]))
            }
            Which::Target(target) => Selection::Target(TARGETS[*target].to_owned()),
            Which::All => Selection::All,
        }
    }
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let target = || 0..TARGETS.len();
    let lease = || any::<prop::sample::Index>().prop_map(|index| index.index(usize::MAX / 2));
    prop_oneof![
        4 => delay().prop_map(Step::Wait),
        8 => (0..EVENTS, 0..8_u8, delay()).prop_map(|(number, targets, due)| Step::Put(number, targets, due)),
        8 => (target(), 0..4_usize).prop_map(|(target, most)| Step::Claim(target, most)),
        8 => (lease(), how()).prop_map(|(lease, how)| Step::Settle(lease, how)),
        3 => (lease(), delay()).prop_map(|(lease, due)| Step::Release(lease, due)),
        1 => Just(Step::Recover),
        2 => which().prop_map(Step::Revive),
        2 => target().prop_map(Step::Hurry),
        2 => which().prop_map(Step::Cancel),
        1 => retention().prop_map(Step::Sweep),
        1 => Just(Step::Reopen),
    ]
}

fn retention() -> impl Strategy<Value = Retention> {
    let most = || prop_oneof![2 => Just(u64::MAX), 1 => 0..6_u64];
    let limits = (delay(), delay(), most(), most(), most());
    limits.prop_map(
        |(delivered, dead, most_delivered, most_dead, most_events)| Retention {
            delivered,
            dead,
            most_delivered,
            most_dead,
            most_events,
            most_bytes: u64::MAX,
        },
    )
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        Just(How::Arrived),
        Just(How::Dead),
        delay().prop_map(How::Retry),
        delay().prop_map(How::Only),
    ]
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![
        3 => (0..EVENTS).prop_map(Which::Event),
        3 => (0..EVENTS, 0..TARGETS.len()).prop_map(|(number, target)| Which::Key(number, target)),
        2 => (0..TARGETS.len()).prop_map(Which::Target),
        1 => Just(Which::All),
    ]
}

/// Delays at which something changes, and a moment beside them.
fn delay() -> impl Strategy<Value = Duration> {
    let milli = Duration::from_millis(1);
    prop::sample::select(vec![
        Duration::ZERO,
        milli,
        Duration::from_secs(1),
        LEASE - milli,
        LEASE,
        LEASE * 3,
    ])
}

impl How {
    pub(super) fn settlement(&self, now: Millis) -> Settlement {
        match self {
            How::Arrived => arrived(now),
            How::Dead => failed(now, dead("given up")),
            How::Retry(delay) => failed(now, retry(now.plus(*delay))),
            How::Only(delay) => Settlement {
                outcome: Outcome::Partial,
                ..failed(
                    now,
                    Next::Retry {
                        due: now.plus(*delay),
                        recipients: Some(vec!["b@example.com".to_owned()]),
                    },
                )
            },
        }
    }
}
