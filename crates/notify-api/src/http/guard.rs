//! A listener with few places, for connections that are not quiet for long.
//!
//! Whoever comes is let in. When no place is free, the oldest connection loses
//! its own: one that is asked and answered needs milliseconds, so it is never
//! the oldest of many, and clients that hold on to their connections cannot keep
//! others out.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Connections at once.
const CONNECTIONS: usize = 16;

/// How long a connection may be quiet.
const QUIET: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Guarded {
    listener: TcpListener,
    places: Arc<Places>,
    quiet: Duration,
}

impl Guarded {
    pub(super) fn new(listener: TcpListener) -> Self {
        Guarded {
            listener,
            places: Arc::default(),
            quiet: QUIET,
        }
    }
}

impl Listener for Guarded {
    type Io = Connection<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let place = Places::take(&self.places);
        (Connection::new(stream, self.quiet, place), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The connections that have a place, the oldest first.
#[derive(Debug, Default)]
struct Places(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    /// What the next one is called.
    next: u64,
    open: VecDeque<(u64, CancellationToken)>,
}

impl Places {
    /// A place, if need be that of the oldest connection.
    fn take(places: &Arc<Places>) -> Place {
        let mut taken = places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.open.len() >= CONNECTIONS
            && let Some((_, oldest)) = taken.open.pop_front()
        {
            oldest.cancel();
        }
        let (name, lost) = (taken.next, CancellationToken::new());
        taken.next += 1;
        taken.open.push_back((name, lost.clone()));
        Place {
            places: Arc::clone(places),
            name,
            lost: Box::pin(lost.cancelled_owned()),
        }
    }
}

/// The place of a connection; free when this is dropped.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    name: u64,
    lost: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.open.retain(|(name, _)| *name != self.name);
    }
}

/// A connection that ends when nothing has moved for a while, or when it has lost its place.
#[derive(Debug)]
pub(super) struct Connection<S> {
    stream: S,
    quiet: Duration,
    end: Pin<Box<Sleep>>,
    place: Place,
}

impl<S> Connection<S> {
    fn new(stream: S, quiet: Duration, place: Place) -> Self {
        Connection {
            stream,
            quiet,
            end: Box::pin(sleep(quiet)),
            place,
        }
    }

    /// What moved puts the end off; what did not move may be at its end.
    fn watch<T>(
        &mut self,
        moved: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if self.place.lost.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if moved.is_ready() {
            self.end.as_mut().reset(Instant::now() + self.quiet);
            return moved;
        }
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let moved = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.watch(moved, context)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(moved, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::{CONNECTIONS, Connection, Place, Places};
    use std::io::ErrorKind;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const QUIET: Duration = Duration::from_secs(30);

    fn place() -> Place {
        Places::take(&Arc::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_connection_ends() {
        let (near, mut far) = tokio::io::duplex(4);
        let mut connection = Connection::new(near, QUIET, place());
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(29)).await;
            far.write_all(b"x").await.expect("room");
            assert_eq!(connection.read_u8().await.expect("a byte"), b'x');
        }
        let read = connection.read_u8().await.expect_err("nothing comes");
        assert_eq!(read.kind(), ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_left() {
        let (near, _far) = tokio::io::duplex(4);
        let mut connection = Connection::new(near, QUIET, place());
        let written = connection.write_all(b"12345").await;
        assert_eq!(
            written.expect_err("nobody reads").kind(),
            ErrorKind::TimedOut
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_gives_its_place_to_who_comes() {
        let places = Arc::default();
        let mut ends = Vec::new();
        let mut come = || {
            let (near, far) = tokio::io::duplex(4);
            ends.push(far);
            Connection::new(near, QUIET, Places::take(&places))
        };
        let mut open: Vec<_> = (0..CONNECTIONS).map(|_| come()).collect();
        // One that has ended needs no place.
        drop(open.remove(3));
        let mut last = come();
        let waits = tokio::time::timeout(QUIET / 2, open[0].read_u8()).await;
        assert!(waits.is_err(), "there was a place");
        let _more = come();
        let read = open[0].read_u8().await.expect_err("its place is lost");
        assert_eq!(read.kind(), ErrorKind::ConnectionAborted);
        for connection in open.iter_mut().skip(1).chain([&mut last]) {
            let read = connection.read_u8();
            let waits = tokio::time::timeout(Duration::from_millis(1), read).await;
            assert!(waits.is_err(), "the others go on");
        }
    }
}
