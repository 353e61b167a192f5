//! Text of a file, shown in a message: short and printable.

use notify_schema::Source;

/// At most 60 characters between backquotes, with what does not print escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// A line that is no header, for a message; of the private file no more than the key that it may begin with.
pub(crate) fn no_header(source: Source, text: &str) -> String {
    let expected = "expected a header `TYPE: NAME`";
    if source != Source::Private {
        return format!("{expected}, not {}", quoted(text));
    }
    let is_key = |key: &&str| {
        key.bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_lowercase())
    };
    let key = text.split_once(char::is_whitespace).map(|(key, _)| key);
    match key.filter(is_key) {
        Some(key) => format!("{expected}, not `{key} …`"),
        None => expected.to_owned(),
    }
}

/// A key without a value, for a message. In the private file it may be the secret, without its key.
pub(crate) fn no_value(source: Source, key: &str) -> String {
    match source {
        Source::Private => "a property has no value".to_owned(),
        _ => format!("property {} has no value", quoted(key)),
    }
}

/// How faults name a section: ``smtp `example` ``.
pub(crate) fn label(kind: &str, name: &str) -> String {
    let kind = quoted(kind);
    format!("{} {}", kind.trim_matches('`'), quoted(name))
}

#[cfg(test)]
mod tests {
    use super::{label, no_header, no_value, quoted};
    use notify_schema::Source::{Private, Public};

    #[test]
    fn a_megabyte_and_control_characters_do_not_reach_a_message() {
        assert_eq!(quoted("a\u{0}b"), "`a\\0b`");
        assert!(quoted(&"x".repeat(1_000_000)).chars().count() < 70);
        assert_eq!(label("smtp", "ops"), "smtp `ops`");
    }

    #[test]
    fn a_line_of_the_private_file_is_not_repeated() {
        for (source, text, expected) in [
            (Public, "token abc", ", not `token abc`"),
            (Private, "token abc", ", not `token …`"),
            (Private, "token=abc x", ""),
            (Private, "abc", ""),
        ] {
            let told = no_header(source, text);
            assert_eq!(told, format!("expected a header `TYPE: NAME`{expected}"));
        }
        assert_eq!(
            no_value(Public, "token=abc"),
            "property `token=abc` has no value"
        );
        assert_eq!(no_value(Private, "token=abc"), "a property has no value");
    }
}
