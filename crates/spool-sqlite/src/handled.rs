//! What people did with deliveries, for whoever watches.

use notify_core::{EventId, Handling, Millis, Selection, Watched};
use rusqlite::{Connection, params};

use crate::batch::Batch;
use crate::codec::{count, limit};
use crate::fault::{Failed, unreadable};
use crate::lookup::Wanted;

/// So many of the newest are kept.
const KEPT: i64 = 1000;

/// Notes that so many of those that were wanted were changed.
pub(crate) fn note(
    batch: &Batch<'_>,
    how: Handling,
    wanted: &Wanted,
    number: u64,
    now: Millis,
) -> Result<(), Failed> {
    let (event, target) = match wanted {
        Wanted::Event(id, target) => (Some(id.to_bytes()), target.as_deref()),
        Wanted::Target(target) => (None, Some(target.as_str())),
        Wanted::All => (None, None),
    };
    batch.run(
        "INSERT INTO handled (at, how, event, target, number) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![now.0, how.name(), event, target, number.cast_signed()],
    )?;
    batch.run(
        "DELETE FROM handled WHERE id <= (SELECT max(id) FROM handled) - ?1",
        [KEPT],
    )?;
    Ok(())
}

/// What was done after this number, with when it was and the number of each.
pub(crate) fn since(
    connection: &Connection,
    seen: u64,
    most: usize,
) -> Result<Vec<(u64, Millis, Watched)>, Failed> {
    let mut rows = connection.prepare_cached(
        "SELECT id, at, how, event, target, number FROM handled WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let rows = rows.query_map(params![seen.cast_signed(), limit(most)], |row| {
        let (event, target): (Option<[u8; 16]>, Option<String>) = (row.get(3)?, row.get(4)?);
        let (how, number): (String, i64) = (row.get(2)?, row.get(5)?);
        Ok((row.get(0)?, Millis(row.get(1)?), how, event, target, number))
    })?;
    let watched = rows.map(|row| {
        let (id, at, how, event, target, number) = row?;
        let known = [Handling::Retried, Handling::Dropped];
        let how = known.into_iter().find(|known| known.name() == how);
        let watched = Watched::Handled {
            at,
            how: how.ok_or_else(|| unreadable("what a person did has no known name"))?,
            which: selection(event.map(EventId::from_bytes), target),
            number: count(number),
        };
        Ok((count(id), at, watched))
    });
    watched.collect()
}

fn selection(event: Option<EventId>, target: Option<String>) -> Selection {
    match (event, target) {
        (Some(event), Some(target)) => Selection::Key(format!("{event}.{target}")),
        (Some(event), None) => Selection::Event(event),
        (None, Some(target)) => Selection::Target(target),
        (None, None) => Selection::All,
    }
}

/// The number of the newest; 0 when there is none.
pub(crate) fn last(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT coalesce(max(id), 0) FROM handled")?
        .query_row([], |row| row.get(0).map(count))
}
