//! What was claimed, decoded by the caller: the writer has more to do.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use notify_core::{EventId, Job, Lease, LegacyMail, Millis, Notification, Unreadable};

use crate::claim::{Claimed, Found, Taken};
use crate::codec::read_list;
use crate::schema::WIDTH;

/// A claimed delivery; or one that cannot be decoded, which must be given up.
pub(crate) type Decoded = Result<Job, Box<Undecoded>>;

/// A delivery that would be claimed for ever, were it not given up.
#[derive(Debug)]
pub(crate) struct Undecoded {
    pub(crate) lease: Lease,
    /// For the record.
    pub(crate) reason: String,
    /// For people.
    pub(crate) told: Unreadable,
}

/// An event as it was decoded, or why it cannot be.
struct Event {
    id: EventId,
    read: Result<(Arc<Notification>, Option<LegacyMail>), String>,
}

impl Event {
    fn of(found: Found) -> Self {
        let (id, read) = match found {
            Found::Row(stored) => (stored.id, stored.unpacked()),
            Found::Damage(what, id) => (id.unwrap_or_default(), Err(what)),
        };
        Event {
            id: EventId::from_bytes(id),
            read: read.map(|(event, legacy)| (Arc::new(event), legacy)),
        }
    }
}

impl Claimed {
    /// Deliveries of one event share it. `path` is the database.
    pub(crate) fn decoded(self, path: &Path) -> Vec<Decoded> {
        let events = self.events.into_iter();
        let events: HashMap<i64, Event> =
            events.map(|(seq, found)| (seq, Event::of(found))).collect();
        let jobs = self.jobs.into_iter();
        jobs.map(|taken| {
            let event = &events[&(taken.id / WIDTH)];
            taken.decoded(event, path)
        })
        .collect()
    }
}

impl Taken {
    fn decoded(self, event: &Event, path: &Path) -> Decoded {
        let lease = Lease {
            key: format!("{}.{}", event.id, self.target),
            token: self.token.cast_unsigned(),
            place: self.id.cast_unsigned(),
        };
        let (notification, legacy) = match &event.read {
            Ok((notification, legacy)) => (Arc::clone(notification), legacy.clone()),
            Err(why) => {
                let row = format!("{}, body {}", path.display(), self.id / WIDTH);
                let reason = format!("the stored event cannot be read: {row}");
                return Err(Box::new(self.undecoded(lease, event.id, reason, why)));
            }
        };
        let recipients = match read_list(self.recipients.as_deref()) {
            Ok(recipients) => recipients,
            Err(why) => {
                let row = format!("{}, job {}", path.display(), self.id);
                let reason = format!("its stored progress cannot be read: {row}");
                return Err(Box::new(self.undecoded(lease, event.id, reason, &why)));
            }
        };
        Ok(Job {
            lease,
            event: notification,
            target: self.target,
            attempt: self.attempts.saturating_add(1),
            since: Millis(self.since),
            recipients,
            legacy,
        })
    }

    fn undecoded(self, lease: Lease, event: EventId, reason: String, why: &str) -> Undecoded {
        let told = Unreadable {
            event,
            target: self.target,
            detail: format!("{reason}: {why}"),
        };
        Undecoded {
            lease,
            reason,
            told,
        }
    }
}
