//! `Content-Type` and `Content-Disposition`, written anew: parameters quoted, or
//! encoded where they are not ASCII or too long (RFC 2231).

use std::fmt::Write as _;

use crate::mime::Media;

/// Most characters of one piece of a parameter; a line has one piece.
const PIECE: usize = 60;

/// The field of this name, ended by LF.
///
/// A type that is no word becomes one that says nothing.
pub(crate) fn structured(name: &str, media: &Media) -> String {
    let value = match (media.kind.as_str(), media.subtype.as_str()) {
        (kind, "") if is_token(kind) => kind.to_owned(),
        (kind, subtype) if is_token(kind) && is_token(subtype) => format!("{kind}/{subtype}"),
        _ if name.eq_ignore_ascii_case("Content-Type") => "application/octet-stream".to_owned(),
        _ => "attachment".to_owned(),
    };
    let mut field = format!("{name}: {value}");
    for (name, value) in media.parameters() {
        if is_token(name) {
            push(&mut field, name, value);
        }
    }
    field.push('\n');
    field
}

fn push(field: &mut String, name: &str, value: &str) {
    let printable = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if printable && value.len() <= 2 * PIECE {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let _ = write!(field, ";\n {name}=\"{quoted}\"");
        return;
    }
    let encoded: Vec<String> = value.bytes().map(percent).collect();
    for (number, piece) in encoded.chunks(PIECE / 3).enumerate() {
        let charset = if number == 0 { "utf-8''" } else { "" };
        let _ = write!(field, ";\n {name}*{number}*={charset}{}", piece.concat());
    }
}

fn percent(byte: u8) -> String {
    match byte {
        b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    }
}

/// RFC 2045 5.1, and short.
fn is_token(text: &str) -> bool {
    let special = |byte: u8| b"()<>@,;:\\\"/[]?=*'%".contains(&byte);
    (1..=PIECE).contains(&text.len())
        && text
            .bytes()
            .all(|byte| (b'!'..=b'~').contains(&byte) && !special(byte))
}

#[cfg(test)]
mod tests {
    use super::structured;
    use crate::decode::media;

    fn check(value: &str, expected: &str) {
        let written = structured("Content-Type", &media(value.as_bytes()));
        assert_eq!(written, format!("Content-Type: {expected}\n"));
        let again = media(
            written
                .strip_prefix("Content-Type:")
                .expect("it")
                .as_bytes(),
        );
        assert_eq!(
            structured("Content-Type", &again),
            written,
            "read and written again"
        );
    }

    #[test]
    fn parameters_are_quoted_or_encoded() {
        check("text/plain", "text/plain");
        check(
            "text/plain; charset=utf-8; name=\"a b.txt\"",
            "text/plain;\n charset=\"utf-8\";\n name=\"a b.txt\"",
        );
        check(
            "application/pdf; name=\"Größe.pdf\"",
            "application/pdf;\n name*0*=utf-8''Gr%C3%B6%C3%9Fe.pdf",
        );
        let long = "ä".repeat(40);
        let field = structured(
            "Content-Type",
            &media(format!("a/b; name={long}").as_bytes()),
        );
        assert!(field.lines().all(|line| line.len() <= 78), "{field}");
        let value = field.strip_prefix("Content-Type:").expect("it");
        assert_eq!(
            media(value.as_bytes()).parameter("name"),
            Some(long.as_str())
        );
    }

    #[test]
    fn what_is_no_type_says_nothing() {
        check(
            "text/pl\u{e4}in; x=1",
            "application/octet-stream;\n x=\"1\"",
        );
    }
}
