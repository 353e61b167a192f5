//! What a target is, and what describes its type.

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, FixedOffset};
use notify_schema::{Builtin, Fault, Fields, Property, Schema};

use crate::{Failure, Host, LegacyMail, Limits, Notification, properties};

/// A place where notifications go.
#[async_trait]
pub trait Target: Debug + Send + Sync {
    /// How long one attempt may take, all steps together.
    fn deadline(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// The longest texts that the far side takes. [`Attempt::message`] keeps to them already.
    ///
    /// They may depend on the section.
    fn limits(&self) -> Limits {
        Limits::NONE
    }

    /// Faults that only this host can know: a file that a property names, a user without address.
    ///
    /// Called by `check`, and may read files. It makes no connection.
    fn prepare(&self, host: &dyn Host) -> Vec<Fault> {
        let _ = host;
        Vec::new()
    }

    /// One attempt. It ends before [`Attempt::deadline`]; trying again is not its business.
    ///
    /// # Errors
    /// A [`Failure`] whose kind says whether it arrived, may have arrived, or can never arrive.
    async fn deliver(
        &self,
        notification: &Notification,
        attempt: &Attempt<'_>,
    ) -> Result<Receipt, Failure>;
}

/// The circumstances of one attempt.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The host that sends.
    pub host: &'a dyn Host,
    /// The rendered texts, made when asked for.
    pub message: &'a dyn Message,
    /// Only these of the target's recipients; none means all.
    pub recipients: Option<&'a [String]>,
    /// The same for all attempts to deliver this event to this target: `EVENT-ID.TARGET`.
    pub key: &'a str,
    /// When the attempt must have ended.
    pub deadline: Instant,
    /// The wall clock, in the zone of the host, for headers.
    pub now: DateTime<FixedOffset>,
    /// 1 for the first attempt.
    pub number: u32,
}

impl Attempt<'_> {
    /// What is left until the deadline at `now`; zero when it has passed.
    pub fn time_left(&self, now: Instant) -> Duration {
        self.deadline.saturating_duration_since(now)
    }

    /// Whether there is time to begin at `now`: the first thing that
    /// [`Target::deliver`] asks, before it renders or connects.
    ///
    /// # Errors
    /// Unavailable when the deadline has passed: nothing was sent.
    pub fn begin(&self, now: Instant) -> Result<(), Failure> {
        if self.time_left(now).is_zero() {
            return Err(Failure::unavailable(
                "the deadline had passed before the attempt began",
            ));
        }
        Ok(())
    }
}

/// The texts of a notification. Each is rendered when it is first asked for.
pub trait Message: Debug + Send + Sync {
    /// One line, without line breaks.
    ///
    /// # Errors
    /// [`Misconfigured`](crate::FailureKind::Misconfigured) when no template can be rendered.
    fn subject(&self) -> Result<Cow<'_, str>, Failure>;

    /// Plain text.
    ///
    /// # Errors
    /// As for the subject.
    fn text(&self) -> Result<Cow<'_, str>, Failure>;

    /// A whole HTML document.
    ///
    /// # Errors
    /// As for the subject.
    fn html(&self) -> Result<Cow<'_, str>, Failure>;
}

/// What the far side said when it took the notification.
#[derive(Debug, Default)]
pub struct Receipt {
    /// Its name for what it took: a queue id, a message id, a status.
    pub reference: Option<String>,
    /// Recipients that it refused while it took others.
    pub refused: Vec<(String, Failure)>,
    /// What a person should know although it went well, as a user without address.
    pub warnings: Vec<String>,
}

impl Receipt {
    /// Taken by all, under this name.
    pub fn with_reference(reference: impl Into<String>) -> Self {
        Receipt {
            reference: Some(reference.into()),
            ..Receipt::default()
        }
    }
}

/// Makes a target from a checked section. Pure and cheap; all faults at once.
pub type Build = fn(&Fields) -> Result<Arc<dyn Target>, Vec<Fault>>;

/// Makes a target that sends a mail in the way of older versions.
pub type BuildLegacy = fn(LegacyMail) -> Arc<dyn Target>;

/// A type of target: what a plugin says of itself.
///
/// Validator, command line, manual and reference all read this one description.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TargetType {
    /// The section type, as `smtp`.
    pub name: &'static str,
    /// The name that people see, as `SMTP`.
    pub title: &'static str,
    /// Its own properties; [`TargetType::COMMON`] come on top.
    pub properties: &'static [&'static Property],
    /// Sections of this type that always exist.
    pub builtins: &'static [Builtin],
    /// Keys of older versions that mean nothing any more.
    pub ignored: &'static [&'static str],
    /// Of these properties a section that is being written must have at least one.
    pub at_least_one: &'static [&'static str],
    /// Makes a target from a section.
    pub build: Build,
    /// Makes a target for the legacy mail of backup jobs; none where the type cannot.
    pub legacy: Option<BuildLegacy>,
    /// Whether it passes on a whole [forwarded mail](crate::ForwardedMail) and not only its text.
    pub takes_mails: bool,
    /// The manual, in Markdown.
    pub manual: &'static str,
    /// Whether Proxmox VE has this type. It refuses a whole file for one that it does not know.
    pub in_pve: bool,
}

impl TargetType {
    /// The properties that a section of every type has, those of matchers first: `comment`, `disable`.
    pub const COMMON: [&'static Property; 7] = properties::COMMON;

    /// A type without properties of its own.
    pub const fn new(name: &'static str, title: &'static str, build: Build) -> Self {
        TargetType {
            name,
            title,
            properties: &[],
            builtins: &[],
            ignored: &[],
            at_least_one: &[],
            build,
            legacy: None,
            takes_mails: false,
            manual: "",
            in_pve: true,
        }
    }

    /// A type that Proxmox VE does not have.
    #[must_use]
    pub const fn ours(mut self) -> Self {
        self.in_pve = false;
        self
    }

    /// With properties, in the order in which people should see them.
    #[must_use]
    pub const fn properties(mut self, properties: &'static [&'static Property]) -> Self {
        self.properties = properties;
        self
    }

    /// With sections that always exist.
    #[must_use]
    pub const fn builtins(mut self, builtins: &'static [Builtin]) -> Self {
        self.builtins = builtins;
        self
    }

    /// With keys of older versions that are accepted and mean nothing.
    #[must_use]
    pub const fn ignored(mut self, keys: &'static [&'static str]) -> Self {
        self.ignored = keys;
        self
    }

    /// One that can send the legacy mail of backup jobs.
    #[must_use]
    pub const fn legacy(mut self, build: BuildLegacy) -> Self {
        self.legacy = Some(build);
        self
    }

    /// One that passes on whole mails and not only their texts.
    #[must_use]
    pub const fn takes_mails(mut self) -> Self {
        self.takes_mails = true;
        self
    }

    /// With properties of which a section that is being written must have at least one.
    #[must_use]
    pub const fn at_least_one(mut self, properties: &'static [&'static str]) -> Self {
        self.at_least_one = properties;
        self
    }

    /// With its manual page, in Markdown.
    #[must_use]
    pub const fn manual(mut self, manual: &'static str) -> Self {
        self.manual = manual;
        self
    }

    /// The schema of its sections, the common properties first.
    pub fn schema(&self) -> Schema {
        let properties = self.properties.iter().copied();
        let schema = Schema::new(self.name, TargetType::COMMON.into_iter().chain(properties))
            .with_builtins(self.builtins)
            .with_ignored(self.ignored)
            .with_at_least_one(self.at_least_one);
        if self.in_pve { schema } else { schema.ours() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, Message};
    use crate::{Failure, FailureKind, PlainHost, Zone};
    use std::borrow::Cow;
    use std::time::{Duration, Instant};

    #[derive(Debug)]
    struct Blank;

    impl Message for Blank {
        fn subject(&self) -> Result<Cow<'_, str>, Failure> {
            Ok(Cow::Borrowed(""))
        }

        fn text(&self) -> Result<Cow<'_, str>, Failure> {
            Ok(Cow::Borrowed(""))
        }

        fn html(&self) -> Result<Cow<'_, str>, Failure> {
            Ok(Cow::Borrowed(""))
        }
    }

    #[test]
    fn an_attempt_begins_before_its_deadline() {
        let deadline = Instant::now();
        let moment = Duration::from_nanos(1);
        let attempt = Attempt {
            host: &PlainHost::named("pve1"),
            message: &Blank,
            recipients: None,
            key: "id.target",
            deadline,
            now: "UTC".parse::<Zone>().expect("a zone").at(0),
            number: 1,
        };
        let kind = |now| attempt.begin(now).map_err(|failure| failure.kind());
        let before = deadline
            .checked_sub(moment)
            .expect("the machine has been up");
        assert_eq!(kind(before), Ok(()));
        assert_eq!(kind(deadline), Err(FailureKind::Unavailable));
        assert_eq!(kind(deadline + moment), Err(FailureKind::Unavailable));
    }
}
