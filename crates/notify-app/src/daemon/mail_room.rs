//! Mails of the drop and of root's queue become events.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify_bus::{Bus, Clock};
use notify_core::Put;
use notify_drop::{Bounds, DropError, DropErrorKind, MailDrop, Queue};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::stir::Stir;
use crate::event;
use crate::forward::{Entered, Entrance, by_hardness};
use crate::setup::Ready;

/// How often it is looked again when a mail is left, or when no event may tell of one.
const LOOK: Duration = Duration::from_secs(60);
/// How often else, for places in the drop that were taken and left.
const RARELY: Duration = Duration::from_secs(5 * 60);
/// The names of the folders in that of the state.
const DROP: &str = "incoming";
const QUEUE: &str = "mail";
/// How long the next look waits for more mails.
const SETTLE: Duration = Duration::from_millis(50);

/// The places where mails lie.
#[derive(Clone, Debug)]
pub(super) struct MailRoom {
    pub(super) state: PathBuf,
    pub(super) bus: Bus,
    pub(super) clock: Arc<dyn Clock>,
}

impl MailRoom {
    /// Takes mails until it is stopped.
    pub(super) async fn work(
        self,
        mut ready: watch::Receiver<Arc<Ready>>,
        stop: CancellationToken,
    ) {
        let mut told = String::new();
        loop {
            // First the watch, then the look: no mail is missed in between.
            // The folders themselves may come later, into that of the state.
            let stir = Stir::over([self.incoming(), self.state.join(QUEUE), self.state.clone()]);
            let now = Arc::clone(&ready.borrow_and_update());
            let looked = self.look(now, stop.clone()).await;
            if stop.is_cancelled() {
                return;
            }
            let (is_any_left, trouble) = match looked {
                Ok(is_any_left) => (is_any_left, String::new()),
                Err(trouble) => (true, trouble),
            };
            let longest = match is_any_left || !stir.sees() {
                true => LOOK,
                false => RARELY,
            };
            if trouble != told {
                if !trouble.is_empty() {
                    tracing::warn!("mail for root is not taken: {trouble}");
                }
                told = trouble;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                // A mail may wait for a matcher that was mended.
                Ok(()) = ready.changed() => {}
                () = stir.wait(longest, SETTLE, is_of_mails) => {}
            }
        }
    }

    fn incoming(&self) -> PathBuf {
        self.state.join(DROP)
    }

    /// One look: all that lies there, on a thread where files may take their time. Whether
    /// a mail is left.
    async fn look(&self, ready: Arc<Ready>, stop: CancellationToken) -> Result<bool, String> {
        let room = self.clone();
        let runtime = Handle::current();
        let look = move || runtime.block_on(room.take(&ready, &stop));
        match tokio::task::spawn_blocking(look).await {
            Ok(taken) => taken,
            Err(panic) => Err(panic.to_string()),
        }
    }

    /// When it is stopped, the other mails stay for the next start.
    async fn take(&self, ready: &Ready, stop: &CancellationToken) -> Result<bool, String> {
        let incoming = match MailDrop::open(&self.incoming()) {
            Ok(incoming) => Some(incoming),
            Err(error) if error.kind() == DropErrorKind::Missing => None,
            Err(error) => return Err(said(&error)),
        };
        if incoming.is_none() && !self.state.join(QUEUE).is_dir() {
            return Ok(false);
        }
        let queue = Queue::open(&self.state).map_err(|error| said(&error))?;
        let _lock = queue.lock().map_err(|error| said(&error))?;
        // A drop that cannot be used keeps no mail from being taken that is in the queue.
        let collected = incoming.map_or(Ok(()), |incoming| collect(&incoming, &queue, stop));
        let mut mails = queue.list().map_err(|error| said(&error))?;
        by_hardness(&mut mails);
        let mut is_any_left = false;
        for mail in mails {
            if stop.is_cancelled() {
                break;
            }
            let entrance = Entrance {
                queue: &queue,
                ready,
                state: &self.state,
                now: self.clock.now(),
            };
            let put = async |entry| {
                let accepted = self.bus.accept_entry(entry).await?;
                Ok(if accepted.known {
                    Put::Known
                } else {
                    Put::Stored
                })
            };
            let entrant = entrance
                .one(mail, put)
                .await
                .map_err(|halt| halt.to_string())?;
            let id = entrant.id;
            if let Some(warning) = entrant.warning {
                tracing::warn!(event = %id, "{warning}");
            }
            match entrant.entered {
                Entered::Accepted | Entered::Done | Entered::Loop => {}
                Entered::Stays(why) => {
                    is_any_left = true;
                    tracing::info!(event = %id, "a mail stays in the queue: {why}");
                }
                Entered::Failed(why) => tracing::error!(event = %id, "a mail was set aside: {why}"),
            }
        }
        collected.map(|()| is_any_left)
    }
}

/// Whether a change of such a name may be a mail, or the folder of mails.
fn is_of_mails(name: Option<&OsStr>) -> bool {
    let name = name.and_then(OsStr::to_str).unwrap_or_default();
    name.starts_with("mail.") || name.ends_with(".mail") || [DROP, QUEUE].contains(&name)
}

fn collect(incoming: &MailDrop, queue: &Queue, stop: &CancellationToken) -> Result<(), String> {
    let is_over = || stop.is_cancelled();
    let collected = incoming
        .collect_until(queue, Bounds::default(), event::now(), &is_over)
        .map_err(|error| said(&error))?;
    let place = incoming.path().display();
    for odd in &collected.oddities {
        tracing::warn!("{place}: {} (user {}): {}", odd.name, odd.uid, odd.what);
    }
    match collected.left {
        0 => Ok(()),
        left => Err(format!("{left} mails are left in {place}")),
    }
}

fn said(error: &DropError) -> String {
    let text = notify_core::report(error);
    let denied = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .is_some_and(|source| source.kind() == std::io::ErrorKind::PermissionDenied);
    if denied {
        format!("{text}; `notify forward-mail --drain` as root, from a timer, brings it here")
    } else {
        text
    }
}
