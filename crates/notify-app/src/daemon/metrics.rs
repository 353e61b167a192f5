//! Where health and metrics are served. It follows the settings.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use notify_api::http::{self, Health};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A listener, and what `metrics-listen` said.
#[derive(Debug)]
pub(super) struct Bound {
    wanted: SocketAddr,
    listener: TcpListener,
}

/// Serves at one place, or nowhere.
pub(super) struct Metrics {
    health: Arc<dyn Health>,
    tasks: TaskTracker,
    stop: CancellationToken,
    place: Option<Place>,
}

struct Place {
    wanted: SocketAddr,
    address: SocketAddr,
    stop: CancellationToken,
}

impl Bound {
    /// Listens there, and serves nobody yet.
    ///
    /// # Errors
    /// In the words that people read.
    pub(super) fn at(wanted: SocketAddr) -> Result<Self, String> {
        let listener = TcpListener::bind(wanted);
        let listener = listener.map_err(|error| {
            format!("cannot listen at {wanted}, as `metrics-listen` says: {error}")
        })?;
        Ok(Bound { wanted, listener })
    }
}

impl Metrics {
    /// Serves at this place until `stop`.
    ///
    /// # Errors
    /// When the runtime cannot have the listener.
    pub(super) fn begin(
        health: Arc<dyn Health>,
        tasks: TaskTracker,
        stop: CancellationToken,
        bound: Option<Bound>,
    ) -> io::Result<Self> {
        let mut metrics = Metrics {
            health,
            tasks,
            stop,
            place: None,
        };
        metrics.place = bound.map(|bound| metrics.serve(bound)).transpose()?;
        Ok(metrics)
    }

    /// Goes where the settings say now. The new place is there before the old one is left.
    ///
    /// # Errors
    /// In the words that people read; then it stays where it was.
    pub(super) fn follow(&mut self, wanted: Option<SocketAddr>) -> Result<(), String> {
        if wanted == self.place.as_ref().map(|place| place.wanted) {
            return Ok(());
        }
        let moved = wanted.map(|wanted| {
            let bound = Bound::at(wanted)?;
            self.serve(bound).map_err(|error| error.to_string())
        });
        let place = moved.transpose().map_err(|why| match &self.place {
            Some(place) => format!("{why}; metrics are still served at {}", place.address),
            None => format!("{why}; metrics are not served"),
        })?;
        if let Some(old) = std::mem::replace(&mut self.place, place) {
            tracing::info!(address = %old.address, "health and metrics are not served there any more");
            old.stop.cancel();
        }
        Ok(())
    }

    fn serve(&self, bound: Bound) -> io::Result<Place> {
        let Bound { wanted, listener } = bound;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        tracing::info!(%address, "health and metrics are served");
        let stop = self.stop.child_token();
        let router = http::router(Arc::clone(&self.health));
        self.tasks
            .spawn(http::serve(listener, router, stop.clone()));
        Ok(Place {
            wanted,
            address,
            stop,
        })
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.place.as_ref().map(|place| place.address);
        f.debug_struct("Metrics")
            .field("address", &address)
            .finish_non_exhaustive()
    }
}
