//! Leaves a mail in the drop.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::AsFd as _;
use std::os::fd::BorrowedFd;

use notify_core::EventId;
use rustix::io::Errno;

use crate::files;
use crate::name::{BIG_SLOTS, Name, Places, SLOTS, SMALL};
use crate::{DropError, DropErrorKind, MailDrop};

/// How much of a mail is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most bytes of one mail.
    pub bytes: u64,
}

impl Default for Bounds {
    /// 64 MiB.
    fn default() -> Self {
        Bounds { bytes: 64 << 20 }
    }
}

/// A mail that lies in the drop, durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// How much of it was kept, in bytes.
    pub bytes: u64,
    /// Whether there was more.
    pub cut: bool,
}

impl MailDrop {
    /// Leaves a mail under an id that nobody can guess.
    ///
    /// When this returns, the mail survives a power loss. A mail longer than the
    /// bound is read to its end and kept up to the bound.
    ///
    /// # Errors
    /// `Full` or `NoSpace` when there is no room; nothing was left then.
    pub fn leave(
        &self,
        mail: &mut dyn Read,
        id: EventId,
        bounds: Bounds,
    ) -> Result<Left, DropError> {
        if !files::has_room(&self.folder).map_err(|error| self.cannot("look at", error))? {
            return Err(self.full(DropErrorKind::NoSpace, files::NO_ROOM));
        }
        let mut draft = Draft::begin(self, id)?;
        let mut buffer = vec![0; 64 << 10];
        let mut left = Left {
            bytes: 0,
            cut: false,
        };
        loop {
            let read = match mail.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(DropError::io("cannot read the mail", error)),
            };
            let room = bounds.bytes - left.bytes;
            let kept = usize::try_from(room).map_or(read, |room| read.min(room));
            left.cut |= kept < read;
            left.bytes += kept as u64;
            if left.bytes > SMALL {
                draft.is_big()?;
            }
            let written = draft.file.write_all(&buffer[..kept]);
            written.map_err(|error| self.cannot("write to", error))?;
        }
        draft.publish(left.cut)?;
        Ok(left)
    }

    /// Takes the first free place of a kind, beginning where `seed` says.
    fn place(&self, seed: u16, count: u16, name: fn(u16) -> Name) -> Result<u16, DropError> {
        for step in 0..count {
            let place = (seed % count + step) % count;
            match files::create(&self.folder, &name(place).text()) {
                Ok(_) => return Ok(place),
                Err(Errno::EXIST) => {}
                Err(error) => return Err(self.cannot("write to", error)),
            }
        }
        let what = if count == SLOTS {
            "mails"
        } else {
            "large mails"
        };
        let why = format!("{count} {what} lie there");
        Err(self.full(DropErrorKind::Full, &why))
    }

    fn cannot(&self, verb: &str, error: impl Into<io::Error>) -> DropError {
        DropError::io(
            format!("cannot {verb} the mail drop {}", self.path.display()),
            error,
        )
    }

    fn full(&self, kind: DropErrorKind, why: &str) -> DropError {
        let message = format!("the mail drop {} is full: {why}", self.path.display());
        DropError::new(kind, message)
    }
}

/// A mail that is being written. What it has made goes with it, unless it was published.
struct Draft<'d> {
    drop: &'d MailDrop,
    id: EventId,
    places: Places,
    file: File,
    published: bool,
}

impl<'d> Draft<'d> {
    fn begin(drop: &'d MailDrop, id: EventId) -> Result<Self, DropError> {
        let slot = drop.place(seed(id), SLOTS, Name::Slot)?;
        match files::create(&drop.folder, &Name::Temp { slot, id }.text()) {
            Ok(file) => Ok(Draft {
                drop,
                id,
                places: Places { slot, big: None },
                file,
                published: false,
            }),
            Err(error) => {
                let _ = files::remove(&drop.folder, &Name::Slot(slot).text());
                Err(drop.cannot("write to", error))
            }
        }
    }

    /// Takes the second place that a large mail needs.
    fn is_big(&mut self) -> Result<(), DropError> {
        if self.places.big.is_none() {
            self.places.big = Some(self.drop.place(seed(self.id), BIG_SLOTS, Name::Big)?);
        }
        Ok(())
    }

    /// Gives it its name, when all of it is on disk.
    fn publish(mut self, cut: bool) -> Result<(), DropError> {
        let (drop, places, id) = (self.drop, self.places, self.id);
        let name = Name::Mail { places, id, cut }.text();
        let cannot = |error: io::Error| drop.cannot("write to", error);
        self.file.sync_all().map_err(cannot)?;
        let folder: BorrowedFd<'_> = drop.folder.as_fd();
        rustix::fs::renameat(folder, self.temp(), folder, &name)
            .map_err(|error| drop.cannot("write to", error))?;
        if let Err(error) = files::sync_name(folder, &self.file) {
            // It may or may not last, so it must not be reported as left.
            let _ = files::remove(folder, &name);
            return Err(cannot(error));
        }
        self.published = true;
        Ok(())
    }

    fn temp(&self) -> String {
        let (slot, id) = (self.places.slot, self.id);
        Name::Temp { slot, id }.text()
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if self.published {
            return;
        }
        // What cannot be removed now, the next collection finds abandoned.
        let folder = &self.drop.folder;
        let _ = files::remove(folder, &self.temp());
        let _ = files::remove(folder, &Name::Slot(self.places.slot).text());
        if let Some(big) = self.places.big {
            let _ = files::remove(folder, &Name::Big(big).text());
        }
    }
}

/// Where to begin to look: two writers rarely begin at the same place.
fn seed(id: EventId) -> u16 {
    let text = id.to_string();
    text.bytes().rev().take(8).fold(0_u16, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    })
}
