//! Leasing what is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::hash_map::{self, HashMap};
use std::time::Duration;

use notify_core::Millis;
use rusqlite::{OptionalExtension, Row, params};

use crate::batch::Batch;
use crate::codec::{self, Stored};
use crate::fault::{Failed, is_of_value};
use crate::schema::WIDTH;
use crate::settle::{cut_off, held_row};

/// Bytes of events after which a claim takes no more.
const BYTES: usize = 16 << 20;

/// What is asked for, owned by the call.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) target: Option<String>,
    pub(crate) most: usize,
    pub(crate) lease: Duration,
    pub(crate) now: Millis,
}

/// What was claimed, not yet decoded: the caller does that, not the writer.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    pub(crate) jobs: Vec<Taken>,
    /// By number.
    pub(crate) events: HashMap<i64, Found>,
}

/// The event of a claimed delivery.
#[derive(Debug)]
pub(crate) enum Found {
    Row(Stored),
    /// Why there is no row to decode, and the id of the event, when at least that can be read.
    Damage(String, Option<[u8; 16]>),
}

#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) id: i64,
    pub(crate) token: i64,
    pub(crate) target: String,
    pub(crate) attempts: u32,
    pub(crate) since: i64,
    pub(crate) recipients: Option<Vec<u8>>,
}

/// Leases what is due, the oldest first.
pub(crate) fn claim(batch: &mut Batch<'_>, wanted: &Wanted) -> Result<Claimed, Failed> {
    let mut claimed = Claimed::default();
    let mut bytes = 0;
    let mut line = Line::of(batch, wanted)?;
    while claimed.jobs.len() < wanted.most && bytes < BYTES {
        let Some((head, name)) = line.next() else {
            break;
        };
        let taken = lease(batch, head, name, wanted)?;
        line.go_on(batch, head.target)?;
        let seq = taken.id / WIDTH;
        if let hash_map::Entry::Vacant(place) = claimed.events.entry(seq) {
            let event = found(batch, seq)?;
            bytes += match &event {
                Found::Row(stored) => stored.size(),
                Found::Damage(..) => 0,
            };
            place.insert(event);
        }
        claimed.jobs.push(taken);
    }
    Ok(claimed)
}

/// The next due delivery of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    due: i64,
    id: i64,
    target: i64,
}

/// Deliveries that are due, of one target or of several, in order.
struct Line {
    now: i64,
    names: HashMap<i64, String>,
    heads: BinaryHeap<Reverse<Head>>,
}

impl Line {
    fn of(batch: &mut Batch<'_>, wanted: &Wanted) -> Result<Self, Failed> {
        let mut line = Line {
            now: wanted.now.0,
            names: targets(batch, wanted.target.as_deref())?,
            heads: BinaryHeap::new(),
        };
        let targets: Vec<_> = line.names.keys().copied().collect();
        for target in targets {
            line.go_on(batch, target)?;
        }
        Ok(line)
    }

    fn next(&mut self) -> Option<(Head, String)> {
        let Reverse(head) = self.heads.pop()?;
        let name = self.names.get(&head.target).cloned().unwrap_or_default();
        Some((head, name))
    }

    /// Lines up the next of a target. The one before has gone: it is due at the end of its lease.
    fn go_on(&mut self, batch: &Batch<'_>, target: i64) -> Result<(), Failed> {
        let head = first_due(batch, target, self.now)?;
        self.heads.extend(head.map(Reverse));
        Ok(())
    }
}

/// The targets to look at, by number.
fn targets(batch: &mut Batch<'_>, only: Option<&str>) -> Result<HashMap<i64, String>, Failed> {
    if let Some(name) = only {
        let id = batch.known_target(name)?;
        return Ok(id.map(|id| (id, name.to_owned())).into_iter().collect());
    }
    // Calls before this one in the same transaction count.
    batch.flush()?;
    let mut pending = batch.statement("SELECT id, name FROM target WHERE pending > 0")?;
    let rows = pending.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The first delivery of a target that is due at `now`.
fn first_due(batch: &Batch<'_>, target: i64, now: i64) -> rusqlite::Result<Option<Head>> {
    batch
        .statement(
            "SELECT due, id FROM job INDEXED BY job_due
             WHERE state = 0 AND target = ?1 AND due <= ?2 ORDER BY due, id LIMIT 1",
        )?
        .query_row([target, now], |row| {
            Ok(Head {
                due: row.get(0)?,
                id: row.get(1)?,
                target,
            })
        })
        .optional()
}

/// Leases one. When it is under an old lease, that attempt was cut off.
fn lease(
    batch: &mut Batch<'_>,
    head: Head,
    name: String,
    wanted: &Wanted,
) -> Result<Taken, Failed> {
    let (mut held, mut taken, leased, changed) = batch
        .statement(
            "SELECT id, target, attempts, last, state, token, since, recipients, leased, changed
             FROM job WHERE id = ?1",
        )?
        .query_row([head.id], |row| {
            let held = held_row(row)?;
            let taken = Taken {
                id: held.id,
                token: row.get(5)?,
                target: name,
                attempts: held.attempts,
                since: row.get(6)?,
                recipients: codec::bytes(row, 7)?,
            };
            Ok((held, taken, row.get::<_, bool>(8)?, Millis(row.get(9)?)))
        })?;
    if leased {
        held.last = Some(cut_off(batch, &held, changed, wanted.now)?);
        taken.attempts = held.attempts.saturating_add(1);
    }
    taken.token += 1;
    // At least a moment: a lease that ends at once would be claimed again by the same call.
    let until = wanted.now.plus(wanted.lease.max(Duration::from_millis(1)));
    batch.run(
        "UPDATE job SET leased = 1, token = ?2, due = ?3, changed = ?4, attempts = ?5, last = ?6
         WHERE id = ?1",
        params![
            head.id,
            taken.token,
            until.0,
            wanted.now.0,
            taken.attempts,
            held.last
        ],
    )?;
    Ok(taken)
}

/// An event. That a row holds garbage must not stop those behind it.
fn found(batch: &Batch<'_>, seq: i64) -> rusqlite::Result<Found> {
    let mut statement = batch.statement(STORED)?;
    let damage = match statement
        .query_row([seq], |row| read_stored(row, 0))
        .optional()
    {
        Ok(Some(stored)) => return Ok(Found::Row(stored)),
        Ok(None) => "it is not there".to_owned(),
        Err(error) if is_of_value(&error) => error.to_string(),
        Err(error) => return Err(error),
    };
    let id = batch
        .statement("SELECT id FROM event WHERE seq = ?1")?
        .query_row([seq], |row| codec::bytes(row, 0))
        .optional()?;
    let id = id.flatten().and_then(|id| id.try_into().ok());
    Ok(Found::Damage(damage, id))
}

/// The columns of a [`Stored`] by `seq`, for [`read_stored`].
pub(crate) const STORED: &str = "SELECT id, timestamp, severity, content, raw
   FROM event JOIN body USING (seq) WHERE seq = ?1";

/// The columns of [`STORED`], beginning at one.
pub(crate) fn read_stored(row: &Row<'_>, first: usize) -> rusqlite::Result<Stored> {
    Ok(Stored {
        id: row.get(first)?,
        timestamp: row.get(first + 1)?,
        severity: row.get(first + 2)?,
        content: row.get(first + 3)?,
        raw: row.get(first + 4)?,
    })
}
