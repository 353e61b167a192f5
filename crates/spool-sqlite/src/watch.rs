//! What happened since somebody looked.

use notify_core::{EventId, Seen, Watched};
use rusqlite::{Connection, params};

use crate::attempts::{ATTEMPT, attempt_row};
use crate::batch::LAST;
use crate::codec::{self, count, limit};
use crate::fault::Failed;
use crate::handled;
use crate::history::{SUMMARY, summary_row};

/// What came after `seen`, at most `most` of each kind, and where to go on.
///
/// Numbers are given inside transactions that take turns, so a later one is never seen before.
pub(crate) fn watch(
    connection: &Connection,
    seen: Seen,
    most: usize,
) -> Result<(Vec<Watched>, Seen), Failed> {
    let mut now = seen;
    let mut watched = Vec::new();
    let mut events = connection.prepare_cached(&format!(
        "SELECT {SUMMARY} FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2"
    ))?;
    for row in events.query_map(params![seen.events.cast_signed(), limit(most)], summary_row)? {
        let row = row?;
        now.events = count(row.seq);
        let summary = row.summary(connection)?;
        watched.push((summary.accepted, Watched::Accepted(summary)));
    }
    let mut attempts = connection.prepare_cached(&format!(
        "SELECT attempt.id, event.id, name, state, {ATTEMPT}
         FROM attempt CROSS JOIN job ON job.id = job CROSS JOIN target ON target.id = target
           CROSS JOIN event ON event.seq = job.id / 65536
         WHERE attempt.id > ?1 ORDER BY attempt.id LIMIT ?2"
    ))?;
    let rows = attempts.query_map(params![seen.attempts.cast_signed(), limit(most)], |row| {
        let id: [u8; 16] = row.get(1)?;
        let (name, state): (String, i64) = (row.get(2)?, row.get(3)?);
        Ok((row.get(0)?, id, name, state, attempt_row(row, 4)?))
    })?;
    for row in rows {
        let (number, id, target, state, attempt) = row?;
        now.attempts = count(number);
        let attempt = attempt.record();
        let seen = Watched::Attempted {
            key: format!("{}.{target}", EventId::from_bytes(id)),
            target,
            state: codec::state(state)?,
            attempt: attempt.clone(),
        };
        watched.push((attempt.ended, seen));
    }
    for (number, at, seen) in handled::since(connection, seen.handled, most)? {
        now.handled = number;
        watched.push((at, seen));
    }
    // Stable: of one moment the event comes before its attempts.
    watched.sort_by_key(|(when, _)| *when);
    Ok((watched.into_iter().map(|(_, seen)| seen).collect(), now))
}

/// All that there is has been seen.
pub(crate) fn seen_all(connection: &Connection) -> Result<Seen, Failed> {
    let seen = connection.prepare_cached(LAST)?.query_row([], |row| {
        Ok(Seen {
            events: count(row.get(0)?),
            attempts: count(row.get(1)?),
            handled: 0,
        })
    })?;
    Ok(Seen {
        handled: handled::last(connection)?,
        ..seen
    })
}
