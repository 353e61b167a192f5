//! One delivery: attempted, judged, recorded.

use std::sync::Arc;
use std::time::Duration;

use notify_core::{
    AttemptRecord, Failure, FailureKind, Job, JobRecord, JobState, Millis, Next, Outcome, Receipt,
    Refusal, Settlement, SpoolError, SpoolErrorKind, Target, failpoint, report,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::accept::{UNDECIDED, decided_anew};
use crate::breaker::Change;
use crate::bus::{Current, Inner};
use crate::gauges::Tally;
use crate::lanes::{Backoff, Name};
use crate::policy::{HELD, Situation, WhenUncertain, seed};
use crate::spool_health::Call;
use crate::trouble::{Cause, Trouble, is_about_ourselves};
use crate::{LEGACY_MAIL, RetryPolicy};

/// When a delivery is looked at again whose earlier attempts could not be read.
const UNREADABLE: Duration = Duration::from_secs(10);

/// The place of a delivery in its lane. It is free when this is dropped, however the delivery ended.
pub(crate) struct Place {
    inner: Arc<Inner>,
    target: Name,
}

/// That a claimed delivery is not yet recorded.
pub(crate) struct Unsettled {
    inner: Arc<Inner>,
    target: Name,
}

impl Place {
    /// A place that the lane has counted.
    pub(crate) fn taken(inner: &Arc<Inner>, target: &Name) -> (Place, Unsettled) {
        let place = Place {
            inner: Arc::clone(inner),
            target: Arc::clone(target),
        };
        (place, Unsettled::claimed(inner, target))
    }
}

impl Unsettled {
    /// One that the lane has counted.
    pub(crate) fn claimed(inner: &Arc<Inner>, target: &Name) -> Unsettled {
        Unsettled {
            inner: Arc::clone(inner),
            target: Arc::clone(target),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.lanes().freed(&self.target);
        self.inner.wake.notify_one();
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        self.inner.lanes().settled(&self.target);
        self.inner.wake.notify_one();
    }
}

/// To whom a delivery goes.
enum Addressee {
    Target(Arc<dyn Target>),
    /// The matchers, which could not yet choose.
    Matchers,
    /// It waits until the target is switched on.
    Disabled,
    /// Nothing can be tried, because of this.
    Nobody(String),
}

/// What came of an attempt.
struct Ended {
    settlement: Settlement,
    /// When.
    at: Millis,
    /// Whether the target was asked at all.
    tried: bool,
    /// How long the target asked to be left alone.
    rest: Option<Duration>,
}

/// Makes the attempt that a job is claimed for, and records it.
///
/// When `killed` is cancelled, an attempt under way is recorded as cut off.
pub(crate) async fn attempt(
    inner: Arc<Inner>,
    job: Job,
    (place, unsettled): (Place, Unsettled),
    killed: CancellationToken,
) {
    let current = inner.current();
    let policy = current.settings.target(&job.target).retry;
    let ended = match addressee(&inner, &current, &job) {
        Addressee::Disabled => {
            drop(place);
            give_back(&inner, &job, inner.clock.now()).await;
            return;
        }
        Addressee::Nobody(reason) => {
            let failure = Failure::misconfigured(reason);
            let at = inner.clock.now();
            judged(&job, &policy, Err(failure), at, at, false)
        }
        Addressee::Matchers => match anew(&inner, &current, &policy, &job).await {
            Ok(ended) => ended,
            Err(failure) => {
                warn!(event = %job.event.id, "cannot be accepted anew: {}", report(&failure));
                drop(place);
                give_back(&inner, &job, inner.clock.now().plus(UNREADABLE)).await;
                return;
            }
        },
        Addressee::Target(target) => {
            if policy.uncertain == WhenUncertain::Hold && job.attempt > 1 {
                match unclear(&inner, &job).await {
                    Ok(None) => {}
                    Ok(Some(number)) => {
                        drop(place);
                        let held = held(number, inner.clock.now());
                        record(&inner, &job, held, &killed).await;
                        return;
                    }
                    Err(failure) => {
                        warn!(event = %job.event.id, target = job.target, "cannot read its attempts: {}", report(&failure));
                        drop(place);
                        give_back(&inner, &job, inner.clock.now().plus(UNREADABLE)).await;
                        return;
                    }
                }
            }
            tried(&inner, &current, &policy, &job, &*target, &killed).await
        }
    };
    let opened = observe(&inner, &job, &policy, &ended);
    // The next delivery need not wait for the disk.
    drop(place);
    record(&inner, &job, ended, &killed).await;
    drop(unsettled);
    if let Some(trouble) = opened {
        inner.tell(trouble).await;
    }
}

/// Gives a job back without an attempt: nothing was sent.
pub(crate) async fn give_back(inner: &Inner, job: &Job, due: Millis) {
    match inner.opened.spool.release(&job.lease, due).await {
        Ok(()) => inner.lanes().later(&job.target, due),
        // Its lease ends, and then it is due again.
        Err(failure) => {
            warn!(event = %job.event.id, target = job.target, "cannot be given back: {}", report(&failure));
        }
    }
}

fn addressee(inner: &Inner, current: &Current, job: &Job) -> Addressee {
    if let Some(mail) = &job.legacy
        && job.target == LEGACY_MAIL
    {
        let mut types = inner.registry.types().iter();
        let build = types.find_map(|known| known.legacy);
        return match build {
            Some(build) => Addressee::Target(build(mail.clone())),
            None => Addressee::Nobody("no target type can send a mail of the old way".to_owned()),
        };
    }
    if job.target == UNDECIDED {
        return Addressee::Matchers;
    }
    match current.engine.targets.get(&job.target) {
        None => Addressee::Nobody(format!("there is no target `{}`", job.target)),
        Some(slot) if slot.disabled => Addressee::Disabled,
        Some(slot) => match &slot.target {
            Ok(target) => Addressee::Target(Arc::clone(target)),
            Err(reason) => Addressee::Nobody(reason.clone()),
        },
    }
}

/// The last attempt that may have arrived since a person last had a word, whatever came after it.
async fn unclear(inner: &Inner, job: &Job) -> Result<Option<u32>, notify_core::SpoolError> {
    let record = inner.opened.history.event(job.event.id).await?;
    let jobs = record.map_or_else(Vec::new, |record| record.jobs);
    let ours = |record: &&JobRecord| record.target == job.target;
    let attempts = jobs.iter().find(ours).map(|record| &record.attempts);
    let may_have_arrived = |attempt: &&AttemptRecord| {
        let uncertain = Outcome::Failed(FailureKind::Uncertain);
        [Outcome::CutOff, uncertain].contains(&attempt.outcome) && attempt.ended >= job.since
    };
    let last = attempts.and_then(|all| all.iter().rev().find(may_have_arrived));
    Ok(last.map(|attempt| attempt.number))
}

fn held(number: u32, now: Millis) -> Ended {
    let settlement = Settlement {
        started: now,
        outcome: Outcome::CutOff,
        detail: Some(format!(
            "attempt {number} may have arrived, and nothing was sent since"
        )),
        reference: None,
        refused: Vec::new(),
        next: Next::Dead {
            reason: HELD.to_owned(),
        },
    };
    Ended {
        settlement,
        at: now,
        tried: false,
        rest: None,
    }
}

/// Has the matchers choose again. What they choose is an event of its own; when this is cut off
/// before it is recorded, the next attempt finds that event accepted.
async fn anew(
    inner: &Inner,
    current: &Current,
    policy: &RetryPolicy,
    job: &Job,
) -> Result<Ended, SpoolError> {
    let started = inner.clock.now();
    let result = match decided_anew(&current.engine, &job.event, started) {
        Err(reason) => Err(Failure::misconfigured(reason)),
        Ok((entry, accepted)) => {
            let accepted = inner.put(entry, accepted).await?;
            info!(event = %job.event.id, anew = %accepted.id, "decided anew");
            Ok(Receipt::with_reference(accepted.id.to_string()))
        }
    };
    let at = inner.clock.now();
    Ok(judged(job, policy, result, started, at, false))
}

async fn tried(
    inner: &Inner,
    current: &Current,
    policy: &RetryPolicy,
    job: &Job,
    target: &dyn Target,
    killed: &CancellationToken,
) -> Ended {
    let started = inner.clock.now();
    let message = current.texts(&job.event);
    failpoint::reached("before-send");
    let result = tokio::select! {
        biased;
        () = killed.cancelled() => None,
        result = current.engine.try_once(target, job, &message, inner.clock.moment()) => Some(result),
    };
    failpoint::reached("after-send");
    for fault in message.faults() {
        warn!(event = %job.event.id, target = job.target, "{fault}");
    }
    let at = inner.clock.now();
    match result {
        Some(result) => judged(job, policy, result, started, at, true),
        None => cut_off(job, policy, started, at),
    }
}

fn situation(job: &Job, now: Millis) -> Situation {
    Situation {
        attempt: job.attempt,
        since: job.since,
        now,
        seed: seed(&job.lease.key, job.attempt),
    }
}

fn judged(
    job: &Job,
    policy: &RetryPolicy,
    result: Result<Receipt, Failure>,
    started: Millis,
    at: Millis,
    tried: bool,
) -> Ended {
    let (outcome, next) = policy.next(&result, situation(job, at));
    let rest = policy.rest(&result);
    let (detail, reference, refused) = match result {
        Ok(receipt) => {
            let warnings = receipt.warnings.join("; ");
            let detail = (!warnings.is_empty()).then_some(warnings);
            (detail, receipt.reference, refusals(&receipt.refused))
        }
        Err(failure) => (Some(failure.report()), None, refusals(failure.refused())),
    };
    let settlement = Settlement {
        started,
        outcome,
        detail,
        reference,
        refused,
        next,
    };
    Ended {
        settlement,
        at,
        tried,
        rest,
    }
}

fn cut_off(job: &Job, policy: &RetryPolicy, started: Millis, at: Millis) -> Ended {
    let settlement = Settlement {
        started,
        outcome: Outcome::CutOff,
        detail: Some("the worker was stopped in the middle of it".to_owned()),
        reference: None,
        refused: Vec::new(),
        next: policy.after_cut_off(situation(job, at)),
    };
    Ended {
        settlement,
        at,
        tried: true,
        rest: None,
    }
}

fn refusals(refused: &[(String, Failure)]) -> Vec<Refusal> {
    let refusal = |(recipient, failure): &(String, Failure)| Refusal {
        recipient: recipient.clone(),
        kind: failure.kind().name().to_owned(),
        message: failure.report(),
    };
    refused.iter().map(refusal).collect()
}

/// Tells the lane how it went, and the log; says what people must hear of.
fn observe(inner: &Inner, job: &Job, policy: &RetryPolicy, ended: &Ended) -> Option<Trouble> {
    let Ended { settlement, at, .. } = ended;
    let name = &*job.target;
    let change = {
        let took = at.since(settlement.started);
        inner.tally(name, |tally| tally.attempted(settlement.outcome, took));
        let mut lanes = inner.lanes();
        if ended.tried {
            let change = lanes.tried(name, settlement.outcome, ended.rest, policy, (*at, took));
            // Who asked to be left alone is, also by those that are past their age.
            let is_past_its_age = matches!(settlement.next, Next::Dead { .. });
            if is_past_its_age
                && ended.rest.is_none()
                && settlement.outcome != Outcome::Failed(FailureKind::Rejected)
            {
                lanes.lane(name).breaker.gave_up();
            }
            change
        } else {
            lanes.untried(name);
            Change::Nothing
        }
    };
    match change {
        Change::Nothing => None,
        Change::Closed => {
            info!(event = %job.event.id, target = name, "breaker closed");
            None
        }
        // A limit of the far side is no trouble, as long as it lets something through in between.
        Change::Rests(until) => {
            let wait = notify_schema::duration_text(until.since(*at));
            info!(event = %job.event.id, target = name, "the target asks to be left alone for {wait}");
            None
        }
        Change::Opened(until) => {
            let wait = notify_schema::duration_text(until.since(*at));
            warn!(event = %job.event.id, target = name, "breaker opened for {wait}");
            let detail = settlement.detail.as_deref().unwrap_or("it failed");
            (!is_about_ourselves(&job.event)).then(|| Trouble {
                cause: Cause::Breaker,
                target: Some(name.to_owned()),
                detail: format!(
                    "The target `{name}` keeps failing and is left alone for {wait}: {detail}"
                ),
            })
        }
    }
}

/// Records an attempt, however long the spool takes to be able to.
async fn record(inner: &Arc<Inner>, job: &Job, ended: Ended, killed: &CancellationToken) {
    failpoint::reached("before-settle");
    let Ended { settlement, at, .. } = ended;
    let mut waiting: Option<Unrecorded> = None;
    let mut backoff = Backoff::default();
    let state = loop {
        let settled = inner
            .opened
            .spool
            .settle(&job.lease, settlement.clone(), at)
            .await;
        let failure = match settled {
            Ok(state) => break state,
            Err(failure) => failure,
        };
        if matches!(
            failure.kind(),
            SpoolErrorKind::Stale | SpoolErrorKind::Unfit
        ) {
            warn!(
                event = %job.event.id, target = job.target, outcome = settlement.outcome.name(),
                "the result is not recorded: {}", report(&failure)
            );
            return;
        }
        inner.spool_failed(Call::Change, &failure);
        if waiting.is_none() {
            waiting = Some(Unrecorded::begin(inner));
            warn!(
                event = %job.event.id, target = job.target,
                "the result cannot be recorded yet: {}", report(&failure)
            );
        }
        tokio::select! {
            () = killed.cancelled() => return,
            () = tokio::time::sleep(backoff.next()) => {}
        }
    };
    drop(waiting);
    inner.spool_works(Call::Change);
    recorded(inner, job, &settlement, state).await;
}

/// What follows from a record.
async fn recorded(inner: &Inner, job: &Job, settlement: &Settlement, state: JobState) {
    let (event, target) = (job.event.id, &*job.target);
    let attempt = job.attempt;
    let outcome = settlement.outcome.name();
    let detail = settlement.detail.as_deref().unwrap_or_default();
    if state == JobState::Cancelled {
        info!(%event, target, attempt, outcome, detail, "ended, and was dropped meanwhile");
        return;
    }
    match &settlement.next {
        Next::Delivered => {
            inner.tally(target, Tally::delivered);
            let reference = settlement.reference.as_deref().unwrap_or_default();
            let refused = settlement.refused.len();
            info!(%event, target, attempt, reference, refused, detail, "delivered");
        }
        Next::Retry { due, .. } => {
            inner.lanes().later(target, *due);
            let wait_ms = due.since(inner.clock.now()).as_millis();
            warn!(%event, target, attempt, outcome, detail, wait_ms, "to be tried again");
        }
        Next::Dead { reason } => {
            inner.tally(target, Tally::died);
            warn!(%event, target, attempt, outcome, detail, reason, "given up");
            if is_about_ourselves(&job.event) {
                debug!(%event, target, "no event about an event about ourselves");
                return;
            }
            let trouble = Trouble {
                cause: Cause::GivenUp,
                target: Some(target.to_owned()),
                detail: format!(
                    "The delivery of {event} ({}) to `{target}` was given up: {reason}: {detail}",
                    job.event.content.title()
                ),
            };
            inner.tell(trouble).await;
        }
    }
}

/// That the result of an attempt waits to be recorded. Meanwhile nothing is claimed: it would be
/// made twice, were its lease to end.
struct Unrecorded(Arc<Inner>);

impl Unrecorded {
    fn begin(inner: &Arc<Inner>) -> Self {
        inner.spool().unrecorded += 1;
        Unrecorded(Arc::clone(inner))
    }
}

impl Drop for Unrecorded {
    fn drop(&mut self) {
        self.0.spool().unrecorded -= 1;
        self.0.wake.notify_one();
    }
}
