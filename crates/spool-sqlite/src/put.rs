//! Storing an event with its deliveries.

use notify_core::{JobState, NewJob, Put};
use rusqlite::params;

use crate::batch::Batch;
use crate::codec::{Packed, limit, recipients, state_number};
use crate::fault::Failed;
use crate::schema::WIDTH;

/// Stores it, unless an event of this id is there.
pub(crate) fn put(batch: &mut Batch<'_>, packed: &Packed) -> Result<Put, Failed> {
    let seq = batch.next_event()?;
    let stored = batch.run(
        "INSERT INTO event (seq, id, accepted, timestamp, severity, kind, title, jobs)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING",
        params![
            seq,
            packed.id.to_bytes(),
            packed.accepted.0,
            packed.timestamp,
            packed.severity,
            packed.kind,
            packed.title,
            limit(packed.jobs.len()),
        ],
    )?;
    if stored == 0 {
        return Ok(Put::Known);
    }
    batch.run(
        "INSERT INTO body (seq, content, trace, raw) VALUES (?1, ?2, ?3, ?4)",
        params![seq, packed.content, packed.trace, packed.raw.as_deref()],
    )?;
    for (id, job) in (seq * WIDTH..).zip(&packed.jobs) {
        put_job(batch, id, packed, job)?;
    }
    Ok(Put::Stored)
}

fn put_job(batch: &mut Batch<'_>, id: i64, packed: &Packed, job: &NewJob) -> Result<(), Failed> {
    let target = batch.target(&job.target)?;
    batch.run(
        "INSERT INTO job (id, target, state, due, leased, token, since, changed, attempts, recipients)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?6, ?7, ?8)",
        params![
            id,
            target,
            state_number(JobState::Pending),
            job.due.0,
            first_token(packed),
            packed.accepted.0,
            job.attempts,
            recipients(job.recipients.as_deref())?,
        ],
    )?;
    batch.accepted(target);
    Ok(())
}

/// From the random bits of the id, so that a lease of another database does not fit by chance.
fn first_token(packed: &Packed) -> i64 {
    let bytes = packed.id.to_bytes();
    let random = [
        bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15],
    ];
    random
        .into_iter()
        .fold(0, |token, byte| token << 8 | i64::from(byte))
}
