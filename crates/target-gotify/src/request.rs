//! A notification as a request to Gotify. Pure.

use notify_core::Severity;
use notify_http::{BadHeader, Request, join};
use notify_schema::Secret;
use serde::{Deserialize, Serialize};

use crate::Config;

/// The JSON of a message (Gotify API, `POST /message`), in the order in which Proxmox VE sends it.
#[derive(Debug, Serialize)]
struct Message<'a> {
    title: &'a str,
    message: &'a str,
    priority: u8,
    extras: Extras,
}

#[derive(Debug, Serialize)]
struct Extras {
    #[serde(rename = "client::display")]
    display: Display,
}

#[derive(Debug, Serialize)]
struct Display {
    #[serde(rename = "contentType")]
    content_type: &'static str,
}

/// `POST SERVER/message` with this title and text.
///
/// The text is shown as it is, in a fixed-width font: a fenced block of Markdown.
/// The token goes in both headers that Gotify knows, because a proxy in front of
/// it may use one of them itself. `key` is the same for all attempts of one
/// delivery and goes as `Idempotency-Key`, which Gotify reads over and a relay
/// in front of it can use to drop a second copy.
///
/// # Errors
/// [`BadHeader`] when `key` or the token is not printable ASCII.
pub fn request(
    config: &Config,
    severity: Severity,
    title: &str,
    text: &str,
    key: &str,
) -> Result<Request, BadHeader> {
    let message = Message {
        title,
        message: &fenced(text),
        priority: priority(severity),
        extras: Extras {
            display: Display {
                content_type: "text/markdown",
            },
        },
    };
    let body = serde_json::to_vec(&message).expect("texts and a number are JSON");
    let bearer = Secret::new(format!("Bearer {}", config.token.expose()));
    Ok(Request::post(join(&config.server, "message"))
        .header("Content-Type", "application/json")?
        .header("Idempotency-Key", &format!("\"{key}\""))?
        .secret_header("Authorization", &bearer)?
        .secret_header("X-Gotify-Key", &config.token)?
        .explained_by(explanation)
        .body(body))
}

/// Gotify's priority of a severity, as in proxmox-notify. Its apps ring from 4 on and insist from 8 on.
pub fn priority(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Notice | Severity::Unknown => 3,
        Severity::Warning => 5,
        Severity::Error => 9,
    }
}

/// `text` between two fences of Markdown that are longer than any run of backticks in it.
///
/// ```
/// assert_eq!(target_gotify::fenced("a"), "```\na\n```");
/// assert_eq!(target_gotify::fenced("````"), "`````\n````\n`````");
/// ```
pub fn fenced(text: &str) -> String {
    let longest = text
        .split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{text}\n{fence}")
}

/// What Gotify says when it refuses.
#[derive(Debug, Deserialize)]
struct Refusal {
    error: String,
    #[serde(rename = "errorDescription", default)]
    description: String,
}

fn explanation(body: &[u8]) -> Option<String> {
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    let described = !refusal.description.is_empty();
    Some(if described {
        refusal.description
    } else {
        refusal.error
    })
}

/// What Gotify calls the message that it took; none when the answer is not Gotify's.
pub(crate) fn message_id(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Taken {
        id: u64,
    }
    serde_json::from_slice(body)
        .ok()
        .map(|taken: Taken| taken.id)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::{explanation, fenced, message_id, priority, request};
    use crate::Config;
    use notify_core::Severity;
    use notify_http::{Method, base_url};
    use notify_schema::Secret;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    fn config(server: &str) -> Config {
        Config {
            server: base_url(server).expect("a URL"),
            token: Secret::new("hunter2"),
            tls: notify_tls::TlsOptions::default(),
            ca_file: None,
        }
    }

    /// The request as text, secret values as stars.
    fn shown(server: &str, severity: Severity, title: &str, text: &str) -> String {
        let request =
            request(&config(server), severity, title, text, "id.push").expect("printable headers");
        assert_eq!(request.method(), Method::Post);
        let mut shown = format!("POST {}\n", request.url());
        for (name, value) in request.headers() {
            writeln!(shown, "{name}: {}", value.unwrap_or("***")).expect("memory");
        }
        shown.push('\n');
        shown.push_str(std::str::from_utf8(request.content()).expect("JSON is UTF-8"));
        shown
    }

    #[test]
    fn a_request_has_gotifys_form() {
        insta::assert_snapshot!(shown(
            "https://gotify.example.com/base/",
            Severity::Error,
            "Backup failed: \"vm 100\" ✗",
            "line 1\nline 2\twith ``` in it\n\0\u{1b}",
        ));
    }

    #[test]
    fn severities_have_priorities() {
        let priorities = Severity::ALL.map(|severity| (severity.name(), priority(severity)));
        let expected = [
            ("info", 1),
            ("notice", 3),
            ("warning", 5),
            ("error", 9),
            ("unknown", 3),
        ];
        assert_eq!(priorities, expected);
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_an_error_without_it() {
        let mut config = config("http://h");
        for token in ["hunter2\r\nX: y", "hünter2", "hunter2\0"] {
            config.token = Secret::new(token);
            let bad = request(&config, Severity::Info, "", "", "k").expect_err("not a header");
            assert!(!bad.to_string().contains("nter2"), "{bad}");
        }
    }

    #[test]
    fn answers_are_read() {
        assert_eq!(message_id(br#"{"id":17,"appid":1}"#), Some(17));
        for other in ["", "<html>", "{}", r#"{"id":"17"}"#, "17"] {
            assert_eq!(message_id(other.as_bytes()), None, "{other}");
        }
        let refusal = r#"{"error":"Unauthorized","errorCode":401,"errorDescription":"no token"}"#;
        assert_eq!(explanation(refusal.as_bytes()).as_deref(), Some("no token"));
        let short = r#"{"error":"Unauthorized"}"#;
        assert_eq!(
            explanation(short.as_bytes()).as_deref(),
            Some("Unauthorized")
        );
        assert_eq!(explanation(b"<html>"), None);
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_fence(text in "[`~a\\n \\\\]{0,40}|\\PC{0,40}") {
            let block = fenced(&text);
            let fence = block.lines().next().expect("the fence");
            prop_assert!(fence.len() >= 3 && fence.chars().all(|known| known == '`'));
            prop_assert!(!text.contains(fence));
            // CommonMark 4.5: the block ends at the first line of at least as many backticks.
            prop_assert_eq!(&block, &format!("{fence}\n{text}\n{fence}"));
        }
    }
}
