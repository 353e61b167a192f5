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
