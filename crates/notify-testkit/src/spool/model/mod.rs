//! Random steps on a spool and on the model give the same answers.

mod rules;
mod steps;

use std::collections::BTreeSet;
use std::fmt::Debug;

use notify_core::{
    Claim, EventRecord, EventSummary, HistoryQuery, JobRecord, JobState, Lease, Millis, OpenFor,
    Opened, Retention, SpoolError, SpoolErrorKind, SpoolPlace,
};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use rules::Rules;
use steps::{How, Step, step};

use super::sample::{LEASE, NOW, entry, id};
use super::stage::{Broken, same};
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
        let (model, tested) = (&self.model.spool, &self.tested.spool);
        let now = self.now;
        match step {
            Step::Wait(delay) => {
                self.now = now.plus(*delay);
                Ok(())
            }
            // What becomes of an event that comes again after it was swept is not promised.
            Step::Put(number, ..) if self.swept.contains(number) => Ok(()),
            Step::Put(number, targets, due) => self.put(*number, *targets, now.plus(*due)).await,
            Step::Claim(target, most) => self.claim(TARGETS[*target], *most).await,
            Step::Settle(lease, how) => self.settle(*lease, how).await,
            Step::Release(lease, due) => self.release(*lease, now.plus(*due)).await,
            Step::Recover => {
                let wanted = model.recover(now).await;
                agree("recover", tested.recover(now).await, wanted)
            }
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

    /// An event for the targets whose bits are set.
    async fn put(&self, number: u64, targets: u8, due: Millis) -> Result<(), Broken> {
        let chosen = TARGETS.iter().enumerate();
        let chosen = chosen.filter(|(bit, _)| targets & (1 << bit) != 0);
        let chosen: Vec<&str> = chosen.map(|(_, target)| *target).collect();
        let mut entry = entry(number, &chosen, self.now);
        for job in &mut entry.jobs {
            job.due = due;
        }
        let wanted = self.model.spool.put(entry.clone()).await;
        agree("put", self.tested.spool.put(entry).await, wanted)
    }

    async fn settle(&self, lease: usize, how: &How) -> Result<(), Broken> {
        let Some((in_model, in_tested)) = self.lease(lease) else {
            return Ok(());
        };
        let (settlement, now) = (how.settlement(self.now), self.now);
        let model = &self.model.spool;
        let wanted = model.settle(in_model, settlement.clone(), now).await;
        let answer = self.tested.spool.settle(in_tested, settlement, now).await;
        agree("settle", answer, wanted)
    }

    async fn release(&self, lease: usize, due: Millis) -> Result<(), Broken> {
        let Some((in_model, in_tested)) = self.lease(lease) else {
            return Ok(());
        };
        let wanted = self.model.spool.release(in_model, due).await;
        let answer = self.tested.spool.release(in_tested, due).await;
        agree("release", answer, wanted)
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

async fn listed(opened: &Opened) -> Result<BTreeSet<u64>, Broken> {
    let events = opened.history.events(&HistoryQuery::default()).await?;
    Ok(events.iter().map(|event| number_of(event.id)).collect())
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
