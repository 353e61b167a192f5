//! What came back, and what it means.

use notify_core::{Failure, FailureKind};
use reqwest::StatusCode;

use crate::Request;
use crate::excerpt::excerpt;

/// Bytes that are read of an answer. The rest is not waited for.
pub const MOST_BYTES: usize = 64 * 1024;

/// An answer that says: taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200 to 299.
    pub status: u16,
    /// At most [`MOST_BYTES`] of the body; what was there when the deadline came.
    pub body: Vec<u8>,
}

/// What a status means for the delivery; none when it was taken.
///
/// - 2xx: taken.
/// - 401, 403, 404, 405, 407, 410: misconfigured. Credentials, path or proxy are
///   wrong, and asking again gets the same answer.
/// - 502, 504: uncertain. A gateway says that it got no good answer, or none in
///   time, from the server behind it (RFC 9110 15.6.3, 15.6.5): that one may
///   have taken the request.
/// - 408, 425, 429, other 5xx: unavailable. It may be taken later.
/// - other 4xx: rejected. The far side looked at this request and said no.
/// - anything else, redirects that are not followed included: misconfigured.
///
/// ```
/// use notify_core::FailureKind;
/// use notify_http::kind_of_status;
/// assert_eq!(kind_of_status(200), None);
/// assert_eq!(kind_of_status(429), Some(FailureKind::Unavailable));
/// assert_eq!(kind_of_status(504), Some(FailureKind::Uncertain));
/// ```
pub fn kind_of_status(status: u16) -> Option<FailureKind> {
    match status {
        200..=299 => None,
        401 | 403 | 404 | 405 | 407 | 410 => Some(FailureKind::Misconfigured),
        502 | 504 => Some(FailureKind::Uncertain),
        408 | 425 | 429 | 500..=599 => Some(FailureKind::Unavailable),
        400..=499 => Some(FailureKind::Rejected),
        _ => Some(FailureKind::Misconfigured),
    }
}

/// The failure that an answer of this status is: its kind, the status in words, what the body says.
pub(crate) fn failure(
    request: &Request,
    way: &str,
    kind: FailureKind,
    status: StatusCode,
    body: &[u8],
) -> Failure {
    let told = request
        .explanation(body)
        .unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let told = excerpt(&request.redacted_beginning(&told));
    let mut detail = format!("{way} answered {}", in_words(status));
    if !told.is_empty() {
        detail.push_str(": ");
        detail.push_str(&told);
    }
    Failure::new(kind, detail)
}

/// `401 Unauthorized`; a status without a name is its number. The peer's own words are not used.
pub(crate) fn in_words(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::kind_of_status;
    use notify_core::FailureKind::{self, Misconfigured, Rejected, Unavailable, Uncertain};

    fn check(statuses: &[u16], expected: Option<FailureKind>) {
        for status in statuses {
            assert_eq!(kind_of_status(*status), expected, "{status}");
        }
    }

    #[test]
    fn a_status_says_what_can_be_done() {
        check(&[200, 201, 202, 204, 299], None);
        check(&[401, 403, 404, 405, 407, 410], Some(Misconfigured));
        check(&[408, 425, 429, 500, 501, 503, 505, 599], Some(Unavailable));
        check(&[502, 504], Some(Uncertain));
        check(&[400, 402, 409, 413, 415, 422, 451], Some(Rejected));
        check(&[100, 101, 300, 301, 304, 600, 999], Some(Misconfigured));
    }
}
