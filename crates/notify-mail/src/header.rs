//! Header fields: encoded, quoted and folded so that no text can make another one.
//!
//! Lines end with LF here; [`Letter`](crate::Letter) turns them into CRLF where
//! that is wanted.

use email_encoding::headers::rfc2047;
use email_encoding::headers::writer::EmailWriter;

/// The width at which lines are folded. RFC 5322 2.1.1 asks for 78 at most, RFC 2047 2 for 76.
const WIDTH: usize = 76;

/// A header field that is being written.
struct Field {
    text: String,
    width: usize,
}

/// `NAME: VALUE`, the value as it is: it has no line break and is short.
pub(crate) fn plain(name: &str, value: &str) -> String {
    format!("{name}: {value}\n")
}

/// A field of free text, as `Subject`.
pub(crate) fn unstructured(name: &str, text: &str) -> String {
    let text = single_line(text);
    let mut field = Field::named(name);
    if is_plain(&text) {
        words(&text).for_each(|word| field.word(word));
    } else if !text.is_empty() {
        field.encoded(&text);
    }
    field.end()
}

/// A field with one address and the name of its owner, as `From`.
///
/// The name is quoted, so that a comma or a parenthesis in it is only text.
pub(crate) fn name_and_address(name: &str, owner: &str, address: &str) -> String {
    let owner = single_line(owner);
    let mut field = Field::named(name);
    if is_plain(&owner) {
        let quoted = format!("\"{}\"", owner.replace('\\', "\\\\").replace('"', "\\\""));
        words(&quoted).for_each(|word| field.word(word));
    } else if !owner.is_empty() {
        field.encoded(&owner);
    }
    field.word(&format!(" <{address}>"));
    field.end()
}

/// A field with addresses, as `To`. Without any it says so in the way of RFC 5322 3.4.
pub(crate) fn addresses(name: &str, addresses: &[String]) -> String {
    let mut field = Field::named(name);
    if addresses.is_empty() {
        field.word(" undisclosed-recipients:;");
    }
    for (index, address) in addresses.iter().enumerate() {
        let comma = if index + 1 < addresses.len() { "," } else { "" };
        field.word(&format!(" {address}{comma}"));
    }
    field.end()
}

impl Field {
    fn named(name: &str) -> Self {
        Field {
            text: format!("{name}:"),
            width: name.len() + 1,
        }
    }

    /// A word with the blanks before it, on a new line when this one is full.
    ///
    /// The first word stays on the first line: some readers take a field whose
    /// first line is empty for an empty field.
    fn word(&mut self, word: &str) {
        let first = !self.text.contains(' ');
        if first && !word.starts_with(' ') {
            self.text.push(' ');
            self.width += 1;
        }
        if !first && self.width + word.len() > WIDTH {
            self.text.push('\n');
            self.width = 0;
        }
        self.text.push_str(word);
        self.width += word.len();
    }

    /// Text as encoded words (RFC 2047).
    fn encoded(&mut self, text: &str) {
        let mut words = String::new();
        {
            let mut writer = EmailWriter::new(&mut words, self.width, 1, false);
            rfc2047::encode(text, &mut writer).expect("a string takes all that is written");
        }
        self.text.push_str(&words.replace("\r\n", "\n"));
        let last = self.text.rsplit('\n').next();
        self.width = last.map_or(0, str::len);
    }

    fn end(mut self) -> String {
        self.text.push('\n');
        self.text
    }
}

/// One line: each control character becomes a blank, outer blanks go.
pub(crate) fn single_line(text: &str) -> String {
    let blank = |character: char| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    };
    text.chars()
        .map(blank)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Whether a line can stand as it is: printable ASCII, places to fold it, and
/// nothing that a reader would take for an encoded word.
fn is_plain(line: &str) -> bool {
    let printable = |byte: u8| (b' '..=b'~').contains(&byte);
    !line.is_empty()
        && line.bytes().all(printable)
        && !line.contains("=?")
        && words(line).all(|word| word.len() <= WIDTH)
}

/// The words of a line, each with the blanks before it.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let begin = rest.find(|character| character != ' ')?;
        let end = rest[begin..]
            .find(' ')
            .map_or(rest.len(), |length| begin + length);
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::{addresses, name_and_address, unstructured};

    fn check(written: &str, expected: &str) {
        assert_eq!(written, expected);
        assert!(written.lines().all(|line| line.len() <= 200), "{written}");
    }

    #[test]
    fn a_plain_subject_stays_readable() {
        check(
            &unstructured("Subject", "vzdump backup status (pve1): backup successful "),
            "Subject: vzdump backup status (pve1): backup successful\n",
        );
        check(&unstructured("Subject", ""), "Subject:\n");
    }

    #[test]
    fn a_long_subject_is_folded_before_blanks() {
        let subject = format!("{} {}  {}", "a".repeat(40), "b".repeat(40), "c".repeat(40));
        check(
            &unstructured("Subject", &subject),
            &format!(
                "Subject: {}\n {}\n  {}\n",
                "a".repeat(40),
                "b".repeat(40),
                "c".repeat(40)
            ),
        );
    }

    #[test]
    fn a_subject_that_cannot_stand_is_encoded() {
        check(
            &unstructured("Subject", "Grüße"),
            "Subject: =?utf-8?b?R3LDvMOfZQ==?=\n",
        );
        check(
            &unstructured("Subject", "=?utf-8?q?x?="),
            "Subject: =?utf-8?b?PT91dGYtOD9xP3g/PQ==?=\n",
        );
        let long = unstructured("Subject", &"x".repeat(2000));
        assert!(long.lines().all(|line| line.len() <= 76), "{long}");
    }

    #[test]
    fn control_characters_become_blanks() {
        check(
            &unstructured("Subject", "a\r\nBcc: b@c\0\u{85}d\u{7f}"),
            "Subject: a  Bcc: b@c  d\n",
        );
    }

    #[test]
    fn an_author_is_always_quoted() {
        let from = |author| name_and_address("From", author, "root");
        check(&from("Proxmox VE"), "From: \"Proxmox VE\" <root>\n");
        check(&from("Foo, Bar (x)"), "From: \"Foo, Bar (x)\" <root>\n");
        check(&from(r#"a "b" \c"#), "From: \"a \\\"b\\\" \\\\c\" <root>\n");
        check(&from("Jörg"), "From: =?utf-8?b?SsO2cmc=?= <root>\n");
        check(&from("a\nBcc: b"), "From: \"a Bcc: b\" <root>\n");
        check(&from(""), "From: <root>\n");
        check(&from("\r\n"), "From: <root>\n");
    }

    #[test]
    fn a_long_author_is_folded() {
        let author = ["Backup"; 20].join(" ");
        let from = name_and_address("From", &author, "root@pve1.example.com");
        assert!(from.lines().all(|line| line.len() <= 76), "{from}");
        assert_eq!(
            from.replace('\n', ""),
            format!("From: \"{author}\" <root@pve1.example.com>")
        );
    }

    #[test]
    fn recipients_are_folded_between_addresses() {
        let many: Vec<String> = (0..6)
            .map(|n| format!("user{n}@mail.example.com"))
            .collect();
        check(
            &addresses("To", &many),
            "To: user0@mail.example.com, user1@mail.example.com, user2@mail.example.com,\n \
             user3@mail.example.com, user4@mail.example.com, user5@mail.example.com\n",
        );
        check(&addresses("To", &[]), "To: undisclosed-recipients:;\n");
    }
}
