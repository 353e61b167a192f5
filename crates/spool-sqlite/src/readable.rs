//! That what is stored can be read back: each row is decoded, one by one.

use notify_core::{EventId, Found, Outcome, Refusal};
use rusqlite::{Connection, Row, Statement};
use serde::de::IgnoredAny;

use crate::claim::read_stored;
use crate::codec::{bytes, read_list};
use crate::fault::{Failed, is_of_value};
use crate::verify::tell;

/// Rows after which the progress is told.
const STEP: u64 = 10_000;

/// What is walked over: a query whose first column is the key, and what is wrong with a row.
pub(crate) struct Walk {
    table: &'static str,
    key: &'static str,
    columns: &'static str,
    faults: fn(&Row<'_>) -> rusqlite::Result<Faults>,
}

/// Which promises a row breaks, and how.
type Faults = Vec<(&'static str, String)>;

/// The bytes of a mail are passed over: they may be any.
pub(crate) const WALKS: [Walk; 3] = [
    Walk {
        table: "event JOIN body USING (seq)",
        key: "seq",
        columns: "seq, trace, id, timestamp, severity, content, iif(raw IS NULL, NULL, x'')",
        faults: of_body,
    },
    Walk {
        table: "job",
        key: "id",
        columns: "id, recipients, attempts",
        faults: of_job,
    },
    Walk {
        table: "attempt",
        key: "id",
        columns: "id, job, outcome, refused",
        faults: of_attempt,
    },
];

impl Walk {
    /// Adds what is wrong with each row.
    pub(crate) fn go(
        &self,
        connection: &Connection,
        found: &mut Vec<Found>,
        progress: &mut dyn FnMut(f64),
    ) -> Result<(), Failed> {
        let Walk {
            table,
            key,
            columns,
            ..
        } = self;
        let last: Option<i64> =
            connection.query_row(&format!("SELECT max({key}) FROM {table}"), [], |row| {
                row.get(0)
            })?;
        let sql = format!("SELECT {columns} FROM {table} ORDER BY {key}");
        let mut statement = connection.prepare(&sql)?;
        let last = last.unwrap_or(0).max(1) as f64;
        self.rows(&mut statement, found, &mut |key| {
            progress(key as f64 / last);
        })
    }

    fn rows(
        &self,
        statement: &mut Statement<'_>,
        found: &mut Vec<Found>,
        passed: &mut dyn FnMut(i64),
    ) -> Result<(), Failed> {
        let mut rows = statement.query([])?;
        let mut looked = 0;
        while let Some(row) = rows.next()? {
            for (law, detail) in (self.faults)(row)? {
                tell(found, law, detail);
            }
            looked += 1;
            if looked % STEP == 0 {
                passed(row.get(0)?);
            }
        }
        Ok(())
    }
}

fn of_body(row: &Row<'_>) -> rusqlite::Result<Faults> {
    let seq: i64 = row.get(0)?;
    let id = bytes(row, 2)?.and_then(|id| id.try_into().ok());
    let name = match id {
        Some(id) => format!("body {seq}, event {}", EventId::from_bytes(id)),
        None => format!("body {seq}"),
    };
    let mut faults = Vec::new();
    let content = match read_stored(row, 2) {
        Ok(stored) => stored.unpacked().err(),
        Err(error) if is_of_value(&error) => Some(error.to_string()),
        Err(error) => return Err(error),
    };
    if let Some(why) = content {
        faults.push(("content", format!("{name}: {why}")));
    }
    let trace = bytes(row, 1)?.unwrap_or_default();
    if let Err(why) = serde_json::from_slice::<IgnoredAny>(&trace) {
        faults.push(("trace", format!("{name}: {why}")));
    }
    Ok(faults)
}

fn of_job(row: &Row<'_>) -> rusqlite::Result<Faults> {
    let (id, attempts): (i64, i64) = (row.get(0)?, row.get(2)?);
    let mut faults = Vec::new();
    if let Err(why) = read_list::<String>(bytes(row, 1)?.as_deref()) {
        faults.push(("progress", format!("job {id}: its recipients: {why}")));
    }
    if u32::try_from(attempts).is_err() {
        faults.push(("progress", format!("job {id}: {attempts} attempts")));
    }
    Ok(faults)
}

fn of_attempt(row: &Row<'_>) -> rusqlite::Result<Faults> {
    let (id, job): (i64, i64) = (row.get(0)?, row.get(1)?);
    let outcome = bytes(row, 2)?.unwrap_or_default();
    let outcome = String::from_utf8_lossy(&outcome);
    let mut faults = Vec::new();
    if Outcome::named(&outcome).is_none() {
        let what = format!("attempt {id} of job {job}: `{outcome}` is no outcome");
        faults.push(("progress", what));
    }
    if let Err(why) = read_list::<Refusal>(bytes(row, 3)?.as_deref()) {
        let what = format!("attempt {id} of job {job}: who refused: {why}");
        faults.push(("progress", what));
    }
    Ok(faults)
}
