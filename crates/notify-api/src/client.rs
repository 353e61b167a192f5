//! The other end of the socket, for a command line: it blocks, and starts no thread.

use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use notify_core::EventId;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt,
};
use serde_json::Value;

use crate::protocol::{
    Accepted, Answer, EventReference, EventState, LegacyRequest, MailRequest, Nothing, Pong,
    Request, SendRequest,
};
use crate::{ApiError, ApiErrorKind};

/// The longest answer that is read.
const LONGEST_ANSWER: u64 = 64 << 20;

/// A connection to the daemon.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
    patience: Duration,
}

impl Client {
    /// Connects to the socket at `path`. No answer is waited for longer than `patience`.
    ///
    /// # Errors
    /// [`Missing`](ApiErrorKind::Missing), [`Dead`](ApiErrorKind::Dead) and
    /// [`Denied`](ApiErrorKind::Denied) tell why nobody could be asked.
    pub fn connect(path: &Path, patience: Duration) -> Result<Self, ApiError> {
        let stream = BufReader::new(dial(path, patience)?);
        Ok(Client { stream, patience })
    }

    /// Asks who is there.
    ///
    /// # Errors
    /// When nobody answers as expected.
    pub fn ping(&mut self) -> Result<Pong, ApiError> {
        match self.ask(&Request::Ping(Nothing {}), &[])? {
            Answer::Pong(pong) => Ok(pong),
            other => Err(unexpected(&other)),
        }
    }

    /// Hands an event over. It is durable when this succeeds.
    ///
    /// # Errors
    /// [`ApiError::may_be_done`] tells whether it may be durable nevertheless: the
    /// same request with the same id may be made again.
    pub fn send(&mut self, event: SendRequest) -> Result<Accepted, ApiError> {
        self.hand_over(&Request::Send(Box::new(event)), &[])
    }

    /// Hands a mail over.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn mail(&mut self, mail: MailRequest, bytes: &[u8]) -> Result<Accepted, ApiError> {
        self.hand_over(&Request::Mail(mail), bytes)
    }

    /// Hands an event over that goes to addresses, past the configuration.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn legacy(&mut self, mail: LegacyRequest) -> Result<Accepted, ApiError> {
        self.hand_over(&Request::Legacy(Box::new(mail)), &[])
    }

    /// Waits until an event is settled, and tells each state of it; not longer than until `end`.
    ///
    /// # Errors
    /// [`TimedOut`](ApiErrorKind::TimedOut) at `end`. This client is of no use afterwards.
    pub fn follow(
        &mut self,
        id: EventId,
        end: Option<Instant>,
        mut each: impl FnMut(&EventState),
    ) -> Result<EventState, ApiError> {
        let id = id.to_string();
        self.write(&Request::Follow(EventReference { id }), &[])?;
        loop {
            // A state comes when it changes, which may be tomorrow.
            let patience = end.map(|end| end.saturating_duration_since(Instant::now()));
            match self.read(patience)? {
                Answer::Event(state) => {
                    each(&state);
                    if state.settled {
                        return Ok(state);
                    }
                }
                other => return Err(unexpected(&other)),
            }
        }
    }

    /// How the targets and the queue stand, in the form of docs/reference/socket.md.
    ///
    /// # Errors
    /// When nobody answers as expected.
    pub fn status(&mut self) -> Result<Value, ApiError> {
        match self.ask(&Request::Status(Nothing {}), &[])? {
            Answer::Status(status) => Ok(status),
            other => Err(unexpected(&other)),
        }
    }

    /// Has the daemon look at the spool, which another process changed.
    ///
    /// # Errors
    /// When nobody answers as expected.
    pub fn wake(&mut self) -> Result<(), ApiError> {
        match self.ask(&Request::Wake(Nothing {}), &[])? {
            Answer::Done {} => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    fn hand_over(&mut self, request: &Request, body: &[u8]) -> Result<Accepted, ApiError> {
        match self.ask(request, body)? {
            Answer::Accepted(accepted) => Ok(accepted),
            other => Err(unexpected(&other)),
        }
    }

    fn ask(&mut self, request: &Request, body: &[u8]) -> Result<Answer, ApiError> {
        self.write(request, body)?;
        self.read(Some(self.patience))
    }

    fn write(&mut self, request: &Request, body: &[u8]) -> Result<(), ApiError> {
        let mut line = serde_json::to_vec(request).map_err(|error| {
            ApiError::new(ApiErrorKind::Broken, "the request cannot be written").caused_by(error)
        })?;
        line.push(b'\n');
        let stream = self.stream.get_mut();
        match stream
            .write_all(&line)
            .and_then(|()| stream.write_all(body))
        {
            Ok(()) => Ok(()),
            // Who refuses a request does not read it to its end; the answer is there.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(unanswered(error)),
        }
    }

    fn read(&mut self, patience: Option<Duration>) -> Result<Answer, ApiError> {
        let end = patience.map(|patience| Instant::now() + patience);
        let mut line = Vec::new();
        loop {
            // Zero would mean for ever.
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let left = left.map(|left| left.max(Duration::from_millis(1)));
            let set = self.stream.get_ref().set_read_timeout(left);
            set.map_err(unanswered)?;
            let room = LONGEST_ANSWER.saturating_sub(line.len() as u64);
            match (&mut self.stream).take(room).read_until(b'\n', &mut line) {
                Ok(0) => {
                    let detail = "the daemon ended the connection without an answer";
                    return Err(ApiError::new(ApiErrorKind::Lost, detail));
                }
                Ok(_) if line.ends_with(b"\n") => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unanswered(error)),
            }
        }
        match serde_json::from_slice(&line) {
            Ok(Answer::Error(answer)) => Err(ApiError::declined(answer)),
            Ok(answer) => Ok(answer),
            Err(error) => Err(ApiError::new(ApiErrorKind::Garbled, GARBLED).caused_by(error)),
        }
    }
}

const GARBLED: &str = "the daemon's answer is not understood";

/// Connects, and waits for a place in the queue of a busy daemon no longer than `patience`.
pub(crate) fn dial(path: &Path, patience: Duration) -> Result<UnixStream, ApiError> {
    let shown = path.display();
    let failed = |error: Errno| {
        let (kind, detail) = match error {
            Errno::NOENT | Errno::NOTDIR => (ApiErrorKind::Missing, format!("there is no {shown}")),
            Errno::CONNREFUSED => (ApiErrorKind::Dead, format!("nobody listens on {shown}")),
            Errno::ACCESS | Errno::PERM => (
                ApiErrorKind::Denied,
                format!("this user may not use {shown}"),
            ),
            // It listens, and its queue stayed full.
            Errno::AGAIN => (ApiErrorKind::Broken, format!("{shown} is too busy")),
            _ => (ApiErrorKind::Broken, format!("connect to {shown}")),
        };
        ApiError::new(kind, detail).caused_by(io::Error::from(error))
    };
    let address = SocketAddrUnix::new(path).map_err(failed)?;
    let socket = socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )
    .map_err(failed)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(patience)).map_err(failed)?;
    connect(&socket, &address).map_err(failed)?;
    Ok(UnixStream::from(socket))
}

fn unanswered(error: io::Error) -> ApiError {
    let (kind, detail) = match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            (ApiErrorKind::TimedOut, "the daemon did not answer in time")
        }
        _ => (ApiErrorKind::Lost, "the connection to the daemon is lost"),
    };
    ApiError::new(kind, detail).caused_by(error)
}

fn unexpected(answer: &Answer) -> ApiError {
    ApiError::new(ApiErrorKind::Garbled, GARBLED).caused_by(format!("{answer:?}"))
}
