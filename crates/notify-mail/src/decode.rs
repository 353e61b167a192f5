//! Decoding of what stands in a mail: header values, bodies, charsets.
//!
//! The work is done by `mail-parser`, on pieces whose size is bounded before.

use std::borrow::Cow;

use mail_parser::MessageParser;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use quoted_printable::ParseMode;

use crate::mime::{Encoding, Media};

/// How much of a header value is read.
const VALUE_MAX: usize = 16 * 1024;

/// A header value as one line of text: unfolded, encoded words decoded, without control characters.
///
/// Bytes that are not UTF-8 are taken for Windows-1252, which holds Latin-1.
pub(crate) fn line(value: &[u8]) -> String {
    let value = &value[..value.len().min(VALUE_MAX)];
    let unfolded: Vec<u8> = value
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect();
    words(&text_of_unknown_charset(&unfolded))
}

/// A line with its encoded words decoded (RFC 2047).
pub(crate) fn words(line: &str) -> String {
    let decoded = if line.contains("=?") {
        let field = format!("Subject: {}\n\n", joined(&without_controls(line)));
        let message = MessageParser::new().parse_headers(field.as_bytes());
        let subject = message.as_ref().and_then(|known| known.subject());
        subject.unwrap_or_default().to_owned()
    } else {
        line.to_owned()
    };
    without_controls(&decoded).trim().to_owned()
}

/// Neighbouring words of UTF-8 in Q as one word, where there are no others: some
/// programs part them within a character (RFC 2047 5 forbids it).
fn joined(line: &str) -> Cow<'_, str> {
    let mut line = Cow::Borrowed(line);
    for charset in ["utf-8", "UTF-8"] {
        for letter in ['q', 'Q'] {
            let begin = format!("=?{charset}?{letter}?");
            let border = format!("?= {begin}");
            let alone = line.matches("=?").count() == line.matches(&begin).count();
            if alone && line.contains(&border) {
                line = Cow::Owned(line.replace(&border, ""));
            }
        }
    }
    line
}

fn without_controls(text: &str) -> String {
    let blank = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(blank).collect()
}

/// The value of `Content-Type` or `Content-Disposition`, its parameters decoded (RFC 2231).
///
/// A value that cannot be understood has an empty subtype.
pub(crate) fn media(value: &[u8]) -> Media {
    let value = &value[..value.len().min(VALUE_MAX)];
    let text = text_of_unknown_charset(value);
    let one_line = without_controls(&text);
    let field = format!("Content-Type: {one_line}\n\n");
    let message = MessageParser::new().parse_headers(field.as_bytes());
    let content = message.as_ref().and_then(|known| {
        use mail_parser::MimeHeaders as _;
        known.content_type()
    });
    let Some(content) = content else {
        return Media::with("", "", Vec::new());
    };
    let parameters = content.attributes().unwrap_or_default().iter();
    let parameters = parameters
        .map(|known| (known.name.to_ascii_lowercase(), known.value.to_string()))
        .collect();
    Media::with(
        content.ctype(),
        content.subtype().unwrap_or_default(),
        parameters,
    )
}

/// The address in a value of `From` or `To`: the first one, without its name.
pub(crate) fn address(value: &[u8]) -> Option<String> {
    let value = &value[..value.len().min(VALUE_MAX)];
    let text = without_comments(&without_controls(&text_of_unknown_charset(value)));
    let mut rest = text.as_str();
    loop {
        let (mailbox, after) = first_mailbox(rest);
        // A name with a comma that nobody quoted: `Doe, John <jd@example.com>`.
        if !mailbox.contains(['@', '<']) && after.contains('<') {
            rest = after;
            continue;
        }
        let address: crate::Address = mailbox.parse().ok()?;
        return Some(address.to_string());
    }
}

/// Without what stands in parentheses outside of quotes (RFC 5322 3.2.2).
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for character in text.chars() {
        let comment = depth > 0;
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted || comment,
            '"' if !comment => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if comment => {
                depth -= 1;
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            kept.push(character);
        }
    }
    kept
}

/// A mailbox, and what follows the comma after it.
fn first_mailbox(text: &str) -> (&str, &str) {
    let (mut quoted, mut escaped) = (false, false);
    let comma = text.char_indices().find(|(_, character)| {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            ',' | ';' => return !quoted,
            _ => {}
        }
        false
    });
    match comma {
        Some((at, _)) => (text[..at].trim(), &text[at + 1..]),
        None => (text.trim(), ""),
    }
}

/// The bytes of a body without their transfer encoding, as far as `most` of them allow.
///
/// Broken encodings give what can be read of them.
pub(crate) fn body(bytes: &[u8], encoding: Encoding, most: usize) -> Cow<'_, [u8]> {
    match encoding {
        Encoding::Identity | Encoding::Unknown => Cow::Borrowed(&bytes[..bytes.len().min(most)]),
        Encoding::QuotedPrintable => {
            let bytes = &bytes[..bytes.len().min(most.saturating_mul(3))];
            let decoded = quoted_printable::decode(bytes, ParseMode::Robust);
            Cow::Owned(cut(decoded.unwrap_or_default(), most))
        }
        Encoding::Base64 => {
            let bytes = &bytes[..bytes.len().min(most.saturating_mul(2))];
            Cow::Owned(cut(from_base64(bytes), most))
        }
    }
}

fn cut(mut bytes: Vec<u8>, most: usize) -> Vec<u8> {
    bytes.truncate(most);
    bytes
}

/// RFC 2045 6.8: characters outside of the alphabet mean nothing.
fn from_base64(bytes: &[u8]) -> Vec<u8> {
    base64_decode(bytes).unwrap_or_else(|| {
        let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        let kept: Vec<u8> = bytes.iter().copied().filter(known).collect();
        base64_decode(&kept).unwrap_or_default()
    })
}

/// Text of this charset; a charset that is not known is guessed.
pub(crate) fn text(bytes: &[u8], charset: Option<&str>) -> String {
    let charset = charset.unwrap_or_default().trim();
    let unicode = ["", "us-ascii", "ascii", "utf-8", "utf8", "unknown-8bit"];
    if unicode
        .iter()
        .any(|known| charset.eq_ignore_ascii_case(known))
    {
        return text_of_unknown_charset(bytes).into_owned();
    }
    match charset_decoder(charset.as_bytes()) {
        Some(decoder) => decoder(bytes),
        None => text_of_unknown_charset(bytes).into_owned(),
    }
}

/// UTF-8 if it is that, else Windows-1252. A character that was cut off at the end is dropped.
pub(crate) fn text_of_unknown_charset(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&bytes[..error.valid_up_to()])
        }
        Err(_) => match charset_decoder(b"windows-1252") {
            Some(decoder) => Cow::Owned(decoder(bytes)),
            None => String::from_utf8_lossy(bytes),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{address, body, line, media, text};
    use crate::mime::Encoding;

    #[test]
    fn header_values_are_decoded() {
        let check = |value: &[u8], expected: &str| assert_eq!(line(value), expected);
        check(b" Plain  text ", "Plain  text");
        check(b" folded\r\n  twice\n\tover", "folded  twice over");
        check(
            b" =?UTF-8?Q?Gr=C3=BC=C3=9Fe?= =?utf-8?b?IG5hY2ggS8O2bG4=?=",
            "Grüße nach Köln",
        );
        check(
            b"=?utf-8?Q?Gr=C3?=\r\n =?utf-8?Q?=B6=C3=9Fe_b?= c",
            "Größe b c",
        );
        check(b"=?iso-8859-1?q?caf=E9?= =?utf-8?q?=C3=A4?=", "caféä");
        check(b"=?iso-8859-1?q?caf=E9?=", "café");
        check(b"=?windows-1252?q?=80_5?=", "€ 5");
        check("Größe".as_bytes(), "Größe");
        check(b"Gr\xf6\xdfe", "Größe");
        check(b"=?x-none?q?a?=", "a");
        check(b"=?utf-8?q?broken", "=?utf-8?q?broken");
        check(b"=?utf-8?q?a=0D=0ABcc:_x?=", "a  Bcc: x");
        check(b"a\0b\x07", "a b");
        check(b"", "");
    }

    #[test]
    fn parameters_are_decoded() {
        let name = |value: &[u8]| media(value).parameter("filename").map(str::to_owned);
        assert_eq!(
            name(b"attachment; filename=\"a b.pdf\"").as_deref(),
            Some("a b.pdf")
        );
        assert_eq!(
            name(b"attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.txt").as_deref(),
            Some("Größe.txt")
        );
        assert_eq!(
            name(b"attachment; filename*0=\"part\";\r\n filename*1=\"ial.txt\"").as_deref(),
            Some("partial.txt")
        );
        let kind = media(b" TEXT/Plain; charset=\"ISO-8859-15\" (comment)");
        assert!(kind.is("text", "plain"));
        assert_eq!(kind.parameter("charset"), Some("ISO-8859-15"));
        assert_eq!(media(b"text").subtype, "");
        assert_eq!(media(b"").subtype, "");
    }

    #[test]
    fn the_address_is_found_among_names_and_comments() {
        let check = |value: &str, expected: Option<&str>| {
            assert_eq!(address(value.as_bytes()).as_deref(), expected, "{value:?}");
        };
        check("root", Some("root"));
        check("root@pve1.example.com", Some("root@pve1.example.com"));
        check("root (Cron Daemon)", Some("root"));
        check("\"(Cron Daemon)\" <root@pve1>", Some("root@pve1"));
        check("(Cron Daemon) <root@pve1> (x)", Some("root@pve1"));
        check("Doe, John <a@b>", Some("a@b"));
        check("root, Admin", Some("root"));
        check("\"Doe, John\" <a@b>, c@d", Some("a@b"));
        check("a@b, c@d", Some("a@b"));
        check("\"odd \\\" user\"@b", Some("\"odd \\\" user\"@b"));
        check("undisclosed-recipients:;", None);
        check("", None);
        check("a@b\r\n\t", Some("a@b"));
        check("<>", None);
        check(&"(".repeat(9999), None);
    }

    #[test]
    fn bodies_are_decoded_as_far_as_they_go() {
        let check = |bytes: &[u8], encoding, expected: &[u8]| {
            assert_eq!(&*body(bytes, encoding, 8), expected);
        };
        check(b"0123456789", Encoding::Identity, b"01234567");
        check(b"a=3Db=\nc=C3", Encoding::QuotedPrintable, b"a=bc\xc3");
        check(b"a=ZZ", Encoding::QuotedPrintable, b"a=ZZ");
        check(b"YWJj\r\nZA==", Encoding::Base64, b"abcd");
        check(b"YW!Jj", Encoding::Base64, b"abc");
        check(b"MDEyMzQ1Njc4OQ==", Encoding::Base64, b"01234567");
    }

    #[test]
    fn charsets_are_known_or_guessed() {
        let check = |bytes: &[u8], charset, expected: &str| {
            assert_eq!(text(bytes, charset), expected);
        };
        check("ü".as_bytes(), None, "ü");
        check(b"\xfc", None, "ü");
        check(b"\xfc", Some("us-ascii"), "ü");
        check(b"\xfc x", Some("utf-8"), "ü x");
        check(b"\xa4", Some("iso-8859-15"), "€");
        check(b"\xfc x", Some("x-unknown"), "ü x");
        check(
            "aü".as_bytes().split_last().expect("bytes").1,
            Some("utf-8"),
            "a",
        );
        check("日本".as_bytes(), Some("UTF-8"), "日本");
    }
}
