//! Makes the folder of the drop, and removes it.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, fchown};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::{DropError, DropErrorKind};

/// Everybody may put something there and enter; only the owner may list it, and
/// only the owner of a file may remove it.
const DROP_MODE: u32 = 0o1733;
/// Everybody may pass through; only root may list it.
const STATE_MODE: u32 = 0o711;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// There was none.
    New,
    /// It was there with other permissions or another owner.
    Mended,
    /// It was there as it should be.
    Unchanged,
}

/// Makes a drop that belongs to this user, who should be root.
///
/// Gives everybody the right to pass through the folder above it, the state folder.
///
/// # Errors
/// `Unsafe` when something else is in its place, `Io` when it cannot be made.
pub fn make(drop: &Path) -> Result<Made, DropError> {
    let cannot = |error| {
        DropError::io(
            format!("cannot make the mail drop {}", drop.display()),
            error,
        )
    };
    if let Some(state) = drop.parent() {
        passable(state).map_err(cannot)?;
    }
    let new = match DirBuilder::new().mode(0o700).create(drop) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(cannot(error)),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::open(drop, flags, Mode::empty()).map_err(|error| {
        let message = format!("{} is not a folder", drop.display());
        match error {
            rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP => {
                DropError::new(DropErrorKind::Unsafe, message)
            }
            other => cannot(other.into()),
        }
    })?;
    let folder = File::from(folder);
    let found = folder.metadata().map_err(cannot)?;
    let own = (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    let as_it_should = (found.uid(), found.gid()) == own && found.mode() & 0o7777 == DROP_MODE;
    if !as_it_should {
        fchown(&folder, Some(own.0), Some(own.1)).map_err(cannot)?;
        folder
            .set_permissions(fs::Permissions::from_mode(DROP_MODE))
            .map_err(cannot)?;
    }
    Ok(match (new, as_it_should) {
        (true, _) => Made::New,
        (false, false) => Made::Mended,
        (false, true) => Made::Unchanged,
    })
}

/// Makes the state folder if it is missing, and adds the right to pass through it.
fn passable(state: &Path) -> io::Result<()> {
    if let Some(above) = state.parent() {
        fs::create_dir_all(above)?;
    }
    match DirBuilder::new().mode(STATE_MODE).create(state) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let mode = fs::metadata(state)?.mode() & 0o7777;
    if mode & 0o011 != 0o011 {
        fs::set_permissions(state, fs::Permissions::from_mode(mode | 0o011))?;
    }
    Ok(())
}

/// Removes an empty drop. False when something lies there, and it stays.
///
/// # Errors
/// `Io` when it cannot be removed.
pub fn unmake(drop: &Path) -> Result<bool, DropError> {
    match fs::remove_dir(drop) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(error) => Err(DropError::io(
            format!("cannot remove the mail drop {}", drop.display()),
            error,
        )),
    }
}
