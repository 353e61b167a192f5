//! Which targets an event chooses, and why.

use notify_core::Notification;
use notify_match::{Event, Trace};
use serde::Serialize;

use crate::Engine;

/// What the matchers chose for an event. All lists are sorted bytewise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// What the matchers chose, whether or not it exists.
    pub targets: Vec<String>,
    /// Chosen, and there is no such target.
    pub missing: Vec<String>,
    /// Chosen, and switched off.
    pub disabled: Vec<String>,
    /// Chosen, and its section has a fault.
    pub unusable: Vec<String>,
    /// The matchers that matched.
    pub matchers: Vec<String>,
}

/// A decision with every matcher and every rule, what it saw and what it said.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// See [`Decision::targets`].
    pub targets: Vec<String>,
    /// See [`Decision::missing`].
    pub missing: Vec<String>,
    /// See [`Decision::disabled`].
    pub disabled: Vec<String>,
    /// See [`Decision::unusable`].
    pub unusable: Vec<String>,
    /// All matchers in file order, built-ins last.
    pub matchers: Vec<Trace>,
}

impl Engine {
    /// Which targets an event chooses.
    pub fn decide(&self, notification: &Notification) -> Decision {
        self.decide_about(&Event::from(notification))
    }

    /// The same for what matchers look at, without content.
    pub fn decide_about(&self, event: &Event<'_>) -> Decision {
        let routing = match self.router() {
            Some(router) => router.route(event, self.zone),
            None => self.matchers.route(event, self.zone),
        };
        let targets = routing
            .targets()
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        let mut matchers: Vec<_> = routing.matchers().map(str::to_owned).collect();
        matchers.sort_unstable();
        self.sorted_out(targets, matchers)
    }

    /// The same decision with its reasons.
    pub fn explain(&self, event: &Event<'_>) -> Explained {
        let Decision {
            targets,
            missing,
            disabled,
            unusable,
            ..
        } = self.decide_about(event);
        Explained {
            targets,
            missing,
            disabled,
            unusable,
            matchers: self.matchers.evaluate(event, self.zone),
        }
    }

    fn sorted_out(&self, targets: Vec<String>, matchers: Vec<String>) -> Decision {
        let chosen = |keep: &dyn Fn(&str) -> bool| -> Vec<String> {
            targets.iter().filter(|name| keep(name)).cloned().collect()
        };
        let slot = |name: &str| self.targets.get(name);
        Decision {
            missing: chosen(&|name| slot(name).is_none()),
            disabled: chosen(&|name| slot(name).is_some_and(|slot| slot.disabled)),
            unusable: chosen(&|name| {
                slot(name).is_some_and(|slot| !slot.disabled && slot.target.is_err())
            }),
            targets,
            matchers,
        }
    }
}
