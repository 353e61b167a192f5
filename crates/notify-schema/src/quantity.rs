//! Spans of time and amounts of bytes, as people write them: `90s`, `4G`.

use std::time::Duration;

use crate::excerpt::excerpt;

/// The units of time with their seconds, the greatest first.
const TIMES: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
/// The units of size with their bytes, the greatest first.
const SIZES: [(char, u64); 4] = [
    ('T', 1 << 40),
    ('G', 1 << 30),
    ('M', 1 << 20),
    ('K', 1 << 10),
];

/// The longest span: a hundred years, which every clock can add.
const LONGEST: u64 = 36_500 * 86_400;
/// The greatest amount that a disk may hold.
const GREATEST: u64 = 1 << 50;

pub(crate) const A_DURATION: &str = "a span of time, as `90s`, `10m`, `2h` or `3d`";
pub(crate) const A_SIZE: &str = "an amount of bytes, as `64K`, `16M` or `4G`";

/// The span that a text names: a whole number from 1 and one of `s`, `m`, `h`, `d`.
///
/// ```
/// use std::time::Duration;
/// use notify_schema::parse_duration;
/// assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
/// assert_eq!(parse_duration("3d"), Ok(Duration::from_secs(259_200)));
/// assert_eq!(
///     parse_duration("3").expect_err("no unit"),
///     "expected a span of time, as `90s`, `10m`, `2h` or `3d`, not `3`"
/// );
/// ```
///
/// # Errors
/// Why it names none: lower case, without full stop.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let seconds = amount(text, &TIMES, A_DURATION)?;
    if seconds > LONGEST {
        return Err(format!(
            "`{}` is above {} days",
            excerpt(text),
            LONGEST / 86_400
        ));
    }
    Ok(Duration::from_secs(seconds))
}

/// The bytes that a text names: a whole number from 1 and one of `K`, `M`, `G`, `T`, each 1024 of the one before.
///
/// ```
/// assert_eq!(notify_schema::parse_size("16M"), Ok(16 * 1024 * 1024));
/// ```
///
/// # Errors
/// Why it names none: lower case, without full stop.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let bytes = amount(text, &SIZES, A_SIZE)?;
    if bytes > GREATEST {
        return Err(format!("`{}` is above {}T", excerpt(text), GREATEST >> 40));
    }
    Ok(bytes)
}

/// A span as people write it, in the greatest unit that leaves no rest: `90s`, `3d`.
///
/// What is below a second is left out.
///
/// ```
/// use std::time::Duration;
/// use notify_schema::duration_text;
/// assert_eq!(duration_text(Duration::from_secs(7_200)), "2h");
/// assert_eq!(duration_text(Duration::from_secs(90)), "90s");
/// ```
pub fn duration_text(span: Duration) -> String {
    let seconds = span.as_secs();
    let mut fitting = TIMES
        .iter()
        .filter(|(_, size)| seconds > 0 && seconds.is_multiple_of(*size));
    match fitting.next() {
        Some((unit, size)) => format!("{}{unit}", seconds / size),
        None => "0s".to_owned(),
    }
}

fn amount(text: &str, units: &[(char, u64)], expected: &str) -> Result<u64, String> {
    let refused = || format!("expected {expected}, not `{}`", excerpt(text));
    let unit = text.chars().next_back().ok_or_else(refused)?;
    let (_, size) = units
        .iter()
        .find(|(known, _)| *known == unit)
        .ok_or_else(refused)?;
    let digits = &text[..text.len() - unit.len_utf8()];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refused());
    }
    // So many digits that no number holds them are above every bound.
    let number: u64 = digits.parse().unwrap_or(u64::MAX);
    if number == 0 {
        return Err(refused());
    }
    Ok(number.saturating_mul(*size))
}

#[cfg(test)]
mod tests {
    use super::{duration_text, parse_duration, parse_size};
    use std::time::Duration;

    #[test]
    fn a_span_reads_back() {
        for text in ["1s", "61s", "10m", "2h", "25h", "3d", "36500d"] {
            let span = parse_duration(text).expect("a span");
            assert_eq!(duration_text(span), text);
        }
        assert_eq!(duration_text(Duration::from_millis(999)), "0s");
    }

    #[test]
    fn what_names_no_amount_is_refused() {
        for bad in [
            "", "s", "0s", "-1s", "+1s", "1 s", "1.5h", "1S", "1w", "1\u{e4}", "1h30m",
        ] {
            assert!(parse_duration(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "16", "0K", "1k", "1B", "M", "1 M"] {
            assert!(parse_size(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn there_is_a_greatest_amount() {
        let refused = |text: &str| parse_duration(text).expect_err("too long");
        assert_eq!(refused("36501d"), "`36501d` is above 36500 days");
        assert_eq!(
            refused("99999999999999999999999d"),
            "`99999999999999999999999d` is above 36500 days"
        );
        assert_eq!(parse_size("1024T"), Ok(1 << 50));
        assert_eq!(
            parse_size("1025T").expect_err("too many"),
            "`1025T` is above 1024T"
        );
    }
}
