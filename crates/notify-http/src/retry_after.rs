//! When the far side wants to be asked again.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};

/// No longer than this is believed, so that no clock overflows.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Reads the value of `Retry-After`: seconds, or a date (RFC 9110 10.2.3).
///
/// A date is relative to `now`; one that has passed means at once. At most 30 days.
pub(crate) fn retry_after(value: &str, now: DateTime<FixedOffset>) -> Option<Duration> {
    let value = value.trim();
    let seconds = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let delay = if seconds {
        // More digits than a number can have are more than the longest delay.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        (http_date(value)? - now.to_utc())
            .to_std()
            .unwrap_or_default()
    };
    Some(delay.min(LONGEST))
}

/// The three forms of RFC 9110 5.6.7, the two obsolete ones included.
fn http_date(value: &str) -> Option<DateTime<Utc>> {
    [
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
    ]
    .into_iter()
    .find_map(|form| NaiveDateTime::parse_from_str(value, form).ok())
    .map(|date| date.and_utc())
}

#[cfg(test)]
mod tests {
    use super::retry_after;

    fn check(value: &str, expected: Option<u64>) {
        let now = chrono::DateTime::parse_from_rfc3339("2026-11-22T10:00:00+01:00");
        let delay = retry_after(value, now.expect("a time"));
        assert_eq!(delay.map(|delay| delay.as_secs()), expected, "{value:?}");
    }

    #[test]
    fn seconds_and_dates_are_read() {
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("Sun, 22 Nov 2026 09:02:00 GMT", Some(120));
        check("Sunday, 22-Nov-26 09:02:00 GMT", Some(120));
        check("Sun Nov 22 09:02:00 2026", Some(120));
        check("Sun, 22 Nov 2026 08:00:00 GMT", Some(0));
    }

    #[test]
    fn a_month_is_the_most_and_nonsense_is_nothing() {
        check("99999999999999999999999999", Some(30 * 24 * 3600));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(30 * 24 * 3600));
        for nonsense in ["", "-1", "1.5", "soon", "Sun, 99 Nov 2026 09:02:00 GMT"] {
            check(nonsense, None);
        }
    }
}
