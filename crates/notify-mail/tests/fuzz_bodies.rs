//! What must hold for any bytes at all. Property tests and the fuzz target call these.

use std::sync::Arc;

use chrono::DateTime;
use mail_parser::{HeaderName, Message, MessageParser};
use notify_core::ForwardedMail;
use notify_mail::{Address, Capacity, Forward, read, within};

/// The smallest that a target accepts.
const LIMIT: usize = 16 * 1024;

/// Every way in which a server may take a mail.
pub(crate) const CAPACITIES: [Capacity; 4] = [
    capacity(true, None),
    capacity(false, None),
    capacity(true, Some(LIMIT)),
    capacity(false, Some(LIMIT)),
];

pub(crate) const fn capacity(eight_bit: bool, max_size: Option<usize>) -> Capacity {
    Capacity {
        eight_bit,
        max_size,
    }
}

/// A mail with what is read of it.
pub(crate) fn mail(raw: &[u8]) -> ForwardedMail {
    read(raw).into_mail(Arc::from(raw))
}

/// The mail as it goes to one person.
pub(crate) fn forwarded(mail: &ForwardedMail, capacity: Capacity) -> notify_mail::Message {
    let address = |text: &str| -> Address { text.parse().expect("an address") };
    let forward = Forward {
        author: "Proxmox VE",
        from: &address("pve1@example.com"),
        to: &[address("ops@example.com"), address("second@example.com")],
        date: DateTime::from_timestamp(1_704_700_800, 0)
            .expect("a date of this century")
            .fixed_offset(),
        message_id: "018ce815.relay@pve1.example.com".to_owned(),
        instance: "5a1f".to_owned(),
        mail,
    };
    forward.for_smtp(capacity)
}

/// Reading and sending on: nothing panics, and what goes out is a legal mail.
pub(crate) fn any_mail(raw: &[u8]) {
    let mail = mail(raw);
    assert!(!mail.title.contains(char::is_control));
    for capacity in CAPACITIES {
        let message = forwarded(&mail, capacity);
        is_legal(&message.bytes, capacity);
    }
    if let Some(message) = within(&mail, Some(LIMIT)) {
        assert!(raw.len() > LIMIT);
        assert!(!message.bytes.contains(&0) && !message.bytes.contains(&b'\r'));
    }
}

/// RFC 5321 and RFC 5322: lines, octets, one field of each kind, ours.
pub(crate) fn is_legal(bytes: &[u8], capacity: Capacity) {
    assert!(bytes.ends_with(b"\r\n"));
    assert!(capacity.eight_bit || bytes.is_ascii(), "8-bit text");
    if let Some(max) = capacity.max_size {
        assert!(bytes.len() <= max, "{} octets", bytes.len());
    }
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r\n").expect("CRLF ends each line");
        assert!(line.len() <= 998, "a line of {}", line.len());
        let bad = |byte: &u8| matches!(byte, 0 | b'\r' | b'\n');
        assert!(!line.iter().any(bad), "CR, LF or NUL within a line");
    }
    let message = MessageParser::new().parse(bytes).expect("it parses");
    let once = [
        HeaderName::From,
        HeaderName::To,
        HeaderName::Subject,
        HeaderName::Date,
        HeaderName::MessageId,
        HeaderName::MimeVersion,
    ];
    for name in once {
        assert_eq!(count(&message, &name), 1, "{name}");
    }
    for name in [HeaderName::ContentType, HeaderName::ContentTransferEncoding] {
        assert!(count(&message, &name) <= 1, "{name}");
    }
    for name in [HeaderName::Cc, HeaderName::Bcc, HeaderName::Received] {
        assert_eq!(count(&message, &name), 0, "{name}");
    }
    let to: Vec<_> = message.to().expect("recipients").iter().collect();
    let to: Vec<_> = to.iter().filter_map(|known| known.address()).collect();
    assert_eq!(to, ["ops@example.com", "second@example.com"]);
    assert_eq!(
        message.message_id(),
        Some("018ce815.relay@pve1.example.com")
    );
}

fn count(message: &Message<'_>, name: &HeaderName<'_>) -> usize {
    message
        .headers()
        .iter()
        .filter(|header| header.name == *name)
        .count()
}
