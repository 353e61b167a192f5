//! Laws of check, copy, sweep, and of who may do what.

use std::sync::Mutex;
use std::time::Duration;

use notify_core::{
    Counts, EventRecord, HistoryQuery, JobState, Millis, OpenFor, Opened, Retention, Selection,
    SpoolErrorKind, Upkeep,
};

use super::number_of;
use super::sample::{LEASE, NOW, arrived, dead, entry, failed, id, retry};
use super::stage::{Broken, Findings, Stage, claim, holds, refused, same};

pub(super) async fn laws(findings: &mut Findings<'_>) {
    findings.law("a healthy spool has no fault", healthy).await;
    findings.law("a backup opens and is equal", backup).await;
    findings
        .law(
            "a sweep takes what is old and settled, and no more",
            sweep_by_age,
        )
        .await;
    findings
        .law(
            "a sweep by number and size takes the dead last",
            sweep_by_size,
        )
        .await;
    findings
        .law("a sweep keeps so many of each state", sweep_by_state)
        .await;
    findings
        .law("a sweep takes nothing that is under way", sweep_under_way)
        .await;
    findings
        .law("a spool that is not there is missing", missing)
        .await;
    findings
        .law("who may only look changes nothing", reading)
        .await;
    findings
        .law("who may write can put, revive and cancel", writing)
        .await;
}

/// Deliveries in every state, and one that is leased.
async fn mixed(stage: &Stage<'_>) -> Result<(), Broken> {
    for number in 0..30 {
        stage.put(number, &["a", "b"], NOW).await?;
    }
    for job in stage.claim(NOW).await? {
        let settlement = match number_of(job.event.id) % 5 {
            0 => arrived(NOW),
            1 => failed(NOW, dead("no")),
            2 => failed(NOW, retry(NOW)),
            _ => continue,
        };
        stage.settle(&job.lease, settlement, NOW).await?;
    }
    stage.spool().cancel(&Selection::Event(id(3)), NOW).await?;
    stage.claim(NOW.plus(LEASE)).await.map(drop)
}

async fn healthy(stage: &Stage<'_>) -> Result<(), Broken> {
    faultless(stage.upkeep()).await?;
    mixed(stage).await?;
    faultless(stage.upkeep()).await
}

/// Nothing is found, and progress goes on from nothing to all.
async fn faultless(upkeep: &dyn Upkeep) -> Result<(), Broken> {
    let told = Mutex::new(Vec::new());
    let tell = |part: f64| told.lock().expect("nothing panics with it").push(part);
    let found = upkeep.verify(&tell).await?;
    same("what was found", found, vec![])?;
    let told = told.into_inner().unwrap_or_default();
    let goes_on = told.is_sorted() && told.iter().all(|part| (0.0..=1.0).contains(part));
    holds(goes_on && told.last() == Some(&1.0), || {
        format!("the progress is {told:?}")
    })
}

/// All that a spool tells.
async fn told(opened: &Opened) -> Result<(Counts, Vec<EventRecord>), Broken> {
    let mut records = Vec::new();
    for event in opened.history.events(&HistoryQuery::default()).await? {
        records.extend(opened.history.event(event.id).await?);
    }
    Ok((opened.spool.counts().await?, records))
}

async fn backup(stage: &Stage<'_>) -> Result<(), Broken> {
    mixed(stage).await?;
    let before = told(stage.opened()).await?;
    let file = stage.file_in("copy")?;
    stage.upkeep().backup(&file, &|_| ()).await?;
    same(
        "after a backup",
        told(stage.opened()).await?,
        before.clone(),
    )?;
    stage.put(100, &["a"], NOW).await?;
    let again = stage.upkeep().backup(&file, &|_| ()).await;
    holds(again.is_err(), || "a backup replaced a file".to_owned())?;
    let copy = stage.open_in("copy", OpenFor::Work)?;
    same("alarms", copy.alarms.len(), 0)?;
    same("the copy", told(&copy).await?, before)?;
    faultless(copy.upkeep.as_ref()).await?;
    let recovered = copy.spool.recover(NOW).await?;
    holds(recovered > 0, || "the copy has no leases".to_owned())?;
    let absent = stage.path().join("absent").join("file");
    let failed = stage.upkeep().backup(&absent, &|_| ()).await;
    holds(failed.is_err() && !absent.exists(), || {
        "a backup into a missing folder succeeded".to_owned()
    })
}

const DAY: Duration = Duration::from_secs(86_400);

const KEEP: Retention = Retention::KEEP;

/// Sweeps until nothing more is to be removed. Answers how many events went.
async fn sweep(stage: &Stage<'_>, retention: &Retention, now: Millis) -> Result<u64, Broken> {
    Ok(sweep_all(stage, retention, now).await?.0)
}

/// The same; and how many of them were dead and not old.
async fn sweep_all(
    stage: &Stage<'_>,
    retention: &Retention,
    now: Millis,
) -> Result<(u64, u64), Broken> {
    let mut swept = (0, 0);
    for _ in 0..1000 {
        let step = stage.upkeep().sweep(retention, now).await?;
        swept = (swept.0 + step.events, swept.1 + step.dead_early);
        if !step.more {
            return Ok(swept);
        }
    }
    Err(Broken("there is more after 1000 steps".to_owned()))
}

async fn left(stage: &Stage<'_>) -> Result<Vec<u64>, Broken> {
    let events = stage.history().events(&HistoryQuery::default()).await?;
    Ok(events
        .iter()
        .rev()
        .map(|event| number_of(event.id))
        .collect())
}

/// Events 0 to 7 on eight days: nothing chosen, arrived, dead, pending, cancelled, leased,
/// arrived and pending, arrived. The newest event, 8, is pending, and was tried last: a spool
/// may keep those two whatever they are.
async fn eight_days(stage: &Stage<'_>) -> Result<(), Broken> {
    let day = |number: u32| NOW.plus(DAY * number);
    for number in 0..8_u32 {
        let targets: &[&str] = match number {
            0 => &[],
            6 => &["a", "b"],
            _ => &["a"],
        };
        stage.put(number.into(), targets, day(number)).await?;
    }
    stage
        .spool()
        .cancel(&Selection::Event(id(4)), day(7))
        .await?;
    for job in claim(stage.spool(), Some("a"), 99, day(7)).await? {
        let settlement = match number_of(job.event.id) {
            1 | 6 | 7 => arrived(day(7)),
            2 => failed(day(7), dead("no")),
            3 => failed(day(7), retry(day(100))),
            _ => continue,
        };
        stage.settle(&job.lease, settlement, day(7)).await?;
    }
    stage.put(8, &["z"], day(7)).await?;
    let job = stage.claim_of("z", day(7)).await?;
    let next = failed(day(7), retry(day(100)));
    stage.settle(&job.lease, next, day(7)).await.map(drop)
}

async fn sweep_by_age(stage: &Stage<'_>) -> Result<(), Broken> {
    eight_days(stage).await?;
    let now = NOW.plus(DAY * 8);
    let counts = stage.counts().await?;
    same("kept", sweep(stage, &KEEP, now).await?, 0)?;
    let delivered = Retention {
        delivered: DAY * 3 + DAY / 2,
        ..KEEP
    };
    same("delivered", sweep(stage, &delivered, now).await?, 3)?;
    same("left", left(stage).await?, vec![2, 3, 5, 6, 7, 8])?;
    same("counts", stage.counts().await?, counts)?;
    let dead = Retention {
        dead: DAY * 5 + DAY / 2,
        ..KEEP
    };
    same("dead", sweep(stage, &dead, now).await?, 1)?;
    let old = Retention {
        delivered: Duration::ZERO,
        dead: Duration::ZERO,
        ..KEEP
    };
    same("all", sweep(stage, &old, now).await?, 1)?;
    same("left", left(stage).await?, vec![3, 5, 6, 8])?;
    same("counts", stage.counts().await?, counts)?;
    faultless(stage.upkeep()).await?;
    let gone = stage.history().event(id(2)).await?;
    holds(gone.is_none(), || "a swept event is known".to_owned())?;
    let pending = [JobState::Pending];
    let pending = stage.history().jobs(&pending, None, 99).await?;
    same("pending", pending.len(), 4)
}

async fn sweep_by_size(stage: &Stage<'_>) -> Result<(), Broken> {
    eight_days(stage).await?;
    let now = NOW.plus(DAY * 8);
    let counts = stage.counts().await?;
    let two = Retention {
        most_events: 2,
        ..KEEP
    };
    same("to two", sweep_all(stage, &two, now).await?, (3, 0))?;
    // The second oldest has a dead delivery: it goes last.
    same("left", left(stage).await?, vec![2, 3, 5, 6, 7, 8])?;
    let none = Retention {
        most_bytes: 0,
        ..KEEP
    };
    same("to nothing", sweep_all(stage, &none, now).await?, (2, 1))?;
    same("left", left(stage).await?, vec![3, 5, 6, 8])?;
    same("counts", stage.counts().await?, counts)?;
    faultless(stage.upkeep()).await
}

async fn sweep_by_state(stage: &Stage<'_>) -> Result<(), Broken> {
    eight_days(stage).await?;
    // Another that is dead, and younger than all that arrived but one.
    stage.put(9, &["y"], NOW.plus(DAY * 7)).await?;
    let job = stage.claim_of("y", NOW.plus(DAY * 7)).await?;
    let settlement = failed(NOW.plus(DAY * 7), dead("no"));
    stage
        .settle(&job.lease, settlement, NOW.plus(DAY * 7))
        .await?;
    stage.put(10, &["z"], NOW.plus(DAY * 7)).await?;
    let job = stage.claim_of("z", NOW.plus(DAY * 7)).await?;
    let next = failed(NOW.plus(DAY * 7), retry(NOW.plus(DAY * 99)));
    stage.settle(&job.lease, next, NOW.plus(DAY * 7)).await?;
    let now = NOW.plus(DAY * 8);
    let delivered = Retention {
        most_delivered: 1,
        ..KEEP
    };
    same(
        "that arrived",
        sweep_all(stage, &delivered, now).await?,
        (3, 0),
    )?;
    same("left", left(stage).await?, vec![2, 3, 5, 6, 7, 8, 9, 10])?;
    let dead = Retention {
        most_dead: 1,
        ..KEEP
    };
    same("that are dead", sweep_all(stage, &dead, now).await?, (1, 1))?;
    same("left", left(stage).await?, vec![3, 5, 6, 7, 8, 9, 10])?;
    let all = Retention {
        most_events: 1,
        ..KEEP
    };
    same("to one", sweep_all(stage, &all, now).await?, (1, 0))?;
    same("left", left(stage).await?, vec![3, 5, 6, 8, 9, 10])?;
    faultless(stage.upkeep()).await
}

/// What is under way must find its event, also when it was dropped meanwhile.
async fn sweep_under_way(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.put(1, &["a"], NOW).await?;
    let job = stage.claim_one(NOW).await?;
    stage.spool().cancel(&Selection::Event(id(1)), NOW).await?;
    // The newest may stay in any case.
    stage.put(2, &["b"], NOW).await?;
    let now = NOW.plus(DAY);
    let old = Retention {
        delivered: Duration::ZERO,
        ..KEEP
    };
    same("under way", sweep(stage, &old, now).await?, 0)?;
    let one = Retention {
        most_events: 0,
        ..KEEP
    };
    same("under way", sweep(stage, &one, now).await?, 0)?;
    let state = stage.settle(&job.lease, arrived(NOW), now).await?;
    same("it arrived", state, JobState::Delivered)?;
    let job = stage.claim_of("b", NOW).await?;
    stage
        .settle(&job.lease, failed(NOW, retry(now)), NOW)
        .await?;
    same("afterwards", sweep(stage, &old, now).await?, 1)
}

async fn missing(stage: &Stage<'_>) -> Result<(), Broken> {
    for purpose in [OpenFor::Read, OpenFor::Write] {
        let opened = stage.open_in("nowhere", purpose).map(drop);
        refused("open", opened, SpoolErrorKind::Missing)?;
        let made = stage.path().join("nowhere").exists();
        holds(!made, || format!("opening for {purpose:?} made a folder"))?;
    }
    Ok(())
}

async fn reading(stage: &Stage<'_>) -> Result<(), Broken> {
    mixed(stage).await?;
    let before = told(stage.opened()).await?;
    let reader = stage.again(OpenFor::Read)?;
    same("what it sees", told(&reader).await?, before.clone())?;
    same(
        "its queues",
        reader.spool.targets().await?,
        stage.spool().targets().await?,
    )?;
    let spool = &reader.spool;
    let put = spool.put(entry(100, &["a"], NOW)).await;
    let claimed = claim(spool.as_ref(), None, 9, NOW.plus(DAY)).await;
    let revived = spool.revive(&Selection::All, NOW).await;
    let cancelled = spool.cancel(&Selection::All, NOW).await;
    let recovered = spool.recover(NOW).await;
    let swept = reader.upkeep.sweep(&KEEP, NOW.plus(DAY)).await;
    let refused = [
        ("put", put.is_err()),
        ("claim", claimed.is_err()),
        ("revive", revived.is_err()),
        ("cancel", cancelled.is_err()),
        ("recover", recovered.is_err()),
        ("sweep", swept.is_err()),
    ];
    let did = refused.iter().find(|(_, refused)| !refused);
    holds(did.is_none(), || format!("a reader could {did:?}"))?;
    same("afterwards", told(stage.opened()).await?, before)
}

async fn writing(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.put(1, &["a"], NOW).await?;
    stage.attempt(failed(NOW, dead("no")), NOW).await?;
    let writer = stage.again(OpenFor::Write)?;
    let spool = &writer.spool;
    spool.put(entry(2, &["a"], NOW)).await?;
    same(
        "revived",
        spool.revive(&Selection::Event(id(1)), NOW).await?,
        1,
    )?;
    same(
        "cancelled",
        spool.cancel(&Selection::Event(id(2)), NOW).await?,
        1,
    )?;
    let counts = Counts {
        accepted: 2,
        pending: 1,
        cancelled: 1,
        ..Counts::default()
    };
    same("counts", stage.counts().await?, counts)?;
    same("claimed", stage.claimed(NOW).await?.len(), 1)
}
