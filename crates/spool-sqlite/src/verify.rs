//! Looking for damage and for broken promises.

use notify_core::Found;
use rusqlite::{Connection, Row, params};

use crate::fault::Failed;
use crate::readable::WALKS;
use crate::schema::WIDTH;

/// Rows that one step looks at.
const STEP: i64 = 10_000;

/// Findings of one kind that are told.
const MOST: usize = 20;

/// The tables, each checked with its indexes.
const TABLES: [&str; 5] = ["target", "event", "body", "job", "attempt"];

/// A promise about rows: a query for those that break it.
struct Law {
    name: &'static str,
    /// Over which table and key it walks.
    over: (&'static str, &'static str),
    /// Selects what is broken as one text, for keys from ?1 to before ?2.
    broken: &'static str,
}

/// How an event or a delivery is named in a finding.
const LAWS: [Law; 10] = [
    Law {
        name: "conservation",
        over: ("event", "seq"),
        broken: "SELECT 'event ' || seq || ': ' || jobs || ' deliveries were accepted, '
                   || (SELECT count(*) FROM job WHERE id >= seq * 65536 AND id < (seq + 1) * 65536)
                   || ' are there'
                 FROM event WHERE seq >= ?1 AND seq < ?2 AND jobs <>
                   (SELECT count(*) FROM job WHERE id >= seq * 65536 AND id < (seq + 1) * 65536)",
    },
    Law {
        name: "body",
        over: ("event", "seq"),
        broken: "SELECT 'event ' || seq || ' has no body' FROM event
                 WHERE seq >= ?1 AND seq < ?2
                   AND NOT EXISTS (SELECT 1 FROM body WHERE body.seq = event.seq)",
    },
    Law {
        name: "orphan",
        over: ("body", "seq"),
        broken: "SELECT 'body ' || seq || ' has no event' FROM body
                 WHERE seq >= ?1 AND seq < ?2
                   AND NOT EXISTS (SELECT 1 FROM event WHERE event.seq = body.seq)",
    },
    Law {
        name: "orphan",
        over: ("job", "id"),
        broken: "SELECT 'delivery ' || id || ' has no event, or no target' FROM job
                 WHERE id >= ?1 AND id < ?2
                   AND NOT (EXISTS (SELECT 1 FROM event WHERE seq = job.id / 65536)
                     AND EXISTS (SELECT 1 FROM target WHERE target.id = job.target))",
    },
    Law {
        name: "state",
        over: ("job", "id"),
        broken: "SELECT 'delivery ' || id || ' is in state ' || state FROM job
                 WHERE id >= ?1 AND id < ?2 AND state NOT BETWEEN 0 AND 3",
    },
    Law {
        name: "lease",
        over: ("job", "id"),
        broken: "SELECT 'delivery ' || id || ' is settled and leased' FROM job
                 WHERE id >= ?1 AND id < ?2 AND leased <> 0 AND (state NOT IN (0, 3) OR leased <> 1)",
    },
    Law {
        name: "reason",
        over: ("job", "id"),
        broken: "SELECT 'delivery ' || id || ' is dead without a reason, or has one and is not'
                 FROM job WHERE id >= ?1 AND id < ?2 AND (reason IS NOT NULL) <> (state = 2)",
    },
    Law {
        name: "delivered",
        over: ("job", "id"),
        broken: "SELECT 'delivery ' || id || ' arrived, and its last attempt did not' FROM job
                 WHERE id >= ?1 AND id < ?2 AND state = 1
                   AND coalesce((SELECT outcome FROM attempt WHERE attempt.id = job.last), '')
                     NOT IN ('delivered', 'partial')",
    },
    Law {
        name: "attempts",
        over: ("attempt", "id"),
        broken: "SELECT 'attempt ' || id || ' does not fit its delivery or the one before' FROM attempt AS a
                 WHERE id >= ?1 AND id < ?2 AND (
                   NOT EXISTS (SELECT 1 FROM job WHERE job.id = a.job AND job.last >= a.id)
                   OR previous IS NOT NULL AND NOT EXISTS (
                     SELECT 1 FROM attempt AS b
                     WHERE b.id = a.previous AND b.job = a.job AND b.number = a.number - 1))",
    },
    Law {
        name: "attempts",
        over: ("job", "id"),
        broken: "SELECT 'delivery ' || id || ' counts ' || attempts || ' attempts, and its last is another'
                 FROM job WHERE id >= ?1 AND id < ?2 AND last IS NOT NULL
                   AND attempts IS NOT (
                     SELECT number FROM attempt WHERE attempt.id = last AND attempt.job = job.id)",
    },
];

/// Each target's counts against its rows and what was swept.
const COUNTS: &str = "
  SELECT 'target ' || name || ': counts ' || accepted || ' accepted, ' || pending || ' pending, '
    || delivered || ' delivered, ' || dead || ' dead, ' || cancelled || ' cancelled; there are '
    || coalesce(p, 0) || ' pending, ' || coalesce(d, 0) || ' delivered, ' || coalesce(x, 0)
    || ' dead, ' || coalesce(c, 0) || ' cancelled; swept were ' || swept_delivered
    || ' delivered, ' || swept_dead || ' dead, ' || swept_cancelled || ' cancelled'
  FROM target LEFT JOIN (
    SELECT target AS of, sum(state = 0) AS p, sum(state = 1) AS d, sum(state = 2) AS x,
      sum(state = 3) AS c FROM job GROUP BY target) ON of = id
  WHERE accepted <> pending + delivered + dead + cancelled
    OR pending <> coalesce(p, 0) OR delivered <> coalesce(d, 0) + swept_delivered
    OR dead <> coalesce(x, 0) + swept_dead OR cancelled <> coalesce(c, 0) + swept_cancelled";

/// All that is wrong, at one moment.
pub(crate) fn verify(
    connection: &Connection,
    progress: &mut dyn FnMut(f64),
) -> Result<Vec<Found>, Failed> {
    let mut found = Vec::new();
    let steps = (TABLES.len() + LAWS.len() + WALKS.len() + 1) as f64;
    let mut done = 0.0;
    progress(0.0);
    for table in TABLES {
        intact(connection, table, &mut found)?;
        done += 1.0;
        progress(done / steps);
    }
    // Queries over damaged tables would only fail, and say less.
    if !found.is_empty() {
        return Ok(found);
    }
    for law in &LAWS {
        law.hold(connection, &mut found, &mut |part| {
            progress((done + part) / steps);
        })?;
        done += 1.0;
    }
    for walk in &WALKS {
        walk.go(connection, &mut found, &mut |part| {
            progress((done + part) / steps);
        })?;
        done += 1.0;
    }
    let mut statement = connection.prepare(COUNTS)?;
    let told = statement.query_map([], text)?;
    told_of(&mut found, "conservation", told)?;
    progress(1.0);
    Ok(found)
}

fn text(row: &Row<'_>) -> rusqlite::Result<String> {
    row.get(0)
}

/// The pages of a table and its indexes, and that they agree.
fn intact(connection: &Connection, table: &str, found: &mut Vec<Found>) -> Result<(), Failed> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({table})"))?;
    let said = statement.query_map([], text)?;
    for line in said {
        let detail = line?;
        if detail != "ok" {
            found.push(Found {
                law: "integrity",
                detail: format!("{table}: {detail}"),
            });
        }
    }
    Ok(())
}

impl Law {
    fn hold(
        &self,
        connection: &Connection,
        found: &mut Vec<Found>,
        progress: &mut dyn FnMut(f64),
    ) -> Result<(), Failed> {
        let (table, key) = self.over;
        let last: Option<i64> =
            connection.query_row(&format!("SELECT max({key}) FROM {table}"), [], |row| {
                row.get(0)
            })?;
        let mut statement = connection.prepare(self.broken)?;
        let mut ends = connection.prepare(&format!(
            "SELECT {key} FROM {table} WHERE {key} >= ?1 ORDER BY {key} LIMIT 1 OFFSET ?2"
        ))?;
        let mut from = i64::MIN;
        while let Some(last) = last.filter(|last| from <= *last) {
            // The key that a step ends before; keys of deliveries have gaps.
            let mut end = ends.query(params![from, STEP])?;
            let until = match end.next()? {
                Some(row) => row.get(0)?,
                None => last.saturating_add(1),
            };
            let told = statement.query_map([from, until], text)?;
            told_of(found, self.name, told)?;
            progress(until.max(0) as f64 / (last.max(0) as f64 + 1.0));
            from = until;
        }
        Ok(())
    }
}

/// Adds findings, but not a million of one kind.
fn told_of(
    found: &mut Vec<Found>,
    law: &'static str,
    details: impl Iterator<Item = rusqlite::Result<String>>,
) -> Result<(), Failed> {
    for detail in details {
        tell(found, law, detail?);
    }
    Ok(())
}

/// Adds one, unless there are enough of its kind.
pub(crate) fn tell(found: &mut Vec<Found>, law: &'static str, detail: String) {
    if found.iter().filter(|one| one.law == law).count() < MOST {
        found.push(Found { law, detail });
    }
}

const _: () = assert!(WIDTH == 65_536, "the laws and the joins write it out");
