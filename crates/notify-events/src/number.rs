//! Numbers and flags as producers write them: JSON made by Perl has some of them as strings.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serializer};
use serde_json::Value;

/// The largest whole number that every JSON library keeps exactly, 2^53 - 1.
const MOST: u64 = (1 << 53) - 1;
/// The last second of the year 9999.
const LAST_MOMENT: u64 = 253_402_300_799;

/// The strings of digits that are read as a number; all of them are below its maximum.
pub(crate) const DIGITS: &str = "^[0-9]{1,15}$";
/// The same for moments.
pub(crate) const DIGITS_OF_MOMENT: &str = "^[0-9]{1,11}$";

/// The strings that are read as a flag.
const WORDS_OF_FLAG: &str = "^(|0|1|true|false)$";

/// Whether a string is of a pattern of this module.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    if pattern == WORDS_OF_FLAG {
        return flag_of(text).is_some();
    }
    let most = if pattern == DIGITS_OF_MOMENT { 11 } else { 15 };
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number that is not negative.
pub(crate) fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(from)?;
    whole(&value, MOST, DIGITS).ok_or_else(|| D::Error::custom("not a number of 0 or more"))
}

/// A number that is not negative, or null.
pub(crate) fn count_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        value => count(value).map(Some).map_err(D::Error::custom),
    }
}

/// Seconds since 1970-01-01 UTC.
fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(from)?;
    let seconds = whole(&value, LAST_MOMENT, DIGITS_OF_MOMENT);
    seconds
        .and_then(|seconds| i64::try_from(seconds).ok())
        .ok_or_else(|| D::Error::custom("not a moment"))
}

/// Seconds since 1970-01-01 UTC, or null.
pub(crate) fn moment_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        value => moment(value).map(Some).map_err(D::Error::custom),
    }
}

fn flag_of(text: &str) -> Option<bool> {
    match text {
        "" | "0" | "false" => Some(false),
        "1" | "true" => Some(true),
        _ => None,
    }
}

/// Yes or no in the ways of JSON and of Perl; none of null.
pub(crate) fn flag_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        value => flag(value).map(Some).map_err(D::Error::custom),
    }
}

/// Yes or no in the ways of JSON and of Perl.
pub(crate) fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(flag),
        Value::Number(number) => Ok(number.as_f64() != Some(0.0)),
        Value::String(text) => flag_of(&text).ok_or_else(|| D::Error::custom("not a flag")),
        Value::Array(_) | Value::Object(_) => Err(D::Error::custom("not a flag")),
    }
}

/// `1` or the empty string.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    reason = "serde hands over a reference"
)]
pub(crate) fn one_or_empty<S: Serializer>(flag: &Option<bool>, to: S) -> Result<S::Ok, S::Error> {
    if *flag == Some(true) {
        to.serialize_u8(1)
    } else {
        to.serialize_str("")
    }
}

/// `1` or `0`.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
pub(crate) fn one_or_zero<S: Serializer>(flag: &bool, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u8(u8::from(*flag))
}

fn whole(value: &Value, most: u64, digits: &str) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let number = number.as_f64()?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a whole number between 0 and 2^53"
            )]
            (number.fract() == 0.0 && (0.0..=most as f64).contains(&number))
                .then_some(number as u64)
        }),
        Value::String(text) if fits(digits, text) => text.parse().ok(),
        _ => None,
    };
    number.filter(|number| *number <= most)
}

pub(crate) fn count_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["integer", "string"], "minimum": 0, "maximum": MOST, "pattern": DIGITS})
}

pub(crate) fn count_or_null_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["integer", "string", "null"], "minimum": 0, "maximum": MOST, "pattern": DIGITS})
}

pub(crate) fn moment_or_null_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["integer", "string", "null"], "minimum": 0, "maximum": LAST_MOMENT, "pattern": DIGITS_OF_MOMENT})
}

pub(crate) fn flag_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["boolean", "number", "string", "null"], "pattern": WORDS_OF_FLAG})
}

#[cfg(test)]
mod tests {
    use super::{DIGITS, DIGITS_OF_MOMENT, LAST_MOMENT, MOST, count, flag, moment};
    use serde_json::{Value, json};

    fn check(value: &Value, expected: Option<u64>) {
        assert_eq!(count(value.clone()).ok(), expected, "{value}");
    }

    #[test]
    fn counts_are_numbers_or_digits() {
        check(&json!(0), Some(0));
        check(&json!(1.0), Some(1));
        check(&json!("0100"), Some(100));
        check(&json!(MOST), Some(MOST));
        check(&json!("999999999999999"), Some(999_999_999_999_999));
        for bad in [
            json!(-1),
            json!(1.5),
            json!(MOST + 1),
            json!(1e300),
            json!(""),
            json!("-1"),
            json!("1 "),
            json!("1000000000000000"),
            json!("٣"),
            json!(null),
            json!(true),
            json!([1]),
        ] {
            check(&bad, None);
        }
    }

    #[test]
    fn moments_end_with_the_year_9999() {
        assert_eq!(
            moment(json!(LAST_MOMENT)).ok(),
            i64::try_from(LAST_MOMENT).ok()
        );
        assert_eq!(moment(json!("1700000000")).ok(), Some(1_700_000_000));
        assert!(moment(json!(LAST_MOMENT + 1)).is_err());
        assert!(
            moment(json!(1_700_000_000_000_u64)).is_err(),
            "milliseconds"
        );
    }

    #[test]
    fn flags_are_those_of_perl_too() {
        for yes in [json!(true), json!(1), json!("1"), json!("true")] {
            assert_eq!(flag(yes.clone()).ok(), Some(true), "{yes}");
        }
        for no in [
            json!(false),
            json!(0),
            json!(""),
            json!("0"),
            json!("false"),
            json!(null),
        ] {
            assert_eq!(flag(no.clone()).ok(), Some(false), "{no}");
        }
        for bad in [
            json!([]),
            json!("yes"),
            json!("no"),
            json!("False"),
            json!(" "),
            json!("00"),
        ] {
            assert!(flag(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_string_of_digits_is_below_the_maximum() {
        for (pattern, most) in [(DIGITS, MOST), (DIGITS_OF_MOMENT, LAST_MOMENT)] {
            let longest = pattern
                .trim_end_matches("}$")
                .rsplit(',')
                .next()
                .expect("a length");
            let length: usize = longest.parse().expect("a number");
            assert!("9".repeat(length).parse::<u64>().expect("a number") <= most);
            assert!(super::fits(pattern, &"9".repeat(length)));
            assert!(!super::fits(pattern, &"9".repeat(length + 1)));
        }
    }
}
