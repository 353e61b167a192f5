//! Everything of a daemon that can fail before it is ready.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify_api::SocketFile;
use notify_bus::SpoolClock;
use notify_core::{OpenFor, Opened, Zone, report};

use super::clock;
use super::door::rules;
use super::lock::{self, DaemonLock};
use super::metrics::Bound;
use super::sources::{Print, Sources};
use crate::exit::{Exit, Stop};
use crate::folders::spool_in;
use crate::setup::{Ready, Setup};
use crate::spools;

/// What a daemon works with.
pub(super) struct Prepared {
    pub(super) setup: Arc<Setup>,
    /// The files as they were before they were read.
    pub(super) print: Print,
    pub(super) ready: Arc<Ready>,
    pub(super) opened: Opened,
    pub(super) clock: Arc<SpoolClock>,
    pub(super) socket: Socket,
    /// Where metrics are served, when they are.
    pub(super) metrics: Option<Bound>,
    pub(super) lock: DaemonLock,
}

/// The socket, and its file where that is ours.
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    /// Its file, and where that is.
    pub(super) own: Option<(SocketFile, PathBuf)>,
}

impl Prepared {
    /// In this order: only who holds the lock may do the rest.
    pub(super) fn new(
        setup: Setup,
        path: PathBuf,
        passed: Option<UnixListener>,
    ) -> Result<Self, Stop> {
        let path = passed.as_ref().and_then(path_of).unwrap_or(path);
        let lock = lock::acquire(&setup.state, &setup.folder, &path)?;
        let print = Sources::of(&setup.store).print();
        let ready = setup.ready(Zone::Local)?;
        let kind = spools::linked()?;
        let opened = spools::open(kind, &spool_in(&setup.state), OpenFor::Work)
            .map_err(|error| spools::stop(&error))?;
        let clock = clock::open(&setup.state);
        clock::keep(&setup.state, &clock);
        let daemon = ready.settings().daemon;
        let metrics = daemon.metrics_listen.map(Bound::at).transpose();
        let metrics = metrics.map_err(cannot_create)?;
        let socket = match passed {
            Some(listener) => Socket {
                listener,
                own: None,
            },
            None => Socket::bind(&path, rules(&daemon).access.mode())?,
        };
        tracing::info!(socket = %path.display(), state = %setup.state.display(), "the daemon starts");
        Ok(Prepared {
            setup: Arc::new(setup),
            print,
            ready: Arc::new(ready),
            opened,
            clock,
            socket,
            metrics,
            lock,
        })
    }
}

impl Socket {
    fn bind(path: &Path, mode: u32) -> Result<Self, Stop> {
        let bound = SocketFile::bind(path, mode);
        let (file, listener) = bound.map_err(|error| cannot_create(report(&error)))?;
        Ok(Socket {
            listener,
            own: Some((file, path.to_owned())),
        })
    }
}

fn path_of(listener: &UnixListener) -> Option<PathBuf> {
    let address = listener.local_addr().ok()?;
    address.as_pathname().map(Path::to_owned)
}

fn cannot_create(why: String) -> Stop {
    Stop::failed(why).with_exit(Exit::CannotCreate)
}
