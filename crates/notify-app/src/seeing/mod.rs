//! The commands that look into the spool, and those that change what waits there.
//!
//! They read the store itself, so they work whether or not a daemon runs; who
//! may read it is decided by the permissions of its files. Each file is a
//! command; [`store`] opens the spool for all of them, [`name`] finds the event
//! that a person means, [`trace`] reads the decision as it was stored, and
//! [`shapes`] and [`view`] are what answers are made of.

pub(crate) mod args;
mod audit;
mod change;
mod explain;
#[cfg(test)]
mod fixtures;
mod history;
mod known;
mod name;
mod next;
mod observer;
mod progress;
mod queue;
mod running;
mod shapes;
mod show;
mod standing;
mod status;
pub(crate) mod store;
pub(crate) mod trace;
mod upkeep;
mod view;
mod watch;

pub(crate) use audit::audit;
pub(crate) use change::{drop, retry};
pub(crate) use explain::explain;
pub(crate) use history::history;
pub(crate) use queue::queue;
pub(crate) use show::show;
pub(crate) use status::status;
pub(crate) use upkeep::spool;
pub(crate) use watch::watch;
