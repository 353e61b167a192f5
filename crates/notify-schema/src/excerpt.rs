//! Values in messages, short and printable.

/// Most characters of a value that a message repeats.
const LENGTH: usize = 60;

/// The beginning of a value for a message: at most 60 characters, escaped, and
/// `…` behind them when more followed. A message is not the place for a megabyte.
///
/// It quotes what it is given: never give it a secret.
///
/// ```
/// use notify_schema::excerpt;
/// assert_eq!(excerpt("a\tb"), r"a\tb");
/// assert_eq!(excerpt(&"x".repeat(200_000)), format!("{}…", "x".repeat(60)));
/// ```
pub fn excerpt(text: &str) -> String {
    let mut characters = text.chars();
    let mut shown: String = characters
        .by_ref()
        .take(LENGTH)
        .flat_map(char::escape_debug)
        .collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    fn check(text: &str, expected: &str) {
        assert_eq!(excerpt(text), expected, "{text:?}");
    }

    #[test]
    fn a_short_value_stands_whole_and_printable() {
        check("", "");
        check("mail.example.com", "mail.example.com");
        check("jörg", "jörg");
        check("a\u{1b}[31m\r\n", r"a\u{1b}[31m\r\n");
        check("gnp.exe\u{202e}txt", r"gnp.exe\u{202e}txt");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let sixty = "ä".repeat(60);
        check(&sixty, &sixty);
        check(&format!("{sixty}b"), &format!("{sixty}…"));
    }
}
