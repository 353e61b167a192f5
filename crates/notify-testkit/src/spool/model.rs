//! Random steps on a spool and on the model give the same answers.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use notify_core::{
    Claim, EventRecord, EventSummary, HistoryQuery, JobRecord, JobState, Lease, Millis, Next,
    OpenFor, Opened, Outcome, Retention, Selection, Settlement, SpoolError, SpoolErrorKind,
    SpoolPlace,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::sample::{LEASE, NOW, arrived, dead, entry, failed, id, retry};
use super::stage::{Broken, holds, same};
use super::{MemorySpool, Subject, number_of};

const TARGETS: [&str; 3] = ["a", "b", "c"];
const EVENTS: u64 = 12;

/// Takes random steps on the spool and on [`MemorySpool`] and compares all that they tell.
///
/// For ordered spools; another may answer otherwise and be right.
///
/// # Panics
/// When they differ; the message has the fewest steps that show it.
pub fn agrees_with_model(subject: &Subject<'_>, cases: u32) {
    let config = Config {
        cases,
        // A case takes milliseconds where each step is synced.
        max_shrink_iters: 1024,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = proptest::collection::vec(step(), 1..60);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let result = TestRunner::new(config).run(&steps, |steps| {
        let compared = runtime.block_on(compare(subject, &steps));
        compared.map_err(|Broken(seen)| TestCaseError::fail(seen))
    });
    if let Err(error) = result {
        panic!("spool `{}` does as the model does: {error}", subject.name);
    }
}

/// One call, or time that passes.
#[derive(Clone, Debug)]
enum Step {
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
enum How {
    Arrived,
    Dead,
    Retry(Duration),
    Only(Duration),
}

#[derive(Clone, Debug)]
enum Which {
    Event(u64),
    Key(u64, usize),
    Target(usize),
    All,
}

impl Which {
    fn selection(&self) -> Selection {
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

fn step() -> impl Strategy<Value = Step> {
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

async fn compare(subject: &Subject<'_>, steps: &[Step]) -> Result<(), Broken> {
    let folder = tempfile::tempdir()?;
    let place = SpoolPlace {
        folder: folder.path().join("spool"),
        purpose: OpenFor::Work,
    };
    let memory = MemorySpool::new();
    let mut pair = Pair {
        model: memory.opened(),
        memory,
        tested: (subject.open)(&place)?,
        leases: Vec::new(),
        swept: BTreeSet::new(),
        now: NOW,
    };
    for (at, step) in steps.iter().enumerate() {
        let named = |Broken(seen)| Broken(format!("step {at}, {step:?}: {seen}"));
        if let Step::Reopen = step {
            let opened = (subject.open)(&place).map_err(Broken::from);
            pair.tested = opened.map_err(named)?;
        } else {
            pair.step(step).await.map_err(named)?;
        }
        pair.tells_the_same().await.map_err(named)?;
    }
    pair.remembers_the_same().await
}

/// The model and the spool that is tested.
struct Pair {
    memory: MemorySpool,
    /// The same.
    model: Opened,
    tested: Opened,
    /// All that were ever given, of the model and of the other.
    leases: Vec<(Lease, Lease)>,
    swept: BTreeSet<u64>,
    now: Millis,
}

impl Pair {
    async fn step(&mut self, step: &Step) -> Result<(), Broken> {
        let (model, tested) = (self.model.spool.clone(), self.tested.spool.clone());
        let now = self.now;
        match step {
            Step::Wait(delay) => {
                self.now = now.plus(*delay);
                Ok(())
            }
            // What becomes of an event that comes again after it was swept is not promised.
            Step::Put(number, ..) if self.swept.contains(number) => Ok(()),
            Step::Put(number, targets, due) => {
                let chosen = TARGETS.iter().enumerate();
                let chosen = chosen.filter(|(bit, _)| targets & (1 << bit) != 0);
                let chosen: Vec<&str> = chosen.map(|(_, target)| *target).collect();
                let mut entry = entry(*number, &chosen, now);
                for job in &mut entry.jobs {
                    job.due = now.plus(*due);
                }
                let wanted = model.put(entry.clone()).await;
                agree("put", tested.put(entry).await, wanted)
            }
            Step::Claim(target, most) => self.claim(TARGETS[*target], *most).await,
            Step::Settle(lease, how) => {
                let Some((in_model, in_tested)) = self.lease(*lease) else {
                    return Ok(());
                };
                let settlement = settlement(how, now);
                let wanted = model.settle(in_model, settlement.clone(), now).await;
                agree(
                    "settle",
                    tested.settle(in_tested, settlement, now).await,
                    wanted,
                )
            }
            Step::Release(lease, due) => {
                let Some((in_model, in_tested)) = self.lease(*lease) else {
                    return Ok(());
                };
                let wanted = model.release(in_model, now.plus(*due)).await;
                agree(
                    "release",
                    tested.release(in_tested, now.plus(*due)).await,
                    wanted,
                )
            }
            Step::Recover => agree(
                "recover",
                tested.recover(now).await,
                model.recover(now).await,
            ),
            Step::Revive(which) => {
                let which = which.selection();
                let wanted = model.revive(&which, now).await;
                agree("revive", tested.revive(&which, now).await, wanted)
            }
            Step::Hurry(target) => {
                let wanted = model.hurry(TARGETS[*target], now).await;
                agree("hurry", tested.hurry(TARGETS[*target], now).await, wanted)
            }
            Step::Cancel(which) => {
                let which = which.selection();
                let wanted = model.cancel(&which, now).await;
                agree("cancel", tested.cancel(&which, now).await, wanted)
            }
            Step::Sweep(retention) => self.sweep(retention).await,
            Step::Reopen => Ok(()),
        }
    }

    fn lease(&self, number: usize) -> Option<(&Lease, &Lease)> {
        // The last ones are the ones that matter most.
        let number = number.checked_rem(self.leases.len().min(8))?;
        let (model, tested) = self.leases.iter().rev().nth(number)?;
        Some((model, tested))
    }

    async fn claim(&mut self, target: &str, most: usize) -> Result<(), Broken> {
        let claim = Claim {
            target: Some(target),
            most,
            lease: LEASE,
        };
        let wanted = self.model.spool.claim(claim, self.now).await?;
        let claimed = self.tested.spool.claim(claim, self.now).await?;
        let told = |jobs: &[notify_core::Job]| {
            let told = jobs.iter().map(|job| {
                let who = (job.lease.key.clone(), job.target.clone());
                let what = (job.event.clone(), job.recipients.clone());
                (who, what, job.attempt, job.since)
            });
            told.collect::<Vec<_>>()
        };
        same("claimed", told(&claimed), told(&wanted))?;
        let leases = wanted.into_iter().zip(claimed);
        self.leases
            .extend(leases.map(|(model, tested)| (model.lease, tested.lease)));
        Ok(())
    }

    /// A sweep takes only what it may and all that it must; the model then forgets the same.
    async fn sweep(&mut self, retention: &Retention) -> Result<(), Broken> {
        let before = self.settled().await?;
        for _ in 0..100 {
            let step = self.tested.upkeep.sweep(retention, self.now).await?;
            if !step.more {
                break;
            }
        }
        let left = listed(&self.tested).await?;
        let rules = Rules::of(retention, &before, self.now);
        let (gone, kept): (Vec<_>, Vec<_>) = before
            .iter()
            .partition(|event| !left.contains(&number_of(event.id)));
        rules.hold(&gone, &kept)?;
        for event in gone {
            self.memory.forget(event.id);
            self.swept.insert(number_of(event.id));
        }
        // What was not settled stays.
        same("left after a sweep", left, listed(&self.model).await?)
    }

    /// The events of the model of which nothing is pending or under way.
    async fn settled(&self) -> Result<Vec<EventSummary>, Broken> {
        let mut settled = Vec::new();
        for event in self.model.history.events(&HistoryQuery::default()).await? {
            let record = self.model.history.event(event.id).await?;
            let jobs = record.map_or_else(Vec::new, |record| record.jobs);
            let is_open = |job: &JobRecord| job.state == JobState::Pending || job.is_leased;
            if !jobs.iter().any(is_open) {
                settled.push(event);
            }
        }
        Ok(settled)
    }

    /// What is cheap to compare after each step.
    async fn tells_the_same(&self) -> Result<(), Broken> {
        let (model, tested) = (&self.model.spool, &self.tested.spool);
        same("counts", tested.counts().await?, model.counts().await?)?;
        same("queues", tested.targets().await?, model.targets().await?)
    }

    /// All that can be asked.
    async fn remembers_the_same(&self) -> Result<(), Broken> {
        let (model, tested) = (&self.model.history, &self.tested.history);
        let all = HistoryQuery::default();
        same(
            "events",
            tested.events(&all).await?,
            model.events(&all).await?,
        )?;
        for number in 0..EVENTS {
            let wanted = model.event(id(number)).await?.map(unchanged);
            same(
                "an event",
                tested.event(id(number)).await?.map(unchanged),
                wanted,
            )?;
        }
        for state in JobState::ALL {
            let wanted = sorted(model.jobs(&[state], None, 999).await?);
            let jobs = sorted(tested.jobs(&[state], None, 999).await?);
            same(state.name(), jobs, wanted)?;
        }
        if self.swept.is_empty() {
            let wanted = model.last_attempts().await?;
            same("last attempts", tested.last_attempts().await?, wanted)?;
        }
        let found = self.tested.upkeep.verify(&|_| ()).await?;
        same("what a check finds", found, vec![])
    }
}

/// What a sweep of these settled events may and must do.
struct Rules<'r> {
    retention: &'r Retention,
    now: Millis,
    /// How many there are above each limit.
    events: usize,
    delivered: usize,
    dead: usize,
}

impl<'r> Rules<'r> {
    fn of(retention: &'r Retention, settled: &[EventSummary], now: Millis) -> Self {
        let above = |count: usize, most: u64| {
            count.saturating_sub(usize::try_from(most).unwrap_or(usize::MAX))
        };
        let dead = settled.iter().filter(|event| is_dead(event)).count();
        Rules {
            retention,
            now,
            events: above(settled.len(), retention.most_events),
            delivered: above(settled.len() - dead, retention.most_delivered),
            dead: above(dead, retention.most_dead),
        }
    }

    fn is_old(&self, event: &EventSummary) -> bool {
        let keep = match is_dead(event) {
            true => self.retention.dead,
            false => self.retention.delivered,
        };
        self.now.since(event.accepted) > keep
    }

    fn hold(&self, gone: &[&EventSummary], kept: &[&EventSummary]) -> Result<(), Broken> {
        // A store may keep the newest event and the one with the newest attempt.
        let few =
            |what: &str, count: usize| holds(count <= 2, || format!("{count} {what} are left"));
        few(
            "old events",
            kept.iter().filter(|event| self.is_old(event)).count(),
        )?;
        let (dead, delivered): (Vec<&EventSummary>, Vec<_>) =
            gone.iter().copied().partition(|event| is_dead(event));
        few("too many", self.events.saturating_sub(gone.len()))?;
        few(
            "too many that arrived",
            self.delivered.saturating_sub(delivered.len()),
        )?;
        few("too many dead", self.dead.saturating_sub(dead.len()))?;
        let early =
            |events: &[&EventSummary]| events.iter().filter(|event| !self.is_old(event)).count();
        let most = self.events.max(self.delivered);
        holds(early(&delivered) <= most, || {
            format!(
                "{} that arrived went early, {most} were too many",
                early(&delivered)
            )
        })?;
        let most = self.events.max(self.dead);
        holds(early(&dead) <= most, || {
            format!("{} dead went early, {most} were too many", early(&dead))
        })?;
        // Beyond their own limit the dead go only when all others have gone.
        if early(&dead) > self.dead {
            few(
                "that arrived",
                kept.iter().filter(|event| !is_dead(event)).count(),
            )?;
        }
        Ok(())
    }
}

fn is_dead(event: &EventSummary) -> bool {
    event.jobs.iter().any(|(_, state)| *state == JobState::Dead)
}

async fn listed(opened: &Opened) -> Result<BTreeSet<u64>, Broken> {
    let events = opened.history.events(&HistoryQuery::default()).await?;
    Ok(events.iter().map(|event| number_of(event.id)).collect())
}

fn settlement(how: &How, now: Millis) -> Settlement {
    match how {
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

/// Without what the contracts leave to the spool.
fn unchanged(mut record: EventRecord) -> EventRecord {
    record.jobs = sorted(record.jobs);
    record
}

fn sorted(mut jobs: Vec<JobRecord>) -> Vec<JobRecord> {
    for job in &mut jobs {
        job.changed = Millis::default();
    }
    jobs.sort_by(|one, other| one.key.cmp(&other.key));
    jobs
}

/// Both did the same, or failed in the same way.
fn agree<T: Debug + PartialEq>(
    call: &str,
    answer: Result<T, SpoolError>,
    wanted: Result<T, SpoolError>,
) -> Result<(), Broken> {
    let kind = |error: SpoolError| -> SpoolErrorKind { error.kind() };
    same(call, answer.map_err(kind), wanted.map_err(kind))
}
