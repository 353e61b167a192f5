//! The recipes of `docs/guide/webhook-recipes.md`, taken from the page, against the services that they are for.
//!
//! Each service is a strict fake; Alertmanager is the real one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_testkit::real::Alertmanager;
use notify_testkit::services::{
    DISCORD, MATRIX, NTFY, PAGERDUTY, SLACK, Server, Service, TEAMS, TELEGRAM, Taken,
};
use notify_tests::{Notify, Run};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../docs/guide/webhook-recipes.md");

/// The services with a fake.
const SERVICES: [&Service; 7] = [
    &NTFY, &DISCORD, &SLACK, &TELEGRAM, &MATRIX, &TEAMS, &PAGERDUTY,
];

/// One recipe: its body as text, and its files.
#[derive(Debug, Default)]
struct Recipe {
    body: String,
    files: BTreeMap<String, String>,
}

/// The recipes of the page by the names of their sections, in order.
fn recipes() -> Vec<(String, Recipe)> {
    let mut recipes: Vec<(String, Recipe)> = Vec::new();
    let (mut recipe, mut intro) = (Recipe::default(), String::new());
    let mut lines = PAGE.lines();
    while let Some(line) = lines.next() {
        if line == "```text" {
            let block = lines.by_ref().take_while(|line| *line != "```");
            let block: Vec<_> = block.collect();
            if intro == "The body:" {
                recipe.body = block.join("\n");
            } else if let Some(file) = intro.strip_prefix('`').and_then(|it| it.strip_suffix("`:"))
            {
                let text = block.join("\n") + "\n";
                recipe.files.insert(file.to_owned(), text);
            }
        } else if line.starts_with("## ") {
            finish(&mut recipes, std::mem::take(&mut recipe));
        } else if !line.is_empty() {
            line.clone_into(&mut intro);
        }
    }
    finish(&mut recipes, recipe);
    recipes
}

fn finish(recipes: &mut Vec<(String, Recipe)>, recipe: Recipe) {
    if let Some(section) = recipe.files.get("notifications.cfg") {
        let header = section.lines().next().expect("a section has a header");
        let name = header.strip_prefix("webhook: ").expect("a webhook");
        recipes.push((name.to_owned(), recipe));
    }
}

fn recipe(name: &str) -> Recipe {
    let found = recipes().into_iter().find(|(known, _)| known == name);
    found
        .unwrap_or_else(|| panic!("the page has no recipe {name}"))
        .1
}

impl Recipe {
    fn line(&self, file: &str, start: &str) -> Option<&str> {
        let text = self.files.get(file)?;
        text.lines()
            .find_map(|line| line.trim().strip_prefix(start))
    }

    /// The text of its secret.
    fn secret(&self) -> String {
        let line = self.line("priv/notifications.cfg", "secret ");
        let (_, value) = line
            .and_then(|line| line.split_once(",value="))
            .expect("a secret");
        String::from_utf8(STANDARD.decode(value).expect("base64")).expect("text")
    }

    /// The program with these files, all to this target, whose host is now this server.
    fn at(&self, name: &str, server: &str) -> Notify {
        let url = self.line("notifications.cfg", "url ").expect("a URL");
        let end = url
            .match_indices('/')
            .nth(2)
            .map_or(url.len(), |(at, _)| at);
        let section = self.files["notifications.cfg"].replace(&url[..end], server);
        assert!(section.contains(server), "{section}");
        let rest = self
            .files
            .iter()
            .filter(|(file, _)| *file != "notifications.cfg");
        rest.fold(Notify::new(), |notify, (file, text)| {
            notify.file(file, text)
        })
        .routing(&format!("{section}\nmatcher: all\n\ttarget {name}\n"))
    }
}

fn send(notify: &Notify, severity: &str, title: &str, message: &str) -> Run {
    let words = [
        "send",
        "--severity",
        severity,
        "--type",
        "vzdump",
        "--field",
        "job-id=backup-1",
        "--title",
        title,
        "--message-file",
        "-",
        "--json",
    ];
    notify.run_with(&words, message.as_bytes())
}

/// The one message that has come since the last look.
fn newest(server: &Server, before: usize, run: &Run) -> Taken {
    let mut taken = server.taken();
    assert_eq!(server.http().violations(), [""; 0]);
    assert_eq!(taken.len(), before + 1, "{}{}", run.stdout, run.stderr);
    taken.pop().expect("one more than before")
}

#[test]
fn the_page_has_a_recipe_for_every_service() {
    let mut names: Vec<_> = SERVICES.map(|service| service.name.to_owned()).into();
    names.push("alertmanager".to_owned());
    let found: Vec<_> = recipes().into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, names);
}

#[test]
fn the_body_that_is_shown_is_the_one_in_the_section() {
    for (name, recipe) in recipes() {
        let encoded = recipe.line("notifications.cfg", "body ").expect("a body");
        let expected = STANDARD.encode(&recipe.body);
        assert_eq!(encoded, expected, "{name}");
    }
}

#[test]
fn every_recipe_is_good_by_itself() {
    for (name, recipe) in recipes() {
        let files = recipe.files.iter();
        let notify = files.fold(Notify::new(), |notify, (file, text)| {
            notify.file(file, text)
        });
        let found = notify.run(&["check", "--json"]).json();
        let messages: Vec<_> = found
            .as_array()
            .expect("a list")
            .iter()
            .map(|fault| &fault["message"])
            .collect();
        assert_eq!(messages, ["no matcher reaches this target"], "{name}");
    }
}

#[test]
fn plain_messages_arrive() {
    for service in SERVICES {
        let recipe = recipe(service.name);
        let server = Server::start(service, &recipe.secret());
        let notify = recipe.at(service.name, &server.url());
        for (count, severity) in ["info", "notice", "warning", "error", "unknown"]
            .into_iter()
            .enumerate()
        {
            let run = send(&notify, severity, "Backup failed", "line 1\nline 2").expect_code(0);
            let taken = newest(&server, count, &run);
            assert!(
                taken.title.contains("Backup failed"),
                "{service:?}: {taken:?}"
            );
            assert!(
                taken.text.contains("line 1\nline 2"),
                "{service:?}: {taken:?}"
            );
        }
    }
}

#[test]
fn severities_become_the_words_of_the_service() {
    let severities = ["info", "notice", "warning", "error", "unknown"];
    for (service, expected) in [
        (&NTFY, ["3", "3", "4", "5", "3"]),
        (&DISCORD, ["2ecc71", "2ecc71", "e67e22", "e74c3c", "2ecc71"]),
        (&TELEGRAM, ["quiet", "loud", "loud", "loud", "loud"]),
        (
            &TEAMS,
            ["Default", "Default", "Warning", "Attention", "Default"],
        ),
        (&PAGERDUTY, ["info", "info", "warning", "error", "warning"]),
    ] {
        let recipe = recipe(service.name);
        let server = Server::start(service, &recipe.secret());
        let notify = recipe.at(service.name, &server.url());
        for severity in severities {
            let _ = send(&notify, severity, "t", "m").expect_code(0);
        }
        let urgencies: Vec<_> = server
            .taken()
            .into_iter()
            .map(|taken| taken.urgency)
            .collect();
        assert_eq!(urgencies, expected, "{service:?}");
    }
}

/// Texts that would end a string, a block or a tag, or mean something to a service.
const NASTY: [&str; 8] = [
    "\"quoted\" \\ back\\\\slash \\n \\u0041",
    "</script> <b>bold</b> & &amp; <!channel> @everyone <@123>",
    "`tick` ```fence``` ````four````",
    "{{ title }} {{{ secrets.token }}} {{#if x}}",
    "*bold* _under_ ~strike~ [link](http://example.com) #1",
    "🔥 日本語 \u{202e}desrever ﷽ e\u{301}",
    "line 1\r\nline 2\n\n\tindented\n",
    "%s %n $(id) ; ' -- \u{1b}[31m",
];

#[test]
fn nasty_texts_arrive_as_they_are() {
    for service in SERVICES {
        let recipe = recipe(service.name);
        let server = Server::start(service, &recipe.secret());
        let notify = recipe.at(service.name, &server.url());
        for (count, text) in NASTY.into_iter().enumerate() {
            let title = text.lines().next().expect("one");
            let run = send(&notify, "error", title, text).expect_code(0);
            let taken = newest(&server, count, &run);
            // A title is one line that any terminal can show.
            let title = title.replace('\u{1b}', " ");
            let title = title.trim();
            assert!(
                taken.title.contains(title),
                "{service:?}: {title:?} is not in {taken:?}"
            );
            let text = text.trim_end();
            assert!(
                taken.text.contains(text),
                "{service:?}: {text:?} is not in {taken:?}"
            );
        }
    }
}

#[test]
fn messages_without_text_or_title_arrive() {
    for service in SERVICES {
        let recipe = recipe(service.name);
        let server = Server::start(service, &recipe.secret());
        let notify = recipe.at(service.name, &server.url());
        let run = send(&notify, "info", "only a title", "").expect_code(0);
        assert!(
            newest(&server, 0, &run).title.contains("only a title"),
            "{service:?}"
        );
        let run = send(&notify, "info", "", "only a text").expect_code(0);
        assert!(
            newest(&server, 1, &run).text.contains("only a text"),
            "{service:?}"
        );
    }
}

/// The report of a backup of 1,000 guests, of which these three failed.
const FAILED: [(u64, &str); 3] = [
    (137, "mail-archive"),
    (512, "büro-🔥-db"),
    (998, "\"quoted\""),
];

fn report() -> Value {
    let guest = |vmid: u64| {
        let failed = FAILED.iter().find(|(failed, _)| *failed == vmid);
        let name = failed.map_or_else(|| format!("guest-{vmid}"), |(_, name)| (*name).to_owned());
        let status = if failed.is_some() { "err" } else { "ok" };
        json!({ "vmid": vmid, "name": name, "status": status, "time": 61, "size": 1_234_567, "filename": format!("/var/lib/vz/dump/vzdump-qemu-{vmid}.vma.zst") })
    };
    let columns = ["vmid", "name", "status", "time", "size", "filename"];
    let columns = columns.map(|id| json!({ "id": id, "label": id.to_uppercase() }));
    let logs = (1..=1000).fold(String::new(), |mut logs, vmid| {
        writeln!(logs, "{vmid}: INFO: a \"quoted\" line of <its> log\\n").expect("memory");
        logs
    });
    json!({
        "hostname": "pve1", "fqdn": "pve1.example.com", "status-text": "backup failed", "error": null,
        "total-size": 1_234_567_000_u64, "total-time": 61_000, "logs": logs,
        "guest-table": { "schema": { "columns": columns }, "data": (1..=1000).map(guest).collect::<Vec<_>>() },
    })
}

fn send_report(notify: &Notify) -> Run {
    let words = [
        "send",
        "--severity",
        "error",
        "--type",
        "vzdump",
        "--template",
        "vzdump",
        "--data",
        "-",
        "--json",
    ];
    notify.run_with(&words, report().to_string().as_bytes())
}

#[test]
fn the_report_of_a_thousand_guests_fits_and_names_the_failed() {
    for service in SERVICES {
        let recipe = recipe(service.name);
        let server = Server::start(service, &recipe.secret());
        let notify = recipe.at(service.name, &server.url());
        let run = send_report(&notify).expect_code(0);
        let taken = newest(&server, 0, &run);
        assert!(
            taken.title.contains("backup failed"),
            "{service:?}: {}",
            taken.title
        );
        for (_, name) in FAILED {
            assert!(
                taken.text.contains(name),
                "{service:?}: {name} is not in {}",
                taken.text
            );
        }
    }
}

#[test]
fn one_long_line_of_the_widest_characters_fits() {
    for service in SERVICES {
        let recipe = recipe(service.name);
        let server = Server::start(service, &recipe.secret());
        let notify = recipe.at(service.name, &server.url());
        for (count, text) in ["🔥", "\"", "\\", "\n", "\u{1b}"].into_iter().enumerate() {
            let (title, message) = (text.repeat(2000), format!("begin{}", text.repeat(200_000)));
            let run = send(&notify, "error", &title, &message).expect_code(0);
            let taken = newest(&server, count, &run);
            assert!(taken.text.contains("begin"), "{service:?}");
        }
    }
}

#[test]
fn a_wrong_secret_is_refused_in_the_words_of_the_service() {
    for (service, expected) in [
        (&NTFY, "answered 401 Unauthorized: unauthorized"),
        (&DISCORD, "answered 401 Unauthorized: Invalid Webhook Token"),
        (&SLACK, "answered 403 Forbidden: invalid_token"),
        (&TELEGRAM, "answered 401 Unauthorized: Unauthorized"),
        (
            &MATRIX,
            "answered 401 Unauthorized: Invalid access token passed",
        ),
        (
            &TEAMS,
            "answered 401 Unauthorized: The request must be authenticated only by Shared Access scheme",
        ),
        (
            &PAGERDUTY,
            "answered 400 Bad Request: Event object is invalid: Invalid routing key",
        ),
    ] {
        let recipe = recipe(service.name);
        let server = Server::start(service, "another");
        let run = send(&recipe.at(service.name, &server.url()), "info", "t", "m").expect_code(1);
        let error = run.json()["targets"][0]["error"]["message"].clone();
        let error = error.as_str().expect("an error");
        assert!(error.contains(expected), "{service:?}: {error}");
        let all = format!("{}{}", run.stdout, run.stderr);
        assert!(!all.contains(&recipe.secret()), "{service:?}");
        assert_eq!(server.taken(), []);
    }
}

#[test]
fn alertmanager_takes_its_recipe() {
    let alertmanager = Alertmanager::start();
    let recipe = recipe("alertmanager");
    let notify = recipe.at("alertmanager", &alertmanager.url());
    let _ = send(&notify, "error", "Backup \"failed\"", NASTY[0]).expect_code(0);
    // Without the fields that not every event has: another alert.
    let _ = notify
        .run(&[
            "send",
            "--severity",
            "info",
            "--title",
            "t",
            "--message",
            "m",
        ])
        .expect_code(0);
    let _ = send_report(&notify).expect_code(0);
    let alerts = alerts(&alertmanager, 3);
    let of = |severity: &str, job: Option<&str>| {
        let is_it = |alert: &&Value| {
            alert["labels"]["severity"] == severity && alert["labels"]["job_id"].as_str() == job
        };
        alerts
            .iter()
            .find(is_it)
            .unwrap_or_else(|| panic!("{severity}: {alerts:?}"))
    };
    let nasty = of("error", Some("backup-1"));
    assert_eq!(nasty["labels"]["alertname"], "vzdump");
    assert_eq!(nasty["annotations"]["summary"], "Backup \"failed\"");
    assert_eq!(nasty["annotations"]["description"], NASTY[0]);
    let plain = of("info", None);
    assert_eq!(plain["labels"]["alertname"], "notification");
    let report = of("error", None);
    let text = report["annotations"]["description"]
        .as_str()
        .expect("a text");
    for (_, name) in FAILED {
        assert!(text.contains(name), "{name} is not in {text}");
    }
}

/// The alerts once there are `count`: it answers before it has filed them.
fn alerts(alertmanager: &Alertmanager, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let alerts = alertmanager.alerts();
        if alerts.len() >= count || Instant::now() >= deadline {
            assert_eq!(alerts.len(), count, "{alerts:?}");
            return alerts;
        }
        std::thread::yield_now();
    }
}

#[test]
fn alertmanager_says_what_it_refuses() {
    let alertmanager = Alertmanager::start();
    let recipe = recipe("alertmanager");
    let broken = STANDARD.encode(recipe.body.replace("\"labels\"", "\"label\""));
    let body = recipe
        .line("notifications.cfg", "body ")
        .expect("a body")
        .to_owned();
    let mut recipe = recipe;
    let section = recipe
        .files
        .get_mut("notifications.cfg")
        .expect("a section");
    *section = section.replace(&body, &broken);
    let notify = recipe.at("alertmanager", &alertmanager.url());
    let run = send(&notify, "error", "t", "m").expect_code(1);
    let error = &run.json()["targets"][0]["error"];
    assert_eq!(error["kind"], "rejected", "{error}");
    assert_eq!(alertmanager.alerts(), [Value::Null; 0]);
}
