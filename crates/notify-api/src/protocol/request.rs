//! What a client may ask.

use std::collections::BTreeMap;
use std::fmt;

use notify_core::{
    Content, EventId, LegacyMail, Millis, Notification, Severity, Zone, check_field,
    check_recipient,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Declined;
use crate::protocol::ErrorKind;

/// The most values in one request. JSON of a few bytes a value needs many times
/// its length in memory.
pub const MAX_VALUES: usize = 200_000;

/// One request: the only key of its object says which.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Is anybody there?
    Ping(Nothing),
    /// An event.
    Send(Box<SendRequest>),
    /// A mail, whose bytes follow the line.
    Mail(MailRequest),
    /// A mail in the way of older versions: past the configuration, to these addresses.
    Legacy(Box<LegacyRequest>),
    /// The states of an event until it is settled.
    Follow(EventReference),
    /// How the targets and the queue stand.
    Status(Nothing),
    /// Another process changed the spool: look at it now.
    Wake(Nothing),
}

/// A request without arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// An event: `title` and `message`, or `template` and `data`.
///
/// `Debug` shows no content.
#[derive(Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SendRequest {
    /// A UUID; made by the daemon when it is missing. One that is known already is not taken twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `info` when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Seconds since 1970-01-01 UTC; now when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// The field `type`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `hostname` is the daemon's host when it is missing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// The subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The text as HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The name of a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// What it is filled with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

/// A mail of so many bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MailRequest {
    /// How many bytes follow the line. What is above the daemon's bound is read and left out.
    pub bytes: u64,
    /// Whether the client left out the end of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// As in [`SendRequest::id`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it came, in seconds since 1970-01-01 UTC; now when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
}

/// An event that goes to addresses, past matchers and targets.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LegacyRequest {
    /// Who gets it; at least one.
    pub recipients: Vec<String>,
    /// The name in `From`.
    pub author: String,
    /// What it says.
    pub event: SendRequest,
}

/// Which event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EventReference {
    /// Its id.
    pub id: String,
}

impl Request {
    /// Reads a line.
    ///
    /// # Errors
    /// When it is no request of this version, or has more than [`MAX_VALUES`] values.
    pub fn read(line: &[u8]) -> Result<Request, Declined> {
        if !line.trim_ascii_start().starts_with(b"{") {
            return Err(declined("expected a JSON object"));
        }
        if values(line) > MAX_VALUES {
            let message = format!("more than {MAX_VALUES} values in one request");
            return Err(Declined::new(ErrorKind::TooLarge, message));
        }
        serde_json::from_slice(line).map_err(|error| declined(error.to_string()))
    }
}

impl SendRequest {
    /// The request for an event that was made here.
    ///
    /// None for a mail, which goes as [`MailRequest`].
    pub fn of(event: &Notification) -> Option<Self> {
        let Content::Template { name, data } = &event.content else {
            return None;
        };
        Some(SendRequest {
            id: Some(event.id.to_string()),
            severity: Some(event.severity),
            timestamp: Some(event.timestamp),
            fields: event.fields.clone(),
            template: Some(name.clone()),
            data: Some(data.clone()),
            ..SendRequest::default()
        })
    }

    /// The event that is meant, on this host, at this time; `fresh` is its id when it brings none.
    ///
    /// # Errors
    /// When something in it is not as it must be.
    pub fn event(self, host: &str, now: Millis, fresh: EventId) -> Result<Notification, Declined> {
        let mut fields = self.fields;
        if let Some(kind) = self.kind
            && fields.insert("type".to_owned(), kind).is_some()
        {
            return Err(declined("`type` is the field `type`: give one of them"));
        }
        for (name, value) in &fields {
            check_field(name, value).map_err(|error| declined(error.to_string()))?;
        }
        let hostname = || host.to_owned();
        fields.entry("hostname".to_owned()).or_insert_with(hostname);
        let content = match (self.template, self.title) {
            (Some(_), Some(_)) => return Err(declined("`template` and `title`: give one of them")),
            (None, None) => return Err(declined("expected `title`, or `template` and `data`")),
            (Some(_), None) if self.message.is_some() || self.html.is_some() => {
                return Err(declined(
                    "`message` and `html` go with `title`, not with `template`",
                ));
            }
            (None, Some(_)) if self.data.is_some() => {
                return Err(declined("`data` goes with `template`, not with `title`"));
            }
            (Some(name), None) => Content::Template {
                name,
                data: self.data.unwrap_or_else(|| json!({})),
            },
            (None, Some(title)) => message(&title, self.message.as_deref(), self.html, &fields),
        };
        Ok(Notification {
            id: id(self.id.as_deref(), fresh)?,
            severity: self.severity.unwrap_or(Severity::Info),
            timestamp: timestamp(self.timestamp, now)?,
            fields,
            content,
        })
    }
}

impl LegacyRequest {
    /// The recipients, and the event that is meant.
    ///
    /// # Errors
    /// As [`SendRequest::event`], and when there is no recipient, or one that no target can take.
    pub fn event(
        self,
        host: &str,
        now: Millis,
        fresh: EventId,
    ) -> Result<(LegacyMail, Notification), Declined> {
        if self.recipients.is_empty() {
            return Err(declined("expected at least one of `recipients`"));
        }
        for recipient in &self.recipients {
            check_recipient(recipient)
                .map_err(|error| declined(format!("`recipients`: {error}")))?;
        }
        check_field("author", &self.author).map_err(|error| declined(error.to_string()))?;
        let mail = LegacyMail {
            recipients: self.recipients,
            author: self.author,
        };
        Ok((mail, self.event.event(host, now, fresh)?))
    }
}

impl MailRequest {
    /// The id, and when it came.
    pub(crate) fn identity(&self, now: Millis, fresh: EventId) -> Result<(EventId, i64), Declined> {
        Ok((
            id(self.id.as_deref(), fresh)?,
            timestamp(self.timestamp, now)?,
        ))
    }
}

impl EventReference {
    pub(crate) fn id(&self) -> Result<EventId, Declined> {
        parsed(&self.id)
    }
}

impl fmt::Debug for SendRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendRequest")
            .field("id", &self.id)
            .field("severity", &self.severity)
            .field("type", &self.kind)
            .field("template", &self.template)
            .finish_non_exhaustive()
    }
}

/// The event of a title and a text, as `notify send` makes it.
fn message(
    title: &str,
    text: Option<&str>,
    html: Option<String>,
    fields: &BTreeMap<String, String>,
) -> Content {
    let mut data = json!({ "title": title, "text": text.unwrap_or_default(), "fields": fields });
    if let Some(html) = html {
        data["html"] = Value::String(html);
    }
    Content::Template {
        name: "message".to_owned(),
        data,
    }
}

fn id(given: Option<&str>, fresh: EventId) -> Result<EventId, Declined> {
    given.map_or(Ok(fresh), parsed)
}

fn parsed(id: &str) -> Result<EventId, Declined> {
    id.parse()
        .map_err(|error| declined(format!("`id` is no UUID: {error}")))
}

fn timestamp(given: Option<i64>, now: Millis) -> Result<i64, Declined> {
    let seconds = given.unwrap_or_else(|| now.seconds());
    if Zone::INSTANTS.contains(&seconds) {
        return Ok(seconds);
    }
    let (first, last) = (Zone::INSTANTS.start(), Zone::INSTANTS.end());
    Err(declined(format!(
        "`timestamp`: {seconds} is not between {first} and {last} seconds"
    )))
}

fn declined(message: impl Into<String>) -> Declined {
    Declined::new(ErrorKind::Request, message)
}

/// About how many values a JSON text has: what separates or opens one, outside of strings.
fn values(text: &[u8]) -> usize {
    let mut in_string = false;
    let mut escaped = false;
    let mut count = 0;
    for byte in text {
        match (in_string, byte) {
            _ if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b',' | b'[' | b'{') => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::{MAX_VALUES, Request, values};
    use notify_core::{EventId, Millis, Notification};
    use serde_json::{Value, json};

    fn event(line: &str) -> Result<Notification, String> {
        let fresh = EventId::from_bytes([7; 16]);
        let request = Request::read(line.as_bytes()).map_err(|declined| declined.message)?;
        let event = match request {
            Request::Send(send) => send.event("pve1", Millis(5_000), fresh),
            Request::Legacy(legacy) => legacy.event("pve1", Millis(5_000), fresh).map(|(_, e)| e),
            other => panic!("{other:?}"),
        };
        event.map_err(|declined| declined.message)
    }

    fn refused(line: &str, part: &str) {
        let message = event(line).expect_err(line);
        assert!(message.contains(part), "{line}: {message}");
    }

    #[test]
    fn what_is_missing_has_a_default() {
        let event = event(r#"{"send":{"title":"a"}}"#).expect("an event");
        assert_eq!(event.id, EventId::from_bytes([7; 16]));
        assert_eq!((event.severity.name(), event.timestamp), ("info", 5));
        assert_eq!(event.fields["hostname"], "pve1");
    }

    #[test]
    fn an_event_reads_back_as_it_was() {
        let line = r#"{"send":{"id":"0192fd4b-7c00-7000-8000-000000000001","severity":"error",
            "type":"vzdump","fields":{"hostname":"a"},"title":"t","message":"m","html":"<b>","timestamp":9}}"#;
        let first = event(line).expect("an event");
        let again = super::SendRequest::of(&first).expect("no mail");
        let line = serde_json::to_vec(&Request::Send(Box::new(again))).expect("JSON");
        let line = String::from_utf8(line).expect("UTF-8");
        assert_eq!(event(&line), Ok(first));
    }

    #[test]
    fn faults_are_named() {
        refused("[]", "expected a JSON object");
        refused("{}", "expected value");
        refused(r#"{"sent":{}}"#, "unknown variant `sent`");
        refused(r#"{"send":{"titel":"a"}}"#, "unknown field `titel`");
        refused(r#"{"send":{"title":"a"},"mail":{"bytes":1}}"#, "expected");
        refused(r#"{"send":{}}"#, "expected `title`");
        refused(r#"{"send":{"title":"a","template":"b"}}"#, "one of them");
        refused(r#"{"send":{"template":"b","message":"c"}}"#, "with `title`");
        refused(r#"{"send":{"title":"a","data":{}}}"#, "with `template`");
        refused(
            r#"{"send":{"title":"a","type":"b","fields":{"type":"b"}}}"#,
            "one of them",
        );
        refused(
            r#"{"send":{"title":"a","fields":{"-":"b"}}}"#,
            "no field name",
        );
        refused(r#"{"send":{"title":"a","id":"7"}}"#, "no UUID");
        refused(
            r#"{"send":{"title":"a","timestamp":99999999999999}}"#,
            "seconds",
        );
        refused(
            r#"{"legacy":{"recipients":[],"author":"a","event":{"title":"a"}}}"#,
            "recipients",
        );
    }

    #[test]
    fn recipients_are_those_that_a_target_can_take() {
        let check = |recipients: Value, author: &str, part: &str| {
            let event = json!({"title": "a"});
            let mail = json!({"recipients": recipients, "author": author, "event": event});
            refused(&json!({ "legacy": mail }).to_string(), part);
        };
        check(
            json!(["a@b", "a@b\r\nBcc: c@d"]),
            "a",
            "no control characters",
        );
        check(json!(["a@b", " "]), "a", "not empty");
        check(json!(["a".repeat(10_000)]), "a", "at most 4096 octets");
        check(
            json!(["a@b"]),
            "a\r\nBcc: c@d",
            "`author` contains a control",
        );
        let line = r#"{"legacy":{"recipients":["a@b, c@d"],"author":"a","event":{"title":"a"}}}"#;
        assert!(event(line).is_ok());
    }

    #[test]
    fn values_are_counted_where_they_cost_memory() {
        let check = |value: &Value, expected| {
            assert_eq!(values(value.to_string().as_bytes()), expected, "{value}");
        };
        check(&json!([1, 2, 3]), 3);
        check(&json!({"a": "[[[,,,", "b": "\"[\\", "c": []}), 4);
        let many = format!(
            r#"{{"send":{{"template":"a","data":[{}0]}}}}"#,
            "0,".repeat(MAX_VALUES)
        );
        refused(&many, "more than 200000 values");
    }
}
