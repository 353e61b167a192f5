//! Removing what is settled and old, in small steps.

use notify_core::{JobState, Millis, Retention};
use rusqlite::{Connection, params};

use crate::batch::Batch;
use crate::codec::{self, limit, state_number};
use crate::fault::Failed;
use crate::schema::WIDTH;

/// Events that one step removes.
pub(crate) const STEP: usize = 200;

/// Events that one step looks at.
const LOOK: usize = 20_000;

/// Young events one after another that end a walk: what follows is younger still. Not the first
/// one, whose time may be that of a clock gone wrong.
const YOUNG: usize = 1000;

/// Free pages that stay in the file, for what comes next.
const SPARE: i64 = 1024;

/// Pages that one step gives back to the file system.
const PAGES: i64 = 512;

/// What is to go, and where the walk stands after it.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    /// Numbers of events.
    pub(crate) events: Vec<i64>,
    /// The walk goes on behind this event. None at its end.
    pub(crate) next: Option<i64>,
}

/// How much has to go whatever its age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Surplus {
    events: i64,
    bytes: i64,
}

/// Chooses events behind `from`, the oldest first.
///
/// The walk goes over all events once, a piece in each step, so events that are pending at its
/// beginning are passed once and not at every step.
pub(crate) fn chosen(
    connection: &Connection,
    retention: &Retention,
    now: Millis,
    from: i64,
) -> Result<Chosen, Failed> {
    let surplus = surplus(connection, retention)?;
    let dead = now.minus(retention.dead);
    let delivered = now.minus(retention.delivered);
    let mut left = surplus;
    let mut chosen = Chosen::default();
    let mut statement = connection.prepare_cached(&candidates())?;
    let mut rows = statement.query(params![from, limit(LOOK)])?;
    let (mut looked, mut young, mut passed) = (0, 0, from);
    while let Some(row) = rows.next()? {
        let (seq, accepted, open, lost): (i64, i64, bool, bool) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        looked += 1;
        passed = seq;
        let keep_since = if lost { dead } else { delivered };
        let is_surplus = left.events > 0 || left.bytes > 0;
        let is_young = accepted >= delivered.0.max(dead.0);
        young = if is_young { young + 1 } else { 0 };
        if young > YOUNG && !is_surplus {
            return Ok(chosen);
        }
        if open || accepted >= keep_since.0 && !is_surplus {
            continue;
        }
        if chosen.events.len() == STEP {
            chosen.next = chosen.events.last().copied();
            return Ok(chosen);
        }
        left.events -= 1;
        left.bytes -= row.get::<_, i64>(4)?;
        chosen.events.push(seq);
    }
    if looked == LOOK {
        chosen.next = Some(passed);
    }
    Ok(chosen)
}

/// Events behind a number: when accepted, whether one of its deliveries is pending, and dead, and
/// about how many bytes it takes.
fn candidates() -> String {
    let has = |state| {
        format!(
            "EXISTS (SELECT 1 FROM job WHERE id >= e.seq * {WIDTH} AND id < (e.seq + 1) * {WIDTH}
               AND state = {})",
            state_number(state)
        )
    };
    format!(
        "SELECT seq, accepted, {}, {},
           (SELECT length(content) + length(trace) + coalesce(length(raw), 0) + 500
              FROM body WHERE body.seq = e.seq)
         FROM event AS e
         WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        has(JobState::Pending),
        has(JobState::Dead)
    )
}

fn surplus(connection: &Connection, retention: &Retention) -> Result<Surplus, Failed> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let most = |number| i64::try_from(number).unwrap_or(i64::MAX);
    let all = number("SELECT count(*) FROM event")?;
    let mut surplus = Surplus {
        events: all.saturating_sub(most(retention.most_events)),
        bytes: used(connection)?.saturating_sub(most(retention.most_bytes)),
    };
    if surplus.events > 0 {
        // Only settled ones are counted; this is looked up only when it may matter.
        surplus.events -= number(&format!(
            "SELECT count(DISTINCT id / {WIDTH}) FROM job INDEXED BY job_pending WHERE state = 0"
        ))?;
    }
    Ok(surplus)
}

/// Bytes of the file that hold something.
fn used(connection: &Connection) -> rusqlite::Result<i64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?)
}

/// Removes those of these events that are still settled, and answers how many.
pub(crate) fn remove(batch: &mut Batch<'_>, events: &[i64]) -> Result<u64, Failed> {
    // Numbers are never given twice: a watcher would miss what got them again.
    batch.run(
        "UPDATE floor SET event = max(event, coalesce((SELECT max(seq) FROM event), 0)),
           attempt = max(attempt, coalesce((SELECT max(id) FROM attempt), 0))",
        [],
    )?;
    let mut removed = 0;
    for seq in events {
        removed += u64::from(remove_one(batch, *seq)?);
    }
    Ok(removed)
}

fn remove_one(batch: &mut Batch<'_>, seq: i64) -> Result<bool, Failed> {
    let range = [seq * WIDTH, (seq + 1) * WIDTH];
    let jobs: Vec<(i64, i64, Option<i64>)> = batch
        .statement("SELECT target, state, last FROM job WHERE id >= ?1 AND id < ?2")?
        .query_map(range, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    let states: Vec<_> = jobs
        .iter()
        .map(|(_, state, _)| codec::state(*state))
        .collect::<Result<_, _>>()?;
    // Somebody may have revived it since it was chosen.
    if states.contains(&JobState::Pending) {
        return Ok(false);
    }
    if batch.run("DELETE FROM event WHERE seq = ?1", [seq])? == 0 {
        return Ok(false);
    }
    for ((target, _, last), state) in jobs.into_iter().zip(states) {
        remove_attempts(batch, last)?;
        batch.swept(target, state);
    }
    batch.run("DELETE FROM job WHERE id >= ?1 AND id < ?2", range)?;
    batch.run("DELETE FROM body WHERE seq = ?1", [seq])?;
    Ok(true)
}

fn remove_attempts(batch: &Batch<'_>, last: Option<i64>) -> Result<(), Failed> {
    let mut next = last;
    while let Some(id) = next {
        next = batch
            .statement("DELETE FROM attempt WHERE id = ?1 RETURNING previous")?
            .query_row([id], |row| row.get(0))?;
    }
    Ok(())
}

/// Whether there are more free pages than should stay.
pub(crate) fn is_loose(connection: &Connection) -> rusqlite::Result<bool> {
    let free = connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0));
    Ok(free? > SPARE)
}

/// Gives free pages back to the file system, a few of them.
pub(crate) fn shrink(batch: &mut Batch<'_>) -> Result<(), Failed> {
    let sql = format!("PRAGMA incremental_vacuum({PAGES})");
    let mut statement = batch.statement(&sql)?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
