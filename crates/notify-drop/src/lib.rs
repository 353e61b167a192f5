//! The mail drop: a folder where anybody may leave a mail for root, and the
//! queue into which root takes it.
//!
//! Mail for root is handed to a program that runs as nobody and may read no
//! configuration. It leaves the mail in a [`MailDrop`] and is done. Later root
//! takes it, with [`MailDrop::collect`], into its own [`Queue`], from which it
//! is removed only when it has arrived or is given up for a reason.
//!
//! Everything in the drop may have been put there by an enemy, so what is taken
//! is a regular file with one name, copied up to a bound. Both folders are
//! bounded. `docs/concepts/mail-drop.md` has the format, the invariants and the
//! threats.
//!
//! This crate reads no mail, knows no target and asks no clock.

mod collect;
mod error;
mod files;
mod leave;
mod mail_drop;
mod make;
mod name;
mod progress;
mod queue;
mod seen;

pub use collect::{Collected, Oddity};
pub use error::{DropError, DropErrorKind};
pub use leave::{Bounds, Left};
pub use mail_drop::MailDrop;
pub use make::{Made, make, unmake};
pub use progress::{Arrival, Progress, Wait};
pub use queue::{Queue, QueueLock, Queued};
