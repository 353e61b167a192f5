//! Takes secrets out of texts that a peer or a library wrote.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::Secret;

/// What stands in place of a secret.
pub const MASK: &str = "<masked>";

/// How often a character may have been escaped again. More is nobody's, and
/// would let a peer keep us busy.
const MOST_LAYERS: usize = 4;

/// Most bytes that [`redacted`] takes for one byte of a secret: 16 backslashes,
/// `u{`, eight digits and `}`. Who cuts a text before has to leave room for it.
pub const MOST_GROWTH: usize = 16 + 2 + MOST_DIGITS + 1;

/// Digits in the braces of `\u{f6}`.
const MOST_DIGITS: usize = 8;

/// `text` with every occurrence of every secret replaced by [`MASK`].
///
/// A secret is found as it is and in base64 (both alphabets, with and without
/// padding), and also with any of its characters escaped as URLs, JSON and HTML
/// do: whoever built the text may have escaped other characters than we would,
/// and a URL parser escapes again what it finds. An empty secret masks nothing.
/// Where two secrets overlap, all that belongs to either is replaced.
///
/// The work is that of text times secret when a secret repeats itself: cut a
/// text that a peer chose, with [`MOST_GROWTH`] in mind.
///
/// ```
/// use notify_schema::{Secret, redacted};
/// let token = Secret::new("a b/c");
/// assert_eq!(redacted("GET /?t=a%20b%2Fc", [&token]), "GET /?t=<masked>");
/// assert_eq!(redacted("GET /a%20b/c", [&token]), "GET /<masked>");
/// ```
pub fn redacted<'t, 's>(
    text: &'t str,
    secrets: impl IntoIterator<Item = &'s Secret>,
) -> Cow<'t, str> {
    let mut places: Vec<_> = secrets
        .into_iter()
        .flat_map(|secret| places(text, secret.expose()))
        .collect();
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    places.sort_by_key(|place| place.start);
    let mut out = String::with_capacity(text.len());
    let mut shown = 0;
    for place in places {
        if place.start >= shown {
            out.push_str(&text[shown..place.start]);
            out.push_str(MASK);
        }
        shown = shown.max(place.end);
    }
    out.push_str(&text[shown..]);
    Cow::Owned(out)
}

/// Where a secret stands in a text, in whatever form; places may overlap.
fn places(text: &str, secret: &str) -> Vec<Range<usize>> {
    if secret.is_empty() {
        return Vec::new();
    }
    let mut places = Vec::new();
    for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
        let form = engine.encode(secret);
        let found = text.match_indices(&form);
        places.extend(found.map(|(at, form)| at..at + form.len()));
    }
    let starts = text.char_indices().map(|(start, _)| start);
    places.extend(starts.filter_map(|start| Some(start..end(text, start, secret)?)));
    places
}

/// The end of the longest text at `start` that is the secret with any of its characters escaped.
fn end(text: &str, start: usize, secret: &str) -> Option<usize> {
    let (mut ends, mut next) = (vec![start], Vec::new());
    for character in secret.chars() {
        for at in ends.drain(..) {
            step(text, at, character, &mut next);
        }
        next.sort_unstable();
        next.dedup();
        std::mem::swap(&mut ends, &mut next);
        if ends.is_empty() {
            return None;
        }
    }
    ends.last().copied().filter(|end| *end > start)
}

/// Adds each place that one character of a secret, in one of its forms, leads to from `at`.
fn step(text: &str, at: usize, character: char, ends: &mut Vec<usize>) {
    let rest = &text[at..];
    let mut add = |length: usize| ends.push(at + length);
    if rest.starts_with(character) {
        add(character.len_utf8());
    }
    match character {
        // A form has `+` for a blank.
        ' ' if rest.starts_with('+') => add(1),
        // In the path of a URL, a parser turns it around.
        '\\' if rest.starts_with('/') => add(1),
        // A URL parser drops them, wherever they stand.
        '\t' | '\n' | '\r' => add(0),
        _ => {}
    }
    match rest.as_bytes().first() {
        Some(b'%') => percent(rest, character, add),
        Some(b'\\') => backslash(rest, character, add),
        Some(b'&') => entity(rest, character, add),
        _ => {}
    }
}

/// `%2F`, `%2f`, and what becomes of them when they are escaped again: `%252F`.
fn percent(rest: &str, character: char, mut add: impl FnMut(usize)) {
    let mut buffer = [0; 4];
    let bytes = character.encode_utf8(&mut buffer).as_bytes();
    for layers in 0..=MOST_LAYERS {
        let sign = format!("%{}", "25".repeat(layers));
        let mut left = rest;
        let matches = bytes.iter().all(|byte| {
            let after = left.strip_prefix(&sign).and_then(|left| {
                let (digits, after) = left.split_at_checked(2)?;
                (u8::from_str_radix(digits, 16) == Ok(*byte)).then_some(after)
            });
            left = after.unwrap_or(left);
            after.is_some()
        });
        if matches {
            add(rest.len() - left.len());
        }
    }
}

/// `\"`, `\n`, `\u00f6`, `\u{f6}`, `\/`, with as many backslashes as the layers of strings in strings make.
fn backslash(rest: &str, character: char, mut add: impl FnMut(usize)) {
    // Each layer doubles them.
    let most = 1 << MOST_LAYERS;
    let found = rest.bytes().take(most).take_while(|byte| *byte == b'\\');
    for run in 1..=found.count() {
        let (slashes, escaped) = rest.split_at(run);
        if character == '\\' {
            add(run);
        }
        let short = match character {
            '"' | '\'' | '/' => Some(character),
            '\n' => Some('n'),
            '\r' => Some('r'),
            '\t' => Some('t'),
            '\u{8}' => Some('b'),
            '\u{c}' => Some('f'),
            '\0' => Some('0'),
            _ => None,
        };
        if short.is_some_and(|short| escaped.starts_with(short)) {
            add(run + 1);
        }
        if let Some(after) = unicode(escaped, slashes, character) {
            add(rest.len() - after.len());
        }
    }
}

/// What stands behind `u00f6`, `u{f6}` or `ud83d\udd25`, when that is this character.
fn unicode<'t>(escaped: &'t str, slashes: &str, character: char) -> Option<&'t str> {
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok();
    if let Some(braced) = escaped.strip_prefix("u{") {
        let digits = braced.bytes().take(MOST_DIGITS);
        let count = digits.take_while(u8::is_ascii_hexdigit).count();
        let (digits, after) = braced.split_at(count);
        let after = after.strip_prefix('}')?;
        return (hex(digits) == Some(u32::from(character))).then_some(after);
    }
    let mut left = escaped;
    for (index, unit) in character.encode_utf16(&mut [0; 2]).iter().enumerate() {
        if index > 0 {
            left = left.strip_prefix(slashes)?;
        }
        let (digits, after) = left.strip_prefix('u')?.split_at_checked(4)?;
        if hex(digits) != Some(u32::from(*unit)) {
            return None;
        }
        left = after;
    }
    Some(left)
}

/// `&lt;`, `&#60;`, `&#x3c;`, as in an error page.
fn entity(rest: &str, character: char, mut add: impl FnMut(usize)) {
    let name = match character {
        '<' => "lt",
        '>' => "gt",
        '&' => "amp",
        '"' => "quot",
        '\'' => "apos",
        _ => "",
    };
    // The longest reference to a character is `&#x10ffff;`.
    let Some(length) = rest.bytes().take(12).position(|byte| byte == b';') else {
        return;
    };
    let word = &rest[1..length];
    let number = word
        .strip_prefix('#')
        .and_then(|number| match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number.parse().ok(),
        });
    if (!name.is_empty() && word == name) || number == Some(u32::from(character)) {
        add(length + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::{MASK, MOST_GROWTH, redacted};
    use crate::Secret;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    /// A character that no text has.
    const BLANK: &str = "\u{10fffe}";

    fn check(secret: &str, text: &str, expected: &str) {
        assert_eq!(
            redacted(text, [&Secret::new(secret)]),
            expected,
            "{secret:?} in {text:?}"
        );
    }

    #[test]
    fn every_form_is_masked() {
        check("p\"w/ö", "raw p\"w/ö end", "raw <masked> end");
        check("p\"w/ö", r#"{"e":"p\"w/ö"}"#, r#"{"e":"<masked>"}"#);
        check("p\"w/ö", r#"{"e":"p\"w/\u00f6"}"#, r#"{"e":"<masked>"}"#);
        check("p\"w/ö", r#"{"e":"p\"w/\u00F6"}"#, r#"{"e":"<masked>"}"#);
        check("p\"w/ö", r#"{"e":"p\"w\/\u00f6"}"#, r#"{"e":"<masked>"}"#);
        check("p/w\u{1f427}", r"p\/w\ud83d\udc27", "<masked>");
        check("p\"w/ö", "url p%22w%2F%C3%B6", "url <masked>");
        check("p\"w/ö", "url p%22w%2f%c3%b6", "url <masked>");
        check(
            "p\"w/ö",
            "webhook url-encode: p\"w%2F%C3%B6",
            "webhook url-encode: <masked>",
        );
        check("p\"w/ö", "b64 cCJ3L8O2.", "b64 <masked>.");
        check("a b", "form a+b", "form <masked>");
        check("hunter", "aHVudGVy and aHVudGVy", "<masked> and <masked>");
    }

    #[test]
    fn each_character_may_be_escaped_or_not() {
        // A template escapes some, the URL parser others: `"` and `{`, not `/`.
        check(
            "t\"{/ä}",
            "https://h/t%22%7B/%C3%A4%7D",
            "https://h/<masked>",
        );
        check("t\"{/ä}", "t%22%7B%2F%C3%A4%7D?", "<masked>?");
        check("100%", "100%25 and 100%2525", "<masked> and <masked>");
        check(r"a\b", "https://h/a/b", "https://h/<masked>");
        check("a\nb", "https://h/ab", "https://h/<masked>");
        check("a<b>", r"a\u003cb\u003E", "<masked>");
        check("a<b>&", "a&lt;b&#62;&#x26;", "<masked>");
        check(
            "a\"b",
            r#"{"e":"{\"k\":\"a\\\"b\"}"}"#,
            r#"{"e":"{\"k\":\"<masked>\"}"}"#,
        );
        check(r"a\b", r"a\\b and a\\\\b", "<masked> and <masked>");
        check(
            "\u{1f427}x",
            r"\u{1f427}x \\ud83d\\udc27x",
            "<masked> <masked>",
        );
    }

    #[test]
    fn what_only_begins_like_a_secret_is_shown() {
        for text in [
            "a%2", "a%", "a\\", "a\\u00", "a\\u{62", "a&", "a&#98", "a%ü0", "aü", "",
        ] {
            check("ab", text, text);
        }
    }

    #[test]
    fn no_character_takes_more_room_than_the_bound() {
        let most = format!(r"{}u{{00000061}}", "\\".repeat(16));
        assert_eq!(most.len(), MOST_GROWTH);
        check("aa", &most.repeat(2), MASK);
        let more = r"\u{000000061}";
        check("aa", &more.repeat(2), &more.repeat(2));
        check("aa", r"\u{ääää", r"\u{ääää");
    }

    #[test]
    fn an_empty_secret_masks_nothing() {
        check("", "text", "text");
    }

    #[test]
    fn all_that_belongs_to_a_secret_is_masked() {
        let secrets = [Secret::new("abc"), Secret::new("abcdef")];
        assert_eq!(redacted("xabcdefx", &secrets), format!("x{MASK}x"));
        let secrets = [Secret::new("abc"), Secret::new("bcdef")];
        assert_eq!(redacted("xabcdefx", &secrets), format!("x{MASK}x"));
        assert_eq!(redacted("abcabc", &secrets), format!("{MASK}{MASK}"));
    }

    proptest! {
        #[test]
        fn no_mixture_of_escapes_hides_a_secret(secret in "[a-z\"\\\\/%{<& äß🔥]{1,8}", ways in proptest::collection::vec(0..6_usize, 8)) {
            let written: String = secret.chars().zip(ways).map(|(known, way)| escaped(known, way)).collect();
            let shown = redacted(&written, [&Secret::new(&*secret)]).into_owned();
            prop_assert_eq!(shown.replace(MASK, ""), "", "{:?} written {:?}", secret, written);
        }

        #[test]
        fn any_text_is_searched(text in any::<String>(), secret in any::<String>()) {
            let secret = Secret::new(secret);
            let shown = redacted(&text, [&secret]);
            prop_assert!(secret.is_empty() || !shown.replace(MASK, BLANK).contains(secret.expose()));
        }
    }

    /// One character in one of the ways in which peers write it.
    fn escaped(known: char, way: usize) -> String {
        let utf8 = known.to_string().into_bytes();
        let json = quoted(known);
        match way {
            0 => known.to_string(),
            1 => utf8.iter().map(|byte| format!("%{byte:02X}")).collect(),
            2 => utf8.iter().map(|byte| format!("%25{byte:02x}")).collect(),
            3 => json,
            4 => known
                .encode_utf16(&mut [0; 2])
                .iter()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect(),
            _ => format!("&#{};", u32::from(known)),
        }
    }

    fn quoted(known: char) -> String {
        match known {
            '"' | '\\' => format!("\\{known}"),
            other => other.to_string(),
        }
    }
}
