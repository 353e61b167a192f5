//! A listener with few places, for connections that are not quiet for long.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Connections at once. Others wait in the queue of the system.
const CONNECTIONS: usize = 16;

/// How long a connection may be quiet.
const QUIET: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Guarded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    quiet: Duration,
}

impl Guarded {
    pub(super) fn new(listener: TcpListener) -> Self {
        Guarded {
            listener,
            places: Arc::new(Semaphore::new(CONNECTIONS)),
            quiet: QUIET,
        }
    }
}

impl Listener for Guarded {
    type Io = Connection<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.expect("nobody closes the semaphore");
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Connection::new(stream, self.quiet, Some(place)), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when nothing has moved for a while.
#[derive(Debug)]
pub(super) struct Connection<S> {
    stream: S,
    quiet: Duration,
    end: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl<S> Connection<S> {
    fn new(stream: S, quiet: Duration, place: Option<OwnedSemaphorePermit>) -> Self {
        Connection {
            stream,
            quiet,
            end: Box::pin(sleep(quiet)),
            _place: place,
        }
    }

    /// What moved puts the end off; what did not move may be at its end.
    fn watch<T>(
        &mut self,
        moved: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
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
    use super::Connection;
    use std::io::ErrorKind;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test(start_paused = true)]
    async fn a_quiet_connection_ends() {
        let (near, mut far) = tokio::io::duplex(4);
        let mut connection = Connection::new(near, Duration::from_secs(30), None);
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
        let mut connection = Connection::new(near, Duration::from_secs(30), None);
        let written = connection.write_all(b"12345").await;
        assert_eq!(
            written.expect_err("nobody reads").kind(),
            ErrorKind::TimedOut
        );
    }
}
