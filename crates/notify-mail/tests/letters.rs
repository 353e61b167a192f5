//! Whole messages: as snapshots, and read back by an independent reader.

mod reader;

use chrono::{DateTime, FixedOffset};
use notify_mail::{Address, Letter};
use proptest::prelude::*;
use reader::{Read, decoded, display_name};

fn date() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-11-02T21:23:26+01:00").expect("a date")
}

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

struct Written {
    author: String,
    from: Address,
    to: Vec<Address>,
    subject: String,
    text: String,
    html: String,
}

impl Written {
    fn new(author: &str, subject: &str, text: &str, html: &str) -> Self {
        Written {
            author: author.to_owned(),
            from: address("pve1@example.com"),
            to: vec![address("a@example.com"), address("b@example.com")],
            subject: subject.to_owned(),
            text: text.to_owned(),
            html: html.to_owned(),
        }
    }

    fn letter(&self) -> Letter<'_> {
        Letter {
            author: &self.author,
            from: &self.from,
            to: &self.to,
            subject: self.subject.as_str().into(),
            text: self.text.as_str().into(),
            html: self.html.as_str().into(),
            date: date(),
            message_id: "0190c5a6-0000-7000-8000-000000000001.ops@pve1.example.com".to_owned(),
            instance: "5a1f".to_owned(),
        }
    }
}

const SENDMAIL_HEADERS: [&str; 9] = [
    "Content-Type",
    "MIME-Version",
    "Subject",
    "From",
    "To",
    "Date",
    "Auto-Submitted",
    "Message-ID",
    "X-Notify-Loop",
];

const SMTP_HEADERS: [&str; 9] = [
    "From",
    "To",
    "Subject",
    "MIME-Version",
    "Date",
    "Auto-Submitted",
    "Message-ID",
    "X-Notify-Loop",
    "Content-Type",
];

/// Reads both forms back and compares them with what went in.
fn check(written: &Written) {
    let letter = written.letter();
    let sendmail = letter.for_sendmail();
    assert!(!sendmail.contains('\r'));
    assert!(sendmail.lines().all(|line| line != "."));
    check_form(written, &sendmail, "\n", &SENDMAIL_HEADERS);
    let smtp = letter.for_smtp();
    assert!(!smtp.replace("\r\n", "").contains(['\r', '\n']));
    check_form(written, &smtp, "\r\n", &SMTP_HEADERS);
}

fn check_form(written: &Written, message: &str, end: &str, names: &[&str]) {
    assert!(message.ends_with(end));
    assert!(message.is_ascii(), "7 bits are enough for ASCII addresses");
    assert!(message.split(end).all(|line| line.len() <= 998));
    let read = Read::of(message, end);
    assert_eq!(read.names(), names);
    assert_eq!(decoded(read.header("Subject")), one_line(&written.subject));
    assert_eq!(display_name(read.header("From")), one_line(&written.author));
    assert!(read.header("From").ends_with("<pve1@example.com>"));
    assert_eq!(read.header("To"), "a@example.com, b@example.com");
    let parts = read.parts(end);
    let types: Vec<&str> = parts
        .iter()
        .map(|part| part.header("Content-Type"))
        .collect();
    assert_eq!(
        types,
        [
            "text/plain; charset=\"UTF-8\"",
            "text/html; charset=\"UTF-8\""
        ]
    );
    assert_eq!(parts[0].text(), lf(&written.text));
    assert_eq!(parts[1].text(), lf(&written.html));
}

/// What a header can say of a text: no line breaks, no other control characters, no outer blanks.
fn one_line(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    text.trim().to_owned()
}

fn lf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[test]
fn an_ordinary_mail() {
    let written = Written::new(
        "Proxmox VE",
        "vzdump backup status (pve1.example.com): backup successful ",
        "Details\n=======\nVMID    Name\n100     web\n",
        "<html><body><p>Details</p></body></html>\n",
    );
    check(&written);
    insta::assert_snapshot!("ordinary_sendmail", written.letter().for_sendmail());
    insta::assert_snapshot!(
        "ordinary_smtp",
        written.letter().for_smtp().replace("\r\n", "\n")
    );
}

#[test]
fn a_mail_that_is_all_trouble() {
    let long_line = "0123456789".repeat(100);
    let written = Written {
        from: address("root"),
        to: vec![],
        ..Written::new(
            "Foo, Bar (x) \"y\" \\ Jörg\r\nBcc: evil@example.com",
            "Größe überschritten: \r\nBcc: evil@example.com\r\n\r\nbody",
            &format!("first\n.\n--=_0_0190c5a6000070008000000000000001x\n{long_line}\n"),
            "日本語のテスト、日本語のテスト、日本語のテスト\n",
        )
    };
    insta::assert_snapshot!("trouble_sendmail", written.letter().for_sendmail());
}

#[test]
fn fixtures_read_back() {
    let long = "x".repeat(5000);
    let words = "word ".repeat(500);
    for text in [
        "",
        "\n",
        ".",
        "a\r\n.\r\nb",
        "From me\n",
        "\0\u{7f}",
        "=?utf-8?b?eA==?=",
        "a  b   c",
        "ends with blank \n",
        "\ttab",
        "--=_0_x",
        "日本語",
        "\u{2028}\u{feff}",
        &long,
        &words,
    ] {
        check(&Written::new("Proxmox VE", text, text, text));
        check(&Written::new(text, "subject", text, "<p>"));
    }
}

#[test]
fn dates_are_local_for_sendmail_and_utc_for_smtp() {
    let written = Written::new("a", "b", "c", "d");
    let sendmail = written.letter().for_sendmail();
    assert!(sendmail.contains("\nDate: Mon, 02 Nov 2026 21:23:26 +0100\n"));
    let smtp = written.letter().for_smtp();
    assert!(smtp.contains("\r\nDate: Mon, 02 Nov 2026 20:23:26 +0000\r\n"));
}

#[test]
fn the_loop_mark_is_a_word() {
    let written = Written::new("a", "b", "c", "d");
    let letter = Letter {
        instance: "5a\r\nBcc: x".to_owned(),
        message_id: "1\r\nBcc: x".to_owned(),
        ..written.letter()
    };
    let message = letter.for_sendmail();
    assert!(message.contains("\nX-Notify-Loop: 5aBccx\n"));
    assert_eq!(Read::of(&message, "\n").names(), SENDMAIL_HEADERS);
}

/// Texts with a good share of what breaks mail.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[ -~]{0,30}",
        2 => "\\PC{0,20}",
        1 => any::<String>(),
        1 => Just("\r\n".to_owned()),
        1 => Just("\n".to_owned()),
        1 => Just("\n.\n".to_owned()),
        1 => Just("\r\nBcc: evil@example.com\r\n".to_owned()),
        1 => Just("=?utf-8?q?=41?=".to_owned()),
        1 => Just(" ".repeat(90)),
        1 => Just("x".repeat(1000)),
        1 => Just("\n--=_0_".to_owned()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_letter_reads_back(author in text(), subject in text(), text in text(), html in text()) {
        check(&Written::new(&author, &subject, &text, &html));
    }

    #[test]
    fn any_address_that_is_accepted_fits_in_a_header(text in "\\PC{0,70}|[a-z\"<>@,. \\\\]{0,40}@[a-z.\\[\\]:0-9-]{0,20}") {
        let Ok(to) = text.parse::<Address>() else { return Ok(()) };
        let written = Written { to: vec![to.clone(), to.clone()], ..Written::new("a", "b", "c", "d") };
        let message = written.letter().for_smtp();
        let read = Read::of(&message, "\r\n");
        prop_assert_eq!(read.names(), SMTP_HEADERS);
        let expected = format!("{to}, {to}");
        prop_assert_eq!(read.header("To"), expected);
        let again: Address = to.to_string().parse().expect("what it shows is an address");
        prop_assert_eq!(again, to);
    }
}
