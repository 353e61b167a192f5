//! What the daemon knows and the spool does not: whether it runs, and its breakers.

use std::time::Duration;

use notify_api::client::Client;
use notify_api::{ApiError, ApiErrorKind};
use notify_core::{Millis, report};
use serde_json::{Value, json};

use crate::console::Console;
use crate::folders::Meeting;
use crate::seeing::view::View;
use crate::shapes::printable;

/// The daemon, as its socket answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Daemon {
    /// It runs, and says this.
    Running(Value),
    /// Nobody listens.
    Absent,
    /// It cannot be asked, for this reason.
    Unknown(String),
}

/// The breaker of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaker {
    /// Everything goes out.
    Closed,
    /// Nothing goes out until then.
    Open(Millis),
    /// The same, because the target asked for it.
    Resting(Millis),
    /// One delivery goes out as a probe.
    HalfOpen,
}

/// How long it may take for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks the daemon of this place.
pub(crate) fn ask(place: &Meeting) -> Daemon {
    let asked = Client::connect(&place.socket, PATIENCE).and_then(|mut client| client.status());
    match asked {
        Ok(status) => Daemon::Running(status),
        Err(error) if is_absent(&error) => Daemon::Absent,
        Err(error) => Daemon::Unknown(report(&error)),
    }
}

/// Has the daemon look at the spool, which was changed. One that does not run looks when it starts.
pub(crate) fn wake(place: &Meeting, console: &Console) {
    let woken = Client::connect(&place.socket, PATIENCE).and_then(|mut client| client.wake());
    match woken {
        Err(error) if !is_absent(&error) => console.remark(format!(
            "the daemon was not told, and sees it when its next delivery is due: {}",
            report(&error)
        )),
        _ => {}
    }
}

fn is_absent(error: &ApiError) -> bool {
    matches!(error.kind(), ApiErrorKind::Missing | ApiErrorKind::Dead)
}

impl Daemon {
    /// The breaker of each target that the daemon tells.
    pub(crate) fn breakers(&self) -> Vec<(String, Breaker)> {
        let Daemon::Running(status) = self else {
            return Vec::new();
        };
        let lists = [&status["targets"], &status["lanes"]];
        let targets = lists.into_iter().filter_map(Value::as_array).flatten();
        let breaker = |target: &Value| {
            let name = target["name"].as_str()?;
            Some((name.to_owned(), Breaker::read(target)?))
        };
        targets.filter_map(breaker).collect()
    }

    /// Whether it runs; none when it cannot be asked.
    pub(crate) fn is_running(&self) -> Option<bool> {
        match self {
            Daemon::Running(_) => Some(true),
            Daemon::Absent => Some(false),
            Daemon::Unknown(_) => None,
        }
    }

    /// What keeps it from taking and delivering events.
    pub(crate) fn problems(&self) -> Vec<String> {
        let Daemon::Running(status) = self else {
            return Vec::new();
        };
        let problems = status["problems"].as_array().into_iter().flatten();
        problems.filter_map(Value::as_str).map(printable).collect()
    }

    /// That the spool fails for it, and since when; null when it does not, or nobody knows.
    pub(crate) fn spool_trouble(&self) -> Value {
        match self {
            Daemon::Running(status) => status["spool-trouble"].clone(),
            Daemon::Absent | Daemon::Unknown(_) => Value::Null,
        }
    }

    pub(crate) fn json(&self) -> Value {
        match self {
            Daemon::Running(status) => json!({
                "running": true,
                "version": status["version"],
                "pid": status["pid"],
                "problems": status["problems"],
                "reason": null,
            }),
            Daemon::Absent => json!({"running": false, "reason": null}),
            Daemon::Unknown(reason) => json!({"running": null, "reason": reason}),
        }
    }

    pub(crate) fn text(&self, view: &View<'_>) -> String {
        match self {
            Daemon::Running(status) => {
                let version = status["version"].as_str().unwrap_or("?");
                let pid = status["pid"].as_u64();
                let pid = pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
                format!(
                    "{}, version {}, process {pid}",
                    view.console.good("runs"),
                    printable(version)
                )
            }
            Daemon::Absent => format!(
                "{}: what waits goes out when `notify daemon` runs",
                view.console.bad("does not run")
            ),
            Daemon::Unknown(reason) => format!(
                "{}: {}",
                view.console.doubtful("cannot be asked"),
                printable(reason)
            ),
        }
    }
}

impl Breaker {
    /// That of a target, in the daemon's form.
    fn read(target: &Value) -> Option<Self> {
        let until = || target["breaker-until-ms"].as_i64().map(Millis);
        match target["breaker"].as_str()? {
            "closed" => Some(Breaker::Closed),
            "half-open" => Some(Breaker::HalfOpen),
            "open" => Some(Breaker::Open(until()?)),
            "resting" => Some(Breaker::Resting(until()?)),
            _ => None,
        }
    }

    pub(crate) fn json(self) -> Value {
        let (state, until) = match self {
            Breaker::Closed => ("closed", None),
            Breaker::HalfOpen => ("half-open", None),
            Breaker::Open(until) => ("open", Some(until.0)),
            Breaker::Resting(until) => ("resting", Some(until.0)),
        };
        json!({"state": state, "until-ms": until})
    }

    /// What it means for what waits.
    pub(crate) fn text(self, view: &View<'_>) -> String {
        match self {
            Breaker::Closed => "ready".to_owned(),
            Breaker::HalfOpen => "probing".to_owned(),
            Breaker::Open(until) => format!("breaker open until {}", view.moment(until)),
            Breaker::Resting(until) => format!("rests until {}", view.moment(until)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Breaker, Daemon};
    use crate::seeing::fixtures::{Fixed, later};
    use notify_api::Status;
    use notify_api::status::{Breaker as Told, Queue, TargetStatus};
    use serde_json::json;

    fn target(name: &str, breaker: Told, until: Option<i64>) -> TargetStatus {
        TargetStatus {
            breaker,
            breaker_until_ms: until,
            queue: Queue {
                name: name.to_owned(),
                ..Queue::default()
            },
            ..TargetStatus::default()
        }
    }

    /// The answer of a daemon, as one writes it.
    fn daemon() -> Daemon {
        let status = Status {
            version: "1.0.0".to_owned(),
            pid: 7,
            problems: vec!["the spool\nis full".to_owned()],
            targets: vec![
                target("mail", Told::Closed, None),
                target("push", Told::Open, Some(later(900).0)),
                target("relay", Told::HalfOpen, None),
                target("ticket", Told::Resting, Some(later(60).0)),
            ],
            ..Status::default()
        };
        Daemon::Running(serde_json::to_value(status).expect("a status"))
    }

    #[test]
    fn breakers_are_read_as_the_daemon_writes_them() {
        let expected = [
            ("mail", Breaker::Closed),
            ("push", Breaker::Open(later(900))),
            ("relay", Breaker::HalfOpen),
            ("ticket", Breaker::Resting(later(60))),
        ];
        let expected = expected.map(|(name, breaker)| (name.to_owned(), breaker));
        assert_eq!(daemon().breakers(), expected);
        assert_eq!(Daemon::Absent.breakers(), []);
    }

    #[test]
    fn what_a_breaker_means_is_said_to_people_and_programs() {
        let fixed = Fixed::new();
        let resting = Breaker::Resting(later(60));
        assert_eq!(
            resting.text(&fixed.view()),
            "rests until 2024-01-08 08:01:00"
        );
        let expected = json!({"state": "resting", "until-ms": later(60).0});
        assert_eq!(resting.json(), expected);
    }

    #[test]
    fn what_a_newer_daemon_says_is_left_out() {
        let targets = json!([{"name": "new", "breaker": "molten"}, {"name": "old"}, {}]);
        let daemon = Daemon::Running(json!({ "targets": targets }));
        assert_eq!(daemon.breakers(), []);
        let fixed = Fixed::new();
        let text = daemon.text(&fixed.view());
        assert_eq!(text, "runs, version ?, process ?");
        assert!(daemon.problems().is_empty());
    }

    #[test]
    fn whether_it_runs_is_said() {
        let fixed = Fixed::new();
        let text = daemon().text(&fixed.view());
        assert_eq!(text, "runs, version 1.0.0, process 7");
        assert_eq!(daemon().problems(), ["the spool\\nis full"]);
        assert_eq!(daemon().json()["running"], true);
        assert_eq!(daemon().json()["problems"][0], "the spool\nis full");
        let unknown = Daemon::Unknown("permission denied".to_owned());
        let text = unknown.text(&fixed.view());
        assert_eq!(text, "cannot be asked: permission denied");
        assert_eq!(unknown.json()["running"], serde_json::Value::Null);
    }
}
