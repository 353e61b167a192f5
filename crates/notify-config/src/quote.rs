//! Text of a file, shown in a message: short and printable.

/// At most 60 characters between backquotes, with what does not print escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// How faults name a section: ``smtp `example` ``.
pub(crate) fn label(kind: &str, name: &str) -> String {
    let kind = quoted(kind);
    format!("{} {}", kind.trim_matches('`'), quoted(name))
}

#[cfg(test)]
mod tests {
    use super::{label, quoted};

    #[test]
    fn a_megabyte_and_control_characters_do_not_reach_a_message() {
        assert_eq!(quoted("a\u{0}b"), "`a\\0b`");
        assert!(quoted(&"x".repeat(1_000_000)).chars().count() < 70);
        assert_eq!(label("smtp", "ops"), "smtp `ops`");
    }
}
