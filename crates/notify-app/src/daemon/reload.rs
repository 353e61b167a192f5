//! Reads the configuration anew when it has changed, and puts it in force.

use std::collections::BTreeSet;
use std::sync::Arc;

use notify_bus::{Bus, Cause, Trouble, missing_targets};
use notify_core::Zone;
use notify_schema::{Fault, Level};
use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::last_good::{Trust, objection};
use super::metrics::Metrics;
use super::service;
use super::sources::{Print, Sources};
use crate::exit::Stop;
use crate::setup::{Ready, Setup};

/// What else follows the settings.
pub(super) type Also = Box<dyn Fn(&Ready) + Send + Sync>;

/// What a change puts in force.
pub(super) struct Reload {
    pub(super) setup: Arc<Setup>,
    pub(super) bus: Bus,
    pub(super) ready: watch::Sender<Arc<Ready>>,
    /// Why the configuration in force is not the newest.
    pub(super) trouble: watch::Sender<Option<String>>,
    /// What else follows the settings.
    pub(super) also: Also,
    /// Where metrics are served.
    pub(super) metrics: Metrics,
    /// The files as they were before they were read the first time.
    pub(super) print: Print,
}

impl Reload {
    /// Follows the files, and the signal with which a person asks, until it is stopped.
    pub(super) async fn work(mut self, mut asked: Signal, stop: CancellationToken) {
        let sources = Sources::of(&self.setup.store);
        loop {
            let trust = tokio::select! {
                () = stop.cancelled() => return,
                () = sources.change(self.print) => Trust::Seen,
                Some(()) = asked.recv() => Trust::Asked,
            };
            service::reloading();
            // Before the files are read: what changes meanwhile is a change.
            self.print = sources.look().await;
            self.read(trust).await;
            service::ready();
        }
    }

    async fn read(&mut self, trust: Trust) {
        let setup = Arc::clone(&self.setup);
        let read = tokio::task::spawn_blocking(move || setup.ready(Zone::Local)).await;
        let read = read.unwrap_or_else(|panic| Err(Stop::failed(panic.to_string())));
        let before = Arc::clone(&self.ready.borrow());
        let refused = match &read {
            Ok(now) => objection(&before, now, trust),
            Err(stop) => Some(stop.to_string()),
        };
        match (read, refused) {
            (Ok(now), None) => {
                for trouble in self.put_in_force(&before, now) {
                    self.bus.report(trouble).await;
                }
            }
            (_, refused) => {
                let why = refused.unwrap_or_default();
                let text = format!("{why}; the last good configuration stays in force");
                self.trouble.send_replace(Some(text.clone()));
                service::status(&text);
                self.bus.report(trouble(text)).await;
            }
        }
    }

    fn put_in_force(&mut self, before: &Ready, now: Ready) -> Vec<Trouble> {
        let known = all_faults(before);
        let mut troubles = Vec::from_iter(faults(&now, &known));
        let now = Arc::new(now);
        let settings = now.settings();
        let moved = self.metrics.follow(settings.daemon.metrics_listen);
        troubles.extend(moved.err().map(trouble));
        self.bus.replace(Arc::clone(&now.engine), settings);
        (self.also)(&now);
        self.ready.send_replace(Arc::clone(&now));
        tracing::info!("the configuration was read anew");
        self.trouble.send_replace(None);
        service::status(STATUS);
        troubles
    }
}

/// What it says of itself when all is well.
pub(super) const STATUS: &str = "takes and delivers events";

/// What is wrong with a configuration, also across its sections: a matcher that names a target
/// which is not there says so here, and not only when an event is on its way to nowhere.
fn all_faults(ready: &Ready) -> Vec<Fault> {
    let mut faults: Vec<Fault> = ready.faults().cloned().collect();
    faults.extend(missing_targets(&ready.configuration, &ready.engine));
    faults
}

/// Says in the log what is wrong with a configuration and is not known; the errors are trouble.
pub(super) fn faults(ready: &Ready, known: &[Fault]) -> Option<Trouble> {
    let known: BTreeSet<String> = known.iter().map(ToString::to_string).collect();
    let mut errors = Vec::new();
    for fault in all_faults(ready) {
        let text = fault.to_string();
        if known.contains(&text) {
            continue;
        }
        if fault.level == Level::Error {
            errors.push(text);
        } else {
            tracing::warn!("{text}");
        }
    }
    (!errors.is_empty()).then(|| trouble(errors.join("; ")))
}

fn trouble(detail: String) -> Trouble {
    Trouble {
        cause: Cause::Configuration,
        target: None,
        detail,
    }
}
