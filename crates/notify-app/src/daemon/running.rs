//! A daemon at work: its tasks, begun and ended in order.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify_api::http::Health;
use notify_api::{Intake, Server, SocketFile};
use notify_bus::{Bus, Clock, SpoolClock, Trouble};
use notify_core::{Opened, SpoolError};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::door::{Door, rules};
use super::lock::DaemonLock;
use super::mail_room::MailRoom;
use super::metrics::Metrics;
use super::prepared::{Prepared, Socket};
use super::reload::{self, Reload, STATUS};
use super::{clock, service, upkeep};
use crate::exit::{Answer, Exit, Stop};
use crate::spools;

/// How long what is being taken may take when nothing more is let in.
const CLOSING: Duration = Duration::from_secs(5);
/// How long the rest may take when the worker has ended.
const FAREWELL: Duration = Duration::from_secs(5);

/// From ready to the end.
pub(super) async fn run(prepared: Prepared) -> Answer {
    let cannot = |error: io::Error| Stop::failed(format!("cannot start: {error}"));
    let asked = signal(SignalKind::hangup()).map_err(cannot)?;
    let mut ends = Ends::new().map_err(cannot)?;
    let mut running = Running::begin(prepared, asked).map_err(cannot)?;
    service::ready();
    service::status(STATUS);
    let ended = tokio::select! {
        () = ends.one() => None,
        ended = &mut running.worker => Some(ended),
    };
    service::stopping();
    tracing::info!("the daemon ends");
    tokio::select! {
        answer = running.end(ended) => answer,
        () = ends.one() => {
            tracing::warn!("the daemon ends at once: what is under way is tried again at the next start");
            Ok(Exit::Failed)
        }
    }
}

/// How the worker ended.
type Ended = Result<Result<(), SpoolError>, JoinError>;

/// What has begun.
struct Running {
    state: PathBuf,
    clock: Arc<SpoolClock>,
    /// Ends in this order: what is accepted at the last moment is in the spool.
    stops: Stops,
    /// Those that take events.
    doors: TaskTracker,
    worker: JoinHandle<Result<(), SpoolError>>,
    /// All others.
    tasks: TaskTracker,
    /// Given up when all of them have ended.
    _own: Option<SocketFile>,
    _lock: DaemonLock,
}

#[derive(Default)]
struct Stops {
    intake: CancellationToken,
    work: CancellationToken,
    rest: CancellationToken,
}

impl Running {
    fn begin(prepared: Prepared, asked: Signal) -> io::Result<Self> {
        let Prepared {
            setup,
            print,
            ready,
            opened,
            clock,
            socket: Socket { listener, own },
            metrics,
            lock,
        } = prepared;
        let state = setup.state.clone();
        let (file, path) = own.unzip();
        let faults = reload::faults(&ready, &[]);
        let stops = Stops::default();
        let by = Arc::clone(&clock) as Arc<dyn Clock>;
        let settings = ready.settings();
        let bus = Bus::new(
            &opened,
            Arc::clone(&ready.engine),
            setup.registry.clone(),
            settings.clone(),
            Arc::clone(&by),
        );
        let (in_force, follow) = watch::channel(ready);
        let (trouble, follow_trouble) = watch::channel(None);
        let door = Arc::new(Door {
            bus: bus.clone(),
            history: Arc::clone(&opened.history),
            clock: Arc::clone(&by),
            ready: follow.clone(),
            trouble: follow_trouble,
            stop: stops.intake.clone(),
            state: state.clone(),
        });
        let server = Server::new(
            Arc::clone(&door) as Arc<dyn Intake>,
            rules(&settings.daemon),
        );
        let tasks = TaskTracker::new();
        let health = door as Arc<dyn Health>;
        let metrics = Metrics::begin(health, tasks.clone(), stops.rest.clone(), metrics)?;
        let room = MailRoom {
            state: state.clone(),
            bus: bus.clone(),
            clock: by,
        };
        let doors = TaskTracker::new();
        doors.spawn(serve(
            server.clone(),
            listen(listener)?,
            stops.intake.clone(),
        ));
        doors.spawn(room.work(follow, stops.intake.clone()));
        let reload = Reload {
            setup,
            bus: bus.clone(),
            ready: in_force,
            trouble,
            also: also(server, path),
            metrics,
            print,
        };
        tasks.spawn(reload.work(asked, stops.rest.clone()));
        attend(&tasks, &bus, &opened, &clock, &state, &stops.rest);
        tasks.spawn(tell_first(bus.clone(), faults));
        Ok(Running {
            state,
            clock,
            worker: tokio::spawn(work(bus, stops.work.clone())),
            stops,
            doors,
            tasks,
            _own: file,
            _lock: lock,
        })
    }

    /// Ends all in order. Whoever does not wait for this ends it at once.
    async fn end(self, ended: Option<Ended>) -> Answer {
        self.stops.intake.cancel();
        self.doors.close();
        if timeout(CLOSING, self.doors.wait()).await.is_err() {
            tracing::warn!("what is still being taken is not waited for");
        }
        self.stops.work.cancel();
        let ended = match ended {
            Some(ended) => ended,
            None => self.worker.await,
        };
        self.stops.rest.cancel();
        self.tasks.close();
        // What is left holds nothing that could be lost.
        let _ = timeout(FAREWELL, self.tasks.wait()).await;
        clock::keep(&self.state, &self.clock);
        match ended {
            Ok(Ok(())) => Ok(Exit::Done),
            Ok(Err(error)) => Err(spools::stop(&error)),
            Err(panic) => Err(Stop::failed(format!("the worker has ended: {panic}"))),
        }
    }
}

/// What goes on beside the work.
fn attend(
    tasks: &TaskTracker,
    bus: &Bus,
    opened: &Opened,
    clock: &Arc<SpoolClock>,
    state: &Path,
    stop: &CancellationToken,
) {
    let upkeep = Arc::clone(&opened.upkeep);
    let by = Arc::clone(clock) as Arc<dyn Clock>;
    tasks.spawn(upkeep::work(upkeep, bus.clone(), by, stop.clone()));
    tasks.spawn(clock::follow(
        state.to_owned(),
        Arc::clone(clock),
        stop.clone(),
    ));
    tasks.spawn(service::pulse(bus.clone(), stop.clone()));
}

/// What follows the settings besides the bus: who may come in.
fn also(server: Server, path: Option<PathBuf>) -> reload::Also {
    Box::new(move |ready| {
        let rules = rules(&ready.settings().daemon);
        if let Some(path) = &path {
            open_to(path, rules.access.mode());
        }
        server.replace_rules(rules);
    })
}

/// The socket's file is closed to those who may do nothing.
fn open_to(path: &Path, mode: u32) {
    if let Err(error) = fs::set_permissions(path, Permissions::from_mode(mode)) {
        tracing::warn!(
            "the permissions of {} stay as they are: {error}",
            path.display()
        );
    }
}

async fn serve(server: Server, listener: tokio::net::UnixListener, stop: CancellationToken) {
    server.serve(listener, stop).await;
}

async fn work(bus: Bus, stop: CancellationToken) -> Result<(), SpoolError> {
    bus.work(stop).await
}

/// What was wrong at the start. The worker itself says what the spool said.
async fn tell_first(bus: Bus, faults: Option<Trouble>) {
    if let Some(trouble) = faults {
        bus.report(trouble).await;
    }
}

/// The listener for the runtime.
fn listen(listener: std::os::unix::net::UnixListener) -> io::Result<tokio::net::UnixListener> {
    listener.set_nonblocking(true)?;
    tokio::net::UnixListener::from_std(listener)
}

/// The signals that end it.
struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Ends {
    fn new() -> io::Result<Self> {
        Ok(Ends {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The next of them.
    async fn one(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
