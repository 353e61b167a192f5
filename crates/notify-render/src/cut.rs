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
    use super::line;
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
}
