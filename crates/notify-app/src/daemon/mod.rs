//! `notify daemon`: takes events, keeps them, and delivers them until they arrive.
//!
//! This module puts it together: the socket behind which the bus takes events, the
//! bus that works the spool, the watch over the configuration, the mails of the
//! drop, the upkeep of the spool, and the service manager that is told of it. Each
//! is a task of its own that ends when it is told to; [`run`] starts and ends them
//! in order.

pub(crate) mod clock;
mod door;
mod last_good;
mod lock;
mod mail_room;
mod reload;
mod service;
mod sources;
mod stir;
mod upkeep;
mod users;

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify_api::{Intake, Server, SocketFile, http};
use notify_bus::{Bus, Clock, SpoolClock, Trouble};
use notify_core::{OpenFor, Opened, Zone, report};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::door::{Door, rules};
pub(crate) use self::lock::Holder;
use self::mail_room::MailRoom;
use self::reload::{Reload, STATUS};
use self::sources::{Print, Sources};
use crate::args::{self, Global};
use crate::exit::{Answer, Exit, Stop};
use crate::folders::{Surroundings, spool_in};
use crate::setup::{Ready, Setup};
use crate::{logs, spools};

/// How many threads deliver. Most of the time is spent waiting for others.
const THREADS: usize = 2;
/// How often it is looked whether the wall clock was set.
const CLOCK_LOOK: Duration = Duration::from_secs(60);
/// How long what is being taken may take when nothing more is let in.
const CLOSING: Duration = Duration::from_secs(5);
/// How long the rest may take when the worker has ended.
const FAREWELL: Duration = Duration::from_secs(5);

/// `notify daemon`.
pub(crate) fn daemon(global: &Global, args: &args::Daemon) -> Answer {
    logs::start(args.log_format, global)?;
    // Before there are other threads: it changes the environment.
    let passed = service::listener()?;
    let surroundings = Surroundings::of_process(global.config_dir.clone());
    let named = args.socket.clone();
    let socket = named.unwrap_or_else(|| surroundings.socket());
    let setup = Setup::new(global)?.with_private_file(service::private_file());
    let prepared = Prepared::new(setup, socket, passed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(|error| Stop::failed(format!("cannot start: {error}")))?;
    let answer = runtime.block_on(run(prepared));
    // What hangs in a call of the system is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    answer
}

/// Everything that can fail before it is ready.
struct Prepared {
    setup: Arc<Setup>,
    print: Print,
    ready: Arc<Ready>,
    opened: Opened,
    clock: Arc<SpoolClock>,
    socket: Socket,
    /// Where metrics are served, when they are.
    metrics: Option<TcpListener>,
    _lock: lock::DaemonLock,
}

/// The socket, and its file where that is ours.
struct Socket {
    listener: UnixListener,
    /// Its file, and where that is.
    own: Option<(SocketFile, PathBuf)>,
}

impl Prepared {
    fn new(setup: Setup, path: PathBuf, passed: Option<UnixListener>) -> Result<Self, Stop> {
        let path = passed
            .as_ref()
            .and_then(|listener| {
                listener
                    .local_addr()
                    .ok()?
                    .as_pathname()
                    .map(Path::to_owned)
            })
            .unwrap_or(path);
        let lock = lock::acquire(&setup.state, &setup.folder, &path)?;
        let print = Sources::of(&setup.store).print();
        let ready = setup.ready(Zone::Local)?;
        let kind = spools::linked()?;
        let opened = spools::open(kind, &spool_in(&setup.state), OpenFor::Work)
            .map_err(|error| spools::stop(&error))?;
        let clock = clock::open(&setup.state);
        keep(&setup.state, &clock);
        let settings = ready.settings();
        let metrics = settings
            .daemon
            .metrics_listen
            .map(TcpListener::bind)
            .transpose();
        let metrics = metrics.map_err(|error| {
            Stop::failed(format!("cannot listen as `metrics-listen` says: {error}"))
                .with_exit(Exit::CannotCreate)
        })?;
        let mode = rules(&settings.daemon).access.mode();
        let socket = match passed {
            Some(listener) => Socket {
                listener,
                own: None,
            },
            None => {
                let (file, listener) = SocketFile::bind(&path, mode)
                    .map_err(|error| Stop::failed(report(&error)).with_exit(Exit::CannotCreate))?;
                Socket {
                    listener,
                    own: Some((file, path.clone())),
                }
            }
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
            _lock: lock,
        })
    }
}

/// From ready to the end.
async fn run(prepared: Prepared) -> Answer {
    let Prepared {
        setup,
        print,
        ready,
        opened,
        clock,
        socket: Socket { listener, own },
        metrics,
        _lock,
    } = prepared;
    let cannot = |error: std::io::Error| Stop::failed(format!("cannot start: {error}"));
    let asked = signal(SignalKind::hangup()).map_err(cannot)?;
    let mut ends = Ends::new().map_err(cannot)?;
    let listener = listen(listener).map_err(cannot)?;
    let metrics = listen_tcp(metrics).map_err(cannot)?;
    let settings = ready.settings();
    let bus = Bus::new(
        &opened,
        Arc::clone(&ready.engine),
        setup.registry.clone(),
        settings.clone(),
        Arc::clone(&clock) as Arc<dyn Clock>,
    );
    let faults = reload::faults(&ready, &[]);
    let (in_force, follow) = watch::channel(ready);
    let (trouble, follow_trouble) = watch::channel(None);
    // The intake ends before the worker: what is accepted at the last moment is in the spool.
    let (intake, rest) = (CancellationToken::new(), CancellationToken::new());
    let door = Arc::new(Door {
        bus: bus.clone(),
        history: Arc::clone(&opened.history),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ready: follow.clone(),
        trouble: follow_trouble,
        stop: intake.clone(),
        state: setup.state.clone(),
    });
    let server = Server::new(
        Arc::clone(&door) as Arc<dyn Intake>,
        rules(&settings.daemon),
    );
    let doors = TaskTracker::new();
    let tasks = TaskTracker::new();
    doors.spawn({
        let (server, stop) = (server.clone(), intake.clone());
        async move { server.serve(listener, stop).await }
    });
    let room = MailRoom {
        state: setup.state.clone(),
        bus: bus.clone(),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
    };
    doors.spawn(room.work(follow, intake.clone()));
    if let Some(listener) = metrics {
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "health and metrics are served");
        }
        let router = http::router(door);
        tasks.spawn(http::serve(listener, router, rest.clone()));
    }
    let own_path = own.as_ref().map(|(_, path)| path.clone());
    let reload = Reload {
        setup: Arc::clone(&setup),
        bus: bus.clone(),
        ready: in_force,
        trouble,
        also: Box::new(move |ready| {
            let rules = rules(&ready.settings().daemon);
            if let Some(path) = &own_path {
                open_to(path, rules.access.mode());
            }
            server.replace_rules(rules);
        }),
        print,
    };
    tasks.spawn(reload.work(asked, rest.clone()));
    let upkeep = Arc::clone(&opened.upkeep);
    let by = Arc::clone(&clock) as Arc<dyn Clock>;
    tasks.spawn(upkeep::work(upkeep, bus.clone(), by, rest.clone()));
    tasks.spawn(keep_clock(
        setup.state.clone(),
        Arc::clone(&clock),
        rest.clone(),
    ));
    tasks.spawn(pulse(bus.clone(), rest.clone()));
    tasks.spawn(tell_first(bus.clone(), faults));
    let work = CancellationToken::new();
    let mut worker = tokio::spawn({
        let (bus, stop) = (bus.clone(), work.clone());
        async move { bus.work(stop).await }
    });
    service::ready();
    service::status(STATUS);
    let ended = tokio::select! {
        () = ends.one() => None,
        ended = &mut worker => Some(ended),
    };
    service::stopping();
    tracing::info!("the daemon ends");
    intake.cancel();
    doors.close();
    let graceful = async {
        if timeout(CLOSING, doors.wait()).await.is_err() {
            tracing::warn!("what is still being taken is not waited for");
        }
        work.cancel();
        let ended = match ended {
            Some(ended) => ended,
            None => worker.await,
        };
        rest.cancel();
        tasks.close();
        // What is left holds nothing that could be lost.
        let _ = timeout(FAREWELL, tasks.wait()).await;
        ended
    };
    let ended = tokio::select! {
        ended = graceful => ended,
        () = ends.one() => {
            tracing::warn!("the daemon ends at once: what is under way is tried again at the next start");
            return Ok(Exit::Failed);
        }
    };
    keep(&setup.state, &clock);
    match ended {
        Ok(Ok(())) => Ok(Exit::Done),
        Ok(Err(error)) => Err(spools::stop(&error)),
        Err(panic) => Err(Stop::failed(format!("the worker has ended: {panic}"))),
    }
}

/// What was wrong at the start. The worker itself says what the spool said.
async fn tell_first(bus: Bus, faults: Option<Trouble>) {
    if let Some(trouble) = faults {
        bus.report(trouble).await;
    }
}

/// The listener for the runtime.
fn listen(listener: UnixListener) -> std::io::Result<tokio::net::UnixListener> {
    listener.set_nonblocking(true)?;
    tokio::net::UnixListener::from_std(listener)
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

/// The listener for metrics, for the runtime.
fn listen_tcp(listener: Option<TcpListener>) -> std::io::Result<Option<tokio::net::TcpListener>> {
    let listener = listener.map(|listener| {
        listener.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(listener)
    });
    listener.transpose()
}

/// The signals that end it.
struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Ends {
    fn new() -> std::io::Result<Self> {
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

/// Says that it is well, as often as the service manager wants to hear it, and as long as the
/// worker answers.
async fn pulse(bus: Bus, stop: CancellationToken) {
    let Some(pulse) = service::pulse() else {
        return;
    };
    let mut beat = interval(pulse);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        // Without an answer no word: the service manager then starts it anew.
        if timeout(pulse, bus.answers()).await.is_ok() {
            service::alive();
        }
    }
}

/// Keeps the correction of the clock when it has changed.
async fn keep_clock(state: PathBuf, clock: Arc<SpoolClock>, stop: CancellationToken) {
    let mut beat = interval(CLOCK_LOOK);
    let mut kept = clock.kept().correction_ms;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        let now = clock.kept().correction_ms;
        if now != kept {
            tracing::warn!("the wall clock was set: it is {now} ms ahead of the time that passed");
            keep(&state, &clock);
            kept = now;
        }
    }
}

fn keep(state: &Path, clock: &SpoolClock) {
    if let Err(error) = clock::keep(state, clock) {
        tracing::warn!("the time cannot be kept in {}: {error}", state.display());
    }
}
