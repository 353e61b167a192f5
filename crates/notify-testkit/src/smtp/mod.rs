//! An SMTP server that takes mail, strictly by RFC 5321, and remembers it.
//!
//! ```
//! use notify_testkit::smtp::{Options, Server};
//! use std::io::{BufRead, BufReader};
//! let server = Server::start(Options::plain());
//! let client = std::net::TcpStream::connect(server.addr())?;
//! let mut greeting = String::new();
//! BufReader::new(client).read_line(&mut greeting)?;
//! assert!(greeting.starts_with("220 "));
//! # Ok::<(), std::io::Error>(())
//! ```

mod auth;
mod command;
mod options;
mod session;
mod transaction;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::record::Record;
use crate::wire::Listener;

pub use options::{Answer, Asked, Mechanism, Options, Reply, Step};

/// A mail that came whole, up to the final dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The number of its connection, from 1.
    pub connection: usize,
    /// The name that the client gave in EHLO or HELO.
    pub ehlo: String,
    /// Whether it came over TLS.
    pub tls: bool,
    /// How the client had authenticated, if it had.
    pub login: Option<Login>,
    /// The envelope's sender; empty for `<>`.
    pub sender: String,
    /// The parameters of MAIL, as `BODY=8BITMIME`.
    pub parameters: Vec<String>,
    /// The envelope's recipients that were accepted, in order.
    pub recipients: Vec<String>,
    /// The parameters of RCPT of each of them, as `NOTIFY=NEVER`.
    pub rcpt_parameters: Vec<Vec<String>>,
    /// The mail with CRLF line ends, dot-stuffing undone.
    pub data: Vec<u8>,
    /// Whether it was answered with 2xx.
    pub accepted: bool,
}

impl Message {
    /// The mail as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }
}

/// A successful AUTH. The password is compared and not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// The user.
    pub user: String,
}

/// A line of a conversation. Credentials in it are stars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The number of the connection, from 1.
    pub connection: usize,
    /// Whether the client said it.
    pub from_client: bool,
    /// What was said, without line end.
    pub text: String,
}

/// What all connections of a server write into.
#[derive(Debug, Default)]
struct Seen {
    accepted: Record<Message>,
    received: Record<Message>,
    lines: Record<Line>,
    violations: Record<String>,
}

/// A running server. It ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    options: Arc<Options>,
    seen: Arc<Seen>,
}

impl Server {
    /// Starts on a port of the system's choice on 127.0.0.1.
    pub fn start(options: Options) -> Self {
        let options = Arc::new(options);
        let seen = Arc::new(Seen::default());
        let (served, record) = (Arc::clone(&options), Arc::clone(&seen));
        let listener = Listener::start(move |stream, number| {
            let (options, seen) = (Arc::clone(&served), Arc::clone(&record));
            async move {
                // The client's going away is the end of a session, not a fault of it.
                let _ = session::serve(Box::new(stream), number, options, seen).await;
            }
        });
        Server {
            listener,
            options,
            seen,
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// The port at which it listens.
    pub fn port(&self) -> u16 {
        self.addr().port()
    }

    /// The mails that it answered with 2xx, in the order of their arrival.
    pub fn messages(&self) -> Vec<Message> {
        self.seen.accepted.all()
    }

    /// The accepted mails as soon as there are `count`, or those that came until `deadline`.
    pub async fn wait_for(&self, count: usize, deadline: Instant) -> Vec<Message> {
        self.seen.accepted.wait_for(count, deadline).await
    }

    /// The same for a caller without a runtime: it blocks the thread.
    pub fn wait_for_blocking(&self, count: usize, deadline: Instant) -> Vec<Message> {
        self.seen.accepted.wait_for_blocking(count, deadline)
    }

    /// The mails that came whole, whatever the answer was; silence counts too.
    pub fn received(&self) -> &Record<Message> {
        &self.seen.received
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.listener.connections()
    }

    /// What clients did against the protocol, each in one line. Empty when all was well.
    pub fn violations(&self) -> Vec<String> {
        self.seen.violations.all()
    }

    /// All lines of all conversations, the mails' contents left out.
    pub fn transcript(&self) -> Vec<Line> {
        self.seen.lines.all()
    }

    /// The same lines as they come, to be waited for.
    pub fn lines(&self) -> &Record<Line> {
        &self.seen.lines
    }

    /// The verbs that a connection's client used, in order: `EHLO MAIL RCPT DATA QUIT`.
    pub fn verbs(&self, connection: usize) -> String {
        let lines = self.transcript();
        let verbs: Vec<&str> = lines
            .iter()
            .filter(|line| line.from_client && line.connection == connection)
            .filter_map(|line| line.text.split([' ', ':']).next())
            .collect();
        verbs.join(" ")
    }

    /// From now on answers so at a step, as [`Options::at`].
    pub fn answer(&self, step: Step, answer: impl Into<Answer>) {
        self.options.add(step, None, None, answer.into());
    }

    /// Forgets all answers that were given for a step.
    pub fn answer_properly(&self, step: Step) {
        self.options.forget(step);
    }
}
