//! Values in messages, short and printable.

/// At most 60 characters of a value: a message is not the place for a megabyte.
pub(crate) fn excerpt(value: &str) -> String {
    let mut shown: String = value
        .chars()
        .take(60)
        .flat_map(char::escape_debug)
        .collect();
    if value.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}
