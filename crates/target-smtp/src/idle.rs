//! The one connection that is kept for the next mail.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::connection::Connection;

/// How long a connection is kept. Servers wait longer for the next command:
/// five minutes by RFC 5321 4.5.3.2.7.
const KEPT: Duration = Duration::from_secs(30);

/// At most one connection, for at most 30 seconds.
#[derive(Clone, Default)]
pub(crate) struct Idle(Arc<Mutex<Slot>>);

#[derive(Default)]
struct Slot {
    kept: Option<(Connection, Instant)>,
    closing: Option<JoinHandle<()>>,
}

impl Idle {
    /// The kept connection, if there is one. It may have ended meanwhile.
    pub(crate) fn take(&self) -> Option<Connection> {
        let (connection, until) = lock(&self.0).kept.take()?;
        (Instant::now() < until).then_some(connection)
    }

    /// Keeps a connection; one that was kept already is closed. Needs a runtime.
    pub(crate) fn keep(&self, connection: Connection) {
        let mut slot = lock(&self.0);
        slot.kept = Some((connection, Instant::now() + KEPT));
        let waits = slot
            .closing
            .as_ref()
            .is_some_and(|task| !task.is_finished());
        if !waits {
            let slots = Arc::downgrade(&self.0);
            slot.closing = Some(tokio::spawn(close_in_time(slots)));
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(task) = &self.closing {
            task.abort();
        }
    }
}

/// Closes what is kept too long, and ends when nothing is kept.
async fn close_in_time(slots: Weak<Mutex<Slot>>) {
    while let Some(until) = kept_until(&slots) {
        sleep_until(until).await;
    }
}

/// When to look again; none when there is nothing to look after.
fn kept_until(slots: &Weak<Mutex<Slot>>) -> Option<Instant> {
    let slots = slots.upgrade()?;
    let mut slot = lock(&slots);
    let until = slot.kept.as_ref().map(|(_, until)| *until);
    if until.is_none_or(|until| until <= Instant::now()) {
        // Cleared under the same lock, so that `keep` cannot count on a task that is about to end.
        slot.closing = None;
        slot.kept = None;
        return None;
    }
    until
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = lock(&self.0).kept.is_some();
        f.debug_struct("Idle").field("kept", &kept).finish()
    }
}
