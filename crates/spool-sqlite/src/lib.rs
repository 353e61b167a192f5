//! The durable spool of one host: a queue and a history in one SQLite file.
//!
//! The format of the file, what it promises and what survives what is written down in
//! `docs/concepts/spool.md`. In short:
//!
//! - One writer thread owns the only connection that writes. It joins what waits in its queue into
//!   one transaction, commits (which syncs the journal), and only then answers.
//! - A delivery is a row of `job`. A leased one has the end of its lease as its due time, so the
//!   index by due time alone finds what waits and what was abandoned.
//! - accepted = pending + delivered + dead + cancelled, for each target, at every commit.
//! - Reads have connections of their own and hold up nobody.
//!
//! ```no_run
//! use notify_core::{OpenFor, SpoolPlace};
//!
//! let place = SpoolPlace { folder: "/var/lib/notify/spool".into(), purpose: OpenFor::Work };
//! let opened = (spool_sqlite::SQLITE.open)(&place)?;
//! # Ok::<(), notify_core::SpoolError>(())
//! ```

mod attempts;
mod backup;
mod batch;
mod call;
mod claim;
mod codec;
mod connection;
mod counts;
mod decode;
mod fault;
mod folder;
mod handled;
mod history;
mod lookup;
mod open;
mod pace;
mod presence;
mod put;
mod readable;
mod readers;
mod schema;
mod settle;
mod spool;
mod steer;
mod sweep;
mod try_out;
mod upkeep;
mod verify;
mod watch;
mod writer;

use notify_core::{SpoolType, register_spool};

/// The type `sqlite`.
pub static SQLITE: SpoolType = SpoolType::new("sqlite", "One SQLite file on this host", open::open);

register_spool!(SQLITE);
