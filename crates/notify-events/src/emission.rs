//! Whether an event is sent, by the rules of its kind.

use std::path::Path;

use notify_config::PackageUpdates;

use crate::announced::Announcement;
use crate::error::EventError;
use crate::event::Event;

/// What the rules of a kind look at beside the data.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The folder in which is kept what must be remembered.
    pub state: &'a Path,
    /// When to tell of package updates, as `datacenter.cfg` has it.
    pub package_updates: PackageUpdates,
}

/// An event after the rules of its kind were asked.
#[derive(Debug)]
pub struct Emission {
    /// The event to send, or why none is sent: lower case, no full stop.
    pub verdict: Result<Event, String>,
    /// What to tell whoever runs this: what was remembered and is lost.
    pub remarks: Vec<String>,
    announcement: Option<Announcement>,
}

impl Emission {
    /// One that is sent, and of which nothing is remembered.
    pub(crate) fn sent(event: Event) -> Self {
        Emission {
            verdict: Ok(event),
            remarks: Vec::new(),
            announcement: None,
        }
    }

    /// One that is not sent, for this reason.
    pub(crate) fn held(reason: impl Into<String>) -> Self {
        Emission {
            verdict: Err(reason.into()),
            remarks: Vec::new(),
            announcement: None,
        }
    }

    #[must_use]
    pub(crate) fn announcing(mut self, announcement: Announcement) -> Self {
        self.announcement = Some(announcement);
        self
    }

    #[must_use]
    pub(crate) fn remarking(mut self, remarks: impl IntoIterator<Item = String>) -> Self {
        self.remarks.extend(remarks);
        self
    }

    /// Remembers that the event was taken, so that it is not told again.
    ///
    /// # Errors
    /// [`EventErrorKind::State`](crate::EventErrorKind::State) when that cannot be
    /// written: it will be told again.
    pub fn taken(self) -> Result<(), EventError> {
        self.announcement.map_or(Ok(()), Announcement::keep)
    }
}
