//! Root takes what lies in the drop.

use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;

use notify_core::EventId;
use rustix::fs::{AtFlags, FileType, Stat};
use rustix::io::Errno;

use crate::name::{Name, Places};
use crate::queue::MOST_REFUSED;
use crate::{Arrival, Bounds, DropError, MailDrop, Progress, Queue, files};

/// How long a file may be in the making, in seconds, before it counts as abandoned.
const ABANDONED: i64 = 3600;
/// The most entries that are looked at in one go.
const MOST_ENTRIES: usize = 20_000;

/// What was found in the drop.
#[derive(Debug, Default)]
pub struct Collected {
    /// The mails that were taken, oldest first.
    pub taken: Vec<EventId>,
    /// How many mails stay, because there is no room or they cannot be read now.
    pub left: usize,
    /// What is no mail.
    pub oddities: Vec<Oddity>,
}

/// Something in the drop that is no mail, and what was done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// Its name, with everything but printable ASCII escaped.
    pub name: String,
    /// Who owns it.
    pub uid: u32,
    /// What it is and what was done, as `a symbolic link, removed`.
    pub what: &'static str,
}

impl MailDrop {
    /// Takes all mails into the queue, oldest first, and clears away what was abandoned.
    ///
    /// A mail is removed here only when it is durable there. One that cannot be
    /// taken stays and keeps no other from being taken. `now` is in seconds
    /// since 1970. The caller holds the lock of the queue.
    ///
    /// # Errors
    /// `Io` when the folder cannot be listed.
    pub fn collect(&self, queue: &Queue, bounds: Bounds, now: i64) -> Result<Collected, DropError> {
        queue.sweep(now - ABANDONED);
        let mut found = self.list()?;
        found.mails.sort_unstable_by_key(|(id, _)| *id);
        let mut collected = Collected::default();
        for (name, found) in &found.strangers {
            collected.oddities.extend(self.stranger(name, found));
        }
        let mut in_use = HashSet::new();
        for (id, name) in found.mails {
            match self.take(queue, name, bounds) {
                Ok(Taken::Yes) => collected.taken.push(id),
                Ok(Taken::Odd(oddity)) => collected.oddities.push(oddity),
                Ok(Taken::No) | Err(_) => {
                    collected.left += 1;
                    in_use.extend(markers(name));
                }
            }
        }
        for (name, file) in &found.drafts {
            let abandoned = file.st_ctime <= now - ABANDONED;
            if abandoned {
                let _ = files::remove(&self.folder, &name.text());
            } else {
                in_use.extend(markers(*name));
            }
        }
        for (name, file) in &found.places {
            let old = file.st_ctime <= now - ABANDONED;
            if old && !in_use.contains(&name.text()) {
                let _ = files::remove(&self.folder, &name.text());
            }
        }
        Ok(collected)
    }

    fn list(&self) -> Result<Found, DropError> {
        let cannot = |error| {
            DropError::io(
                format!("cannot list the mail drop {}", self.path.display()),
                error,
            )
        };
        let mut found = Found::default();
        for entry in fs::read_dir(&self.path).map_err(cannot)?.take(MOST_ENTRIES) {
            let name = entry.map_err(cannot)?.file_name();
            let Ok(file) = rustix::fs::statat(&self.folder, &name, AtFlags::SYMLINK_NOFOLLOW)
            else {
                continue;
            };
            match name.to_str().and_then(Name::parse) {
                Some(name @ Name::Mail { id, .. }) => found.mails.push((id, name)),
                Some(name @ Name::Temp { .. }) => found.drafts.push((name, file)),
                Some(name) => found.places.push((name, file)),
                None => found.strangers.push((name, file)),
            }
        }
        Ok(found)
    }

    fn take(&self, queue: &Queue, name: Name, bounds: Bounds) -> Result<Taken, DropError> {
        let Name::Mail { id, cut, .. } = name else {
            return Ok(Taken::No);
        };
        let text = name.text();
        let file = match files::open(&self.folder, &text) {
            Ok(file) => file,
            Err(Errno::LOOP | Errno::NXIO) => return Ok(self.no_file(name)),
            // Its owner may hold a lease on it, or have removed it.
            Err(_) => return Ok(Taken::No),
        };
        let about = file
            .metadata()
            .map_err(|error| DropError::io("cannot look at a mail", error))?;
        if !about.is_file() {
            return Ok(self.no_file(name));
        }
        if about.nlink() != 1 {
            return Ok(self.refuse(queue, name, about.uid()));
        }
        self.copy(queue, id, file, cut, bounds)?;
        files::remove(&self.folder, &text)
            .map_err(|error| DropError::io("cannot remove a mail", error))?;
        self.free(name);
        Ok(Taken::Yes)
    }

    fn copy(
        &self,
        queue: &Queue,
        id: EventId,
        mut file: File,
        cut: bool,
        bounds: Bounds,
    ) -> Result<u64, DropError> {
        let about = file
            .metadata()
            .map_err(|error| DropError::io("cannot look at a mail", error))?;
        let arrival = Arrival {
            // The owner can set the time of the content, not this one.
            timestamp: about.ctime(),
            uid: about.uid(),
            cut,
        };
        queue.put(id, &mut file, &Progress::begin(arrival), bounds)
    }

    /// A link, a pipe, a socket or a folder with the name of a mail.
    fn no_file(&self, name: Name) -> Taken {
        let text = name.text();
        let about = rustix::fs::statat(&self.folder, &text, AtFlags::SYMLINK_NOFOLLOW);
        let oddity = about
            .ok()
            .and_then(|about| self.stranger(text.as_ref(), &about));
        self.free(name);
        oddity.map_or(Taken::No, Taken::Odd)
    }

    /// A file that has other names, too, may be anybody's. It is kept and not read.
    fn refuse(&self, queue: &Queue, name: Name, uid: u32) -> Taken {
        let text = name.text();
        let kept = fs::read_dir(queue.refused()).map_or(usize::MAX, Iterator::count);
        let moved = kept < MOST_REFUSED
            && files::folder(&queue.refused())
                .is_ok_and(|aside| rustix::fs::renameat(&self.folder, &text, aside, &text).is_ok());
        if !moved {
            return Taken::No;
        }
        self.free(name);
        Taken::Odd(Oddity {
            name: text,
            uid,
            what: "a file with a second name, moved to mail/refused",
        })
    }

    /// Removes what holds no data. A file or a folder stays.
    fn stranger(&self, name: &std::ffi::OsStr, about: &Stat) -> Option<Oddity> {
        let remove = |what| {
            rustix::fs::unlinkat(&self.folder, name, AtFlags::empty())
                .ok()
                .map(|()| what)
        };
        let what = match FileType::from_raw_mode(about.st_mode) {
            FileType::Symlink => remove("a symbolic link, removed"),
            FileType::Fifo => remove("a pipe, removed"),
            FileType::Socket => remove("a socket, removed"),
            FileType::Directory => {
                match rustix::fs::unlinkat(&self.folder, name, AtFlags::REMOVEDIR) {
                    Ok(()) => Some("an empty folder, removed"),
                    Err(_) => Some("a folder, left there"),
                }
            }
            FileType::RegularFile => Some("a file that is no mail, left there"),
            _ => Some("neither file nor folder, left there"),
        }?;
        Some(Oddity {
            name: name.to_string_lossy().escape_default().to_string(),
            uid: about.st_uid,
            what,
        })
    }

    /// Frees the places of a mail. What fails is found abandoned later.
    fn free(&self, name: Name) {
        for marker in markers(name) {
            let _ = files::remove(&self.folder, &marker);
        }
    }
}

enum Taken {
    Yes,
    No,
    Odd(Oddity),
}

#[derive(Default)]
struct Found {
    mails: Vec<(EventId, Name)>,
    drafts: Vec<(Name, Stat)>,
    places: Vec<(Name, Stat)>,
    strangers: Vec<(std::ffi::OsString, Stat)>,
}

/// The names of the places that a mail, or one in the making, has.
fn markers(name: Name) -> Vec<String> {
    match name {
        Name::Mail {
            places: Places { slot, big },
            ..
        } => {
            let big = big.map(|big| Name::Big(big).text());
            [Some(Name::Slot(slot).text()), big]
                .into_iter()
                .flatten()
                .collect()
        }
        Name::Temp { slot, .. } => vec![Name::Slot(slot).text()],
        Name::Slot(_) | Name::Big(_) => vec![name.text()],
    }
}
