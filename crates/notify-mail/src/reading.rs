//! What a mail says, as far as it can be read.

use std::fmt::Write as _;
use std::sync::Arc;

use notify_core::ForwardedMail;

use crate::mime::{Encoding, Entity};
use crate::{cms, daemon, decode, html, tnef};

/// Most octets of [`Reading::text`], before the note that says so.
const TEXT_MAX: usize = 1024 * 1024;
/// How much of a part is decoded: of HTML most is tags, and a character may take four octets.
const DECODED_MAX: usize = 4 * TEXT_MAX;
/// Most characters of [`Reading::title`].
const TITLE_MAX: usize = 1000;
/// How many ids of installations are read.
const INSTANCES_MAX: usize = 100;
/// How many parts of a report are looked at for the mail that it returns.
const RETURNED_MAX: usize = 10;
/// Most characters of the name or the type of a part.
const WORD_MAX: usize = 60;
/// How many parts are named of a mail without text.
const NAMED_MAX: usize = 20;

/// What a mail says, to whom, and from whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Reading {
    /// The subject, decoded, in one line of 1,000 characters at most; empty where there is none.
    pub title: String,
    /// The main text, decoded: its first text part, lines ended by LF, 1 MiB at most.
    pub text: String,
    /// The address of the author, without the name.
    pub from: Option<String>,
    /// The address that the mail was written to; of several the first.
    pub to: Option<String>,
    /// The program that wrote it, where that is certain.
    pub daemon: Option<&'static str>,
    /// The installations that have passed it on already, by their `X-Notify-Loop`; of a
    /// report that a mail was not delivered, those of that mail, too.
    pub instances: Vec<String>,
}

/// Reads a mail. Whatever the bytes are, it ends soon and says something:
/// what is no mail is taken for the text of one.
///
/// ```
/// let mail = b"From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@pve1> backup\nX-Cron-Env: <SHELL=/bin/sh>\n\nno space left\n";
/// let reading = notify_mail::read(mail);
/// assert_eq!(reading.title, "Cron <root@pve1> backup");
/// assert_eq!(reading.text, "no space left\n");
/// assert_eq!(reading.fields().collect::<Vec<_>>(), [("mail-from", "root"), ("mail-to", "root"), ("daemon", "cron")]);
/// assert_eq!(notify_mail::read(b"\xff\x00").title, "Mail without headers");
/// ```
pub fn read(raw: &[u8]) -> Reading {
    match Entity::of_mail(raw) {
        Some(mail) => of_mail(&mail, raw),
        None => of_bytes(raw),
    }
}

impl Reading {
    /// What is certain of it, as fields of a notification.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let fields = [
            ("mail-from", self.from.as_deref()),
            ("mail-to", self.to.as_deref()),
            ("daemon", self.daemon),
        ];
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
    }

    /// The mail as the content of a notification.
    pub fn into_mail(self, raw: Arc<[u8]>) -> ForwardedMail {
        ForwardedMail {
            raw,
            title: self.title,
            text: self.text,
        }
    }
}

/// Mails are private: sizes only.
impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading")
            .field("daemon", &self.daemon)
            .field("text_bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

fn of_mail(mail: &Entity, raw: &[u8]) -> Reading {
    let subject = mail.field(raw, "Subject").map(decode::line);
    let title = shortened(&subject.unwrap_or_default(), TITLE_MAX);
    let text = main_text(mail, raw);
    let address = |name| mail.field(raw, name).and_then(decode::address);
    Reading {
        from: address("From").or_else(|| address("Sender")),
        to: address("To").or_else(|| address("X-Original-To")),
        daemon: daemon::of(mail, raw, &title, &text),
        instances: instances(mail, raw),
        title,
        text,
    }
}

/// What has no header is text, whatever it is.
fn of_bytes(raw: &[u8]) -> Reading {
    let title = if raw.trim_ascii().is_empty() {
        "Empty mail"
    } else {
        "Mail without headers"
    };
    let begin = &raw[..raw.len().min(DECODED_MAX)];
    let text = decode::text_of_unknown_charset(begin);
    Reading {
        title: title.to_owned(),
        text: readable(&text, begin.len() < raw.len()),
        from: None,
        to: None,
        daemon: None,
        instances: Vec::new(),
    }
}

/// The ids in the header, and in that of the mail which it returns.
pub(crate) fn instances(mail: &Entity, raw: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    collect_ids(mail, raw, &mut found);
    // A report has three parts, the last of them the mail or its header (RFC 6522 3).
    if mail.media.is("multipart", "report") {
        for part in mail.parts.iter().skip(1).take(RETURNED_MAX) {
            collect_returned_ids(part, raw, &mut found);
        }
    }
    found
}

/// Letters, digits, `-`, `.` and `_`, as we write them.
fn collect_ids(mail: &Entity, raw: &[u8], found: &mut Vec<String>) {
    for value in mail.all(raw, "X-Notify-Loop").take(INSTANCES_MAX) {
        let id = decode::line(value);
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if (1..=64).contains(&id.len()) && id.bytes().all(legal) && !found.contains(&id) {
            found.push(id);
        }
    }
}

fn collect_returned_ids(part: &Entity, raw: &[u8], found: &mut Vec<String>) {
    let returned = matches!(
        (part.media.kind.as_str(), part.media.subtype.as_str()),
        ("message", "rfc822" | "global" | "global-headers") | ("text", "rfc822-headers")
    );
    if let Some(mail) = part.parts.first().filter(|_| returned) {
        collect_ids(mail, raw, found);
    } else if returned {
        let bytes = decode::body(&raw[part.body.clone()], part.encoding, DECODED_MAX);
        if let Some(mail) = Entity::of_mail(&bytes) {
            collect_ids(&mail, &bytes, found);
        }
    }
}

/// The first text that a person would see; without one, what there is instead.
fn main_text(mail: &Entity, raw: &[u8]) -> String {
    text_of(mail, raw, Pass::Shown)
        .or_else(|| text_of(mail, raw, Pass::Attached))
        .unwrap_or_else(|| inventory(mail, raw))
}

/// Which parts count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Those that mail programs show.
    Shown,
    /// Attached texts and mails, too.
    Attached,
}

fn text_of(part: &Entity, raw: &[u8], pass: Pass) -> Option<String> {
    if pass == Pass::Shown && part.is_attachment(raw) {
        return None;
    }
    let media = &part.media;
    match (media.kind.as_str(), media.subtype.as_str()) {
        ("multipart", "encrypted") => Some(encrypted("PGP")),
        ("multipart", "alternative") => alternative(part, raw, pass),
        ("multipart", _) if part.is_multipart() => part
            .parts
            .iter()
            .find_map(|inner| text_of(inner, raw, pass)),
        // A multipart without parts is text (RFC 2046 5.1.7 leaves it open).
        ("text", "plain") | ("multipart", _) => plain(part, raw),
        ("text", "html") => {
            let (source, whole) = decoded(part, raw);
            said(readable(&html::to_text(&source), !whole))
        }
        ("application", "pkcs7-mime" | "x-pkcs7-mime") => smime(part, raw),
        ("application", "ms-tnef" | "vnd.ms-tnef") if pass == Pass::Attached => tnef(part, raw),
        ("message", "rfc822" | "global") if pass == Pass::Attached => part
            .parts
            .iter()
            .find_map(|inner| text_of(inner, raw, pass)),
        ("text" | "message", _) if pass == Pass::Attached => plain(part, raw),
        _ => None,
    }
}

/// Plain text before anything else (RFC 2046 5.1.4 has the plainest first).
fn alternative(part: &Entity, raw: &[u8], pass: Pass) -> Option<String> {
    let (html, other): (Vec<&Entity>, Vec<&Entity>) = part
        .parts
        .iter()
        .partition(|inner| inner.media.is("text", "html"));
    let (plain, other): (Vec<&Entity>, Vec<&Entity>) = other
        .into_iter()
        .partition(|inner| inner.media.is("text", "plain"));
    let in_order = plain.into_iter().chain(html).chain(other);
    in_order
        .into_iter()
        .find_map(|inner| text_of(inner, raw, pass))
}

fn plain(part: &Entity, raw: &[u8]) -> Option<String> {
    let (text, whole) = decoded(part, raw);
    said(readable(&text, !whole))
}

/// The text of a part, and whether it is all of it.
fn decoded(part: &Entity, raw: &[u8]) -> (String, bool) {
    let bytes = decode::body(&raw[part.body.clone()], part.encoding, DECODED_MAX);
    let text = decode::text(&bytes, part.media.parameter("charset"));
    (text, bytes.len() < DECODED_MAX)
}

/// A text that says something.
fn said(text: String) -> Option<String> {
    (!text.trim().is_empty()).then_some(text)
}

/// Lines ended by LF, no control characters, not longer than allowed.
fn readable(text: &str, cut: bool) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut clean = String::with_capacity(text.len().min(TEXT_MAX));
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next_if(|_| clean.len() < TEXT_MAX) {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' => clean.push('\n'),
            '\t' => clean.push('\t'),
            _ if character.is_control() => clean.push(char::REPLACEMENT_CHARACTER),
            _ => clean.push(character),
        }
    }
    if cut || characters.peek().is_some() {
        clean.push_str("\n[The rest is left out: the text is longer than 1 MiB.]\n");
    }
    clean
}

fn encrypted(how: &str) -> String {
    format!("This mail is encrypted with {how}. Its text can be read only by who has the key.\n")
}

/// The text under an opaque signature, or that there is none to read.
fn smime(part: &Entity, raw: &[u8]) -> Option<String> {
    let bytes = decode::body(&raw[part.body.clone()], part.encoding, DECODED_MAX);
    let Some(content) = cms::signed_content(&bytes) else {
        return Some(encrypted("S/MIME"));
    };
    // What is signed in turn is not looked into: signatures could be nested without end.
    let signed = Entity::of_mail(&content)?;
    let mut leaves = Vec::new();
    collect_leaves(&signed, &mut leaves);
    let again = |leaf: &&Entity| leaf.media.subtype.ends_with("pkcs7-mime");
    if leaves.iter().any(again) {
        return None;
    }
    text_of(&signed, &content, Pass::Shown)
}

fn tnef(part: &Entity, raw: &[u8]) -> Option<String> {
    let bytes = decode::body(&raw[part.body.clone()], part.encoding, DECODED_MAX);
    let contents = tnef::contents(&bytes)?;
    if let Some(text) = contents.text.and_then(|text| said(readable(&text, false))) {
        return Some(text);
    }
    let mut text =
        "This mail is in the form of Outlook (winmail.dat), which is not read here.\n".to_owned();
    for file in contents.files {
        let _ = writeln!(text, "- {file}");
    }
    Some(text)
}

/// What a mail without text has instead.
fn inventory(mail: &Entity, raw: &[u8]) -> String {
    let mut leaves = Vec::new();
    collect_leaves(mail, &mut leaves);
    let attached: Vec<&Entity> = leaves
        .into_iter()
        .filter(|leaf| !raw[leaf.body.clone()].trim_ascii().is_empty())
        .collect();
    if attached.is_empty() {
        return String::new();
    }
    let mut text = "This mail has no text. It holds:\n".to_owned();
    for leaf in attached.iter().take(NAMED_MAX) {
        let _ = writeln!(text, "- {}", described(leaf, raw));
    }
    if attached.len() > NAMED_MAX {
        let _ = writeln!(text, "- and {} more", attached.len() - NAMED_MAX);
    }
    text
}

pub(crate) fn collect_leaves<'e>(part: &'e Entity, leaves: &mut Vec<&'e Entity>) {
    if part.parts.is_empty() {
        leaves.push(part);
    }
    for inner in &part.parts {
        collect_leaves(inner, leaves);
    }
}

/// `report.pdf (application/pdf, 1.2 MiB)`.
pub(crate) fn described(part: &Entity, raw: &[u8]) -> String {
    let body = &raw[part.body.clone()];
    let octets = match part.encoding {
        Encoding::Base64 => {
            body.iter()
                .filter(|byte| !byte.is_ascii_whitespace())
                .count()
                / 4
                * 3
        }
        _ => body.len(),
    };
    let kind = shortened(
        &format!("{}/{}", part.media.kind, part.media.subtype),
        WORD_MAX,
    );
    let name = part.file_name(raw).map(|name| shortened(&name, WORD_MAX));
    let name = name.as_deref().unwrap_or("a part without name");
    format!("{name} ({kind}, {})", size(octets))
}

/// A line of at most so many characters, with an ellipsis where something is missing.
pub(crate) fn shortened(line: &str, most: usize) -> String {
    match line.char_indices().nth(most) {
        None => line.to_owned(),
        Some(_) => {
            let kept: String = line.chars().take(most - 1).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

/// `512 bytes`, `3.4 KiB`, `12 MiB`.
pub(crate) fn size(octets: usize) -> String {
    let tenths = |unit: usize| (octets * 10).div_ceil(unit);
    let shown = |tenths: usize, unit: &str| match tenths {
        0..100 => format!("{}.{} {unit}", tenths / 10, tenths % 10),
        _ => format!("{} {unit}", tenths.div_ceil(10)),
    };
    match octets {
        1 => "1 byte".to_owned(),
        0..1024 => format!("{octets} bytes"),
        1024..1_048_576 => shown(tenths(1024), "KiB"),
        _ => shown(tenths(1_048_576), "MiB"),
    }
}

/// The beginning of a text, no longer than this many octets.
pub(crate) fn beginning(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::{TEXT_MAX, TITLE_MAX, read, shortened, size};
    use proptest::prelude::*;

    fn check(raw: &str, title: &str, text: &str) {
        let reading = read(raw.as_bytes());
        assert_eq!(
            (reading.title.as_str(), reading.text.as_str()),
            (title, text)
        );
    }

    #[test]
    fn what_is_no_mail_is_not_lost() {
        check("disk full\n", "Mail without headers", "disk full\n");
        check("", "Empty mail", "");
        check(" \r\n", "Empty mail", " \n");
        check("Note: a\n\nb\n", "Mail without headers", "Note: a\n\nb\n");
        check(
            "a\0b\x1b[1m",
            "Mail without headers",
            "a\u{fffd}b\u{fffd}[1m",
        );
        check("Subject: only this", "only this", "");
        check("To: root\n\nno subject\n", "", "no subject\n");
    }

    #[test]
    fn plain_text_goes_before_html_unless_it_is_empty() {
        let mail = |plain: &str| {
            format!(
                "Subject: s\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>html\n--b\n\n{plain}\n--b--\n"
            )
        };
        check(&mail("plain"), "s", "plain");
        check(&mail(" "), "s", "html\n");
    }

    #[test]
    fn a_mail_of_attachments_says_what_it_holds() {
        check(
            "Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nQUJD\n--b\nContent-Type: image/png\n\nx\n--b--\n",
            "s",
            "This mail has no text. It holds:\n- a.pdf (application/pdf, 3 bytes)\n- a part without name (image/png, 1 byte)\n",
        );
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let mail = format!("Subject: s\n\n{}", "line\n".repeat(TEXT_MAX));
        let text = read(mail.as_bytes()).text;
        assert!(text.len() < TEXT_MAX + 100);
        assert!(text.ends_with("\n[The rest is left out: the text is longer than 1 MiB.]\n"));
        let whole = format!("Subject: s\n\n{}", "x".repeat(TEXT_MAX));
        assert_eq!(read(whole.as_bytes()).text.len(), TEXT_MAX);
        let crlf = format!("Subject: s\n\n{}", "\r\n".repeat(TEXT_MAX - 10));
        assert!(!read(crlf.as_bytes()).text.contains("left out"));
        let crlf = format!("Subject: s\n\nx{}", "\r\n".repeat(TEXT_MAX));
        assert!(read(crlf.as_bytes()).text.contains("left out"));
    }

    #[test]
    fn ids_of_installations_are_read() {
        let mail = b"X-Notify-Loop: 5a1f\nx-notify-loop: 77\nX-Notify-Loop: 5a1f\nX-Notify-Loop: no id\nX-Notify-Loop:\n\n";
        assert_eq!(read(mail).instances, ["5a1f", "77"]);
    }

    #[test]
    fn a_report_has_the_ids_of_the_mail_that_it_returns() {
        let report = |kind: &str, fields: &str, body: &str| {
            format!(
                "X-Notify-Loop: 77\nContent-Type: multipart/{kind}; boundary=b\n\n--b\n\nUnknown user.\n--b\nContent-Type: message/delivery-status\n\nStatus: 5.1.1\n\n--b\n{fields}\n\n{body}\n--b--\n"
            )
        };
        let check = |kind: &str, fields: &str, body: &str, ids: &[&str]| {
            let mail = report(kind, fields, body);
            assert_eq!(read(mail.as_bytes()).instances, ids, "{mail}");
        };
        let header = "To: a@b\nX-Notify-Loop: 5a1f\nX-Notify-Loop: 77\nX-Notify-Loop: 9c";
        let mail = format!("{header}\n\nX-Notify-Loop: text");
        let all = ["77", "5a1f", "9c"];
        for (kind, body) in [
            ("message/rfc822", &*mail),
            ("message/global", &mail),
            ("text/rfc822-headers", header),
            ("Text/RFC822-Headers; charset=us-ascii", header),
            ("message/global-headers", header),
        ] {
            let kind = format!("Content-Type: {kind}");
            check("report; report-type=delivery-status", &kind, body, &all);
            // What a person attaches to a mail of their own is theirs.
            check("mixed", &kind, body, &["77"]);
        }
        let encoded = "Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: base64";
        check(
            "report",
            encoded,
            "WC1Ob3RpZnktTG9vcDogNWExZgo=",
            &["77", "5a1f"],
        );
        check("report", "Content-Type: text/plain", header, &["77"]);
        check("report", "Content-Type: text/rfc822-headers", "", &["77"]);
    }

    #[test]
    fn long_lines_get_an_ellipsis() {
        assert_eq!(shortened("äbc", 3), "äbc");
        assert_eq!(shortened("ab cd", 4), "ab…");
    }

    #[test]
    fn sizes_are_readable() {
        for (octets, expected) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (10_240, "10 KiB"),
            (1_572_864, "1.5 MiB"),
            (30 << 20, "30 MiB"),
        ] {
            assert_eq!(size(octets), expected);
        }
    }

    fn legal(raw: &[u8]) {
        let reading = read(raw);
        let field = |value: &str| !value.chars().any(char::is_control) && value.len() <= 400;
        assert!(
            reading
                .fields()
                .all(|(_, value)| !value.is_empty() && field(value))
        );
        assert!(!reading.title.chars().any(char::is_control));
        assert!(reading.title.chars().count() <= TITLE_MAX);
        let breaks = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
        assert!(reading.text.chars().all(breaks));
        assert!(reading.text.len() < TEXT_MAX + 100);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(raw in prop::collection::vec(any::<u8>(), 0..2000)) {
            legal(&raw);
        }

        #[test]
        fn any_lines_of_a_mail_can_be_read(
            lines in prop::collection::vec(
                prop::sample::select(vec![
                    "From: a <b@c>", "Subject: =?utf-8?q?=C3=A4?=", "\u{0}\u{1b}", "--b", "--b--", "",
                    "Content-Type: multipart/mixed; boundary=b", "Content-Type: text/html",
                    "Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", "YQ=",
                    "Content-Transfer-Encoding: quoted-printable", "=C3=", "<table><td>a<td>b</head>",
                    "Content-Disposition: attachment; filename*0*=utf-8''%ff; filename*1=x", " folded",
                    "Content-Type: text/plain; charset=utf-16", "Content-Type: text/plain; charset=utf-7", "+AGE-",
                    "Content-Type: multipart/alternative; boundary=\"b\"", "Content-Type: application/pkcs7-mime",
                ]),
                0..40,
            ),
        ) {
            legal(lines.join("\n").as_bytes());
            legal(lines.join("\r\n").as_bytes());
        }
    }
}
