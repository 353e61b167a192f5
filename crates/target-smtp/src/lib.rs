//! The target type `smtp`: a mail to an SMTP server.
//!
//! - `config.rs`: a checked section becomes a [`Config`], or all its faults.
//! - `request.rs`: a notification becomes an envelope and a mail. Pure.
//! - `socket.rs`: the socket under a conversation, for as long as the target lives.
//! - `wire.rs`: the stream under a conversation, which knows what has gone out.
//! - `answer.rs`: what an answer, or none, means, in words without secrets.
//! - `connection.rs`: from the host name to a server that takes mail from us.
//! - `transaction.rs`: one mail over a connection, each recipient judged alone.
//! - `idle.rs`: the one connection that is kept for the next mail.
//! - `deliver.rs`: all of them put together.
//!
//! ```
//! use notify_core::Registry;
//! use notify_schema::{Position, RawProperty, Source};
//!
//! let smtp = Registry::of([&target_smtp::SMTP]).expect("one type").target("smtp").expect("this one");
//! let at = |source, line| Position::new(source, line, 2);
//! let section = [
//!     RawProperty::new("server", "mail.example.com", at(Source::Public, 2)),
//!     RawProperty::new("from-address", "pve1@example.com", at(Source::Public, 3)),
//!     RawProperty::new("mailto", "admin@example.com", at(Source::Public, 4)),
//!     RawProperty::new("username", "pve1", at(Source::Public, 5)),
//!     RawProperty::new("password", "hunter2", at(Source::Private, 2)),
//! ];
//! let checked = smtp.schema().check("relay", at(Source::Public, 1), &section);
//! let target = (smtp.build)(&checked.fields.expect("complete")).expect("a usable section");
//! assert!(!format!("{target:?}").contains("hunter2"));
//! ```

mod answer;
mod config;
mod connection;
mod deliver;
mod idle;
mod request;
mod socket;
mod transaction;
mod wire;

use std::sync::Arc;

use notify_core::{Target, TargetType};
use notify_mail::{AUTHOR, MAILTO, MAILTO_USER, MAX_MAIL_SIZE, SENDER};
use notify_schema::{Fault, Fields, Kind, Property};
use notify_tls::{CA_FILE, TLS_FINGERPRINT};

pub use config::{Config, Login, Mode};
pub use deliver::Smtp;
pub use request::{Abilities, Recipient, Request, request};

static SERVER: Property = Property::required(
    "server",
    Kind::Checked {
        what: "a host name or an IP address",
        check: config::check_server,
    },
    "Host name or IP address of the mail server.",
)
.example("mail.example.com");

static PORT: Property = Property::fallback(
    "port",
    Kind::PORT,
    "25, 465 or 587, by mode",
    "Port of the mail server. Without it, 465 with tls, 587 with starttls, 25 with insecure.",
)
.example("587");

static MODE: Property = Property::default(
    "mode",
    Kind::Choice(&["insecure", "starttls", "tls"]),
    "tls",
    "Encryption: from the first byte (tls), after a plain beginning (starttls), or none (insecure).",
)
.example("starttls");

static USERNAME: Property = Property::optional(
    "username",
    Kind::text(),
    "User to log in as. Without it there is no login.",
)
.example("pve1@example.com");

static PASSWORD: Property =
    Property::optional("password", Kind::text(), "Password of that user.").secret();

/// The type `smtp`.
pub static SMTP: TargetType = TargetType::new("smtp", "SMTP", build)
    .properties(&[
        &SERVER,
        &PORT,
        &MODE,
        &USERNAME,
        &PASSWORD,
        &SENDER,
        &MAILTO,
        &MAILTO_USER,
        &AUTHOR,
        &MAX_MAIL_SIZE,
        &CA_FILE,
        &TLS_FINGERPRINT,
    ])
    .at_least_one(&["mailto", "mailto-user"])
    .takes_mails()
    .manual(include_str!("../manual.md"));

notify_core::register_target!(SMTP);

fn build(fields: &Fields) -> Result<Arc<dyn Target>, Vec<Fault>> {
    Config::from_fields(fields).map(|config| Arc::new(Smtp::new(config)) as Arc<dyn Target>)
}
