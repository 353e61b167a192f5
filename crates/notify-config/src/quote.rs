//! Text of a file, shown in a message: short and printable.

use notify_schema::{Source, excerpt};

/// At most 60 characters between backquotes, with what does not print escaped.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", excerpt(text))
}

/// A line that is no header, for a message: its first word, as the rest may be
/// a secret that lost its indent. Of the private file only a word that may be a key.
pub(crate) fn no_header(source: Source, text: &str) -> String {
    let expected = "expected a header `TYPE: NAME`";
    if source != Source::Private {
        return format!("{expected}, not `{}`", first_word(text));
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

/// Up to a blank, `=` or `:`, and `…` where more follows.
fn first_word(text: &str) -> String {
    let ends = |character: char| character.is_whitespace() || matches!(character, '=' | ':');
    match text.split_once(ends) {
        Some((word, _)) => format!("{} …", excerpt(word)),
        None => excerpt(text),
    }
}

/// A key without a value, for a message. In the private file it may be the secret, without its key.
pub(crate) fn no_value(source: Source, key: &str) -> String {
    match source {
        Source::Private => "a property has no value".to_owned(),
        _ => format!("property {} has no value", quoted(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::{no_header, no_value, quoted};
    use notify_schema::Source::{Private, Public};

    #[test]
    fn a_megabyte_and_control_characters_do_not_reach_a_message() {
        assert_eq!(quoted("a\u{0}b"), "`a\\0b`");
        assert!(quoted(&"x".repeat(1_000_000)).chars().count() < 70);
    }

    #[test]
    fn what_may_be_a_secret_is_not_repeated() {
        for (source, text, expected) in [
            (Public, "token abc", ", not `token …`"),
            (Public, "token\tabc def", ", not `token …`"),
            (Public, "token=abc", ", not `token …`"),
            (Public, "9smtp:abc", ", not `9smtp …`"),
            (Public, "junk", ", not `junk`"),
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
