//! Webhooks from the command line to the wire: what is written, what is shown, what is sent.

use std::path::PathBuf;

use notify_testkit::canary::{self, TOKEN};
use notify_testkit::http::{Response, Server};
use notify_tests::{Notify, Run};
use serde_json::json;

/// `{"text":{{ json message }}}` as the file has it.
const BODY: &str = "eyJ0ZXh0Ijp7eyBqc29uIG1lc3NhZ2UgfX19";

/// A file outside of the configuration folder.
fn scratch(notify: &Notify, name: &str, text: &str) -> String {
    let path: PathBuf = notify.scratch().join(name);
    std::fs::write(&path, text).expect("a file of our own");
    path.to_str().expect("UTF-8").to_owned()
}

/// A webhook made with plain texts: one header, a body, two secrets.
fn made(url: &str) -> Notify {
    let notify = Notify::new();
    let body = scratch(&notify, "body.json", "{\"text\":{{ json message }}}\n");
    let token = scratch(&notify, "token", &format!("{TOKEN}\n"));
    let (token, room) = (
        format!("token={token}"),
        format!("room={}", scratch(&notify, "room", "ops")),
    );
    let words = [
        "target",
        "add",
        "webhook",
        "chat",
        "--method",
        "post",
        "--url",
        url,
        "--header-text",
        "X-Key=Key {{ url-encode secrets.token }}",
        "--body-file",
        &body,
        "--secret-file",
        &token,
        "--secret-file",
        &room,
    ];
    let run = notify.run(&words).expect_code(0);
    canary::assert_no_canary(format!("{}{}", run.stdout, run.stderr));
    notify
}

fn show(notify: &Notify, words: &[&str]) -> Run {
    let run = notify.run(words).expect_code(0);
    canary::assert_no_canary(format!("{}{}", run.stdout, run.stderr));
    run
}

#[test]
fn plain_texts_are_written_as_proxmox_ve_has_them() {
    let notify = made("https://chat.example.com/{{ secrets.room }}");
    assert_eq!(
        notify.read("notifications.cfg"),
        format!(
            "webhook: chat\n\tbody {BODY}\n\
             \theader name=X-Key,value=S2V5IHt7IHVybC1lbmNvZGUgc2VjcmV0cy50b2tlbiB9fQ==\n\
             \tmethod post\n\turl https://chat.example.com/{{{{ secrets.room }}}}\n"
        )
    );
    let private = notify.read("priv/notifications.cfg");
    let lines: Vec<_> = private.lines().collect();
    assert_eq!((lines[0], lines.len()), ("webhook: chat", 3));
    assert!(lines[1].starts_with("\tsecret name=token,value="));
    assert_eq!(lines[2], "\tsecret name=room,value=b3Bz");
}

#[test]
fn secrets_are_shown_by_name_only() {
    let notify = made("https://chat.example.com/{{ secrets.room }}");
    let shown = show(&notify, &["target", "show", "chat", "--json"]).json();
    let digest = shown["digest"].clone();
    let expected = json!({
        "name": "chat", "type": "webhook", "origin": "user-created", "method": "post",
        "url": "https://chat.example.com/{{ secrets.room }}", "body": BODY,
        "header": ["name=X-Key,value=S2V5IHt7IHVybC1lbmNvZGUgc2VjcmV0cy50b2tlbiB9fQ=="],
        "secret": ["name=token", "name=room"],
        "digest": digest, "revision": shown["revision"],
    });
    assert_eq!(shown, expected);
    let text = show(&notify, &["target", "show", "chat"]).stdout;
    assert!(
        text.contains("\tsecret name=token\n\tsecret name=room\n"),
        "{text}"
    );
    let all = show(&notify, &["config", "show", "--json"]).json();
    let sections = all["sections"].as_array().expect("a list");
    let chat = sections.iter().find(|section| section["name"] == "chat");
    assert_eq!(
        chat.expect("it is there")["secret"],
        json!(["name=token", "name=room"])
    );
    show(&notify, &["config", "show"]);
    show(&notify, &["target", "list", "--json"]);
}

#[test]
fn one_secret_can_be_changed_without_knowing_the_others() {
    let notify = made("https://chat.example.com/{{ secrets.room }}");
    let before = notify.read("priv/notifications.cfg");
    let token = before.lines().nth(1).expect("the first secret").to_owned();
    let room = format!("room={}", scratch(&notify, "other", "dev"));
    let _ = notify
        .run(&["target", "set", "chat", "--secret-file", &room])
        .expect_code(0);
    assert_eq!(
        notify.read("priv/notifications.cfg"),
        format!("webhook: chat\n{token}\n\tsecret name=room,value=ZGV2\n")
    );
    let only_room = [
        "target",
        "set",
        "chat",
        "--unset",
        "secret",
        "--secret-file",
        &room,
    ];
    let run = notify.run(&only_room).expect_code(2);
    let reason = "`X-Key`: needs the secret `token`, which the private section lacks";
    assert!(run.stderr.contains(reason), "{}", run.stderr);
    let without_header = [&only_room[..], &["--header-text", "X-Key=none"]].concat();
    let _ = notify.run(&without_header).expect_code(0);
    assert_eq!(
        notify.read("priv/notifications.cfg"),
        "webhook: chat\n\tsecret name=room,value=ZGV2\n"
    );
}

#[test]
fn what_was_added_is_delivered_with_its_secrets() {
    let server = Server::start(|request| {
        let key = request
            .header("x-key")
            .is_some_and(|key| key.starts_with("Key tk%20\"Rv4J"));
        let whole = request.path() == "/ops" && request.text() == "{\"text\":\"a \\\"b\\\"\\nc\"}";
        Response::new(if key && whole { 200 } else { 400 }).into()
    });
    let notify = made(&format!("{}/{{{{ secrets.room }}}}", server.url()));
    let _ = notify
        .run(&["matcher", "add", "all", "--target", "chat"])
        .expect_code(0);
    let _ = notify
        .run(&["matcher", "set", "default-matcher", "--disable"])
        .expect_code(0);
    let sent = show(
        &notify,
        &["send", "--title", "t", "--message", "a \"b\"\nc", "--json"],
    )
    .json();
    assert_eq!(sent["targets"][0]["reference"], "status 200", "{sent}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_secret_in_the_words_of_a_command_is_refused() {
    let notify = Notify::new();
    let words = [
        "target",
        "add",
        "webhook",
        "chat",
        "--secret",
        "name=a,value=aHVudGVyMg==",
    ];
    let _ = notify
        .run(&words)
        .expect_code(2)
        .expect_error_line(&["--secret", "process list"]);
    let run = notify
        .run(&["target", "add", "webhook", "--help"])
        .expect_code(0);
    for flag in [
        "--body-file <FILE>",
        "--header-text <NAME=TEXT>",
        "--secret-file <NAME=FILE>",
    ] {
        assert!(run.stdout.contains(flag), "{flag} is not in {}", run.stdout);
    }
    assert!(!run.stdout.contains("--secret-text"));
}

#[test]
fn a_bad_template_is_refused_with_its_place() {
    let notify = Notify::new();
    let url = "https://chat.example.com/{{#if title}}";
    let words = [
        "target",
        "add",
        "webhook",
        "chat",
        "--method",
        "post",
        "--url",
        url,
        "--body-text",
        "a\n{{ nohelper title }}",
        "--header-text",
        "X Y=1",
    ];
    let _ = notify
        .run(&words)
        .expect_code(2)
        .expect_error_line(&["`url`", "line 1, column 39: ends before"])
        .expect_error_line(&["`body`", "line 2, column 1: unknown helper `nohelper`"])
        .expect_error_line(&["`header`", "`X Y`: not a header name"]);
    assert!(!notify.config().join("notifications.cfg").exists());
}

#[test]
fn check_finds_what_is_wrong_in_the_files() {
    let notify = Notify::new().file(
        "notifications.cfg",
        "webhook: chat\n\tmethod post\n\turl http://h/{{ nope title }}\n\tbody {{ title }}\n\tsecret name=token\n\tsecret name=a,value=aHVudGVyMg==\n",
    );
    let run = notify.run(&["check"]).expect_code(1);
    let all = format!("{}{}", run.stdout, run.stderr);
    for expected in [
        "notifications.cfg:3:2: error: webhook `chat`: property `url`: line 1, column 10: unknown helper `nope`",
        "notifications.cfg:4:2: error: webhook `chat`: property `body`: the value is not base64",
        "notifications.cfg:6:2: error: webhook `chat`: property `secret`: a secret in a file that others can read",
    ] {
        assert!(all.contains(expected), "{expected} is not in {all}");
    }
    assert!(
        !all.contains("notifications.cfg:5"),
        "a name alone is no secret: {all}"
    );
    assert!(!all.contains("aHVudGVyMg"), "{all}");
}

#[test]
fn limits_are_not_written_where_proxmox_ve_would_read_them() {
    let notify = Notify::new().file("priv/lock/keep", "");
    let add = [
        "target",
        "add",
        "webhook",
        "chat",
        "--method",
        "post",
        "--url",
        "http://h/",
    ];
    let limited = [&add[..], &["--max-body", "4096"]].concat();
    let _ = notify
        .run(&limited)
        .expect_code(2)
        .expect_error_line(&["max-body", "unknown to Proxmox VE"])
        .expect_error_line(&["webhook: chat", "notify.cfg"]);
    let _ = notify.run(&add).expect_code(0);
    assert_eq!(notify.read("priv/notifications.cfg"), "webhook: chat\n");
    let notify = notify.file("notify.cfg", "webhook: chat\n\tmax-body 4096\n");
    let _ = notify
        .run(&[
            "target",
            "set",
            "chat",
            "--max-body",
            "2000",
            "--max-unit",
            "utf16",
        ])
        .expect_code(0);
    assert_eq!(
        notify.read("notify.cfg"),
        "webhook: chat\n\tmax-body 2000\n\tmax-unit utf16\n"
    );
    let run = notify.run(&["check", "--pve", "--json"]).json();
    let faults = run.as_array().expect("a list");
    assert!(
        faults.iter().all(|fault| fault["severity"] == "info"),
        "{run}"
    );
}
