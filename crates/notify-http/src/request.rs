//! A request, made of checked parts.

use std::fmt;

use bytes::Bytes;
use notify_schema::{MOST_GROWTH, Secret, excerpt, redacted};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::address::origin;

/// Bytes of a far side's text that are worth a look: a message shows much less of them.
const MOST_SHOWN: usize = 4096;

/// Reads the text for people out of the body of an answer that is an error.
pub type Explain = fn(&[u8]) -> Option<String>;

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Ask.
    Get,
    /// Hand over.
    Post,
    /// Replace.
    Put,
}

/// A request: where, what, and which secrets it carries.
///
/// ```
/// use notify_http::{Request, base_url, join};
/// use notify_schema::Secret;
///
/// let token = Secret::new("Axyz");
/// let url = join(&base_url("https://gotify.example.com").expect("a URL"), "message");
/// let request = Request::post(url)
///     .header("Content-Type", "application/json").expect("a plain header")
///     .secret_header("X-Gotify-Key", &token).expect("printable ASCII")
///     .body("{}");
/// assert!(!format!("{request:?}").contains("Axyz"));
/// assert!(Request::post(request.url().clone()).header("X-A", "1\r\nX-B: 2").is_err());
/// ```
#[derive(Clone)]
pub struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    secrets: Vec<Secret>,
    explain: Option<Explain>,
}

/// A header that HTTP cannot carry. Its text never holds the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("header `{name}`: {reason}")]
pub struct BadHeader {
    name: String,
    reason: String,
}

impl BadHeader {
    /// Why, without the name.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: Method, url: Url) -> Self {
        Request {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            secrets: Vec::new(),
            explain: None,
        }
    }

    /// A POST.
    pub fn post(url: Url) -> Self {
        Request::new(Method::Post, url)
    }

    /// With one more header. A header of the same name is kept beside it.
    ///
    /// # Errors
    /// [`BadHeader`] when the name is no token or the value is not printable ASCII.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, BadHeader> {
        self.headers
            .append(header_name(name)?, header_value(name, value)?);
        Ok(self)
    }

    /// With a header whose value is a secret or contains one. It is masked in everything that is printed.
    ///
    /// # Errors
    /// As [`Request::header`].
    pub fn secret_header(self, name: &str, value: &Secret) -> Result<Self, BadHeader> {
        let mut header = header_value(name, value.expose())?;
        header.set_sensitive(true);
        let mut request = self.masking(value.clone());
        request.headers.append(header_name(name)?, header);
        Ok(request)
    }

    /// With a header whose value came out of a template: it is shown nowhere.
    ///
    /// It may be any text without control characters; what is not ASCII goes
    /// out as UTF-8 (`obs-text` of RFC 9110 5.5). The secrets in it are masked
    /// in other texts only when they are also given to [`Request::masking`].
    ///
    /// # Errors
    /// [`BadHeader`] when the name is no token or the value has a control character.
    pub fn hidden_header(mut self, name: &str, value: &str) -> Result<Self, BadHeader> {
        let bad = |reason| BadHeader {
            name: excerpt(name),
            reason,
        };
        let control = value
            .chars()
            .find(|known| known.is_control() && *known != '\t');
        if let Some(control) = control {
            return Err(bad(control_character(control)));
        }
        let value = HeaderValue::from_bytes(value.as_bytes());
        let mut value = value.map_err(|error| bad(error.to_string()))?;
        value.set_sensitive(true);
        self.headers.append(header_name(name)?, value);
        Ok(self)
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// With one more secret that no text about this request may show.
    #[must_use]
    pub fn masking(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// With a reader for the answers that are errors. Without it, or where it
    /// finds nothing, the beginning of the answer is shown.
    #[must_use]
    pub fn explained_by(mut self, explain: Explain) -> Self {
        self.explain = Some(explain);
        self
    }

    /// What it wants.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Where it goes.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Its headers in order: name in lower case, value; none for a secret one.
    pub fn headers(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.headers.iter().map(|(name, value)| {
            let shown = (!value.is_sensitive()).then(|| value.to_str().ok());
            (name.as_str(), shown.flatten())
        })
    }

    /// Its body.
    pub fn content(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn header_map(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// `text` without the secrets of this request.
    pub(crate) fn redacted(&self, text: &str) -> String {
        redacted(text, &self.secrets).into_owned()
    }

    /// The beginning of what the far side wrote, without the secrets of this request.
    ///
    /// Only [`MOST_SHOWN`] bytes and what a secret may take behind them are
    /// searched, so that the far side cannot choose how much work that is. A
    /// secret that the cut parted is left out with what stands around it.
    pub(crate) fn redacted_beginning(&self, text: &str) -> String {
        let longest = self.secrets.iter().map(|secret| secret.expose().len());
        let room = longest.max().unwrap_or(0).saturating_mul(MOST_GROWTH);
        let text = text.trim_start();
        let beginning = before(text, MOST_SHOWN.saturating_add(room));
        let mut shown = self.redacted(beginning);
        if beginning.len() < text.len() {
            shown.truncate(before(&shown, shown.len().saturating_sub(room)).len());
        }
        shown
    }

    /// The text for people in an answer that is an error, not yet redacted.
    pub(crate) fn explanation(&self, body: &[u8]) -> Option<String> {
        self.explain.and_then(|explain| explain(body))
    }
}

impl fmt::Debug for Request {
    /// Neither path nor body: a template may have put a secret there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("origin", &origin(&self.url))
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// At most so many bytes of a text, whole characters.
fn before(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn header_name(name: &str) -> Result<HeaderName, BadHeader> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| BadHeader {
        name: excerpt(name),
        reason: "not a header name".to_owned(),
    })
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, BadHeader> {
    printable(value)
        .and_then(|()| HeaderValue::from_str(value).map_err(|error| error.to_string()))
        .map_err(|reason| BadHeader {
            name: excerpt(name),
            reason,
        })
}

/// Whether a header can carry this value: printable ASCII and blanks (RFC 9110 5.5).
///
/// # Errors
/// The reason, which names the offending character and not the value.
pub fn printable(value: &str) -> Result<(), String> {
    match value
        .chars()
        .find(|known| !matches!(known, ' '..='~' | '\t'))
    {
        None => Ok(()),
        Some(control) if control.is_control() => Err(control_character(control)),
        Some(_) => Err("contains a character that is not ASCII".to_owned()),
    }
}

fn control_character(control: char) -> String {
    format!(
        "contains the control character U+{:04X}",
        u32::from(control)
    )
}

#[cfg(test)]
mod tests {
    use super::{MOST_GROWTH, MOST_SHOWN, Request};
    use notify_schema::Secret;

    fn check(name: &str, value: &str, expected: Result<(), &str>) {
        let url = url::Url::parse("http://h/").expect("a URL");
        let plain = Request::post(url.clone()).header(name, value);
        let secret = Request::post(url).secret_header(name, &Secret::new(value));
        for made in [plain, secret] {
            let made = made.map(drop).map_err(|bad| bad.to_string());
            assert_eq!(made, expected.map_err(str::to_owned), "{name:?} {value:?}");
        }
    }

    #[test]
    fn a_header_that_http_cannot_carry_is_refused_without_its_value() {
        check("X-Key", "hunter2", Ok(()));
        check("X-Key", "", Ok(()));
        check("X-Key", "a b\t~", Ok(()));
        check("X Key", "a", Err("header `X Key`: not a header name"));
        check("", "a", Err("header ``: not a header name"));
        check(
            "X-Key",
            "hunter2\r\nX-Evil: 1",
            Err("header `X-Key`: contains the control character U+000D"),
        );
        check(
            "X-Key",
            "hünter2",
            Err("header `X-Key`: contains a character that is not ASCII"),
        );
        check(
            "X-Key",
            "a\u{7f}",
            Err("header `X-Key`: contains the control character U+007F"),
        );
    }

    #[test]
    fn a_hidden_header_takes_any_text_of_one_line() {
        let hidden = |name: &str, value: &str| {
            let url = url::Url::parse("http://h/").expect("a URL");
            let request = Request::post(url).hidden_header(name, value);
            let request = request.map_err(|bad| bad.to_string())?;
            assert!(!format!("{request:?}").contains("hunter2"));
            let sent = request.header_map().get(name).expect("it is there");
            Ok(String::from_utf8(sent.as_bytes().to_vec()).expect("UTF-8"))
        };
        let bad = |reason: &str| Err::<String, _>(reason.to_owned());
        assert_eq!(
            hidden("Title", "hunter2 hünter2 🔥"),
            Ok("hunter2 hünter2 🔥".to_owned())
        );
        let control = "header `Title`: contains the control character U+";
        assert_eq!(
            hidden("Title", "hunter2\nX: y"),
            bad(&format!("{control}000A"))
        );
        assert_eq!(
            hidden("Title", "hunter2\u{85}"),
            bad(&format!("{control}0085"))
        );
        assert_eq!(hidden("A B", "x"), bad("header `A B`: not a header name"));
    }

    #[test]
    fn a_secret_header_is_shown_nowhere() {
        let url = url::Url::parse("http://h/").expect("a URL");
        let request = Request::post(url)
            .secret_header("X-Key", &Secret::new("hunter2"))
            .expect("printable")
            .header("X-Other", "seen")
            .expect("printable");
        assert_eq!(
            request.headers().collect::<Vec<_>>(),
            [("x-key", None), ("x-other", Some("seen"))]
        );
        assert!(!format!("{request:?}").contains("hunter2"));
        assert_eq!(request.redacted("a hunter2 b"), "a <masked> b");
    }

    #[test]
    fn little_of_a_long_answer_is_searched_and_no_part_of_a_secret_shown() {
        let secret = Secret::new("hunter2");
        let url = url::Url::parse("http://h/").expect("a URL");
        let request = Request::post(url).masking(secret);
        let room = 7 * MOST_GROWTH;
        let shown = |text: &str| request.redacted_beginning(text);
        assert_eq!(shown("  a hunter2 b"), "a <masked> b");
        let length = shown(&"ä".repeat(1 << 20)).len();
        assert!(length.abs_diff(MOST_SHOWN) < "ä".len() * 2, "{length}");
        // The cut parts the last secret, wherever it stands.
        for part in 0..=7 {
            let long = format!(
                "{}hunter2{}",
                "x".repeat(MOST_SHOWN + room - part),
                "y".repeat(room)
            );
            assert_eq!(shown(&long), "x".repeat(shown(&long).len()), "{part}");
        }
        // It is whole where it begins in what is shown, even at its longest.
        let longest = format!(r"{}u{{00000068}}", "\\".repeat(16));
        let long = format!(
            "{}{longest}unter2{}",
            "x".repeat(MOST_SHOWN - 300),
            "y".repeat(9000)
        );
        assert!(shown(&long).starts_with(&format!("{}<masked>y", "x".repeat(MOST_SHOWN - 300))));
    }
}
