//! A Gotify server as strict as a real one (2.4) in what `POST /message` accepts and answers.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use chrono::{SecondsFormat, Utc};
use notify_schema::Secret;
use serde_json::{Map, Value, json};

use crate::http::{self, Answer, Request, Response};
use crate::record::Record;
use crate::wire::Upgrade;

/// A message that the server took.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its number, from 1.
    pub id: usize,
    /// The title; the application's name when none was given.
    pub title: String,
    /// The text.
    pub message: String,
    /// The priority; 0 when none was given.
    pub priority: i64,
    /// The extras, as `client::display`.
    pub extras: Option<Value>,
    /// The request that brought it.
    pub request: Request,
}

/// How a Gotify server behaves.
pub struct Options {
    token: Secret,
    application: String,
    identity: Option<Arc<dyn Upgrade>>,
}

impl Options {
    /// Plain http, and one application, named `Backups`, with this token.
    pub fn token(token: &str) -> Self {
        Options {
            token: Secret::new(token),
            application: "Backups".to_owned(),
            identity: None,
        }
    }

    /// Over TLS, with this certificate.
    #[must_use]
    pub fn tls(mut self, identity: impl Upgrade + 'static) -> Self {
        self.identity = Some(Arc::new(identity));
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("application", &self.application)
            .field("tls", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}

/// A running server. It ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Server {
    http: http::Server,
    messages: Arc<Record<Message>>,
}

impl Server {
    /// Starts on a port of the system's choice on 127.0.0.1.
    pub fn start(options: Options) -> Self {
        let messages = Arc::new(Record::default());
        let taken = Arc::clone(&messages);
        let identity = options.identity.clone();
        let handler = move |request: &Request| answer(&options, &taken, request);
        Server {
            http: http::Server::serve(identity, Arc::new(handler)),
            messages,
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.http.addr()
    }

    /// `http://127.0.0.1:PORT` or `https://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        self.http.url()
    }

    /// The messages that it took, in order.
    pub fn messages(&self) -> Vec<Message> {
        self.messages.all()
    }

    /// The messages as soon as there are `count`, or those that came until `deadline`.
    pub async fn wait_for(&self, count: usize, deadline: Instant) -> Vec<Message> {
        self.messages.wait_for(count, deadline).await
    }

    /// The same for a caller without a runtime: it blocks the thread.
    pub fn wait_for_blocking(&self, count: usize, deadline: Instant) -> Vec<Message> {
        self.messages.wait_for_blocking(count, deadline)
    }

    /// The server underneath: all requests, connections, violations.
    pub fn http(&self) -> &http::Server {
        &self.http
    }
}

fn answer(options: &Options, taken: &Record<Message>, request: &Request) -> Answer {
    // Only this route of the real one matters here; every other is unknown.
    if request.method != "POST" || request.path() != "/message" {
        return refusal(404, "Not Found", "page not found");
    }
    if !is_authorized(options, request) {
        let why = "you need to provide a valid access token or user credentials to access this api";
        return refusal(401, "Unauthorized", why);
    }
    match read(request) {
        Ok(fields) => take(options, taken, request, fields),
        Err(why) => refusal(400, "Bad Request", &why),
    }
}

fn refusal(status: u16, error: &str, description: &str) -> Answer {
    let body = json!({ "error": error, "errorCode": status, "errorDescription": description });
    Response::json(status, &body).into()
}

/// `?token=`, `X-Gotify-Key`, `Authorization: Bearer`: the first one that is there counts.
fn is_authorized(options: &Options, request: &Request) -> bool {
    let in_query = request
        .query()
        .and_then(|query| form(query.as_bytes()).remove("token"));
    let bearer = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let given = in_query
        .as_ref()
        .and_then(Value::as_str)
        .or_else(|| request.header("x-gotify-key"))
        .or(bearer);
    given == Some(options.token.expose())
}

struct Given {
    title: Option<String>,
    message: String,
    priority: i64,
    extras: Option<Value>,
}

fn read(request: &Request) -> Result<Given, String> {
    let content_type = request.header("content-type").unwrap_or_default();
    let is_json = content_type.split(';').next().map(str::trim) == Some("application/json");
    let fields = if is_json {
        match request.json() {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return Err("json: cannot unmarshal into Go value".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
    } else {
        form(&request.body)
    };
    let text = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("json: field {name} is not a string")),
    };
    let (title, message) = (text("title")?, text("message")?);
    let message = message
        .filter(|message| !message.is_empty())
        .ok_or("Field 'message' is required")?;
    let priority = priority(fields.get("priority"), is_json)?;
    let extras = match fields.get("extras") {
        None | Some(Value::Null) => None,
        Some(extras @ Value::Object(_)) => Some(extras.clone()),
        Some(_) => return Err("json: field extras is not an object".to_owned()),
    };
    Ok(Given {
        title,
        message,
        priority,
        extras,
    })
}

/// A number in JSON; digits in a form.
fn priority(given: Option<&Value>, is_json: bool) -> Result<i64, String> {
    let refused = || "json: cannot unmarshal priority into Go value of type int".to_owned();
    match given {
        None | Some(Value::Null) => Ok(0),
        Some(Value::String(digits)) if !is_json => digits.parse().map_err(|_| refused()),
        Some(number) => number.as_i64().ok_or_else(refused),
    }
}

fn take(options: &Options, taken: &Record<Message>, request: &Request, given: Given) -> Answer {
    let title = given
        .title
        .filter(|title| !title.trim().is_empty())
        .unwrap_or_else(|| options.application.clone());
    let message = Message {
        id: taken.len() + 1,
        title,
        message: given.message,
        priority: given.priority,
        extras: given.extras,
        request: request.clone(),
    };
    let mut body = json!({
        "id": message.id,
        "appid": 1,
        "message": message.message,
        "title": message.title,
        "priority": message.priority,
        "date": Utc::now().to_rfc3339_opts(SecondsFormat::Nanos, true),
    });
    if let Some(extras) = &message.extras {
        body["extras"] = extras.clone();
    }
    taken.push(message);
    Response::json(200, &body).into()
}

/// `application/x-www-form-urlencoded`; of a repeated name the first counts, as in Go.
fn form(bytes: &[u8]) -> Map<String, Value> {
    let mut fields = Map::new();
    for pair in bytes
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
    {
        let at = pair.iter().position(|byte| *byte == b'=');
        let (name, value) = at.map_or((pair, &[][..]), |at| (&pair[..at], &pair[at + 1..]));
        fields
            .entry(decoded(name))
            .or_insert_with(|| Value::String(decoded(value)));
    }
    fields
}

fn decoded(bytes: &[u8]) -> String {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| (*byte as char).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = hex(bytes.get(at + 1)).zip(hex(bytes.get(at + 2)));
        match (bytes[at], escape) {
            (b'%', Some((high, low))) => {
                out.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
