//! The properties of a configuration section as static data.
//!
//! A plugin declares each of its properties once: name, kind, presence, public
//! or secret, documentation, example. Everyone else reads that declaration: the
//! validator, the command line, the manual. This crate is the vocabulary; it
//! parses no file and knows no plugin.
//!
//! ```
//! use notify_schema::{Kind, Position, Property, RawProperty, Schema, Source};
//!
//! static SERVER: Property = Property::required("server", Kind::text(), "Host name of the relay.")
//!     .example("mail.example.com");
//! static PORT: Property = Property::fallback("port", Kind::PORT, "25, 465 or 587, by mode", "Port of the relay.")
//!     .example("587");
//!
//! let schema = Schema::new("relay", [&SERVER, &PORT]);
//! let at = |line, column| Position::new(Source::Public, line, column);
//! let checked = schema.check("example", at(1, 1), &[
//!     RawProperty::new("server", "mail.example.com", at(2, 2)),
//!     RawProperty::new("port", "70000", at(3, 2)),
//! ]);
//!
//! // The bad port has a fallback, so the section stays usable and the fault is a warning.
//! let fields = checked.fields.expect("only the port is bad");
//! assert_eq!(fields.text("server"), Some("mail.example.com"));
//! assert_eq!(fields.integer("port"), None);
//! assert_eq!(
//!     checked.faults[0].to_string(),
//!     "notifications.cfg:3:2: warning: relay `example`: property `port`: 70000 is above 65535"
//! );
//! ```

mod excerpt;
mod fault;
mod fields;
mod kind;
mod lint;
mod nearest;
mod one_line;
mod property;
mod quantity;
mod redact;
mod schema;
mod secret;
mod section_name;

pub use excerpt::excerpt;
pub use fault::{Audience, Fault, FaultCode, Level, Position, Source};
pub use fields::{Entry, Fields, Value};
pub use kind::{Kind, Pair, Refused, decode_base64};
pub use lint::lint;
pub use nearest::nearest;
pub use one_line::one_line;
pub use property::{Presence, Property, RESERVED_NAMES, Scope};
pub use quantity::{duration_text, parse_duration, parse_size};
pub use redact::{MASK, MOST_GROWTH, redacted};
pub use schema::{Builtin, Checked, RawProperty, Schema, Strictness};
pub use secret::Secret;
pub use section_name::SectionName;
