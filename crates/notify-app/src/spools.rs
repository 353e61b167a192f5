//! The spool of a daemon, in the folder where that has it.

use std::path::Path;

use notify_core::{OpenFor, Opened, SpoolError, SpoolPlace, SpoolType};

pub(crate) use crate::seeing::store::{kind as linked, stop};

/// Opens the spool in a folder for this.
pub(crate) fn open(
    kind: &SpoolType,
    folder: &Path,
    purpose: OpenFor,
) -> Result<Opened, SpoolError> {
    (kind.open)(&SpoolPlace {
        folder: folder.to_owned(),
        purpose,
    })
}
