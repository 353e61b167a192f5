//! `notify daemon`: takes events, keeps them, and delivers them until they arrive.
//!
//! This module puts it together: the socket behind which the bus takes events, the
//! bus that works the spool, the watch over the configuration, the mails of the
//! drop, the upkeep of the spool, and the service manager that is told of it. Each
//! is a task of its own that ends when it is told to; [`running`] starts and ends
//! them in order.

pub(crate) mod clock;
mod door;
mod last_good;
mod lock;
mod mail_room;
mod metrics;
mod prepared;
mod reload;
mod running;
mod service;
mod sources;
mod stir;
mod upkeep;
mod users;

use std::time::Duration;

pub(crate) use self::lock::Holder;
use self::prepared::Prepared;
use self::running::run;
use crate::args::{self, Global};
use crate::exit::{Answer, Stop};
use crate::folders::Surroundings;
use crate::logs;
use crate::setup::Setup;

/// How many threads deliver. Most of the time is spent waiting for others.
const THREADS: usize = 2;

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
