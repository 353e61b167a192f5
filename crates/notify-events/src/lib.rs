//! The kinds of events that the system knows by itself.
//!
//! Each kind has typed data, metadata fields, a severity and built-in
//! templates; [`EventKind`] describes it. The rules by which an event is sent at
//! all live here too, with what they must remember.
//!
//! This crate sends nothing: it makes an [`Event`], which is a notification
//! without identity and time.
//!
//! ```
//! use notify_core::Severity;
//! use notify_events::{Circumstances, EventKind};
//! use serde_json::json;
//!
//! let vzdump = EventKind::named("vzdump").expect("it is one of six");
//! let here = Circumstances::new("pve1", 1_704_675_600).with_job_id("backup-1a2b");
//!
//! let guests = json!({"guest-table": [{"vmid": 100, "status": "err"}]});
//! let event = vzdump.event(guests, &here).expect("the rest is worked out");
//! assert_eq!(event.severity, Severity::Error);
//! assert_eq!(event.fields["job-id"], "backup-1a2b");
//!
//! let faulty = json!({"guest-table": [{"vmid": "one"}], "logs": 1});
//! let error = vzdump.event(faulty, &here).expect_err("three faults");
//! let faults: Vec<_> = error.faults().iter().map(ToString::to_string).collect();
//! assert_eq!(faults, [
//!     "`guest-table[0].status`: is missing",
//!     "`guest-table[0].vmid`: expected a whole number from 0 to 9007199254740991, not \"one\"",
//!     "`logs`: expected a text or null, not 1",
//! ]);
//! ```

mod announced;
pub mod apt;
mod check;
mod data;
mod emission;
mod error;
mod event;
mod kind;
mod logs;
mod notification_mode;
mod number;
mod table;
mod templates;
pub mod vzdump_log;

pub use data::fencing::{FENCING, Fencing, Node, Resource};
pub use data::package_updates::{PACKAGE_UPDATES, PackageUpdate, PackageUpdates};
pub use data::replication::{REPLICATION, Replication};
pub use data::system_mail::{SYSTEM_MAIL, SystemMail};
pub use data::test::{TEST, Test};
pub use data::vzdump::{Guest, GuestStatus, VZDUMP, Vzdump};
pub use emission::{Emission, Rules};
pub use error::{DataFault, EventError, EventErrorKind};
pub use event::{Circumstances, Common, Event};
pub use kind::{EventData, EventKind, FieldDoc};
pub use logs::JobLogs;
pub use notification_mode::{
    Chosen, Decision, LEGACY_AUTHOR, Origin, Overrides, ReportOptions, Way, decide,
};
pub use table::{Column, Row, StandardColumn, Table, TableSchema};
