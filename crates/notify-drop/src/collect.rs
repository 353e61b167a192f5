//! Root takes what lies in the drop.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;

use notify_core::EventId;
use rustix::fs::{AtFlags, FileType, RenameFlags, Stat};
use rustix::io::Errno;

use crate::name::{Name, Places};
use crate::queue::MOST_REFUSED;
use crate::seen::Seen;
use crate::{Arrival, Bounds, DropError, MailDrop, Progress, Queue, files};

/// How long a file may be in the making, in seconds, before it counts as abandoned.
const ABANDONED: i64 = 3600;
/// How long a place may lie there without a mail, in seconds, from the drain that saw it first.
const ALONE: i64 = 120;
/// The most mails, drafts, and places that are kept in mind in one go.
const MOST_NAMES: usize = 20_000;
/// The most other entries that are; the rest is counted.
const MOST_STRANGERS: usize = 100;

/// What was found in the drop.
#[derive(Debug, Default)]
pub struct Collected {
    /// The mails that were taken, oldest first.
    pub taken: Vec<EventId>,
    /// How many mails stay, because there is no room or they cannot be read now.
    pub left: usize,
    /// What is no mail.
    pub oddities: Vec<Oddity>,
    /// How many more entries are no mail, and were only counted.
    pub more_oddities: usize,
}

/// Something in the drop that is no mail, and what was done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// Its name, with everything but printable ASCII escaped.
    pub name: String,
    /// Who owns it; 4294967295, which is nobody's number, when that cannot be known.
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
        self.collect_until(queue, bounds, now, &|| false)
    }

    /// The same, and leaves the mails that are left when `is_over` says so.
    ///
    /// # Errors
    /// `Io` when the folder cannot be listed.
    pub fn collect_until(
        &self,
        queue: &Queue,
        bounds: Bounds,
        now: i64,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Collected, DropError> {
        queue.sweep(now - ABANDONED);
        let mut found = self.list()?;
        found.mails.sort_unstable_by_key(|(id, _)| *id);
        let mut collected = Collected {
            left: found.cut,
            more_oddities: found.more_strangers,
            ..Collected::default()
        };
        for (name, found) in &found.strangers {
            collected.oddities.push(self.stranger(queue, name, found));
        }
        let mut in_use = HashSet::new();
        for (id, name) in found.mails {
            let taken = if is_over() {
                Ok(Taken::No)
            } else {
                self.take(queue, name, bounds)
            };
            match taken {
                Ok(Taken::Yes) => collected.taken.push(id),
                Ok(Taken::Odd(oddity)) => collected.oddities.push(oddity),
                Ok(Taken::No) | Err(_) => {
                    collected.left += 1;
                    in_use.extend(markers(name));
                }
            }
        }
        let mut seen = Seen::read(queue);
        for (name, file) in &found.drafts {
            if seen.age(&name.text(), file, now) < ABANDONED {
                in_use.extend(markers(*name));
            } else {
                collected.oddities.extend(self.abandoned(*name, file));
            }
        }
        // The name of a draft does not tell which place for large mails it has.
        let is_written_to = found
            .drafts
            .iter()
            .any(|(name, _)| in_use.contains(&name.slot()));
        for (name, file) in &found.places {
            if in_use.contains(&name.text()) {
                continue;
            }
            let long = match name {
                Name::Big(_) if is_written_to => ABANDONED,
                _ => ALONE,
            };
            if seen.age(&name.text(), file, now) >= long {
                collected.oddities.extend(self.abandoned(*name, file));
            }
        }
        seen.write(queue);
        self.sync();
        Ok(collected)
    }

    /// Removes what a writer left behind that was killed, or somebody who wants no mail to come.
    fn abandoned(&self, name: Name, file: &Stat) -> Option<Oddity> {
        let name_text = name.text();
        files::remove(&self.folder, &name_text).ok()?;
        let what = match name {
            Name::Temp { .. } => "a mail that was never finished, removed",
            _ => "a place without a mail, removed",
        };
        Some(Oddity {
            name: name_text,
            uid: file.st_uid,
            what,
        })
    }

    /// Until this is done, a removed mail may come back with the power, and be sent twice.
    fn sync(&self) {
        if let Ok(folder) = File::open(&self.path) {
            let _ = folder.sync_all();
        }
    }

    fn list(&self) -> Result<Found, DropError> {
        let cannot = |error| {
            DropError::io(
                format!("cannot list the mail drop {}", self.path.display()),
                error,
            )
        };
        let mut found = Found::default();
        // All of it: whoever fills the folder with junk must not hide a mail in it.
        for entry in fs::read_dir(&self.path).map_err(cannot)? {
            let entry = entry.map_err(cannot)?.file_name();
            match entry.to_str().and_then(Name::parse) {
                Some(name @ Name::Mail { id, .. }) => {
                    if found.mails.len() < MOST_NAMES {
                        found.mails.push((id, name));
                    } else {
                        found.cut += 1;
                    }
                }
                Some(name) => self.note_name(name, entry, &mut found),
                None => self.note_stranger(entry, &mut found),
            }
        }
        Ok(found)
    }

    /// A place or a draft, or what has the name of one.
    fn note_name(&self, name: Name, entry: OsString, found: &mut Found) {
        let Some(file) = self.look(&entry) else {
            return;
        };
        // Only by a file is a place taken; what keeps the name from writers is in their way.
        let is_file = file.is_some_and(|file| is_file(&file));
        match (name, file) {
            (Name::Temp { .. }, Some(file)) if is_file => {
                if found.drafts.len() < MOST_NAMES {
                    found.drafts.push((name, file));
                } else {
                    found.cut += 1;
                }
            }
            (Name::Temp { .. }, _) => self.note_stranger(entry, found),
            (_, Some(file)) if is_file => found.places.push((name, file)),
            // Their number is bounded by that of the places.
            (_, file) => found.strangers.push((entry, file)),
        }
    }

    fn note_stranger(&self, entry: OsString, found: &mut Found) {
        if found.strangers.len() >= MOST_STRANGERS {
            found.more_strangers += 1;
        } else if let Some(file) = self.look(&entry) {
            found.strangers.push((entry, file));
        }
    }

    /// What it is; none when it is gone, and none within when even root may not look.
    fn look(&self, entry: &OsStr) -> Option<Option<Stat>> {
        match rustix::fs::statat(&self.folder, entry, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(file) => Some(Some(file)),
            Err(Errno::NOENT) => None,
            Err(_) => Some(None),
        }
    }

    fn take(&self, queue: &Queue, name: Name, bounds: Bounds) -> Result<Taken, DropError> {
        let Name::Mail { id, cut, .. } = name else {
            return Ok(Taken::No);
        };
        let text = name.text();
        let file = match files::open(&self.folder, &text) {
            Ok(file) => file,
            Err(Errno::LOOP | Errno::NXIO) => return Ok(self.no_file(queue, name)),
            // Its owner may hold a lease on it, or have removed it.
            Err(_) => return Ok(Taken::No),
        };
        let about = file
            .metadata()
            .map_err(|error| DropError::io("cannot look at a mail", error))?;
        if !about.is_file() {
            return Ok(self.no_file(queue, name));
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
    fn no_file(&self, queue: &Queue, name: Name) -> Taken {
        let text = name.text();
        let Some(about) = self.look(text.as_ref()) else {
            return Taken::No;
        };
        let oddity = self.stranger(queue, text.as_ref(), &about);
        self.free(name);
        Taken::Odd(oddity)
    }

    /// A file that has other names, too, may be anybody's. It is kept and not read.
    fn refuse(&self, queue: &Queue, name: Name, uid: u32) -> Taken {
        let text = name.text();
        if !self.put_aside(queue, text.as_ref()) {
            return Taken::No;
        }
        self.free(name);
        Taken::Odd(Oddity {
            name: text,
            uid,
            what: "a file with a second name, moved to mail/refused",
        })
    }

    /// Moves an entry to `mail/refused`, where the oldest makes room.
    fn put_aside(&self, queue: &Queue, name: &OsStr) -> bool {
        let Ok(aside) = queue.refused() else {
            return false;
        };
        queue.make_room_for_refused();
        // One of this name may be there from another time.
        (0..=MOST_REFUSED).any(|number| {
            let mut new = name.to_owned();
            if number > 0 {
                new.push(format!(".{number}"));
            }
            let flags = RenameFlags::NOREPLACE;
            rustix::fs::renameat_with(&self.folder, name, &aside, &new, flags).is_ok()
        })
    }

    /// Removes what holds no data, and moves what is in the way of mails. A file stays.
    fn stranger(&self, queue: &Queue, name: &OsStr, about: &Option<Stat>) -> Oddity {
        let remove = |removed, left| {
            let gone = rustix::fs::unlinkat(&self.folder, name, AtFlags::empty());
            if gone.is_ok() { removed } else { left }
        };
        let kind = about.map(|about| FileType::from_raw_mode(about.st_mode));
        let what = match kind {
            Some(FileType::Symlink) => remove("a symbolic link, removed", "a symbolic link"),
            Some(FileType::Fifo) => remove("a pipe, removed", "a pipe"),
            Some(FileType::Socket) => remove("a socket, removed", "a socket"),
            Some(FileType::Directory) => {
                match rustix::fs::unlinkat(&self.folder, name, AtFlags::REMOVEDIR) {
                    Ok(()) => "an empty folder, removed",
                    Err(_) if self.put_aside(queue, name) => "a folder, moved to mail/refused",
                    Err(_) => "a folder, left there",
                }
            }
            Some(FileType::RegularFile) => "a file that is no mail, left there",
            Some(_) => "neither file nor folder, left there",
            None => "nothing that can be looked at, left there",
        };
        Oddity {
            name: name.to_string_lossy().escape_default().to_string(),
            uid: about.map_or(u32::MAX, |about| about.st_uid),
            what,
        }
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
    strangers: Vec<(OsString, Option<Stat>)>,
    /// How many strangers were only counted.
    more_strangers: usize,
    /// How many mails and drafts were only counted.
    cut: usize,
}

fn is_file(about: &Stat) -> bool {
    FileType::from_raw_mode(about.st_mode) == FileType::RegularFile
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
