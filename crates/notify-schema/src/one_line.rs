//! What a peer said, fit for one line of a message.

/// The text of a peer in one printable line of at most `max_chars` characters,
/// and `…` behind them when more followed.
///
/// Line breaks, runs of blanks, control characters and those that turn or hide
/// what stands beside them on a terminal become one blank. A full stop at the end is left out.
///
/// Redact first: a cut secret is not recognised any more.
///
/// ```
/// use notify_schema::one_line;
/// assert_eq!(one_line("4.7.1 Greylisted,\r\n\tcome back later.", 200), "4.7.1 Greylisted, come back later");
/// assert_eq!(one_line("a\u{1b}[2J\u{202e}b", 200), "a [2J b");
/// assert_eq!(one_line("abc", 2), "ab…");
/// ```
pub fn one_line(text: &str, max_chars: usize) -> String {
    let words = text
        .split(|known: char| known.is_whitespace() || known.is_control() || is_invisible(known));
    let mut line = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if let Some((cut, _)) = line.char_indices().nth(max_chars) {
        line.truncate(cut);
        line.push('…');
    }
    line.truncate(line.trim_end_matches(['.', ' ']).len());
    line
}

/// Direction marks, characters without width, annotations and tags.
fn is_invisible(known: char) -> bool {
    matches!(
        known,
        '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::one_line;

    fn check(text: &str, expected: &str) {
        assert_eq!(one_line(text, 10), expected, "{text:?}");
    }

    #[test]
    fn a_line_is_printable_and_has_no_full_stop() {
        check("", "");
        check(" . ", "");
        check(" a\r\n\tb\u{1b}[m  c\0", "a b [m c");
        check("exe\u{202e}\u{200b}txt", "exe txt");
        check("a\u{2028}b\u{85}c", "a b c");
        check("Later ...", "Later");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        check(&"ä".repeat(10), "ääääääääää");
        check(&"ä".repeat(1_000_000), "ääääääääää…");
        check("123456789.1", "123456789.…");
    }
}
