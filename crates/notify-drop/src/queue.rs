//! Root's own queue: mails that were taken and have not arrived everywhere.
//!
//! `ID.mail` is a mail, `ID.json` beside it the [`Progress`]. The second is
//! written first, so a mail without it is one whose progress was lost.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use notify_core::EventId;
use rustix::fs::FlockOperation;

use crate::{Arrival, Bounds, DropError, DropErrorKind, Progress, files};

/// The most mails in the queue; more stay where they come from.
const MOST: usize = 1000;
/// The most mails that are kept although no target took them.
const MOST_FAILED: usize = 200;
/// The most files and folders that are kept because they were not taken from the drop.
pub(crate) const MOST_REFUSED: usize = 100;

/// An open queue.
#[derive(Debug)]
pub struct Queue {
    path: PathBuf,
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
}

impl Queue {
    /// Opens the queue in a state folder, and makes it if it is missing.
    ///
    /// # Errors
    /// `Io` when it cannot be made, as for everybody but the owner of the state folder.
    pub fn open(state: &Path) -> Result<Self, DropError> {
        let queue = Queue {
            path: state.join("mail"),
        };
        fs::create_dir_all(state).map_err(|error| queue.cannot("make", error))?;
        for folder in [queue.path.clone(), queue.failed(), queue.refused()] {
            match DirBuilder::new().mode(0o700).create(&folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(queue.cannot("make", error));
                }
                _ => {}
            }
        }
        Ok(queue)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where mails are kept that no target took.
    pub fn failed(&self) -> PathBuf {
        self.path.join("failed")
    }

    /// Where files are kept that were not taken from the drop.
    pub(crate) fn refused(&self) -> PathBuf {
        self.path.join("refused")
    }

    /// Where the notes are of what lay in the drop.
    pub(crate) fn seen(&self) -> PathBuf {
        self.path.join("seen.json")
    }

    /// Removes the oldest of the refused, so that one more is within the bound.
    ///
    /// What cannot be removed stays and the bound gives way: the drop must not be
    /// closed by what was put into it.
    pub(crate) fn make_room_for_refused(&self) {
        use std::os::unix::fs::MetadataExt as _;
        let entries = fs::read_dir(self.refused()).into_iter().flatten().flatten();
        let mut kept: Vec<_> = entries
            .filter_map(|entry| {
                let about = entry.metadata().ok()?;
                // The time at which it was moved here.
                let moved = (about.ctime(), about.ctime_nsec());
                Some((moved, about.is_dir(), entry.path()))
            })
            .collect();
        kept.sort_unstable();
        let surplus = (kept.len() + 1).saturating_sub(MOST_REFUSED);
        for (_, is_folder, path) in kept.into_iter().take(surplus) {
            let _ = if is_folder {
                fs::remove_dir_all(path)
            } else {
                fs::remove_file(path)
            };
        }
    }

    /// Becomes the only process that empties it.
    ///
    /// # Errors
    /// `Busy` when another one is.
    pub fn lock(&self) -> Result<QueueLock, DropError> {
        let path = self.path.join("lock");
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path);
        let file = file.map_err(|error| self.cannot("lock", error))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(QueueLock { _file: file }),
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
    /// `Full` when there is no room. The queue is as before, then.
    pub fn put(
        &self,
        id: EventId,
        mail: &mut dyn Read,
        progress: &Progress,
        bounds: Bounds,
    ) -> Result<u64, DropError> {
        if let Ok(found) = fs::metadata(self.mail(id)) {
            return Ok(found.len());
        }
        if !self.has_room()? {
            let message = format!("the queue {} is full", self.path.display());
            return Err(DropError::new(DropErrorKind::Full, message));
        }
        let mut progress = progress.clone();
        let temp = self.path.join(format!("{id}.temp"));
        let kept = self.fill(&temp, mail, bounds, &mut progress.arrival.cut);
        let put = kept.and_then(|kept| {
            self.record(id, &progress)?;
            fs::rename(&temp, self.mail(id)).map_err(|error| self.cannot("write to", error))?;
            self.sync()?;
            Ok(kept)
        });
        if put.is_err() {
            let _ = fs::remove_file(&temp);
            let _ = fs::remove_file(self.notes(id));
        }
        put
    }

    fn fill(
        &self,
        temp: &Path,
        mail: &mut dyn Read,
        bounds: Bounds,
        cut: &mut bool,
    ) -> Result<u64, DropError> {
        let cannot = |error| self.cannot("write to", error);
        // A draft of a process that was killed may be there.
        let mut options = OpenOptions::new();
        let opened = options
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(temp);
        let mut file = opened.map_err(cannot)?;
        let kept = io::copy(&mut mail.take(bounds.bytes), &mut file).map_err(cannot)?;
        *cut |= kept == bounds.bytes && mail.read(&mut [0]).is_ok_and(|more| more > 0);
        file.sync_all().map_err(cannot)?;
        Ok(kept)
    }

    /// Whether one more mail may be put there.
    pub(crate) fn has_room(&self) -> Result<bool, DropError> {
        let folder = File::open(&self.path).map_err(|error| self.cannot("open", error))?;
        let room = files::has_room(&folder).map_err(|error| self.cannot("look at", error))?;
        Ok(room && self.ids()?.len() < MOST)
    }

    /// The ids of the mails, oldest first.
    fn ids(&self) -> Result<Vec<EventId>, DropError> {
        let mut ids = Vec::new();
        let entries = fs::read_dir(&self.path).map_err(|error| self.cannot("list", error))?;
        for entry in entries {
            let name = entry
                .map_err(|error| self.cannot("list", error))?
                .file_name();
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
        use std::os::unix::fs::MetadataExt as _;
        let notes = fs::read(self.notes(id)).unwrap_or_default();
        serde_json::from_slice(&notes).unwrap_or_else(|_| {
            let timestamp = fs::metadata(self.mail(id)).map_or(0, |found| found.mtime());
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
        fs::read(self.mail(id)).map_err(|error| self.cannot("read from", error))
    }

    /// Notes what became of a mail. When this returns, it survives a power loss.
    ///
    /// # Errors
    /// `Io` when it cannot be written; what was noted before is still there.
    pub fn record(&self, id: EventId, progress: &Progress) -> Result<(), DropError> {
        let temp = self.path.join(format!("{id}.json.temp"));
        let bytes = serde_json::to_vec(progress).expect("the keys are strings");
        let write = || {
            let mut options = OpenOptions::new();
            let opened = options
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&temp);
            let mut file = opened?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&temp, self.notes(id))
        };
        write().map_err(|error| self.cannot("write to", error))?;
        self.sync()
    }

    /// Removes a mail that is done with.
    ///
    /// # Errors
    /// `Io` when it cannot be removed.
    pub fn remove(&self, id: EventId) -> Result<(), DropError> {
        // The mail first: one without notes would be sent anew.
        for path in [self.mail(id), self.notes(id)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(self.cannot("remove from", error));
                }
                _ => {}
            }
        }
        self.sync()
    }

    /// Puts a mail aside that no target will take. The oldest of 200 such mails makes room.
    ///
    /// # Errors
    /// `Io` when it cannot be moved; it is still in the queue then.
    pub fn give_up(&self, id: EventId) -> Result<(), DropError> {
        let aside = self.failed();
        let moved = |from: PathBuf| {
            let name = from.file_name().map(PathBuf::from).unwrap_or_default();
            match fs::rename(&from, aside.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(self.cannot("write to", error))
                }
                _ => Ok(()),
            }
        };
        moved(self.mail(id))?;
        moved(self.notes(id))?;
        keep_newest(&aside, MOST_FAILED * 2);
        sync(&aside).map_err(|error| self.cannot("write to", error))?;
        self.sync()
    }

    /// Removes what processes left behind that were killed. Only the holder of the
    /// lock may call it, and only for files older than `before`, in seconds since
    /// 1970: others may be putting a mail.
    pub(crate) fn sweep(&self, before: i64) {
        use std::os::unix::fs::MetadataExt as _;
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let orphan = |id: &str| {
                let id = id.parse::<EventId>();
                id.is_ok_and(|id| !self.mail(id).exists())
            };
            let left = name.ends_with(".temp") || name.strip_suffix(".json").is_some_and(orphan);
            let old = entry.metadata().is_ok_and(|found| found.ctime() < before);
            if left && old {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn mail(&self, id: EventId) -> PathBuf {
        self.path.join(format!("{id}.mail"))
    }

    fn notes(&self, id: EventId) -> PathBuf {
        self.path.join(format!("{id}.json"))
    }

    fn sync(&self) -> Result<(), DropError> {
        sync(&self.path).map_err(|error| self.cannot("write to", error))
    }

    fn cannot(&self, verb: &str, error: impl Into<io::Error>) -> DropError {
        DropError::io(
            format!("cannot {verb} the queue {}", self.path.display()),
            error,
        )
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Names begin with a time, so the first are the oldest.
fn keep_newest(folder: &Path, most: usize) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    names.sort_unstable();
    for path in names.iter().take(names.len().saturating_sub(most)) {
        let _ = fs::remove_file(path);
    }
}
