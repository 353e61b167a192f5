//! Mails that are sent on over SMTP: legal whatever they are, and unharmed where they were legal.

mod cases;
mod fuzz_bodies;

use std::borrow::Cow;

use cases::{case, cases};
use fuzz_bodies::{any_mail, capacity, forwarded, is_legal, mail};
use mail_parser::{Message, MessageParser, PartType};
use notify_mail::{has_lone_dot, within};
use proptest::prelude::*;

/// The leaves of a mail: type, file name and decoded content, lines ended by LF.
fn leaves(message: &Message<'_>) -> Vec<String> {
    use mail_parser::MimeHeaders as _;
    let mut found = Vec::new();
    for part in &message.parts {
        let kind = part
            .content_type()
            .map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()));
        let kind = kind.unwrap_or_else(|| "text/plain".to_owned());
        let name = part.attachment_name().unwrap_or_default();
        let content: Cow<'_, str> = match &part.body {
            PartType::Text(text) | PartType::Html(text) => Cow::Owned(text.replace("\r\n", "\n")),
            // Its line ends are those of the mail.
            PartType::Binary(bytes) if part.encoding == mail_parser::Encoding::None => {
                Cow::Owned(String::from_utf8_lossy(bytes).replace("\r\n", "\n"))
            }
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                Cow::Owned(format!("{bytes:?}"))
            }
            PartType::Message(inner) => {
                found.extend(leaves(inner));
                continue;
            }
            PartType::Multipart(_) => continue,
        };
        found.push(format!("{kind} {name:?} {}", content.trim_end()));
    }
    found
}

#[test]
fn every_case_becomes_a_legal_mail() {
    for path in cases() {
        let raw = std::fs::read(&path).expect("it can be read");
        println!("{}", path.display());
        any_mail(&raw);
    }
}

/// Part by part, whether the server takes 8-bit text or not.
#[test]
fn nothing_in_a_mail_is_lost() {
    let mut compared = 0;
    for path in cases() {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let raw = case(&name);
        // What these say is a matter of taste, or no mail at all.
        let broken = [
            "broken-",
            "garbage",
            "hostile",
            "odd-bytes",
            "empty",
            "blank",
            "header-like",
            "no-header",
            "unknown-charset",
            "latin1-headers",
            "missing-boundary",
            "boundary-never-used",
        ];
        if broken.iter().any(|known| name.starts_with(known)) {
            continue;
        }
        let before = MessageParser::new().parse(&raw).expect("a mail");
        for eight_bit in [true, false] {
            let after = forwarded(&mail(&raw), capacity(eight_bit, None));
            assert_eq!(after.warnings, [""; 0], "{name}");
            let after = MessageParser::new()
                .parse(&after.bytes)
                .expect("a mail")
                .into_owned();
            assert_eq!(leaves(&before), leaves(&after), "{name}, 8-bit {eight_bit}");
            assert_eq!(
                after.subject().map(str::to_owned).unwrap_or_default(),
                mail(&raw).title,
                "{name}"
            );
            compared += 1;
        }
    }
    assert!(compared >= 60, "only {compared}");
}

/// What is legal goes through byte for byte, from the first line of the body to the last.
#[test]
fn legal_bodies_are_not_touched() {
    for name in [
        "alternative",
        "attachment",
        "nested",
        "smime-signed",
        "pgp-signed",
        "pgp-encrypted",
        "bounce",
        "digest",
        "winmail-only",
        "iso-2022-jp",
    ] {
        let raw = case(name);
        let body = |bytes: &[u8]| {
            let text: Vec<u8> = bytes
                .iter()
                .copied()
                .filter(|byte| *byte != b'\r')
                .collect();
            let at = text
                .windows(2)
                .position(|pair| pair == b"\n\n")
                .expect("a body");
            text[at + 2..].to_vec()
        };
        let message = forwarded(&mail(&raw), capacity(true, None));
        if name == "attachment" {
            // Its 8-bit text is announced in the part, but not for the whole.
            assert!(
                String::from_utf8_lossy(&message.bytes).contains("Content-Transfer-Encoding: 8bit")
            );
        }
        assert_eq!(body(&message.bytes), body(&raw), "{name}");
    }
}

#[test]
fn mails_look_like_this() {
    for (name, eight_bit) in [
        ("cron-debian", false),
        ("latin1-headers", true),
        ("attachment", false),
        ("forwarded-message", true),
        ("loop", true),
        ("no-header", true),
        ("garbage", false),
        ("hostile", true),
    ] {
        let message = forwarded(&mail(&case(name)), capacity(eight_bit, None));
        let text = String::from_utf8_lossy(&message.bytes).replace("\r\n", "\n");
        insta::assert_snapshot!(format!("forward_{name}"), text);
    }
}

#[test]
fn a_signature_survives_unless_it_cannot() {
    let signed = |text: &str| {
        format!(
            "Subject: s\nContent-Type: multipart/signed; boundary=b; protocol=\"x/y\"\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n--b\nContent-Type: application/pgp-signature\n\nsig\n--b--\n"
        )
    };
    let eight_bit = mail(signed("Grüße").as_bytes());
    let kept = forwarded(&eight_bit, capacity(true, None));
    assert_eq!(kept.warnings, [""; 0]);
    // The part under the signature has no encoding of its own, and gets none.
    let part = "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße\r\n--b\r\n";
    assert!(String::from_utf8_lossy(&kept.bytes).contains(part));
    let broken = forwarded(&eight_bit, capacity(false, None));
    assert_eq!(broken.warnings.len(), 1);
    assert!(broken.warnings[0].contains("signature does not hold"));
    is_legal(&broken.bytes, capacity(false, None));
    let long = mail(signed(&"x".repeat(1200)).as_bytes());
    assert_eq!(forwarded(&long, capacity(true, None)).warnings.len(), 1);
}

fn with_attachments(sizes: &[usize]) -> Vec<u8> {
    let mut raw = "From: a@b\nTo: root\nSubject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nThe text.\n".to_owned();
    for (number, size) in sizes.iter().enumerate() {
        let line = format!("{}\n", "QUJD".repeat(19));
        raw.push_str(&format!("--b\nContent-Type: application/zip; name=f{number}.zip\nContent-Transfer-Encoding: base64\n\n{}", line.repeat(size / line.len())));
    }
    raw.push_str("--b--\n");
    raw.into_bytes()
}

#[test]
fn the_largest_attachments_are_left_out_first() {
    let raw = with_attachments(&[2_000, 40_000, 9_000, 30_000]);
    let limit = capacity(true, Some(20_000));
    let message = forwarded(&mail(&raw), limit);
    is_legal(&message.bytes, limit);
    assert_eq!(
        message.warnings,
        [
            "left out, because the mail is larger than 20 KiB: f1.zip (application/zip, 29 KiB), f3.zip (application/zip, 22 KiB)"
        ]
    );
    let parsed = MessageParser::new().parse(&message.bytes).expect("a mail");
    let leaves = leaves(&parsed);
    let begins: Vec<String> = leaves
        .iter()
        .map(|leaf| leaf.chars().take(90).collect())
        .collect();
    assert_eq!(leaves.len(), 5, "{begins:?}");
    assert_eq!(leaves[0], "text/plain \"\" The text.");
    assert!(leaves[1].starts_with("application/zip \"f0.zip\" [65, 66, 67"));
    assert_eq!(
        leaves[2],
        "text/plain \"\" [Left out, because the mail is larger than 20 KiB: f1.zip (application/zip, 29 KiB)]"
    );
    assert!(leaves[3].starts_with("application/zip \"f2.zip\""));
}

#[test]
fn a_text_that_is_too_long_is_cut() {
    for line in [
        "a line of plain text\n",
        "Größe ist eine Zeile\n",
        "日本語のテキスト\n",
    ] {
        let raw = format!(
            "Subject: s\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{}",
            line.repeat(2000)
        );
        let limit = capacity(true, Some(10_000));
        let message = forwarded(&mail(raw.as_bytes()), limit);
        is_legal(&message.bytes, limit);
        assert_eq!(
            message.warnings,
            ["only the text was sent, because the mail is larger than 9.8 KiB"]
        );
        let parsed = MessageParser::new().parse(&message.bytes).expect("a mail");
        let text = parsed.body_text(0).expect("a text").replace("\r\n", "\n");
        assert!(text.starts_with(line), "{text}");
        assert!(
            text.contains(
                "[Only the beginning of the text is left, because the mail is larger than 9.8 KiB."
            ),
            "{text}"
        );
        assert!(
            message.bytes.len() > 7_000,
            "{} octets",
            message.bytes.len()
        );
    }
}

/// For a `sendmail` program the bytes stay, and over the limit the header stays.
#[test]
fn sendmail_gets_the_bytes_or_a_shorter_mail() {
    let raw = with_attachments(&[2_000, 40_000]);
    let raw = [
        b"From x Mon\nDelivered-To: root@pve1\nX-Long: ",
        raw.as_slice(),
    ]
    .concat();
    let mail = mail(&raw);
    assert!(within(&mail, None).is_none());
    assert!(within(&mail, Some(raw.len())).is_none());
    let shorter = within(&mail, Some(20_000)).expect("it is too large");
    let text = String::from_utf8_lossy(&shorter.bytes);
    assert!(shorter.bytes.len() <= 20_000 && !text.contains('\r'));
    assert!(
        text.starts_with("MIME-Version: 1.0\nDelivered-To: root@pve1\nX-Long:"),
        "{text}"
    );
    assert!(text.contains("[Left out, because the mail is larger than 20 KiB: f1.zip"));
    assert!(text.contains("name=f0.zip"));
    assert_eq!(shorter.warnings.len(), 1);
}

#[test]
fn a_lone_dot_is_seen() {
    for (text, expected) in [
        ("a\n.\nb", true),
        ("a\n.\r\nb", true),
        (".", true),
        ("a\n.", true),
        ("..\n.a\na.\n", false),
        ("", false),
    ] {
        assert_eq!(has_lone_dot(text.as_bytes()), expected, "{text:?}");
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(200)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_become_a_legal_mail(raw in prop::collection::vec(any::<u8>(), 0..3000)) {
        any_mail(&raw);
    }

    /// Cases with bytes changed, cut out and put in.
    #[test]
    fn damaged_mails_become_legal_ones(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..3, any::<u8>(), 0_usize..20_000), 1..6),
    ) {
        let all = cases();
        let mut raw = std::fs::read(which.get(&all)).expect("it can be read");
        for (at, kind, byte, count) in edits {
            let at = at.index(raw.len() + 1);
            match kind {
                0 => raw.insert(at, byte),
                1 => drop(raw.drain(at..(at + count / 400).min(raw.len()))),
                _ => drop(raw.splice(at..at, std::iter::repeat_n(byte, count))),
            }
        }
        any_mail(&raw);
    }
}
