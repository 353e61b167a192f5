//! Matchers: which notification goes to which targets.
//!
//! A [`Matcher`] has rules on fields ([`FieldRule`]), severity ([`SeverityRule`])
//! and time ([`Calendar`]), and whatever kinds of rules others register
//! ([`RuleKind`], [`register_rule!`]). It is compiled once, says all that is wrong
//! with it then, and is evaluated without failing. A [`MatcherSet`] is the
//! definition of what matches and explains itself, rule by rule; a [`Router`] gives
//! the same answer in a fraction of the time.
//!
//! This crate reads no file and asks no clock: time and zone are arguments. It does
//! not know whether a target exists.
//!
//! ```
//! use std::collections::BTreeMap;
//! use notify_core::{Severity, Zone};
//! use notify_match::{Event, Matcher, MatcherSet, Router, schema};
//! use notify_schema::{Position, RawProperty};
//!
//! let line = |key, value| RawProperty::new(key, value, Position::NOWHERE);
//! let checked = schema().check("backup-failures", Position::NOWHERE, &[
//!     line("match-field", "exact:type=vzdump"),
//!     line("match-severity", "error"),
//!     line("target", "backup-admins"),
//! ]);
//! let matcher = Matcher::compile(&checked.fields.expect("no fault")).expect("good rules");
//! let set = MatcherSet::new([("backup-failures".to_owned(), Ok(matcher))]);
//!
//! let fields = BTreeMap::from([("type".to_owned(), "vzdump".to_owned())]);
//! let event = Event { severity: Severity::Error, timestamp: 1_704_697_200, fields: &fields };
//! assert_eq!(Router::new(&set).route(&event, Zone::Local).targets(), ["backup-admins"]);
//!
//! let trace = &set.evaluate(&event, Zone::Local)[0];
//! assert!(trace.matched);
//! assert_eq!(trace.rules[1].saw.as_deref(), Some("error"));
//! ```

mod advice;
mod bits;
mod calendar;
mod event;
mod field;
mod matcher;
mod pattern;
mod router;
mod routing;
mod rule;
mod schema;
mod set;
mod severity;
mod trace;

pub use calendar::{Calendar, CalendarError, CalendarErrorKind, Span, Spans};
pub use event::Event;
pub use field::{FieldRule, FieldTest};
pub use matcher::{Compiler, Matcher, MatcherRule, Mode};
pub use pattern::Pattern;
pub use router::Router;
pub use routing::Routing;
pub use rule::{CompileRule, Finding, Index, PveRefusal, Rule, RuleError, RuleKind, RuleKindError};
pub use schema::{MANUAL, MATCHER, TARGET, schema};
pub use set::MatcherSet;
pub use severity::{Severities, SeverityRule};
pub use trace::{RuleTrace, Trace};

/// What the macros of this crate expand to. Not for use by hand.
#[doc(hidden)]
pub mod export {
    pub use inventory;
}

#[doc(hidden)]
pub use rule::Linked as LinkedRule;
