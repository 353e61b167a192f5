//! The engine: a configuration becomes targets and matchers, an event becomes deliveries.
//!
//! [`Engine::assemble`] builds everything that a configuration names and keeps
//! what cannot be built with its reason. [`Engine::decide`] says which targets
//! an event chooses, [`Engine::send`] delivers it to all of them at once and
//! reports target by target. [`Engine::deliver_legacy`] sends the mail of a backup
//! job past all of them. [`check`] finds what is wrong across sections.
//!
//! This crate knows no target by name and reads no file: configuration, plugins,
//! host, templates and time are arguments.
//!
//! ```
//! use std::sync::Arc;
//! use notify_bus::Engine;
//! use notify_config::{Configuration, Files};
//! use notify_core::{Content, EventId, Notification, PlainHost, Registry, Severity, Zone};
//! use notify_render::Templates;
//!
//! let registry = Registry::of([]).expect("nothing has no name twice");
//! let matchers = "matcher: failures\n\tmatch-severity error\n\ttarget ops-mail\n";
//! let files = Files::of(matchers, "", "");
//! let configuration = Configuration::assemble(&files, &notify_bus::schemas(&registry));
//! let host = Arc::new(PlainHost::named("pve1"));
//! let engine = Engine::assemble(&configuration, &registry, host, Templates::linked(), Zone::Local);
//!
//! let event = Notification {
//!     id: EventId::new(std::time::UNIX_EPOCH, [0; 10]),
//!     severity: Severity::Error,
//!     timestamp: 0,
//!     fields: Default::default(),
//!     content: Content::Template { name: "test".into(), data: Default::default() },
//! };
//! let decision = engine.decide(&event);
//! assert_eq!(decision.matchers, ["default-matcher", "failures"]);
//! assert_eq!(decision.targets, ["mail-to-root", "ops-mail"]);
//! assert_eq!(decision.missing, decision.targets, "no plugin is linked here");
//! ```

mod accept;
mod attempt;
mod breaker;
mod bus;
mod check;
mod clock;
mod decision;
mod deliver;
mod engine;
mod gauges;
mod lanes;
mod own_lane;
mod policy;
mod report;
mod settings;
mod spool_health;
mod system_mail;
mod telling;
mod trouble;
mod work;

pub use accept::{Accepted, Standing, UNDECIDED, entry, legacy_entry};
pub use breaker::BreakerState;
pub use bus::{Bus, TargetStatus};
pub use check::{check, missing_targets};
pub use clock::{Clock, KeptClock, ReadClocks, Reading, Reckoning, SpoolClock};
pub use decision::{Decision, Explained};
pub use deliver::{Errand, LEGACY_MAIL, Moment};
pub use engine::{Engine, schemas};
pub use gauges::{Durations, Gauges, OTHERS, SECONDS, TargetGauges};
pub use own_lane::OwnLane;
pub use policy::{RetryPolicy, Situation, WhenUncertain};
pub use report::{ErrorReport, RefusedRecipient, Report, Skipped, State, TargetReport, Verdict};
pub use settings::{DaemonSettings, Sender, Settings, TargetSettings};
pub use spool_health::SpoolTrouble;
pub use system_mail::SystemMail;
pub use trouble::{Cause, NOTIFICATION_SYSTEM, Trouble};
