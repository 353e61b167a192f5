//! How leases end: settled, released, recovered.

use notify_core::{JobState, Lease, Millis, Next, Outcome, Settlement, SpoolError, SpoolErrorKind};
use rusqlite::{OptionalExtension, Row, params};

use crate::batch::Batch;
use crate::codec::{listed, recipients, state_number, times};
use crate::fault::Failed;

/// Leases that one step of a recovery ends.
const STEP: u32 = 1000;

/// Records an attempt and what comes next, and ends the lease.
pub(crate) fn settle(
    batch: &mut Batch<'_>,
    lease: &Lease,
    settlement: &Settlement,
    now: Millis,
) -> Result<JobState, Failed> {
    let held = held(batch, lease)?;
    let attempt = Ended {
        started: settlement.started,
        ended: now,
        outcome: settlement.outcome,
        detail: settlement.detail.as_deref(),
        reference: settlement.reference.as_deref(),
        refused: listed(&settlement.refused)?,
    };
    let last = record(batch, &held, &attempt)?;
    let (state, reason) = match &settlement.next {
        Next::Delivered => (JobState::Delivered, None),
        // A person decided meanwhile that nothing more goes out.
        _ if held.state == JobState::Cancelled => (JobState::Cancelled, None),
        Next::Retry { due, recipients } => {
            again(batch, &held, last, *due, recipients.as_deref(), now)?;
            return Ok(JobState::Pending);
        }
        Next::Dead { reason } => (JobState::Dead, Some(reason)),
    };
    batch.run(
        "UPDATE job SET state = ?2, leased = 0, changed = ?3, attempts = attempts + 1, last = ?4,
           reason = ?5
         WHERE id = ?1",
        params![held.id, state_number(state), now.0, last, reason],
    )?;
    batch.moved(held.target, held.state, state);
    Ok(state)
}

/// Another attempt follows. The columns of the indexes that stay as they are stand not in it.
fn again(
    batch: &Batch<'_>,
    held: &Held,
    last: i64,
    due: Millis,
    only: Option<&[String]>,
    now: Millis,
) -> Result<(), Failed> {
    batch.run(
        "UPDATE job SET due = ?2, leased = 0, changed = ?3, attempts = attempts + 1, last = ?4,
           recipients = coalesce(?5, recipients)
         WHERE id = ?1",
        params![held.id, due.0, now.0, last, recipients(only)?],
    )?;
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
    let leased: Vec<(Held, Millis)> = batch
        .statement(
            "SELECT id, target, attempts, last, state, changed FROM job INDEXED BY job_leased
             WHERE leased = 1 LIMIT ?1",
        )?
        .query_map([STEP], |row| Ok((held_row(row)?, Millis(row.get(5)?))))?
        .collect::<Result<_, _>>()?;
    for (held, since) in &leased {
        let last = cut_off(batch, held, *since, now)?;
        batch.run(
            "UPDATE job SET leased = 0, due = ?2, changed = ?2, attempts = attempts + 1, last = ?3
             WHERE id = ?1",
            [held.id, now.0, last],
        )?;
    }
    Ok(leased.len())
}

/// A delivery under a lease.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) id: i64,
    pub(crate) target: i64,
    /// Pending; or cancelled, while the attempt was under way.
    state: JobState,
    /// How many attempts have ended.
    pub(crate) attempts: u32,
    /// The last of them.
    pub(crate) last: Option<i64>,
}

/// The first columns: `id, target, attempts, last, state`.
pub(crate) fn held_row(row: &Row<'_>) -> rusqlite::Result<Held> {
    let is_cancelled = row.get::<_, i64>(4)? == state_number(JobState::Cancelled);
    Ok(Held {
        id: row.get(0)?,
        target: row.get(1)?,
        state: match is_cancelled {
            true => JobState::Cancelled,
            false => JobState::Pending,
        },
        attempts: times(row, 2)?,
        last: row.get(3)?,
    })
}

/// The delivery of a lease that is in force.
fn held(batch: &Batch<'_>, lease: &Lease) -> Result<Held, Failed> {
    let held = batch
        .statement(
            "SELECT id, target, attempts, last, state FROM job
             WHERE id = ?1 AND token = ?2 AND leased = 1",
        )?
        .query_row(
            [lease.place.cast_signed(), lease.token.cast_signed()],
            held_row,
        )
        .optional()?;
    Ok(held.ok_or_else(|| stale(lease))?)
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

/// Records that nobody knows how an attempt ended, and answers its number. Who calls this also
/// counts it in the delivery.
pub(crate) fn cut_off(
    batch: &mut Batch<'_>,
    held: &Held,
    started: Millis,
    ended: Millis,
) -> Result<i64, Failed> {
    let attempt = Ended {
        started,
        ended,
        outcome: Outcome::CutOff,
        detail: None,
        reference: None,
        refused: None,
    };
    record(batch, held, &attempt)
}

/// Adds an attempt to the chain of its delivery, whose row the caller changes.
fn record(batch: &mut Batch<'_>, held: &Held, attempt: &Ended<'_>) -> Result<i64, Failed> {
    let id = batch.next_attempt()?;
    batch.run(
        "INSERT INTO attempt
           (id, job, previous, number, started, ended, outcome, detail, reference, refused)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            id,
            held.id,
            held.last,
            held.attempts.saturating_add(1),
            attempt.started.0,
            attempt.ended.0,
            attempt.outcome.name(),
            attempt.detail,
            attempt.reference,
            attempt.refused,
        ],
    )?;
    let arrived = matches!(attempt.outcome, Outcome::Delivered | Outcome::Partial);
    batch.attempted(held.target, arrived, id);
    Ok(id)
}
