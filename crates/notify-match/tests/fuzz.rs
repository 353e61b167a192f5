//! The bodies of the fuzz targets, on random and on nearly right input.

mod fuzz_bodies;

use proptest::prelude::*;

/// Pieces of calendars in any order.
const CALENDAR: &str =
    "(mon|tue|fri|Sunday|daily|-|\\.\\.|,|:| |\t|0|8|12|24|59|60|UTC|Europe/Vienna|é){0,9}";
const FIELD: &str =
    "(exact|regex|foo)?:?(type|a|-x|)=?[a-z,.*+()\\[\\]\\\\{}0-9^$|?é ]{0,12}(\0[a-z,. é]{0,6})?";

fn check(body: fn(&[u8]), time: i64, text: &str) {
    let mut bytes = time.to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    body(&bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn calendars_of_random_bytes(bytes: Vec<u8>) {
        fuzz_bodies::calendar(&bytes);
    }

    #[test]
    fn calendars_of_random_text(time: i64, text: String) {
        check(fuzz_bodies::calendar, time, &text);
    }

    #[test]
    fn calendars_that_are_nearly_right(time: i64, text in CALENDAR) {
        check(fuzz_bodies::calendar, time, &text);
    }

    #[test]
    fn field_rules_of_random_bytes(bytes: Vec<u8>) {
        fuzz_bodies::match_field(&bytes);
    }

    #[test]
    fn field_rules_that_are_nearly_right(text in FIELD) {
        fuzz_bodies::match_field(text.as_bytes());
    }
}
