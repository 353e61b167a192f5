//! What people really type and have in their files.

use notify_testkit::gotify;
use notify_tests::{Notify, sections};

fn with_gotify(server: &gotify::Server) -> Notify {
    let public =
        sections::gotify("push", &server.url()) + "matcher: default-matcher\n\ttarget push\n";
    Notify::new()
        .file("notifications.cfg", public)
        .file("priv/notifications.cfg", sections::token("push", "t"))
}

#[test]
fn texts_may_begin_with_a_dash() {
    let server = gotify::Server::start(gotify::Options::token("t"));
    let notify = with_gotify(&server);
    let _ = notify
        .run(&[
            "send",
            "--title",
            "-- Backup --",
            "--message",
            "--- log ---",
        ])
        .expect_code(0);
    assert_eq!(server.messages()[0].title, "-- Backup --");
}

#[test]
fn an_option_that_would_be_ignored_is_refused() {
    let server = gotify::Server::start(gotify::Options::token("t"));
    let notify = with_gotify(&server);
    for words in [
        &["send", "--title", "x", "--data", "/nonexistent"][..],
        &[
            "send",
            "--title",
            "x",
            "--message-file",
            "-",
            "--html-file",
            "-",
        ],
    ] {
        let _ = notify.run(words).expect_code(2);
    }
    assert_eq!(server.messages().len(), 0);
}

#[test]
fn an_answer_that_nobody_can_read_does_not_undo_the_delivery() {
    let server = gotify::Server::start(gotify::Options::token("t"));
    let notify = with_gotify(&server);
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let status = notify
        .command(&["send", "--title", "x"])
        .stdout(full)
        .status();
    assert_eq!(status.expect("it runs").code(), Some(0));
    assert_eq!(server.messages().len(), 1);
}

#[test]
fn a_matcher_with_a_bad_rule_is_shown_as_unusable() {
    let notify = Notify::new().file("notifications.cfg", "matcher: bad\n\tmatch-severity foo\n");
    let listed = notify
        .run(&["matcher", "list", "--json"])
        .expect_code(0)
        .json();
    let reason = listed[0]["unusable"].as_str().expect("a reason");
    assert!(reason.contains("`foo`"), "{reason}");
    let shown = notify.run(&["matcher", "show", "bad"]).expect_code(0);
    assert!(shown.stdout.contains("cannot be used"), "{}", shown.stdout);
    assert!(notify.run(&["matcher", "list"]).stdout.contains("unusable"));
}

#[test]
fn escapes_of_a_file_do_not_reach_the_terminal() {
    let public = "sendmail: ops\n\tmailto a@b\n\tcolour \u{1b}[31m\u{9b}0m\n";
    let notify = Notify::new().file("notifications.cfg", public);
    for words in [
        &["config", "show"][..],
        &["target", "show", "ops"],
        &["target", "list"],
        &["check"],
    ] {
        let run = notify.run(words);
        assert!(
            !run.stdout.contains(['\u{1b}', '\u{9b}']),
            "{words:?}: {:?}",
            run.stdout
        );
    }
}

#[test]
fn secrets_that_cannot_be_read_are_not_printed_as_nothing() {
    let notify = Notify::new()
        .file("notifications.cfg", "")
        .file("priv/notifications.cfg", "gotify: push\n\ttoken t\n")
        .mode("priv/notifications.cfg", 0o000);
    let run = notify
        .run_powerless(&["config", "format", "--private", "--show-secrets"])
        .expect_code(2);
    assert!(run.stderr.contains("permission denied"), "{}", run.stderr);
    let run = notify.run_powerless(&["target", "list"]);
    assert!(run.stderr.contains("permission denied"), "{}", run.stderr);
}

#[test]
fn removing_a_built_in_says_what_happens() {
    let notify = Notify::new().file(
        "notifications.cfg",
        "sendmail: mail-to-root\n\tmailto a@b\n",
    );
    let run = notify
        .run(&["target", "remove", "mail-to-root"])
        .expect_code(0);
    assert!(
        run.stdout.contains("reset target `mail-to-root`"),
        "{}",
        run.stdout
    );
    assert_eq!(notify.read("notifications.cfg"), "");
}

#[test]
fn a_time_beyond_every_calendar_is_an_error() {
    let notify = Notify::new();
    let _ = notify
        .run(&["calendar", "8-12", "--at", "99999999999999"])
        .expect_code(2);
    let run = notify
        .run_with(
            &["calendar", "--batch", "-"],
            b"UTC\t8-12\t99999999999999\n",
        )
        .expect_code(1);
    assert!(run.stdout.starts_with("error: "), "{}", run.stdout);
}
