//! The target type `echo`: a line of JSON to a Unix socket.
//!
//! - `config.rs`: a checked section becomes a [`Config`], or all its faults.
//! - `request.rs`: a notification becomes a line, an answer a verdict. Pure.
//! - `deliver.rs`: the line goes out, and the answer becomes a receipt or a failure.

mod config;
mod deliver;
mod request;

use std::sync::Arc;

use notify_core::{Target, TargetType};
use notify_schema::{Fault, Fields, Kind, Property};

pub use config::Config;
pub use deliver::Echo;
pub use request::{Answer, GREETING, answer, line};

static SOCKET: Property = Property::required(
    "socket",
    Kind::Text { min: 1, max: 100 },
    "Absolute path of the server's socket.",
)
.example("/run/echo.sock");

static TOKEN: Property = Property::required(
    "token",
    Kind::Text { min: 4, max: 64 },
    "Tells the server who writes.",
)
.secret();

/// The type `echo`.
pub static ECHO: TargetType = TargetType::new("echo", "Echo", build)
    .properties(&[&SOCKET, &TOKEN])
    .ours()
    .manual(include_str!("../manual.md"));

notify_core::register_target!(ECHO);

fn build(fields: &Fields) -> Result<Arc<dyn Target>, Vec<Fault>> {
    Config::from_fields(fields).map(|config| Arc::new(Echo::new(config)) as Arc<dyn Target>)
}
