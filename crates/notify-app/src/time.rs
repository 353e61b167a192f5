//! Times as people and scripts write them.

use chrono::{DateTime, Local, NaiveDateTime, TimeZone as _};
use notify_core::Zone;

/// Epoch seconds, RFC 3339, or `YYYY-MM-DD HH:MM[:SS]` in `zone`.
///
/// A wall clock that a change of summer time shows twice means the first of the two.
pub(crate) fn parse(text: &str, zone: Zone) -> Result<i64, String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return in_range(seconds);
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.timestamp());
    }
    let civil = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .ok_or_else(|| {
            format!(
                "expected epoch seconds, RFC 3339 or `YYYY-MM-DD HH:MM[:SS]`, not `{}`",
                text.escape_debug()
            )
        })?;
    let instant = match zone {
        Zone::Local => Local
            .from_local_datetime(&civil)
            .earliest()
            .map(|at| at.timestamp()),
        Zone::Named(zone) => zone
            .from_local_datetime(&civil)
            .earliest()
            .map(|at| at.timestamp()),
    };
    instant.ok_or_else(|| {
        format!(
            "{civil} is skipped by the change to summer time in {}",
            zone.name()
        )
    })
}

/// Seconds since 1970 that have a wall clock.
pub(crate) fn in_range(seconds: i64) -> Result<i64, String> {
    if Zone::INSTANTS.contains(&seconds) {
        return Ok(seconds);
    }
    let (first, last) = (Zone::INSTANTS.start(), Zone::INSTANTS.end());
    Err(format!(
        "{seconds} is not between {first} and {last} seconds"
    ))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use notify_core::Zone;

    fn check(text: &str, expected: Result<i64, &str>) {
        let vienna: Zone = "Europe/Vienna".parse().expect("a zone");
        let result = parse(text, vienna);
        assert_eq!(
            result.as_ref().map(|at| *at).map_err(String::as_str),
            expected,
            "{text}"
        );
    }

    #[test]
    fn every_form_is_read() {
        check("1704697200", Ok(1_704_697_200));
        check("-1800", Ok(-1800));
        check("2024-01-08T08:00:00+01:00", Ok(1_704_697_200));
        check("2024-01-08T07:00:00Z", Ok(1_704_697_200));
        check("2024-01-08 08:00", Ok(1_704_697_200));
        check(
            "99999999999999",
            Err("99999999999999 is not between -8334600000000 and 8210200000000 seconds"),
        );
        check("2024-01-08 08:00:01", Ok(1_704_697_201));
    }

    #[test]
    fn a_repeated_hour_is_the_first_and_a_skipped_one_an_error() {
        check("2024-10-27 02:30", Ok(1_729_989_000));
        check(
            "2024-03-31 02:30",
            Err("2024-03-31 02:30:00 is skipped by the change to summer time in Europe/Vienna"),
        );
        check(
            "tomorrow",
            Err("expected epoch seconds, RFC 3339 or `YYYY-MM-DD HH:MM[:SS]`, not `tomorrow`"),
        );
    }
}
