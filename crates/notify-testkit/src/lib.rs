//! Fakes that speak the real protocols on loopback, and what the tests of several crates share.
//!
//! Each fake listens on a port of the system's choice, records what arrives and
//! ends when it is dropped. It runs on a thread of its own, so it serves
//! callers with and without a runtime. This crate is for tests, benches and the
//! demonstration; nothing here belongs into a program that is in earnest.
//!
//! ```
//! use notify_testkit::gotify;
//! let server = gotify::Server::start(gotify::Options::token("A.token"));
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert!(server.messages().is_empty());
//! ```

mod act;
pub mod canary;
pub mod corpus;
mod delivery;
pub mod gotify;
pub mod http;
#[cfg(feature = "tests")]
pub mod laws;
pub mod misbehaving;
#[cfg(feature = "tests")]
pub mod real;
mod record;
mod section;
pub mod services;
pub mod smtp;
#[cfg(feature = "tests")]
pub mod spool;
#[cfg(feature = "tls")]
pub mod tls;
mod wire;

pub use delivery::{Delivery, PlainMessage};
pub use record::Record;
pub use section::Section;
pub use wire::{Duplex, Gate, Stream, Upgrade};
