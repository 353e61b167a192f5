//! No command ever writes a secret, whatever goes wrong and whatever a server answers.

use notify_testkit::canary::{self, PASSWORD, TOKEN};
use notify_testkit::http::{self, Answer, Request, Response};
use notify_testkit::misbehaving::{self, Act};
use notify_testkit::smtp::{self, Mechanism, Step};
use notify_tests::sections::{all_to, gotify, smtp as smtp_section, token};
use notify_tests::{Notify, Run};
use serde_json::Value;

/// A token of which each form of a canary holds a part, and that every header can carry.
const ASCII_TOKEN: &str = "Rv4JbNy2Hd8P.in-ascii";

/// Runs it and searches what it wrote.
#[track_caller]
fn quiet(notify: &Notify, words: &[&str]) -> Run {
    quiet_with(notify, words, b"")
}

#[track_caller]
fn quiet_with(notify: &Notify, words: &[&str], input: &[u8]) -> Run {
    let run = notify.run_with(words, input);
    for text in [&run.stdout, &run.stderr] {
        if let Some(found) = canary::find(text.as_bytes()) {
            // Without the arguments: one of them may be the secret.
            panic!(
                "`{}` wrote a secret: {found:?}",
                words[..words.len().min(3)].join(" ")
            );
        }
    }
    run
}

const COMMANDS: &[&[&str]] = &[
    &["send", "--title", "t", "--message", "m"],
    &["send", "--title", "t", "--json"],
    &["--verbose", "send", "--title", "t"],
    &["--quiet", "send", "--title", "t"],
    &["test", "push"],
    &["test", "relay", "--json"],
    &["--verbose", "test", "relay"],
    &["test", "--route", "--json"],
    &["route"],
    &["route", "--explain", "--json"],
    &["check"],
    &["check", "--json"],
    &["check", "--pve"],
    &["--verbose", "check"],
    &["config", "show"],
    &["config", "show", "--json"],
    &["config", "format"],
    &["config", "format", "--private"],
    &["target", "list"],
    &["target", "list", "--json"],
    &["target", "show", "push"],
    &["target", "show", "push", "--json"],
    &["target", "show", "relay"],
    &["target", "show", "relay", "--json"],
    &["matcher", "list", "--json"],
    &["matcher", "show", "all"],
    &["target", "set", "push", "--comment", "c"],
    &["target", "set", "relay", "--unset", "comment"],
    &["target", "set", "relay", "--colour", "red"],
    &["target", "set", "push", "--digest", "00", "--comment", "d"],
    &["target", "remove", "push"],
];

/// Those that speak of the files; one of each kind.
const ABOUT_FILES: &[&[&str]] = &[
    &["--verbose", "send", "--title", "t"],
    &["route", "--explain", "--json"],
    &["check", "--json"],
    &["check", "--pve"],
    &["config", "show", "--json"],
    &["config", "format"],
    &["config", "format", "--private"],
    &["target", "show", "push"],
    &["target", "set", "push", "--comment", "c"],
];

/// Runs every command.
#[track_caller]
fn all_quiet(notify: &Notify) {
    each_quiet(notify, COMMANDS);
}

#[track_caller]
fn each_quiet(notify: &Notify, commands: &[&[&str]]) {
    for words in commands {
        let _ = quiet(&notify.clone_of_files(), words);
    }
}

/// A copy, so that edits of one command are not seen by the next.
trait CloneOfFiles {
    fn clone_of_files(&self) -> Notify;
}

impl CloneOfFiles for Notify {
    fn clone_of_files(&self) -> Notify {
        let files = [
            "notifications.cfg",
            "priv/notifications.cfg",
            "notify.cfg",
            "datacenter.cfg",
        ];
        files
            .iter()
            .fold(
                Notify::new().variable("RUST_LOG", "trace"),
                |copy, name| match std::fs::read(self.config().join(name)) {
                    Ok(content) => copy.file(name, content),
                    Err(_) => copy,
                },
            )
    }
}

/// Targets `push` at this URL and `relay` at this port, which needs a password.
fn both(url: &str, port: u16, push_token: &str) -> Notify {
    let relay = smtp_section("relay", port, &["max@example.com"]);
    let relay = relay.replace("\tmode", "\tusername max\n\tmode");
    let public = gotify("push", url) + &relay + &all_to(&["push", "relay"]);
    let private = token("push", push_token) + &format!("smtp: relay\n\tpassword {PASSWORD}\n");
    Notify::new()
        .routing(&public)
        .file("priv/notifications.cfg", private)
}

#[test]
fn nothing_is_written_when_all_goes_well() {
    let push = http::Server::scripted([Response::json(200, &serde_json::json!({"id": 1})).into()]);
    for mechanism in [Mechanism::Plain, Mechanism::Login] {
        let options = smtp::Options::plain().auth(&[mechanism], "max", PASSWORD);
        let relay = smtp::Server::start(options);
        let notify = both(&push.url(), relay.port(), ASCII_TOKEN);
        let run = quiet(&notify, &["send", "--title", "t", "--json"]);
        let answer = run.expect_code(0).json();
        assert_eq!(
            answer["targets"].as_array().map(Vec::len),
            Some(2),
            "both were used"
        );
        assert_eq!(relay.messages().len(), 1);
        all_quiet(&notify);
    }
}

#[test]
fn nothing_is_written_when_nobody_listens() {
    let gone = misbehaving::refusing();
    for secret in [ASCII_TOKEN, TOKEN] {
        all_quiet(&both(&format!("http://{gone}"), gone.port(), secret));
    }
}

/// What a server got, in every form in which it could say it again.
fn echo(request: &Request) -> String {
    let headers: Vec<String> = request
        .headers
        .iter()
        .map(|(_, value)| value.clone())
        .collect();
    let forms: Vec<String> = canary::forms_of(&ASCII_TOKEN.into())
        .iter()
        .map(|form| form.text.clone())
        .collect();
    [headers, forms].concat().join(" | ")
}

#[test]
fn a_gotify_server_that_repeats_the_token_is_not_quoted() {
    for status in [400, 401, 403, 404, 429, 500, 503] {
        let server = http::Server::start(move |request| {
            let json = serde_json::json!({"error": "no", "errorCode": status, "errorDescription": echo(request)});
            Response::json(status, &json)
                .header("X-Echo", &echo(request))
                .into()
        });
        let notify = both(&server.url(), misbehaving::refusing().port(), ASCII_TOKEN);
        let run = quiet(&notify, &["test", "push", "--json"]);
        assert_ne!(run.code, 0);
        assert_eq!(server.requests().len(), 1, "{status}");
        let _ = quiet(&notify, &["--verbose", "test", "push"]);
    }
    let plain = http::Server::start(|request| Response::new(400).body(echo(request)).into());
    let _ = quiet(&both(&plain.url(), 1, ASCII_TOKEN), &["test", "push"]).expect_code(1);
    let elsewhere = http::Server::start(|_| {
        let place = format!("https://example.com/{ASCII_TOKEN}?token={ASCII_TOKEN}#{ASCII_TOKEN}");
        Response::redirect(302, &place).into()
    });
    let _ = quiet(&both(&elsewhere.url(), 1, ASCII_TOKEN), &["test", "push"]).expect_code(1);
    let broken = http::Server::start(|request| {
        let noise = format!(
            "HTTP/1.1 2x0 {}\r\n{}\r\n\r\n",
            echo(request),
            echo(request)
        );
        Answer::from(vec![Act::send(&noise), Act::Close])
    });
    let _ = quiet(&both(&broken.url(), 1, ASCII_TOKEN), &["test", "push"]);
}

/// The forms in which a mail server could repeat the password, and what AUTH PLAIN carries.
fn repeated() -> Vec<String> {
    use base64::Engine as _;
    let blob = base64::engine::general_purpose::STANDARD.encode(format!("\0max\0{PASSWORD}"));
    let known = [
        "raw",
        "JSON",
        "JSON in ASCII",
        "form-encoded",
        "URL-encoded",
        "base64",
    ];
    let forms = canary::forms_of(&PASSWORD.into()).into_iter();
    let forms = forms.filter(|form| known.contains(&form.name));
    forms.map(|form| form.text).chain([blob]).collect()
}

#[test]
fn a_mail_server_that_repeats_the_password_is_not_quoted() {
    for text in repeated() {
        for step in [Step::Auth, Step::Mail, Step::Rcpt, Step::EndOfData] {
            let options = smtp::Options::plain()
                .auth(&[Mechanism::Plain, Mechanism::Login], "max", PASSWORD)
                .at(step, (535, format!("5.7.8 refused: {text}").as_str()));
            let relay = smtp::Server::start(options);
            let notify = both("http://127.0.0.1:1", relay.port(), ASCII_TOKEN);
            let run = quiet(&notify, &["test", "relay", "--json"]).expect_code(1);
            let rest = "the rest of the answer is told";
            assert!(run.stdout.contains("refused"), "{rest}");
        }
    }
    let wrong = smtp::Options::plain().auth(&[Mechanism::Plain], "max", "another");
    let relay = smtp::Server::start(wrong);
    let notify = both("http://127.0.0.1:1", relay.port(), ASCII_TOKEN);
    let _ = quiet(&notify, &["--verbose", "test", "relay"]).expect_code(1);
}

#[test]
fn a_private_file_with_faults_is_not_quoted() {
    let gone = misbehaving::refusing();
    let sound = both(&format!("http://{gone}"), gone.port(), ASCII_TOKEN);
    for private in [
        // No indent, no key, no value, no header, a misspelt key, twice, too long a key.
        format!("gotify: push\ntoken {TOKEN}\n"),
        format!("gotify: push\n\t{TOKEN}\n"),
        format!("gotify: push\n\t{ASCII_TOKEN}\n"),
        format!("{ASCII_TOKEN}\n"),
        format!("token: {ASCII_TOKEN}\n"),
        format!("\ttoken {TOKEN}\n"),
        format!("gotify: push\n\ttokem {TOKEN}\n"),
        format!("gotify: push\n\tpassword {TOKEN}\n"),
        format!("gotify: push\n\ttoken {TOKEN}\n\ttoken {PASSWORD}\n"),
        format!("gotify: push\n\ttoken={ASCII_TOKEN}\n"),
        format!("gotify: push\n\ttoken \u{7f}{TOKEN}\n"),
        format!("smtp: push\n\tpassword {PASSWORD}\n"),
        format!("sendmail: push\n\ttoken {TOKEN}\n"),
        format!("unknown: push\n\ttoken {TOKEN}\n"),
        format!("# {TOKEN}\n"),
        format!("gotify: push\n\ttoken {TOKEN}\n\t# {PASSWORD}\n"),
    ] {
        let notify = sound
            .clone_of_files()
            .file("priv/notifications.cfg", &private);
        each_quiet(&notify, ABOUT_FILES);
    }
    let bytes = [b"gotify: push\n\ttoken ", TOKEN.as_bytes(), b"\xff\n"].concat();
    each_quiet(
        &sound.clone_of_files().file("priv/notifications.cfg", bytes),
        ABOUT_FILES,
    );
}

#[test]
fn a_secret_in_the_public_file_is_an_error_and_not_quoted() {
    let gone = misbehaving::refusing();
    let sound = both(&format!("http://{gone}"), gone.port(), ASCII_TOKEN);
    for (section, key, secret) in [
        ("gotify: push", "token", TOKEN),
        ("smtp: relay", "password", PASSWORD),
    ] {
        let public = sound.read("notifications.cfg");
        let public = public.replace(section, &format!("{section}\n\t{key} {secret}"));
        let notify = sound.clone_of_files().file("notifications.cfg", public);
        let found = quiet(&notify, &["check", "--json"]).expect_code(1).json();
        let told = |fault: &Value| fault["severity"] == "error" && fault.to_string().contains(key);
        assert!(found.as_array().expect("a list").iter().any(told), "{key}");
        each_quiet(&notify, ABOUT_FILES);
    }
    // In the overlay, likewise.
    let overlay = format!("gotify: push\n\ttoken {TOKEN}\n");
    each_quiet(
        &sound.clone_of_files().file("notify.cfg", overlay),
        ABOUT_FILES,
    );
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_quoted() {
    let notify = both("http://127.0.0.1:1", 1, ASCII_TOKEN);
    for words in [
        vec!["target", "set", "push", "--token", TOKEN],
        vec!["target", "set", "relay", "--password", PASSWORD],
        vec![
            "target", "add", "gotify", "other", "--server", "http://h", "--token", TOKEN,
        ],
        vec!["target", "set", "relay", "--token", TOKEN],
    ] {
        let _ = quiet(&notify, &words).expect_code(2);
    }
    for joined in [format!("--token={TOKEN}"), format!("--token={ASCII_TOKEN}")] {
        let _ = quiet(&notify, &["target", "set", "push", &joined]).expect_code(2);
    }
}

#[test]
fn a_secret_that_cannot_be_stored_is_refused_and_not_quoted() {
    let notify = both("http://127.0.0.1:1", 1, ASCII_TOKEN);
    for input in [
        format!("{ASCII_TOKEN}\nsecond line\n"),
        format!("{ASCII_TOKEN}\0\n"),
        format!("{ASCII_TOKEN}\u{7}\n"),
        // A header of HTTP cannot carry it.
        format!("{TOKEN}\n"),
    ] {
        let words = ["target", "set", "push", "--token-file", "-"];
        let _ = quiet_with(&notify, &words, input.as_bytes()).expect_code(2);
    }
    let words = ["target", "set", "push", "--token-file", "-"];
    let good = format!("{ASCII_TOKEN}2\n");
    let _ = quiet_with(&notify, &words, good.as_bytes()).expect_code(0);
    let stored = notify.read("priv/notifications.cfg").contains(&good);
    assert!(stored, "it was stored");
    // A secret given where a path is wanted.
    let _ = quiet(&notify, &["target", "set", "push", "--password-file", "-"]).expect_code(2);
}

#[test]
fn the_credentials_of_the_proxy_are_not_written() {
    let gone = misbehaving::refusing();
    let refusing = http::Server::start(|request| Response::new(407).body(echo(request)).into());
    for proxy in [
        format!("http://max:{ASCII_TOKEN}@{gone}"),
        format!("max:{ASCII_TOKEN}@{gone}"),
        format!("https://max:{ASCII_TOKEN}@{gone}"),
        format!("socks5://max:{ASCII_TOKEN}@{gone}"),
        format!("http://max:{ASCII_TOKEN}@{}", refusing.addr()),
        format!("http://max:{ASCII_TOKEN}@:not-a-port"),
        format!("http://{ASCII_TOKEN}@"),
    ] {
        for url in ["http://gotify.invalid", "https://gotify.invalid"] {
            let notify = both(url, gone.port(), "harmless-token")
                .file("datacenter.cfg", format!("http_proxy: {proxy}\n"));
            for words in [
                &["test", "push", "--json"][..],
                &["--verbose", "test", "push"],
                &["check", "--json"],
                &["send", "--title", "t"],
                &["config", "show", "--json"],
            ] {
                let _ = quiet(&notify, words);
            }
        }
    }
    assert!(!refusing.requests().is_empty(), "the proxy was asked");
}
