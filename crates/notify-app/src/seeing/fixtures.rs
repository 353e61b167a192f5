//! Records for tests: an event whose deliveries stand in every state.

use notify_core::{
    AttemptRecord, Content, EventId, EventRecord, EventSummary, FailureKind, JobRecord, JobState,
    Millis, Notification, Outcome, Refusal, Severity, Zone,
};
use serde_json::{Value, json};

use crate::args::Color;
use crate::console::Console;
use crate::seeing::args::Form;
use crate::seeing::view::View;

/// 2024-01-08 08:00:00 in Vienna.
pub(crate) const ACCEPTED: Millis = Millis(1_704_697_200_000);

/// A console without colour, and a moment ten minutes after the event.
#[derive(Debug)]
pub(crate) struct Fixed(Console);

impl Fixed {
    pub(crate) fn new() -> Self {
        Fixed(Console::new(Color::Never, false, false))
    }

    pub(crate) fn view(&self) -> View<'_> {
        View {
            console: &self.0,
            zone: vienna(),
            now: later(600),
        }
    }
}

pub(crate) fn vienna() -> Zone {
    "Europe/Vienna".parse().expect("a zone")
}

pub(crate) fn form() -> Form {
    Form {
        tz: Some(vienna()),
        json: false,
    }
}

/// So many seconds after the event.
pub(crate) fn later(seconds: i64) -> Millis {
    Millis(ACCEPTED.0 + seconds * 1000)
}

pub(crate) fn id() -> EventId {
    "018ce800-3680-7000-8000-000000000001"
        .parse()
        .expect("an id")
}

pub(crate) fn summary(jobs: &[(String, JobState)]) -> EventSummary {
    EventSummary {
        id: id(),
        accepted: ACCEPTED,
        timestamp: ACCEPTED.seconds(),
        severity: Severity::Error,
        kind: Some("vzdump".to_owned()),
        title: "Backup failed".to_owned(),
        jobs: jobs.to_vec(),
    }
}

/// One delivery in each state, and a decision with a target of every kind.
pub(crate) fn record() -> EventRecord {
    EventRecord {
        event: event(),
        accepted: ACCEPTED,
        trace: trace().to_string(),
        jobs: jobs(),
    }
}

/// An event for which no target was chosen, while a matcher could not be used.
pub(crate) fn undecided() -> EventRecord {
    let why = "matcher `night` cannot be used: no rule";
    let waits = JobRecord {
        due: Some(later(3600)),
        ..job(
            "@undecided",
            JobState::Pending,
            vec![attempt(1, 0, failed(FailureKind::Misconfigured, why))],
        )
    };
    let trace = json!({
        "targets": [], "matchers": [{"name": "night", "mode": "all", "error": "no rule"}],
        "undecided": why,
    });
    EventRecord {
        trace: trace.to_string(),
        jobs: vec![waits],
        ..record()
    }
}

fn event() -> Notification {
    let fields = [("hostname", "pve1"), ("type", "vzdump")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Notification {
        id: id(),
        severity: Severity::Error,
        timestamp: ACCEPTED.seconds() - 2,
        fields: fields.into(),
        content: Content::Template {
            name: "message".to_owned(),
            data: json!({"title": "Backup failed", "text": "disk full"}),
        },
    }
}

/// What was decided: seven targets by one matcher, none by the other.
fn trace() -> Value {
    let rule = |key: &str, rule: &str, saw: &str, verdict: bool| json!({"key": key, "rule": rule, "saw": saw, "verdict": verdict});
    let matcher = |name: &str, mode: &str, matched: bool, rules: &[Value]| {
        json!({
            "name": name, "matched": matched, "disabled": false, "mode": mode, "invert": false,
            "error": null, "rules": rules,
        })
    };
    let backups = [
        rule("match-field", "exact:type=vzdump", "vzdump", true),
        rule("match-severity", "error", "error", true),
    ];
    let fencing = [rule("match-field", "exact:type=fencing", "vzdump", false)];
    let chosen = ["broken", "gone", "mail", "nightly", "off", "push", "relay"];
    json!({
        "targets": chosen,
        "missing": ["gone"],
        "disabled": ["off"],
        "unusable": ["broken"],
        "matchers": [
            matcher("backups", "all", true, &backups),
            matcher("fencing", "any", false, &fencing),
        ],
        "leads": {"backups": chosen, "fencing": ["pager"]},
    })
}

fn jobs() -> Vec<JobRecord> {
    let gone = failed(FailureKind::Misconfigured, "there is no such target");
    let refused = Refusal {
        recipient: "b@example.com".to_owned(),
        kind: "rejected".to_owned(),
        message: "550 unknown".to_owned(),
    };
    let in_part = AttemptRecord {
        refused: vec![refused],
        ..attempt(2, 12, (Outcome::Partial, None, Some("queued as 7")))
    };
    let down = failed(FailureKind::Unavailable, "connection refused");
    let no = failed(FailureKind::Rejected, "401 no such token");
    vec![
        job("broken", JobState::Pending, vec![]),
        JobRecord {
            due: Some(later(3600)),
            ..job("gone", JobState::Pending, vec![attempt(1, 0, gone)])
        },
        JobRecord {
            changed: later(12),
            ..job(
                "mail",
                JobState::Delivered,
                vec![attempt(1, 0, down), in_part],
            )
        },
        JobRecord {
            changed: later(30),
            ..job("nightly", JobState::Cancelled, vec![])
        },
        JobRecord {
            reason: Some("rejected".to_owned()),
            changed: later(1),
            ..job("push", JobState::Dead, vec![attempt(1, 0, no)])
        },
        JobRecord {
            due: Some(later(660)),
            is_leased: true,
            recipients: Some(vec!["a@example.com".to_owned()]),
            ..job(
                "relay",
                JobState::Pending,
                vec![attempt(1, 0, (Outcome::CutOff, None, None))],
            )
        },
    ]
}

pub(crate) fn job(target: &str, state: JobState, attempts: Vec<AttemptRecord>) -> JobRecord {
    JobRecord {
        key: format!("{}.{target}", id()),
        event: id(),
        target: target.to_owned(),
        state,
        since: ACCEPTED,
        due: (state == JobState::Pending).then_some(ACCEPTED),
        is_leased: false,
        recipients: None,
        reason: None,
        changed: ACCEPTED,
        attempts,
    }
}

type Ending = (Outcome, Option<&'static str>, Option<&'static str>);

fn failed(kind: FailureKind, detail: &'static str) -> Ending {
    (Outcome::Failed(kind), Some(detail), None)
}

/// The attempt of this number that began so many seconds after the event and took 0.4 s.
pub(crate) fn attempt(
    number: u32,
    after: i64,
    (outcome, detail, reference): Ending,
) -> AttemptRecord {
    AttemptRecord {
        number,
        started: later(after),
        ended: Millis(later(after).0 + 400),
        outcome,
        detail: detail.map(str::to_owned),
        reference: reference.map(str::to_owned),
        refused: Vec::new(),
    }
}
