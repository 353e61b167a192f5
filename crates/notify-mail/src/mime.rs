//! The structure of a mail: header fields and parts, as ranges of its bytes.
//!
//! Nothing is decoded here and nothing is copied, so that a part can be passed
//! on byte for byte. Whatever the bytes are, the time is linear in their number
//! and the memory bounded: a mail may come from anyone.

use std::borrow::Cow;
use std::ops::Range;

use crate::decode;

/// How deep parts are looked into. Deeper ones count as one part.
pub(crate) const DEPTH_MAX: usize = 16;
/// How many parts are told apart; the last one holds the rest.
const PARTS_MAX: usize = 1000;
/// How long a boundary may be that is looked for.
const BOUNDARY_MAX: usize = 200;
/// How many header fields of a mail are known. The rest of them are passed over.
const FIELDS_MAX: usize = 10_000;

/// A mail, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entity {
    /// All of it, header and body.
    pub(crate) range: Range<usize>,
    /// In the order in which they stand.
    pub(crate) fields: Vec<Field>,
    /// From the end of the header, the empty line excluded.
    pub(crate) body: Range<usize>,
    /// `text/plain` where the header says nothing of it, in lower case.
    pub(crate) media: Media,
    /// How the body is encoded.
    pub(crate) encoding: Encoding,
    /// The parts of a multipart; the mail in a `message/rfc822`.
    pub(crate) parts: Vec<Entity>,
    /// Whether there may be parts in it that were not looked for, because of the limits.
    pub(crate) too_deep: bool,
}

/// A header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Without the colon.
    pub(crate) name: Range<usize>,
    /// After the colon, with all its lines and without the last line's end.
    pub(crate) value: Range<usize>,
}

/// A media type (RFC 2045 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    /// As `text`.
    pub(crate) kind: String,
    /// As `plain`.
    pub(crate) subtype: String,
    parameters: Vec<(String, String)>,
}

/// A transfer encoding (RFC 2045 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// `7bit`, `8bit` or `binary`, or nothing at all.
    Identity,
    QuotedPrintable,
    Base64,
    /// Any other word: nobody can read it.
    Unknown,
}

impl Media {
    fn new(kind: &str, subtype: &str) -> Self {
        Media {
            kind: kind.to_owned(),
            subtype: subtype.to_owned(),
            parameters: Vec::new(),
        }
    }

    pub(crate) fn with(kind: &str, subtype: &str, parameters: Vec<(String, String)>) -> Self {
        Media {
            parameters,
            ..Media::new(&kind.to_ascii_lowercase(), &subtype.to_ascii_lowercase())
        }
    }

    pub(crate) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }

    /// In the order in which they stand, names in lower case.
    pub(crate) fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Entity {
    /// The structure of a whole mail, or none when it does not begin with a header.
    ///
    /// The line `From …` of a mailbox file may stand before the header.
    pub(crate) fn of_mail(raw: &[u8]) -> Option<Self> {
        let begin = after_envelope_line(raw);
        let mut scan = Scan {
            raw,
            parts_left: PARTS_MAX,
            fields_left: FIELDS_MAX,
        };
        let entity = scan.entity(begin..raw.len(), DEPTH_MAX, Media::new("text", "plain"));
        entity.looks_like_mail(raw).then_some(entity)
    }

    /// What is no mail, as the text of one that has no header.
    pub(crate) fn of_text(raw: &[u8]) -> Self {
        Entity {
            range: 0..raw.len(),
            fields: Vec::new(),
            body: 0..raw.len(),
            media: Media::new("text", "plain"),
            encoding: Encoding::Identity,
            parts: Vec::new(),
            too_deep: false,
        }
    }

    /// The value of the first field of this name, with its line breaks.
    pub(crate) fn field<'m>(&self, raw: &'m [u8], name: &str) -> Option<&'m [u8]> {
        self.all(raw, name).next()
    }

    /// The values of all fields of this name.
    pub(crate) fn all<'m, 'n>(
        &'n self,
        raw: &'m [u8],
        name: &'n str,
    ) -> impl Iterator<Item = &'m [u8]> + use<'m, 'n> {
        let named =
            move |field: &&Field| raw[field.name.clone()].eq_ignore_ascii_case(name.as_bytes());
        self.fields
            .iter()
            .filter(named)
            .map(move |field| &raw[field.value.clone()])
    }

    /// Whether it is a multipart with parts.
    pub(crate) fn is_multipart(&self) -> bool {
        self.media.kind == "multipart" && !self.parts.is_empty()
    }

    /// The name of the file in it, decoded, in one line.
    pub(crate) fn file_name(&self, raw: &[u8]) -> Option<String> {
        let disposition = self.field(raw, "Content-Disposition").map(decode::media);
        let name = disposition
            .as_ref()
            .and_then(|known| known.parameter("filename"))
            .or_else(|| self.media.parameter("name"))?;
        let name = decode::words(name);
        (!name.is_empty()).then_some(name)
    }

    /// Whether the sender meant it as a file and not as text.
    pub(crate) fn is_attachment(&self, raw: &[u8]) -> bool {
        let disposition = self.field(raw, "Content-Disposition").map(decode::media);
        disposition.is_some_and(|known| known.kind == "attachment")
    }

    /// A text that happens to begin with `word:` is no mail.
    fn looks_like_mail(&self, raw: &[u8]) -> bool {
        self.fields.iter().any(|field| {
            let name = raw[field.name.clone()].to_ascii_lowercase();
            let known: &[&[u8]] = &[
                b"from",
                b"to",
                b"cc",
                b"subject",
                b"date",
                b"received",
                b"message-id",
                b"mime-version",
                b"return-path",
                b"delivered-to",
                b"sender",
                b"reply-to",
            ];
            known.contains(&name.as_slice())
                || name.starts_with(b"content-")
                || name.starts_with(b"x-")
        })
    }
}

/// Where the header begins: after the `From ` line of a mailbox file.
fn after_envelope_line(raw: &[u8]) -> usize {
    if raw.starts_with(b"From ") || raw.starts_with(b">From ") {
        line_end(raw, 0..raw.len())
    } else {
        0
    }
}

/// After the line break of the first line, or the end.
fn line_end(raw: &[u8], range: Range<usize>) -> usize {
    let line = raw[range.clone()].iter().position(|byte| *byte == b'\n');
    line.map_or(range.end, |at| range.start + at + 1)
}

/// A line without its end.
fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The name of the field that begins with this line.
fn field_name(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    let legal = |byte: &u8| (33..=126).contains(byte);
    (!name.is_empty() && name.iter().all(legal)).then_some(name)
}

/// The scan of one mail.
struct Scan<'m> {
    raw: &'m [u8],
    parts_left: usize,
    fields_left: usize,
}

impl Scan<'_> {
    fn entity(&mut self, range: Range<usize>, depth: usize, default: Media) -> Entity {
        let (fields, body) = self.header(range.clone());
        let mut entity = Entity {
            range,
            fields,
            body,
            media: default,
            encoding: Encoding::Identity,
            parts: Vec::new(),
            too_deep: false,
        };
        if let Some(value) = entity.field(self.raw, "Content-Type") {
            let media = decode::media(value);
            // RFC 2045 5.2: what cannot be understood is plain text.
            if !media.subtype.is_empty() {
                entity.media = media;
            }
        }
        if let Some(value) = entity.field(self.raw, "Content-Transfer-Encoding") {
            entity.encoding = encoding(value);
        }
        let may_hold_parts = entity.encoding == Encoding::Identity;
        if may_hold_parts && entity.media.kind == "multipart" {
            self.parts(&mut entity, depth);
        } else if may_hold_parts
            && (entity.media.is("message", "rfc822") || entity.media.is("message", "global"))
        {
            self.enclosed_mail(&mut entity, depth);
        }
        entity
    }

    /// The fields, and where the body begins.
    ///
    /// A line that is no field ends the header and belongs to the body.
    fn header(&mut self, range: Range<usize>) -> (Vec<Field>, Range<usize>) {
        let mut fields: Vec<Field> = Vec::new();
        let mut at = range.start;
        let mut open = false;
        while at < range.end {
            let end = line_end(self.raw, at..range.end);
            let line = bare(&self.raw[at..end]);
            if line.is_empty() {
                return (fields, end..range.end);
            }
            if matches!(line[0], b' ' | b'\t') && (open || self.fields_left == 0) {
                if let Some(field) = fields.last_mut().filter(|_| open) {
                    field.value.end = at + line.len();
                }
            } else if let Some(name) = field_name(line) {
                open = self.fields_left > 0;
                if open {
                    self.fields_left -= 1;
                    let colon = line.iter().position(|byte| *byte == b':');
                    let value = at + colon.map_or(line.len(), |colon| colon + 1);
                    fields.push(Field {
                        name: at..at + name.len(),
                        value: value..at + line.len(),
                    });
                }
            } else {
                return (fields, at..range.end);
            }
            at = end;
        }
        (fields, range.end..range.end)
    }

    fn parts(&mut self, entity: &mut Entity, depth: usize) {
        let Some(boundary) = entity.media.parameter("boundary").map(str::to_owned) else {
            return;
        };
        // RFC 2046 5.1.1: blanks at the end are no part of it.
        let boundary = boundary.trim_end();
        if boundary.is_empty() {
            return;
        }
        // RFC 2046 5.1.1 allows 70 characters, all of them ASCII.
        let odd =
            boundary.len() > BOUNDARY_MAX || !boundary.bytes().all(|b| (b' '..=b'~').contains(&b));
        if depth == 0 || odd {
            entity.too_deep = true;
            return;
        }
        let ranges = self.delimited(entity.body.clone(), boundary.as_bytes());
        let default = match entity.media.subtype.as_str() {
            "digest" => Media::new("message", "rfc822"),
            _ => Media::new("text", "plain"),
        };
        if ranges.len() > self.parts_left {
            entity.too_deep = true;
            return;
        }
        self.parts_left -= ranges.len();
        for range in ranges {
            let part = self.entity(range, depth - 1, default.clone());
            entity.parts.push(part);
        }
    }

    fn enclosed_mail(&mut self, entity: &mut Entity, depth: usize) {
        if depth == 0 || self.parts_left == 0 {
            entity.too_deep = true;
            return;
        }
        self.parts_left -= 1;
        let range = entity.body.clone();
        let mail = self.entity(range, depth - 1, Media::new("text", "plain"));
        entity.parts.push(mail);
    }

    /// What stands between the delimiters. Without the last one it goes on to the end.
    fn delimited(&self, range: Range<usize>, boundary: &[u8]) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut begun = None;
        let mut at = range.start;
        while at < range.end && parts.len() <= self.parts_left {
            let end = line_end(self.raw, at..range.end);
            if let Some(last) = delimiter(&self.raw[at..end], boundary) {
                if let Some(start) = begun {
                    let content = &self.raw[start..at.max(start)];
                    parts.push(start..start + bare(content).len());
                }
                begun = (!last).then_some(end);
                if last {
                    break;
                }
            }
            at = end;
        }
        if let Some(start) = begun {
            parts.push(start..range.end);
        }
        parts
    }
}

/// Whether a line is the boundary, and if so, whether it is the last one.
pub(crate) fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let (rest, last) = match rest.strip_prefix(b"--") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    rest.trim_ascii().is_empty().then_some(last)
}

fn encoding(value: &[u8]) -> Encoding {
    let word: Cow<'_, str> = String::from_utf8_lossy(&value[..value.len().min(200)]);
    // A comment may follow (RFC 2045 6.1).
    let word = word.split(['(', ';']).next().unwrap_or_default().trim();
    match word.to_ascii_lowercase().as_str() {
        "" | "7bit" | "8bit" | "binary" => Encoding::Identity,
        "quoted-printable" => Encoding::QuotedPrintable,
        "base64" => Encoding::Base64,
        _ => Encoding::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{DEPTH_MAX, Entity};
    use std::fmt::Write as _;

    /// The structure, a line for each part: depth, type, the beginning of the body.
    fn outline(raw: &[u8]) -> String {
        fn tell(entity: &Entity, raw: &[u8], depth: usize, text: &mut String) {
            let body = String::from_utf8_lossy(&raw[entity.body.clone()]);
            let media = &entity.media;
            let shown: String = body.chars().take(12).collect();
            let deep = if entity.too_deep { " ..." } else { "" };
            let _ = writeln!(
                text,
                "{}{}/{} {shown:?}{deep}",
                "  ".repeat(depth),
                media.kind,
                media.subtype
            );
            for part in &entity.parts {
                tell(part, raw, depth + 1, text);
            }
        }
        let mut text = String::new();
        if let Some(entity) = Entity::of_mail(raw) {
            tell(&entity, raw, 0, &mut text);
        }
        text
    }

    fn check(raw: &str, expected: &str) {
        assert_eq!(outline(raw.as_bytes()), expected, "{raw:?}");
        let crlf = raw.replace('\n', "\r\n");
        let folded = outline(crlf.as_bytes()).replace("\\r\\n", "\\n");
        assert_eq!(folded.lines().count(), expected.lines().count(), "{crlf:?}");
    }

    #[test]
    fn a_header_ends_at_an_empty_line_or_at_what_is_no_field() {
        check("Subject: a\n\nbody\n", "text/plain \"body\\n\"\n");
        check("Subject: a\nbody text\n", "text/plain \"body text\\n\"\n");
        check("Subject: a\n b\n\tc\nTo: d\n\n", "text/plain \"\"\n");
        check("Subject: a", "text/plain \"\"\n");
        check("From root Mon\nSubject: a\n\nb", "text/plain \"b\"\n");
    }

    #[test]
    fn a_text_is_no_mail() {
        for text in [
            "",
            "\n",
            "hello\n",
            "Note: disk full\n\nplease check\n",
            "From me to you\n",
        ] {
            check(text, "");
        }
    }

    #[test]
    fn parts_stand_between_delimiters() {
        let head = "Content-Type: multipart/mixed; boundary=\"b\"\n\n";
        check(
            &format!("{head}pre\n--b\n\none\n--b \nContent-Type: text/html\n\ntwo\n--b--\npost\n"),
            "multipart/mixed \"pre\\n--b\\n\\none\"\n  text/plain \"one\"\n  text/html \"two\"\n",
        );
        check(
            &format!("{head}--b\n--b\n\nnever closed\n"),
            "multipart/mixed \"--b\\n--b\\n\\nnev\"\n  text/plain \"\"\n  text/plain \"never closed\"\n",
        );
        check(
            &format!("{head}no part\n"),
            "multipart/mixed \"no part\\n\"\n",
        );
    }

    #[test]
    fn an_outer_delimiter_ends_inner_parts() {
        check(
            "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\na\n--o\n\nb\n--o--\n",
            "multipart/mixed \"--o\\nContent-\"\n  multipart/alternative \"--i\\n\\na\"\n    text/plain \"a\"\n  text/plain \"b\"\n",
        );
    }

    #[test]
    fn a_mail_in_a_mail_is_looked_into() {
        check(
            "Content-Type: message/rfc822\n\nSubject: in\nContent-Type: text/html\n\nx\n",
            "message/rfc822 \"Subject: in\\n\"\n  text/html \"x\\n\"\n",
        );
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let mail = "Content-Type: message/rfc822\n\n".repeat(200_000);
        let outline = outline(mail.as_bytes());
        assert_eq!(outline.lines().count(), DEPTH_MAX + 1);
        assert!(outline.ends_with(" ...\n"));
        let mut mail = "Content-Type: multipart/mixed; boundary=b\n\n".to_owned();
        mail.push_str(&"--b\n".repeat(200_000));
        let entity = Entity::of_mail(mail.as_bytes()).expect("a mail");
        assert!(entity.too_deep && entity.parts.is_empty());
        let fields = "X-A: b\n".repeat(200_000);
        let entity = Entity::of_mail(fields.as_bytes()).expect("a mail");
        assert_eq!(entity.fields.len(), 10_000);
        assert!(entity.body.is_empty());
    }
}
