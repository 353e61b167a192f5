//! The target type `gotify`: a message to a Gotify server.
//!
//! - `config.rs`: a checked section becomes a [`Config`], or all its faults.
//! - `request.rs`: a notification becomes the bytes of a request. Pure.
//! - `deliver.rs`: the request goes out, and the answer becomes a receipt or a failure.
//!
//! ```
//! use notify_core::Registry;
//! use notify_schema::{Position, RawProperty, Source};
//!
//! let gotify = Registry::of([&target_gotify::GOTIFY]).expect("one type").target("gotify").expect("this one");
//! let at = |source, line| Position::new(source, line, 2);
//! let section = [
//!     RawProperty::new("server", "https://gotify.example.com", at(Source::Public, 2)),
//!     RawProperty::new("token", "A.secret.token", at(Source::Private, 2)),
//! ];
//! let checked = gotify.schema().check("push", Position::new(Source::Public, 1, 1), &section);
//! let target = (gotify.build)(&checked.fields.expect("complete")).expect("a usable server and token");
//! assert!(!format!("{target:?}").contains("A.secret.token"));
//! ```

mod config;
mod deliver;
mod request;

use std::sync::Arc;

use notify_core::{Target, TargetType};
use notify_schema::{Fault, Fields, Kind, Property};
use notify_tls::{CA_FILE, TLS_FINGERPRINT};

pub use config::Config;
pub use deliver::Gotify;
pub use request::{fenced, priority, request};

static SERVER: Property = Property::required(
    "server",
    Kind::text(),
    "URL of the Gotify server, with the path under which it lives where there is one.",
)
.example("https://gotify.example.com");

static TOKEN: Property = Property::required(
    "token",
    Kind::text(),
    "Token of the application in Gotify that the messages belong to.",
)
.secret();

/// The type `gotify`.
pub static GOTIFY: TargetType = TargetType::new("gotify", "Gotify", build)
    .properties(&[&SERVER, &TOKEN, &CA_FILE, &TLS_FINGERPRINT])
    .ignored(&["filter"])
    .manual(include_str!("../manual.md"));

notify_core::register_target!(GOTIFY);

fn build(fields: &Fields) -> Result<Arc<dyn Target>, Vec<Fault>> {
    Config::from_fields(fields).map(|config| Arc::new(Gotify::new(config)) as Arc<dyn Target>)
}
