//! Laws of who has a job, and how long.

use std::collections::BTreeSet;
use std::time::Duration;

use notify_core::{
    Job, JobState, Lease, Millis, NewJob, OpenFor, Opened, Outcome, SpoolError, SpoolErrorKind,
};
use tokio::task::JoinSet;

use super::number_of;
use super::sample::{LEASE, NOW, arrived, dead, entry, failed, id, retry};
use super::stage::{Broken, Findings, Stage, claim, holds, refused, same};

pub(super) async fn laws(findings: &mut Findings<'_>) {
    findings
        .law("nothing is claimed before it is due", due)
        .await;
    findings
        .law("a claim gives what was asked for and no more", asked_for)
        .await;
    findings
        .law("a lease returns after its end, not before", returns)
        .await;
    findings
        .law("a lost lease is an attempt that was cut off", cut_off)
        .await;
    findings.law("two tasks never hold one job", tasks).await;
    findings
        .law("two handles never hold one job", handles)
        .await;
    findings
        .law("a stale lease cannot settle and changes nothing", stale)
        .await;
    findings
        .law("a lease that ended is good until somebody claims", late)
        .await;
    findings
        .law("a job that was given back has lost no attempt", given_back)
        .await;
    findings.law("recovery ends all leases", recovery).await;
}

const MILLI: Duration = Duration::from_millis(1);

async fn due(stage: &Stage<'_>) -> Result<(), Broken> {
    let hour = NOW.plus(Duration::from_secs(3600));
    let mut later = entry(1, &[], NOW);
    later.jobs = vec![NewJob::first("a", hour)];
    stage.put_entry(later).await?;
    nothing(stage, "a first attempt", hour).await?;
    let job = stage.claim_one(hour).await?;
    let next = hour.plus(Duration::from_secs(3600));
    stage
        .settle(&job.lease, failed(hour, retry(next)), hour)
        .await?;
    nothing(stage, "a second attempt", next).await?;
    let job = stage.claim_one(next).await?;
    let last = next.plus(Duration::from_secs(3600));
    stage.spool().release(&job.lease, last).await?;
    nothing(stage, "what was given back", last).await?;
    stage.claim_one(last).await.map(drop)
}

/// Nothing is claimed a moment before.
async fn nothing(stage: &Stage<'_>, what: &str, due: Millis) -> Result<(), Broken> {
    let early = stage.claimed(due.minus(MILLI)).await?;
    holds(early.is_empty(), || {
        format!("{what} was claimed 1 ms before it was due")
    })
}

async fn asked_for(stage: &Stage<'_>) -> Result<(), Broken> {
    for number in 0..10 {
        stage.put(number, &["a", "b"], NOW).await?;
    }
    let spool = stage.spool();
    same("none", claim(spool, None, 0, NOW).await?.len(), 0)?;
    let three = claim(spool, Some("a"), 3, NOW).await?;
    same("three of one target", three.len(), 3)?;
    let all = claim(spool, Some("a"), 1000, NOW).await?;
    same("the others of that target", all.len(), 7)?;
    let foreign = three.iter().chain(&all).find(|job| job.target != "a");
    holds(foreign.is_none(), || "a job of another target".to_owned())?;
    same(
        "an unknown target",
        claim(spool, Some("c"), 9, NOW).await?.len(),
        0,
    )?;
    same("any target", claim(spool, None, 4, NOW).await?.len(), 4)?;
    same("what is left", claim(spool, None, 99, NOW).await?.len(), 6)
}

async fn returns(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.put(1, &["a"], NOW).await?;
    let first = stage.claim_one(NOW).await?;
    let record = stage.job(1).await?;
    let end = NOW.plus(LEASE);
    same(
        "leased until",
        (record.is_leased, record.due),
        (true, Some(end)),
    )?;
    let early = stage.claimed(end.minus(MILLI)).await?;
    holds(early.is_empty(), || {
        "the job was claimed 1 ms before the end of its lease".to_owned()
    })?;
    let second = stage.claim_one(end).await?;
    same("attempts", (first.attempt, second.attempt), (1, 2))?;
    same("age", second.since, NOW)?;
    holds(first.lease != second.lease, || {
        format!("both leases are {:?}", first.lease)
    })
}

async fn cut_off(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.put(1, &["a"], NOW).await?;
    stage.claim_one(NOW).await?;
    let later = NOW.plus(LEASE * 2);
    let job = stage.claim_one(later).await?;
    let record = stage.job(1).await?;
    let [lost] = &record.attempts[..] else {
        return Err(Broken(format!("the attempts are {:?}", record.attempts)));
    };
    same("outcome", (lost.number, lost.outcome), (1, Outcome::CutOff))?;
    same("times", (lost.started, lost.ended), (NOW, later))?;
    stage.settle(&job.lease, arrived(later), later).await?;
    let record = stage.job(1).await?;
    let attempts = record.attempts.iter();
    let told: Vec<_> = attempts.map(|one| (one.number, one.outcome)).collect();
    let wanted = vec![(1, Outcome::CutOff), (2, Outcome::Delivered)];
    same("attempts", told, wanted)
}

const JOBS: usize = 120;

async fn tasks(stage: &Stage<'_>) -> Result<(), Broken> {
    let handles = vec![stage.opened().clone()];
    held_by_one(stage, &handles).await
}

async fn handles(stage: &Stage<'_>) -> Result<(), Broken> {
    let handles = vec![stage.opened().clone(), stage.again(OpenFor::Work)?];
    held_by_one(stage, &handles).await
}

async fn held_by_one(stage: &Stage<'_>, handles: &[Opened]) -> Result<(), Broken> {
    for number in 0..JOBS / 2 {
        let number = u64::try_from(number).unwrap_or(0);
        stage.put(number, &["a", "b"], NOW).await?;
    }
    let mut claimers = JoinSet::new();
    for number in 0..8 {
        claimers.spawn(claim_all(handles[number % handles.len()].clone()));
    }
    let mut held = Vec::new();
    while let Some(claimed) = claimers.join_next().await {
        held.extend(claimed??);
    }
    let keys: BTreeSet<_> = held.iter().map(|job| job.lease.key.as_str()).collect();
    holds(keys.len() == held.len(), || {
        format!("{} jobs were claimed {} times", keys.len(), held.len())
    })?;
    same("claimed", held.len(), JOBS)?;
    for job in &held {
        stage.settle(&job.lease, arrived(NOW), NOW).await?;
    }
    Ok(())
}

async fn claim_all(opened: Opened) -> Result<Vec<Job>, SpoolError> {
    let mut held = Vec::new();
    loop {
        let jobs = claim(opened.spool.as_ref(), None, 7, NOW).await?;
        if jobs.is_empty() {
            return Ok(held);
        }
        held.extend(jobs);
        tokio::task::yield_now().await;
    }
}

async fn stale(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.put(1, &["a"], NOW).await?;
    let lost = stage.claim_one(NOW).await?.lease;
    let end = NOW.plus(LEASE);
    let held = stage.claim_one(end).await?.lease;
    is_stale(stage, &lost, "claimed again").await?;
    stage.settle(&held, failed(end, retry(end)), end).await?;
    is_stale(stage, &lost, "waiting again").await?;
    is_stale(stage, &held, "settled").await?;
    let back = stage.claim_one(end).await?.lease;
    stage.spool().release(&back, end).await?;
    is_stale(stage, &back, "given back").await?;
    let last = stage.claim_one(end).await?.lease;
    is_stale(stage, &held, "leased to another").await?;
    stage.settle(&last, failed(end, dead("no")), end).await?;
    is_stale(stage, &last, "dead").await
}

/// A lease can neither settle nor give back, and the record stays as it is.
pub(super) async fn is_stale(stage: &Stage<'_>, lease: &Lease, when: &str) -> Result<(), Broken> {
    let later = NOW.plus(LEASE * 3);
    let before = (stage.counts().await?, stage.job(1).await?);
    let settled = stage.spool().settle(lease, arrived(later), later).await;
    refused(
        &format!("settle when {when}"),
        settled,
        SpoolErrorKind::Stale,
    )?;
    let released = stage.spool().release(lease, later).await;
    refused(
        &format!("release when {when}"),
        released,
        SpoolErrorKind::Stale,
    )?;
    let after = (stage.counts().await?, stage.job(1).await?);
    same(&format!("the record when {when}"), after, before)
}

async fn late(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.put(1, &["a"], NOW).await?;
    let lease = stage.claim_one(NOW).await?.lease;
    let late = NOW.plus(LEASE * 2);
    stage.settle(&lease, arrived(NOW), late).await?;
    let record = stage.job(1).await?;
    let attempts: Vec<_> = record.attempts.iter().map(|one| one.outcome).collect();
    same("attempts", attempts, vec![Outcome::Delivered])?;
    same("claimed", stage.claimed(late).await?.len(), 0)
}

async fn given_back(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.put(1, &["a"], NOW).await?;
    let job = stage.claim_one(NOW).await?;
    let due = NOW.plus(MILLI);
    stage.spool().release(&job.lease, due).await?;
    let record = stage.job(1).await?;
    let told = (
        record.state,
        record.due,
        record.is_leased,
        record.attempts.len(),
    );
    same("the record", told, (JobState::Pending, Some(due), false, 0))?;
    same("attempt", stage.claim_one(due).await?.attempt, 1)
}

async fn recovery(stage: &Stage<'_>) -> Result<(), Broken> {
    for number in 0..3 {
        stage.put(number, &["a"], NOW).await?;
    }
    let held = claim(stage.spool(), None, 2, NOW).await?;
    let later = NOW.plus(MILLI);
    same("ended", stage.spool().recover(later).await?, 2)?;
    same("ended again", stage.spool().recover(later).await?, 0)?;
    for job in &held {
        let settled = stage.spool().settle(&job.lease, arrived(NOW), later).await;
        refused("settle after recovery", settled, SpoolErrorKind::Stale)?;
    }
    let mut attempts: Vec<_> = stage.claim(later).await?;
    attempts.sort_by_key(|job| job.attempt);
    let numbers: Vec<_> = attempts.iter().map(|job| job.attempt).collect();
    same("attempts", numbers, vec![1, 2, 2])?;
    let first = number_of(held.first().map_or(id(0), |job| job.event.id));
    let lost = stage.job(first).await?.attempts.pop();
    let lost = lost.map(|lost| (lost.number, lost.outcome, lost.started, lost.ended));
    same(
        "what was lost",
        lost,
        Some((1, Outcome::CutOff, NOW, later)),
    )
}
