//! Leasing what is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::hash_map::{self, HashMap};
use std::sync::Arc;
use std::time::Duration;

use notify_core::{EventId, Job, Lease, LegacyMail, Millis, Notification, SpoolError};
use rusqlite::{OptionalExtension, Row, params};

use crate::batch::Batch;
use crate::codec::{Stored, read_list};
use crate::fault::{Failed, unreadable};
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
    /// By number; one that is missing is damage.
    pub(crate) events: HashMap<i64, Option<Stored>>,
}

#[derive(Debug)]
pub(crate) struct Taken {
    id: i64,
    token: i64,
    target: String,
    attempts: u32,
    since: i64,
    recipients: Option<String>,
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
            let event = stored(batch, seq)?;
            bytes += event.as_ref().map_or(0, Stored::size);
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
            "SELECT id, target, attempts, last, token, since, recipients, leased, changed
             FROM job WHERE id = ?1",
        )?
        .query_row([head.id], |row| {
            let held = held_row(row)?;
            let taken = Taken {
                id: held.id,
                token: row.get(4)?,
                target: name,
                attempts: held.attempts,
                since: row.get(5)?,
                recipients: row.get(6)?,
            };
            Ok((held, taken, row.get::<_, bool>(7)?, Millis(row.get(8)?)))
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

fn stored(batch: &Batch<'_>, seq: i64) -> rusqlite::Result<Option<Stored>> {
    let mut statement = batch.statement(STORED)?;
    statement.query_row([seq], read_stored).optional()
}

/// The columns of a [`Stored`] by `seq`, for [`read_stored`].
pub(crate) const STORED: &str = "SELECT id, timestamp, severity, content, raw
   FROM event JOIN body USING (seq) WHERE seq = ?1";

pub(crate) fn read_stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        id: row.get(0)?,
        timestamp: row.get(1)?,
        severity: row.get(2)?,
        content: row.get(3)?,
        raw: row.get(4)?,
    })
}

/// A claimed delivery, decoded; or its lease and why it cannot be.
pub(crate) type Decoded = Result<Job, (Lease, SpoolError)>;

impl Claimed {
    /// Deliveries of one event share it.
    pub(crate) fn decoded(self) -> Vec<Decoded> {
        let read = |stored: Option<Stored>| {
            let missing = || unreadable("the event is missing");
            let (event, legacy) = stored.ok_or_else(missing)?.unpacked()?;
            Ok((Arc::new(event), legacy))
        };
        let told = |error: SpoolError| notify_core::report(&error);
        let mut events = HashMap::new();
        for (seq, stored) in self.events {
            let id = stored.as_ref().map_or([0; 16], |stored| stored.id);
            events.insert(seq, (EventId::from_bytes(id), read(stored).map_err(told)));
        }
        let decode = |taken: Taken| {
            let (id, read) = &events[&(taken.id / WIDTH)];
            taken.decoded(*id, read.as_ref().map_err(String::as_str))
        };
        self.jobs.into_iter().map(decode).collect()
    }
}

impl Taken {
    fn decoded(
        self,
        event: EventId,
        read: Result<&(Arc<Notification>, Option<LegacyMail>), &str>,
    ) -> Decoded {
        let lease = Lease {
            key: format!("{event}.{}", self.target),
            token: self.token.cast_unsigned(),
            place: self.id.cast_unsigned(),
        };
        let (event, legacy) = match read {
            Ok((event, legacy)) => (Arc::clone(event), legacy.clone()),
            Err(why) => return Err((lease, unreadable(why))),
        };
        let recipients = match read_list(self.recipients) {
            Ok(recipients) => recipients,
            Err(why) => return Err((lease, why)),
        };
        Ok(Job {
            lease,
            event,
            target: self.target,
            attempt: self.attempts.saturating_add(1),
            since: Millis(self.since),
            recipients,
            legacy,
        })
    }
}
