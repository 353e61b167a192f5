//! Numbers as people read them: sizes, durations, times, shares.
//!
//! The outputs are those of the helpers of proxmox-notify, so that a template
//! written for it says the same here.

use std::fmt::Write as _;

use chrono::{Datelike as _, Timelike as _};
use notify_core::Zone;
use notify_schema::excerpt;
use serde_json::Value;

/// What stands where a value cannot be shown.
pub(crate) const ERROR: &str = "ERROR";

/// A way to show a value, usable as a helper and as the renderer of a table's column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renderer {
    /// `1.5 KiB`.
    HumanBytes,
    /// `1h 1m 1s`.
    Duration,
    /// `2024-01-08 08:00:00`.
    Timestamp,
}

impl Renderer {
    pub(crate) const ALL: [Renderer; 3] = [
        Renderer::HumanBytes,
        Renderer::Duration,
        Renderer::Timestamp,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Renderer::HumanBytes => "human-bytes",
            Renderer::Duration => "duration",
            Renderer::Timestamp => "timestamp",
        }
    }

    /// What it wants, for a report.
    pub(crate) const fn expects(self) -> &'static str {
        match self {
            Renderer::HumanBytes => "a number of bytes",
            Renderer::Duration => "a whole number of seconds, not negative",
            Renderer::Timestamp => "a whole number of seconds since 1970",
        }
    }

    /// Appends the value; false, and nothing appended, when it is not what it expects.
    pub(crate) fn write(self, value: &Value, zone: Zone, out: &mut String) -> bool {
        match self {
            Renderer::HumanBytes => float(value).map(|bytes| human_bytes(bytes, out)),
            Renderer::Duration => whole(value, Value::as_u64).map(|left| duration(left, out)),
            Renderer::Timestamp => whole(value, Value::as_i64).map(|at| timestamp(at, zone, out)),
        }
        .is_some()
    }
}

/// A value of the data in a remark, a text in its quotes.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", excerpt(text)),
        other => excerpt(&other.to_string()),
    }
}

/// `a` as a share of `b` in percent, `-` when there is no `b`; none when one is no number.
pub(crate) fn relative_percentage(a: &Value, b: &Value) -> Option<String> {
    let (a, b) = (float(a)?, float(b)?);
    if b == 0.0 {
        return Some("-".to_owned());
    }
    Some(format!("{:.2}%", a * 100.0 / b))
}

/// A finite number, or a text that is one.
fn float(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

/// A whole number, or a text that is one.
fn whole<T: std::str::FromStr>(value: &Value, of: fn(&Value) -> Option<T>) -> Option<T> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => of(other),
    }
}

fn human_bytes(bytes: f64, out: &mut String) {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    // The unit is chosen by the whole bytes: 1023.9 stays in bytes, and what is
    // negative has none.
    let mut unit = 0;
    let mut scale = 1.0;
    while unit + 1 < UNITS.len() && bytes.trunc() >= scale * 1024.0 {
        unit += 1;
        scale *= 1024.0;
    }
    let thousandths = (bytes / scale * 1000.0).round();
    decimal(thousandths, out);
    out.push(' ');
    out.push_str(UNITS[unit]);
}

/// A whole number of thousandths as a decimal number, without zeros at its end.
fn decimal(thousandths: f64, out: &mut String) {
    /// More digits than these a float does not keep.
    const EXACT: f64 = 1e15;
    if thousandths.abs() >= EXACT {
        let _ = write!(out, "{}", thousandths / 1000.0);
        return;
    }
    if thousandths < 0.0 {
        out.push('-');
    }
    let thousandths = thousandths.abs() as u64;
    push_whole(thousandths / 1000, out);
    let rest = thousandths % 1000;
    if rest > 0 {
        out.push('.');
        let digits = [rest / 100, rest / 10 % 10, rest % 10];
        let last = digits.iter().rposition(|digit| *digit > 0).unwrap_or(0);
        for digit in &digits[..=last] {
            push_whole(*digit, out);
        }
    }
}

/// A whole number in digits. Reports are full of them, and `write!` takes twice the time.
pub(crate) fn push_whole(number: u64, out: &mut String) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut left = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// A month is 30.44 days and a year 365.25, as in proxmox-time.
fn duration(seconds: u64, out: &mut String) {
    const UNITS: [(u64, &str); 7] = [
        (31_557_600, "y"),
        (2_630_016, "M"),
        (604_800, "w"),
        (86_400, "d"),
        (3_600, "h"),
        (60, "m"),
        (1, "s"),
    ];
    if seconds == 0 {
        out.push_str("0s");
    }
    let mut left = seconds;
    for (length, unit) in UNITS {
        if left >= length {
            if left != seconds {
                out.push(' ');
            }
            push_whole(left / length, out);
            out.push_str(unit);
            left %= length;
        }
    }
}

fn timestamp(epoch: i64, zone: Zone, out: &mut String) {
    let at = zone.at(epoch);
    let _ = write!(
        out,
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
}

#[cfg(test)]
mod tests {
    use super::{Renderer, relative_percentage};
    use notify_core::Zone;
    use serde_json::{Value, json};

    fn check(renderer: Renderer, rows: &[(Value, Option<&str>)]) {
        let zone: Zone = "Europe/Vienna".parse().expect("a zone");
        for (value, expected) in rows {
            let mut out = String::new();
            let shown = renderer.write(value, zone, &mut out).then_some(&*out);
            assert_eq!(shown, *expected, "{} of {value}", renderer.name());
        }
    }

    #[test]
    fn bytes_have_binary_units() {
        check(
            Renderer::HumanBytes,
            &[
                (json!(0), Some("0 B")),
                (json!(1023), Some("1023 B")),
                (json!(1023.9), Some("1023.9 B")),
                (json!(1024), Some("1 KiB")),
                (json!(1536), Some("1.5 KiB")),
                (json!("1536"), Some("1.5 KiB")),
                (json!(1_048_575), Some("1023.999 KiB")),
                (json!(1_234_567), Some("1.177 MiB")),
                (json!(451_683_942), Some("430.759 MiB")),
                (json!(1_u64 << 40), Some("1 TiB")),
                (json!(1_u64 << 50), Some("1 PiB")),
                (json!(1_u64 << 62), Some("4096 PiB")),
                (json!(-5), Some("-5 B")),
                (json!(-0.25), Some("-0.25 B")),
                (json!(-0.0001), Some("0 B")),
                (json!(1.0e20), Some("88817.842 PiB")),
                (json!(1.0e30), Some("888178419700125.3 PiB")),
                (json!(-1.0e13), Some("-10000000000000 B")),
                (json!(-0.0), Some("0 B")),
                (json!("much"), None),
                (json!("NaN"), None),
                (json!(null), None),
                (json!([1]), None),
                (json!(true), None),
            ],
        );
    }

    #[test]
    fn durations_leave_out_what_is_zero() {
        check(
            Renderer::Duration,
            &[
                (json!(0), Some("0s")),
                (json!(60), Some("1m")),
                (json!("61"), Some("1m 1s")),
                (json!(3661), Some("1h 1m 1s")),
                (json!(86_400), Some("1d")),
                (json!(604_800), Some("1w")),
                (json!(2_630_016), Some("1M")),
                (json!(31_557_600), Some("1y")),
                (json!(7_776_000), Some("2M 4w 1d 2h 52m 48s")),
                (json!(u64::MAX), Some("584542046090y 7M 2w 1d 17h 5m 3s")),
                (json!(1.0), None),
                (json!("1.5"), None),
                (json!(-1), None),
                (json!(""), None),
                (json!(null), None),
            ],
        );
    }

    #[test]
    fn timestamps_are_wall_clocks_of_the_zone() {
        check(
            Renderer::Timestamp,
            &[
                (json!(1_704_697_200), Some("2024-01-08 08:00:00")),
                (json!("1704697200"), Some("2024-01-08 08:00:00")),
                (json!(1_719_828_000), Some("2024-07-01 12:00:00")),
                (json!(-1), Some("1970-01-01 00:59:59")),
                (json!(1.5), None),
                (json!("now"), None),
                (json!(u64::MAX), None),
            ],
        );
    }

    #[test]
    fn shares_have_two_decimals() {
        let check = |a: Value, b: Value, expected: Option<&str>| {
            assert_eq!(relative_percentage(&a, &b).as_deref(), expected, "{a} {b}");
        };
        check(json!(1), json!(3), Some("33.33%"));
        check(json!(3), json!(1.5), Some("200.00%"));
        check(json!(1), json!(0), Some("-"));
        check(json!(1), json!(null), None);
    }
}
