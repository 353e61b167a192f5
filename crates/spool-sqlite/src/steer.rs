//! What people do with deliveries: try again, hurry, cancel.
//!
//! Each works through its selection in steps, and each step is a call of its own: a million
//! deliveries stall nobody.

use notify_core::{Handling, JobState, Millis};
use rusqlite::{OptionalExtension, params};

use crate::batch::Batch;
use crate::codec::{limit, state_number};
use crate::fault::Failed;
use crate::handled;
use crate::lookup::Wanted;
use crate::schema::WIDTH;

/// Deliveries that one step changes.
const STEP: usize = 1000;

/// What is done to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Waiting and dead ones are due, and their age counts anew.
    Revive,
    /// Waiting ones are due.
    Hurry,
    /// Waiting, leased and dead ones are cancelled.
    Cancel,
}

/// Where a walk over many deliveries stands. It begins with the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    target: i64,
    state: i64,
    id: i64,
}

/// One step: how many were changed, and where to go on.
pub(crate) fn step(
    batch: &mut Batch<'_>,
    deed: Deed,
    wanted: &Wanted,
    from: Place,
    now: Millis,
) -> Result<(u64, Option<Place>), Failed> {
    let (found, next) = found(batch, deed, wanted, from)?;
    let mut changed = 0;
    for job in found {
        changed += u64::from(deed.done(batch, &job, now)?);
    }
    if let Some(how) = deed.handling()
        && changed > 0
    {
        handled::note(batch, how, wanted, changed, now)?;
    }
    Ok((changed, next))
}

#[derive(Debug)]
struct Found {
    id: i64,
    target: i64,
    state: JobState,
    leased: bool,
    due: i64,
}

impl Deed {
    /// What a watcher sees of it.
    fn handling(self) -> Option<Handling> {
        match self {
            Deed::Revive => Some(Handling::Retried),
            Deed::Cancel => Some(Handling::Dropped),
            // It follows from a change of the configuration.
            Deed::Hurry => None,
        }
    }

    /// Whether it changed the delivery.
    fn done(self, batch: &mut Batch<'_>, job: &Found, now: Millis) -> Result<bool, Failed> {
        use JobState::{Cancelled, Dead, Pending};
        let is_meant = match (self, job.state) {
            (Deed::Revive, Pending) => !job.leased,
            (Deed::Hurry, Pending) => !job.leased && job.due > now.0,
            (Deed::Revive, Dead) | (Deed::Cancel, Pending | Dead) => true,
            _ => false,
        };
        if !is_meant {
            return Ok(false);
        }
        match self {
            Deed::Revive => batch.run(
                "UPDATE job SET state = 0, due = ?2, since = ?2, changed = ?2, reason = NULL
                 WHERE id = ?1",
                [job.id, now.0],
            )?,
            Deed::Hurry => batch.run(
                "UPDATE job SET due = ?2, changed = ?2 WHERE id = ?1",
                [job.id, now.0],
            )?,
            Deed::Cancel => batch.run(
                // The lease stays: what its attempt gives belongs into the record.
                "UPDATE job SET state = ?3, changed = CASE leased WHEN 0 THEN ?2 ELSE changed END,
                   reason = NULL
                 WHERE id = ?1",
                [job.id, now.0, state_number(Cancelled)],
            )?,
        };
        match self {
            Deed::Revive if job.state == Dead => batch.moved(job.target, Dead, Pending),
            Deed::Cancel => batch.moved(job.target, job.state, Cancelled),
            Deed::Revive | Deed::Hurry => {}
        }
        Ok(true)
    }
}

/// Deliveries of the selection that may be meant, at most a step of them, and where to go on.
fn found(
    batch: &mut Batch<'_>,
    deed: Deed,
    wanted: &Wanted,
    from: Place,
) -> Result<(Vec<Found>, Option<Place>), Failed> {
    match wanted {
        Wanted::Event(id, target) => {
            let target = match target {
                Some(name) => match batch.known_target(name)? {
                    Some(target) => Some(target),
                    None => return Ok((Vec::new(), None)),
                },
                None => None,
            };
            let seq: Option<i64> = batch
                .statement("SELECT seq FROM event WHERE id = ?1")?
                .query_row([id.to_bytes()], |row| row.get(0))
                .optional()?;
            let jobs = seq.map(|seq| of_event(batch, seq)).transpose()?;
            let mut jobs = jobs.unwrap_or_default();
            jobs.retain(|job| target.is_none_or(|target| job.target == target));
            Ok((jobs, None))
        }
        Wanted::Target(name) => match batch.known_target(name)? {
            Some(target) => of_targets(batch, deed, Some(target), from),
            None => Ok((Vec::new(), None)),
        },
        Wanted::All => of_targets(batch, deed, None, from),
    }
}

/// All deliveries of one event: few enough for one step.
fn of_event(batch: &Batch<'_>, seq: i64) -> Result<Vec<Found>, Failed> {
    let jobs = batch
        .statement(
            "SELECT id, target, leased, due, state FROM job WHERE id >= ?1 AND id < ?2 ORDER BY id",
        )?
        .query_map([seq * WIDTH, (seq + 1) * WIDTH], |row| {
            Ok((row.get::<_, i64>(4)?, found_row(row, JobState::Pending)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    jobs.into_iter()
        .map(|(state, job)| {
            let state = crate::codec::state(state)?;
            Ok(Found { state, ..job })
        })
        .collect()
}

fn found_row(row: &rusqlite::Row<'_>, state: JobState) -> rusqlite::Result<Found> {
    Ok(Found {
        id: row.get(0)?,
        target: row.get(1)?,
        state,
        leased: row.get(2)?,
        due: row.get(3)?,
    })
}

/// A step over targets by number, their pending ones, then their dead ones, by number.
fn of_targets(
    batch: &Batch<'_>,
    deed: Deed,
    only: Option<i64>,
    from: Place,
) -> Result<(Vec<Found>, Option<Place>), Failed> {
    let mut place = from;
    let mut jobs = Vec::new();
    loop {
        let Some(target) = target_from(batch, only, place.target)? else {
            return Ok((jobs, None));
        };
        if target != place.target {
            place = Place {
                target,
                ..Place::default()
            };
        }
        for (state, sql) in [(JobState::Pending, PENDING), (JobState::Dead, DEAD)] {
            let number = state_number(state);
            if place.state > number || deed == Deed::Hurry && state == JobState::Dead {
                continue;
            }
            if place.state < number {
                place.state = number;
                place.id = 0;
            }
            let room = STEP - jobs.len();
            let more = batch
                .statement(sql)?
                .query_map(params![target, place.id, limit(room)], |row| {
                    found_row(row, state)
                })?
                .collect::<Result<Vec<_>, _>>()?;
            jobs.extend(more);
            if jobs.len() == STEP {
                place.id = jobs.last().map_or(place.id, |job| job.id);
                return Ok((jobs, Some(place)));
            }
        }
        place = Place {
            target: target + 1,
            ..Place::default()
        };
    }
}

const PENDING: &str = "SELECT id, target, leased, due FROM job INDEXED BY job_pending
   WHERE state = 0 AND target = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
const DEAD: &str = "SELECT id, target, leased, due FROM job INDEXED BY job_dead
   WHERE state = 2 AND target = ?1 AND id > ?2 ORDER BY id LIMIT ?3";

/// The first target at or after a number; only the one that is meant, when one is.
fn target_from(batch: &Batch<'_>, only: Option<i64>, from: i64) -> Result<Option<i64>, Failed> {
    if let Some(only) = only {
        return Ok(Some(only).filter(|only| *only >= from));
    }
    let found = batch
        .statement("SELECT id FROM target WHERE id >= ?1 ORDER BY id LIMIT 1")?
        .query_row([from], |row| row.get(0))
        .optional()?;
    Ok(found)
}
