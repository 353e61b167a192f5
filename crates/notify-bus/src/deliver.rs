//! Delivers one event to all its targets at once.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use chrono::{DateTime, FixedOffset};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use notify_core::{
    Attempt, Content, Failure, Job, LegacyMail, Message, Notification, Receipt, Registry, Target,
};
use notify_render::{Texts, Verbatim, with_common_variables};
use notify_schema::Fault;

use crate::Engine;
use crate::engine::Slot;
use crate::report::{Report, Skipped, TargetReport};

/// How long after its deadline a target may still answer before it is left alone.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// The most deliveries that are under way at once: each may hold two open files, and a
/// process usually may have 1,024.
const AT_ONCE: usize = 256;

/// The name of the target in reports of a mail of the old way.
pub const LEGACY_MAIL: &str = "legacy-mail";

/// A moment by both clocks: deadlines count from one, headers show the other.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The steady clock.
    pub instant: Instant,
    /// The wall clock, in the host's zone.
    pub wall: DateTime<FixedOffset>,
}

/// One delivery to make: what is left of an event that arrived at some targets already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// The target.
    pub target: String,
    /// Only these of its recipients; none means all.
    pub recipients: Option<Vec<String>>,
    /// 1 for the first attempt.
    pub number: u32,
}

impl Errand {
    /// The first attempt at a target, for all its recipients.
    pub fn first(target: &str) -> Self {
        Errand {
            target: target.to_owned(),
            recipients: None,
            number: 1,
        }
    }
}

impl Engine {
    /// Routes an event and delivers it to every chosen target, all at the same time.
    ///
    /// A slow target delays the answer and no other target. One that panics or
    /// overstays its deadline has failed; the others go on.
    /// The faults are those of templates that were passed over.
    pub async fn send(&self, notification: &Notification, moment: Moment) -> (Report, Vec<Fault>) {
        let decision = self.decide(notification);
        let targets = decision.targets.iter();
        let errands: Vec<Errand> = targets.map(|target| Errand::first(target)).collect();
        let (mut report, faults) = self.run(notification, &errands, moment).await;
        report.matchers = decision.matchers;
        (report, faults)
    }

    /// Makes these deliveries, all at the same time, as [`Engine::send`] does. No matcher is asked.
    pub async fn run(
        &self,
        notification: &Notification,
        errands: &[Errand],
        moment: Moment,
    ) -> (Report, Vec<Fault>) {
        let message = self.message(notification);
        let attempts = errands
            .iter()
            .map(|errand| self.one(errand, notification, &message, moment));
        let mut report = Report::of(notification, Vec::new());
        let under_way = stream::iter(attempts).buffer_unordered(AT_ONCE);
        report.targets = under_way.collect().await;
        report
            .targets
            .sort_by(|a: &TargetReport, b| a.name.cmp(&b.name));
        (report, message.faults())
    }

    /// Delivers to one target, whatever the matchers say and even if it is disabled; none if there is no such target.
    pub async fn deliver_to(
        &self,
        target: &str,
        notification: &Notification,
        moment: Moment,
    ) -> Option<(Report, Vec<Fault>)> {
        let slot = self.targets.get(target)?;
        Some(self.alone(target, slot, notification, moment).await)
    }

    /// Delivers as a mail of the old way, past targets and matchers; none when no type can send one.
    ///
    /// The first type of the registry that can sends it. The report has one
    /// target, named [`LEGACY_MAIL`].
    pub async fn deliver_legacy(
        &self,
        registry: &Registry,
        mail: LegacyMail,
        notification: &Notification,
        moment: Moment,
    ) -> Option<(Report, Vec<Fault>)> {
        let mut types = registry.types().iter();
        let (kind, build) = types.find_map(|known| Some((known.name, known.legacy?)))?;
        let slot = Slot {
            kind: kind.to_owned(),
            disabled: false,
            target: Ok(build(mail)),
            fields: None,
        };
        let sent = self.alone(LEGACY_MAIL, &slot, notification, moment).await;
        Some(sent)
    }

    /// Delivers to one target and no other.
    async fn alone(
        &self,
        name: &str,
        slot: &Slot,
        notification: &Notification,
        moment: Moment,
    ) -> (Report, Vec<Fault>) {
        let message = self.message(notification);
        let mut report = Report::of(notification, Vec::new());
        let errand = Errand::first(name);
        let attempt = self.attempt(&errand, slot, notification, &message, moment);
        report.targets = vec![attempt.await];
        (report, message.faults())
    }

    /// The texts of an event, rendered when a target asks for them, once for all targets.
    pub(crate) fn message(&self, notification: &Notification) -> Texts {
        let (name, data) = match &notification.content {
            Content::Template { name, data } => (name.as_str(), data.clone()),
            Content::Mail(mail) => {
                return Texts::from(Verbatim::new(&mail.title, &mail.text));
            }
            // A kind of content that this version does not know has no template: its delivery says so.
            _ => ("", serde_json::Value::Null),
        };
        let data = with_common_variables(data, &*self.host, Some(notification.severity));
        Texts::from(self.templates.message(name, data, self.zone))
    }

    async fn one(
        &self,
        errand: &Errand,
        notification: &Notification,
        message: &Texts,
        moment: Moment,
    ) -> TargetReport {
        let name = &errand.target;
        match self.targets.get(name) {
            None => TargetReport::skipped(name, None, Skipped::Missing),
            Some(slot) if slot.disabled => {
                TargetReport::skipped(name, Some(&slot.kind), Skipped::Disabled)
            }
            Some(slot) => {
                self.attempt(errand, slot, notification, message, moment)
                    .await
            }
        }
    }

    async fn attempt(
        &self,
        errand: &Errand,
        slot: &Slot,
        notification: &Notification,
        message: &Texts,
        moment: Moment,
    ) -> TargetReport {
        let name = &errand.target;
        let target = match &slot.target {
            Ok(target) => target,
            Err(reason) => {
                return TargetReport::skipped(name, Some(&slot.kind), Skipped::Unusable)
                    .because(reason);
            }
        };
        let delivery = Delivery {
            name,
            recipients: errand.recipients.as_deref(),
            number: errand.number,
        };
        let result = self.deliver(&**target, notification, message, delivery, moment);
        TargetReport::of(name, &slot.kind, result.await)
    }

    /// The attempt that a job was claimed for.
    pub(crate) async fn try_once(
        &self,
        target: &dyn Target,
        job: &Job,
        message: &Texts,
        moment: Moment,
    ) -> Result<Receipt, Failure> {
        let delivery = Delivery {
            name: &job.target,
            recipients: job.recipients.as_deref(),
            number: job.attempt,
        };
        self.deliver(target, &job.event, message, delivery, moment)
            .await
    }

    async fn deliver(
        &self,
        target: &dyn Target,
        notification: &Notification,
        message: &Texts,
        delivery: Delivery<'_>,
        moment: Moment,
    ) -> Result<Receipt, Failure> {
        let shortened = message.within(target.limits());
        let attempt = Attempt {
            host: &*self.host,
            message: &shortened as &dyn Message,
            recipients: delivery.recipients,
            key: &notification.key(delivery.name),
            deadline: moment.instant + target.deadline(),
            now: moment.wall,
            number: delivery.number,
        };
        contained(target, notification, &attempt).await
    }
}

/// What makes one attempt different from others of its event.
#[derive(Clone, Copy)]
struct Delivery<'a> {
    name: &'a str,
    recipients: Option<&'a [String]>,
    number: u32,
}

/// One attempt that ends, whatever the target does.
async fn contained(
    target: &dyn Target,
    notification: &Notification,
    attempt: &Attempt<'_>,
) -> Result<Receipt, Failure> {
    let delivery = AssertUnwindSafe(target.deliver(notification, attempt)).catch_unwind();
    match tokio::time::timeout_at((attempt.deadline + GRACE).into(), delivery).await {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => Err(Failure::uncertain(
            "the target panicked, so it may or may not have sent the message",
        )),
        Err(_elapsed) => Err(Failure::uncertain(
            "the target overstayed its deadline and was left alone",
        )),
    }
}
