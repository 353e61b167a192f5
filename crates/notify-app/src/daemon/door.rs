//! What comes over the socket becomes events.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use notify_api::http::Health;
use notify_api::protocol::{Accepted, ErrorKind, EventState};
use notify_api::{Access, Declined, Intake, RawMail, Rules, Status, bus_status};
use notify_bus::{Bus, Clock, DaemonSettings, Sender};
use notify_core::{EventId, History, LegacyMail, Millis, Notification, SpoolError, async_trait};
use notify_drop::Arrival;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::users::Users;
use crate::folders::spool_in;
use crate::forward::{Post, record_loop, undecided_text};
use crate::handover::accepted;
use crate::setup::Ready;

/// Behind the socket: the configuration in force, and the bus.
pub(super) struct Door {
    pub(super) bus: Bus,
    pub(super) history: Arc<dyn History>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ready: watch::Receiver<Arc<Ready>>,
    /// Why the configuration in force is not the newest.
    pub(super) trouble: watch::Receiver<Option<String>>,
    pub(super) stop: CancellationToken,
    pub(super) state: PathBuf,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Door {
    fn now_ready(&self) -> Arc<Ready> {
        Arc::clone(&self.ready.borrow())
    }

    fn answer(&self, taken: notify_bus::Accepted) -> Accepted {
        accepted(&self.bus.engine(), self.bus.registry(), taken)
    }

    /// A mail as an event; none when it came back to where it was sent from.
    fn read(&self, mail: RawMail) -> Result<Option<Notification>, Declined> {
        let ready = self.now_ready();
        let arrival = Arrival {
            timestamp: mail.timestamp,
            uid: mail.uid,
            cut: mail.cut,
        };
        let post = Post::read(&ready, mail.bytes, mail.id, arrival);
        if post.is_loop {
            if let Some(warning) = record_loop(&self.state, &post, self.clock.now().seconds()) {
                tracing::warn!(event = %post.event.id, "{warning}");
            }
            return Ok(None);
        }
        match post.undecided(&ready) {
            // The client keeps it, until the matcher is mended.
            Some(matcher) => Err(Declined::new(
                ErrorKind::Busy,
                undecided_text(&post, matcher),
            )),
            None => Ok(Some(post.event)),
        }
    }
}

#[async_trait]
impl Intake for Door {
    fn hostname(&self) -> String {
        self.bus.engine().host().name().to_owned()
    }

    fn now(&self) -> Millis {
        self.clock.now()
    }

    fn knows_template(&self, name: &str) -> bool {
        self.bus.engine().templates().contains(name)
    }

    async fn accept(&self, event: Notification) -> Result<Accepted, Declined> {
        Ok(self.answer(self.bus.accept(event).await?))
    }

    async fn accept_legacy(
        &self,
        mail: LegacyMail,
        event: Notification,
    ) -> Result<Accepted, Declined> {
        let entry = notify_bus::legacy_entry(event, mail, self.clock.now());
        Ok(self.answer(self.bus.accept_entry(entry).await?))
    }

    async fn accept_mail(&self, mail: RawMail) -> Result<Accepted, Declined> {
        let id = mail.id;
        // Reading a mail of many megabytes takes its time.
        let read = tokio::task::block_in_place(|| self.read(mail))?;
        match read {
            None => Ok(Accepted::dead_loop(id)),
            Some(event) => self.accept(event).await,
        }
    }

    async fn event(&self, id: EventId) -> Result<Option<EventState>, Declined> {
        let record = self.history.event(id).await?;
        Ok(record.as_ref().map(EventState::from))
    }

    async fn status(&self) -> Result<Value, Declined> {
        let status = Health::status(self).await?;
        serde_json::to_value(status)
            .map_err(|error| Declined::new(ErrorKind::Other, error.to_string()))
    }

    async fn wake(&self) {
        self.bus.wake();
    }
}

#[async_trait]
impl Health for Door {
    async fn status(&self) -> Result<Status, SpoolError> {
        let mut problems: Vec<String> = self.trouble.borrow().iter().cloned().collect();
        if self.stop.is_cancelled() {
            problems.push("the daemon ends".to_owned());
        }
        bus_status(&self.bus, &spool_in(&self.state), problems).await
    }
}

/// What holds for clients.
pub(super) fn rules(settings: &DaemonSettings) -> Rules {
    let own = rustix::process::geteuid().as_raw();
    let users = Users::of_system();
    let mut access = Access::of_daemon(own);
    for sender in &settings.intake_allow {
        access = match sender {
            // They may in any case: who can read and write all files needs no door.
            Sender::Root | Sender::Own => access,
            Sender::All => access.with_anybody(),
            Sender::Number(uid) => access.with([*uid]),
            Sender::Named(name) => match users.number(name) {
                Some(uid) => access.with([uid]),
                None => {
                    tracing::warn!("intake-allow: there is no user `{name}`");
                    access
                }
            },
        };
    }
    Rules {
        max_size: usize::try_from(settings.intake_max_size).unwrap_or(usize::MAX),
        rate: settings.intake_rate,
        burst: settings.intake_rate.saturating_mul(10),
        ..Rules::new(access)
    }
}
