//! The chapter's examples, changed only in names, servers and recipients, deliver for real:
//! through Postfix's `sendmail`, through Postfix as a relay, and to a Gotify server.

use std::time::{Duration, Instant};

use notify_testkit::gotify;
use notify_testkit::real::{Port, Postfix, PostfixOptions};
use notify_testkit::smtp::Mechanism;
use notify_testkit::tls::Authority;
use notify_tests::Notify;

const PATIENCE: Duration = Duration::from_secs(60);

const USERS: &str =
    "user:root@pam:1:0:::root@example.com:::\nuser:admin@pve:1:0:::admin@example.com:::\n";

fn failure(title: &str) -> [&str; 9] {
    [
        "send",
        "--severity",
        "error",
        "--type",
        "vzdump",
        "--title",
        title,
        "--message",
        "disk full: größer geht nicht",
    ]
}

/// Each of the three mailboxes gets the mail once, with the sender and the text as configured.
#[track_caller]
fn check_mailboxes(postfix: &Postfix, title: &str, mailboxes: &[&str]) {
    for mailbox in mailboxes {
        let mails = postfix.wait_for(mailbox, 1, Instant::now() + PATIENCE);
        assert_eq!(mails.len(), 1, "mails of {mailbox}\n{}", postfix.log());
        let mail = &mails[0];
        assert_eq!(mail.header("Subject").as_deref(), Some(title));
        let from = mail.header("From").unwrap_or_default();
        assert!(
            from.contains("Proxmox VE") && from.ends_with("<pve1@example.com>"),
            "{from}"
        );
        assert_eq!(
            mail.header("Auto-Submitted").as_deref(),
            Some("auto-generated")
        );
        assert!(mail.header("X-Notify-Loop").is_some());
        let id = mail.header("Message-ID").unwrap_or_default();
        assert!(id.starts_with('<') && id.contains(".example"), "{id}");
    }
}

#[test]
fn the_sendmail_example_reaches_users_and_addresses_through_the_local_mta() {
    let postfix = Postfix::start(&PostfixOptions::plain());
    let notify = Notify::new()
        .file("user.cfg", USERS)
        .file(
            "notifications.cfg",
            "sendmail: example\n        mailto-user root@pam\n        mailto-user admin@pve\n        mailto max@example.com\n        \
             from-address pve1@example.com\n        comment Send to multiple users/addresses\n\n\
             matcher: default-matcher\n        target example\n",
        )
        .variable("MAIL_CONFIG", postfix.mail_config());
    let _ = notify.run(&["check"]).expect_code(0);
    let run = notify.run(&failure("Backup failed")).expect_code(0);
    assert!(
        run.stdout.contains("delivered example (sendmail)"),
        "{}",
        run.stdout
    );
    check_mailboxes(&postfix, "Backup failed", &["max", "root", "admin"]);
}

#[test]
fn the_built_in_target_mails_root_without_any_configuration() {
    let postfix = Postfix::start(&PostfixOptions::plain());
    let notify = Notify::new()
        .file("user.cfg", USERS)
        .variable("MAIL_CONFIG", postfix.mail_config());
    let _ = notify.run(&failure("Backup failed")).expect_code(0);
    let mails = postfix.wait_for("root", 1, Instant::now() + PATIENCE);
    assert_eq!(mails.len(), 1, "{}", postfix.log());
    assert_eq!(mails[0].header("Subject").as_deref(), Some("Backup failed"));
}

#[test]
fn the_smtp_example_reaches_users_and_addresses_through_a_relay() {
    let authority = Authority::new();
    for mechanism in [Mechanism::Plain, Mechanism::Login] {
        let options = PostfixOptions::plain().tls(&authority.localhost()).auth(
            &[mechanism],
            "pve1",
            "somepassword",
        );
        let postfix = Postfix::start(&options);
        let notify = Notify::new()
            .file("user.cfg", USERS)
            .file(
                "notifications.cfg",
                format!(
                    "smtp: example\n        mailto-user root@pam\n        mailto-user admin@pve\n        mailto max@example.com\n        \
                     from-address pve1@example.com\n        username pve1\n        server localhost\n        port {}\n        \
                     mode starttls\n\nmatcher: default-matcher\n        target example\n",
                    postfix.addr(Port::StartTlsAuth).port()
                ),
            )
            .file("priv/notifications.cfg", "smtp: example\n        password somepassword\n")
            .variable("SSL_CERT_FILE", authority.pem_file())
            .variable("SSL_CERT_DIR", "/nonexistent");
        let run = notify.run(&failure("Backup failed")).expect_code(0);
        assert!(run.stdout.contains("queued as"), "{}", run.stdout);
        check_mailboxes(&postfix, "Backup failed", &["max", "root", "admin"]);
    }
}

#[test]
fn the_gotify_example_arrives() {
    let server = gotify::Server::start(gotify::Options::token("somesecrettoken"));
    let notify = Notify::new()
        .file(
            "notifications.cfg",
            format!(
                "gotify: example\n        server {}\n        comment Send to multiple users/addresses\n\n\
                 matcher: default-matcher\n        target example\n",
                server.url()
            ),
        )
        .file("priv/notifications.cfg", "gotify: example\n        token somesecrettoken\n");
    let _ = notify.run(&failure("Backup failed")).expect_code(0);
    let messages = server.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (messages[0].title.as_str(), messages[0].priority),
        ("Backup failed", 9)
    );
    assert_eq!(
        messages[0].message,
        "```\ndisk full: größer geht nicht\n```"
    );
}

#[test]
fn a_relay_that_refuses_every_recipient_is_a_failure() {
    let postfix = Postfix::start(
        &PostfixOptions::plain().setting("smtpd_relay_restrictions", "reject_unauth_destination"),
    );
    let notify = Notify::new().file(
        "notifications.cfg",
        format!(
            "smtp: relay\n\tserver 127.0.0.1\n\tport {}\n\tmode insecure\n\tfrom-address pve1@example.com\n\
             \tmailto max@elsewhere.example\n\nmatcher: default-matcher\n\ttarget relay\n",
            postfix.addr(Port::Plain).port()
        ),
    );
    let run = notify.run(&failure("Backup failed")).expect_code(1);
    assert!(
        run.stdout.contains("max@elsewhere.example"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("rejected"), "{}", run.stdout);
}
