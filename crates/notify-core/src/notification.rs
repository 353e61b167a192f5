//! What happened: severity, time, fields and content.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use notify_schema::excerpt;
use serde::{Deserialize, Serialize};

use crate::ForwardedMail;

/// How grave an event is. There is no order: a rule names the severities it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something went as it should.
    Info,
    /// Worth a look.
    Notice,
    /// Something may go wrong.
    Warning,
    /// Something went wrong.
    Error,
    /// Nobody knows, as for a mail of a system daemon.
    Unknown,
}

impl Severity {
    /// All of them.
    pub const ALL: [Severity; 5] = [
        Severity::Info,
        Severity::Notice,
        Severity::Warning,
        Severity::Error,
        Severity::Unknown,
    ];

    /// The word in files and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Notice => "notice",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is no severity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of info, notice, warning, error, unknown, not `{}`", excerpt(.0))]
pub struct UnknownSeverity(pub String);

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(word: &str) -> Result<Self, UnknownSeverity> {
        let known = Severity::ALL
            .into_iter()
            .find(|severity| severity.name() == word);
        known.ok_or_else(|| UnknownSeverity(word.to_owned()))
    }
}

/// The identity of an event: a UUID version 7, so ids sort by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(uuid::Uuid);

impl EventId {
    /// An id of this time, in milliseconds, and these random bits (RFC 9562 5.7).
    ///
    /// A time before 1970 counts as 1970.
    pub fn new(now: SystemTime, random: [u8; 10]) -> Self {
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        EventId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// Its 16 bytes. They sort as the ids do.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// The id of these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        EventId(uuid::Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl FromStr for EventId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        uuid::Uuid::parse_str(text).map(EventId)
    }
}

/// What an event says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// A template and the data to fill it with.
    Template {
        /// Name of the template, as `test` or `message`.
        name: String,
        /// The data.
        data: serde_json::Value,
    },
    /// A mail of a system daemon, to be passed on.
    Mail(ForwardedMail),
}

impl Content {
    /// What a person recognises it by: the title that it was sent with, or its template's name.
    pub fn title(&self) -> &str {
        match self {
            Content::Template { name, data } => data
                .get("title")
                .and_then(serde_json::Value::as_str)
                .unwrap_or(name),
            Content::Mail(mail) => &mail.title,
        }
    }
}

/// Something that happened and that people may want to hear of.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Its identity.
    pub id: EventId,
    /// How grave it is.
    pub severity: Severity,
    /// When it happened, in seconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// What matchers can look at: `type`, `hostname`, `job-id`, and any other.
    pub fields: BTreeMap<String, String>,
    /// What it says.
    pub content: Content,
}

impl Notification {
    /// The key of its delivery to one target. All attempts share it, so that the
    /// far side can drop a second copy.
    pub fn key(&self, target: &str) -> String {
        format!("{}.{target}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, EventId, Severity};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let early = EventId::new(UNIX_EPOCH + Duration::from_millis(1), [0xff; 10]);
        let late = EventId::new(UNIX_EPOCH + Duration::from_millis(2), [0; 10]);
        assert!(early < late);
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(late.to_string(), "00000000-0002-7000-8000-000000000000");
    }

    #[test]
    fn a_title_is_the_given_one_or_the_templates_name() {
        let titled = |data| {
            let name = "test".to_owned();
            Content::Template { name, data }.title().to_owned()
        };
        assert_eq!(
            titled(serde_json::json!({"title": "Disk full"})),
            "Disk full"
        );
        assert_eq!(titled(serde_json::json!({"title": 7})), "test");
        assert_eq!(titled(serde_json::Value::Null), "test");
    }

    #[test]
    fn severities_read_back_and_are_lower_case() {
        for severity in Severity::ALL {
            assert_eq!(severity.name().parse(), Ok(severity));
        }
        assert!("Error".parse::<Severity>().is_err());
    }
}
