//! The chaos harness: whether what was accepted arrives, whatever happens meanwhile.
//!
//! An oracle sends numbered events from several processes and notes
//! what it is told. Receivers count what comes and misbehave. The daemon
//! is killed again and again, at random moments and at named places in the code,
//! while the disk is full, the database locked, the clock set and the
//! configuration broken. In the end all is well again, everything that is
//! pending arrives, and a verdict compares what the oracle knows, what
//! the spool says and what the receivers have.
//!
//! What is done follows from a seed ([`Plan`]). What exactly a kill hits does not:
//! two runs of one seed are the same attack, and not the same schedule.

mod daemon;
mod dice;
mod disk;
mod ledger;
mod life;
mod mails;
mod mood;
mod oracle;
mod plan;
mod process;
mod record;
mod report;
mod run;
mod sink;
mod stage;
mod verdict;

pub use disk::{ground, with_own_mounts};
pub use plan::Plan;
pub use report::Report;
pub use run::{Options, run};
pub use verdict::Broken;
