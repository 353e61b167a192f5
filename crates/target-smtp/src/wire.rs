//! The stream under a conversation.
//!
//! lettre drives it. What lettre does not tell is noted here: whether the far
//! side has closed, whether its answer does not end, how large a mail it takes,
//! whether it can be told when to report, and whether the final dot has gone out,
//! after which a mail may have been taken. And an answer that is only a code is
//! spelled so that lettre can read it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::str::SplitAsciiWhitespace;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::socket::Socket;

/// Most octets of an answer: some thirty lines of the longest kind (RFC 5321 4.5.3.1.5).
///
/// lettre gives up at 100,000, but not within a line, and reads an answer from
/// its beginning for each line of it.
const ANSWER_MAX: usize = 16 * 1024;

/// How much of a line is looked at for what it announces.
const LOOKED_AT: usize = 64;

/// The end of a mail (RFC 5321 4.1.1.4).
const FINAL_DOT: &[u8] = b"\r\n.\r\n";

/// The greeting that a server does not repeat after STARTTLS, and lettre waits for.
const NO_GREETING: &[u8] = b"220 encrypted\r\n";

/// That the server wants to know the size of a mail, and the largest that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// None when it does not say.
    pub(crate) max: Option<usize>,
}

impl Size {
    /// `250-SIZE 10240000`; 0 is no limit.
    fn announced_by(line: &[u8]) -> Option<Self> {
        let mut words = announced(line, "SIZE")?;
        let max = words.next().and_then(|number| number.parse().ok());
        Some(Size {
            max: max.filter(|max| *max > 0),
        })
    }
}

/// What stands after the keyword of an extension, if the line announces that (RFC 5321 4.1.1.1).
fn announced<'l>(line: &'l [u8], keyword: &str) -> Option<SplitAsciiWhitespace<'l>> {
    let line = std::str::from_utf8(line).ok()?;
    let words = line.strip_prefix("250-").or(line.strip_prefix("250 "))?;
    let mut words = words.split_ascii_whitespace();
    let first = words.next()?;
    first.eq_ignore_ascii_case(keyword).then_some(words)
}

/// A stream that is encrypted.
pub(crate) trait Encrypted: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Encrypted for S {}

/// A handle to the stream of one connection. Clones are the same stream.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Mutex<State>>);

struct State {
    stream: Stream,
    peer: Option<SocketAddr>,
    /// What is read before anything more of the stream.
    ahead: Vec<u8>,
    /// How many digits the line that is read consists of so far; none when there is more in it.
    digits: Option<usize>,
    /// The beginning of the line that is read.
    line: Vec<u8>,
    /// What the server has announced (RFC 1870).
    size: Option<Size>,
    /// Whether the server has announced DSN (RFC 3461).
    dsn: bool,
    /// How much the current answer may still have.
    room: usize,
    closed: bool,
    endless: bool,
    /// The last octets written.
    tail: Vec<u8>,
}

enum Stream {
    Plain(Socket),
    Encrypted(Box<dyn Encrypted>),
    /// Taken for the TLS handshake.
    Taken,
}

impl Wire {
    /// A connection that is not encrypted, or not yet.
    pub(crate) fn plain(stream: Socket) -> Self {
        let peer = stream.peer_addr();
        Wire::new(Stream::Plain(stream), peer, b"")
    }

    /// A connection that is encrypted from the first byte.
    pub(crate) fn encrypted(stream: impl Encrypted + 'static, peer: Option<SocketAddr>) -> Self {
        Wire::new(Stream::Encrypted(Box::new(stream)), peer, b"")
    }

    /// A connection that is encrypted after STARTTLS, over which nothing has been said yet.
    pub(crate) fn upgraded(stream: impl Encrypted + 'static, peer: Option<SocketAddr>) -> Self {
        Wire::new(Stream::Encrypted(Box::new(stream)), peer, NO_GREETING)
    }

    fn new(stream: Stream, peer: Option<SocketAddr>, ahead: &[u8]) -> Self {
        Wire(Arc::new(Mutex::new(State {
            stream,
            peer,
            ahead: ahead.to_vec(),
            digits: Some(0),
            line: Vec::new(),
            size: None,
            dsn: false,
            room: ANSWER_MAX,
            closed: false,
            endless: false,
            tail: Vec::new(),
        })))
    }

    /// The stream itself, for the TLS handshake; none when it is encrypted already.
    pub(crate) fn take_plain(&self) -> Option<Socket> {
        let mut state = self.state();
        match std::mem::replace(&mut state.stream, Stream::Taken) {
            Stream::Plain(stream) => Some(stream),
            other => {
                state.stream = other;
                None
            }
        }
    }

    /// Whether the far side has closed the connection.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Whether the far side said more than any answer has.
    pub(crate) fn is_endless(&self) -> bool {
        self.state().endless
    }

    /// What the server has announced about the size of mails.
    pub(crate) fn size(&self) -> Option<Size> {
        self.state().size
    }

    /// Whether the server can be told when to report on a mail.
    pub(crate) fn takes_dsn(&self) -> bool {
        self.state().dsn
    }

    /// Whether the last that was written is the end of a mail.
    pub(crate) fn has_sent_the_final_dot(&self) -> bool {
        self.state().tail == FINAL_DOT
    }

    /// Says this if it can be said at once, and does not wait for an answer.
    pub(crate) fn say_in_passing(&self, words: &[u8]) {
        let mut stream = self.clone();
        let mut context = Context::from_waker(Waker::noop());
        if Pin::new(&mut stream)
            .poll_write(&mut context, words)
            .is_ready()
        {
            let _ = Pin::new(&mut stream).poll_flush(&mut context);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held leaves a stream that is no worse than any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wire").field(&self.state().peer).finish()
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        let peer = self.state().peer;
        peer.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

fn taken<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.state();
        if state.ahead.is_empty() {
            ready!(state.poll_more(context))?;
        }
        let count = state.ahead.len().min(buffer.remaining());
        buffer.put_slice(&state.ahead[..count]);
        state.ahead.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        // Who speaks expects a new answer.
        state.room = ANSWER_MAX;
        let polled = match &mut state.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Taken => return taken(),
        };
        if let Poll::Ready(Ok(count)) = &polled {
            state.note(&bytes[..*count]);
        }
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Encrypted(stream) => Pin::new(stream).poll_flush(context),
            Stream::Taken => taken(),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Taken => taken(),
        }
    }
}

impl State {
    /// Reads ahead; nothing at the end of the stream.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.room == 0 {
            self.endless = true;
            return Poll::Ready(Err(io::Error::other("an answer without end")));
        }
        let mut chunk = [0; 1024];
        let mut chunk = ReadBuf::new(&mut chunk);
        ready!(match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, &mut chunk),
            Stream::Encrypted(stream) => Pin::new(stream).poll_read(context, &mut chunk),
            Stream::Taken => return taken(),
        })?;
        let read = chunk.filled();
        self.room = self.room.saturating_sub(read.len());
        self.closed |= read.is_empty();
        for octet in read {
            self.spell(*octet);
        }
        Poll::Ready(Ok(()))
    }

    /// Adds an octet of an answer to what is read, and a blank between a code and the end of its line.
    ///
    /// The text after the code is optional, and the blank goes with it (RFC 5321
    /// 4.2); lettre does not take the one without the other.
    fn spell(&mut self, octet: u8) {
        if octet == b'\n' {
            self.size = Size::announced_by(&self.line).or(self.size);
            self.dsn |= announced(&self.line, "DSN").is_some();
            self.line.clear();
        } else if self.line.len() < LOOKED_AT {
            self.line.push(octet);
        }
        if octet == b'\r' && self.digits == Some(3) {
            self.ahead.push(b' ');
        }
        self.digits = match (octet, self.digits) {
            (b'\n', _) => Some(0),
            (b'0'..=b'9', Some(count)) => Some(count + 1),
            _ => None,
        };
        self.ahead.push(octet);
    }

    fn note(&mut self, written: &[u8]) {
        let skipped = written.len().saturating_sub(FINAL_DOT.len());
        self.tail.extend_from_slice(&written[skipped..]);
        let old = self.tail.len().saturating_sub(FINAL_DOT.len());
        self.tail.drain(..old);
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn a_server_says_how_large_a_mail_it_takes() {
        let check = |line: &[u8], expected: Option<Option<usize>>| {
            let size = Size::announced_by(line).map(|size| size.max);
            assert_eq!(size, expected, "{line:?}");
        };
        check(b"250-SIZE 10240000\r", Some(Some(10_240_000)));
        check(b"250 size 1", Some(Some(1)));
        check(b"250-SIZE\r", Some(None));
        check(b"250-SIZE 0\r", Some(None));
        check(b"250-SIZE 99999999999999999999999\r", Some(None));
        check(b"250-SIZES 1\r", None);
        check(b"250-PIPELINING\r", None);
        check(b"550-SIZE 1\r", None);
        check(b"\xff", None);
        check(b"", None);
    }
}
