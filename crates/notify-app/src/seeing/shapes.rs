//! What the spool holds, as answers in JSON show it. Times are milliseconds since 1970-01-01 UTC.

use notify_core::{AttemptRecord, Content, EventRecord, EventSummary, JobRecord, Notification};
use serde_json::{Value, json};

/// An event in a list.
pub(crate) fn summary(event: &EventSummary) -> Value {
    let target = |(name, state): &(String, notify_core::JobState)| json!({"name": name, "state": state.name()});
    json!({
        "id": event.id.to_string(),
        "accepted-ms": event.accepted.0,
        "timestamp": event.timestamp,
        "severity": event.severity,
        "type": event.kind,
        "title": event.title,
        "targets": event.jobs.iter().map(target).collect::<Vec<_>>(),
    })
}

/// An event with all that is known of it.
pub(crate) fn event(record: &EventRecord) -> Value {
    let mut object = head(record);
    object["content"] = content(&record.event);
    object["decision"] = decision(&record.trace);
    object["deliveries"] = record.jobs.iter().map(job).collect();
    object
}

/// What happened, without its content.
pub(crate) fn head(record: &EventRecord) -> Value {
    let event = &record.event;
    json!({
        "id": event.id.to_string(),
        "accepted-ms": record.accepted.0,
        "timestamp": event.timestamp,
        "severity": event.severity,
        "fields": event.fields,
        "title": event.content.title(),
    })
}

fn content(event: &Notification) -> Value {
    match &event.content {
        Content::Template { name, data } => json!({"template": name, "data": data}),
        Content::Mail(mail) => json!({"mail": {"text": mail.text, "bytes": mail.raw.len()}}),
        // A kind of content that this version does not know.
        _ => Value::Null,
    }
}

/// The decision as it was stored; text when it is no JSON.
fn decision(trace: &str) -> Value {
    serde_json::from_str(trace).unwrap_or_else(|_| json!(trace))
}

/// A delivery with all its attempts.
pub(crate) fn job(job: &JobRecord) -> Value {
    json!({
        "key": job.key,
        "target": job.target,
        "state": job.state.name(),
        "since-ms": job.since.0,
        "due-ms": job.due.map(|due| due.0),
        "under-way": job.is_leased,
        "recipients": job.recipients,
        "reason": job.reason,
        "changed-ms": job.changed.0,
        "attempts": job.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}

/// An attempt that ended.
pub(crate) fn attempt(attempt: &AttemptRecord) -> Value {
    json!({
        "number": attempt.number,
        "started-ms": attempt.started.0,
        "ended-ms": attempt.ended.0,
        "outcome": attempt.outcome.name(),
        "detail": attempt.detail,
        "reference": attempt.reference,
        "refused": attempt.refused,
    })
}
