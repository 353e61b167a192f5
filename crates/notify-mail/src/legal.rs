//! A mail of another program, written so that SMTP can carry it.
//!
//! What is legal already is copied byte for byte, whole parts at a time, so that
//! signatures stay valid. Only a part that no server would take as it is gets
//! another transfer encoding: lines of more than 998 octets, 8-bit text for a
//! server without 8BITMIME, NUL, and CR without LF (RFC 5321 2.3.8, 4.5.3.1.6).
//! Line ends become CRLF everywhere.

use std::collections::BTreeSet;
use std::ops::Range;

use email_encoding::body::base64;

use crate::mime::{Encoding, Entity, delimiter};
use crate::parameters::structured;
use crate::{body, decode, header, reading};

/// Most octets of a line without its end (RFC 5322 2.1.1).
const LINE_MAX: usize = 998;
/// Longer names of header fields do not exist.
const NAME_MAX: usize = 100;

const QUOTED_PRINTABLE: &str = "quoted-printable";
/// How many octets stand in a line of base64.
const LINE_OF_BASE64: usize = 57;
/// How many octets are encoded at once.
const PIECE: usize = 64 * 1024;

/// What may stand in the mail that is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    /// Whether 8-bit text may stay as it is.
    pub(crate) eight_bit: bool,
    /// The parts that are left out, by where they begin, and why.
    pub(crate) left_out: &'a BTreeSet<usize>,
    /// Why they are: `the mail is larger than 10 MiB`.
    pub(crate) reason: &'a str,
}

impl Rules<'_> {
    /// Nothing is left out.
    pub(crate) const fn whole(eight_bit: bool) -> Self {
        const NONE: &BTreeSet<usize> = &BTreeSet::new();
        Rules {
            eight_bit,
            left_out: NONE,
            reason: "",
        }
    }
}

/// What stands in some bytes that SMTP may not carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    eight_bit: bool,
    long: bool,
    /// NUL, or CR without LF.
    control: bool,
}

impl Look {
    fn at(bytes: &[u8]) -> Self {
        let mut look = Look::default();
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            look.long |= line.len() > LINE_MAX;
            look.eight_bit |= !line.is_ascii();
            look.control |= line.iter().any(|byte| matches!(byte, 0 | b'\r'));
        }
        // At the end of the bytes a CR has no LF either.
        look.control |= bytes.ends_with(b"\r");
        look
    }

    fn passes(self, eight_bit: bool) -> bool {
        !self.long && !self.control && (eight_bit || !self.eight_bit)
    }
}

/// How an entity is written.
enum Plan {
    /// Byte for byte, but for line ends.
    Whole,
    /// So its body, after a header that is corrected.
    Body,
    /// Its parts one by one, or the mail in it.
    Parts,
    /// With another transfer encoding, and perhaps another type.
    Encode(Encoded),
    /// A text instead of it.
    Note(body::Encoded),
}

/// An encoding that every server takes.
struct Encoded {
    name: &'static str,
    /// Whether line ends become CRLF before it (RFC 2045 6.8).
    is_text: bool,
    /// Instead of a type that may not be encoded (RFC 2045 6.4).
    media: Option<&'static str>,
}

/// Writes the parts of one mail.
pub(crate) struct Writer<'m> {
    raw: &'m [u8],
    rules: Rules<'m>,
    out: Vec<u8>,
    /// Whether something under a signature had to be changed.
    pub(crate) broke_a_signature: bool,
}

impl<'m> Writer<'m> {
    /// For this mail, after this header, whose lines end with LF.
    pub(crate) fn new(raw: &'m [u8], rules: Rules<'m>, header: &str) -> Self {
        let mut writer = Writer {
            raw,
            rules,
            out: Vec::with_capacity(raw.len() + raw.len() / 64 + header.len() + 1024),
            broke_a_signature: false,
        };
        writer.lines(header);
        writer
    }

    /// The other fields of the mail, as they stand there. Lines end with LF.
    pub(crate) fn other_fields(mut self, mail: &Entity) -> String {
        self.lines("MIME-Version: 1.0\n");
        for field in &mail.fields {
            let name = &self.raw[field.name.clone()];
            let anew = ["MIME-Version", "Content-Length"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
            if !anew && !is_about_content(name) {
                self.field(name, &self.raw[field.value.clone()]);
            }
        }
        let header = String::from_utf8_lossy(&self.out);
        header.replace("\r\n", "\n")
    }

    /// The fields about the content of the mail, an empty line, and its body.
    pub(crate) fn content(&mut self, mail: &Entity) {
        let plan = self.plan(mail);
        self.fields(mail, &plan, is_about_content);
        self.body(mail, plan);
    }

    /// All that was written. It ends with CRLF.
    pub(crate) fn end(mut self) -> Vec<u8> {
        if !self.out.ends_with(b"\r\n") {
            self.out.extend_from_slice(b"\r\n");
        }
        self.out
    }

    fn part(&mut self, part: &Entity) {
        match self.plan(part) {
            Plan::Whole => self.copy(part.range.clone()),
            plan => {
                self.fields(part, &plan, |_| true);
                self.body(part, plan);
            }
        }
    }

    fn plan(&self, entity: &Entity) -> Plan {
        let bodies = &self.raw[entity.body.clone()];
        if self.rules.left_out.contains(&entity.range.start) {
            Plan::Note(self.note(entity))
        } else if self.keeps_all(entity) && self.is_legal(entity) {
            Plan::Whole
        } else if !entity.parts.is_empty() {
            Plan::Parts
        } else if Look::at(bodies).passes(self.rules.eight_bit) {
            Plan::Body
        } else {
            Plan::Encode(encoded(entity, bodies))
        }
    }

    /// Whether no part of it is left out.
    fn keeps_all(&self, entity: &Entity) -> bool {
        self.rules
            .left_out
            .range(entity.range.clone())
            .next()
            .is_none()
    }

    /// Whether it can be copied with its header, and says of itself what it is.
    fn is_legal(&self, entity: &Entity) -> bool {
        let whole = Look::at(&self.raw[entity.range.clone()]);
        whole.passes(self.rules.eight_bit) && (!whole.eight_bit || self.is_labelled(entity))
    }

    /// Whether 8-bit text is only where it is announced (RFC 2045 6.2).
    fn is_labelled(&self, entity: &Entity) -> bool {
        let header = entity.range.start..entity.body.start;
        let body = &self.raw[entity.body.clone()];
        self.raw[header].is_ascii()
            && (body.is_ascii() || self.announces_8bit(entity))
            && entity.parts.iter().all(|part| self.is_labelled(part))
    }

    fn announces_8bit(&self, entity: &Entity) -> bool {
        let field = entity.field(self.raw, "Content-Transfer-Encoding");
        let word = field.map(decode::line).unwrap_or_default();
        ["8bit", "binary"]
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known))
    }

    /// The header of an entity as far as it is wanted, and the empty line.
    fn fields(&mut self, entity: &Entity, plan: &Plan, wanted: fn(&[u8]) -> bool) {
        let body = &self.raw[entity.body.clone()];
        let changed_media = match plan {
            Plan::Encode(encoded) => encoded.media,
            Plan::Note(_) => Some("text/plain; charset=utf-8"),
            Plan::Whole | Plan::Body | Plan::Parts => None,
        };
        let mut is_typed = false;
        for field in &entity.fields {
            let name = &self.raw[field.name.clone()];
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            let about_file = matches!(plan, Plan::Note(_)) && is_about_content(name);
            if !wanted(name) || is("Content-Transfer-Encoding") || about_file {
                continue;
            }
            if is("Content-Type") {
                if changed_media.is_some() || is_typed {
                    continue;
                }
                is_typed = true;
            }
            self.field(name, &self.raw[field.value.clone()]);
        }
        match changed_media {
            Some(media) => self.lines(&header::plain("Content-Type", media)),
            None if !is_typed && !body.is_ascii() && entity.parts.is_empty() => {
                let charset = match std::str::from_utf8(body) {
                    Ok(_) => "text/plain; charset=utf-8",
                    Err(_) => "text/plain; charset=windows-1252",
                };
                self.lines(&header::plain("Content-Type", charset));
            }
            None => {}
        }
        self.encoding(entity, plan);
        self.out.extend_from_slice(b"\r\n");
    }

    /// `Content-Transfer-Encoding`, true to what follows.
    fn encoding(&mut self, entity: &Entity, plan: &Plan) {
        let name = "Content-Transfer-Encoding";
        let eight_bit = self.rules.eight_bit && !self.raw[entity.body.clone()].is_ascii();
        match plan {
            Plan::Note(note) => self.lines(&header::plain(name, note.name)),
            Plan::Encode(encoded) => self.lines(&header::plain(name, encoded.name)),
            _ if eight_bit && entity.encoding == Encoding::Identity => {
                self.lines(&header::plain(name, "8bit"));
            }
            Plan::Parts => {}
            Plan::Whole | Plan::Body => {
                if let Some(value) = entity.field(self.raw, name) {
                    self.field(name.as_bytes(), value);
                }
            }
        }
    }

    fn body(&mut self, entity: &Entity, plan: Plan) {
        match plan {
            Plan::Whole | Plan::Body => self.copy(entity.body.clone()),
            Plan::Encode(encoded) => self.encode(entity, &encoded),
            Plan::Parts if entity.media.kind == "multipart" => self.parts(entity),
            Plan::Parts => entity.parts.iter().for_each(|mail| self.part(mail)),
            Plan::Note(note) => self.lines(&note.text),
        }
    }

    /// Piece by piece, because the mail may be large.
    fn encode(&mut self, entity: &Entity, encoded: &Encoded) {
        let raw = self.raw;
        let content = decode::body(&raw[entity.body.clone()], entity.encoding, usize::MAX);
        if encoded.name == QUOTED_PRINTABLE {
            for line in content.split_inclusive(|byte| *byte == b'\n') {
                let (text, end) = parted(line);
                for (number, piece) in text.chunks(PIECE).enumerate() {
                    let soft_break: &[u8] = if number > 0 { b"=\r\n" } else { b"" };
                    self.out.extend_from_slice(soft_break);
                    self.out.extend_from_slice(&quoted_printable::encode(piece));
                }
                self.out.extend_from_slice(end);
            }
            return;
        }
        let mut waiting = Vec::with_capacity(2 * PIECE);
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            let (text, end) = match encoded.is_text {
                true => parted(line),
                false => (line, &b""[..]),
            };
            for piece in text.chunks(PIECE).chain([end]) {
                waiting.extend_from_slice(piece);
                if waiting.len() >= PIECE {
                    let whole = waiting.len() / LINE_OF_BASE64 * LINE_OF_BASE64;
                    self.base64(&waiting[..whole]);
                    waiting.drain(..whole);
                }
            }
        }
        self.base64(&waiting);
    }

    /// Whole lines, or the last ones.
    fn base64(&mut self, bytes: &[u8]) {
        let mut text = String::with_capacity(bytes.len() / LINE_OF_BASE64 * 78 + 80);
        base64::encode(bytes, &mut text).expect("a string takes all that is written");
        self.out.extend_from_slice(text.trim_end().as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    fn parts(&mut self, multipart: &Entity) {
        let is_signed = multipart.media.is("multipart", "signed");
        let mut at = multipart.body.start;
        for (index, part) in multipart.parts.iter().enumerate() {
            self.between(at..part.range.start, multipart);
            let signed = is_signed && index == 0;
            let as_it_is = Look::at(&self.raw[part.range.clone()]).passes(self.rules.eight_bit);
            if signed && as_it_is && self.keeps_all(part) {
                // Nothing here is ours to correct.
                self.copy(part.range.clone());
            } else {
                self.broke_a_signature |= signed;
                self.part(part);
            }
            at = part.range.end;
        }
        if at < multipart.body.end {
            self.between(at..multipart.body.end, multipart);
        } else {
            let last = format!("\r\n--{}--\r\n", boundary(multipart));
            self.out.extend_from_slice(last.as_bytes());
        }
    }

    /// Delimiters, and what nobody sees before and after the parts.
    fn between(&mut self, range: Range<usize>, multipart: &Entity) {
        let raw = self.raw;
        for line in raw[range].split_inclusive(|byte| *byte == b'\n') {
            if Look::at(line).passes(false) {
                self.copy_bytes(line);
            } else if delimiter(line, boundary(multipart).as_bytes()) == Some(false) {
                self.lines(&format!("--{}\n", boundary(multipart)));
            }
        }
    }

    fn note(&self, part: &Entity) -> body::Encoded {
        let what = reading::described(part, self.raw);
        body::encode(&format!(
            "[Left out, because {}: {what}]",
            self.rules.reason
        ))
    }

    /// A header field as it is, or, where that is not legal, in a form that says the same.
    fn field(&mut self, name: &[u8], value: &[u8]) {
        let name = String::from_utf8_lossy(name);
        if name.len() > NAME_MAX {
            return;
        }
        let is_blank = |line: &[u8]| line.trim_ascii().is_empty();
        let folded_over_nothing =
            value.contains(&b'\n') && value.split(|b| *b == b'\n').any(is_blank);
        let longest = value.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
        let fits = longest.unwrap_or(0) + name.len() < LINE_MAX;
        if fits && Look::at(value).passes(false) && !folded_over_nothing {
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(b':');
            self.copy_bytes(value);
            self.out.extend_from_slice(b"\r\n");
            return;
        }
        let with_parameters = ["Content-Type", "Content-Disposition"];
        if with_parameters
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
        {
            self.lines(&structured(&name, &decode::media(value)));
        } else {
            self.lines(&header::unstructured(&name, &decode::line(value)));
        }
    }

    fn copy(&mut self, range: Range<usize>) {
        self.copy_bytes(&self.raw[range]);
    }

    /// Bytes with CRLF for each line end.
    fn copy_bytes(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(line) => {
                    let line = line.strip_suffix(b"\r").unwrap_or(line);
                    self.out.extend_from_slice(line);
                    self.out.extend_from_slice(b"\r\n");
                }
                None => self.out.extend_from_slice(line),
            }
        }
    }

    fn lines(&mut self, text: &str) {
        self.copy_bytes(text.as_bytes());
    }
}

fn boundary(multipart: &Entity) -> &str {
    multipart
        .media
        .parameter("boundary")
        .unwrap_or_default()
        .trim_end()
}

/// `Content-…`, but not the length, which would be another one.
pub(crate) fn is_about_content(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with(b"content-") && name != b"content-length"
}

/// The encoding for a body that cannot stand.
fn encoded(entity: &Entity, bytes: &[u8]) -> Encoded {
    let kind = entity.media.kind.as_str();
    let media = match kind {
        "multipart" => Some("application/octet-stream"),
        "message" => Some("text/plain; charset=utf-8"),
        _ if entity.encoding == Encoding::Unknown => Some("application/octet-stream"),
        _ => None,
    };
    let is_text = matches!(kind, "text" | "message") && entity.encoding == Encoding::Identity;
    let unusual = |byte: &&u8| !matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~');
    let name = match is_text && bytes.iter().filter(unusual).count() * 6 <= bytes.len() {
        true => QUOTED_PRINTABLE,
        false => "base64",
    };
    Encoded {
        name,
        is_text,
        media,
    }
}

/// A line, and CRLF if it had an end.
fn parted(line: &[u8]) -> (&[u8], &[u8]) {
    match line.strip_suffix(b"\n") {
        Some(text) => (text.strip_suffix(b"\r").unwrap_or(text), b"\r\n"),
        None => (line, b""),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Look, PIECE, Rules, Writer};
    use crate::decode;
    use crate::mime::{Encoding, Entity};

    #[test]
    fn what_smtp_may_not_carry_is_seen() {
        let check = |bytes: &[u8], legal: bool, in_8bit: bool| {
            let look = Look::at(bytes);
            assert_eq!(
                (look.passes(false), look.passes(true)),
                (legal, in_8bit),
                "{bytes:?}"
            );
        };
        check(b"", true, true);
        check(b"a\r\nb\nc", true, true);
        check("ä".as_bytes(), false, true);
        check(b"a\rb", false, false);
        check(b"a\r\r\n", false, false);
        check(b"a\r", false, false);
        check(b"a\0", false, false);
        check(&[b'x'; 998], true, true);
        check(&[b'x'; 999], false, false);
    }

    /// Across the borders of the pieces in which it is encoded.
    #[test]
    fn a_long_body_reads_the_same_when_encoded() {
        for (line, kind) in [
            (
                "ä".repeat(PIECE / 2 - 1) + "x\r\nü\n",
                "text/plain; charset=utf-8",
            ),
            ("ä".repeat(PIECE) + "\n", "application/x"),
            (
                "Größe ist alles\r\n".repeat(PIECE / 8),
                "text/plain; charset=utf-8",
            ),
        ] {
            let raw = format!("Subject: s\nContent-Type: {kind}\n\n{line}");
            let mail = Entity::of_mail(raw.as_bytes()).expect("a mail");
            let rules = Rules {
                eight_bit: false,
                left_out: &BTreeSet::new(),
                reason: "",
            };
            let mut writer = Writer::new(raw.as_bytes(), rules, "Subject: s\n");
            writer.content(&mail);
            let bytes = writer.end();
            assert!(Look::at(&bytes).passes(false));
            let again = Entity::of_mail(&bytes).expect("a mail");
            assert_ne!(again.encoding, Encoding::Identity);
            let decoded = decode::body(&bytes[again.body], again.encoding, usize::MAX);
            let expected = match kind.starts_with("text") {
                true => line.replace("\r\n", "\n").replace('\n', "\r\n"),
                false => line,
            };
            assert_eq!(
                decoded.trim_ascii_end(),
                expected.as_bytes().trim_ascii_end()
            );
        }
    }
}
