//! The parts of a message: transfer encodings and the boundary between parts.
//!
//! Lines end with LF here, as in the headers.

use email_encoding::body::{Encoding, base64};

/// Most octets of a line without its end (RFC 5322 2.1.1).
const LINE_MAX: usize = 998;

/// Text in the encoding that suits it.
pub(crate) struct Encoded {
    /// For `Content-Transfer-Encoding`.
    pub(crate) name: &'static str,
    /// The lines.
    pub(crate) text: String,
}

/// Encodes text so that every server passes it on unchanged.
///
/// ASCII of short lines stays as it is. Mostly ASCII becomes quoted-printable,
/// the rest base64. CRLF and a lone CR count as line ends.
pub(crate) fn encode(text: &str) -> Encoded {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if stands_as_it_is(&text) {
        return Encoded { name: "7bit", text };
    }
    // RFC 2045 6.7 and 6.8: line breaks of text are CRLF before they are encoded.
    let canonical = text.replace('\n', "\r\n");
    match Encoding::choose(text.as_str(), false) {
        Encoding::Base64 => Encoded {
            name: "base64",
            text: in_base64(&canonical),
        },
        _ => Encoded {
            name: "quoted-printable",
            text: in_quoted_printable(&canonical),
        },
    }
}

/// A line of one dot ends the message for a `sendmail` program, so it does not stand.
fn stands_as_it_is(text: &str) -> bool {
    let printable = |byte: u8| matches!(byte, b'\t' | b'\n' | b' '..=b'~');
    text.bytes().all(printable)
        && text
            .split('\n')
            .all(|line| line.len() <= LINE_MAX && line != ".")
}

fn in_base64(canonical: &str) -> String {
    let mut lines = String::new();
    base64::encode(canonical.as_bytes(), &mut lines).expect("a string takes all that is written");
    lines.replace("\r\n", "\n")
}

fn in_quoted_printable(canonical: &str) -> String {
    let lines = quoted_printable::encode_to_str(canonical);
    let safe = |line| if line == "." { "=2E" } else { line };
    lines.split("\r\n").map(safe).collect::<Vec<_>>().join("\n")
}

/// A boundary that stands in none of the parts, the same for the same id and parts.
///
/// `=_` can be no part of base64 or quoted-printable (RFC 2045 6.7).
pub(crate) fn boundary(id: &str, parts: &[&Encoded]) -> String {
    let word: String = id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(32)
        .collect();
    (0_u64..)
        .map(|number| format!("=_{number}_{word}"))
        .find(|boundary| !parts.iter().any(|part| part.text.contains(boundary)))
        .expect("parts are shorter than all numbers together")
}

#[cfg(test)]
mod tests {
    use super::{Encoded, boundary, encode};

    fn check(text: &str, name: &str, expected: &str) {
        let encoded = encode(text);
        assert_eq!((encoded.name, encoded.text.as_str()), (name, expected));
    }

    #[test]
    fn the_encoding_suits_the_text() {
        check("a\n\tb \n", "7bit", "a\n\tb \n");
        check("a\r\nb\rc", "7bit", "a\nb\nc");
        check(
            "Größe: ok ok ok\n",
            "quoted-printable",
            "Gr=C3=B6=C3=9Fe: ok ok ok\n",
        );
        check("日本語", "base64", "5pel5pys6Kqe");
        check("bell \u{7} rang", "quoted-printable", "bell =07 rang");
    }

    #[test]
    fn long_lines_are_broken_softly() {
        check(&"x".repeat(998), "7bit", &"x".repeat(998));
        let encoded = encode(&"x".repeat(999));
        assert_eq!(encoded.name, "quoted-printable");
        assert!(encoded.text.lines().all(|line| line.len() <= 76));
        assert_eq!(encoded.text.replace("=\n", ""), "x".repeat(999));
    }

    #[test]
    fn no_line_is_a_lone_dot() {
        check("a\n.\nb", "quoted-printable", "a\n=2E\nb");
        check(".", "quoted-printable", "=2E");
        check("a\n..\n.b", "7bit", "a\n..\n.b");
        // Broken after 75 characters, the dot would stand alone.
        let encoded = encode(&format!("{}.\nü", "x".repeat(75)));
        assert!(
            encoded.text.lines().all(|line| line != "."),
            "{}",
            encoded.text
        );
        let encoded = encode(&format!("{}.\nü", "x".repeat(76)));
        assert!(
            encoded.text.lines().all(|line| line != "."),
            "{}",
            encoded.text
        );
    }

    #[test]
    fn a_boundary_is_in_no_part() {
        let part = |text: &str| Encoded {
            name: "7bit",
            text: text.to_owned(),
        };
        assert_eq!(boundary("0190-a.b@c", &[]), "=_0_0190abc");
        let parts = [part("--=_0_1"), part("x=_1_1--")];
        assert_eq!(boundary("1", &[&parts[0], &parts[1]]), "=_2_1");
    }
}
