//! Tells of trouble: in the log, and as an event of our own.

use std::time::SystemTime;

use notify_core::{Content, EventId, History, HistoryQuery, Millis, SpoolError, report};
use tracing::{error, warn};

use crate::bus::Inner;
use crate::trouble::{Cause, NOTIFICATION_SYSTEM, PAUSE, Telling, Trouble};

/// So many of the last reports are looked at after a start: more than one run makes in the hour.
const MOST: usize = 100;

impl Inner {
    /// Says it in the log, and as an event unless there was one of the cause within the hour.
    pub(crate) async fn tell(&self, trouble: Trouble) {
        // What became of deliveries and breakers is in the log already.
        if matches!(trouble.cause, Cause::Configuration | Cause::Spool) {
            let Trouble { target, detail, .. } = &trouble;
            error!(cause = trouble.cause.name(), target, "{detail}");
        }
        self.remember().await;
        let telling = self.throttle().offer(trouble, self.clock.now());
        match telling {
            Some(telling) => self.tell_all([telling]).await,
            // The worker sets its timer anew.
            None => self.wake.notify_one(),
        }
    }

    pub(crate) async fn tell_all(&self, tellings: impl IntoIterator<Item = Telling>) {
        for telling in tellings {
            let Some(id) = self.new_id() else { continue };
            let host = self.current().engine.host().name().to_owned();
            let event = telling.event(id, self.clock.moment().wall.timestamp(), &host);
            if let Err(failure) = self.accept(event).await {
                error!(event = %id, "cannot report on ourselves: {}", report(&failure));
            }
        }
    }

    /// Says in the log what would have been told later: the next run does not know of it.
    pub(crate) fn tell_what_was_kept(&self) {
        for (cause, reports) in self.throttle().kept() {
            let cause = cause.name();
            warn!(
                cause,
                reports, "kept back within the hour and not sent: they are in this log"
            );
        }
    }

    /// Has what earlier runs told within the hour count. The history is asked once.
    async fn remember(&self) {
        let ask = || async {
            let now = self.clock.now();
            for (cause, at) in told_lately(&*self.opened.history, now).await? {
                self.throttle().told(cause, at.min(now));
            }
            Ok::<_, SpoolError>(())
        };
        if let Err(failure) = self.remembered.get_or_try_init(ask).await {
            warn!(
                "cannot read what was reported within the hour: {}",
                report(&failure)
            );
        }
    }

    fn new_id(&self) -> Option<EventId> {
        let mut random = [0; 10];
        match getrandom::fill(&mut random) {
            Ok(()) => Some(EventId::new(
                SystemTime::from(self.clock.moment().wall),
                random,
            )),
            Err(failure) => {
                error!("cannot report on ourselves: no random numbers: {failure}");
                None
            }
        }
    }
}

/// The reports on ourselves of the last hour: cause and time.
async fn told_lately(
    history: &dyn History,
    now: Millis,
) -> Result<Vec<(Cause, Millis)>, SpoolError> {
    let query = HistoryQuery {
        since: Some(now.minus(PAUSE)),
        kind: Some(NOTIFICATION_SYSTEM.to_owned()),
        most: MOST,
        ..HistoryQuery::default()
    };
    let mut told = Vec::new();
    for summary in history.events(&query).await? {
        let Some(record) = history.event(summary.id).await? else {
            continue;
        };
        // Anybody may send an event of this type, but with a template of its own it is ours.
        let is_ours = matches!(
            &record.event.content,
            Content::Template { name, .. } if name == NOTIFICATION_SYSTEM
        );
        let cause = record.event.fields.get("cause");
        if let Some(cause) = cause
            .filter(|_| is_ours)
            .and_then(|name| Cause::named(name))
        {
            told.push((cause, record.accepted));
        }
    }
    Ok(told)
}
