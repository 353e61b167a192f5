//! The kinds of events that the system knows by itself.
//!
//! Each kind has typed data, metadata fields, a severity and built-in
//! templates. The rules by which an event is sent at all live here too, with
//! what they must remember.
//!
//! ```
//! assert!(notify_core::TemplateSet::linked().iter().all(|set| !set.name.is_empty()));
//! # use notify_events as _;
//! ```

mod notification_mode;

pub use notification_mode::{Chosen, Decision, Origin, Overrides, ReportOptions, Way, decide};
