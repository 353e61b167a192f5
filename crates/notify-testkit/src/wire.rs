//! Byte streams and the thread that accepts them: what every fake server stands on.
//!
//! A server runs on a thread and a runtime of its own, so that it works for
//! callers with and without a runtime, and a caller that blocks does not stop it.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::sync::watch;

/// A connection, encrypted or not.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the end of the connection a reset instead of an orderly close.
    ///
    /// # Errors
    /// What the socket says.
    fn reset_on_close(&self) -> io::Result<()>;
}

impl Duplex for TcpStream {
    fn reset_on_close(&self) -> io::Result<()> {
        self.set_zero_linger()
    }
}

/// A connection of any kind.
pub type Stream = Box<dyn Duplex>;

/// Turns a plain connection into an encrypted one. `tls::Identity` is one.
#[async_trait]
pub trait Upgrade: Send + Sync {
    /// The server's half of a handshake.
    ///
    /// # Errors
    /// When the client speaks something else or does not trust this server.
    async fn accept(&self, plain: Stream) -> io::Result<Stream>;
}

/// Holds an answer back until it is opened. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Default for Gate {
    fn default() -> Self {
        Gate(Arc::new(watch::Sender::new(false)))
    }
}

impl Gate {
    /// A closed gate.
    pub fn closed() -> Self {
        Gate::default()
    }

    /// Opens it for good.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is open.
    pub async fn passed(&self) {
        let mut open = self.0.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = open.wait_for(|open| *open).await;
    }
}

/// A listener on 127.0.0.1 and its connections. All end when it is dropped.
pub(crate) struct Listener {
    addr: SocketAddr,
    connections: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Serves every connection, numbered from 1, with a task of its own.
    ///
    /// # Panics
    /// When loopback has no free port or the system no thread: no test can run then.
    pub(crate) fn start<F>(serve: impl Fn(TcpStream, usize) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .expect("loopback has a free port");
        let addr = listener
            .local_addr()
            .expect("a bound socket has an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = oneshot::channel();
        let counter = Arc::clone(&connections);
        let thread = std::thread::Builder::new()
            .name(format!("fake-{}", addr.port()))
            .spawn(move || run(listener, &counter, stopped, serve))
            .expect("the system has room for a thread");
        Listener {
            addr,
            connections,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn run<F>(
    listener: TcpListener,
    connections: &AtomicUsize,
    stopped: oneshot::Receiver<()>,
    serve: impl Fn(TcpStream, usize) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system has room for a runtime");
    runtime.block_on(async {
        let listener =
            tokio::net::TcpListener::from_std(listener).expect("the listener is non-blocking");
        let accepting = async {
            while let Ok((stream, _)) = listener.accept().await {
                // Answers are small and a test waits for each of them.
                let _ = stream.set_nodelay(true);
                let number = connections.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::spawn(serve(stream, number));
            }
        };
        tokio::select! {
            () = accepting => {}
            _ = stopped => {}
        }
    });
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of a connection's task stays in that task.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("addr", &self.addr)
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}
