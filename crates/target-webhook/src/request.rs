//! A notification as the request that the section describes. Pure.

use std::collections::BTreeMap;
use std::fmt;

use handlebars::Context;
use notify_core::Severity;
use notify_http::{BadHeader, Request, Url};
use notify_schema::redacted;
use serde_json::{Map, Value, json};

use crate::template::Template;
use crate::{BODY, Config, HEADER, URL};

/// By what a service can drop a second copy.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// What templates can show of a notification.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The title, as `title`.
    pub title: &'a str,
    /// The text, as `message`.
    pub text: &'a str,
    /// The severity, as `severity`.
    pub severity: Severity,
    /// Seconds since 1970-01-01 UTC, as `timestamp`.
    pub timestamp: i64,
    /// The fields, as `fields.NAME`.
    pub fields: &'a BTreeMap<String, String>,
    /// The same for all attempts of one delivery, as `key`. Proxmox VE has it not.
    pub key: &'a str,
}

/// A template that could not be filled, or whose text HTTP cannot carry. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrendered(String);

impl fmt::Display for Unrendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unrendered {}

/// The request of a section for a message.
///
/// `Idempotency-Key` is added unless the section sets it. There is no
/// Content-Type that the section does not set.
///
/// # Errors
/// [`Unrendered`], which names the property and the place.
pub fn request(config: &Config, message: &Message<'_>) -> Result<Request, Unrendered> {
    let fail = |text: String| Unrendered(redacted(&text, config.secrets.values()).into_owned());
    made(config, message).map_err(fail)
}

fn made(config: &Config, message: &Message<'_>) -> Result<Request, String> {
    let data = Context::wraps(data(config, message)).map_err(|error| error.to_string())?;
    let fill = |template: &Template, what: &str| {
        let filled = template.fill(&data);
        filled.map_err(|reason| format!("{what} cannot be rendered: {reason}"))
    };
    let url = fill(&config.url, URL.name)?;
    let url = Url::parse(&url).map_err(|error| format!("{} is no URL: {error}", URL.name))?;
    let body = match &config.body {
        Some(body) => fill(body, BODY.name)?,
        None => String::new(),
    };
    let mut request = Request::new(config.method, url)
        .explained_by(explanation)
        .body(body);
    for secret in config.secrets.values() {
        request = request.masking(secret.clone());
    }
    let bad = |error: BadHeader| error.to_string();
    for (name, value) in &config.headers {
        let value = fill(value, &format!("{} `{name}`", HEADER.name))?;
        request = request.hidden_header(name, &value).map_err(bad)?;
    }
    if !config.sets(IDEMPOTENCY_KEY) {
        let key = format!("\"{}\"", message.key);
        request = request.header(IDEMPOTENCY_KEY, &key).map_err(bad)?;
    }
    Ok(request)
}

fn data(config: &Config, message: &Message<'_>) -> Value {
    let secrets: Map<_, _> = config
        .secrets
        .iter()
        .map(|(name, secret)| (name.clone(), Value::from(secret.expose())))
        .collect();
    json!({
        "title": message.title,
        "message": message.text,
        "severity": message.severity.name(),
        "timestamp": message.timestamp,
        "fields": message.fields,
        "secrets": secrets,
        "key": message.key,
    })
}

/// The text for people in an answer in JSON, in the words of the services that people use.
fn explanation(body: &[u8]) -> Option<String> {
    let answer: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let text = |name: &str| match answer.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Object(inner) => inner.get("message")?.as_str().map(str::to_owned),
        _ => None,
    };
    let said = [
        "errorDescription",
        "description",
        "message",
        "error",
        "detail",
        "reason",
    ]
    .into_iter()
    .find_map(text)?;
    let errors = answer.get("errors").and_then(Value::as_array);
    let errors = errors.into_iter().flatten().filter_map(Value::as_str);
    Some(
        [said.as_str()]
            .into_iter()
            .chain(errors)
            .collect::<Vec<_>>()
            .join(": "),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use notify_core::Severity;
    use notify_http::Method;
    use notify_testkit::Section;

    use super::{Message, Unrendered, explanation, request};
    use crate::{Config, WEBHOOK};

    fn pair(name: &str, text: &str) -> String {
        format!("name={name},value={}", STANDARD.encode(text))
    }

    fn config(section: &Section) -> Config {
        let fields = section.checked(&WEBHOOK).fields.expect("complete");
        Config::from_fields(&fields).expect("templates that compile")
    }

    fn made(section: &Section, title: &str) -> Result<notify_http::Request, Unrendered> {
        let fields = [("type", "vzdump"), ("hostname", "pve1")];
        let fields: BTreeMap<_, _> = fields
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let message = Message {
            title,
            text: "line 1\nline \"2\" ✗",
            severity: Severity::Error,
            timestamp: 1_704_700_800,
            fields: &fields,
            key: "id.chat",
        };
        request(&config(section), &message)
    }

    /// The request as text, hidden values as stars.
    fn shown(section: &Section) -> String {
        let request = made(section, "Backup of „vm\" failed & more").expect("renders");
        let mut shown = format!("{:?} {}\n", request.method(), request.url());
        for (name, value) in request.headers() {
            writeln!(shown, "{name}: {}", value.unwrap_or("***")).expect("memory");
        }
        shown.push('\n');
        shown.push_str(std::str::from_utf8(request.content()).expect("text"));
        shown
    }

    #[test]
    fn a_request_is_what_the_section_says() {
        let body = r#"{"t":"{{ escape title }}","m":{{ json message }},"s":"{{ severity }}","f":{{ json fields }},"at":{{ timestamp }}}"#;
        let section = Section::new("chat")
            .public("method", "put")
            .public("url", "https://chat.example.com/{{ secrets.room }}/{{ url-encode key }}?t={{ url-encode title }}")
            .public("header", pair("Content-Type", "application/json"))
            .public("header", pair("Authorization", "Bearer {{ secrets.token }}"))
            .public("body", STANDARD.encode(body))
            .secret("secret", pair("room", "!a b:c"))
            .secret("secret", pair("token", "hunter2"));
        insta::assert_snapshot!(shown(&section));
    }

    #[test]
    fn there_is_a_key_and_no_content_type_unless_the_section_sets_them() {
        let plain = Section::new("chat")
            .public("method", "get")
            .public("url", "http://::1/ä b");
        insta::assert_snapshot!(shown(&plain), @r#"
        Get http://[::1]/%C3%A4%20b
        idempotency-key: "id.chat"
        "#);
        let own = plain.public("header", pair("idempotency-KEY", "mine"));
        insta::assert_snapshot!(shown(&own), @r"
        Get http://[::1]/%C3%A4%20b
        idempotency-key: ***
        ");
    }

    #[test]
    fn methods_are_those_of_proxmox_ve() {
        for (word, method) in [
            ("get", Method::Get),
            ("post", Method::Post),
            ("put", Method::Put),
        ] {
            let section = Section::new("chat")
                .public("method", word)
                .public("url", "http://h");
            assert_eq!(made(&section, "").expect("renders").method(), method);
        }
    }

    #[test]
    fn what_cannot_be_sent_names_its_place_and_no_secret() {
        let section = |url: &str| {
            Section::new("chat")
                .public("method", "post")
                .public("url", url)
        };
        let check = |section: Section, title: &str, expected: &str| {
            let unrendered = made(&section, title).expect_err(expected);
            assert_eq!(unrendered.to_string(), expected);
        };
        check(
            section("http://h/{{ url-encode fields.vmid }}"),
            "",
            "url cannot be rendered: line 1, column 10: `url-encode` needs a text, and `fields.vmid` is missing",
        );
        check(
            section("http://h").public("body", STANDARD.encode("\n{{ escape fields.vmid }}")),
            "",
            "body cannot be rendered: line 2, column 1: `escape` needs a text, and `fields.vmid` is missing",
        );
        check(
            section("http://h").public("header", pair("X-A", "{{ escape fields.vmid }}")),
            "",
            "header `X-A` cannot be rendered: line 1, column 1: `escape` needs a text, and `fields.vmid` is missing",
        );
        check(
            section("http://h").public("header", pair("X-A", "{{ title }}")),
            "first\r\nX-B: second",
            "header `X-A`: contains the control character U+000D",
        );
        // A name of a field that is a secret's text.
        let secret = section("http://h/{{ url-encode fields.hunter2 }}")
            .secret("secret", pair("a", "hunter2"));
        check(
            secret,
            "",
            "url cannot be rendered: line 1, column 10: `url-encode` needs a text, and `fields.<masked>` is missing",
        );
    }

    #[test]
    fn an_answer_is_read_in_the_words_of_its_service() {
        for (answer, expected) in [
            (
                r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#,
                Some("Bad Request: chat not found"),
            ),
            (
                r#"{"message":"Unknown Webhook","code":10015}"#,
                Some("Unknown Webhook"),
            ),
            (
                r#"{"errcode":"M_FORBIDDEN","error":"not in room"}"#,
                Some("not in room"),
            ),
            (
                r#"{"error":{"code":"BadRequest","message":"The request is invalid"}}"#,
                Some("The request is invalid"),
            ),
            (
                r#"{"status":"invalid event","message":"Event object is invalid","errors":["'severity' is invalid","and more"]}"#,
                Some("Event object is invalid: 'severity' is invalid: and more"),
            ),
            (r#"{"id":5}"#, None),
            ("invalid_payload", None),
            ("[]", None),
        ] {
            assert_eq!(
                explanation(answer.as_bytes()).as_deref(),
                expected,
                "{answer}"
            );
        }
    }
}
