//! Through Postfix's own `sendmail` into a mailbox.

use std::time::{Duration, Instant};

use mail_parser::MessageParser;
use notify_core::{FailureKind, PlainHost};
use notify_testkit::real::{Mail, Postfix, PostfixOptions};
use notify_testkit::{Delivery, Section};
use target_sendmail::SENDMAIL;

fn host(postfix: &Postfix) -> PlainHost {
    let host = PlainHost {
        fqdn: "pve1.example.com".to_owned(),
        sendmail: postfix.sendmail(),
        ..PlainHost::named("pve1")
    };
    host.with_user("root@pam", "root")
}

fn arrived(postfix: &Postfix, mailbox: &str, count: usize) -> Vec<Mail> {
    let mails = postfix.wait_for(mailbox, count, Instant::now() + Duration::from_secs(60));
    assert_eq!(mails.len(), count, "{}", postfix.log());
    mails
}

#[tokio::test]
async fn a_mail_arrives_whole_in_every_mailbox() {
    let options = PostfixOptions::plain().alias("root", "admin@example.com");
    // Postfix itself takes no address that begins with `-` unless told to.
    let postfix = Postfix::start(&options.setting("allow_min_user", "yes"));
    let section = Section::new("ops")
        .public("mailto", "ops@example.com")
        .public("mailto", "-rf@example.com")
        .public("mailto-user", "root@pam")
        .public("author", "Backup, \"Büro\" (x)")
        .public("from-address", "pve1@example.com");
    let target = section.build(&SENDMAIL).expect("a usable section");
    let text = format!("before\n.\nFrom me\n{}\nGröße\nafter\n", "x".repeat(5000));
    let delivery = Delivery::new("Größe überschritten: 日本語", &text).host(host(&postfix));
    delivery.to(&*target).await.expect("Postfix takes it");
    for mailbox in ["ops", "-rf", "admin"] {
        let mail = arrived(&postfix, mailbox, 1).remove(0);
        let read = MessageParser::new().parse(&mail.0).expect("it is a mail");
        assert_eq!(read.subject(), Some("Größe überschritten: 日本語"));
        assert_eq!(read.body_text(0).as_deref(), Some(text.as_str()));
        let from = read.from().and_then(|from| from.first()).expect("a sender");
        assert_eq!(from.name(), Some("Backup, \"Büro\" (x)"));
        assert_eq!(from.address(), Some("pve1@example.com"));
        let envelope = mail.header("Return-Path");
        assert_eq!(envelope.as_deref(), Some("<pve1@example.com>"));
        let key = delivery.attempt().key;
        assert_eq!(
            read.message_id(),
            Some(format!("{key}@pve1.example.com").as_str())
        );
    }
}

/// The sender `root` is completed by the mail server, as in Proxmox VE.
#[tokio::test]
async fn root_is_completed_by_the_mail_server() {
    let postfix = Postfix::start(&PostfixOptions::plain());
    let section = Section::new("ops").public("mailto", "ops@example.com");
    let target = section.build(&SENDMAIL).expect("a usable section");
    let delivery = Delivery::new("subject", "text").host(host(&postfix));
    delivery.to(&*target).await.expect("Postfix takes it");
    let mail = arrived(&postfix, "ops", 1).remove(0);
    let from = mail.header("From").expect("a sender");
    assert!(from.starts_with("\"Proxmox VE\" <root@"), "{from}");
}

#[tokio::test]
async fn a_mail_that_postfix_does_not_take_is_not_delivered() {
    let small = PostfixOptions::plain().setting("message_size_limit", "2000");
    let postfix = Postfix::start(&small);
    let section = Section::new("ops").public("mailto", "ops@example.com");
    let target = section.build(&SENDMAIL).expect("a usable section");
    let large = Delivery::new("subject", &"text\n".repeat(2000)).host(host(&postfix));
    let failure = large.to(&*target).await.expect_err("too large");
    assert_eq!(failure.kind(), FailureKind::Unavailable);
    let report = failure.report();
    assert!(report.contains("exited with 75"), "{report}");
    assert!(report.contains("message file too big"), "{report}");
}

/// A mail with everything that a program may stumble over, through the real one.
#[tokio::test]
async fn the_mail_of_another_program_arrives_as_it_was() {
    let postfix = Postfix::start(&PostfixOptions::plain());
    let section = Section::new("ops")
        .public("mailto", "ops@example.com")
        .public("from-address", "pve1@example.com");
    let target = section.build(&SENDMAIL).expect("a usable section");
    let body = format!(
        "before\n.\n..\nFrom me\nGröße\n{}\nafter the dot\n",
        "x".repeat(1500)
    );
    let header = "From: root@pve1.example.com\nTo: root@pve1.example.com\nSubject: Cron <root@pve1> x\nDate: Mon, 8 Jan 2024 08:00:00 +0100\nMessage-ID: <1@pve1>\nDelivered-To: root@pve1.example.com\nX-Cron-Env: <SHELL=/bin/sh>\n";
    let raw = format!("From root@pve1 Mon Jan  8 08:00:00 2024\n{header}\n{body}");
    let delivery = Delivery::mail(raw.as_bytes(), "s", "before").host(host(&postfix));
    delivery.to(&*target).await.expect("Postfix takes it");
    let mail = arrived(&postfix, "ops", 1).remove(0);
    let text = String::from_utf8(mail.0.clone()).expect("UTF-8");
    let (_, arrived_body) = text.split_once("\n\n").expect("a body");
    // Postfix folds what is longer than 998 octets when it goes over SMTP; here it does not.
    assert_eq!(arrived_body, body);
    for line in header.lines() {
        assert!(
            text.lines().any(|known| known == line),
            "{line} is not in\n{text}"
        );
    }
    let envelope = mail.header("Return-Path");
    assert_eq!(envelope.as_deref(), Some("<pve1@example.com>"));
}
