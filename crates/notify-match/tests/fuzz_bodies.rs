//! What the fuzzer runs, and `tests/fuzz.rs` with random bytes on stable Rust.

use std::collections::BTreeMap;

use notify_core::{Severity, Zone};
use notify_match::{Calendar, Event, FieldRule, Rule as _};

/// The first eight bytes are a time, the rest a calendar.
#[allow(dead_code, reason = "this file is compiled by itself too")]
pub(crate) fn calendar(bytes: &[u8]) {
    let (head, rest) = bytes.split_at(bytes.len().min(8));
    let mut time = [0; 8];
    time[..head.len()].copy_from_slice(head);
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    match Calendar::parse(text) {
        Ok(calendar) => calendar_is_consistent(&calendar, i64::from_le_bytes(time)),
        Err(error) => assert!(text.is_char_boundary(error.offset()), "{error}"),
    }
}

fn calendar_is_consistent(calendar: &Calendar, at: i64) {
    let zone = Zone::Named(chrono_tz::Europe::Vienna);
    let matches = calendar.matches(at, zone);
    let first = calendar.spans(at, zone).next();
    if calendar.is_never() {
        assert!(!matches && first.is_none(), "{calendar}");
    }
    if calendar.is_always() {
        assert!(matches && first.is_some(), "{calendar}");
    }
    if let Some(strict) = calendar.strict_form() {
        let strict = Calendar::parse(&strict).expect("the strict form is a calendar");
        assert!(strict.pve_accepts());
        assert_eq!(strict.matches(at, zone), matches);
    }
    let again = Calendar::parse(&calendar.to_string()).expect("it was one");
    assert_eq!(&again, calendar);
}

/// A `match-field` rule, and after a NUL the value of every field.
#[allow(dead_code, reason = "this file is compiled by itself too")]
pub(crate) fn match_field(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (rule, value) = text.split_once('\0').unwrap_or((text, ""));
    let Ok(rule) = FieldRule::parse(rule) else {
        return;
    };
    let fields = BTreeMap::from([(rule.field().to_owned(), value.to_owned())]);
    let event = Event {
        severity: Severity::Info,
        timestamp: 0,
        fields: &fields,
    };
    let finding = rule.evaluate(&event, Zone::Local);
    assert_eq!(finding.saw.as_deref(), Some(value));
    assert_eq!(finding.verdict, rule.test().accepts(value));
    assert!(!rule.matches(&BTreeMap::new()));
    let shown = rule.to_string();
    let again = FieldRule::parse(&shown).expect("what is shown can be read");
    assert_eq!(again.to_string(), shown);
    assert_eq!(again.matches(&fields), finding.verdict);
}
