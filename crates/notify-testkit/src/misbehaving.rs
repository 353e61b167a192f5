//! A TCP server that does what no good server does, by a script.
//!
//! For misbehaviour in the middle of a proper conversation, as silence after
//! the final dot of a mail, give the acts to [`smtp::Options::at`](crate::smtp::Options::at)
//! or to [`http::Answer::Acts`](crate::http::Answer).

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::BufReader;

use crate::act::{Flow, close, perform};
use crate::record::Record;
use crate::wire::{Listener, Stream};

pub use crate::act::Act;

/// Performs the same acts on every connection, then closes it.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    over: Arc<Record<usize>>,
}

impl Server {
    /// Starts on a port of the system's choice.
    pub fn start(acts: impl Into<Vec<Act>>) -> Self {
        let acts: Arc<[Act]> = acts.into().into();
        let over = Arc::new(Record::default());
        let ended = Arc::clone(&over);
        let listener = Listener::start(move |stream, number| {
            let (acts, ended) = (Arc::clone(&acts), Arc::clone(&ended));
            async move {
                let mut stream = BufReader::new(Box::new(stream) as Stream);
                if matches!(perform(&acts, &mut stream).await, Ok(Flow::Continue)) {
                    close(&mut stream).await;
                }
                drop(stream);
                ended.push(number);
            }
        });
        Server { listener, over }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.listener.connections()
    }

    /// The numbers of the connections that have ended, in the order of their end.
    pub fn ended(&self) -> &Record<usize> {
        &self.over
    }
}

/// An address that refuses connections: its port was bound a moment ago and is closed.
pub fn refusing() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("loopback has a free port")
}

/// Accepts and says nothing.
pub fn silent() -> Vec<Act> {
    vec![Act::Hang]
}

/// Resets every connection at once.
pub fn resets() -> Vec<Act> {
    vec![Act::Reset]
}

/// Closes every connection at once.
pub fn closes() -> Vec<Act> {
    vec![Act::Close]
}

/// Bytes that are neither SMTP, nor HTTP, nor TLS.
pub fn garbage() -> Vec<Act> {
    let noise = (0u16..2048).map(|step| (step.wrapping_mul(167) >> 3) as u8);
    vec![Act::Send(noise.collect()), Act::Send(b"\r\n\r\n".to_vec())]
}

/// An SMTP server that greets with this line, then says nothing.
pub fn greets(line: &str) -> Vec<Act> {
    vec![Act::send(line), Act::send("\r\n"), Act::Hang]
}

/// An SMTP server that greets with half a line, then says nothing.
pub fn half_a_greeting() -> Vec<Act> {
    vec![Act::send("220 mail.exa"), Act::Hang]
}

/// An SMTP greeting, byte by byte, that takes about `total`.
pub fn slow_greeting(total: Duration) -> Vec<Act> {
    let line = b"220 mail.example.com ESMTP slow\r\n".to_vec();
    let pause = total / u32::try_from(line.len()).expect("a line is short");
    vec![Act::SendSlowly(line, pause), Act::Hang]
}

/// An SMTP greeting of this many bytes, in lines that never end the reply.
pub fn endless_greeting(bytes: usize) -> Vec<Act> {
    vec![
        Act::Flood(b"220-mail.example.com says hello\r\n".to_vec(), bytes),
        Act::Hang,
    ]
}

/// An HTTP server that waits for the end of a request's head, then sends this and closes.
pub fn http(answer: impl AsRef<[u8]>) -> Vec<Act> {
    vec![
        Act::Await(b"\r\n\r\n".to_vec()),
        Act::Send(answer.as_ref().to_vec()),
    ]
}

/// An HTTP answer with this status whose body never ends before `bytes` have gone.
pub fn oversized_http(status: &str, bytes: usize) -> Vec<Act> {
    vec![
        Act::Await(b"\r\n\r\n".to_vec()),
        Act::Send(format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\n\r\n").into_bytes()),
        Act::Flood(vec![b'x'; 64 * 1024], bytes),
    ]
}

/// An HTTP server whose status line stops in the middle, then says nothing.
pub fn half_an_http_answer() -> Vec<Act> {
    vec![
        Act::Await(b"\r\n\r\n".to_vec()),
        Act::send("HTTP/1.1 20"),
        Act::Hang,
    ]
}

#[cfg(test)]
mod tests {
    use super::{Act, Server, garbage, half_an_http_answer, oversized_http, refusing, silent};
    use std::io::{ErrorKind, Read, Write};
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    /// All bytes that a client gets after it has sent `request`, and how the connection ended.
    fn check(acts: Vec<Act>, request: &str) -> (Vec<u8>, Option<ErrorKind>) {
        let server = Server::start(acts);
        let mut client = TcpStream::connect(server.addr()).unwrap();
        client.write_all(request.as_bytes()).unwrap();
        let mut got = Vec::new();
        let end = client.read_to_end(&mut got).err().map(|error| error.kind());
        (got, end)
    }

    #[test]
    fn acts_are_performed_in_order() {
        let acts = vec![
            Act::Await(b"go\n".to_vec()),
            Act::send("a"),
            Act::SendSlowly(b"bc".to_vec(), Duration::ZERO),
        ];
        assert_eq!(check(acts, "x go\n"), (b"abc".to_vec(), None));
        assert_eq!(
            check(vec![Act::Flood(b"abc".to_vec(), 7), Act::Close], "").0,
            b"abcabca"
        );
        assert!(check(garbage(), "").0.len() > 2000);
        let (answer, _) = check(oversized_http("200 OK", 300_000), "GET / HTTP/1.1\r\n\r\n");
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.len() > 300_000);
    }

    #[test]
    fn a_reset_is_a_reset() {
        assert_eq!(
            check(vec![Act::Await(b"!".to_vec()), Act::Reset], "!").1,
            Some(ErrorKind::ConnectionReset)
        );
    }

    #[test]
    fn a_refusing_address_refuses() {
        let error = TcpStream::connect(refusing()).expect_err("nobody listens");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_hang_ends_when_the_client_closes() {
        let server = Server::start(silent());
        drop(TcpStream::connect(server.addr()).unwrap());
        let ended = server
            .ended()
            .wait_for_blocking(1, Instant::now() + Duration::from_secs(60));
        assert_eq!(ended, [1]);
    }

    #[test]
    fn a_hang_ends_when_the_server_is_dropped() {
        let server = Server::start(half_an_http_answer());
        let mut client = TcpStream::connect(server.addr()).unwrap();
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut got = [0; 11];
        client.read_exact(&mut got).unwrap();
        drop(server);
        assert_eq!(client.read(&mut got).unwrap_or(0), 0);
    }
}
