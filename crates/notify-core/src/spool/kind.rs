//! What describes a type of spool.

use std::path::PathBuf;
use std::sync::Arc;

use crate::spool::{History, Spool, SpoolError, Upkeep};

/// A type of spool: what a plugin says of itself.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SpoolType {
    /// Its name in settings, as `sqlite`.
    pub name: &'static str,
    /// The name that people see.
    pub title: &'static str,
    /// Opens one. May take as long as a disk does.
    pub open: fn(&SpoolPlace) -> Result<Opened, SpoolError>,
}

/// Where a spool is and what for it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolPlace {
    /// The folder that holds it and nothing else.
    pub folder: PathBuf,
    /// What for.
    pub purpose: OpenFor,
}

/// What a spool is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenFor {
    /// To work it: it is made when it is missing, migrated when it is old, and set aside under a
    /// dated name when it is damaged.
    Work,
    /// To put events, to revive and to cancel: it must be there.
    Write,
    /// To look at it: it must be there, and is not changed.
    Read,
}

/// An open spool.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The queue.
    pub spool: Arc<dyn Spool>,
    /// The record.
    pub history: Arc<dyn History>,
    /// Check, copy, sweep.
    pub upkeep: Arc<dyn Upkeep>,
    /// What a person must hear of, as a damaged spool that was set aside.
    pub alarms: Vec<String>,
}

impl SpoolType {
    /// A type with this name.
    pub const fn new(
        name: &'static str,
        title: &'static str,
        open: fn(&SpoolPlace) -> Result<Opened, SpoolError>,
    ) -> Self {
        SpoolType { name, title, open }
    }

    /// All types that are linked into this program, sorted by name.
    pub fn linked() -> Vec<&'static SpoolType> {
        let mut types: Vec<_> = inventory::iter::<Linked>().map(|linked| linked.0).collect();
        types.sort_by_key(|known| known.name);
        types
    }
}

/// A linked spool type. Made by [`register_spool!`](crate::register_spool).
#[doc(hidden)]
#[derive(Debug)]
pub struct Linked(pub &'static SpoolType);

inventory::collect!(Linked);

/// Registers a `static` [`SpoolType`], so that [`SpoolType::linked`] finds it.
#[macro_export]
macro_rules! register_spool {
    ($spool_type:path) => {
        $crate::export::inventory::submit! { $crate::LinkedSpool(&$spool_type) }
    };
}
