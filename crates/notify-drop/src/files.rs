//! Files below an open folder: no path is resolved twice, no link is followed.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

/// A folder to work in, itself no link. Those without the right to list it can do so, too.
pub(crate) fn folder(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
}

/// A new file of its owner alone.
pub(crate) fn create(folder: impl AsFd, name: &str) -> rustix::io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    rustix::fs::openat(folder, name, flags, mode).map(File::from)
}

/// A file as it is found: a link is refused, and a pipe or a lease does not block.
pub(crate) fn open(folder: impl AsFd, name: &str) -> rustix::io::Result<File> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty()).map(File::from)
}

/// Removes a name; one that is gone already is fine.
pub(crate) fn remove(folder: impl AsFd, name: &str) -> rustix::io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

/// Makes the name that `file` was just given in a folder durable.
///
/// Who may not list the folder cannot open it to sync it. Then the file is
/// synced once more: a rename changes the file's own time of change, too, and
/// ext4, xfs, btrfs, f2fs and ZFS write both in one transaction, or log the new
/// name with the file. `syncfs` would be certain everywhere, and would make each
/// mail wait for everything else that a busy host has not written out yet.
pub(crate) fn sync_name(folder: impl AsFd, file: &File) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::openat(folder, ".", flags, Mode::empty()) {
        Ok(folder) => Ok(rustix::fs::fsync(folder)?),
        Err(Errno::ACCESS | Errno::PERM) => file.sync_all(),
        Err(error) => Err(error.into()),
    }
}

/// What a file system must keep free, in bytes, when a mail is taken.
const RESERVE: u64 = 128 << 20;
/// How many more files it must be able to hold.
const FILES: u64 = 1000;

/// Whether there is room for mails on the file system of a folder.
pub(crate) fn has_room(folder: impl AsFd) -> rustix::io::Result<bool> {
    // `fstatvfs` on an O_PATH descriptor works since Linux 3.12.
    let found = rustix::fs::fstatvfs(folder)?;
    let bytes = found.f_bavail.saturating_mul(found.f_frsize);
    // Some file systems count no files.
    let files = found.f_files == 0 || found.f_favail >= FILES;
    Ok(bytes >= RESERVE && files)
}
