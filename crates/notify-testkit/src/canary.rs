//! Secrets that must never be seen again, and the search for them in everything that is printed.
//!
//! A test gives a canary where a section wants a secret. Whatever comes out of
//! the code under test is then searched for it, in every form in which a peer, a
//! library or a `Debug` could have written it.
//!
//! ```
//! use notify_testkit::canary::{self, PASSWORD};
//! canary::assert_no_canary("smtp `ops`: 535 authentication failed");
//! assert!(canary::find(format!("sent {PASSWORD:?}").as_bytes()).is_some());
//! ```

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use notify_schema::Secret;

/// A password with characters that are written differently in URLs, JSON and base64.
pub const PASSWORD: &str = "pw \"Zq5XkVw9Tm3B/+\" ä%41";
/// A token, likewise.
pub const TOKEN: &str = "tk \"Rv4JbNy2Hd8P/+\" ä%41";

/// The part of each canary that URLs, JSON and HTML leave as it is: it betrays
/// a leak even where only a piece was written, or in a form nobody thought of.
const CORES: [&str; 2] = ["Zq5XkVw9Tm3B", "Rv4JbNy2Hd8P"];

/// One way in which a secret may be written.
#[derive(Clone, PartialEq, Eq)]
pub struct Form {
    /// What it is, as `base64`.
    pub name: &'static str,
    /// How it looks.
    pub text: String,
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Form({})", self.name)
    }
}

/// Where a canary was found. Printing it does not print the canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The form in which it stands.
    pub form: &'static str,
    /// The line, from 1.
    pub line: usize,
}

/// All forms of all canaries. A text that holds none of them holds no canary.
pub fn forms() -> Vec<Form> {
    let whole = [PASSWORD, TOKEN]
        .into_iter()
        .flat_map(|canary| forms_of(&Secret::new(canary)));
    let cores = CORES.into_iter().flat_map(|core| {
        let mut forms = inner_base64(core);
        forms.push(Form {
            name: "a part of it",
            text: core.to_owned(),
        });
        forms
    });
    whole.chain(cores).collect()
}

/// Whether a secret is a canary, so that a leak of a part of it would be seen too.
pub fn is_canary(secret: &Secret) -> bool {
    CORES.iter().any(|core| secret.expose().contains(core))
}

/// Every form of a secret; none of an empty one.
pub fn forms_of(secret: &Secret) -> Vec<Form> {
    let raw = secret.expose();
    if raw.is_empty() {
        return Vec::new();
    }
    let quoted = serde_json::to_string(raw).expect("text is JSON");
    let percent = percent_encoded(raw);
    let mut forms = vec![
        Form {
            name: "raw",
            text: raw.to_owned(),
        },
        Form {
            name: "JSON",
            text: quoted[1..quoted.len() - 1].to_owned(),
        },
        Form {
            name: "JSON in ASCII",
            text: ascii_json(raw),
        },
        Form {
            name: "debug",
            text: raw.escape_debug().to_string(),
        },
        Form {
            name: "form-encoded",
            text: percent.replace("%20", "+"),
        },
        Form {
            name: "URL-encoded in lower case",
            text: percent_lower(&percent),
        },
        Form {
            name: "URL-encoded",
            text: percent,
        },
        Form {
            name: "hexadecimal",
            text: raw.bytes().map(|byte| format!("{byte:02x}")).collect(),
        },
        Form {
            name: "base64",
            text: STANDARD_NO_PAD.encode(raw),
        },
        Form {
            name: "URL-safe base64",
            text: URL_SAFE_NO_PAD.encode(raw),
        },
    ];
    // Too short a middle would be found in any text.
    if raw.len() >= 8 {
        forms.extend(inner_base64(raw));
    }
    forms
}

/// The first place at which a canary stands in `bytes`.
pub fn find(bytes: &[u8]) -> Option<Finding> {
    find_any(bytes, &forms())
}

/// The first of these forms that stands in `bytes`, and where.
pub fn find_any(bytes: &[u8], forms: &[Form]) -> Option<Finding> {
    let text = String::from_utf8_lossy(bytes);
    forms.iter().find_map(|form| {
        let at = text.find(&form.text)?;
        let line = text[..at].matches('\n').count() + 1;
        Some(Finding {
            form: form.name,
            line,
        })
    })
}

/// Fails when a canary stands in `bytes`, in any form.
///
/// # Panics
/// With the form and the line, but not with the secret.
pub fn assert_no_canary(bytes: impl AsRef<[u8]>) {
    if let Some(Finding { form, line }) = find(bytes.as_ref()) {
        panic!("a secret was written, {form}, on line {line}");
    }
}

/// All but the unreserved characters of RFC 3986 escaped.
fn percent_encoded(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| match unreserved(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

fn percent_lower(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        out.push('%');
        out.push_str(&digits.to_ascii_lowercase());
        out.push_str(rest);
    }
    out
}

fn ascii_json(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("text is JSON");
    let mut out = String::new();
    for unit in quoted[1..quoted.len() - 1].encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\u{unit:04x}")),
        }
    }
    out
}

/// What base64 of `anything + text + anything` must contain, for each alignment:
/// credentials of AUTH and Basic are encoded together with the user.
fn inner_base64(text: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let padded = [&b"\0\0"[..before], text.as_bytes()].concat();
        // A character of base64 is fixed when all its six bits belong to the text.
        let (first, last) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for encoded in [
            STANDARD_NO_PAD.encode(&padded),
            URL_SAFE_NO_PAD.encode(&padded),
        ] {
            forms.push(Form {
                name: "inside base64",
                text: encoded[first..last].to_owned(),
            });
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::{PASSWORD, TOKEN, assert_no_canary, find};
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    fn check(text: &str, expected: Option<(&str, usize)>) {
        let found = find(text.as_bytes());
        let found = found.as_ref().map(|finding| (finding.form, finding.line));
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn every_form_is_found() {
        check("nothing of the kind: Zq5Xk, RXX=", None);
        check(&format!("one\ntwo {PASSWORD}"), Some(("raw", 2)));
        check(&format!("{TOKEN:?}"), Some(("JSON", 1)));
        check(r"tk \u0022Rv4JbNy2Hd8P", Some(("a part of it", 1)));
        check(
            "pw+%22Zq5XkVw9Tm3B%2F%2B%22+%C3%A4%2541",
            Some(("form-encoded", 1)),
        );
        check(
            "pw%20%22Zq5XkVw9Tm3B%2F%2B%22%20%C3%A4%2541",
            Some(("URL-encoded", 1)),
        );
        check(
            "pw%20%22Zq5XkVw9Tm3B%2f%2b%22%20%c3%a4%2541",
            Some(("URL-encoded in lower case", 1)),
        );
        check(&STANDARD.encode(PASSWORD), Some(("base64", 1)));
    }

    #[test]
    fn credentials_inside_base64_are_found_at_every_alignment() {
        for user in ["u", "us", "use", "user"] {
            let (plain, basic) = (format!("\0{user}\0{PASSWORD}"), format!("{user}:{TOKEN}!"));
            for text in [
                STANDARD.encode(&plain),
                URL_SAFE.encode(&plain),
                STANDARD.encode(&basic),
            ] {
                assert!(find(text.as_bytes()).is_some(), "{user}: {text}");
            }
        }
        assert_eq!(find(STANDARD.encode("user:anything else").as_bytes()), None);
    }

    #[test]
    #[should_panic(expected = "a secret was written, raw, on line 1")]
    fn the_alarm_does_not_repeat_it() {
        assert_no_canary(PASSWORD);
    }
}
