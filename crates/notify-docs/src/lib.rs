//! One schema, many readers: help of flags, manuals, man pages, JSON Schema, example sections.
//!
//! Everything is made from the [`Property`](notify_schema::Property) that a
//! plugin declares once, so no two places say different things of it. This
//! crate reads no file and knows no plugin: it gets schemas and gives text.
//!
//! ```
//! use notify_docs::{example_section, flag_help, lint};
//! use notify_schema::{Kind, Property, Schema};
//!
//! static PORT: Property = Property::default("port", Kind::PORT, "25", "Port of the relay.").example("587");
//! assert_eq!(
//!     flag_help(&PORT),
//!     "Port of the relay. A number from 0 to 65535; default 25; for example 587."
//! );
//! let schema = Schema::new("relay", [&PORT]);
//! assert_eq!(example_section("relay", "ops", &schema), "relay: ops\n\tport 587\n");
//! assert!(lint(schema.properties()).is_empty());
//! ```

mod example;
mod flag;
mod json_schema;
mod man;
mod manual;
mod wording;

pub use example::{example_overlay, example_section};
pub use flag::flag_help;
pub use json_schema::{configuration_json_schema, json_schema};
pub use man::ManPage;
pub use manual::{manual, properties_markdown};
pub use notify_schema::lint;
