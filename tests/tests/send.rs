//! `notify send`: what arrives, what is answered, and with which exit code.

use std::process::Stdio;
use std::time::{Duration, Instant};

use notify_testkit::gotify;
use notify_testkit::http::{self, Answer, Response};
use notify_testkit::misbehaving::{self, Act};
use notify_testkit::smtp::{self, Step};
use notify_tests::sections::{
    all_to, gotify as gotify_section, sendmail, smtp as smtp_section, token,
};
use notify_tests::{Notify, Run, Sendmail};
use serde_json::{Value, json};

const TOKEN: &str = "A.test-token";

/// A Gotify server, and an instance that sends everything to it, as target `push`.
fn pushing() -> (gotify::Server, Notify) {
    let server = gotify::Server::start(gotify::Options::token(TOKEN));
    let notify = chosen(&[("push", gotify_section("push", &server.url()))]);
    (server, notify)
}

/// An instance whose matcher `all` chooses these targets; each that is of type gotify has the token.
fn chosen(targets: &[(&str, String)]) -> Notify {
    let names: Vec<&str> = targets.iter().map(|(name, _)| *name).collect();
    let sections: String = targets
        .iter()
        .map(|(_, section)| section.as_str())
        .collect();
    let tokens: String = targets
        .iter()
        .filter(|(_, section)| section.starts_with("gotify"))
        .map(|(name, _)| token(name, TOKEN))
        .collect();
    Notify::new()
        .routing(&(sections + &all_to(&names)))
        .file("priv/notifications.cfg", tokens)
}

fn send(notify: &Notify, more: &[&str]) -> Run {
    notify.run(&[&["send", "--title", "A title", "--json"], more].concat())
}

/// What the answer says of a target.
fn target(answer: &Value, name: &str) -> Value {
    let targets = answer["targets"].as_array().expect("targets");
    let mut found = targets.iter().filter(|target| target["name"] == name);
    let one = found
        .next()
        .unwrap_or_else(|| panic!("no `{name}` in {answer}"));
    assert!(found.next().is_none(), "`{name}` stands twice in {answer}");
    one.clone()
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"));
    object.keys().map(String::as_str).collect()
}

#[test]
fn the_answer_has_the_documented_shape() {
    let (server, notify) = pushing();
    let words = [
        "--severity",
        "error",
        "--type",
        "vzdump",
        "--field",
        "job-id=j1",
    ];
    let words = [&words[..], &["--timestamp", "1704697200"]].concat();
    let answer = send(&notify, &words).expect_code(0).json();
    assert_eq!(
        keys(&answer),
        [
            "fields",
            "id",
            "matchers",
            "severity",
            "targets",
            "timestamp"
        ]
    );
    assert_eq!(answer["severity"], "error");
    assert_eq!(answer["timestamp"], 1_704_697_200);
    assert_eq!(answer["matchers"], json!(["all"]));
    assert_eq!(keys(&answer["fields"]), ["hostname", "job-id", "type"]);
    assert_eq!(
        (&answer["fields"]["type"], &answer["fields"]["job-id"]),
        (&json!("vzdump"), &json!("j1"))
    );
    let host = answer["fields"]["hostname"].as_str().expect("a host");
    assert!(
        !host.is_empty() && !host.contains('.'),
        "a short name: {host}"
    );
    // A UUID of version 7.
    let id = answer["id"].as_str().expect("an id");
    assert_eq!((id.len(), &id[14..15]), (36, "7"), "{id}");

    let push = target(&answer, "push");
    assert_eq!(
        keys(&push),
        [
            "error",
            "name",
            "reason",
            "reference",
            "refused",
            "state",
            "type"
        ]
    );
    assert_eq!(
        (&push["type"], &push["state"]),
        (&json!("gotify"), &json!("delivered"))
    );
    assert_eq!(
        (&push["error"], &push["reason"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(push["refused"], json!([]));
    assert_eq!(server.messages().len(), 1);
}

#[test]
fn what_is_given_arrives() {
    let (server, notify) = pushing();
    let message = "disk full\non pve1 & more";
    let words = [
        "send",
        "--title",
        "Backup failed: 100 %",
        "--message",
        message,
    ];
    let run = notify.run(&words).expect_code(0);
    assert!(
        serde_json::from_str::<Value>(&run.stdout).is_err(),
        "people get text"
    );
    let arrived = server.messages();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].title, "Backup failed: 100 %");
    assert!(
        arrived[0].message.contains(message),
        "{}",
        arrived[0].message
    );
    assert_eq!(server.http().violations(), [""; 0]);
}

#[test]
fn a_message_may_come_from_a_file_or_from_standard_input() {
    let (server, notify) = pushing();
    let notify = notify.file("text", "from a file\n");
    let path = notify.config().join("text");
    let path = path.to_str().expect("a path of ASCII");
    let _ = send(&notify, &["--message-file", path]).expect_code(0);
    let words = ["send", "--title", "A title", "--message-file", "-"];
    let _ = notify
        .run_with(&words, b"from standard input\n")
        .expect_code(0);
    let _ = send(&notify, &[]).expect_code(0);
    let arrived = server.messages();
    assert!(
        arrived[0].message.contains("from a file"),
        "{}",
        arrived[0].message
    );
    assert!(
        arrived[1].message.contains("from standard input"),
        "{}",
        arrived[1].message
    );
    assert_eq!(arrived.len(), 3, "a title alone is enough");
}

#[test]
fn an_html_file_is_the_other_part_of_a_mail() {
    let server = smtp::Server::start(smtp::Options::plain());
    let notify = chosen(&[(
        "relay",
        smtp_section("relay", server.port(), &["max@example.com"]),
    )])
    .file("page", "<p>only in <b>html</b></p>\n");
    let path = notify.config().join("page");
    let path = path.to_str().expect("a path of ASCII");
    let _ = send(&notify, &["--message", "only in text", "--html-file", path]).expect_code(0);
    let mail = server.messages()[0].text();
    assert!(mail.contains("<p>only in <b>html</b></p>"), "{mail}");
    assert!(mail.contains("only in text"), "{mail}");
    assert_eq!(server.violations(), [""; 0]);
}

#[test]
fn severities_have_their_priority() {
    let (server, notify) = pushing();
    let rows = [
        ("info", 1),
        ("notice", 3),
        ("warning", 5),
        ("error", 9),
        ("unknown", 3),
    ];
    for (severity, _) in rows {
        let _ = send(&notify, &["--severity", severity]).expect_code(0);
    }
    assert_eq!(
        send(&notify, &[]).expect_code(0).json()["severity"],
        "info",
        "the default"
    );
    let priorities: Vec<i64> = server
        .messages()
        .iter()
        .map(|message| message.priority)
        .collect();
    assert_eq!(priorities, [1, 3, 5, 9, 3, 1]);
}

#[test]
fn usage_errors_exit_2_and_send_nothing() {
    let (server, notify) = pushing();
    let notify = notify.file("data", "{}");
    let data = notify.config().join("data");
    let data = data.to_str().expect("a path of ASCII");
    for words in [
        &["send"][..],
        &["send", "--message", "no title"],
        &["send", "--title", "t", "--severity", "fatal"],
        &["send", "--title", "t", "--severity", "Error"],
        &["send", "--title", "t", "--severity", ""],
        &[
            "send",
            "--title",
            "t",
            "--message",
            "m",
            "--message-file",
            "-",
        ],
        &[
            "send",
            "--title",
            "t",
            "--message-file",
            "/nonexistent/file",
        ],
        &["send", "--title", "t", "--html-file", "/nonexistent/file"],
        &["send", "--title", "t", "--type", "a", "--field", "type=b"],
        &["send", "--title", "t", "--type", "a", "--field", "type=a"],
        &["send", "--title", "t", "--type", "a\nb"],
        &["send", "--title", "t", "--field", "novalue"],
        &["send", "--title", "t", "--field", "=value"],
        &["send", "--title", "t", "--field", "a b=value"],
        &["send", "--title", "t", "--field", ".a=value"],
        &["send", "--title", "t", "--field", "\u{e9}=value"],
        &[
            "send",
            "--title",
            "t",
            "--field",
            "a=one\r\nBcc: evil@example.com",
        ],
        &["send", "--title", "t", "--field", "a=one\ntwo"],
        &["send", "--title", "t", "--field", "a=\u{7f}"],
        &["send", "--title", "t", "--field", "a=\u{85}"],
        &["send", "--title", "t", "--field", "a=1", "--field", "a=2"],
        &["send", "--title", "t", "--timestamp", "yesterday"],
        &["send", "--title", "t", "--template", "test", "--data", data],
        &["send", "--template", "no-such-template", "--data", data],
        &["send", "--template", "test", "--data", "/nonexistent/file"],
        &["send", "--template", "../test", "--data", data],
        &["send", "--title", "t", "unexpected"],
        &["send", "--title", "t", "--no-such-flag"],
    ] {
        let run = notify.run(words).expect_code(2);
        assert!(
            run.stdout.is_empty() && !run.stderr.is_empty(),
            "{words:?}: {}",
            run.stdout
        );
    }
    assert_eq!(server.http().connections(), 0);
}

#[test]
fn field_names_and_values_are_as_free_as_documented() {
    let (_server, notify) = pushing();
    let long = "n".repeat(200);
    let words = [
        "--field",
        "a=b=c",
        "--field",
        "0x._-y=",
        "--field",
        "umlaut=\u{e4} \u{1f427}",
        "--field",
        "hostname=other.example.com",
        "--field",
        &format!("{long}=long"),
    ];
    let fields = send(&notify, &words).expect_code(0).json()["fields"].clone();
    assert_eq!(
        fields,
        json!({"a": "b=c", "0x._-y": "", "umlaut": "\u{e4} \u{1f427}", "hostname": "other.example.com", long: "long"})
    );
}

#[test]
fn timestamps_have_three_forms() {
    let (_server, notify) = pushing();
    for (time, expected) in [
        ("1704697200", 1_704_697_200),
        ("-1800", -1800),
        ("2024-01-08T08:00:00+01:00", 1_704_697_200),
        ("2024-01-08T07:00:00Z", 1_704_697_200),
        ("2024-01-08 08:00", 1_704_697_200),
        ("2024-01-08 08:00:30", 1_704_697_230),
        ("2024-07-08 08:00", 1_720_418_400),
    ] {
        let time = format!("--timestamp={time}");
        let answer = send(&notify, &[&time]).expect_code(0).json();
        assert_eq!(answer["timestamp"], expected, "{time}");
    }
}

#[test]
fn the_timestamp_is_what_calendars_see() {
    let (server, notify) = pushing();
    let calendar = "matcher: all\n\tmatch-calendar mon 8-12\n\ttarget push\n";
    let notify = notify.routing(&(gotify_section("push", &server.url()) + calendar));
    let monday = send(&notify, &["--timestamp", "1704697200"])
        .expect_code(0)
        .json();
    assert_eq!(monday["matchers"], json!(["all"]));
    let sunday = send(&notify, &["--timestamp", "1705222800"])
        .expect_code(0)
        .json();
    assert_eq!(
        (&sunday["matchers"], &sunday["targets"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(server.messages().len(), 1);
}

#[test]
fn nothing_chosen_is_success_and_a_line_says_so() {
    let notify = Notify::new().routing("");
    let run = notify.run(&["send", "--title", "t"]).expect_code(0);
    assert!(
        !(run.stdout + &run.stderr).trim().is_empty(),
        "a line says so"
    );
}

#[test]
fn a_template_is_rendered_with_the_data() {
    let (server, notify) = pushing();
    let notify = notify
        .file(
            "notification-templates/default/greeting-subject.txt.hbs",
            "Hello {{name}}\n",
        )
        .file(
            "notification-templates/default/greeting-body.txt.hbs",
            "{{human-bytes size}} <free>\n",
        )
        .file("data", r#"{"name": "Max & Moritz", "size": 1536}"#);
    let path = notify.config().join("data");
    let path = path.to_str().expect("a path of ASCII");
    let _ = notify
        .run(&["send", "--template", "greeting", "--data", path])
        .expect_code(0);
    let words = [
        "send",
        "--template",
        "greeting",
        "--data",
        "-",
        "--severity",
        "error",
    ];
    let _ = notify
        .run_with(&words, br#"{"name": "you"}"#)
        .expect_code(0);
    for bad in ["", "not json", "{\"name\": "] {
        let run = notify.run_with(&words, bad.as_bytes()).expect_code(2);
        assert!(!run.stderr.is_empty(), "{bad:?}");
    }
    let arrived = server.messages();
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0].title.trim_end(), "Hello Max & Moritz");
    assert!(
        arrived[0].message.contains("1.5 KiB <free>"),
        "{}",
        arrived[0].message
    );
    assert_eq!(
        (arrived[1].title.trim_end(), arrived[1].priority),
        ("Hello you", 9)
    );
}

#[test]
fn one_target_chosen_by_two_matchers_gets_one_message() {
    let (server, notify) = pushing();
    let section = gotify_section("push", &server.url());
    let twice = "matcher: again\n\tmatch-severity info\n\ttarget push\n\ttarget push\n\n";
    let notify = notify.routing(&format!("{section}{twice}{}", all_to(&["push"])));
    let answer = send(&notify, &[]).expect_code(0).json();
    assert_eq!(answer["matchers"], json!(["again", "all"]));
    assert_eq!(target(&answer, "push")["state"], "delivered");
    assert_eq!(server.messages().len(), 1);
}

#[test]
fn targets_that_are_not_used_say_why() {
    let (server, notify) = pushing();
    let section = gotify_section("push", &server.url());
    let off = format!("gotify: off\n\tserver {}\n\tdisable true\n\n", server.url());
    let broken = gotify_section("broken", &server.url());
    for (names, code) in [
        (&["push", "off"][..], 0),
        (&["off"], 0),
        (&["push", "nowhere"], 1),
        (&["push", "broken"], 1),
        (&["push", "off", "broken", "nowhere"], 1),
        (&["nowhere"], 1),
        (&["broken"], 1),
    ] {
        let text = format!("{section}{off}{broken}{}", all_to(names));
        let notify = Notify::new().routing(&text).file(
            "priv/notifications.cfg",
            token("push", TOKEN) + &token("off", TOKEN),
        );
        let answer = send(&notify, &[]).expect_code(code).json();
        for name in names {
            let entry = target(&answer, name);
            let (kind, state, reason) = match *name {
                "push" => (json!("gotify"), "delivered", Value::Null),
                "off" => (json!("gotify"), "skipped", json!("disabled")),
                "broken" => (json!("gotify"), "skipped", json!("unusable")),
                _ => (Value::Null, "skipped", json!("missing")),
            };
            assert_eq!(
                (&entry["state"], &entry["reason"]),
                (&json!(state), &reason),
                "{names:?}"
            );
            assert_eq!(entry["type"], kind, "{names:?}: {entry}");
            assert_eq!(entry["refused"], json!([]), "{names:?}: {entry}");
        }
    }
    assert_eq!(notify.run(&["send", "--title", "t"]).code, 0);
}

/// What a Gotify target makes of this answer: its kind and the exit code of `send`.
fn http_answer(answer: impl Into<Answer>) -> (Value, i32) {
    let server = http::Server::scripted([answer.into()]);
    let notify = chosen(&[("push", gotify_section("push", &server.url()))]);
    let run = send(&notify, &[]);
    let push = target(&run.json(), "push");
    assert_eq!(
        (&push["state"], &push["reason"]),
        (&json!("failed"), &Value::Null),
        "{push}"
    );
    assert_eq!(keys(&push["error"]), ["kind", "message", "retry-after-s"]);
    assert!(
        !push["error"]["message"]
            .as_str()
            .expect("a text")
            .is_empty()
    );
    (push["error"].clone(), run.code)
}

#[test]
fn failures_over_http_have_their_kind_and_code() {
    for (status, kind, code) in [
        (400, "rejected", 1),
        (401, "misconfigured", 1),
        (403, "misconfigured", 1),
        (404, "misconfigured", 1),
        (429, "unavailable", 75),
        (500, "unavailable", 75),
        (503, "unavailable", 75),
    ] {
        let (error, exit) = http_answer(Response::new(status));
        assert_eq!(
            (&error["kind"], exit),
            (&json!(kind), code),
            "{status}: {error}"
        );
        assert_eq!(error["retry-after-s"], Value::Null, "{status}");
    }
    let (error, code) = http_answer(Response::new(429).header("Retry-After", "7"));
    assert_eq!((&error["retry-after-s"], code), (&json!(7), 75));
    // The request went out and no answer came: it may have arrived.
    let (error, code) = http_answer(Act::Close);
    assert_eq!((&error["kind"], code), (&json!("uncertain"), 1), "{error}");
    let (error, code) = http_answer(Response::redirect(302, "https://example.com/?token=x"));
    assert_eq!(
        (&error["kind"], code),
        (&json!("misconfigured"), 1),
        "{error}"
    );
    assert!(
        error["message"]
            .as_str()
            .expect("a text")
            .contains("example.com"),
        "{error}"
    );
    assert!(
        !error["message"]
            .as_str()
            .expect("a text")
            .contains("token=x"),
        "{error}"
    );
}

#[test]
fn nobody_listening_can_be_tried_again() {
    let url = format!("http://{}", misbehaving::refusing());
    let port = misbehaving::refusing().port();
    let off = "gotify: off\n\tserver http://127.0.0.1:1\n\tdisable true\n\n".to_owned();
    let push = || ("push", gotify_section("push", &url));
    let relay = || ("relay", smtp_section("relay", port, &["max@example.com"]));
    let answer = send(&chosen(&[push(), relay()]), &[])
        .expect_code(75)
        .json();
    for name in ["push", "relay"] {
        assert_eq!(target(&answer, name)["error"]["kind"], "unavailable");
    }
    // Disabled ones do not count; missing and unusable ones do.
    let _ = send(&chosen(&[push(), ("off", off)]), &[]).expect_code(75);
    let _ = send(&chosen(&[push(), ("nowhere", String::new())]), &[]).expect_code(1);
    let _ = send(&chosen(&[push(), ("bad", "smtp: bad\n\n".to_owned())]), &[]).expect_code(1);
    // Something was taken: a repeat would double it.
    let server = gotify::Server::start(gotify::Options::token(TOKEN));
    let _ = send(
        &chosen(&[push(), ("up", gotify_section("up", &server.url()))]),
        &[],
    )
    .expect_code(1);
    // Something may have been taken.
    let silent = http::Server::scripted([Answer::from(Act::Close)]);
    let _ = send(
        &chosen(&[push(), ("maybe", gotify_section("maybe", &silent.url()))]),
        &[],
    )
    .expect_code(1);
}

/// The answer for target `relay` with these recipients, and the exit code.
fn mailed(options: smtp::Options, recipients: &[&str]) -> (smtp::Server, Value, i32) {
    let server = smtp::Server::start(options);
    let notify = chosen(&[("relay", smtp_section("relay", server.port(), recipients))]);
    let run = send(&notify, &["--message", "text"]);
    let relay = target(&run.json(), "relay");
    (server, relay, run.code)
}

#[test]
fn a_refused_recipient_does_not_fail_the_others() {
    let refuse = |code: u16| {
        smtp::Options::plain().to_recipient("bad@example.com", (code, "5.1.1 no such mailbox"))
    };
    let recipients = ["max@example.com", "bad@example.com"];
    for (code, kind) in [(550, "rejected"), (450, "unavailable")] {
        let (server, relay, exit) = mailed(refuse(code), &recipients);
        assert_eq!((&relay["state"], exit), (&json!("partial"), 1), "{relay}");
        let refused = relay["refused"].as_array().expect("a list");
        assert_eq!(refused.len(), 1);
        assert_eq!(keys(&refused[0]), ["kind", "message", "recipient"]);
        assert_eq!(refused[0]["recipient"], "bad@example.com");
        assert_eq!(refused[0]["kind"], kind);
        assert!(
            refused[0]["message"]
                .as_str()
                .expect("a text")
                .contains("no such mailbox")
        );
        assert_eq!(server.messages()[0].recipients, ["max@example.com"]);
        assert_eq!(server.violations(), [""; 0]);
    }
    // Nobody is left.
    for (code, exit) in [(550, 1), (450, 75)] {
        let (server, relay, code) = mailed(refuse(code), &["bad@example.com"]);
        assert_eq!((&relay["state"], code), (&json!("failed"), exit), "{relay}");
        assert_eq!(keys(&relay["refused"][0]), ["kind", "message", "recipient"]);
        assert_eq!(relay["refused"][0]["recipient"], "bad@example.com");
        assert_eq!(relay["refused"][0]["kind"], relay["error"]["kind"]);
        assert!(server.messages().is_empty());
    }
}

#[test]
fn failures_over_smtp_have_their_kind_and_code() {
    let at = |step, code: u16| smtp::Options::plain().at(step, (code, "because"));
    for (options, kind, code) in [
        (at(Step::Greeting, 421), "unavailable", 75),
        (at(Step::Mail, 451), "unavailable", 75),
        (at(Step::EndOfData, 452), "unavailable", 75),
        (at(Step::EndOfData, 554), "rejected", 1),
        (
            smtp::Options::plain().at(Step::EndOfData, Act::Close),
            "uncertain",
            1,
        ),
        (
            smtp::Options::plain().at(Step::Rcpt, Act::Close),
            "unavailable",
            75,
        ),
    ] {
        let (_server, relay, exit) = mailed(options, &["max@example.com"]);
        assert_eq!(
            (&relay["error"]["kind"], exit),
            (&json!(kind), code),
            "{relay}"
        );
        assert_eq!(relay["state"], "failed");
    }
}

#[test]
fn addresses_with_quotes_and_beyond_ascii_arrive() {
    let recipients = [
        "\"max mustermann\"@example.com",
        "\"a\\\"b\"@example.com",
        "o'hara+tag@example.com",
        "m\u{e4}x@example.com",
        "max@b\u{fc}cher.example",
    ];
    let (server, relay, code) = mailed(smtp::Options::plain(), &recipients);
    assert_eq!((&relay["state"], code), (&json!("delivered"), 0), "{relay}");
    let mails = server.messages();
    let seen: Vec<&String> = mails.iter().flat_map(|mail| &mail.recipients).collect();
    assert_eq!(seen.len(), recipients.len(), "{seen:?}");
    for recipient in &recipients[..4] {
        assert!(
            seen.iter().any(|seen| seen == recipient),
            "{recipient} is not in {seen:?}"
        );
    }
    let last = seen.iter().any(|seen| {
        ["max@b\u{fc}cher.example", "max@xn--bcher-kva.example"].contains(&seen.as_str())
    });
    assert!(last, "{seen:?}");
    assert_eq!(server.violations(), [""; 0]);
}

#[test]
fn an_address_that_the_server_cannot_take_fails_alone() {
    let recipients = ["max@example.com", "m\u{e4}x@example.com"];
    let (server, relay, code) = mailed(smtp::Options::plain().without_smtputf8(), &recipients);
    assert_eq!((&relay["state"], code), (&json!("partial"), 1), "{relay}");
    assert_eq!(relay["refused"][0]["recipient"], recipients[1]);
    assert_eq!(server.messages()[0].recipients, ["max@example.com"]);
    assert_eq!(server.violations(), [""; 0]);
}

#[test]
fn a_title_cannot_add_a_header() {
    let server = smtp::Server::start(smtp::Options::plain());
    let push = gotify::Server::start(gotify::Options::token(TOKEN));
    let notify = chosen(&[
        (
            "relay",
            smtp_section("relay", server.port(), &["max@example.com"]),
        ),
        ("push", gotify_section("push", &push.url())),
    ]);
    for break_ in ["\r\n", "\n", "\r", "\r\n\r\n"] {
        let title = format!("first{break_}Bcc: evil@example.com");
        let _ = notify
            .run(&["send", "--title", &title, "--message", "text"])
            .expect_code(0);
    }
    for mail in server.messages() {
        let text = mail.text();
        let (head, _) = text.split_once("\r\n\r\n").expect("a head");
        assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "{head}");
        let subject = head
            .lines()
            .find(|line| line.starts_with("Subject:"))
            .expect("a subject");
        assert!(
            subject.contains("first") && subject.contains("evil@example.com"),
            "{subject}"
        );
        assert_eq!(mail.recipients, ["max@example.com"]);
    }
    for message in push.messages() {
        assert!(!message.title.contains(['\r', '\n']), "{:?}", message.title);
        assert!(message.title.starts_with("first") && message.title.ends_with("evil@example.com"));
    }
    assert_eq!((server.messages().len(), push.messages().len()), (4, 4));
    assert_eq!(server.violations(), [""; 0]);
}

#[test]
fn a_target_without_recipients_fails_by_its_configuration() {
    let relay = smtp::Server::start(smtp::Options::plain());
    let taking = Sendmail::taking();
    let user = "sendmail: user\n\tmailto-user nobody@pam\n\n".to_owned();
    for (name, section, told) in [
        ("relay", smtp_section("relay", relay.port(), &[]), ""),
        ("local", sendmail("local", &[]), ""),
        ("user", user, "no recipient has an address: nobody@pam"),
    ] {
        let notify = taking
            .installed(chosen(&[(name, section)]))
            .file("user.cfg", "user:nobody@pam:1:0::::::\n");
        let entry = target(&send(&notify, &[]).expect_code(1).json(), name);
        assert_eq!(entry["error"]["kind"], "misconfigured", "{entry}");
        assert!(
            entry["error"]["message"]
                .as_str()
                .expect("a text")
                .contains(told),
            "{entry}"
        );
    }
    assert_eq!((relay.messages().len(), taking.calls().len()), (0, 0));
}

#[test]
fn users_are_reached_at_their_addresses() {
    let taking = Sendmail::taking();
    let section = "sendmail: local\n\tmailto max@example.com\n\tmailto-user root@pam\n\
                   \tmailto-user max@pve\n\tmailto-user nobody@pam\n\n";
    let users = "user:root@pam:1:0:::admin@example.com:::\nuser:max@pve:1:0:::max@example.com:::\n\
                 user:nobody@pam:1:0::::::\n";
    let notify = taking
        .installed(chosen(&[("local", section.to_owned())]))
        .file("user.cfg", users)
        .file("datacenter.cfg", "email_from: pve@example.com\n");
    let run = send(&notify, &["--message", "text"]).expect_code(0);
    assert!(
        run.stderr.contains("nobody@pam"),
        "a user without address is a warning: {}",
        run.stderr
    );
    let calls = taking.calls();
    assert_eq!(calls.len(), 1);
    let expected = [
        "-B",
        "8BITMIME",
        "-f",
        "pve@example.com",
        "--",
        "max@example.com",
        "admin@example.com",
    ];
    assert_eq!(calls[0].arguments, expected);
    let head = calls[0].mail.split("\n\n").next().expect("a head");
    for header in [
        "Subject: A title",
        "Auto-Submitted: auto-generated",
        "X-Notify-Loop: ",
        "Message-ID: <",
    ] {
        assert!(
            head.lines().any(|line| line.starts_with(header)),
            "{header} is not in\n{head}"
        );
    }
    assert!(
        head.contains("pve@example.com") && head.contains("Proxmox VE"),
        "{head}"
    );
}

#[test]
fn the_sender_is_root_where_nothing_else_is_set() {
    let taking = Sendmail::taking();
    let notify = taking.installed(chosen(&[(
        "local",
        sendmail("local", &["max@example.com"]),
    )]));
    let _ = send(&notify, &[]).expect_code(0);
    assert_eq!(taking.calls()[0].arguments[2..4], ["-f", "root"]);
}

#[test]
fn the_exit_status_of_sendmail_counts() {
    for (status, kind, code) in [
        (75, "unavailable", 75),
        (67, "rejected", 1),
        (78, "misconfigured", 1),
    ] {
        let sendmail_program = Sendmail::exiting(status);
        let section = sendmail("local", &["max@example.com"]);
        let notify = sendmail_program.installed(chosen(&[("local", section)]));
        let entry = target(&send(&notify, &[]).expect_code(code).json(), "local");
        assert_eq!(entry["error"]["kind"], kind, "{status}: {entry}");
    }
    let absent = chosen(&[("local", sendmail("local", &["max@example.com"]))])
        .variable("NOTIFY_SENDMAIL", "/nonexistent/sendmail");
    let entry = target(&send(&absent, &[]).expect_code(1).json(), "local");
    assert_eq!(entry["error"]["kind"], "misconfigured", "{entry}");
}

#[test]
fn faults_are_told_and_do_not_change_the_code() {
    let (server, notify) = pushing();
    let notify = notify.routing(&format!(
        "matcher: broken\n\tmatch-severity fatal\n\ttarget push\n\nwhat is this\n\n{}{}",
        gotify_section("push", &server.url()),
        all_to(&["push"])
    ));
    let run = send(&notify, &[]).expect_code(0);
    let run = run.expect_error_line(&["notifications.cfg:5:", "broken", "fatal"]);
    let run = run.expect_error_line(&["notifications.cfg:8:"]);
    assert_eq!(run.json()["matchers"], json!(["all"]));
    assert_eq!(server.messages().len(), 1);
}

#[test]
fn a_configuration_that_cannot_be_read_sends_nothing() {
    let notify = Notify::new();
    std::fs::create_dir(notify.config().join("notifications.cfg")).expect("a folder in its place");
    let run = send(&notify, &[]).expect_code(2);
    assert!(
        run.stdout.is_empty() && run.stderr.contains("notifications.cfg"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_hanging_target_does_not_delay_another() {
    let silent = misbehaving::Server::start(misbehaving::silent());
    let server = gotify::Server::start(gotify::Options::token(TOKEN));
    // The hanging ones stand first, in the file and by name.
    let notify = chosen(&[
        (
            "a-relay",
            smtp_section("a-relay", silent.addr().port(), &["max@example.com"]),
        ),
        (
            "b-push",
            gotify_section("b-push", &format!("http://{}", silent.addr())),
        ),
        ("push", gotify_section("push", &server.url())),
    ]);
    let mut command = notify.command(&["send", "--title", "t", "--json"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let arrived = server.wait_for_blocking(1, Instant::now() + Duration::from_secs(20));
    assert_eq!(arrived.len(), 1, "it arrives while the others hang");
    assert!(
        child.try_wait().expect("a child").is_none(),
        "the others hang"
    );
    drop(silent);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let answer: Value = serde_json::from_slice(&output.stdout).expect("an answer");
    assert_eq!(target(&answer, "push")["state"], "delivered");
    assert_eq!(target(&answer, "a-relay")["state"], "failed");
}
