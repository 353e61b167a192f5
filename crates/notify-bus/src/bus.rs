//! Accepts events and knows how the targets fare; the work itself is in [`work`](crate::work).

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use notify_core::{
    Entry, EventId, Millis, Notification, Opened, Put, Registry, SpoolError, SpoolErrorKind, report,
};
use notify_render::Texts;
use serde::Serialize;
use tokio::sync::{Notify, OnceCell};
use tracing::{debug, error, info, warn};

use crate::accept::{Accepted, proposed};
use crate::breaker::BreakerState;
use crate::gauges::{Gauges, OTHERS, Tally};
use crate::lanes::Lanes;
use crate::spool_health::{Call, SpoolHealth, SpoolTrouble};
use crate::trouble::{Throttle, Trouble};
use crate::{Clock, Engine, OwnLane, Settings};

/// So many entries of the texts may be those of events that were delivered.
const MOST_TEXTS: usize = 1024;

/// Accepts events, delivers what a spool holds, and says how it goes.
///
/// Clones are the same bus. An event is accepted when it is on disk with its
/// deliveries; [`Bus::work`] makes these until it is stopped, and takes up what
/// an earlier run left.
#[derive(Clone, Debug)]
pub struct Bus {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) opened: Opened,
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<dyn Clock>,
    current: RwLock<Arc<Current>>,
    lanes: Mutex<Lanes>,
    spool: Mutex<SpoolHealth>,
    throttle: Mutex<Throttle>,
    /// What earlier runs told of themselves is known.
    pub(crate) remembered: OnceCell<()>,
    /// Wakes the worker.
    pub(crate) wake: Notify,
    /// The worker has looked at what there is to do.
    pub(crate) looked: Notify,
    pub(crate) is_at_work: AtomicBool,
    accepted: AtomicU64,
    refused: AtomicU64,
    known: AtomicU64,
    jobs: AtomicU64,
}

/// What is in force: swapped as a whole.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) engine: Arc<Engine>,
    pub(crate) settings: Settings,
    /// The texts of events that are being delivered.
    texts: Mutex<HashMap<EventId, Weak<Texts>>>,
}

/// How a target stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TargetStatus {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is switched off: deliveries wait.
    pub disabled: bool,
    /// Why it cannot be used.
    pub unusable: Option<String>,
    /// Its breaker.
    pub breaker: BreakerState,
    /// Deliveries that are under way.
    pub in_flight: usize,
    /// Failures in a row.
    pub failures: u32,
}

impl Bus {
    /// A bus on an open spool. It does nothing by itself.
    ///
    /// The registry is asked for the type that sends mails of the old way.
    pub fn new(
        opened: &Opened,
        engine: Arc<Engine>,
        registry: Registry,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Bus {
        engine.prepare_for_many_events();
        let inner = Inner {
            opened: opened.clone(),
            registry,
            clock,
            current: RwLock::new(Arc::new(Current::new(engine, settings))),
            lanes: Mutex::default(),
            spool: Mutex::default(),
            throttle: Mutex::default(),
            remembered: OnceCell::new(),
            wake: Notify::new(),
            looked: Notify::new(),
            is_at_work: AtomicBool::new(false),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            known: AtomicU64::new(0),
            jobs: AtomicU64::new(0),
        };
        Bus {
            inner: Arc::new(inner),
        }
    }

    /// The engine in force.
    pub fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.inner.current().engine)
    }

    /// The settings in force.
    pub fn settings(&self) -> Settings {
        self.inner.current().settings.clone()
    }

    /// The spool that it works.
    pub fn opened(&self) -> &Opened {
        &self.inner.opened
    }

    /// The target types that it knows.
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    /// The clock that it works by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Puts a new configuration in force, at once and as a whole.
    ///
    /// Deliveries under way go on as they began. What waits for a target whose
    /// section changed becomes due, and its breaker is closed. What failed for the
    /// configuration becomes due, too: what was wrong may have been in another
    /// section or file. There one delivery is the probe.
    pub fn replace(&self, engine: Arc<Engine>, settings: Settings) {
        engine.prepare_for_many_events();
        let new = Arc::new(Current::new(engine, settings));
        let old = {
            let mut current = self
                .inner
                .current
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, Arc::clone(&new))
        };
        let changed = new.engine.changed_targets(&old.engine);
        let mut lanes = self.inner.lanes();
        for target in &changed {
            if lanes.changed(target) {
                info!(target, "breaker closed: the configuration changed");
            }
        }
        let misconfigured = lanes.misconfigured();
        for target in &misconfigured {
            lanes.perhaps_mended(target);
        }
        lanes.look_at_all();
        drop(lanes);
        let (targets, tried_again) = (changed.len(), misconfigured.len());
        info!(targets, tried_again, "configuration replaced");
        self.inner.wake.notify_one();
    }

    /// Accepts an event: decides and stores it with its deliveries in one durable step.
    ///
    /// An event that was accepted before changes nothing.
    ///
    /// # Errors
    /// When it could not be stored. Then nothing was.
    pub async fn accept(&self, event: Notification) -> Result<Accepted, SpoolError> {
        self.inner.accept(event).await
    }

    /// Accepts what was decided elsewhere: a mail of the old way, or one that arrived at some targets already.
    ///
    /// # Errors
    /// As for [`Bus::accept`].
    pub async fn accept_entry(&self, entry: Entry) -> Result<Accepted, SpoolError> {
        let accepted = Accepted::of(&entry, Put::Stored);
        self.inner.put(entry, accepted).await
    }

    /// Something changed in the spool that the bus did not do itself: it is looked at anew.
    ///
    /// Who had deliveries tried again may have healed their target: each open breaker lets one out
    /// as a probe.
    pub fn wake(&self) {
        self.inner.lanes().stirred();
        self.inner.wake.notify_one();
    }

    /// Waits until the worker has looked at what there is to do; for ever where none is at work.
    pub async fn answers(&self) {
        let looked = self.inner.looked.notified();
        let mut looked = std::pin::pin!(looked);
        looked.as_mut().enable();
        self.inner.wake.notify_one();
        looked.await;
    }

    /// Reports trouble as an event of type [`NOTIFICATION_SYSTEM`](crate::NOTIFICATION_SYSTEM),
    /// at most one of a cause in an hour.
    pub async fn report(&self, trouble: Trouble) {
        self.inner.tell(trouble).await;
    }

    /// How the targets of the configuration stand, by name.
    pub fn status(&self) -> Vec<TargetStatus> {
        let current = self.inner.current();
        let now = self.inner.clock.now();
        let mut lanes = self.inner.lanes();
        let slots = current.engine.targets.iter();
        let status = slots.map(|(name, slot)| TargetStatus {
            disabled: slot.disabled,
            unusable: slot.target.as_ref().err().cloned(),
            ..in_lane(&mut lanes, name, &slot.kind, now)
        });
        status.collect()
    }

    /// How it stands with what goes past the targets, by name.
    pub fn own_lanes(&self) -> Vec<TargetStatus> {
        let current = self.inner.current();
        let now = self.inner.clock.now();
        let mut lanes = self.inner.lanes();
        let own = OwnLane::ALL.into_iter();
        let own = own.filter(|lane| !current.engine.has_target(lane.name()));
        let status = own.map(|own| {
            let kind = own.kind(&self.inner.registry);
            in_lane(&mut lanes, own.name(), kind, now)
        });
        status.collect()
    }

    /// What was counted since the start.
    pub fn gauges(&self) -> Gauges {
        let current = self.inner.current();
        let spool_trouble = self.inner.spool().trouble().cloned();
        let lanes = self.inner.lanes();
        let mut names: BTreeSet<&str> = current.engine.targets.keys().map(String::as_str).collect();
        names.extend(OwnLane::ALL.map(OwnLane::name));
        let none = Tally::default();
        let targets = names.into_iter().map(|name| {
            let tally = lanes.known(name).map_or(&none, |lane| &lane.tally);
            tally.gauges(name)
        });
        Gauges {
            accepted: self.inner.accepted.load(Ordering::Relaxed),
            known: self.inner.known.load(Ordering::Relaxed),
            jobs: self.inner.jobs.load(Ordering::Relaxed),
            in_flight: lanes.under_way(),
            spool_trouble,
            targets: targets.collect(),
            others: lanes.others.gauges(OTHERS),
            refused: self.inner.refused.load(Ordering::Relaxed),
        }
    }
}

/// A target as its lane has it.
fn in_lane(lanes: &mut Lanes, name: &str, kind: &str, now: Millis) -> TargetStatus {
    let mut status = TargetStatus {
        name: name.to_owned(),
        kind: kind.to_owned(),
        disabled: false,
        unusable: None,
        breaker: BreakerState::Closed,
        in_flight: 0,
        failures: 0,
    };
    if lanes.known(name).is_some() {
        let lane = lanes.lane(name);
        status.breaker = lane.breaker.look(now);
        status.failures = lane.breaker.failures();
        status.in_flight = lane.under_way;
    }
    status
}

impl Current {
    fn new(engine: Arc<Engine>, settings: Settings) -> Self {
        Current {
            engine,
            settings,
            texts: Mutex::default(),
        }
    }

    /// The texts of an event, rendered once for all targets that it is being delivered to.
    pub(crate) fn texts(&self, event: &Notification) -> Arc<Texts> {
        let mut known = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(texts) = known.get(&event.id).and_then(Weak::upgrade) {
            return texts;
        }
        if known.len() >= MOST_TEXTS {
            known.retain(|_, texts| texts.strong_count() > 0);
        }
        let texts = Arc::new(self.engine.message(event));
        known.insert(event.id, Arc::downgrade(&texts));
        texts
    }
}

impl Inner {
    pub(crate) fn current(&self) -> Arc<Current> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    // Whoever holds these locks does no more than count and compare: a panic
    // leaves nothing half done that later calls could not live with.

    pub(crate) fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn spool(&self) -> MutexGuard<'_, SpoolHealth> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn accept(&self, event: Notification) -> Result<Accepted, SpoolError> {
        let engine = Arc::clone(&self.current().engine);
        let (entry, accepted) = proposed(&engine, event, self.clock.now());
        self.put(entry, accepted).await
    }

    pub(crate) async fn put(
        &self,
        entry: Entry,
        accepted: Accepted,
    ) -> Result<Accepted, SpoolError> {
        let severity = entry.event.severity;
        let targets: Vec<_> = entry
            .jobs
            .iter()
            .map(|job| (job.target.clone(), job.due))
            .collect();
        let put = match self.opened.spool.put(entry).await {
            Ok(put) => put,
            Err(failure) => {
                self.refused(&failure);
                return Err(failure);
            }
        };
        self.spool_works(Call::Accept);
        if put == Put::Known {
            self.known.fetch_add(1, Ordering::Relaxed);
            debug!(event = %accepted.id, "accepted before");
            return Ok(Accepted {
                known: true,
                ..accepted
            });
        }
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.jobs.fetch_add(targets.len() as u64, Ordering::Relaxed);
        info!(event = %accepted.id, %severity, deliveries = targets.len(), "accepted");
        let now = self.clock.now();
        let mut lanes = self.lanes();
        for (target, due) in &targets {
            if *due <= now {
                lanes.due(target);
            } else {
                lanes.later(target, *due);
            }
        }
        drop(lanes);
        self.wake.notify_one();
        Ok(accepted)
    }

    /// An event was not taken. Where it is not for the event's sake, the spool is in trouble.
    fn refused(&self, failure: &SpoolError) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        if failure.kind() != SpoolErrorKind::Unfit {
            self.spool_failed(Call::Accept, failure);
        }
    }

    /// A call failed: nobody asks again for a while, and it is said now and then.
    pub(crate) fn spool_failed(&self, call: Call, failure: &SpoolError) {
        let told = self
            .spool()
            .failed(call, &report(failure), self.clock.now());
        if let Some(SpoolTrouble {
            since,
            reason,
            refused,
            ..
        }) = told
        {
            let for_s = self.clock.now().since(since).as_secs();
            error!(
                refused,
                for_s,
                "the spool fails, and nothing is taken or delivered until it works again: {reason}"
            );
        }
        self.wake.notify_one();
    }

    pub(crate) fn spool_works(&self, call: Call) {
        let over = self.spool().succeeded(call);
        if let Some(SpoolTrouble { since, refused, .. }) = over {
            let for_s = self.clock.now().since(since).as_secs();
            warn!(refused, for_s, "the spool works again");
            // What was held may go out.
            self.wake.notify_one();
        }
    }

    /// Counts for a target; for all others together when the configuration does not have it, so
    /// that a counter never falls.
    pub(crate) fn tally(&self, target: &str, count: impl FnOnce(&mut Tally)) {
        let is_known = self.current().engine.has_target(target) || OwnLane::of(target).is_some();
        let mut lanes = self.lanes();
        count(match is_known {
            true => &mut lanes.lane(target).tally,
            false => &mut lanes.others,
        });
    }
}
