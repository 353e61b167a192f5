//! How leases end: settled, released, recovered.

use notify_core::{JobState, Lease, Millis, Next, Outcome, Settlement, SpoolError, SpoolErrorKind};
use rusqlite::{OptionalExtension, params};

use crate::batch::Batch;
use crate::codec::{listed, recipients, state_number};
use crate::fault::Failed;

/// Leases that one step of a recovery ends.
const STEP: u32 = 1000;

/// Records an attempt and what comes next, and ends the lease.
pub(crate) fn settle(
    batch: &mut Batch<'_>,
    lease: &Lease,
    settlement: &Settlement,
    now: Millis,
) -> Result<(), Failed> {
    let held = held(batch, lease)?;
    let attempt = Ended {
        started: settlement.started,
        ended: now,
        outcome: settlement.outcome,
        detail: settlement.detail.as_deref(),
        reference: settlement.reference.as_deref(),
        refused: listed(&settlement.refused)?,
    };
    record(batch, held.id, &attempt)?;
    let (state, due, only, reason) = match &settlement.next {
        Next::Delivered => (JobState::Delivered, None, None, None),
        Next::Retry { due, recipients } => {
            (JobState::Pending, Some(due.0), recipients.as_deref(), None)
        }
        Next::Dead { reason } => (JobState::Dead, None, None, Some(reason)),
    };
    batch.run(
        "UPDATE job SET state = ?2, due = coalesce(?3, due), leased = 0, changed = ?4,
           recipients = coalesce(?5, recipients), reason = ?6
         WHERE id = ?1",
        params![
            held.id,
            state_number(state),
            due,
            now.0,
            recipients(only)?,
            reason
        ],
    )?;
    if state != JobState::Pending {
        batch.moved(held.target, JobState::Pending, state);
    }
    Ok(())
}

/// Gives a delivery back without an attempt.
pub(crate) fn release(batch: &mut Batch<'_>, lease: &Lease, due: Millis) -> Result<(), Failed> {
    let held = held(batch, lease)?;
    batch.run(
        "UPDATE job SET leased = 0, due = ?2 WHERE id = ?1",
        [held.id, due.0],
    )?;
    Ok(())
}

/// Ends leases, at most a step of them, and answers how many.
pub(crate) fn recover(batch: &mut Batch<'_>, now: Millis) -> Result<usize, Failed> {
    let leased: Vec<(i64, Millis)> = batch
        .statement("SELECT id, changed FROM job INDEXED BY job_leased WHERE leased = 1 LIMIT ?1")?
        .query_map([STEP], |row| Ok((row.get(0)?, Millis(row.get(1)?))))?
        .collect::<Result<_, _>>()?;
    for (id, since) in &leased {
        cut_off(batch, *id, *since, now)?;
        batch.run(
            "UPDATE job SET leased = 0, due = ?2, changed = ?2 WHERE id = ?1",
            [*id, now.0],
        )?;
    }
    Ok(leased.len())
}

/// The delivery of a lease that is in force.
struct Held {
    id: i64,
    target: i64,
}

fn held(batch: &Batch<'_>, lease: &Lease) -> Result<Held, Failed> {
    let id = lease.place.cast_signed();
    let target = batch
        .statement("SELECT target FROM job WHERE id = ?1 AND token = ?2 AND leased = 1")?
        .query_row([id, lease.token.cast_signed()], |row| row.get(0))
        .optional()?;
    let target = target.ok_or_else(|| stale(lease))?;
    Ok(Held { id, target })
}

fn stale(lease: &Lease) -> SpoolError {
    let what = format!("{}: the lease is no longer in force", lease.key);
    SpoolError::new(SpoolErrorKind::Stale, what)
}

/// An attempt that ended, as it is written.
struct Ended<'a> {
    started: Millis,
    ended: Millis,
    outcome: Outcome,
    detail: Option<&'a str>,
    reference: Option<&'a str>,
    refused: Option<String>,
}

/// Records that nobody knows how an attempt ended.
pub(crate) fn cut_off(
    batch: &Batch<'_>,
    job: i64,
    started: Millis,
    ended: Millis,
) -> Result<(), Failed> {
    let attempt = Ended {
        started,
        ended: ended.max(started),
        outcome: Outcome::CutOff,
        detail: None,
        reference: None,
        refused: None,
    };
    record(batch, job, &attempt)
}

/// Adds an attempt to the chain of its delivery.
fn record(batch: &Batch<'_>, job: i64, attempt: &Ended<'_>) -> Result<(), Failed> {
    batch.run(
        "INSERT INTO attempt
           (job, previous, number, started, ended, outcome, detail, reference, refused)
         SELECT id, last, attempts + 1, ?2, ?3, ?4, ?5, ?6, ?7 FROM job WHERE id = ?1",
        params![
            job,
            attempt.started.0,
            attempt.ended.0,
            attempt.outcome.name(),
            attempt.detail,
            attempt.reference,
            attempt.refused,
        ],
    )?;
    batch.run(
        "UPDATE job SET attempts = attempts + 1, last = ?2 WHERE id = ?1",
        [job, batch.inserted()],
    )?;
    Ok(())
}
