//! Files in the state folder, which may be another user's than the one who works in it.
//!
//! Root drains mails into the folder of a daemon that is not root's. Whoever owns
//! it may put anything there at any time, so no link is followed, and what root
//! makes is the owner's.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

/// An open state folder.
#[derive(Debug)]
pub(crate) struct StateFolder {
    folder: File,
    /// Whose it is, where that is not who works here.
    owner: Option<(u32, u32)>,
}

impl StateFolder {
    /// The folder itself may be reached by a link: that is not its owner's to make.
    pub(crate) fn open(state: &Path) -> io::Result<Self> {
        let folder = File::open(state)?;
        let found = folder.metadata()?;
        let differs = rustix::process::geteuid().is_root() && found.uid() != 0;
        Ok(StateFolder {
            folder,
            owner: differs.then(|| (found.uid(), found.gid())),
        })
    }

    /// A new file in place of what is there, as the draft of a process that was killed.
    pub(crate) fn draft(&self, name: &str, mode: u32) -> io::Result<File> {
        match rustix::fs::unlinkat(&self.folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => self.create(name, mode),
            Err(error) => Err(error.into()),
        }
    }

    /// A file that stays, to be read and written. It is made when it is missing.
    ///
    /// # Errors
    /// It is a link, no file, or has a second name: then it may be anybody's.
    pub(crate) fn keep_open(&self, name: &str, mode: u32) -> io::Result<File> {
        match self.create(name, mode) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made,
        }
        // A pipe must not hold it up.
        let file = self.at(name, OFlags::RDWR | OFlags::NONBLOCK, 0)?;
        let found = file.metadata()?;
        if found.is_file() && found.nlink() == 1 {
            Ok(file)
        } else {
            Err(io::Error::other("it is not a file with this name alone"))
        }
    }

    /// Gives a file another name, in place of what has it.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.folder, from, &self.folder, to)?)
    }

    /// Makes the names in it durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.folder.sync_all()
    }

    fn create(&self, name: &str, mode: u32) -> io::Result<File> {
        let file = self.at(name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL, mode)?;
        if let Some((uid, gid)) = self.owner {
            fchown(&file, Some(uid), Some(gid))?;
        }
        Ok(file)
    }

    fn at(&self, name: &str, flags: OFlags, mode: u32) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, name, flags, Mode::from_raw_mode(mode))?;
        Ok(File::from(file))
    }
}
