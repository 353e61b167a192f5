//! The contracts of the notification system.
//!
//! A [`Notification`] happens. Matchers choose targets for it; a [`Target`]
//! takes it to the far side and answers with a [`Receipt`] or a [`Failure`].
//! A plugin describes itself once, as a [`TargetType`], and registers it with
//! [`register_target!`]; a [`Registry`] finds all that are linked.
//!
//! This crate opens no file and no socket, starts no task and asks no clock, but
//! for the system's time zone data, `TZ` and `/etc/localtime`, which [`Zone::Local`] reads.
//! What was accepted and is on its way lies in a [`Spool`]; [`History`] says what became of it.
//!
//! A host's facts come in as a [`Host`], the time and the deadline as an [`Attempt`].
//!
//! ```
//! use std::sync::Arc;
//! use notify_core::{Attempt, Failure, Notification, Receipt, Registry, Target, TargetType, async_trait};
//! use notify_schema::{Fault, Fields, Kind, Property};
//!
//! #[derive(Debug)]
//! struct Echo { word: String }
//!
//! #[async_trait]
//! impl Target for Echo {
//!     async fn deliver(&self, _: &Notification, attempt: &Attempt<'_>) -> Result<Receipt, Failure> {
//!         println!("{}: {}", self.word, attempt.message.subject()?);
//!         Ok(Receipt::default())
//!     }
//! }
//!
//! static WORD: Property = Property::default("word", Kind::text(), "echo", "Printed before the subject.").example("echo");
//! static ECHO: TargetType = TargetType::new("echo", "Echo", build)
//!     .properties(&[&WORD])
//!     .manual("# echo\n");
//!
//! fn build(fields: &Fields) -> Result<Arc<dyn Target>, Vec<Fault>> {
//!     Ok(Arc::new(Echo { word: fields.text("word").unwrap_or_default().to_owned() }))
//! }
//!
//! let registry = Registry::of([&ECHO]).expect("one plugin, one name");
//! assert_eq!(registry.target("echo").map(|known| known.title), Some("Echo"));
//! ```

pub mod failpoint;
mod failure;
mod field;
mod host;
mod limits;
mod mail;
mod notification;
mod properties;
mod registry;
mod report;
mod spool;
mod target;
mod templates;
mod zone;

pub use async_trait::async_trait;
pub use failure::{Failure, FailureKind};
pub use field::{FieldError, check_field, field_name_is_valid};
pub use host::{Host, PlainHost};
pub use limits::{Limit, Limits, Unit};
pub use mail::{ForwardedMail, LegacyMail, RecipientError, check_recipient};
pub use notification::{Content, EventId, Notification, Severity, UnknownSeverity};
pub use registry::{Registry, RegistryError};
pub use report::report;
pub use spool::{
    AttemptRecord, Claim, Counts, Entry, EventRecord, EventSummary, Found, Handling, History,
    HistoryQuery, Job, JobRecord, JobState, LastAttempts, Lease, Millis, NewJob, Next, OpenFor,
    Opened, Outcome, Put, Refusal, Retention, Seen, Selection, Settlement, Spool, SpoolError,
    SpoolErrorKind, SpoolPlace, SpoolType, Swept, TargetQueue, Unreadable, Upkeep, Watched,
};
pub use target::{Attempt, Build, BuildLegacy, Message, Receipt, Target, TargetType};
pub use templates::TemplateSet;
pub use zone::{UnknownZone, Zone};

/// What the macros of this crate expand to. Not for use by hand.
#[doc(hidden)]
pub mod export {
    pub use inventory;
}

#[doc(hidden)]
pub use registry::Linked as LinkedTarget;
#[doc(hidden)]
pub use spool::LinkedSpool;
#[doc(hidden)]
pub use templates::Linked as LinkedTemplates;
