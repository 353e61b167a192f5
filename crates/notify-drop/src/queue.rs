//! Root's own queue: mails that were taken and have not arrived everywhere.
//!
//! `ID.mail` is a mail, `ID.json` beside it the [`Progress`]. The second is
//! written first, so a mail without it is one whose progress was lost.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use notify_core::EventId;
use rustix::fs::{FileType, FlockOperation, Stat};
use rustix::io::Errno;

use crate::files::{self, Owner};
use crate::{Arrival, Bounds, DropError, DropErrorKind, Progress};

/// The most mails in the queue; more stay where they come from.
const MOST: usize = 1000;
/// The most mails that are kept although no target took them.
const MOST_FAILED: usize = 200;
/// The most files and folders that are kept because they were not taken from the drop.
pub(crate) const MOST_REFUSED: usize = 100;

const FAILED: &str = "failed";
const REFUSED: &str = "refused";
const LOCK: &str = "lock";

/// An open queue.
///
/// Root works in it, too, and the state folder may be another user's. So no name
/// in it is resolved by its path, and no link is followed.
#[derive(Debug)]
pub struct Queue {
    path: PathBuf,
    folder: OwnedFd,
    owner: Owner,
}

/// A mail in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// The id of its event, the same in every attempt.
    pub id: EventId,
    /// What became of it so far.
    pub progress: Progress,
}

/// The only process that may empty the queue, as long as it lives.
#[derive(Debug)]
pub struct QueueLock {
    _file: File,
    /// What was locked in its place before.
    _before: Option<File>,
}

impl Queue {
    /// Opens the queue in a state folder, and makes it if it is missing.
    ///
    /// # Errors
    /// `Io` when it cannot be made, as for everybody but the owner of the state folder.
    pub fn open(state: &Path) -> Result<Self, DropError> {
        let path = state.join("mail");
        let cannot = |error: io::Error| {
            DropError::io(format!("cannot make the queue {}", path.display()), error)
        };
        fs::create_dir_all(state).map_err(cannot)?;
        let state = File::open(state).map_err(cannot)?;
        let owner = Owner::of(&state).map_err(|error| cannot(error.into()))?;
        let folder = files::make_folder(&state, "mail", &owner);
        let folder = folder.map_err(|error| cannot(error.into()))?;
        for name in [FAILED, REFUSED] {
            files::make_folder(&folder, name, &owner).map_err(|error| cannot(error.into()))?;
        }
        Ok(Queue {
            path,
            folder,
            owner,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where mails are kept that no target took.
    pub fn failed(&self) -> PathBuf {
        self.path.join(FAILED)
    }

    /// The folder of files that were not taken from the drop.
    pub(crate) fn refused(&self) -> rustix::io::Result<OwnedFd> {
        files::subfolder(&self.folder, REFUSED)
    }

    /// A file of the queue, when it is there and is one.
    pub(crate) fn bytes(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        files::open_ours(&self.folder, name)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes a file of the queue as a whole, or leaves it as it is.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let temp = format!("{name}.temp");
        let mut file = files::draft(&self.folder, &temp, &self.owner)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        self.rename(&temp, name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.folder, from, &self.folder, to)?)
    }

    /// Removes a file of the queue, which need not be there.
    pub(crate) fn discard(&self, name: &str) -> io::Result<()> {
        Ok(files::remove(&self.folder, name)?)
    }

    /// Removes the oldest of the refused, so that one more is within the bound.
    ///
    /// What cannot be removed stays and the bound gives way: the drop must not be
    /// closed by what was put into it.
    pub(crate) fn make_room_for_refused(&self) {
        let Ok(refused) = self.refused() else {
            return;
        };
        let names = files::names(&refused).unwrap_or_default();
        let mut kept: Vec<_> = names
            .into_iter()
            .filter_map(|name| {
                let about = files::look(&refused, &name).ok()?;
                // The time at which it was moved here.
                let moved = (about.st_ctime, about.st_ctime_nsec);
                let is_folder = FileType::from_raw_mode(about.st_mode) == FileType::Directory;
                Some((moved, is_folder, name))
            })
            .collect();
        kept.sort_unstable();
        let surplus = (kept.len() + 1).saturating_sub(MOST_REFUSED);
        for (_, is_folder, name) in kept.into_iter().take(surplus) {
            if is_folder {
                // The way there goes by the open folder, whatever has its name by now.
                let opened = format!("/proc/self/fd/{}", refused.as_raw_fd());
                let _ = fs::remove_dir_all(Path::new(&opened).join(name));
            } else {
                let _ = files::remove(&refused, &name);
            }
        }
    }

    /// Becomes the only process that empties it.
    ///
    /// # Errors
    /// `Busy` when another one is.
    pub fn lock(&self) -> Result<QueueLock, DropError> {
        let found = self.locked()?;
        let is_foreign = self.owner.is_shut_out(&found);
        if !is_foreign.map_err(|error| self.cannot("lock", error))? {
            return Ok(QueueLock {
                _file: found,
                _before: None,
            });
        }
        // Not given away: whoever owns the folder may have moved any file here. The one before is
        // held on to, for those who have opened it by now.
        files::remove(&self.folder, LOCK).map_err(|error| self.cannot("lock", error))?;
        Ok(QueueLock {
            _file: self.locked()?,
            _before: Some(found),
        })
    }

    fn locked(&self) -> Result<File, DropError> {
        let file = files::keep_open(&self.folder, LOCK, &self.owner);
        let file = file.map_err(|error| self.cannot("lock", error))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(DropError::new(
                DropErrorKind::Busy,
                format!("another process is at the queue {}", self.path.display()),
            )),
            Err(error) => Err(self.cannot("lock", error)),
        }
    }

    /// Puts a mail into the queue. When this returns, it survives a power loss.
    ///
    /// One that is there already stays as it is. Gives the bytes that were kept.
    ///
    /// # Errors
    /// `Full` or `NoSpace` when there is no room. The queue is as before, then.
    pub fn put(
        &self,
        id: EventId,
        mail: &mut dyn Read,
        progress: &Progress,
        bounds: Bounds,
    ) -> Result<u64, DropError> {
        if let Ok(found) = self.look(&mail_name(id)) {
            return Ok(u64::try_from(found.st_size).unwrap_or(0));
        }
        self.check_room()?;
        let mut progress = progress.clone();
        let temp = format!("{id}.temp");
        let kept = self.fill(&temp, mail, bounds, &mut progress.arrival.cut);
        let put = kept.and_then(|kept| {
            self.record(id, &progress)?;
            self.rename(&temp, &mail_name(id))
                .map_err(|error| self.cannot("write to", error))?;
            self.sync()?;
            Ok(kept)
        });
        if put.is_err() {
            let _ = self.discard(&temp);
            let _ = self.discard(&notes_name(id));
        }
        put
    }

    fn fill(
        &self,
        temp: &str,
        mail: &mut dyn Read,
        bounds: Bounds,
        cut: &mut bool,
    ) -> Result<u64, DropError> {
        let cannot = |error| self.cannot("write to", error);
        let draft = files::draft(&self.folder, temp, &self.owner);
        let mut file = draft.map_err(|error| self.cannot("write to", error))?;
        let kept = io::copy(&mut mail.take(bounds.bytes), &mut file).map_err(cannot)?;
        *cut |= kept == bounds.bytes && mail.read(&mut [0]).is_ok_and(|more| more > 0);
        file.sync_all().map_err(cannot)?;
        Ok(kept)
    }

    /// Whether one more mail may be put there.
    fn check_room(&self) -> Result<(), DropError> {
        let full = |kind, why: &str| {
            let message = format!("the queue {} is full: {why}", self.path.display());
            Err(DropError::new(kind, message))
        };
        match files::has_room(&self.folder) {
            Err(error) => return Err(self.cannot("look at", error)),
            Ok(false) => return full(DropErrorKind::NoSpace, files::NO_ROOM),
            Ok(true) => {}
        }
        if self.ids()?.len() >= MOST {
            return full(DropErrorKind::Full, &format!("{MOST} mails lie there"));
        }
        Ok(())
    }

    /// The ids of the mails, oldest first.
    fn ids(&self) -> Result<Vec<EventId>, DropError> {
        let mut ids = Vec::new();
        let names = files::names(&self.folder).map_err(|error| self.cannot("list", error))?;
        for name in names {
            let id = name.to_str().and_then(|name| name.strip_suffix(".mail"));
            ids.extend(id.and_then(|id| id.parse::<EventId>().ok()));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// The mails, oldest first.
    ///
    /// # Errors
    /// `Io` when the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Queued>, DropError> {
        let queued = |id| Queued {
            id,
            progress: self.progress(id),
        };
        Ok(self.ids()?.into_iter().map(queued).collect())
    }

    /// Progress that is damaged is as good as none: twice is better than never.
    ///
    /// The mail then came when its file was written, or it would be five days
    /// old at once and be given up after one attempt.
    fn progress(&self, id: EventId) -> Progress {
        let notes = self.bytes(&notes_name(id)).unwrap_or_default();
        serde_json::from_slice(&notes).unwrap_or_else(|_| {
            let found = self.look(&mail_name(id));
            let timestamp = found.map_or(0, |found| found.st_mtime);
            Progress::begin(Arrival {
                timestamp,
                ..Arrival::default()
            })
        })
    }

    /// The bytes of a mail.
    ///
    /// # Errors
    /// `Io` when it cannot be read.
    pub fn read(&self, id: EventId) -> Result<Vec<u8>, DropError> {
        self.bytes(&mail_name(id))
            .map_err(|error| self.cannot("read from", error))
    }

    /// Notes what became of a mail. When this returns, it survives a power loss.
    ///
    /// # Errors
    /// `Io` when it cannot be written; what was noted before is still there.
    pub fn record(&self, id: EventId, progress: &Progress) -> Result<(), DropError> {
        let bytes = serde_json::to_vec(progress).expect("the keys are strings");
        self.replace(&notes_name(id), &bytes)
            .map_err(|error| self.cannot("write to", error))?;
        self.sync()
    }

    /// Removes a mail that is done with.
    ///
    /// # Errors
    /// `Io` when it cannot be removed.
    pub fn remove(&self, id: EventId) -> Result<(), DropError> {
        // The mail first: one without notes would be sent anew.
        for name in [mail_name(id), notes_name(id)] {
            self.discard(&name)
                .map_err(|error| self.cannot("remove from", error))?;
        }
        self.sync()
    }

    /// Puts a mail aside that no target will take. The oldest of 200 such mails makes room.
    ///
    /// # Errors
    /// `Io` when it cannot be moved; it is still in the queue then.
    pub fn give_up(&self, id: EventId) -> Result<(), DropError> {
        let cannot = |error: Errno| self.cannot("write to", error);
        let aside = files::subfolder(&self.folder, FAILED).map_err(cannot)?;
        for name in [mail_name(id), notes_name(id)] {
            match rustix::fs::renameat(&self.folder, &name, &aside, &name) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(cannot(error)),
            }
        }
        keep_newest(&aside, MOST_FAILED * 2);
        rustix::fs::fsync(&aside).map_err(cannot)?;
        self.sync()
    }

    /// Removes what processes left behind that were killed. Only the holder of the
    /// lock may call it, and only for files older than `before`, in seconds since
    /// 1970: others may be putting a mail.
    pub(crate) fn sweep(&self, before: i64) {
        for name in files::names(&self.folder).unwrap_or_default() {
            let Some(name) = name.to_str() else {
                continue;
            };
            let orphan = |id: &str| {
                let id = id.parse::<EventId>();
                id.is_ok_and(|id| self.look(&mail_name(id)).is_err())
            };
            let left = name.ends_with(".temp") || name.strip_suffix(".json").is_some_and(orphan);
            let old = self.look(name).is_ok_and(|found| found.st_ctime < before);
            if left && old {
                let _ = self.discard(name);
            }
        }
    }

    fn look(&self, name: &str) -> rustix::io::Result<Stat> {
        files::look(&self.folder, name.as_ref())
    }

    fn sync(&self) -> Result<(), DropError> {
        rustix::fs::fsync(&self.folder).map_err(|error| self.cannot("write to", error))
    }

    fn cannot(&self, verb: &str, error: impl Into<io::Error>) -> DropError {
        DropError::io(
            format!("cannot {verb} the queue {}", self.path.display()),
            error,
        )
    }
}

fn mail_name(id: EventId) -> String {
    format!("{id}.mail")
}

fn notes_name(id: EventId) -> String {
    format!("{id}.json")
}

/// Names begin with a time, so the first are the oldest.
fn keep_newest(folder: &OwnedFd, most: usize) {
    let mut names = files::names(folder).unwrap_or_default();
    names.sort_unstable();
    for name in names.iter().take(names.len().saturating_sub(most)) {
        let _ = files::remove(folder, name);
    }
}
