//! Removing what is settled and old, in small steps.

use notify_core::{JobState, Millis, Retention};
use rusqlite::{Connection, Row, params};

use crate::batch::Batch;
use crate::codec::{self, limit};
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

/// A walk over all events, from the oldest on, a piece in each step.
///
/// So those that are pending at its beginning are passed once and not at every step, and what
/// costs a look at all of them is counted once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk {
    /// It goes on behind this event.
    behind: i64,
    /// What it was begun with: another begins anew.
    retention: Option<Retention>,
    counted: Option<Surplus>,
    /// Whether only events with a dead delivery are left to make room with.
    is_last_resort: bool,
}

/// What is to go, and how the walk goes on after it.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) events: Vec<Doomed>,
    /// None at its end.
    pub(crate) next: Option<Walk>,
}

/// An event that is to go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doomed {
    seq: i64,
    /// It has a dead delivery, and is not old.
    is_early_dead: bool,
}

/// How many there are above each limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Surplus {
    delivered: i64,
    dead: i64,
    events: i64,
    bytes: i64,
}

impl Surplus {
    /// Whether room has to be made, whoever goes.
    fn is_of_all(&self) -> bool {
        self.events > 0 || self.bytes > 0
    }

    fn is_any(&self) -> bool {
        self.is_of_all() || self.delivered > 0 || self.dead > 0
    }

    /// Whether one must go that is not old.
    fn presses(&self, lost: bool, is_last_resort: bool) -> bool {
        match lost {
            true => self.dead > 0 || is_last_resort && self.is_of_all(),
            false => self.delivered > 0 || self.is_of_all(),
        }
    }

    fn less(&mut self, lost: bool, bytes: i64) {
        let of_class = match lost {
            true => &mut self.dead,
            false => &mut self.delivered,
        };
        *of_class = of_class.saturating_sub(1);
        self.events = self.events.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// Chooses what goes in this step.
pub(crate) fn chosen(
    connection: &Connection,
    retention: &Retention,
    now: Millis,
    walk: Walk,
) -> Result<Chosen, Failed> {
    let mut walk = match &walk.retention {
        Some(before) if before == retention => walk,
        _ => Walk {
            retention: Some(retention.clone()),
            ..Walk::default()
        },
    };
    let counted = match walk.counted {
        Some(counted) => counted,
        None => above_limits(connection, retention)?,
    };
    let mut left = Surplus {
        // What a step freed is seen by the next; what an event takes is only guessed.
        bytes: used(connection)?.saturating_sub(signed(retention.most_bytes)),
        ..counted
    };
    let mut chosen = Chosen::default();
    let is_over = walk.step(connection, retention, now, &mut left, &mut chosen.events)?;
    walk.counted = Some(left);
    chosen.next = match is_over {
        false => Some(walk),
        // All others have gone, and there are still too many.
        true if !walk.is_last_resort && left.is_of_all() && some_are_dead(connection)? => {
            Some(Walk {
                behind: 0,
                is_last_resort: true,
                ..walk
            })
        }
        true => None,
    };
    Ok(chosen)
}

impl Walk {
    /// Goes on, and says whether it has come to its end.
    fn step(
        &mut self,
        connection: &Connection,
        retention: &Retention,
        now: Millis,
        left: &mut Surplus,
        doomed: &mut Vec<Doomed>,
    ) -> Result<bool, Failed> {
        let (dead, delivered) = (now.minus(retention.dead), now.minus(retention.delivered));
        let mut statement = connection.prepare_cached(&candidates())?;
        let mut rows = statement.query(params![self.behind, limit(LOOK)])?;
        let (mut looked, mut young) = (0, 0);
        while let Some(row) = rows.next()? {
            let candidate = Candidate::of(row)?;
            let is_young = candidate.accepted >= delivered.max(dead).0;
            young = if is_young { young + 1 } else { 0 };
            if young > YOUNG && !left.is_any() {
                return Ok(true);
            }
            let keep_since = if candidate.is_lost { dead } else { delivered };
            let is_old = candidate.accepted < keep_since.0;
            let must_go = is_old || left.presses(candidate.is_lost, self.is_last_resort);
            if must_go && !candidate.is_open {
                if doomed.len() == STEP {
                    return Ok(false);
                }
                left.less(candidate.is_lost, candidate.bytes);
                doomed.push(Doomed {
                    seq: candidate.seq,
                    is_early_dead: candidate.is_lost && !is_old,
                });
            }
            looked += 1;
            self.behind = candidate.seq;
        }
        Ok(looked < LOOK)
    }
}

/// An event that may go.
struct Candidate {
    seq: i64,
    accepted: i64,
    /// A delivery of it is pending, or under way though it was cancelled.
    is_open: bool,
    /// One is dead.
    is_lost: bool,
    /// About so much.
    bytes: i64,
}

impl Candidate {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Candidate {
            seq: row.get(0)?,
            accepted: row.get(1)?,
            is_open: row.get(2)?,
            is_lost: row.get(3)?,
            bytes: row.get::<_, Option<i64>>(4)?.unwrap_or(0),
        })
    }
}

/// The columns of a [`Candidate`], of events behind a number.
fn candidates() -> String {
    let has = |condition: &str| {
        format!(
            "EXISTS (SELECT 1 FROM job WHERE id >= e.seq * {WIDTH} AND id < (e.seq + 1) * {WIDTH}
               AND ({condition}))"
        )
    };
    format!(
        "SELECT seq, accepted, {}, {},
           (SELECT length(content) + length(trace) + coalesce(length(raw), 0) + 500
              FROM body WHERE body.seq = e.seq)
         FROM event AS e
         WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        has("state = 0 OR leased = 1"),
        has("state = 2")
    )
}

/// What is above the limits of number. Each look at all events is made only when it may matter.
fn above_limits(connection: &Connection, retention: &Retention) -> Result<Surplus, Failed> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let all = number("SELECT count(*) FROM event")?;
    let above = |count: i64, most: u64| count.saturating_sub(signed(most));
    let (events, delivered) = (retention.most_events, retention.most_delivered);
    if above(all, events.min(delivered).min(retention.most_dead)) <= 0 {
        return Ok(Surplus::default());
    }
    let open = number(&format!(
        "SELECT count(*) FROM (
           SELECT id / {WIDTH} FROM job INDEXED BY job_pending WHERE state = 0
           UNION SELECT id / {WIDTH} FROM job INDEXED BY job_leased WHERE leased = 1)"
    ))?;
    let dead = match above(all, delivered.min(retention.most_dead)) > 0 {
        true => number(&dead_and_settled())?,
        false => 0,
    };
    Ok(Surplus {
        delivered: above(all - open - dead, delivered),
        dead: above(dead, retention.most_dead),
        events: above(all - open, events),
        bytes: 0,
    })
}

fn dead_and_settled() -> String {
    format!(
        "SELECT count(DISTINCT id / {WIDTH}) FROM job AS d INDEXED BY job_dead
         WHERE state = 2 AND NOT EXISTS (
           SELECT 1 FROM job AS o
           WHERE o.id >= d.id / {WIDTH} * {WIDTH} AND o.id < (d.id / {WIDTH} + 1) * {WIDTH}
             AND (o.state = 0 OR o.leased = 1))"
    )
}

fn some_are_dead(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare("SELECT 1 FROM job INDEXED BY job_dead WHERE state = 2 LIMIT 1")?
        .exists([])
}

/// A limit as SQLite counts.
fn signed(most: u64) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// Bytes of the file that hold something.
fn used(connection: &Connection) -> rusqlite::Result<i64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?)
}

/// Removes those of these events that are still settled, and answers how many, and how many of
/// them were [dead and not old](Doomed::is_early_dead).
pub(crate) fn remove(batch: &mut Batch<'_>, events: &[Doomed]) -> Result<(u64, u64), Failed> {
    // Numbers are never given twice: a watcher would miss what got them again.
    batch.run(
        "UPDATE floor SET event = max(event, coalesce((SELECT max(seq) FROM event), 0)),
           attempt = max(attempt, coalesce((SELECT max(id) FROM attempt), 0))",
        [],
    )?;
    let (mut removed, mut early) = (0, 0);
    for doomed in events {
        if remove_one(batch, doomed.seq)? {
            removed += 1;
            early += u64::from(doomed.is_early_dead);
        }
    }
    Ok((removed, early))
}

fn remove_one(batch: &mut Batch<'_>, seq: i64) -> Result<bool, Failed> {
    let range = [seq * WIDTH, (seq + 1) * WIDTH];
    let jobs: Vec<(i64, i64, Option<i64>, bool)> = batch
        .statement("SELECT target, state, last, leased FROM job WHERE id >= ?1 AND id < ?2")?
        .query_map(range, |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?
        .collect::<Result<_, _>>()?;
    let states: Vec<_> = jobs
        .iter()
        .map(|(_, state, ..)| codec::state(*state))
        .collect::<Result<_, _>>()?;
    // Somebody may have revived it since it was chosen.
    if states.contains(&JobState::Pending) || jobs.iter().any(|(.., leased)| *leased) {
        return Ok(false);
    }
    if batch.run("DELETE FROM event WHERE seq = ?1", [seq])? == 0 {
        return Ok(false);
    }
    for ((target, _, last, _), state) in jobs.into_iter().zip(states) {
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
