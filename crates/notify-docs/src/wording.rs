//! The words for what a property is, shared by help and manual.

use notify_schema::{Presence, Property};

/// What is expected, as the begin of a sentence: `A number from 0 to 65535`.
pub(crate) fn expected(property: &Property) -> String {
    let expected = property.kind.expected();
    let mut characters = expected.chars();
    match characters.next() {
        // `name=NAME,value=BASE64` is no word to begin a sentence.
        Some(first) if !expected.contains('=') => first.to_uppercase().chain(characters).collect(),
        _ => expected,
    }
}

/// What holds when it is not there: `required`, `optional`, `default 25`.
///
/// `quoted` puts values into a code span.
pub(crate) fn presence(property: &Property, quoted: fn(&str) -> String) -> String {
    match property.presence {
        Presence::Required => "required".to_owned(),
        Presence::Default("") | Presence::Optional => "optional".to_owned(),
        Presence::Default(value) => format!("default {}", quoted(value)),
        Presence::Fallback(words) => format!("default: {words}"),
        Presence::Repeated => "any number of times".to_owned(),
        // A presence that this version does not know says nothing.
        _ => String::new(),
    }
}
