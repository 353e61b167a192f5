//! Laws of a spool that says it is ordered.

use std::time::Duration;

use notify_core::{Entry, Millis, NewJob};

use super::number_of;
use super::sample::{LEASE, NOW, entry, failed, retry};
use super::stage::{Broken, Findings, Stage, claim, same};

pub(super) async fn laws(findings: &mut Findings<'_>) {
    if !findings.is_ordered() {
        return;
    }
    findings
        .law("the oldest due is claimed first", oldest)
        .await;
    findings
        .law("of one moment, the first put is claimed first", first_put)
        .await;
}

/// How many events each law puts: not so few that they come in order by chance.
const EVENTS: u64 = 40;

async fn oldest(stage: &Stage<'_>) -> Result<(), Broken> {
    // 7 and 40 have no common divisor, so each second is there once, in no order.
    for number in 0..EVENTS {
        stage.put_entry(due_at(number, number * 7 % EVENTS)).await?;
    }
    let mut seen = Vec::new();
    while seen.len() < 20 {
        let jobs = claim(stage.spool(), Some("a"), 3, second(EVENTS)).await?;
        if jobs.is_empty() {
            break;
        }
        seen.extend(jobs.iter().map(|job| number_of(job.event.id) * 7 % EVENTS));
    }
    same("seconds at which they were due", seen, (0..21).collect())?;
    // A retry takes its place among the others, and so does what was lost.
    let job = stage.claim_of("a", second(EVENTS)).await?;
    let again = failed(NOW, retry(second(0)));
    stage.settle(&job.lease, again, second(EVENTS)).await?;
    let jobs = claim(stage.spool(), Some("a"), 2, second(EVENTS)).await?;
    let seen: Vec<_> = jobs
        .iter()
        .map(|job| number_of(job.event.id) * 7 % EVENTS)
        .collect();
    same("a retry, then the next", seen, vec![21, 22])?;
    let after = second(EVENTS).plus(LEASE);
    let jobs = claim(stage.spool(), Some("a"), 99, after).await?;
    let first: Vec<_> = jobs
        .iter()
        .take(17)
        .map(|job| number_of(job.event.id) * 7 % EVENTS)
        .collect();
    same(
        "those that waited before those that were lost",
        first,
        (23..40).collect(),
    )?;
    same("all", jobs.len(), 40)
}

async fn first_put(stage: &Stage<'_>) -> Result<(), Broken> {
    // The ids do not sort as they are put.
    for number in (0..EVENTS).rev() {
        stage.put(number, &["b", "a"], NOW).await?;
    }
    let jobs = claim(stage.spool(), Some("a"), 99, NOW).await?;
    let seen: Vec<_> = jobs.iter().map(|job| number_of(job.event.id)).collect();
    same("numbers", seen, (0..EVENTS).rev().collect())
}

fn second(count: u64) -> Millis {
    NOW.plus(Duration::from_secs(count))
}

fn due_at(number: u64, seconds: u64) -> Entry {
    let mut entry = entry(number, &[], NOW);
    entry.jobs = vec![NewJob::first("a", second(seconds))];
    entry
}
