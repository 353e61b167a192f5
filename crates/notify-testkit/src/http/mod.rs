//! An HTTP/1.1 server that answers by a script and remembers every request.
//!
//! ```
//! use notify_testkit::http::{Answer, Response, Server};
//! use std::io::{Read, Write};
//! let server = Server::start(|request| Response::new(200).body(request.path()).into());
//! let mut client = std::net::TcpStream::connect(server.addr())?;
//! client.write_all(b"GET /here HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert!(answer.ends_with("\r\n\r\n/here"));
//! assert_eq!(server.requests()[0].method, "GET");
//! # Ok::<(), std::io::Error>(())
//! ```

mod message;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use crate::record::Record;
use crate::wire::{Listener, Upgrade};

pub use message::{Answer, Request, Response};

type Handler = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

#[derive(Debug, Default)]
struct Seen {
    requests: Record<Request>,
    violations: Record<String>,
}

/// A running server. It ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    seen: Arc<Seen>,
    scheme: &'static str,
}

impl Server {
    /// Starts on a port of the system's choice on 127.0.0.1.
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Server::serve(None, Arc::new(answer))
    }

    /// The same over TLS.
    pub fn start_tls(
        identity: impl Upgrade + 'static,
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Server::serve(Some(Arc::new(identity)), Arc::new(answer))
    }

    /// Gives these answers one after the other; the last one again and again.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub fn scripted(answers: impl Into<Vec<Answer>>) -> Self {
        let mut answers = answers.into();
        assert!(!answers.is_empty(), "a script has at least one answer");
        answers.reverse();
        let answers = Mutex::new(answers);
        Server::start(move |_| {
            let mut left = answers.lock().unwrap_or_else(PoisonError::into_inner);
            if left.len() > 1 {
                left.pop().expect("more than one is left")
            } else {
                left[0].clone()
            }
        })
    }

    pub(crate) fn serve(identity: Option<Arc<dyn Upgrade>>, handler: Handler) -> Self {
        let seen = Arc::new(Seen::default());
        let record = Arc::clone(&seen);
        let scheme = if identity.is_some() { "https" } else { "http" };
        let listener = Listener::start(move |stream, number| {
            let (handler, seen) = (Arc::clone(&handler), Arc::clone(&record));
            let identity = identity.clone();
            async move {
                // The client's going away is the end of a session, not a fault of it.
                let _ = session::serve(Box::new(stream), number, identity, handler, seen).await;
            }
        });
        Server {
            listener,
            seen,
            scheme,
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// `http://127.0.0.1:PORT` or `https://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.addr())
    }

    /// All requests whose body came whole, in the order of their arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.seen.requests.all()
    }

    /// The requests as soon as there are `count`, or those that came until `deadline`.
    pub async fn wait_for(&self, count: usize, deadline: Instant) -> Vec<Request> {
        self.seen.requests.wait_for(count, deadline).await
    }

    /// The same for a caller without a runtime: it blocks the thread.
    pub fn wait_for_blocking(&self, count: usize, deadline: Instant) -> Vec<Request> {
        self.seen.requests.wait_for_blocking(count, deadline)
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.listener.connections()
    }

    /// What clients did against the protocol, each in one line. Empty when all was well.
    pub fn violations(&self) -> Vec<String> {
        self.seen.violations.all()
    }
}
