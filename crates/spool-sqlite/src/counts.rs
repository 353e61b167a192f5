//! How many there are, and what waits for each target.

use notify_core::{Counts, Millis, TargetQueue};
use rusqlite::{Connection, OptionalExtension};

use crate::codec::count;
use crate::fault::Failed;
use crate::schema::WIDTH;

/// Of all targets together.
pub(crate) fn counts(connection: &Connection) -> Result<Counts, Failed> {
    let counts = connection
        .prepare_cached(
            "SELECT coalesce(sum(accepted), 0), coalesce(sum(pending), 0),
               coalesce(sum(delivered), 0), coalesce(sum(dead), 0), coalesce(sum(cancelled), 0)
             FROM target",
        )?
        .query_row([], |row| {
            Ok(Counts {
                accepted: count(row.get(0)?),
                pending: count(row.get(1)?),
                delivered: count(row.get(2)?),
                dead: count(row.get(3)?),
                cancelled: count(row.get(4)?),
            })
        })?;
    Ok(counts)
}

/// The targets with something pending or dead, by name.
pub(crate) fn targets(connection: &Connection) -> Result<Vec<TargetQueue>, Failed> {
    let mut statement = connection.prepare_cached(
        "SELECT id, name, pending, dead - swept_dead FROM target
         WHERE pending > 0 OR dead > swept_dead ORDER BY name",
    )?;
    let rows: Vec<(i64, TargetQueue)> = statement
        .query_map([], |row| {
            let queue = TargetQueue {
                target: row.get(1)?,
                pending: count(row.get(2)?),
                leased: 0,
                dead: count(row.get(3)?),
                oldest: None,
                next: None,
            };
            Ok((row.get(0)?, queue))
        })?
        .collect::<Result<_, _>>()?;
    rows.into_iter()
        .map(|(id, queue)| filled(connection, id, queue))
        .collect()
}

fn filled(connection: &Connection, target: i64, queue: TargetQueue) -> Result<TargetQueue, Failed> {
    let leased = connection
        .prepare_cached(
            "SELECT count(*) FROM job INDEXED BY job_leased
             WHERE leased = 1 AND target = ?1 AND state = 0",
        )?
        .query_row([target], |row| row.get(0))?;
    let oldest = connection
        .prepare_cached(
            "SELECT accepted FROM event WHERE seq = (
               SELECT id / ?2 FROM job INDEXED BY job_pending
               WHERE state = 0 AND target = ?1 ORDER BY id LIMIT 1)",
        )?
        .query_row([target, WIDTH], |row| row.get(0))
        .optional()?;
    let next = connection
        .prepare_cached(
            "SELECT due FROM job INDEXED BY job_due
             WHERE state = 0 AND target = ?1 ORDER BY due LIMIT 1",
        )?
        .query_row([target], |row| row.get(0))
        .optional()?;
    Ok(TargetQueue {
        leased: count(leased),
        oldest: oldest.map(Millis),
        next: next.map(Millis),
        ..queue
    })
}
