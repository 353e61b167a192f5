//! The worker: claims what is due and has it delivered, until it is stopped.
//!
//! One loop looks at the lanes whenever something happened, by an event, by
//! a result or by the clock, and makes the claims that they order. Claims and
//! deliveries are tasks of their own, so none waits for another; what they write
//! at the same time, the spool puts into one step.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use notify_core::{
    Claim, FailureKind, Job, Millis, Outcome, SpoolError, SpoolErrorKind, Unreadable, report,
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::attempt::{Place, Unsettled, attempt, give_back};
use crate::bus::{Bus, Current, Inner};
use crate::deliver::GRACE;
use crate::gauges::Tally;
use crate::lanes::{Backoff, Name, Order, Rules};
use crate::spool_health::Call;
use crate::trouble::{Cause, Trouble};

/// How long deliveries may still take after the worker was told to stop.
const STOP: Duration = Duration::from_secs(10);
/// How long they may take to be recorded as cut off after that.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How much longer a lease is than the attempt that it is for.
const MARGIN: Duration = Duration::from_secs(60);
/// The longest attempt of deliveries whose target has no deadline of its own to ask for.
const LONGEST: Duration = Duration::from_secs(240);
/// The spool is asked at least so often what is due: somebody else may have put it there.
const SURVEY: Duration = Duration::from_secs(60);

impl Bus {
    /// Delivers what is due until `stop` is cancelled.
    ///
    /// First it ends the leases that an earlier run left: only one worker may
    /// work a spool. A spool that fails for a while is asked again and again,
    /// less and less often. When stopped, it waits a while for what is under way,
    /// and records the rest as cut off.
    ///
    /// # Errors
    /// When the spool cannot be worked at all, or this bus is at work already.
    pub async fn work(&self, stop: CancellationToken) -> Result<(), SpoolError> {
        let inner = &self.inner;
        if inner.is_at_work.swap(true, Ordering::AcqRel) {
            return Err(SpoolError::new(
                SpoolErrorKind::Busy,
                "this bus is at work already",
            ));
        }
        let _at_work = AtWork(inner);
        if !recover(inner, &stop).await? {
            return Ok(());
        }
        let worker = Worker {
            inner: Arc::clone(inner),
            tasks: TaskTracker::new(),
            killed: CancellationToken::new(),
            stop,
        };
        // Should this future be dropped, what is under way ends, too.
        let _killed = worker.killed.clone().drop_guard();
        worker.begin().await;
        worker.run().await;
        worker.end().await;
        Ok(())
    }
}

struct AtWork<'a>(&'a Inner);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.is_at_work.store(false, Ordering::Release);
    }
}

/// Ends the leases of an earlier run. Says no when it was stopped before it could.
async fn recover(inner: &Inner, stop: &CancellationToken) -> Result<bool, SpoolError> {
    let mut backoff = Backoff::default();
    loop {
        let failure = match inner.opened.spool.recover(inner.clock.now()).await {
            Ok(0) => return Ok(true),
            Ok(cut_off) => {
                info!(
                    cut_off,
                    "deliveries of an earlier run were cut off and are made again"
                );
                return Ok(true);
            }
            Err(failure) => failure,
        };
        if !passes(&failure) {
            return Err(failure);
        }
        if !backoff.is_on() {
            warn!("the spool cannot be worked yet: {}", report(&failure));
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(false),
            () = sleep(backoff.next()) => {}
        }
    }
}

/// Whether it is worth asking again.
fn passes(failure: &SpoolError) -> bool {
    matches!(
        failure.kind(),
        SpoolErrorKind::Full | SpoolErrorKind::Busy | SpoolErrorKind::Broken
    )
}

#[derive(Clone)]
struct Worker {
    inner: Arc<Inner>,
    tasks: TaskTracker,
    /// Ends attempts under way.
    killed: CancellationToken,
    stop: CancellationToken,
}

impl Worker {
    async fn begin(&self) {
        for alarm in &self.inner.opened.alarms {
            let trouble = Trouble {
                cause: Cause::Spool,
                target: None,
                detail: alarm.clone(),
            };
            self.inner.tell(trouble).await;
        }
        // Somebody may have changed the configuration while nobody looked.
        match self.inner.opened.history.last_attempts().await {
            Ok(last) => {
                let mut lanes = self.inner.lanes();
                for (target, success, failure) in last {
                    let later = |failure: &notify_core::AttemptRecord| {
                        success
                            .as_ref()
                            .is_none_or(|success| success.ended < failure.ended)
                    };
                    let bad = Outcome::Failed(FailureKind::Misconfigured);
                    if failure.is_some_and(|failure| failure.outcome == bad && later(&failure)) {
                        lanes.hurry(&target);
                    }
                }
            }
            Err(failure) => warn!("cannot read the last attempts: {}", report(&failure)),
        }
        let mut lanes = self.inner.lanes();
        // The leases of what an earlier run of this bus had claimed were ended.
        lanes.forget_waiting();
        lanes.want_survey();
    }

    async fn run(&self) {
        let mut surveyed = self.inner.clock.now();
        while !self.stop.is_cancelled() {
            let now = self.inner.clock.now();
            if now >= surveyed.plus(SURVEY) {
                self.inner.lanes().want_survey();
            }
            if self.look(now) {
                surveyed = now;
            }
            self.inner.looked.notify_waiters();
            let wait = self.wait(surveyed);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {}
                () = self.inner.wake.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    async fn end(&self) {
        let (waiting, under_way) = {
            let mut lanes = self.inner.lanes();
            (lanes.take_waiting(), lanes.under_way())
        };
        self.give_back(waiting);
        self.tasks.close();
        info!(under_way, "the worker stops");
        if timeout(STOP, self.tasks.wait()).await.is_err() {
            let under_way = self.inner.lanes().under_way();
            warn!(under_way, "deliveries are cut off");
            self.killed.cancel();
            if timeout(LAST_WORDS, self.tasks.wait()).await.is_err() {
                warn!("the spool did not answer: what was under way is recorded at the next start");
            }
        }
        self.inner.tell_what_was_kept();
    }

    /// Begins what there is to do now. Says whether the spool is asked for due times.
    fn look(&self, now: Millis) -> bool {
        let tellings = self.inner.throttle().due(now);
        if !tellings.is_empty() {
            let inner = Arc::clone(&self.inner);
            self.tasks
                .spawn(async move { inner.tell_all(tellings).await });
        }
        if self.is_held(now) {
            return false;
        }
        if self.inner.spool().try_out() {
            self.tasks.spawn(try_out(Arc::clone(&self.inner)));
            return false;
        }
        let current = self.inner.current();
        let mut lanes = self.inner.lanes();
        let hurried = lanes.take_hurried();
        let survey = lanes.take_survey();
        let total = current.settings.daemon.concurrency_total;
        let orders = lanes.orders(now, total, |target| rules(&current, target));
        drop(lanes);
        for (target, job) in orders.begin {
            let inner = Arc::clone(&self.inner);
            let places = Place::taken(&inner, &target);
            self.tasks
                .spawn(attempt(inner, job, places, self.killed.clone()));
        }
        self.give_back(orders.give_back);
        for target in hurried {
            self.tasks.spawn(hurry(Arc::clone(&self.inner), target));
        }
        if survey {
            self.tasks.spawn(survey_queues(Arc::clone(&self.inner)));
        }
        for order in orders.claims {
            let lease = longest(&current, &order.target) + MARGIN;
            self.tasks.spawn(claim(self.clone(), order, lease));
        }
        survey
    }

    /// Gives back what was claimed and not begun.
    fn give_back(&self, jobs: Vec<(Name, Job)>) {
        for (target, job) in jobs {
            let inner = Arc::clone(&self.inner);
            self.tasks.spawn(async move {
                let _unsettled = Unsettled::claimed(&inner, &target);
                give_back(&inner, &job, inner.clock.now()).await;
            });
        }
    }

    /// Whether nothing may be claimed, because the spool fails.
    fn is_held(&self, now: Millis) -> bool {
        self.inner.spool().is_held(now)
    }

    /// How long nothing happens by itself.
    fn wait(&self, surveyed: Millis) -> Duration {
        let told = self.inner.throttle().next();
        let (is_waited_for, held) = {
            let spool = self.inner.spool();
            (spool.is_waited_for(), spool.held_until)
        };
        let now = self.inner.clock.now();
        let next = match held {
            // Whoever waits to record something wakes the worker when it could.
            _ if is_waited_for => told,
            Some(until) if now < until => told.map_or(Some(until), |told| Some(told.min(until))),
            _ => {
                let timer = self.inner.lanes().next_timer();
                let survey = Some(surveyed.plus(SURVEY));
                [told, timer, survey].into_iter().flatten().min()
            }
        };
        // Not less than the clock can tell, so that a time in the past does not spin.
        next.map_or(SURVEY, |next| next.since(now))
            .max(Duration::from_millis(1))
    }
}

async fn claim(worker: Worker, order: Order, lease: Duration) {
    let inner = &worker.inner;
    let claim = Claim {
        target: Some(&order.target),
        most: order.most,
        lease,
    };
    let now = inner.clock.now();
    let claimed = inner.opened.spool.claim(claim, now).await;
    match claimed {
        Ok(jobs) => {
            // A claim that found nothing has written nothing.
            inner.spool_works(match jobs.is_empty() {
                true => Call::Look,
                false => Call::Change,
            });
            inner.lanes().claimed(&order, Some(jobs), now.plus(lease));
            inner.wake.notify_one();
        }
        Err(failure) => {
            inner.lanes().claimed(&order, None, now);
            inner.spool_failed(Call::Change, &failure);
        }
    }
    // The worker has given back all that it knew of.
    if worker.stop.is_cancelled() {
        let waiting = inner.lanes().take_waiting();
        worker.give_back(waiting);
    }
    for lost in inner.opened.spool.take_unreadable() {
        unreadable(inner, lost).await;
    }
}

/// A delivery that the spool itself gave up: people hear of it as of any other.
async fn unreadable(inner: &Inner, lost: Unreadable) {
    let Unreadable {
        event,
        target,
        detail,
    } = lost;
    inner.tally(&target, Tally::died);
    error!(%event, target, "given up: {detail}");
    let trouble = Trouble {
        cause: Cause::GivenUp,
        detail: format!("The delivery of {event} to `{target}` was given up: {detail}"),
        target: Some(target),
    };
    inner.tell(trouble).await;
}

/// Looks whether something can be written again.
async fn try_out(inner: Arc<Inner>) {
    let tried = inner.opened.spool.try_out().await;
    inner.spool().tried_out();
    match tried {
        Ok(()) => inner.spool_works(Call::Change),
        Err(failure) => inner.spool_failed(Call::Change, &failure),
    }
    inner.wake.notify_one();
}

async fn hurry(inner: Arc<Inner>, target: Arc<str>) {
    match inner.opened.spool.hurry(&target, inner.clock.now()).await {
        Ok(hurried) => {
            inner.spool_works(match hurried {
                0 => Call::Look,
                _ => Call::Change,
            });
            info!(
                target = &*target,
                hurried, "waiting deliveries are made now"
            );
            inner.lanes().due(&target);
        }
        Err(failure) => {
            warn!(
                target = &*target,
                "waiting deliveries cannot be hurried: {}",
                report(&failure)
            );
            inner.lanes().hurry(&target);
            inner.spool_failed(Call::Change, &failure);
        }
    }
    inner.wake.notify_one();
}

async fn survey_queues(inner: Arc<Inner>) {
    match inner.opened.spool.targets().await {
        Ok(queues) => {
            inner.spool_works(Call::Look);
            inner.lanes().surveyed(&queues, inner.clock.now());
        }
        Err(failure) => {
            inner.lanes().want_survey();
            inner.spool_failed(Call::Look, &failure);
        }
    }
    inner.wake.notify_one();
}

fn rules(current: &Current, target: &str) -> Rules {
    let slot = current.engine.targets.get(target);
    Rules {
        enabled: slot.is_none_or(|slot| !slot.disabled),
        settings: *current.settings.target(target),
        longest: longest(current, target),
    }
}

/// The longest that an attempt takes.
fn longest(current: &Current, target: &str) -> Duration {
    let slot = current.engine.targets.get(target);
    let target = slot.and_then(|slot| slot.target.as_ref().ok());
    target.map_or(LONGEST, |target| target.deadline() + GRACE)
}
