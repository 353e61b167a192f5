//! What changes at the daemon from one look to the next.

use std::collections::BTreeMap;

use notify_core::Millis;
use serde_json::{Value, json};

use crate::seeing::running::{Breaker, Daemon};
use crate::seeing::view::View;
use crate::shapes::printable;

/// The daemon as it was seen last.
#[derive(Debug, Default)]
pub(crate) struct Observer {
    /// None when it cannot be asked.
    is_running: Option<bool>,
    problems: Vec<String>,
    breakers: BTreeMap<String, Breaker>,
}

/// A change at the daemon.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// It runs, or not, or cannot be asked any more; and what keeps it from its work.
    Daemon(Option<bool>, Vec<String>),
    /// The breaker of a target.
    Breaker(String, Breaker),
}

impl Observer {
    /// As it is now.
    pub(crate) fn of(daemon: &Daemon) -> Self {
        Observer {
            is_running: daemon.is_running(),
            problems: daemon.problems(),
            breakers: daemon.breakers().into_iter().collect(),
        }
    }

    /// What is not as usual: no daemon, problems, breakers that are not closed.
    pub(crate) fn unusual(&self) -> Vec<Change> {
        let usual = Observer {
            is_running: Some(true),
            ..Observer::default()
        };
        self.since(&usual)
    }

    /// What has changed by now.
    pub(crate) fn changes(&mut self, daemon: &Daemon) -> Vec<Change> {
        let now = Observer::of(daemon);
        let changes = now.since(self);
        *self = now;
        changes
    }

    fn since(&self, before: &Observer) -> Vec<Change> {
        let mut changes = Vec::new();
        // Numbers in a problem go up while it lasts: that is no news.
        if self.is_running != before.is_running || self.problems.len() != before.problems.len() {
            changes.push(Change::Daemon(self.is_running, self.problems.clone()));
        }
        let usual = Breaker::Closed;
        let news = self.breakers.iter().filter(|(name, breaker)| {
            let before = before.breakers.get(*name).unwrap_or(&usual);
            before != *breaker
        });
        changes.extend(news.map(|(name, breaker)| Change::Breaker(name.clone(), *breaker)));
        changes
    }
}

impl Change {
    pub(crate) fn json(&self, at: Millis) -> Value {
        match self {
            Change::Daemon(is_running, problems) => json!({
                "daemon": {"at-ms": at.0, "running": is_running, "problems": problems},
            }),
            Change::Breaker(target, breaker) => {
                let mut told = breaker.json();
                told["at-ms"] = json!(at.0);
                told["target"] = json!(target);
                json!({ "breaker": told })
            }
        }
    }

    pub(crate) fn text(&self, view: &View<'_>) -> String {
        let console = view.console;
        match self {
            Change::Daemon(Some(true), problems) if problems.is_empty() => {
                format!("the daemon {}", console.good("runs"))
            }
            Change::Daemon(Some(true), problems) => {
                format!("the daemon runs, but {}", console.bad(&problems.join("; ")))
            }
            Change::Daemon(Some(false), _) => format!(
                "the daemon {}: what waits goes out when `notify daemon` runs",
                console.bad("does not run")
            ),
            Change::Daemon(None, _) => {
                format!("the daemon {}", console.doubtful("cannot be asked"))
            }
            Change::Breaker(target, breaker) => {
                let state = match breaker {
                    Breaker::Closed => console.good("breaker closed"),
                    Breaker::HalfOpen => {
                        console.doubtful("breaker half open, one delivery is tried")
                    }
                    Breaker::Resting(_) => console.doubtful(&breaker.text(view)),
                    Breaker::Open(_) => console.bad(&breaker.text(view)),
                };
                format!("{}: {state}", printable(target))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Observer};
    use crate::seeing::fixtures::{Fixed, later};
    use crate::seeing::running::{Breaker, Daemon};
    use serde_json::json;

    fn daemon(breaker: &str, problems: &[&str]) -> Daemon {
        let until = later(900).0;
        let target = json!({"name": "push", "breaker": breaker, "breaker-until-ms": until});
        Daemon::Running(json!({"targets": [target], "problems": problems}))
    }

    #[test]
    fn a_change_is_told_once() {
        let mut observer = Observer::of(&daemon("closed", &[]));
        assert_eq!(observer.unusual(), []);
        assert_eq!(observer.changes(&daemon("closed", &[])), []);
        let open = Change::Breaker("push".to_owned(), Breaker::Open(later(900)));
        let opened = observer.changes(&daemon("open", &[]));
        assert_eq!(&opened[..], std::slice::from_ref(&open));
        assert_eq!(observer.changes(&daemon("open", &[])), []);
        assert_eq!(observer.unusual(), opened);
        let ended = observer.changes(&Daemon::Absent);
        assert_eq!(ended, [Change::Daemon(Some(false), vec![])]);
        let back = observer.changes(&daemon("open", &["full; 3 refused"]));
        let problems = vec!["full; 3 refused".to_owned()];
        assert_eq!(back, [Change::Daemon(Some(true), problems), open]);
        assert_eq!(observer.changes(&daemon("open", &["full; 4 refused"])), []);
        let closed = observer.changes(&daemon("closed", &[]));
        assert_eq!(closed.len(), 2, "{closed:?}");
    }

    #[test]
    fn people_and_scripts_are_told_the_same() {
        let fixed = Fixed::new();
        let changes = [
            Change::Daemon(Some(true), vec![]),
            Change::Daemon(Some(true), vec!["the spool fails".to_owned()]),
            Change::Daemon(Some(false), vec![]),
            Change::Daemon(None, vec![]),
            Change::Breaker("push".to_owned(), Breaker::Open(later(900))),
            Change::Breaker("push".to_owned(), Breaker::HalfOpen),
            Change::Breaker("push".to_owned(), Breaker::Closed),
        ];
        let told = changes.each_ref().map(|change| change.text(&fixed.view()));
        insta::assert_snapshot!(told.join("\n"), @r"
        the daemon runs
        the daemon runs, but the spool fails
        the daemon does not run: what waits goes out when `notify daemon` runs
        the daemon cannot be asked
        push: breaker open until 2024-01-08 08:15:00
        push: breaker half open, one delivery is tried
        push: breaker closed
        ");
        let [.., open, _, _] = changes.map(|change| change.json(later(1)));
        let until = later(900).0;
        assert_eq!(
            open,
            json!({"breaker": {"at-ms": later(1).0, "target": "push", "state": "open", "until-ms": until}})
        );
    }
}
