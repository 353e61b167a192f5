//! The layout of the database and its versions.

use rusqlite::Connection;

/// `ntfy`: marks the file as a spool.
pub(crate) const APPLICATION: i64 = 0x6e74_6679;

/// The version of the layout that this program reads and writes.
pub(crate) const VERSION: i64 = STEPS.len() as i64;

/// What leads from each version to the next. The first makes an empty database version 1.
const STEPS: [&str; 3] = [FIRST, SECOND, THIRD];

const FIRST: &str = "
CREATE TABLE target (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  accepted INTEGER NOT NULL DEFAULT 0,
  pending INTEGER NOT NULL DEFAULT 0,
  delivered INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  swept_delivered INTEGER NOT NULL DEFAULT 0,
  swept_dead INTEGER NOT NULL DEFAULT 0,
  swept_cancelled INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  accepted INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  severity TEXT NOT NULL,
  kind TEXT,
  title TEXT NOT NULL,
  jobs INTEGER NOT NULL
) STRICT;
CREATE TABLE body (
  seq INTEGER PRIMARY KEY,
  content TEXT NOT NULL,
  trace TEXT NOT NULL,
  raw BLOB
) STRICT;
CREATE TABLE job (
  id INTEGER PRIMARY KEY,
  target INTEGER NOT NULL,
  state INTEGER NOT NULL,
  due INTEGER NOT NULL,
  leased INTEGER NOT NULL,
  token INTEGER NOT NULL,
  since INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  last INTEGER,
  recipients TEXT,
  reason TEXT
) STRICT;
CREATE INDEX job_due ON job (target, due) WHERE state = 0;
CREATE INDEX job_pending ON job (target) WHERE state = 0;
CREATE INDEX job_dead ON job (target) WHERE state = 2;
CREATE INDEX job_leased ON job (target) WHERE leased = 1;
CREATE TABLE attempt (
  id INTEGER PRIMARY KEY,
  job INTEGER NOT NULL,
  previous INTEGER,
  number INTEGER NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  detail TEXT,
  reference TEXT,
  refused TEXT
) STRICT;
";

/// Numbers are never given twice, even when the newest event is swept; and how a target fared is
/// known longer than the events by which it is known.
const SECOND: &str = "
CREATE TABLE floor (
  event INTEGER NOT NULL,
  attempt INTEGER NOT NULL
) STRICT;
INSERT INTO floor VALUES (
  coalesce((SELECT max(seq) FROM event), 0),
  coalesce((SELECT max(id) FROM attempt), 0)
);
CREATE TABLE last (
  target INTEGER NOT NULL,
  arrived INTEGER NOT NULL,
  number INTEGER NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  detail TEXT,
  reference TEXT,
  refused TEXT,
  PRIMARY KEY (target, arrived)
) STRICT, WITHOUT ROWID;
INSERT INTO last
  SELECT target, arrived, number, started, ended, outcome, detail, reference, refused FROM (
    SELECT job.target AS target, outcome IN ('delivered', 'partial') AS arrived, attempt.*,
      max(attempt.id)
    FROM attempt JOIN job ON job.id = attempt.job GROUP BY 1, 2);
";

/// What people did with deliveries, for whoever watches.
const THIRD: &str = "
CREATE TABLE handled (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  how TEXT NOT NULL,
  event BLOB,
  target TEXT,
  number INTEGER NOT NULL
) STRICT;
";

/// The deliveries of an event have the numbers `seq * WIDTH` and following.
pub(crate) const WIDTH: i64 = 1 << 16;

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// There is nothing in it yet.
    Empty,
    /// It has the layout of this version, which this program can migrate or use.
    Version(i64),
    /// A newer program wrote it.
    Newer(i64),
    /// It is the database of something else.
    Foreign,
}

/// What this database says of itself.
pub(crate) fn age(connection: &Connection) -> rusqlite::Result<Age> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (number("application_id")?, number("user_version")?) {
        (0, 0) if tables == 0 => Age::Empty,
        (APPLICATION, version @ 1..=VERSION) => Age::Version(version),
        (APPLICATION, version) if version > VERSION => Age::Newer(version),
        _ => Age::Foreign,
    })
}

/// Brings a database forward to [`VERSION`], each step in one transaction.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    for (number, step) in (1..).zip(STEPS) {
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        // Looked at inside: two processes may start at once.
        let version: i64 =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version < number {
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", number)?;
            transaction.commit()?;
        }
    }
    Ok(())
}
