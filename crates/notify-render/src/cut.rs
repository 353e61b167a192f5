//! Cutting a text that is too long, the last resort of shortening.

use std::borrow::Cow;

use notify_core::Limit;

/// What stands where a line was cut.
const ELLIPSIS: char = '…';

/// A line that keeps to the limit: its beginning, with an ellipsis where something is missing.
pub(crate) fn line(text: &str, limit: Limit) -> Cow<'_, str> {
    if limit.holds(text) {
        return Cow::Borrowed(text);
    }
    let mark = limit.unit.width(ELLIPSIS);
    let Some(room) = limit.max.checked_sub(mark) else {
        return Cow::Borrowed(prefix(text, limit));
    };
    let kept = prefix(text, Limit { max: room, ..limit });
    Cow::Owned(format!("{}{ELLIPSIS}", kept.trim_end()))
}

/// What stands below a text of which only the beginning is left.
const NOTE: &str = "[shortened]";

/// A text that keeps to the limit: its first lines and a note.
pub(crate) fn text(text: &str, limit: Limit) -> String {
    if limit.holds(text) {
        return text.to_owned();
    }
    let mut room = limit.max;
    while room > limit.unit.length(NOTE) {
        let cut = format!("{}\n{NOTE}", beginning(text, Limit { max: room, ..limit }));
        let length = limit.unit.length(&cut);
        if length <= limit.max {
            return cut;
        }
        room = room.saturating_sub(length - limit.max);
    }
    line(text, limit).into_owned()
}

/// The first lines of a text, or the beginning of a long one, with every block of code ended.
fn beginning(text: &str, limit: Limit) -> String {
    let kept = prefix(text, limit);
    let whole_lines = kept.rfind('\n').filter(|at| *at > kept.len() / 2);
    let cut = match whole_lines {
        Some(at) => Cow::Borrowed(&kept[..at]),
        None => Cow::Owned(format!("{}{ELLIPSIS}", kept.trim_end())),
    };
    balanced(cut.trim_end())
}

/// A text in which every block of code that was begun is ended (CommonMark 4.5), quoted blocks included.
pub(crate) fn balanced(text: &str) -> String {
    let mut open: Option<(&str, &str)> = None;
    for line in text.lines() {
        let (quote, fence, rest) = fence_of(line);
        open = match open {
            None if fence.len() >= 3 => Some((quote, fence)),
            Some((_, begun)) if fence.starts_with(begun) && rest.is_empty() => None,
            unchanged => unchanged,
        };
    }
    match open {
        Some((quote, fence)) => format!("{}\n{quote}{fence}", text.trim_end()),
        None => text.to_owned(),
    }
}

/// The marks of quotation before a line, the backticks or tildes that follow, and what is left.
fn fence_of(line: &str) -> (&str, &str, &str) {
    let content = line.trim_start_matches(['>', ' ', '\t']);
    let (quote, content) = line.split_at(line.len() - content.len());
    let mark = if content.starts_with('~') { '~' } else { '`' };
    let rest = content.trim_start_matches(mark);
    let (fence, rest) = content.split_at(content.len() - rest.len());
    (quote, fence, rest.trim())
}

/// The longest beginning of a text that keeps to the limit.
pub(crate) fn prefix(text: &str, limit: Limit) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, character)| {
        used += limit.unit.width(*character);
        used > limit.max
    });
    end.map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::{balanced, line, text};
    use notify_core::{Limit, Unit};

    fn check(text: &str, max: usize, unit: Unit, expected: &str) {
        let limit = Limit::new(max, unit);
        let cut = line(text, limit);
        assert_eq!(cut, expected, "{text:?} within {limit}");
        assert!(limit.holds(&cut));
    }

    #[test]
    fn a_line_is_cut_with_an_ellipsis() {
        check("backup failed", 13, Unit::Characters, "backup failed");
        check("backup failed", 12, Unit::Characters, "backup fail…");
        check("backup failed", 8, Unit::Characters, "backup…");
        check("backup failed", 9, Unit::Bytes, "backup…");
        check("🔥🔥", 3, Unit::Utf16, "🔥…");
        check("🔥🔥", 2, Unit::Utf16, "…");
    }

    #[test]
    fn a_limit_without_room_for_the_ellipsis_is_kept() {
        check("ab", 0, Unit::Characters, "");
        check("ab", 1, Unit::Characters, "…");
        check("abc", 2, Unit::Bytes, "ab");
        check("é", 1, Unit::Bytes, "");
    }

    fn check_text(whole: &str, max: usize, expected: &str) {
        let limit = Limit::new(max, Unit::Characters);
        let cut = text(whole, limit);
        assert_eq!(cut, expected, "{whole:?} within {limit}");
        assert!(limit.holds(&cut));
    }

    #[test]
    fn a_text_is_cut_after_a_line_and_says_so() {
        check_text("one\ntwo\n", 8, "one\ntwo\n");
        check_text(
            "one one one\ntwo two two\nthree",
            27,
            "one one one\n[shortened]",
        );
        check_text(&"word ".repeat(20), 30, "word word word wo…\n[shortened]");
        check_text("a long line", 8, "a long…");
    }

    #[test]
    fn a_block_of_code_is_ended() {
        check_text(
            "````\none\n```\ntwo two two two two two\n````",
            32,
            "````\none\n```\n````\n[shortened]",
        );
        assert_eq!(balanced("```sh\nls\n```\n"), "```sh\nls\n```\n");
        assert_eq!(balanced("a ``` b"), "a ``` b");
        assert_eq!(balanced("~~~\n```\nls"), "~~~\n```\nls\n~~~");
        assert_eq!(balanced("> ```\n> ls"), "> ```\n> ls\n> ```");
    }
}
