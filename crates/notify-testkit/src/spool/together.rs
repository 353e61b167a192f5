//! Laws of everything at once, through two handles.

use std::collections::BTreeMap;

use notify_core::{
    Millis, OpenFor, Opened, Put, Retention, Seen, Selection, SpoolError, SpoolErrorKind, Watched,
};
use std::time::Duration;
use tokio::task::JoinSet;

use super::random::Random;
use super::sample::{NOW, arrived, dead, entry, failed, id, retry};
use super::stage::{Broken, Findings, Stage, claim, holds, same};

pub(super) async fn laws(findings: &mut Findings<'_>) {
    findings
        .law("nothing is lost when all is done at once", conserved)
        .await;
    findings
        .law("a watcher misses nothing while it happens", watched)
        .await;
}

const TASKS: u64 = 6;
const STEPS: u64 = 30;
const TARGETS: [&str; 3] = ["a", "b", "c"];

/// What the calls of a task said.
#[derive(Debug, Default)]
struct Told {
    accepted: u64,
    delivered: u64,
}

async fn conserved(stage: &Stage<'_>) -> Result<(), Broken> {
    let other = stage.again(OpenFor::Work)?;
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let opened = if task % 2 == 0 {
            stage.opened().clone()
        } else {
            other.clone()
        };
        tasks.spawn(async move { many_steps(&opened, task).await });
    }
    let mut all = Told::default();
    while let Some(told) = tasks.join_next().await {
        let told = told??;
        all.accepted += told.accepted;
        all.delivered += told.delivered;
    }
    let counts = stage.counts().await?;
    same("accepted", counts.accepted, all.accepted)?;
    same("delivered", counts.delivered, all.delivered)?;
    holds(counts.are_conserved(), || format!("at the end: {counts:?}"))?;
    let found = stage.upkeep().verify(&|_| ()).await?;
    same("what a check finds", found, vec![])
}

async fn many_steps(opened: &Opened, task: u64) -> Result<Told, Broken> {
    let (mut random, mut told) = (Random(task), Told::default());
    for step in 0..STEPS {
        let now = NOW.plus(Duration::from_secs(step));
        match random.below(10) {
            0..4 => {
                let count = random.below(4);
                let targets = TARGETS
                    .into_iter()
                    .take(usize::try_from(count).unwrap_or(0));
                let targets: Vec<_> = targets.collect();
                let put = opened
                    .spool
                    .put(entry(task * STEPS + step, &targets, now))
                    .await?;
                same("the answer to a new event", put, Put::Stored)?;
                told.accepted += count;
            }
            4..8 => told.delivered += turn(opened, &mut random, now).await?,
            _ => steer(opened, &mut random, now).await?,
        }
        let counts = opened.spool.counts().await?;
        holds(counts.are_conserved(), || format!("meanwhile: {counts:?}"))?;
    }
    Ok(told)
}

/// Claims, and settles in all ways. Answers how many arrived.
async fn turn(opened: &Opened, random: &mut Random, now: Millis) -> Result<u64, Broken> {
    let mut delivered = 0;
    for job in claim(opened.spool.as_ref(), None, 4, now).await? {
        // Others come to their turn while the attempt is made.
        tokio::task::yield_now().await;
        let (settlement, arrivals) = match random.below(5) {
            0 | 1 => (arrived(now), 1),
            2 => (failed(now, retry(now)), 0),
            3 => (failed(now, dead("no")), 0),
            _ => continue,
        };
        match opened.spool.settle(&job.lease, settlement, now).await {
            Ok(_) => delivered += arrivals,
            // Somebody cancelled it, or ended all leases.
            Err(error) if error.kind() == SpoolErrorKind::Stale => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(delivered)
}

/// What a person does, and a sweep.
async fn steer(opened: &Opened, random: &mut Random, now: Millis) -> Result<(), SpoolError> {
    let event = Selection::Event(id(random.below(TASKS * STEPS)));
    let spool = &opened.spool;
    match random.below(5) {
        0 => spool.cancel(&event, now).await.map(drop),
        1 => spool.revive(&Selection::All, now).await.map(drop),
        2 => spool.hurry("a", now).await.map(drop),
        3 => spool.recover(now).await.map(drop),
        _ => {
            let retention = Retention {
                delivered: Duration::from_secs(5),
                dead: Duration::from_secs(5),
                most_events: 10,
                ..Retention::KEEP
            };
            opened.upkeep.sweep(&retention, now).await.map(drop)
        }
    }
}

const EVENTS: u64 = 60;

async fn watched(stage: &Stage<'_>) -> Result<(), Broken> {
    let other = stage.again(OpenFor::Work)?;
    let mut tasks = JoinSet::new();
    for (first, opened) in [(0, stage.opened().clone()), (1, other.clone())] {
        tasks.spawn(async move { put_and_settle(&opened, first).await });
    }
    let (mut times, mut seen) = (BTreeMap::new(), Seen::default());
    loop {
        let are_done = tasks.is_empty();
        while let Some(done) = tasks.try_join_next() {
            done??;
            // Each may have left what the other was about to take.
            settle_some(stage.opened(), EVENTS).await?;
        }
        let (new, next) = stage.history().watch(seen, 7).await?;
        seen = next;
        if new.is_empty() && are_done {
            break;
        }
        for one in new {
            let what = match one {
                Watched::Accepted(event) => event.id.to_string(),
                Watched::Attempted { key, .. } => key,
                Watched::Handled { .. } => continue,
            };
            *times.entry(what).or_insert(0) += 1;
        }
        tokio::task::yield_now().await;
    }
    let twice = times.iter().find(|(_, times)| **times > 1);
    holds(twice.is_none(), || format!("seen again: {twice:?}"))?;
    let missed = (0..EVENTS).find(|number| {
        let id = id(*number);
        !times.contains_key(&id.to_string()) || !times.contains_key(&format!("{id}.a"))
    });
    holds(missed.is_none(), || {
        format!("missed: event {missed:?}, or its attempt")
    })
}

/// Every other event, and an attempt at one after each.
async fn put_and_settle(opened: &Opened, first: u64) -> Result<(), SpoolError> {
    for number in (first..EVENTS).step_by(2) {
        opened.spool.put(entry(number, &["a"], NOW)).await?;
        settle_some(opened, 1).await?;
    }
    Ok(())
}

async fn settle_some(opened: &Opened, most: u64) -> Result<(), SpoolError> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    for job in claim(opened.spool.as_ref(), Some("a"), most, NOW).await? {
        opened.spool.settle(&job.lease, arrived(NOW), NOW).await?;
    }
    Ok(())
}
