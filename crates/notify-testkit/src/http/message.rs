//! A request as it came, and an answer as it goes.

use std::fmt;

use crate::act::Act;
use crate::wire::Gate;

/// A request whose body came whole. `Debug` shows no credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The number of its connection, from 1.
    pub connection: usize,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The method, as `POST`.
    pub method: String,
    /// The request target as it came: `/message?x=1`, or `http://host/message` for a proxy.
    pub target: String,
    /// Names as they came, and values; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub body: Vec<u8>,
}

impl Request {
    /// Whether the target is a whole URL, as clients send it to a proxy.
    pub fn is_absolute_form(&self) -> bool {
        self.target.contains("://")
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        let after_host = match self.target.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => &self.target,
        };
        after_host.split('?').next().unwrap_or_default()
    }

    /// What stands after `?`.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
    }
}

/// Headers whose values are credentials.
const CREDENTIALS: [&str; 3] = ["authorization", "proxy-authorization", "x-gotify-key"];

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| {
                let secret = CREDENTIALS
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(name));
                (name.as_str(), if secret { "***" } else { value.as_str() })
            })
            .collect();
        let target = match self.target.split_once('?') {
            Some((path, _)) => format!("{path}?***"),
            None => self.target.clone(),
        };
        f.debug_struct("Request")
            .field("connection", &self.connection)
            .field("tls", &self.tls)
            .field("method", &self.method)
            .field("target", &target)
            .field("headers", &headers)
            .field("body", &self.text())
            .finish()
    }
}

/// A proper answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status, as 200.
    pub status: u16,
    /// Headers in order; `Content-Length` is added.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer without headers and body.
    pub fn new(status: u16) -> Self {
        Response {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// An answer of `application/json`.
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Response::new(status)
            .header("Content-Type", "application/json")
            .body(value.to_string())
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the client elsewhere.
    pub fn redirect(status: u16, location: &str) -> Self {
        Response::new(status).header("Location", location)
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Answers.
    Respond(Response),
    /// Waits for the gate, then answers.
    RespondAfter(Gate, Response),
    /// Does this instead; the connection closes afterwards.
    Acts(Vec<Act>),
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Answer::Respond(response)
    }
}

impl From<Act> for Answer {
    fn from(act: Act) -> Self {
        Answer::Acts(vec![act])
    }
}

impl From<Vec<Act>> for Answer {
    fn from(acts: Vec<Act>) -> Self {
        Answer::Acts(acts)
    }
}
