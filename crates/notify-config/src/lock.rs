//! One writer at a time, also beside Proxmox VE itself.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, FlockOperation, Timespec, Timestamps};

use crate::clock::Clock;
use crate::error::{StoreError, StoreErrorKind};

/// How long a lock is waited for; pve-cluster's default.
const PATIENCE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(50);

/// After this time without renewal pmxcfs takes a lock for abandoned.
const STALE: Duration = Duration::from_secs(120);

/// The locks of Proxmox VE, in the order in which it takes them.
const PVE_LOCKS: [&str; 2] = ["file-notifications_cfg", "file-priv_notifications_cfg"];

/// A held lock; it ends when this goes.
#[derive(Debug)]
pub(crate) struct Lock {
    /// Folders to remove, in the order in which they were made.
    folders: Vec<PathBuf>,
    /// The system releases it when the folder is closed, also after kill -9.
    _folder: Option<File>,
}

/// Where Proxmox VE's locks are; none in a folder that is not one of its own.
pub(crate) fn pve_locks(folder: &Path) -> Option<PathBuf> {
    let locks = folder.join("priv/lock");
    locks.is_dir().then_some(locks)
}

impl Lock {
    /// Waits up to 10 s for the lock on a configuration folder.
    ///
    /// It is `flock` on the folder, which leaves no file behind, and in a folder of
    /// Proxmox VE its own pair of cluster-wide locks besides.
    pub(crate) fn acquire(folder: &Path, clock: &dyn Clock) -> Result<Lock, StoreError> {
        let pve = pve_locks(folder);
        let mut lock = Lock {
            folders: Vec::new(),
            _folder: flock(folder, pve.is_some(), clock)?,
        };
        for name in PVE_LOCKS.iter().take_while(|_| pve.is_some()) {
            let path = pve.as_deref().unwrap_or(folder).join(name);
            make_folder(&path, clock)?;
            lock.folders.push(path);
        }
        Ok(lock)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        for folder in self.folders.iter().rev() {
            // One that was taken for abandoned is gone already.
            let _ = fs::remove_dir(folder);
        }
    }
}

fn flock(folder: &Path, pve: bool, clock: &dyn Clock) -> Result<Option<File>, StoreError> {
    let opened = File::open(folder).map_err(|error| cannot_lock(folder, error))?;
    let mut waited = Duration::ZERO;
    loop {
        match rustix::fs::flock(&opened, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(opened)),
            Err(rustix::io::Errno::WOULDBLOCK) if waited >= PATIENCE => return Err(held(folder)),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                clock.wait(STEP);
                waited += STEP;
            }
            Err(rustix::io::Errno::INTR) => {}
            // A file system of a cluster need not have it; its own locks follow.
            Err(_) if pve => return Ok(None),
            Err(error) => return Err(cannot_lock(folder, error.into())),
        }
    }
}

fn make_folder(path: &Path, clock: &dyn Clock) -> Result<(), StoreError> {
    let mut waited = Duration::ZERO;
    loop {
        match fs::create_dir(path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(cannot_lock(path, error));
            }
            Err(_) if is_abandoned(path, clock) && break_open(path) => {}
            Err(_) if waited >= PATIENCE => return Err(held(path)),
            Err(_) => {
                clock.wait(STEP);
                waited += STEP;
            }
        }
    }
}

fn is_abandoned(path: &Path, clock: &dyn Clock) -> bool {
    let made = fs::metadata(path).and_then(|metadata| metadata.modified());
    made.is_ok_and(|made| {
        clock
            .now()
            .duration_since(made)
            .is_ok_and(|age| age > STALE)
    })
}

/// Whether it is worth trying again at once.
fn break_open(path: &Path) -> bool {
    // pmxcfs answers a time of 0 by releasing the lock, if by its own clock it is abandoned.
    let zero = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    if is_fuse(path) {
        let times = Timestamps {
            last_access: zero,
            last_modification: zero,
        };
        let _ = rustix::fs::utimensat(CWD, path, &times, AtFlags::empty());
        return !path.exists();
    }
    fs::remove_dir(path).is_ok()
}

fn is_fuse(path: &Path) -> bool {
    const FUSE: u64 = 0x6573_5546;
    rustix::fs::statfs(path).is_ok_and(|stat| stat.f_type as u64 == FUSE)
}

fn held(path: &Path) -> StoreError {
    let message = format!(
        "locked by another program for {} s: {}",
        PATIENCE.as_secs(),
        path.display()
    );
    StoreError::new(StoreErrorKind::Locked, message).with_hint("try again later")
}

fn cannot_lock(path: &Path, error: io::Error) -> StoreError {
    StoreError::io(format!("cannot lock {}", path.display()), error)
}
