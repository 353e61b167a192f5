//! Mail for root for real: Postfix hands it to the program as nobody, through `.forward`.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use notify_testkit::gotify;
use notify_testkit::real::{
    Cron, Port, Postfix, PostfixOptions, ask_until, mdadm_test, smartd_warning,
};
use notify_tests::{Nobody, Notify, Run};

const PATIENCE: Duration = Duration::from_secs(60);

const CRON: &str = "From: root@pve1.example.com (Cron Daemon)\nTo: root@pve1.example.com\n\
    Subject: Cron <root@pve1> run-backup\nX-Cron-Env: <SHELL=/bin/sh>\n\
    MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n\
    Content-Transfer-Encoding: 8bit\n\nkein Platz auf /größer\n";

/// A Postfix whose root forwards to an instance that reaches a Gotify server.
struct Host {
    postfix: Postfix,
    gotify: gotify::Server,
    notify: Notify,
    nobody: Nobody,
}

impl Host {
    /// With this beside the target `push`; the matcher is the whole of `matcher`.
    fn new(targets: impl Fn(&Postfix) -> String, matcher: &str) -> Self {
        let postfix = Postfix::start(&PostfixOptions::plain());
        let gotify = gotify::Server::start(gotify::Options::token("A.token"));
        let push = format!("gotify: push\n\tserver {}\n\n", gotify.url());
        let notify = Notify::new()
            .file("notifications.cfg", push + &targets(&postfix) + matcher)
            .file("priv/notifications.cfg", "gotify: push\n\ttoken A.token\n")
            .variable("MAIL_CONFIG", postfix.mail_config());
        let host = Host {
            postfix,
            gotify,
            notify,
            nobody: Nobody::new(),
        };
        let _ = host.install().expect_code(0);
        host
    }

    fn install(&self) -> Run {
        let home = self.postfix.home("root");
        let words = [
            "forward-mail",
            "--install",
            "--home",
            home.to_str().expect("UTF-8"),
        ];
        self.nobody.run_as_root(&self.notify, &words)
    }

    fn drop(&self) -> PathBuf {
        self.notify.scratch().join("state/incoming")
    }

    /// Gives a mail for root to Postfix.
    fn send(&self, mail: &str) {
        let mut command = std::process::Command::new(self.postfix.sendmail());
        command.args(["-oi", "root"]);
        let _ = Run::of(command, mail.as_bytes()).expect_code(0);
    }

    /// Waits until so many mails lie in the drop.
    #[track_caller]
    fn wait_for(&self, count: usize) {
        self.wait_for_mails_of(count, String::new);
    }

    /// The same; what the senders say of themselves is shown when it was in vain.
    #[track_caller]
    fn wait_for_mails_of(&self, count: usize, senders: impl Fn() -> String) {
        let lying = || {
            let entries = fs::read_dir(self.drop()).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name());
            names
                .filter(|name| name.to_string_lossy().starts_with("mail."))
                .count()
        };
        let there = ask_until(Instant::now() + PATIENCE, || {
            (lying() >= count).then_some(())
        });
        assert!(
            there.is_some(),
            "{} of {count}\n{}\n{}",
            lying(),
            self.postfix.log(),
            senders()
        );
    }

    fn drain(&self) -> Run {
        self.notify.run(&["forward-mail", "--drain", "--json"])
    }
}

#[test]
fn a_mail_for_root_goes_through_the_drop_to_every_kind_of_target() {
    let targets = |postfix: &Postfix| {
        format!(
            "sendmail: local\n\tmailto max@example.com\n\n\
             smtp: relay\n\tserver 127.0.0.1\n\tport {}\n\tmode insecure\n\
             \tfrom-address pve1@example.com\n\tmailto admin@example.com\n\n",
            postfix.addr(Port::Plain).port()
        )
    };
    let matcher = "matcher: default-matcher\n\tmatch-field exact:type=system-mail\n\
        \ttarget push\n\ttarget local\n\ttarget relay\n";
    let host = Host::new(targets, matcher);
    host.send(CRON);
    host.wait_for(1);
    assert_eq!(host.gotify.messages().len(), 0, "nobody sends nothing");
    let run = host.drain().expect_code(0);
    let answer = run.json();
    assert_eq!(
        (&answer["done"], &answer["mails"][0]["uid"]),
        (&1.into(), &65534.into())
    );
    let messages = host.gotify.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].title, "Cron <root@pve1> run-backup");
    assert!(messages[0].message.contains("kein Platz auf /größer"));
    for mailbox in ["max", "admin"] {
        let mails = host.postfix.wait_for(mailbox, 1, Instant::now() + PATIENCE);
        assert_eq!(mails.len(), 1, "{mailbox}: {}", host.postfix.log());
        let subject = mails[0].header("Subject");
        assert_eq!(
            subject.as_deref(),
            Some("Cron <root@pve1> run-backup"),
            "{mailbox}"
        );
    }
    assert!(host.postfix.queue().contains("Mail queue is empty"));
}

#[test]
fn cron_smartd_and_mdadm_are_known_by_their_mails() {
    let matcher = "matcher: default-matcher\n\tmatch-field exact:daemon=cron,smartd,mdadm\n\
        \tmatch-field regex:hostname=.\n\ttarget push\n";
    let host = Host::new(|_| String::new(), matcher);
    smartd_warning(&host.postfix);
    mdadm_test(&host.postfix);
    let cron = Cron::start(&host.postfix, "echo no space left on device");
    host.wait_for_mails_of(3, || cron.log());
    let run = host.drain().expect_code(0);
    assert_eq!(run.json()["done"], 3, "{}", run.stdout);
    let mut messages = host.gotify.messages();
    messages.sort_by(|a, b| a.title.cmp(&b.title));
    let expected = [
        ("Cron <root@", "no space left on device"),
        ("SMART error (Health)", "BACK UP DATA NOW!"),
        (
            "TestMessage event on",
            "A TestMessage event had been detected",
        ),
    ];
    assert_eq!(messages.len(), expected.len());
    for (message, (title, text)) in messages.iter().zip(expected) {
        assert!(message.title.starts_with(title), "{}", message.title);
        assert!(message.message.contains(text), "{}", message.message);
    }
}

#[test]
fn without_a_drop_postfix_keeps_the_mail_and_delivers_it_later() {
    let host = Host::new(
        |_| String::new(),
        "matcher: default-matcher\n\ttarget push\n",
    );
    fs::remove_dir(host.drop()).expect("an empty drop");
    host.send(CRON);
    let deferred = ask_until(Instant::now() + PATIENCE, || {
        let queue = host.postfix.queue();
        queue.contains("is not there").then_some(queue)
    });
    let queue = deferred.unwrap_or_else(|| panic!("not deferred: {}", host.postfix.log()));
    assert!(queue.contains("temporary failure"), "{queue}");
    let _ = host.install().expect_code(0);
    host.postfix.flush();
    host.wait_for(1);
    let _ = host.drain().expect_code(0);
    assert_eq!(host.gotify.messages().len(), 1);
}

#[test]
fn what_stood_in_forward_still_gets_the_mail() {
    let postfix = Postfix::start(&PostfixOptions::plain());
    let notify = Notify::new().variable("MAIL_CONFIG", postfix.mail_config());
    let nobody = Nobody::new();
    let home = postfix.home("root");
    let forward = home.join(".forward");
    fs::write(
        &forward,
        "|/usr/libexec/proxmox-mail-forward\nadmin@example.com",
    )
    .expect("a file");
    let home = home.to_str().expect("UTF-8");
    let words = |task| ["forward-mail", task, "--home", home];
    let _ = nobody
        .run_as_root(&notify, &words("--install"))
        .expect_code(0);
    let mut command = std::process::Command::new(postfix.sendmail());
    command.args(["-oi", "root"]);
    let _ = Run::of(command, CRON.as_bytes()).expect_code(0);
    let mails = postfix.wait_for("admin", 1, Instant::now() + PATIENCE);
    assert_eq!(mails.len(), 1, "{}", postfix.log());
    let drop = notify.scratch().join("state/incoming");
    let left = ask_until(Instant::now() + PATIENCE, || {
        (fs::read_dir(&drop).expect("a drop").count() == 2).then_some(())
    });
    assert!(left.is_some(), "the mail and its place: {}", postfix.log());
    let text = fs::read_to_string(&forward).expect("a file");
    assert!(
        text.starts_with("#notify-was# |/usr/libexec/proxmox-mail-forward\n"),
        "{text}"
    );
}
