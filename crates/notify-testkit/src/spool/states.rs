//! Laws of where a delivery stands.

use std::time::Duration;

use notify_core::{
    AttemptRecord, Counts, FailureKind, JobState, Lease, Millis, Next, Outcome, Refusal, Selection,
    Settlement, SpoolErrorKind, TargetQueue,
};

use super::lease::is_stale;
use super::sample::{LEASE, NOW, arrived, dead, failed, id, retry};
use super::stage::{Broken, Findings, Stage, claim, holds, refused, same};

pub(super) async fn laws(findings: &mut Findings<'_>) {
    findings
        .law("what an attempt gave is recorded, whole", recorded)
        .await;
    findings
        .law("a retry goes to the recipients that are left", recipients)
        .await;
    findings
        .law("a dead delivery says why and stays away", death)
        .await;
    findings
        .law("a revived delivery is due and young", revival)
        .await;
    findings
        .law("a hurried delivery is due and as old as it was", hurry)
        .await;
    findings
        .law("a cancelled delivery stays away", cancellation)
        .await;
    findings
        .law("what was dropped under way keeps its attempt", dropped)
        .await;
    findings
        .law("a selection means what it names", selection)
        .await;
    findings
        .law("the counts are conserved after each step", conservation)
        .await;
    findings
        .law("the queue of each target is counted", queues)
        .await;
}

const HOUR: Duration = Duration::from_secs(3600);

async fn recorded(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.put(1, &["a"], NOW).await?;
    let refused = vec![Refusal {
        recipient: "ä@example.com".to_owned(),
        kind: FailureKind::Rejected.name().to_owned(),
        message: "550 \"no\"\n".to_owned(),
    }];
    let started = NOW.plus(Duration::from_millis(3));
    let settlement = Settlement {
        started,
        outcome: Outcome::Partial,
        detail: Some("one of two took it\u{0}".to_owned()),
        reference: Some("250 2.0.0 Ok: queued as 4B1C".to_owned()),
        refused: refused.clone(),
        next: retry(NOW.plus(HOUR)),
    };
    let ended = NOW.plus(Duration::from_millis(7));
    let wanted = AttemptRecord {
        number: 1,
        started,
        ended,
        outcome: Outcome::Partial,
        detail: settlement.detail.clone(),
        reference: settlement.reference.clone(),
        refused,
    };
    let lease = stage.claim_one(NOW).await?.lease;
    stage.settle(&lease, settlement, ended).await?;
    same("attempts", stage.job(1).await?.attempts, vec![wanted])?;
    for (number, kind) in [
        (2, FailureKind::Misconfigured),
        (3, FailureKind::Rejected),
        (4, FailureKind::Uncertain),
    ] {
        let again = Settlement {
            outcome: Outcome::Failed(kind),
            ..failed(NOW, retry(NOW))
        };
        stage.attempt(again, NOW.plus(HOUR)).await?;
        let last = stage.job(1).await?.attempts.pop();
        let last = last.map(|last| (last.number, last.outcome));
        same("attempt", last, Some((number, Outcome::Failed(kind))))?;
    }
    Ok(())
}

async fn recipients(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.put(1, &["a"], NOW).await?;
    let left = Some(vec!["b@example.com".to_owned()]);
    let job = stage.claim_one(NOW).await?;
    same("at first", job.recipients, None)?;
    let next = Next::Retry {
        due: NOW,
        recipients: left.clone(),
    };
    stage.settle(&job.lease, failed(NOW, next), NOW).await?;
    let job = stage.claim_one(NOW).await?;
    same("those that were named", job.recipients, left.clone())?;
    stage
        .settle(&job.lease, failed(NOW, retry(NOW)), NOW)
        .await?;
    let job = stage.claim_one(NOW).await?;
    same("those of before", job.recipients, left.clone())?;
    stage.spool().release(&job.lease, NOW).await?;
    same(
        "after giving back",
        stage.job(1).await?.recipients,
        left.clone(),
    )?;
    stage.claim_one(NOW).await?;
    let job = stage.claim_one(NOW.plus(LEASE)).await?;
    same("after a lost lease", job.recipients, left)
}

async fn death(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.put(1, &["a"], NOW).await?;
    stage.attempt(failed(NOW, dead("too old")), NOW).await?;
    let record = stage.job(1).await?;
    let told = (record.state, record.reason.as_deref(), record.due);
    same("the record", told, (JobState::Dead, Some("too old"), None))?;
    let hurried = stage.spool().hurry("a", NOW).await?;
    same("hurried", hurried, 0)?;
    same("claimed", stage.claimed(NOW.plus(HOUR)).await?.len(), 0)
}

async fn revival(stage: &Stage<'_>) -> Result<(), Broken> {
    let (later, spool) = (NOW.plus(HOUR), stage.spool());
    stage.put(1, &["a"], NOW).await?;
    stage.attempt(failed(NOW, dead("too old")), NOW).await?;
    same("a dead one", spool.revive(&Selection::All, later).await?, 1)?;
    let record = stage.job(1).await?;
    let told = (record.state, record.reason, record.due, record.since);
    let wanted = (JobState::Pending, None, Some(later), later);
    same("the record", told, wanted)?;
    let job = stage.claim_one(later).await?;
    same("attempt and age", (job.attempt, job.since), (2, later))?;
    same(
        "a leased one",
        spool.revive(&Selection::All, later).await?,
        0,
    )?;
    let far = retry(later.plus(HOUR));
    stage.settle(&job.lease, failed(later, far), later).await?;
    let soon = later.plus(Duration::from_secs(1));
    same(
        "a waiting one",
        spool.revive(&Selection::All, soon).await?,
        1,
    )?;
    let job = stage.claim_one(soon).await?;
    same("attempt and age", (job.attempt, job.since), (3, soon))?;
    stage.settle(&job.lease, arrived(soon), soon).await?;
    let settled = spool.revive(&Selection::All, soon).await?;
    same("a delivered one", settled, 0)?;
    let record = stage.job(1).await?;
    same("it stays", record.state, JobState::Delivered)?;
    let numbers: Vec<_> = record.attempts.iter().map(|one| one.number).collect();
    same("attempts", numbers, vec![1, 2, 3])
}

async fn hurry(stage: &Stage<'_>) -> Result<(), Broken> {
    let spool = stage.spool();
    for number in 1..=3 {
        stage.put(number, &["a", "b"], NOW).await?;
    }
    for job in stage.claim(NOW).await? {
        let far = retry(NOW.plus(HOUR));
        stage.settle(&job.lease, failed(NOW, far), NOW).await?;
    }
    let soon = NOW.plus(Duration::from_secs(1));
    same("waiting ones", spool.hurry("a", soon).await?, 3)?;
    same("no such target", spool.hurry("c", soon).await?, 0)?;
    let later = soon.plus(Duration::from_secs(1));
    same("those that are due", spool.hurry("a", later).await?, 0)?;
    let jobs = stage.claim(soon).await?;
    let told: Vec<_> = jobs
        .iter()
        .map(|job| (job.target.as_str(), job.attempt, job.since))
        .collect();
    same("target, attempt, age", told, vec![("a", 2, NOW); 3])?;
    same("leased ones", spool.hurry("a", soon).await?, 0)
}

async fn cancellation(stage: &Stage<'_>) -> Result<(), Broken> {
    let spool = stage.spool();
    for number in 1..=3 {
        stage.put(number, &["a"], NOW).await?;
    }
    let key = |number| Selection::Event(id(number));
    let jobs = stage.claim(NOW).await?;
    for job in &jobs {
        let settlement = match super::number_of(job.event.id) {
            1 => continue,
            2 => failed(NOW, dead("no")),
            _ => arrived(NOW),
        };
        stage.settle(&job.lease, settlement, NOW).await?;
    }
    same("a leased one", spool.cancel(&key(1), NOW).await?, 1)?;
    same("a dead one", spool.cancel(&key(2), NOW).await?, 1)?;
    same("a delivered one", spool.cancel(&key(3), NOW).await?, 0)?;
    same("a cancelled one", spool.cancel(&key(1), NOW).await?, 0)?;
    stage.put(4, &["a"], NOW).await?;
    same("a waiting one", spool.cancel(&key(4), NOW).await?, 1)?;
    for number in [1, 2, 4] {
        let record = stage.job(number).await?;
        let told = (record.state, record.due, record.is_leased);
        let is_leased = number == 1;
        same("the record", told, (JobState::Cancelled, None, is_leased))?;
    }
    same("revived", spool.revive(&Selection::All, NOW).await?, 0)?;
    let far = NOW.plus(HOUR);
    same("claimed", stage.claimed(far).await?.len(), 0)
}

async fn dropped(stage: &Stage<'_>) -> Result<(), Broken> {
    let later = NOW.plus(LEASE * 2);
    // `is_stale` looks at event 1.
    for (number, settlement, state, reference) in [
        (1, arrived(NOW), JobState::Delivered, Some("queued as 7")),
        (2, failed(NOW, retry(later)), JobState::Cancelled, None),
        (3, failed(NOW, dead("no")), JobState::Cancelled, None),
    ] {
        let lease = under_way_and_dropped(stage, number).await?;
        let outcome = settlement.outcome;
        // Nobody claims it, so its lease is good even after its end.
        same("claimed", stage.claimed(later).await?.len(), 0)?;
        let answer = stage.settle(&lease, settlement, later).await?;
        same("the answer", answer, state)?;
        let record = stage.job(number).await?;
        let told = (record.state, record.due, record.is_leased, record.reason);
        same("the record", told, (state, None, false, None))?;
        let [attempt] = &record.attempts[..] else {
            return Err(Broken(format!("the attempts are {:?}", record.attempts)));
        };
        let told = (attempt.outcome, attempt.reference.as_deref());
        same("the attempt", told, (outcome, reference))?;
        if number == 1 {
            is_stale(stage, &lease, "dropped and settled").await?;
        }
        same("claimed", stage.claimed(later.plus(LEASE)).await?.len(), 0)?;
    }
    given_back_or_lost(stage).await?;
    let counts = stage.counts().await?;
    let told = (counts.delivered, counts.cancelled, counts.are_conserved());
    same("counts", told, (1, 4, true))
}

async fn under_way_and_dropped(stage: &Stage<'_>, number: u64) -> Result<Lease, Broken> {
    stage.put(number, &["a"], NOW).await?;
    let lease = stage.claim_one(NOW).await?.lease;
    let dropped = stage
        .spool()
        .cancel(&Selection::Event(id(number)), NOW)
        .await?;
    same("dropped", dropped, 1)?;
    let record = stage.job(number).await?;
    let told = (record.state, record.is_leased, record.attempts.len());
    same("at once", told, (JobState::Cancelled, true, 0))?;
    Ok(lease)
}

/// Nothing was sent with the one; of the other nobody knows.
async fn given_back_or_lost(stage: &Stage<'_>) -> Result<(), Broken> {
    let spool = stage.spool();
    let back = under_way_and_dropped(stage, 4).await?;
    spool.release(&back, NOW).await?;
    let lost = under_way_and_dropped(stage, 5).await?;
    let later = NOW.plus(LEASE);
    same("recovered", spool.recover(later).await?, 1)?;
    let settled = spool.settle(&lost, arrived(NOW), later).await;
    refused("settle after recovery", settled, SpoolErrorKind::Stale)?;
    for (number, wanted) in [(4, vec![]), (5, vec![(Outcome::CutOff, NOW, later)])] {
        let record = stage.job(number).await?;
        let told = (record.state, record.is_leased);
        same("the record", told, (JobState::Cancelled, false))?;
        let attempts = record.attempts.iter();
        let told: Vec<_> = attempts
            .map(|one| (one.outcome, one.started, one.ended))
            .collect();
        same("the attempts", told, wanted)?;
    }
    same("claimed", stage.claimed(later).await?.len(), 0)
}

async fn selection(stage: &Stage<'_>) -> Result<(), Broken> {
    let spool = stage.spool();
    for number in 1..=3 {
        stage.put(number, &["a", "b"], NOW).await?;
    }
    for job in stage.claim(NOW).await? {
        stage
            .settle(&job.lease, failed(NOW, dead("no")), NOW)
            .await?;
    }
    let key = |number, target| format!("{}.{target}", id(number));
    let steps = [
        (Selection::Key(key(9, "a")), vec![]),
        (Selection::Event(id(9)), vec![]),
        (Selection::Target("c".to_owned()), vec![]),
        (Selection::Key(key(1, "b")), vec![key(1, "b")]),
        (Selection::Event(id(2)), vec![key(2, "a"), key(2, "b")]),
        (
            Selection::Target("a".to_owned()),
            vec![key(1, "a"), key(3, "a")],
        ),
        (Selection::All, vec![key(3, "b")]),
    ];
    let mut alive = Vec::new();
    for (which, wanted) in &steps {
        // Those that are leased stay as they are, so each step finds what the steps before left.
        let revived = spool.revive(which, NOW).await?;
        let claimed = stage.claimed(NOW).await?;
        same(&format!("revived by {which:?}"), &claimed, wanted)?;
        let told = u64::try_from(wanted.len()).unwrap_or(0);
        same(&format!("how many by {which:?}"), revived, told)?;
        alive.extend(claimed);
    }
    same("all", alive.len(), 6)?;
    for (which, wanted) in &steps {
        let told = u64::try_from(wanted.len()).unwrap_or(0);
        let cancelled = spool.cancel(which, NOW).await?;
        same(&format!("cancelled by {which:?}"), cancelled, told)?;
    }
    Ok(())
}

async fn conservation(stage: &Stage<'_>) -> Result<(), Broken> {
    let spool = stage.spool();
    let far = NOW.plus(HOUR);
    stage.put(1, &["a", "b", "c", "d", "e"], NOW).await?;
    counted(stage, "put", [5, 5, 0, 0, 0]).await?;
    stage.put(2, &["a"], far.plus(HOUR)).await?;
    counted(stage, "put", [6, 6, 0, 0, 0]).await?;
    let mut jobs = stage.claim(NOW).await?;
    jobs.sort_by(|one, other| one.target.cmp(&other.target));
    let [a, b, c, d, e] = &jobs[..] else {
        return Err(Broken(format!("{} jobs were claimed, not 5", jobs.len())));
    };
    counted(stage, "claim", [6, 6, 0, 0, 0]).await?;
    stage.settle(&a.lease, arrived(NOW), NOW).await?;
    counted(stage, "an arrival", [6, 5, 1, 0, 0]).await?;
    stage.settle(&b.lease, failed(NOW, dead("no")), NOW).await?;
    counted(stage, "a death", [6, 4, 1, 1, 0]).await?;
    stage.settle(&c.lease, failed(NOW, retry(far)), NOW).await?;
    counted(stage, "a retry", [6, 4, 1, 1, 0]).await?;
    spool.release(&d.lease, far).await?;
    counted(stage, "giving back", [6, 4, 1, 1, 0]).await?;
    let target = |name: &str| Selection::Target(name.to_owned());
    spool.cancel(&target("e"), NOW).await?;
    counted(stage, "cancelling a leased one", [6, 3, 1, 1, 1]).await?;
    let again = failed(NOW, retry(NOW));
    stage.settle(&e.lease, again, NOW).await?;
    counted(stage, "its attempt", [6, 3, 1, 1, 1]).await?;
    let late = spool.settle(&e.lease, arrived(NOW), NOW).await;
    holds(late.is_err(), || "a stale lease settled".to_owned())?;
    counted(stage, "a stale lease", [6, 3, 1, 1, 1]).await?;
    spool.revive(&target("b"), NOW).await?;
    counted(stage, "reviving a dead one", [6, 4, 1, 0, 1]).await?;
    stage.attempt(failed(NOW, dead("no")), NOW).await?;
    spool.cancel(&target("b"), NOW).await?;
    counted(stage, "cancelling a dead one", [6, 3, 1, 0, 2]).await?;
    stage.claim(far).await?;
    stage.claim(far.plus(LEASE)).await?;
    counted(stage, "a lost lease", [6, 3, 1, 0, 2]).await?;
    spool.recover(far.plus(LEASE)).await?;
    counted(stage, "recovery", [6, 3, 1, 0, 2]).await?;
    let c = stage.claim_of("c", far.plus(LEASE)).await?;
    spool.cancel(&target("c"), far).await?;
    counted(stage, "cancelling another", [6, 2, 1, 0, 3]).await?;
    stage.settle(&c.lease, arrived(far), far).await?;
    counted(stage, "its arrival", [6, 2, 2, 0, 2]).await
}

async fn counted(stage: &Stage<'_>, after: &str, wanted: [u64; 5]) -> Result<(), Broken> {
    let [accepted, pending, delivered, dead, cancelled] = wanted;
    let counts = stage.counts().await?;
    holds(counts.are_conserved(), || {
        format!("not conserved after {after}: {counts:?}")
    })?;
    let wanted = Counts {
        accepted,
        pending,
        delivered,
        dead,
        cancelled,
    };
    same(&format!("after {after}"), counts, wanted)
}

async fn queues(stage: &Stage<'_>) -> Result<(), Broken> {
    let spool = stage.spool();
    same("of an empty spool", spool.targets().await?, vec![])?;
    let seconds = |count| NOW.plus(Duration::from_secs(count));
    stage.put(1, &["b", "a", "c"], seconds(0)).await?;
    stage.put(2, &["b"], seconds(1)).await?;
    stage.put(3, &["b"], seconds(2)).await?;
    let c = stage.claim_of("c", seconds(2)).await?;
    stage
        .settle(&c.lease, arrived(seconds(2)), seconds(2))
        .await?;
    for job in claim(spool, Some("a"), 1, seconds(2)).await? {
        stage
            .settle(&job.lease, failed(seconds(2), dead("no")), seconds(2))
            .await?;
    }
    let b = claim(spool, Some("b"), 3, seconds(2)).await?;
    for job in &b {
        let settlement = match super::number_of(job.event.id) {
            1 => arrived(seconds(2)),
            2 => failed(seconds(2), retry(seconds(90))),
            _ => continue,
        };
        stage.settle(&job.lease, settlement, seconds(2)).await?;
    }
    let wanted = vec![
        queue("a", [0, 0, 1], None, None),
        queue("b", [2, 1, 0], Some(seconds(1)), Some(seconds(62))),
    ];
    same("queues", spool.targets().await?, wanted)
}

fn queue(
    target: &str,
    [pending, leased, dead]: [u64; 3],
    oldest: Option<Millis>,
    next: Option<Millis>,
) -> TargetQueue {
    TargetQueue {
        target: target.to_owned(),
        pending,
        leased,
        dead,
        oldest,
        next,
    }
}
