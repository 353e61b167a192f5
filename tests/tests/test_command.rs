//! `notify test`: one target, past everything, or through the matchers.

use notify_testkit::gotify;
use notify_testkit::misbehaving;
use notify_testkit::smtp;
use notify_tests::sections::{all_to, gotify as gotify_section, smtp as smtp_section, token};
use notify_tests::{Notify, Sendmail};
use serde_json::Value;

const TOKEN: &str = "A.test-token";

/// A Gotify server, and an instance with a target of it that no matcher chooses and that is off.
fn hidden() -> (gotify::Server, Notify) {
    let server = gotify::Server::start(gotify::Options::token(TOKEN));
    let section = format!("gotify: push\n\tserver {}\n\tdisable true\n", server.url());
    let notify = Notify::new()
        .routing(&section)
        .file("priv/notifications.cfg", token("push", TOKEN));
    (server, notify)
}

#[test]
fn a_test_goes_past_matchers_and_disable() {
    let (server, notify) = hidden();
    let run = notify.run(&["test", "push"]).expect_code(0);
    assert!(run.stdout.contains("push"), "the answer: {}", run.stdout);
    let arrived = server.messages();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].title.trim_end(), "Test notification");
    assert!(
        arrived[0].message.contains("push"),
        "{}",
        arrived[0].message
    );
    assert_eq!(arrived[0].priority, 1, "severity info");
}

#[test]
fn a_test_of_mail_arrives() {
    let server = smtp::Server::start(smtp::Options::plain());
    let notify = Notify::new().routing(&smtp_section("relay", server.port(), &["max@example.com"]));
    let _ = notify.run(&["test", "relay"]).expect_code(0);
    assert!(
        server.messages()[0]
            .text()
            .contains("Subject: Test notification")
    );
    // The built-in target needs no file, only an address of root@pam.
    let sendmail = Sendmail::taking();
    let users = "user:root@pam:1:0:::admin@example.com:::\n";
    let notify = sendmail.installed(Notify::new()).file("user.cfg", users);
    let _ = notify.run(&["test", "mail-to-root"]).expect_code(0);
    assert_eq!(sendmail.calls()[0].recipients(), ["admin@example.com"]);
}

#[test]
fn the_answer_as_json_says_what_became_of_it() {
    let (_server, notify) = hidden();
    let answer = notify
        .run(&["test", "push", "--json"])
        .expect_code(0)
        .json();
    let target = &answer["targets"][0];
    assert_eq!(
        (target["name"].as_str(), target["state"].as_str()),
        (Some("push"), Some("delivered"))
    );
    assert_eq!(answer["fields"]["type"], "test");
    assert!(answer["fields"]["hostname"].is_string());
}

#[test]
fn a_test_that_fails_has_the_codes_of_send() {
    let refusing = format!("http://{}", misbehaving::refusing());
    let wrong = gotify::Server::start(gotify::Options::token("another"));
    let text = gotify_section("down", &refusing)
        + &gotify_section("wrong", &wrong.url())
        + &gotify_section("no-token", &wrong.url());
    let notify = Notify::new().routing(&text).file(
        "priv/notifications.cfg",
        token("down", TOKEN) + &token("wrong", TOKEN),
    );
    for (name, code) in [("down", 75), ("wrong", 1), ("no-token", 1)] {
        let run = notify.run(&["test", name, "--json"]).expect_code(code);
        let target = &run.json()["targets"][0];
        assert_ne!(target["state"], "delivered", "{name}");
        let run = notify.run(&["test", name]).expect_code(code);
        assert!((run.stdout + &run.stderr).contains(name), "{name}");
    }
    assert!(wrong.messages().is_empty());
}

#[test]
fn usage_errors_exit_2() {
    let (server, notify) = hidden();
    for words in [
        &["test"][..],
        &["test", "nowhere"],
        &["test", "default-matcher"],
        &["test", "push", "--route"],
        &["test", "push", "extra"],
        &["test", "--route", "--severity", "fatal"],
        &["test", "--route", "--type", "a", "--field", "type=b"],
        &["test", "--route", "--field", "a b=c"],
    ] {
        let run = notify.run(words).expect_code(2);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{words:?}");
    }
    assert_eq!(server.http().connections(), 0);
}

#[test]
fn a_test_can_go_through_the_matchers() {
    let server = gotify::Server::start(gotify::Options::token(TOKEN));
    let text = gotify_section("push", &server.url())
        + "matcher: tests\n\tmatch-field exact:type=test\n\tmatch-field regex:hostname=.\n\ttarget push\n\n"
        + "matcher: backups\n\tmatch-field exact:type=vzdump\n\tmatch-severity error\n\ttarget push\n\n"
        + "matcher: jobs\n\tmatch-field exact:job-id=j1\n\ttarget push\n";
    let notify = Notify::new()
        .routing(&text)
        .file("priv/notifications.cfg", token("push", TOKEN));
    for (words, matchers, priority) in [
        (&["test", "--route", "--json"][..], &["tests"][..], Some(1)),
        (
            &["test", "--route", "--json", "--severity", "error"],
            &["tests"],
            Some(9),
        ),
        (
            &["test", "--route", "--json", "--type", "vzdump"],
            &[],
            None,
        ),
        (
            &[
                "test",
                "--route",
                "--json",
                "--type",
                "vzdump",
                "--severity",
                "error",
            ],
            &["backups"],
            Some(9),
        ),
        (
            &[
                "test",
                "--route",
                "--json",
                "--field",
                "job-id=j1",
                "--field",
                "type=vzdump",
            ],
            &["jobs"],
            Some(1),
        ),
    ] {
        let before = server.messages().len();
        let answer = notify.run(words).expect_code(0).json();
        let matched: Vec<&str> = answer["matchers"]
            .as_array()
            .expect("matchers")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(matched, matchers, "{words:?}");
        let arrived = server.messages();
        let new: Vec<i64> = arrived[before..]
            .iter()
            .map(|message| message.priority)
            .collect();
        assert_eq!(new, Vec::from_iter(priority), "{words:?}");
    }
}

#[test]
fn a_test_through_the_matchers_respects_disable() {
    let (server, notify) = hidden();
    let text = format!(
        "gotify: push\n\tserver {}\n\tdisable true\n\n{}",
        server.url(),
        all_to(&["push"])
    );
    let notify = notify.routing(&text);
    let answer = notify
        .run(&["test", "--route", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(answer["targets"][0]["reason"], "disabled");
    assert!(server.messages().is_empty());
}
