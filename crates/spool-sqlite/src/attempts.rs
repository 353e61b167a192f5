//! The record of attempts.

use std::collections::BTreeMap;

use notify_core::{AttemptRecord, Millis, Outcome};
use rusqlite::{Connection, Row};

use crate::codec::{bytes, read_list, shown, times};
use crate::fault::{Failed, unreadable};

/// The attempts of a delivery, from its last one back; answered the first first.
pub(crate) fn chain(
    connection: &Connection,
    last: Option<i64>,
) -> Result<Vec<AttemptRecord>, Failed> {
    let mut attempts = Vec::new();
    let mut next = last;
    while let Some(id) = next {
        let (previous, attempt) = connection
            .prepare_cached(&format!(
                "SELECT previous, {ATTEMPT} FROM attempt WHERE id = ?1"
            ))?
            .query_row([id], |row| {
                Ok((row.get::<_, Option<i64>>(0)?, attempt_row(row, 1)?))
            })?;
        if previous.is_some_and(|previous| previous >= id) {
            return Err(unreadable(format!("attempt {id} comes before itself")).into());
        }
        attempts.push(attempt.record());
        next = previous;
    }
    attempts.reverse();
    Ok(attempts)
}

/// The columns of an attempt, for [`attempt_row`].
pub(crate) const ATTEMPT: &str = "number, started, ended, outcome, detail, reference, refused";

#[derive(Debug)]
pub(crate) struct AttemptRow {
    number: u32,
    started: i64,
    ended: i64,
    outcome: Option<String>,
    detail: Option<String>,
    reference: Option<String>,
    refused: Option<Vec<u8>>,
}

/// The columns of [`ATTEMPT`], beginning at one.
pub(crate) fn attempt_row(row: &Row<'_>, first: usize) -> rusqlite::Result<AttemptRow> {
    Ok(AttemptRow {
        number: times(row, first)?,
        started: row.get(first + 1)?,
        ended: row.get(first + 2)?,
        outcome: shown(row, first + 3)?,
        detail: shown(row, first + 4)?,
        reference: shown(row, first + 5)?,
        refused: bytes(row, first + 6)?,
    })
}

impl AttemptRow {
    /// An attempt of which nobody can read any more how it ended was cut off.
    pub(crate) fn record(self) -> AttemptRecord {
        let outcome = self.outcome.as_deref().and_then(Outcome::named);
        AttemptRecord {
            number: self.number,
            started: Millis(self.started),
            ended: Millis(self.ended),
            outcome: outcome.unwrap_or(Outcome::CutOff),
            detail: self.detail,
            reference: self.reference,
            refused: read_list(self.refused.as_deref())
                .unwrap_or_default()
                .unwrap_or_default(),
        }
    }
}

/// A target, its last success and its last failure.
pub(crate) type Last = (String, Option<AttemptRecord>, Option<AttemptRecord>);

/// How each target that ever had an attempt fared lately, by name.
pub(crate) fn last_attempts(connection: &Connection) -> Result<Vec<Last>, Failed> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT name, arrived, {ATTEMPT} FROM last JOIN target ON target.id = last.target
         ORDER BY name, arrived"
    ))?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, row.get::<_, bool>(1)?, attempt_row(row, 2)?))
    })?;
    let mut lasts: BTreeMap<String, (Option<_>, Option<_>)> = BTreeMap::new();
    for row in rows {
        let (name, arrived, attempt) = row?;
        let (success, failure) = lasts.entry(name).or_default();
        let place = if arrived { success } else { failure };
        *place = Some(attempt.record());
    }
    let last = |(name, (success, failure))| (name, success, failure);
    Ok(lasts.into_iter().map(last).collect())
}
