//! A small reader of messages, made from the RFCs and not from the code under test.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quoted_printable::ParseMode;

/// A message or a part of one.
#[derive(Debug)]
pub(crate) struct Read {
    /// Names and unfolded values, in order.
    pub(crate) headers: Vec<(String, String)>,
    /// As transferred.
    pub(crate) body: String,
}

impl Read {
    /// Reads text with line ends of one kind, LF or CRLF.
    pub(crate) fn of(message: &str, end: &str) -> Read {
        let (head, body) = message
            .split_once(&format!("{end}{end}"))
            .expect("an empty line ends the headers");
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in head.split(end) {
            if line.starts_with([' ', '\t']) {
                // RFC 5322 2.2.3: only the line end goes, the blank stays.
                headers.last_mut().expect("a first line").1.push_str(line);
            } else {
                let (name, value) = line.split_once(':').expect("a header has a colon");
                assert!(name.bytes().all(|byte| byte.is_ascii_graphic()), "{name:?}");
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        Read {
            headers,
            body: body.to_owned(),
        }
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let (_, value) = found.next().expect("the header is there");
        assert!(found.next().is_none(), "{name} stands once");
        value.trim()
    }

    /// The parts of a multipart body (RFC 2046 5.1.1).
    pub(crate) fn parts(&self, end: &str) -> Vec<Read> {
        let (_, boundary) = self
            .header("Content-Type")
            .split_once("boundary=\"")
            .expect("a boundary");
        let boundary = boundary.strip_suffix('"').expect("its end");
        let delimiter = format!("{end}--{boundary}");
        let body = format!("{end}{}", self.body);
        let mut pieces = body.split(delimiter.as_str());
        pieces.next().expect("the preamble");
        let mut pieces: Vec<&str> = pieces.collect();
        assert_eq!(pieces.pop(), Some(format!("--{end}").as_str()));
        pieces
            .into_iter()
            .map(|piece| Read::of(piece.strip_prefix(end).expect("a line end"), end))
            .collect()
    }

    /// The text of a part, with LF line ends.
    pub(crate) fn text(&self) -> String {
        let bytes = match self.header("Content-Transfer-Encoding") {
            "7bit" => {
                assert!(self.body.is_ascii());
                self.body.clone().into_bytes()
            }
            "base64" => {
                let digits: String = self.body.split_whitespace().collect();
                STANDARD.decode(digits).expect("base64")
            }
            "quoted-printable" => {
                let canonical = self.body.replace("\r\n", "\n").replace('\n', "\r\n");
                quoted_printable::decode(canonical, ParseMode::Strict).expect("quoted-printable")
            }
            other => panic!("{other}"),
        };
        String::from_utf8(bytes)
            .expect("UTF-8")
            .replace("\r\n", "\n")
    }
}

/// A value with its encoded words decoded (RFC 2047): between two of them blanks do not count.
pub(crate) fn decoded(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    let mut after_word = false;
    while let Some(start) = rest.find("=?utf-8?b?") {
        let (before, word) = rest.split_at(start);
        let word = &word["=?utf-8?b?".len()..];
        let end = word.find("?=").expect("an encoded word ends");
        assert!(end + 12 <= 75, "RFC 2047 2: at most 75 characters");
        if !(after_word && before.chars().all(|blank| blank == ' ')) {
            out.push_str(before);
        }
        let bytes = STANDARD.decode(&word[..end]).expect("base64");
        out.push_str(&String::from_utf8(bytes).expect("whole characters"));
        rest = &word[end + 2..];
        after_word = true;
    }
    out + rest
}

/// The name before an address, without its quotes.
pub(crate) fn display_name(value: &str) -> String {
    let (name, _) = value.rsplit_once('<').expect("an address in brackets");
    let name = name.trim();
    let Some(quoted) = name.strip_prefix('"') else {
        return decoded(name);
    };
    let quoted = quoted.strip_suffix('"').expect("a closing quote");
    let mut out = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        assert_ne!(character, '"', "a quote inside is escaped");
        out.push(match character {
            '\\' => characters.next().expect("an escaped character"),
            other => other,
        });
    }
    out
}
