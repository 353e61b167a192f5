//! The system reports on itself: what it must tell becomes an event like any other.
//!
//! Such an event has the type `notification-system` and the fields `cause` and,
//! where it is about one, `target`. Of one cause there is at most one event an
//! hour, also when the program was started anew; what came in between is told with
//! the next.

use std::collections::BTreeMap;
use std::time::Duration;

use notify_core::{Content, EventId, Millis, Notification, Severity, TemplateSet};
use serde_json::json;

/// The field `type` of the events that the system sends about itself, and the name of their template.
pub const NOTIFICATION_SYSTEM: &str = "notification-system";

static TEMPLATES: TemplateSet = TemplateSet::new(
    NOTIFICATION_SYSTEM,
    include_str!("templates/notification-system-subject.txt.hbs"),
    include_str!("templates/notification-system-body.txt.hbs"),
);
notify_core::register_templates!(TEMPLATES);

/// At most one event of a cause in this time.
pub(crate) const PAUSE: Duration = Duration::from_secs(3_600);
/// So many troubles are told one by one; of more only the number.
const MOST_TOLD: usize = 20;

/// Why the system reports on itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A fault of the configuration.
    Configuration,
    /// A delivery was given up.
    GivenUp,
    /// A target keeps failing and is left alone for a while.
    Breaker,
    /// Something is wrong with the spool.
    Spool,
}

/// Something that people must hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Why.
    pub cause: Cause,
    /// The target that it is about.
    pub target: Option<String>,
    /// What happened, in one sentence for people. It holds no secret.
    pub detail: String,
}

impl Cause {
    const ALL: [Cause; 4] = [
        Cause::Configuration,
        Cause::GivenUp,
        Cause::Breaker,
        Cause::Spool,
    ];

    /// The cause of this name.
    pub(crate) fn named(name: &str) -> Option<Cause> {
        Cause::ALL.into_iter().find(|cause| cause.name() == name)
    }

    /// `configuration-fault`, `delivery-given-up`, `breaker-opened` or `spool-damaged`.
    pub const fn name(self) -> &'static str {
        match self {
            Cause::Configuration => "configuration-fault",
            Cause::GivenUp => "delivery-given-up",
            Cause::Breaker => "breaker-opened",
            Cause::Spool => "spool-damaged",
        }
    }

    /// How grave it is: what may still go well is a warning.
    pub const fn severity(self) -> Severity {
        match self {
            Cause::Breaker => Severity::Warning,
            Cause::Configuration | Cause::GivenUp | Cause::Spool => Severity::Error,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Cause::Configuration => "the configuration has a fault",
            Cause::GivenUp => "a notification could not be delivered",
            Cause::Breaker => "a target does not take notifications",
            Cause::Spool => "the spool is damaged",
        }
    }
}

/// Lets one of a cause through in an hour, and keeps the others.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    causes: BTreeMap<Cause, Told>,
}

#[derive(Debug)]
struct Told {
    next: Millis,
    kept: Vec<Trouble>,
    /// More that were not kept.
    more: usize,
}

/// What is told at once: at least one trouble, all of one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Telling {
    pub(crate) cause: Cause,
    pub(crate) troubles: Vec<Trouble>,
    pub(crate) more: usize,
}

impl Throttle {
    /// What to tell now, if anything; what is not told now is kept.
    pub(crate) fn offer(&mut self, trouble: Trouble, now: Millis) -> Option<Telling> {
        let cause = trouble.cause;
        let told = self.cause(cause, now);
        if told.kept.len() < MOST_TOLD {
            // One target that fails ten times is one trouble.
            if !told.kept.contains(&trouble) {
                told.kept.push(trouble);
            }
        } else {
            told.more += 1;
        }
        told.tell(cause, now)
    }

    /// One of this cause was told at this time.
    pub(crate) fn told(&mut self, cause: Cause, at: Millis) {
        let told = self.cause(cause, at);
        told.next = told.next.max(at.plus(PAUSE));
    }

    /// Of which causes how many are kept.
    pub(crate) fn kept(&self) -> Vec<(Cause, usize)> {
        let causes = self.causes.iter();
        let kept = causes.map(|(cause, told)| (*cause, told.kept.len() + told.more));
        kept.filter(|(_, kept)| *kept > 0).collect()
    }

    fn cause(&mut self, cause: Cause, next: Millis) -> &mut Told {
        self.causes.entry(cause).or_insert(Told {
            next,
            kept: Vec::new(),
            more: 0,
        })
    }

    /// What was kept and may be told now.
    pub(crate) fn due(&mut self, now: Millis) -> Vec<Telling> {
        let causes = self.causes.iter_mut();
        causes
            .filter_map(|(cause, told)| told.tell(*cause, now))
            .collect()
    }

    /// When something that was kept may be told.
    pub(crate) fn next(&self) -> Option<Millis> {
        let waiting = self.causes.values().filter(|told| !told.kept.is_empty());
        waiting.map(|told| told.next).min()
    }
}

impl Told {
    fn tell(&mut self, cause: Cause, now: Millis) -> Option<Telling> {
        if self.kept.is_empty() || now < self.next {
            return None;
        }
        self.next = now.plus(PAUSE);
        Some(Telling {
            cause,
            troubles: std::mem::take(&mut self.kept),
            more: std::mem::take(&mut self.more),
        })
    }
}

impl Telling {
    /// The event that tells it.
    pub(crate) fn event(&self, id: EventId, timestamp: i64, hostname: &str) -> Notification {
        let target = self.target();
        let mut fields = BTreeMap::from([
            ("type".to_owned(), NOTIFICATION_SYSTEM.to_owned()),
            ("hostname".to_owned(), hostname.to_owned()),
            ("cause".to_owned(), self.cause.name().to_owned()),
        ]);
        if let Some(target) = target {
            fields.insert("target".to_owned(), target.to_owned());
        }
        let details: Vec<_> = self
            .troubles
            .iter()
            .map(|trouble| &trouble.detail)
            .collect();
        let data = json!({
            "title": self.cause.title(),
            "cause": self.cause.name(),
            "target": target,
            "details": details,
            "more": (self.more > 0).then_some(self.more),
        });
        Notification {
            id,
            severity: self.cause.severity(),
            timestamp,
            fields,
            content: Content::Template {
                name: NOTIFICATION_SYSTEM.to_owned(),
                data,
            },
        }
    }

    /// The target, if all are about the same.
    fn target(&self) -> Option<&str> {
        let first = self.troubles.first()?.target.as_deref()?;
        let mut targets = self
            .troubles
            .iter()
            .map(|trouble| trouble.target.as_deref());
        let same = self.more == 0 && targets.all(|target| target == Some(first));
        same.then_some(first)
    }
}

/// Whether an event is one that the system sent about itself.
pub(crate) fn is_about_ourselves(event: &Notification) -> bool {
    event
        .fields
        .get("type")
        .is_some_and(|kind| kind == NOTIFICATION_SYSTEM)
}

#[cfg(test)]
mod tests {
    use super::{Cause, MOST_TOLD, PAUSE, Telling, Throttle, Trouble};
    use notify_core::{EventId, Message as _, Millis, Zone};
    use notify_render::{Templates, with_common_variables};
    use std::time::UNIX_EPOCH;

    fn given_up(target: &str) -> Trouble {
        Trouble {
            cause: Cause::GivenUp,
            target: Some(target.to_owned()),
            detail: format!("The delivery to `{target}` was given up."),
        }
    }

    #[test]
    fn one_of_a_cause_an_hour_and_nothing_is_lost() {
        let mut throttle = Throttle::default();
        let first = throttle.offer(given_up("a"), Millis(0)).expect("the first");
        assert_eq!(first.troubles, [given_up("a")]);
        let hour = Millis(0).plus(PAUSE);
        let just = Millis(hour.0 - 1);
        assert_eq!(throttle.offer(given_up("b"), just), None);
        assert_eq!(throttle.offer(given_up("b"), just), None, "the same again");
        assert_eq!(throttle.offer(given_up("c"), just), None);
        assert_eq!(throttle.due(just), []);
        assert_eq!(throttle.next(), Some(hour));
        let [later] = &throttle.due(hour)[..] else {
            panic!("one cause")
        };
        assert_eq!(later.troubles, [given_up("b"), given_up("c")]);
        assert_eq!((throttle.due(hour), throttle.next()), (vec![], None));
        assert_eq!(
            throttle.offer(given_up("d"), hour),
            None,
            "an hour from the second"
        );
    }

    #[test]
    fn causes_do_not_hide_each_other() {
        let mut throttle = Throttle::default();
        assert!(throttle.offer(given_up("a"), Millis(0)).is_some());
        let breaker = Trouble {
            cause: Cause::Breaker,
            ..given_up("a")
        };
        assert!(throttle.offer(breaker, Millis(0)).is_some());
    }

    #[test]
    fn a_storm_is_bounded() {
        let mut throttle = Throttle::default();
        for number in 0..100 {
            throttle.offer(given_up(&format!("t{number}")), Millis(0));
        }
        let [telling] = &throttle.due(Millis(0).plus(PAUSE))[..] else {
            panic!("one cause")
        };
        assert_eq!(
            (telling.troubles.len(), telling.more),
            (MOST_TOLD, 99 - MOST_TOLD)
        );
    }

    #[test]
    fn what_was_told_before_counts() {
        let mut throttle = Throttle::default();
        throttle.told(Cause::GivenUp, Millis(5));
        throttle.told(Cause::GivenUp, Millis(0));
        let hour = Millis(5).plus(PAUSE);
        assert_eq!(throttle.offer(given_up("a"), Millis(hour.0 - 1)), None);
        assert_eq!(throttle.kept(), [(Cause::GivenUp, 1)]);
        assert_eq!(throttle.next(), Some(hour));
        assert_eq!(throttle.due(hour).len(), 1);
        assert_eq!(throttle.kept(), []);
    }

    #[test]
    fn causes_read_back() {
        for cause in Cause::ALL {
            assert_eq!(Cause::named(cause.name()), Some(cause));
        }
        assert_eq!(Cause::named("boredom"), None);
    }

    fn shown(telling: &Telling) -> String {
        let event = telling.event(EventId::new(UNIX_EPOCH, [0; 10]), 0, "pve1");
        let notify_core::Content::Template { name, data } = &event.content else {
            panic!("a template")
        };
        let host = notify_core::PlainHost::named("pve1");
        let data = with_common_variables(data.clone(), &host, Some(event.severity));
        let message = Templates::linked().message(name, data, Zone::Local);
        let texts = (
            message.subject().expect("built in"),
            message.text().expect("built in"),
        );
        format!("{:?}\n{}\n\n{}", event.fields, texts.0, texts.1)
    }

    #[test]
    fn what_people_read() {
        let one = Telling {
            cause: Cause::Breaker,
            troubles: vec![given_up("ops")],
            more: 0,
        };
        insta::assert_snapshot!("one_trouble", shown(&one));
        let many = Telling {
            cause: Cause::GivenUp,
            troubles: vec![given_up("ops"), given_up("dev")],
            more: 7,
        };
        insta::assert_snapshot!("many_troubles", shown(&many));
    }
}
