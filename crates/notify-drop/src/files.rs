//! Files below an open folder: no path is resolved twice, no link is followed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Uid};
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

/// Whose everything is that is made: that of the state folder, when root works
/// in one that another user's daemon shares.
#[derive(Debug)]
pub(crate) struct Owner(Option<(Uid, Gid)>);

impl Owner {
    pub(crate) fn of(state: impl AsFd) -> rustix::io::Result<Self> {
        let found = rustix::fs::fstat(state)?;
        let differs = rustix::process::geteuid().is_root() && found.st_uid != 0;
        Ok(Owner(differs.then(|| {
            (Uid::from_raw(found.st_uid), Gid::from_raw(found.st_gid))
        })))
    }

    /// Whether a file is one that root made for itself, which the owner may not open.
    pub(crate) fn is_shut_out(&self, file: impl AsFd) -> rustix::io::Result<bool> {
        Ok(self.0.is_some() && rustix::fs::fstat(file)?.st_uid == 0)
    }

    /// Only for what is certainly new: it might be anybody's, else.
    fn take(&self, new: impl AsFd) -> rustix::io::Result<()> {
        match self.0 {
            Some((uid, gid)) => rustix::fs::fchown(new, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }
}

/// A folder in an open one, itself no link.
pub(crate) fn subfolder(folder: impl AsFd, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty())
}

/// The same, made when it is missing. One that root made before is the owner's from now on.
pub(crate) fn make_folder(
    folder: impl AsFd,
    name: &str,
    owner: &Owner,
) -> rustix::io::Result<OwnedFd> {
    match rustix::fs::mkdirat(&folder, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error),
    }
    let made = subfolder(folder, name)?;
    if owner.is_shut_out(&made)? {
        owner.take(&made)?;
    }
    Ok(made)
}

/// A new file in place of what is there, as the draft of a process that was killed.
pub(crate) fn draft(folder: impl AsFd, name: &str, owner: &Owner) -> rustix::io::Result<File> {
    remove(&folder, name)?;
    let file = create(folder, name)?;
    owner.take(&file)?;
    Ok(file)
}

/// A file that stays and is made when it is missing, to be locked.
pub(crate) fn keep_open(folder: impl AsFd, name: &str, owner: &Owner) -> rustix::io::Result<File> {
    match create(&folder, name) {
        Ok(new) => {
            owner.take(&new)?;
            Ok(new)
        }
        Err(Errno::EXIST) => open(folder, name),
        Err(error) => Err(error),
    }
}

/// A file of one name, to be read.
pub(crate) fn open_ours(folder: impl AsFd, name: &str) -> io::Result<File> {
    let file = open(folder, name)?;
    let about = rustix::fs::fstat(&file)?;
    let is_file = FileType::from_raw_mode(about.st_mode) == FileType::RegularFile;
    if is_file && about.st_nlink == 1 {
        Ok(file)
    } else {
        Err(io::Error::other(format!("{name} is not a file of its own")))
    }
}

/// What stands under a name.
pub(crate) fn look(folder: impl AsFd, name: &OsStr) -> rustix::io::Result<Stat> {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// The names in a folder.
pub(crate) fn names(folder: impl AsFd) -> rustix::io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

/// Removes a name; one that is gone already is fine.
pub(crate) fn remove(
    folder: impl AsFd,
    name: &(impl AsRef<OsStr> + ?Sized),
) -> rustix::io::Result<()> {
    match rustix::fs::unlinkat(folder, name.as_ref(), AtFlags::empty()) {
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

/// What is said when there is no room.
pub(crate) const NO_ROOM: &str = "its file system has less than 128 MiB or 1000 files left";

/// Whether there is room for mails on the file system of a folder.
pub(crate) fn has_room(folder: impl AsFd) -> rustix::io::Result<bool> {
    // `fstatvfs` on an O_PATH descriptor works since Linux 3.12.
    let found = rustix::fs::fstatvfs(folder)?;
    let bytes = found.f_bavail.saturating_mul(found.f_frsize);
    // Some file systems count no files.
    let files = found.f_files == 0 || found.f_favail >= FILES;
    Ok(bytes >= RESERVE && files)
}
