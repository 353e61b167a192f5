//! What became of events.

use notify_core::{
    EventId, EventRecord, EventSummary, HistoryQuery, JobRecord, JobState, Millis, Severity,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::attempts::chain;
use crate::claim::{STORED, read_stored};
use crate::codec::{self, any_severity, bytes, limit, read_list, shown, state_number};
use crate::fault::{Failed, is_of_value, unreadable};
use crate::schema::WIDTH;

/// Deliveries up to which an index of them is cheaper than a walk over the events.
const FEW: i64 = 100_000;

/// Events, the newest first.
pub(crate) fn events(
    connection: &Connection,
    query: &HistoryQuery,
) -> Result<Vec<EventSummary>, Failed> {
    let (conditions, values) = conditions(connection, query)?;
    let most = match query.most {
        0 => -1,
        most => limit(most),
    };
    let sql = format!(
        "SELECT {SUMMARY} FROM event AS e WHERE {} ORDER BY seq DESC LIMIT {most}",
        conditions.join(" AND ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), summary_row)?;
    rows.map(|row| row?.summary(connection)).collect()
}

/// What a query restricts, in SQL and as values. `1` restricts nothing.
fn conditions(
    connection: &Connection,
    query: &HistoryQuery,
) -> Result<(Vec<String>, Vec<Value>), Failed> {
    let mut conditions = vec!["1".to_owned()];
    let mut values = Vec::new();
    let mut with = |condition: &str, value: Value| {
        values.push(value);
        conditions.push(condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(since) = query.since {
        with("accepted >= ?", since.0.into());
    }
    if let Some(until) = query.until {
        with("accepted < ?", until.0.into());
    }
    if let Some(kind) = &query.kind {
        with("kind = ?", kind.clone().into());
    }
    if let Some(severity) = query.severity {
        with("severity = ?", severity.name().to_owned().into());
    }
    if let Some(before) = query.before {
        let id = before.to_bytes().to_vec();
        with("seq < (SELECT seq FROM event WHERE id = ?)", id.into());
    }
    conditions.extend(job_condition(connection, query)?);
    Ok((conditions, values))
}

/// What a query asks of the deliveries. Only numbers stand in it.
fn job_condition(connection: &Connection, query: &HistoryQuery) -> Result<Option<String>, Failed> {
    let target = match &query.target {
        Some(name) => match target_named(connection, name)? {
            Some(id) => Some(id),
            None => return Ok(Some("0".to_owned())),
        },
        None => None,
    };
    let of_target = target.map(|id| format!(" AND target = {id}"));
    let of_target = of_target.unwrap_or_default();
    let of_state = query
        .state
        .map(|state| format!("state = {}", state_number(state)));
    if let Some(state) = query.state
        && let Some(index) = index_of(state)
        && how_many(connection, state, target)? < FEW
    {
        let of_state = of_state.unwrap_or_default();
        return Ok(Some(format!(
            "seq IN (SELECT id / {WIDTH} FROM job INDEXED BY {index} WHERE {of_state}{of_target})"
        )));
    }
    if target.is_none() && of_state.is_none() {
        return Ok(None);
    }
    let of_state = of_state.map(|condition| format!(" AND {condition}"));
    Ok(Some(format!(
        "EXISTS (SELECT 1 FROM job WHERE id >= e.seq * {WIDTH} AND id < (e.seq + 1) * {WIDTH}\
         {of_target}{})",
        of_state.unwrap_or_default()
    )))
}

/// The index of the deliveries in a state, when there is one.
fn index_of(state: JobState) -> Option<&'static str> {
    match state {
        JobState::Pending => Some("job_pending"),
        JobState::Dead => Some("job_dead"),
        JobState::Delivered | JobState::Cancelled => None,
    }
}

/// At most how many deliveries are pending, or dead; of a target, when it is named.
fn how_many(
    connection: &Connection,
    state: JobState,
    target: Option<i64>,
) -> rusqlite::Result<i64> {
    let column = match state {
        JobState::Pending => "pending",
        _ => "dead - swept_dead",
    };
    connection
        .prepare_cached(&format!(
            "SELECT coalesce(sum({column}), 0) FROM target WHERE ?1 IS NULL OR id = ?1"
        ))?
        .query_row([target], |row| row.get(0))
}

fn target_named(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM target WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// The columns of a summary, for [`summary_row`].
pub(crate) const SUMMARY: &str = "seq, id, accepted, timestamp, severity, kind, title";

/// A summary that lacks its deliveries.
#[derive(Debug)]
pub(crate) struct SummaryRow {
    pub(crate) seq: i64,
    id: [u8; 16],
    accepted: i64,
    timestamp: i64,
    severity: Severity,
    kind: Option<String>,
    title: String,
}

pub(crate) fn summary_row(row: &Row<'_>) -> rusqlite::Result<SummaryRow> {
    Ok(SummaryRow {
        seq: row.get(0)?,
        id: row.get(1)?,
        accepted: row.get(2)?,
        timestamp: row.get(3)?,
        severity: any_severity(&shown(row, 4)?.unwrap_or_default()),
        kind: shown(row, 5)?,
        title: shown(row, 6)?.unwrap_or_default(),
    })
}

impl SummaryRow {
    pub(crate) fn summary(self, connection: &Connection) -> Result<EventSummary, Failed> {
        let mut statement = connection.prepare_cached(
            "SELECT name, state FROM job JOIN target ON target.id = job.target
             WHERE job.id >= ?1 AND job.id < ?2 ORDER BY name",
        )?;
        let jobs = statement
            .query_map(range(self.seq), |row| Ok((row.get(0)?, row.get(1)?)))?
            .map(|row| {
                let (name, state) = row?;
                Ok((name, codec::state(state)?))
            })
            .collect::<Result<_, Failed>>()?;
        Ok(EventSummary {
            id: EventId::from_bytes(self.id),
            accepted: Millis(self.accepted),
            timestamp: self.timestamp,
            severity: self.severity,
            kind: self.kind,
            title: self.title,
            jobs,
        })
    }
}

/// The numbers of the deliveries of an event: from, and before.
fn range(seq: i64) -> [i64; 2] {
    [seq * WIDTH, (seq + 1) * WIDTH]
}

/// All that is known of one event.
pub(crate) fn event(connection: &Connection, id: EventId) -> Result<Option<EventRecord>, Failed> {
    let found = connection
        .prepare_cached(
            "SELECT seq, accepted, trace FROM event JOIN body USING (seq) WHERE id = ?1",
        )?
        .query_row([id.to_bytes()], |row| {
            let trace = shown(row, 2)?.unwrap_or_default();
            Ok((row.get::<_, i64>(0)?, row.get(1)?, trace))
        })
        .optional()?;
    let Some((seq, accepted, trace)) = found else {
        return Ok(None);
    };
    let stored = connection
        .prepare_cached(STORED)?
        .query_row([seq], |row| read_stored(row, 0));
    let damaged = |why| unreadable(format!("event {id}, body {seq}: {why}"));
    let stored = match stored {
        Err(error) if is_of_value(&error) => return Err(damaged(error.to_string()).into()),
        stored => stored?,
    };
    let (event, _) = stored.unpacked().map_err(damaged)?;
    let sql = format!("{JOB} WHERE job.id >= ?1 AND job.id < ?2 ORDER BY name");
    let rows: Vec<JobRow> = connection
        .prepare_cached(&sql)?
        .query_map(range(seq), job_row)?
        .collect::<Result<_, _>>()?;
    let jobs = rows.into_iter().map(|row| row.record(connection));
    Ok(Some(EventRecord {
        event,
        accepted: Millis(accepted),
        trace,
        jobs: jobs.collect::<Result<_, _>>()?,
    }))
}

/// The ids of events in a range, both ends included.
pub(crate) fn ids(
    connection: &Connection,
    first: EventId,
    last: EventId,
    most: usize,
) -> Result<Vec<EventId>, Failed> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM event WHERE id BETWEEN ?1 AND ?2 LIMIT ?3")?;
    let range = params![first.to_bytes(), last.to_bytes(), limit(most)];
    let ids = statement.query_map(range, |row| row.get(0).map(EventId::from_bytes))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Deliveries in these states, the oldest first.
pub(crate) fn jobs(
    connection: &Connection,
    states: &[JobState],
    target: Option<&str>,
    most: usize,
) -> Result<Vec<JobRecord>, Failed> {
    let targets = match target {
        Some(name) => target_named(connection, name)?.into_iter().collect(),
        None => all_targets(connection)?,
    };
    let mut rows = Vec::new();
    for state in JobState::ALL
        .into_iter()
        .filter(|state| states.contains(state))
    {
        match index_of(state) {
            Some(index) => {
                for target in &targets {
                    rows.extend(indexed(connection, state, index, *target, most)?);
                }
            }
            None if target.is_some() && targets.is_empty() => {}
            None => rows.extend(walked(
                connection,
                state,
                target.and(targets.first()),
                most,
            )?),
        }
    }
    rows.sort_by_key(|row| row.id);
    rows.truncate(most);
    rows.into_iter().map(|row| row.record(connection)).collect()
}

fn all_targets(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached("SELECT id FROM target WHERE pending > 0 OR dead > swept_dead")?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn indexed(
    connection: &Connection,
    state: JobState,
    index: &str,
    target: i64,
    most: usize,
) -> rusqlite::Result<Vec<JobRow>> {
    let state = state_number(state);
    let numbers = format!(
        "SELECT id FROM job INDEXED BY {index} WHERE state = {state} AND target = ?1
         ORDER BY id LIMIT ?2"
    );
    connection
        .prepare_cached(&format!("{JOB} WHERE job.id IN ({numbers})"))?
        .query_map(params![target, limit(most)], job_row)?
        .collect()
}

/// Nothing leads to what arrived or was cancelled but the table itself.
fn walked(
    connection: &Connection,
    state: JobState,
    target: Option<&i64>,
    most: usize,
) -> rusqlite::Result<Vec<JobRow>> {
    let sql = format!(
        "{JOB} WHERE job.state = ?1 AND (?2 IS NULL OR job.target = ?2) ORDER BY job.id LIMIT ?3"
    );
    connection
        .prepare_cached(&sql)?
        .query_map(params![state_number(state), target, limit(most)], job_row)?
        .collect()
}

/// A delivery with the names it refers to, for [`job_row`]. The order of the tables is kept: the
/// delivery leads to its event and its target.
const JOB: &str = "SELECT job.id, event.id, name, state, since, due, leased, recipients, reason,
     changed, last
   FROM job CROSS JOIN target ON target.id = job.target
     CROSS JOIN event ON event.seq = job.id / 65536";

#[derive(Debug)]
struct JobRow {
    id: i64,
    event: [u8; 16],
    target: String,
    state: i64,
    since: i64,
    due: i64,
    leased: bool,
    recipients: Option<Vec<u8>>,
    reason: Option<String>,
    changed: i64,
    last: Option<i64>,
}

fn job_row(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    Ok(JobRow {
        id: row.get(0)?,
        event: row.get(1)?,
        target: row.get(2)?,
        state: row.get(3)?,
        since: row.get(4)?,
        due: row.get(5)?,
        leased: row.get(6)?,
        recipients: bytes(row, 7)?,
        reason: shown(row, 8)?,
        changed: row.get(9)?,
        last: row.get(10)?,
    })
}

impl JobRow {
    fn record(self, connection: &Connection) -> Result<JobRecord, Failed> {
        let event = EventId::from_bytes(self.event);
        let state = codec::state(self.state)?;
        Ok(JobRecord {
            key: format!("{event}.{}", self.target),
            event,
            target: self.target,
            state,
            since: Millis(self.since),
            due: (state == JobState::Pending).then_some(Millis(self.due)),
            is_leased: self.leased,
            // Of a list that cannot be read a check says so; it must not hide all the others.
            recipients: read_list(self.recipients.as_deref()).unwrap_or_default(),
            reason: self.reason,
            changed: Millis(self.changed),
            attempts: chain(connection, self.last)?,
        })
    }
}
