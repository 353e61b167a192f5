//! The text of Proxmox VE's configuration files: read with every fault, written without loss.
//!
//! [`Document`] is one section-config file, [`Configuration`] is
//! `notifications.cfg`, `priv/notifications.cfg` and our `notify.cfg` put
//! together and checked against [`Schemas`]. [`Store`] reads the files of a
//! folder and writes [`Changes`] to them, under a lock and at one stroke;
//! [`format()`] gives a file Proxmox VE's form. [`UserCfg`],
//! [`DatacenterCfg`] and [`JobsCfg`] are the texts of three more files of the same
//! folder, [`VzdumpConf`] is the text of one beside it.
//!
//! This crate knows no target and no matcher, compiles no rule and sends
//! nothing.
//!
//! ```
//! use notify_config::{Configuration, Files, Schemas};
//! use notify_schema::{Kind, Property, Schema};
//!
//! static SERVER: Property = Property::required("server", Kind::text(), "Host.").example("a");
//! static PORT: Property = Property::fallback("port", Kind::PORT, "25", "Port.").example("25");
//! let schemas = Schemas::new([Schema::new("relay", [&SERVER, &PORT])]);
//!
//! let files = Files::of("relay: ops\n\tserver mail.example.com\n\tport 70000\n", "", "");
//! let configuration = Configuration::assemble(&files, &schemas);
//!
//! let ops = configuration.section("ops").expect("it is there");
//! assert!(ops.fields.is_some(), "a bad port has a fallback");
//! assert_eq!(
//!     configuration.faults()[0].to_string(),
//!     "notifications.cfg:3:2: warning: relay `ops`: property `port`: 70000 is above 65535",
//! );
//! ```

mod assembly;
mod backup_options;
mod changes;
mod check;
mod clock;
mod configuration;
mod datacenter_cfg;
mod discreet;
mod document;
mod draft;
mod edit;
mod error;
mod files;
mod format;
mod header;
mod jobs_cfg;
mod line;
mod lock;
mod origin;
mod parser;
mod pve;
mod quote;
mod replace;
mod schemas;
mod store;
mod user_cfg;
mod vzdump_conf;

pub use backup_options::{
    BackupOptions, Given, MailNotification, NotificationMode, UnknownWord, mailto,
};
pub use changes::{Change, Changes, Setting};
pub use clock::{Clock, SystemClock};
pub use configuration::{Configuration, Origin, Section};
pub use datacenter_cfg::{DatacenterCfg, PackageUpdates};
pub use document::{Document, RawSection};
pub use error::{StoreError, StoreErrorKind};
pub use files::{Content, Files};
pub use format::{Formatted, format};
pub use jobs_cfg::{BackupJob, JobsCfg};
pub use schemas::Schemas;
pub use store::{Snapshot, Store};
pub use user_cfg::{User, UserCfg};
pub use vzdump_conf::VzdumpConf;
