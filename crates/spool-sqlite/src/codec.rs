//! How an event is written in columns and read back.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use notify_core::{
    Content, Entry, EventId, ForwardedMail, JobState, LegacyMail, Millis, NewJob, Notification,
    Severity, SpoolError, SpoolErrorKind,
};
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::{Deserialize, Serialize};

use crate::fault::unreadable;
use crate::schema::WIDTH;

/// An entry in the form of the columns. Made by the caller, so that the writer has less to do.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) id: EventId,
    pub(crate) accepted: Millis,
    pub(crate) timestamp: i64,
    pub(crate) severity: &'static str,
    pub(crate) kind: Option<String>,
    pub(crate) title: String,
    pub(crate) content: String,
    pub(crate) trace: String,
    pub(crate) raw: Option<Arc<[u8]>>,
    pub(crate) jobs: Vec<NewJob>,
}

/// The part of an event that is JSON. Names are those of the command line's answers.
#[derive(Serialize, Deserialize)]
struct Written {
    fields: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<Template>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail: Option<Mail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    legacy: Option<LegacyMail>,
}

#[derive(Serialize, Deserialize)]
struct Template {
    name: String,
    data: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
struct Mail {
    title: String,
    text: String,
}

/// An entry as it is written.
///
/// # Errors
/// `Unfit` when two jobs have one target, or there are too many, or the content is of a kind that
/// this crate does not know.
pub(crate) fn packed(entry: Entry) -> Result<Packed, SpoolError> {
    fit(&entry)?;
    let event = entry.event;
    let title = event.content.title().to_owned();
    let (template, mail, raw) = match event.content {
        Content::Template { name, data } => (Some(Template { name, data }), None, None),
        Content::Mail(ForwardedMail { raw, title, text }) => {
            (None, Some(Mail { title, text }), Some(raw))
        }
        _ => return Err(unfit(event.id, "the kind of its content is not known")),
    };
    let kind = event.fields.get("type").cloned();
    let written = Written {
        fields: event.fields,
        template,
        mail,
        legacy: entry.legacy,
    };
    let content =
        serde_json::to_string(&written).map_err(|error| unfit(event.id, &error.to_string()))?;
    Ok(Packed {
        id: event.id,
        accepted: entry.accepted,
        timestamp: event.timestamp,
        severity: event.severity.name(),
        kind,
        title,
        content,
        trace: entry.trace,
        raw,
        jobs: entry.jobs,
    })
}

impl Packed {
    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        let raw = self.raw.as_ref().map_or(0, |raw| raw.len());
        self.content.len() + self.trace.len() + raw
    }
}

fn fit(entry: &Entry) -> Result<(), SpoolError> {
    let mut targets = HashSet::new();
    if let Some(twice) = entry.jobs.iter().find(|job| !targets.insert(&job.target)) {
        let what = format!("two deliveries to `{}`", twice.target);
        return Err(unfit(entry.event.id, &what));
    }
    if i64::try_from(entry.jobs.len()).is_ok_and(|jobs| jobs <= WIDTH) {
        return Ok(());
    }
    let what = format!("{} deliveries are above {WIDTH}", entry.jobs.len());
    Err(unfit(entry.event.id, &what))
}

fn unfit(id: EventId, what: &str) -> SpoolError {
    SpoolError::new(SpoolErrorKind::Unfit, format!("event {id}: {what}"))
}

/// An event as its columns hold it.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) id: [u8; 16],
    pub(crate) timestamp: i64,
    pub(crate) severity: String,
    pub(crate) content: String,
    pub(crate) raw: Option<Vec<u8>>,
}

impl Stored {
    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        self.content.len() + self.raw.as_ref().map_or(0, Vec::len)
    }

    /// The event, and the recipients of a mail of the old way.
    ///
    /// # Errors
    /// Why not, when it is not what [`packed`] writes.
    pub(crate) fn unpacked(self) -> Result<(Notification, Option<LegacyMail>), String> {
        let written: Written =
            serde_json::from_str(&self.content).map_err(|error| error.to_string())?;
        let content = match (written.template, written.mail, self.raw) {
            (Some(Template { name, data }), None, None) => Content::Template { name, data },
            (None, Some(Mail { title, text }), Some(raw)) => Content::Mail(ForwardedMail {
                raw: raw.into(),
                title,
                text,
            }),
            _ => return Err("it has no content, or two".to_owned()),
        };
        let event = Notification {
            id: EventId::from_bytes(self.id),
            severity: severity(&self.severity)?,
            timestamp: self.timestamp,
            fields: written.fields,
            content,
        };
        Ok((event, written.legacy))
    }
}

fn severity(name: &str) -> Result<Severity, String> {
    name.parse().map_err(|_| format!("`{name}` is no severity"))
}

/// The severity of this name for a list, which must not end at one bad row.
pub(crate) fn any_severity(name: &str) -> Severity {
    name.parse().unwrap_or(Severity::Unknown)
}

/// The bytes of a text or a blob. Whether they are what they should be is for a decoder to say.
pub(crate) fn bytes(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Vec<u8>>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
        _ => None,
    })
}

/// A text for people, who can read past what is no UTF-8 in it.
pub(crate) fn shown(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    let bytes = bytes(row, at)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// How many attempts were made. A number that cannot be is the nearest that can.
pub(crate) fn times(row: &Row<'_>, at: usize) -> rusqlite::Result<u32> {
    let number: i64 = row.get(at)?;
    Ok(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}

/// A state's number in the file. The partial indexes name 0, 2 and 1.
pub(crate) const fn state_number(state: JobState) -> i64 {
    match state {
        JobState::Pending => 0,
        JobState::Delivered => 1,
        JobState::Dead => 2,
        JobState::Cancelled => 3,
    }
}

/// The state of this number.
pub(crate) fn state(number: i64) -> Result<JobState, SpoolError> {
    JobState::ALL
        .into_iter()
        .find(|state| state_number(*state) == number)
        .ok_or_else(|| unreadable(format!("{number} is no state of a delivery")))
}

/// A list as it is written in a column; nothing for an empty one.
pub(crate) fn listed<T: Serialize>(list: &[T]) -> Result<Option<String>, SpoolError> {
    if list.is_empty() {
        return Ok(None);
    }
    list_of_all(list).map(Some)
}

/// Recipients as they are written: an empty list is one, and none is none.
pub(crate) fn recipients(only: Option<&[String]>) -> Result<Option<String>, SpoolError> {
    only.map(list_of_all).transpose()
}

fn list_of_all<T: Serialize>(list: &[T]) -> Result<String, SpoolError> {
    serde_json::to_string(list)
        .map_err(|error| SpoolError::new(SpoolErrorKind::Unfit, error.to_string()))
}

/// A list that was written in a column, or why it cannot be read.
pub(crate) fn read_list<T: for<'de> Deserialize<'de>>(
    text: Option<&[u8]>,
) -> Result<Option<Vec<T>>, String> {
    let read = |text| serde_json::from_slice(text);
    text.map(read)
        .transpose()
        .map_err(|error| error.to_string())
}

/// A count that is never negative in a sound file.
pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A length as SQLite counts.
pub(crate) fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
