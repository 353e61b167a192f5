//! Through a real Postfix into a mailbox, in every mode and with both kinds of login.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mail_parser::MessageParser;
use notify_core::{FailureKind, Target};
use notify_testkit::canary::PASSWORD;
use notify_testkit::real::{Mail, Port, Postfix, PostfixOptions};
use notify_testkit::smtp::Mechanism;
use notify_testkit::tls::Authority;
use notify_testkit::{Delivery, Section};
use target_smtp::SMTP;

fn section(postfix: &Postfix, port: Port) -> Section {
    let mode = match port {
        Port::Plain | Port::PlainAuth => "insecure",
        Port::StartTls | Port::StartTlsAuth => "starttls",
        Port::Tls | Port::TlsAuth => "tls",
    };
    Section::new("relay")
        .public("server", "localhost")
        .public("port", postfix.addr(port).port().to_string())
        .public("mode", mode)
        .public("from-address", "pve1@example.com")
}

fn target(section: &Section) -> Arc<dyn Target> {
    section.build(&SMTP).expect("a usable section")
}

fn arrived(postfix: &Postfix, mailbox: &str, count: usize) -> Vec<Mail> {
    let mails = postfix.wait_for(mailbox, count, Instant::now() + Duration::from_secs(60));
    assert_eq!(mails.len(), count, "{}", postfix.log());
    mails
}

#[tokio::test]
async fn a_mail_arrives_whole_in_every_mode() {
    let authority = Authority::new();
    let postfix = Postfix::start(&PostfixOptions::plain().tls(&authority.localhost()));
    let ca = authority.pem_file().display().to_string();
    let text = format!("before\n.\n..\n{}\nGröße\nafter\n", "x".repeat(5000));
    for (port, mailbox) in [
        (Port::Plain, "plain"),
        (Port::StartTls, "starttls"),
        (Port::Tls, "tls"),
    ] {
        let section = section(&postfix, port).public("mailto", format!("{mailbox}@example.com"));
        let section = match port {
            Port::Plain => section,
            _ => section.public("ca-file", &ca),
        };
        let target = target(&section);
        let delivery = Delivery::new("Größe überschritten: 日本語", &text);
        let receipt = delivery.to(&*target).await.expect("Postfix takes it");
        let reference = receipt.reference.expect("its answer");
        assert!(reference.starts_with("2.0.0 Ok: queued as "), "{reference}");
        delivery.event(2).to(&*target).await.expect("once more");
        for mail in arrived(&postfix, mailbox, 2) {
            let read = MessageParser::new().parse(&mail.0).expect("it is a mail");
            assert_eq!(read.subject(), Some("Größe überschritten: 日本語"));
            assert_eq!(read.body_text(0).as_deref(), Some(text.as_str()));
            let envelope = mail.header("Return-Path");
            assert_eq!(envelope.as_deref(), Some("<pve1@example.com>"));
        }
    }
    // Two mails each, three connections.
    let connections = postfix.log().matches(": connect from ").count();
    assert_eq!(connections, 3, "{}", postfix.log());
}

async fn check_login(mechanism: Mechanism) {
    let authority = Authority::new();
    let identity = authority.localhost();
    let options = PostfixOptions::plain()
        .tls(&identity)
        .auth(&[mechanism], "pve1", PASSWORD);
    let postfix = Postfix::start(&options);
    for (port, mailbox) in [
        (Port::PlainAuth, "plain"),
        (Port::StartTlsAuth, "starttls"),
        (Port::TlsAuth, "tls"),
    ] {
        let section = section(&postfix, port)
            .public("mailto", format!("{mailbox}@example.com"))
            .public("username", "pve1");
        let section = match port {
            Port::PlainAuth => section,
            _ => section.public("tls-fingerprint", identity.fingerprint()),
        };
        let good = section.clone().secret("password", PASSWORD);
        let delivery = Delivery::new("subject", "text");
        delivery.to(&*target(&good)).await.expect("logged in");
        arrived(&postfix, mailbox, 1);
        let bad = section.secret("password", "wrong");
        let failure = delivery.to(&*target(&bad)).await.expect_err("no login");
        assert_eq!(failure.kind(), FailureKind::Misconfigured);
        assert!(
            failure.report().contains("answered 535 to the login"),
            "{}",
            failure.report()
        );
    }
    for mailbox in ["plain", "starttls", "tls"] {
        arrived(&postfix, mailbox, 1);
    }
}

#[tokio::test]
async fn a_login_with_plain() {
    check_login(Mechanism::Plain).await;
}

#[tokio::test]
async fn a_login_with_login() {
    check_login(Mechanism::Login).await;
}

#[tokio::test]
async fn one_unknown_recipient_does_not_fail_the_others() {
    let postfix = Postfix::start(&PostfixOptions::plain());
    let section = section(&postfix, Port::Plain)
        .public("mailto", "nosuch@example.com")
        .public("mailto", "ops@example.com");
    let receipt = Delivery::new("subject", "text")
        .to(&*target(&section))
        .await;
    let refused = receipt.expect("taken for one").refused;
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].0, "nosuch@example.com");
    assert_eq!(refused[0].1.kind(), FailureKind::Rejected);
    arrived(&postfix, "ops", 1);
    let nobody = section
        .without("mailto")
        .public("mailto", "nosuch@example.com");
    let failure = Delivery::new("subject", "text").to(&*target(&nobody)).await;
    assert_eq!(failure.expect_err("nobody").kind(), FailureKind::Rejected);
}

#[tokio::test]
async fn a_mail_that_is_too_large_is_rejected() {
    let small = PostfixOptions::plain().setting("message_size_limit", "2000");
    let postfix = Postfix::start(&small);
    let section = section(&postfix, Port::Plain).public("mailto", "ops@example.com");
    let large = Delivery::new("subject", &"text\n".repeat(2000));
    let failure = large.to(&*target(&section)).await.expect_err("too large");
    assert_eq!(
        failure.kind(),
        FailureKind::Rejected,
        "{}",
        failure.report()
    );
}

#[tokio::test]
async fn a_server_that_asks_for_encryption_is_a_matter_of_configuration() {
    let postfix = Postfix::start(&PostfixOptions::plain().tls(&Authority::new().localhost()));
    let section = section(&postfix, Port::StartTls)
        .without("mode")
        .public("mode", "insecure")
        .public("mailto", "ops@example.com");
    let failure = Delivery::new("subject", "text")
        .to(&*target(&section))
        .await;
    let failure = failure.expect_err("not without encryption");
    assert_eq!(failure.kind(), FailureKind::Misconfigured);
    assert!(
        failure.report().contains("answered 530"),
        "{}",
        failure.report()
    );
}

/// Type, file name and decoded content of each part that is no multipart.
fn parts(raw: &[u8]) -> Vec<(String, Option<String>, Vec<u8>)> {
    use mail_parser::{MimeHeaders as _, PartType};
    let mail = MessageParser::new().parse(raw).expect("it is a mail");
    let leaves = mail
        .parts
        .iter()
        .filter(|part| !matches!(part.body, PartType::Multipart(_)));
    let told = leaves.map(|part| {
        let kind = part.content_type().expect("each says what it is");
        let content = match &part.body {
            PartType::Text(text) | PartType::Html(text) => text.replace("\r\n", "\n").into_bytes(),
            _ => part.contents().to_vec(),
        };
        (
            format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()),
            part.attachment_name().map(str::to_owned),
            content,
        )
    });
    told.collect()
}

/// The mail of another program: 8-bit text, HTML, a file that is not ASCII.
fn with_attachment() -> Vec<u8> {
    use base64::Engine as _;
    let file: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    let file = base64::engine::general_purpose::STANDARD.encode(file);
    let lines: Vec<&str> = (0..file.len())
        .step_by(76)
        .map(|at| &file[at..file.len().min(at + 76)])
        .collect();
    let mail = format!(
        "From root Mon Jan  8 08:00:00 2024\nReceived: by pve1\nDelivered-To: root@pve1\nX-Notify-Loop: 77aa\nFrom: cron <root@pve1>\nTo: root\nCc: nosuch@example.com\nBcc: nosuch@example.com\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe_=C3=BCberschritten?=\nDate: Mon, 8 Jan 2024 08:00:00 +0100\nMessage-ID: <old@pve1>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n\nnobody sees this\n--m\nContent-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=F6=DFe\n.\n..\n--a\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n<p>Größe {}</p>\n--a--\n--m\nContent-Type: application/gzip\nContent-Disposition: attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.gz\nContent-Transfer-Encoding: base64\n\n{}\n--m--\n",
        "x".repeat(2000),
        lines.join("\n")
    );
    mail.into_bytes()
}

#[tokio::test]
async fn the_mail_of_another_program_arrives_part_by_part() {
    let postfix = Postfix::start(&PostfixOptions::plain());
    let section = section(&postfix, Port::Plain).public("mailto", "ops@example.com");
    let raw = with_attachment();
    let delivery = Delivery::mail(&raw, "Größe überschritten", "Größe\n");
    let receipt = delivery.to(&*target(&section)).await.expect("taken");
    assert_eq!(receipt.warnings, [""; 0]);
    let mail = arrived(&postfix, "ops", 1).remove(0);
    assert_eq!(parts(&mail.0), parts(&raw));
    let read = MessageParser::new().parse(&mail.0).expect("it is a mail");
    assert_eq!(read.subject(), Some("Größe überschritten"));
    assert_eq!(
        read.message_id(),
        Some(format!("{}@pve1.example.com", delivery.attempt().key).as_str())
    );
    let text = String::from_utf8_lossy(&mail.0);
    for gone in [
        "old@pve1>\nMIME",
        "Cc:",
        "Bcc:",
        "Delivered-To: root@pve1",
        "nosuch",
    ] {
        assert!(!text.contains(gone), "{gone}");
    }
    assert!(text.contains("\nX-Notify-Loop: 77aa\n"));
    assert!(text.contains("\nX-Original-Message-ID: <old@pve1>\n"));
}

/// Postfix announces its limit, and gets a mail that keeps to it.
#[tokio::test]
async fn a_mail_over_the_servers_limit_arrives_without_its_file() {
    let small = PostfixOptions::plain().setting("message_size_limit", "100000");
    let postfix = Postfix::start(&small);
    let section = section(&postfix, Port::Plain).public("mailto", "ops@example.com");
    let delivery = Delivery::mail(&with_attachment(), "s", "Größe\n");
    let receipt = delivery.to(&*target(&section)).await.expect("taken");
    assert_eq!(
        receipt.warnings,
        ["left out, because the mail is larger than 98 KiB: Größe.gz (application/gzip, 196 KiB)"]
    );
    let mail = arrived(&postfix, "ops", 1).remove(0);
    let parts = parts(&mail.0);
    assert_eq!(parts.len(), 3);
    assert_eq!(parts[0].2, "Größe\n.\n..".as_bytes());
    let note =
        "[Left out, because the mail is larger than 98 KiB: Größe.gz (application/gzip, 196 KiB)]";
    assert_eq!(parts[2].2, note.as_bytes());
}
