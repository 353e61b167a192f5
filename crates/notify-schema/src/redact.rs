//! Takes secrets out of texts that a peer or a library wrote.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Secret;

/// What stands in place of a secret.
pub const MASK: &str = "<masked>";

/// The set that Handlebars' `url-encode` helper of webhooks escapes.
const WEBHOOK_URL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b':')
    .add(b'/')
    .add(b'?')
    .add(b'#')
    .add(b'[')
    .add(b']')
    .add(b'@')
    .add(b'!')
    .add(b'$')
    .add(b'&')
    .add(b'\'')
    .add(b'(')
    .add(b')')
    .add(b'*')
    .add(b'+')
    .add(b',')
    .add(b';')
    .add(b'=')
    .add(b'%');

/// What the URL standard escapes in a query.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// The set that RFC 3986 leaves alone: letters, digits and `-._~`.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `text` with every occurrence of every secret replaced by [`MASK`].
///
/// Covered are the secret as it is, URL-encoded, base64 (both alphabets, with
/// and without padding) and JSON-escaped. An empty secret masks nothing. The
/// longest form is replaced first, so that no form leaves the tail of a longer
/// one behind.
///
/// ```
/// use notify_schema::{Secret, redacted};
/// let token = Secret::new("a b/c");
/// assert_eq!(redacted("GET /?t=a%20b%2Fc", [&token]), "GET /?t=<masked>");
/// ```
pub fn redacted<'t, 's>(
    text: &'t str,
    secrets: impl IntoIterator<Item = &'s Secret>,
) -> Cow<'t, str> {
    let mut forms: Vec<String> = secrets.into_iter().flat_map(forms).collect();
    forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    forms.dedup();
    let mut text = Cow::Borrowed(text);
    for form in forms {
        if text.contains(&form) {
            text = Cow::Owned(text.replace(&form, MASK));
        }
    }
    text
}

/// Every way in which a secret may stand in a text.
fn forms(secret: &Secret) -> Vec<String> {
    let raw = secret.expose();
    if raw.is_empty() {
        return Vec::new();
    }
    let mut forms = vec![raw.to_owned()];
    let json = json_escaped(raw);
    // PHP escapes slashes; it and Python escape what is not ASCII.
    for json in [json.replace('/', "\\/"), json] {
        let ascii = ascii_escaped(&json);
        forms.push(upper_case_escapes(&ascii));
        forms.push(ascii);
        forms.push(json);
    }
    for set in [WEBHOOK_URL, QUERY, UNRESERVED, NON_ALPHANUMERIC] {
        let encoded = utf8_percent_encode(raw, set).to_string();
        forms.push(encoded.replace("%20", "+"));
        forms.push(lower_case_escapes(&encoded));
        forms.push(encoded);
    }
    for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
        forms.push(engine.encode(raw));
    }
    forms
}

/// `%2F` as `%2f`: some peers echo it so.
fn lower_case_escapes(encoded: &str) -> String {
    let mut digits_left = 0;
    encoded
        .chars()
        .map(|character| match (character, digits_left) {
            ('%', _) => {
                digits_left = 2;
                character
            }
            (_, 0) => character,
            _ => {
                digits_left -= 1;
                character.to_ascii_lowercase()
            }
        })
        .collect()
}

/// The text as it stands between the quotes of a JSON string.
fn json_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() && control.is_ascii() => {
                out.push_str(&format!("\\u{:04x}", control as u32));
            }
            other => out.push(other),
        }
    }
    out
}

/// The text with `\u00f6` for what is not ASCII.
fn ascii_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

/// `\u00f6` as `\u00F6`.
fn upper_case_escapes(escaped: &str) -> String {
    let mut parts = escaped.split("\\u");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(4).unwrap_or((part, ""));
        out.push_str("\\u");
        out.push_str(&digits.to_ascii_uppercase());
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{MASK, redacted};
    use crate::Secret;

    fn check(secret: &str, text: &str, expected: &str) {
        assert_eq!(
            redacted(text, [&Secret::new(secret)]),
            expected,
            "{secret:?} in {text:?}"
        );
    }

    #[test]
    fn every_form_is_masked() {
        check("p\"w/ö", "raw p\"w/ö end", "raw <masked> end");
        check("p\"w/ö", r#"{"e":"p\"w/ö"}"#, r#"{"e":"<masked>"}"#);
        check("p\"w/ö", r#"{"e":"p\"w/\u00f6"}"#, r#"{"e":"<masked>"}"#);
        check("p\"w/ö", r#"{"e":"p\"w/\u00F6"}"#, r#"{"e":"<masked>"}"#);
        check("p\"w/ö", r#"{"e":"p\"w\/\u00f6"}"#, r#"{"e":"<masked>"}"#);
        check("p/w\u{1f427}", r"p\/w\ud83d\udc27", "<masked>");
        check("p\"w/ö", "url p%22w%2F%C3%B6", "url <masked>");
        check("p\"w/ö", "url p%22w%2f%c3%b6", "url <masked>");
        check(
            "p\"w/ö",
            "webhook url-encode: p\"w%2F%C3%B6",
            "webhook url-encode: <masked>",
        );
        check("p\"w/ö", "b64 cCJ3L8O2.", "b64 <masked>.");
        check("a b", "form a+b", "form <masked>");
        check("hunter", "aHVudGVy and aHVudGVy", "<masked> and <masked>");
    }

    #[test]
    fn an_empty_secret_masks_nothing() {
        check("", "text", "text");
    }

    #[test]
    fn the_longer_secret_goes_first() {
        let secrets = [Secret::new("abc"), Secret::new("abcdef")];
        assert_eq!(redacted("xabcdefx", &secrets), format!("x{MASK}x"));
    }
}
