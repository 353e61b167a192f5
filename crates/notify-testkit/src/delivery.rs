//! One delivery that owns all that an attempt borrows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, UNIX_EPOCH};

use chrono::{DateTime, FixedOffset};
use notify_core::{
    Attempt, Content, EventId, Failure, ForwardedMail, Message, Notification, PlainHost, Receipt,
    Severity, Target,
};

/// A message of given texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainMessage {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// A whole HTML document.
    pub html: String,
}

impl PlainMessage {
    /// With the text in a `<pre>` as HTML.
    pub fn new(subject: &str, text: &str) -> Self {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
        PlainMessage {
            subject: subject.to_owned(),
            text: text.to_owned(),
            html: format!("<html><body><pre>{escaped}</pre></body></html>"),
        }
    }
}

impl Message for PlainMessage {
    fn subject(&self) -> Result<Cow<'_, str>, Failure> {
        Ok(Cow::Borrowed(&self.subject))
    }

    fn text(&self) -> Result<Cow<'_, str>, Failure> {
        Ok(Cow::Borrowed(&self.text))
    }

    fn html(&self) -> Result<Cow<'_, str>, Failure> {
        Ok(Cow::Borrowed(&self.html))
    }
}

/// A notification, its texts and the circumstances of its delivery.
///
/// Everything but the deadline is the same in every run, so that snapshots hold.
///
/// ```
/// use notify_testkit::Delivery;
/// let delivery = Delivery::new("Backup failed", "no space left").target("ops").number(2);
/// let attempt = delivery.attempt();
/// assert_eq!(attempt.key, "018ce815-ec00-7000-8000-000000000000.ops");
/// assert_eq!(attempt.message.subject()?, "Backup failed");
/// assert_eq!(attempt.now.to_rfc3339(), "2024-01-08T09:00:00+01:00");
/// # Ok::<(), notify_core::Failure>(())
/// ```
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What happened.
    pub notification: Notification,
    /// The texts.
    pub message: PlainMessage,
    /// The host that sends.
    pub host: PlainHost,
    recipients: Option<Vec<String>>,
    target: String,
    key: String,
    deadline: Instant,
    number: u32,
}

/// 2024-01-08 08:00:00 UTC, a Monday.
const TIMESTAMP: i64 = 1_704_700_800;

impl Delivery {
    /// An event of severity info on host `pve1`, to be delivered to target `test` within 30 s.
    pub fn new(subject: &str, text: &str) -> Self {
        let message = PlainMessage::new(subject, text);
        let fields = [("type", "test"), ("hostname", "pve1")];
        let notification = Notification {
            id: event(0),
            severity: Severity::Info,
            timestamp: TIMESTAMP,
            fields: fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            content: Content::Template {
                name: "message".to_owned(),
                data: serde_json::json!({ "title": subject, "message": text }),
            },
        };
        let host = PlainHost {
            fqdn: "pve1.example.com".to_owned(),
            ..PlainHost::named("pve1")
        };
        Delivery {
            key: notification.key("test"),
            notification,
            message,
            host,
            recipients: None,
            target: "test".to_owned(),
            deadline: Instant::now() + Duration::from_secs(30),
            number: 1,
        }
    }

    /// The mail of another program, with this subject and this main text.
    pub fn mail(raw: &[u8], subject: &str, text: &str) -> Self {
        let mut delivery = Delivery::new(subject, text);
        delivery.notification.severity = Severity::Unknown;
        delivery
            .notification
            .fields
            .insert("type".to_owned(), "system-mail".to_owned());
        delivery.notification.content = Content::Mail(ForwardedMail {
            raw: raw.into(),
            title: subject.to_owned(),
            text: text.to_owned(),
        });
        delivery
    }

    /// From this host.
    #[must_use]
    pub fn host(mut self, host: PlainHost) -> Self {
        self.host = host;
        self
    }

    /// Of this severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.notification.severity = severity;
        self
    }

    /// With these fields instead of the usual ones.
    #[must_use]
    pub fn fields(mut self, fields: BTreeMap<String, String>) -> Self {
        self.notification.fields = fields;
        self
    }

    /// To the target of this name.
    #[must_use]
    pub fn target(mut self, name: &str) -> Self {
        name.clone_into(&mut self.target);
        self.key = self.notification.key(name);
        self
    }

    /// Of the event with this number; another number is another event.
    #[must_use]
    pub fn event(mut self, number: u16) -> Self {
        self.notification.id = event(number);
        self.key = self.notification.key(&self.target);
        self
    }

    /// Only to these recipients.
    #[must_use]
    pub fn only_to(mut self, recipients: &[&str]) -> Self {
        self.recipients = Some(recipients.iter().map(|known| (*known).to_owned()).collect());
        self
    }

    /// The deadline is so long from now.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.deadline = Instant::now() + time;
        self
    }

    /// The attempt's number.
    #[must_use]
    pub fn number(mut self, number: u32) -> Self {
        self.number = number;
        self
    }

    /// The circumstances, borrowed.
    pub fn attempt(&self) -> Attempt<'_> {
        Attempt {
            host: &self.host,
            message: &self.message,
            recipients: self.recipients.as_deref(),
            key: &self.key,
            deadline: self.deadline,
            now: now(),
            number: self.number,
        }
    }

    /// Makes the attempt.
    ///
    /// # Errors
    /// What the target says.
    pub async fn to(&self, target: &dyn Target) -> Result<Receipt, Failure> {
        target.deliver(&self.notification, &self.attempt()).await
    }
}

fn event(number: u16) -> EventId {
    let [high, low] = number.to_be_bytes();
    let at = UNIX_EPOCH + Duration::from_secs(TIMESTAMP.unsigned_abs());
    EventId::new(at, [0, 0, 0, 0, 0, 0, 0, 0, high, low])
}

/// The same moment in the zone of Vienna in winter.
fn now() -> DateTime<FixedOffset> {
    let utc = DateTime::from_timestamp(TIMESTAMP, 0).expect("a date of this century");
    let zone = FixedOffset::east_opt(3600).expect("one hour is less than a day");
    utc.with_timezone(&zone)
}
