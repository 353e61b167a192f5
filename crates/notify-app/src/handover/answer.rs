//! What is told of an event that was handed over.

use notify_api::protocol::{Accepted, AcceptedTarget, EventState, TargetState};
use notify_bus::{
    Engine, ErrorReport, OwnLane, RefusedRecipient, Report, Skipped, Standing, State, TargetReport,
    UNDECIDED,
};
use notify_core::{FailureKind, JobState, Notification, Outcome, Refusal, Registry};
use serde_json::{Value, json};

/// What is answered to an event that is durable, with the types of its targets.
pub(crate) fn accepted(
    engine: &Engine,
    registry: &Registry,
    accepted: notify_bus::Accepted,
) -> Accepted {
    let own = |name: &str| OwnLane::of(name).map(|own| own.kind(registry));
    let target = |(name, standing): (String, Standing)| AcceptedTarget {
        kind: engine.kind(&name).or(own(&name)).map(str::to_owned),
        state: match standing {
            Standing::Pending => "pending",
            Standing::Disabled => "skipped",
        }
        .to_owned(),
        reason: match standing {
            Standing::Disabled => Some("disabled".to_owned()),
            Standing::Pending if name == UNDECIDED => accepted.undecided.clone(),
            Standing::Pending => None,
        },
        name,
    };
    Accepted {
        id: accepted.id.to_string(),
        known: accepted.known,
        matchers: accepted.matchers,
        targets: accepted.targets.into_iter().map(target).collect(),
        ..Accepted::default()
    }
}

/// The report of an event that is durable and on its way.
pub(super) fn pending(event: &Notification, accepted: &Accepted) -> Report {
    let target = |target: &AcceptedTarget| TargetReport {
        state: if target.state == "skipped" {
            State::Skipped
        } else {
            State::Pending
        },
        reason: (target.state == "skipped").then_some(Skipped::Disabled),
        error: match &target.reason {
            Some(reason) if target.state != "skipped" => Some(ErrorReport {
                kind: FailureKind::Misconfigured,
                message: reason.clone(),
                retry_after_s: None,
            }),
            _ => None,
        },
        ..blank(&target.name, target.kind.as_deref())
    };
    Report {
        id: accepted.id.clone(),
        severity: event.severity,
        timestamp: event.timestamp,
        fields: event.fields.clone(),
        matchers: accepted.matchers.clone(),
        targets: accepted.targets.iter().map(target).collect(),
    }
}

/// The same with what became of its deliveries since.
pub(super) fn followed(mut report: Report, state: &EventState) -> Report {
    for target in &state.targets {
        let found = report
            .targets
            .iter_mut()
            .find(|known| known.name == target.name);
        match found {
            Some(known) => settle(known, target),
            None => {
                let mut new = blank(&target.name, None);
                settle(&mut new, target);
                report.targets.push(new);
            }
        }
    }
    report.targets.sort_by(|a, b| a.name.cmp(&b.name));
    report
}

fn settle(report: &mut TargetReport, now: &TargetState) {
    let last = now.last.as_ref();
    let refused = last.map_or(&[][..], |last| &last.refused[..]);
    report.refused = refused.iter().map(refusal).collect();
    report.reference = last.and_then(|last| last.reference.clone());
    report.state = match now.state {
        JobState::Pending => State::Pending,
        JobState::Delivered if refused.is_empty() => State::Delivered,
        JobState::Delivered => State::Partial,
        JobState::Dead | JobState::Cancelled => State::Failed,
    };
    let kind = last.map_or(FailureKind::Rejected, |last| kind(&last.outcome));
    let detail = last.and_then(|last| last.detail.clone());
    let error = |kind, message: Option<String>| ErrorReport {
        kind,
        message: message.unwrap_or_default(),
        retry_after_s: None,
    };
    report.error = match now.state {
        JobState::Delivered => None,
        JobState::Pending => detail.map(|detail| error(kind, Some(detail))),
        JobState::Dead => {
            let both = now.reason.iter().cloned().chain(detail);
            Some(error(kind, Some(both.collect::<Vec<_>>().join(": "))))
        }
        JobState::Cancelled => {
            let message = "it was cancelled by a person".to_owned();
            Some(error(FailureKind::Rejected, Some(message)))
        }
    };
}

/// What may have arrived is uncertain, however it ended.
fn kind(outcome: &str) -> FailureKind {
    match Outcome::named(outcome) {
        Some(Outcome::Failed(kind)) => kind,
        Some(Outcome::CutOff) => FailureKind::Uncertain,
        _ => FailureKind::Rejected,
    }
}

fn refusal(refusal: &Refusal) -> RefusedRecipient {
    RefusedRecipient {
        recipient: refusal.recipient.clone(),
        kind: kind(&refusal.kind),
        message: refusal.message.clone(),
    }
}

fn blank(name: &str, kind: Option<&str>) -> TargetReport {
    TargetReport {
        name: name.to_owned(),
        kind: kind.map(str::to_owned),
        state: State::Pending,
        reference: None,
        refused: Vec::new(),
        error: None,
        reason: None,
        warnings: Vec::new(),
    }
}

/// The shape of a report, that the event is durable, and whether what was waited for is settled.
pub(super) fn durable(report: &Report, settled: Option<bool>) -> Value {
    let mut value = json!(report);
    value["durable"] = json!(true);
    if let Some(settled) = settled {
        value["settled"] = json!(settled);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::{durable, followed, pending};
    use notify_api::protocol::{Accepted, AcceptedTarget, EventState, LastAttempt, TargetState};
    use notify_bus::Verdict;
    use notify_core::{Content, EventId, JobState, Notification, Refusal, Severity};
    use serde_json::{Value, json};

    fn event() -> Notification {
        Notification {
            id: EventId::from_bytes([7; 16]),
            severity: Severity::Error,
            timestamp: 5,
            fields: [("type".to_owned(), "vzdump".to_owned())].into(),
            content: Content::Template {
                name: "message".to_owned(),
                data: json!({}),
            },
        }
    }

    fn accepted(names: &[(&str, &str)]) -> Accepted {
        let target = |(name, state): &(&str, &str)| AcceptedTarget {
            name: (*name).to_owned(),
            kind: Some("smtp".to_owned()),
            state: (*state).to_owned(),
            reason: (*state == "skipped").then(|| "disabled".to_owned()),
        };
        Accepted {
            id: event().id.to_string(),
            matchers: vec!["all".to_owned()],
            targets: names.iter().map(target).collect(),
            ..Accepted::default()
        }
    }

    fn job(state: JobState, outcome: Option<&str>, refused: &[&str]) -> TargetState {
        let refused = refused.iter().map(|recipient| Refusal {
            recipient: (*recipient).to_owned(),
            kind: "rejected".to_owned(),
            message: "unknown".to_owned(),
        });
        TargetState {
            name: "a".to_owned(),
            state,
            attempts: 1,
            due_ms: None,
            reason: (state == JobState::Dead).then(|| "too old".to_owned()),
            last: outcome.map(|outcome| LastAttempt {
                started_ms: 0,
                ended_ms: 1,
                outcome: outcome.to_owned(),
                detail: (outcome != "delivered").then(|| "no route".to_owned()),
                reference: None,
                refused: refused.collect(),
            }),
        }
    }

    #[test]
    fn the_shape_is_that_of_a_report_and_says_durable() {
        let report = pending(&event(), &accepted(&[("a", "pending"), ("b", "skipped")]));
        let answer = durable(&report, None);
        assert_eq!(answer.get("settled"), None);
        assert_eq!(durable(&report, Some(false))["settled"], false);
        assert_eq!(answer["durable"], true);
        assert_eq!(answer["targets"][0]["state"], "pending");
        assert_eq!(answer["targets"][0]["reason"], Value::Null);
        assert_eq!(answer["targets"][1]["state"], "skipped");
        assert_eq!(answer["targets"][1]["reason"], "disabled");
        assert_eq!(answer["matchers"], json!(["all"]));
    }

    #[track_caller]
    fn check(job: TargetState, state: &str, verdict: Verdict, message: Option<&str>) {
        let now = EventState {
            id: event().id.to_string(),
            settled: true,
            targets: vec![job],
        };
        let report = followed(pending(&event(), &accepted(&[("a", "pending")])), &now);
        let said = report.targets[0].error.as_ref();
        assert_eq!(said.map(|error| error.message.as_str()), message);
        assert_eq!(json!(report.targets[0].state), json!(state));
        assert_eq!(report.verdict(), verdict);
    }

    #[test]
    fn the_end_of_a_delivery_means_what_a_direct_one_means() {
        use JobState::{Cancelled, Dead, Delivered};
        check(
            job(Delivered, Some("delivered"), &[]),
            "delivered",
            Verdict::Done,
            None,
        );
        check(
            job(Delivered, Some("partial"), &["x@y"]),
            "partial",
            Verdict::Failed,
            None,
        );
        let dead = Some("too old: no route");
        check(
            job(Dead, Some("unavailable"), &[]),
            "failed",
            Verdict::TryAgain,
            dead,
        );
        check(
            job(Dead, Some("rejected"), &[]),
            "failed",
            Verdict::Failed,
            dead,
        );
        check(
            job(Dead, Some("cut-off"), &[]),
            "failed",
            Verdict::Failed,
            dead,
        );
        let cancelled = Some("it was cancelled by a person");
        check(
            job(Cancelled, Some("unavailable"), &[]),
            "failed",
            Verdict::Failed,
            cancelled,
        );
    }
}
