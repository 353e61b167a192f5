//! The beginning of a text that a peer wrote, fit for one line of a message.

use notify_schema::{MASK, one_line};

/// Characters that are shown of an answer.
const LENGTH: usize = 200;

/// `text` in one line, at most 200 characters, without control characters, markup and a full stop at the end.
///
/// Redact first: a cut secret is not recognised any more.
pub(crate) fn excerpt(text: &str) -> String {
    let text = text.trim_start();
    let plain = if text.starts_with('<') {
        // A mask looks like a tag and is none.
        text.split(MASK)
            .map(without_tags)
            .collect::<Vec<_>>()
            .join(MASK)
    } else {
        text.to_owned()
    };
    one_line(&plain, LENGTH)
}

/// The text between `<` and `>` left out; a proxy's error page has little else.
fn without_tags(html: &str) -> String {
    let mut inside = false;
    let mut plain = String::with_capacity(html.len());
    for character in html.chars() {
        match character {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                plain.push(' ');
            }
            other if !inside => plain.push(other),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::excerpt;
    use proptest::prelude::{any, prop_assert, proptest};

    fn check(text: &str, expected: &str) {
        assert_eq!(excerpt(text), expected, "{text:?}");
    }

    #[test]
    fn an_answer_becomes_one_printable_line() {
        check("", "");
        check(" a\r\n\tb\u{1b}[31m  c\0", "a b [31m c");
        check("gnp.exe\u{202e}txt", "gnp.exe txt");
        check(
            "<html>\n<head><title>502 Bad Gateway</title></head>\n<body>nginx</body></html>",
            "502 Bad Gateway nginx",
        );
        check("{\"a\": \"<b>\"}", "{\"a\": \"<b>\"}");
        check("<never closed", "");
        check("Come back later. Thanks ...", "Come back later. Thanks");
        check("<masked> <masked>", "<masked> <masked>");
        check(
            "<p>your key <masked> is bad</p>",
            "your key <masked> is bad",
        );
    }

    #[test]
    fn a_long_answer_is_cut_between_characters() {
        let cut = excerpt(&"ä".repeat(1_000_000));
        assert_eq!(cut.chars().count(), 201);
        assert!(cut.ends_with("ä…"));
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_short_line(text in any::<String>()) {
            let line = excerpt(&text);
            prop_assert!(line.chars().count() <= 201);
            prop_assert!(!line.contains(char::is_control) && !line.ends_with('.'));
        }
    }
}
