//! One transaction of the writer: what several calls share in it.

use std::collections::{BTreeMap, HashMap};

use notify_core::JobState;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, params};

use crate::codec::state_number;

/// The open transaction, as the calls in it see it.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    connection: &'a Connection,
    names: &'a mut Names,
    changes: BTreeMap<i64, Change>,
    /// The newest attempt of each target, for those that arrived and those that did not.
    newest: BTreeMap<(i64, bool), i64>,
    /// The last numbers that were given, once they were looked up.
    last: Option<Last>,
}

/// The last numbers that were ever given.
#[derive(Clone, Copy, Debug)]
struct Last {
    event: i64,
    attempt: i64,
}

/// Numbers of targets that are known to be on disk, and of those that this transaction made.
#[derive(Debug, Default)]
pub(crate) struct Names {
    durable: HashMap<String, i64>,
    fresh: HashMap<String, i64>,
}

impl Names {
    /// The transaction is on disk.
    pub(crate) fn keep(&mut self) {
        self.durable.extend(self.fresh.drain());
    }

    /// The transaction never was.
    pub(crate) fn forget(&mut self) {
        self.fresh.clear();
    }
}

/// What a transaction adds to the counts of a target.
#[derive(Clone, Copy, Debug, Default)]
struct Change {
    accepted: i64,
    states: [i64; 4],
    swept: [i64; 4],
}

impl<'a> Batch<'a> {
    pub(crate) fn new(connection: &'a Connection, names: &'a mut Names) -> Self {
        Batch {
            connection,
            names,
            changes: BTreeMap::new(),
            newest: BTreeMap::new(),
            last: None,
        }
    }

    /// A statement that is kept ready.
    pub(crate) fn statement(&self, sql: &str) -> rusqlite::Result<CachedStatement<'a>> {
        self.connection.prepare_cached(sql)
    }

    /// Runs a statement and answers how many rows it changed.
    pub(crate) fn run(&self, sql: &str, values: impl Params) -> rusqlite::Result<usize> {
        self.statement(sql)?.execute(values)
    }

    /// A number for an event, above all that were ever given.
    pub(crate) fn next_event(&mut self) -> rusqlite::Result<i64> {
        let last = self.last()?;
        last.event += 1;
        Ok(last.event)
    }

    /// A number for an attempt, above all that were ever given.
    pub(crate) fn next_attempt(&mut self) -> rusqlite::Result<i64> {
        let last = self.last()?;
        last.attempt += 1;
        Ok(last.attempt)
    }

    fn last(&mut self) -> rusqlite::Result<&mut Last> {
        let last = match self.last {
            Some(last) => last,
            None => self.statement(LAST)?.query_row([], |row| {
                Ok(Last {
                    event: row.get(0)?,
                    attempt: row.get(1)?,
                })
            })?,
        };
        Ok(self.last.insert(last))
    }

    /// The number of a target, which gets one when it has none.
    pub(crate) fn target(&mut self, name: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.known_target(name)? {
            return Ok(id);
        }
        self.run("INSERT INTO target (name) VALUES (?1)", [name])?;
        let id = self.connection.last_insert_rowid();
        self.names.fresh.insert(name.to_owned(), id);
        Ok(id)
    }

    /// The number of a target, when there ever was a delivery to it.
    pub(crate) fn known_target(&mut self, name: &str) -> rusqlite::Result<Option<i64>> {
        let Names { durable, fresh } = &mut *self.names;
        if let Some(id) = durable.get(name).or_else(|| fresh.get(name)) {
            return Ok(Some(*id));
        }
        let found = self
            .statement("SELECT id FROM target WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        if let Some(id) = found {
            self.names.fresh.insert(name.to_owned(), id);
        }
        Ok(found)
    }

    /// A delivery was accepted, and is pending.
    pub(crate) fn accepted(&mut self, target: i64) {
        let change = self.changes.entry(target).or_default();
        change.accepted += 1;
        change.states[place(JobState::Pending)] += 1;
    }

    /// A delivery went from one state to another.
    pub(crate) fn moved(&mut self, target: i64, from: JobState, to: JobState) {
        let change = self.changes.entry(target).or_default();
        change.states[place(from)] -= 1;
        change.states[place(to)] += 1;
    }

    /// An attempt at a target ended.
    pub(crate) fn attempted(&mut self, target: i64, arrived: bool, attempt: i64) {
        self.newest.insert((target, arrived), attempt);
    }

    /// A settled delivery was removed.
    pub(crate) fn swept(&mut self, target: i64, state: JobState) {
        self.changes.entry(target).or_default().swept[place(state)] += 1;
    }

    /// Writes the counts. The transaction must not be committed without it.
    pub(crate) fn flush(&mut self) -> rusqlite::Result<()> {
        for (target, change) in std::mem::take(&mut self.changes) {
            let [pending, delivered, dead, cancelled] = change.states;
            let [_, swept_delivered, swept_dead, swept_cancelled] = change.swept;
            self.run(
                "UPDATE target SET accepted = accepted + ?2, pending = pending + ?3,
                   delivered = delivered + ?4, dead = dead + ?5, cancelled = cancelled + ?6,
                   swept_delivered = swept_delivered + ?7, swept_dead = swept_dead + ?8,
                   swept_cancelled = swept_cancelled + ?9
                 WHERE id = ?1",
                params![
                    target,
                    change.accepted,
                    pending,
                    delivered,
                    dead,
                    cancelled,
                    swept_delivered,
                    swept_dead,
                    swept_cancelled
                ],
            )?;
        }
        for ((target, arrived), attempt) in std::mem::take(&mut self.newest) {
            self.run(
                "INSERT OR REPLACE INTO last
                 SELECT ?1, ?2, number, started, ended, outcome, detail, reference, refused
                 FROM attempt WHERE id = ?3",
                params![target, arrived, attempt],
            )?;
        }
        Ok(())
    }
}

/// The last numbers that were ever given, to events and to attempts.
pub(crate) const LAST: &str = "SELECT
     max(event, coalesce((SELECT max(seq) FROM event), 0)),
     max(attempt, coalesce((SELECT max(id) FROM attempt), 0))
   FROM floor";

fn place(state: JobState) -> usize {
    usize::try_from(state_number(state)).expect("states are numbered from 0")
}
