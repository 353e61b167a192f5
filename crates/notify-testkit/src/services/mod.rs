//! Services that people are notified by, as strict as their public descriptions.
//!
//! Each refuses what the real one refuses: missing fields, wrong types, unknown
//! words, texts that are too long in the unit that it counts. Where a
//! description leaves something open, the fake takes the stricter reading.
//!
//! ```
//! use notify_testkit::services::{NTFY, Server};
//! let server = Server::start(&NTFY, "tk_secret");
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert!(server.taken().is_empty());
//! ```

mod discord;
mod given;
mod matrix;
mod ntfy;
mod pagerduty;
mod slack;
mod teams;
mod telegram;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use notify_schema::Secret;

use crate::http::{self, Request, Response};
use crate::record::Record;

pub use discord::DISCORD;
pub use matrix::MATRIX;
pub use ntfy::NTFY;
pub use pagerduty::PAGERDUTY;
pub use slack::SLACK;
pub use teams::TEAMS;
pub use telegram::TELEGRAM;

/// A service: its name, and how it answers.
pub struct Service {
    /// Its name in lower case, as `ntfy`.
    pub name: &'static str,
    /// What it makes of a request, for who knows this secret.
    answer: fn(&Request, &str) -> Result<Accepted, Response>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Service").field(&self.name).finish()
    }
}

/// A message that a service took, as it would show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The title; with the text where the service has only one of them.
    pub title: String,
    /// The text.
    pub text: String,
    /// How urgent it is, in the service's words; empty where it has none.
    pub urgency: String,
    /// By what the service drops a second copy; none where it does not.
    pub key: Option<String>,
}

/// What a service made of a request that it took.
struct Accepted {
    taken: Taken,
    response: Response,
}

/// A running service. It ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Server {
    http: http::Server,
    taken: Arc<Record<Taken>>,
}

impl Server {
    /// Starts on a port of the system's choice on 127.0.0.1, for who knows this secret.
    pub fn start(service: &'static Service, secret: &str) -> Self {
        let taken = Arc::new(Record::default());
        let (record, secret) = (Arc::clone(&taken), Secret::new(secret));
        let http =
            http::Server::start(
                move |request| match (service.answer)(request, secret.expose()) {
                    Ok(accepted) => {
                        keep(&record, accepted.taken);
                        accepted.response.into()
                    }
                    Err(refusal) => refusal.into(),
                },
            );
        Server { http, taken }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        self.http.url()
    }

    /// The messages that it took, in order; a second copy is none.
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.all()
    }

    /// The messages as soon as there are `count`, or those that came until `deadline`.
    pub async fn wait_for(&self, count: usize, deadline: Instant) -> Vec<Taken> {
        self.taken.wait_for(count, deadline).await
    }

    /// The server underneath: all requests, connections, violations.
    pub fn http(&self) -> &http::Server {
        &self.http
    }
}

fn keep(record: &Record<Taken>, taken: Taken) {
    let is_copy = |old: &Taken| old.key.is_some() && old.key == taken.key;
    if !record.all().iter().any(is_copy) {
        record.push(taken);
    }
}

/// Units of UTF-16, the strictest that a service may count in.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}
