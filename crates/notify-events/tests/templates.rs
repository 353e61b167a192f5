//! What the built-in templates make of the data of their kinds.

use notify_core::Zone;
use notify_events as _;
use notify_render::{Part, Rendered, Templates};
use serde_json::{Value, json};

const VZDUMP: &str = include_str!("../../../tests/cases/events/vzdump.json");
const FENCING: &str = include_str!("../../../tests/cases/events/fencing.json");
const REPLICATION: &str = include_str!("../../../tests/cases/events/replication.json");
const PACKAGE_UPDATES: &str = include_str!("../../../tests/cases/events/package-updates.json");

/// A case with some variables changed; null takes one away.
fn case(text: &str, changes: &Value) -> Value {
    let mut case: Value = serde_json::from_str(text).expect("a case is JSON");
    let variables = case.as_object_mut().expect("a case is an object");
    for (name, value) in changes.as_object().expect("changes are an object") {
        match value {
            Value::Null => variables.remove(name),
            value => variables.insert(name.clone(), value.clone()),
        };
    }
    case
}

/// A report of one guest that went well.
fn successful() -> Value {
    let mut data = case(
        VZDUMP,
        &json!({
            "severity": "info", "status-text": "backup successful",
            "logs": "vzdump 100\n\n100: 2024-01-08 01:00:00 INFO: done\n\n",
        }),
    );
    let rows = data["guest-table"]["data"].as_array_mut();
    rows.expect("rows").truncate(1);
    data
}

/// A job that ended before any guest.
fn early() -> Value {
    let mut data = case(
        VZDUMP,
        &json!({
            "status-text": "backup failed: multiple problems", "error": "job errors\nstorage 'nas' is <offline>",
            "total-size": 0, "total-time": 0, "logs": "",
        }),
    );
    data["guest-table"]["data"] = json!([]);
    data
}

fn fenced() -> Value {
    case(
        FENCING,
        &json!({
            "fence-prefix": "SUCCEED", "is-success": "1", "fence-status": "fencing: acknowledged - got agent lock for node 'pve2'",
        }),
    )
}

fn first_replication() -> Value {
    let changes =
        json!({"last-sync": 0, "next-sync": null, "job-target": null, "failure-count": 1});
    case(REPLICATION, &changes)
}

fn rendered(template: &str, data: Value) -> Rendered {
    let zone: Zone = "Europe/Vienna".parse().expect("a zone");
    Templates::linked().message(template, data, zone)
}

fn part(message: &Rendered, part: Part) -> &str {
    message.part(part).expect("the template is built in")
}

/// All three parts, without the parts of HTML that are the same for all pages.
fn texts(template: &str, data: Value) -> String {
    let message = rendered(template, data);
    let html = part(&message, Part::Html);
    let (_, html) = html.split_once("</style>\n").expect("a page has a style");
    let texts = format!(
        "--- subject\n{}\n--- text\n{}\n--- html\n{html}",
        part(&message, Part::Subject),
        part(&message, Part::Text),
    );
    assert_eq!(message.faults(), []);
    texts
}

#[test]
fn all_are_linked_and_without_fault() {
    let templates = Templates::linked();
    let names: Vec<_> = templates.names().collect();
    let expected = [
        "fencing",
        "message",
        "package-updates",
        "replication",
        "test",
        "vzdump",
    ];
    assert_eq!(names, expected);
    assert_eq!(templates.check(), []);
}

#[test]
fn a_backup_that_failed_names_who_first() {
    insta::assert_snapshot!(texts("vzdump", case(VZDUMP, &json!({}))));
}

#[test]
fn a_backup_that_went_well_has_no_failures() {
    insta::assert_snapshot!(texts("vzdump", successful()));
}

#[test]
fn a_backup_that_ended_early_has_no_guests() {
    insta::assert_snapshot!(texts("vzdump", early()));
}

#[test]
fn fencing_is_tried() {
    insta::assert_snapshot!(texts("fencing", case(FENCING, &json!({}))));
}

#[test]
fn fencing_succeeds() {
    insta::assert_snapshot!(texts("fencing", fenced()));
}

#[test]
fn a_replication_says_when_it_is_tried_again() {
    insta::assert_snapshot!(texts("replication", case(REPLICATION, &json!({}))));
}

#[test]
fn a_replication_that_never_worked_says_so() {
    insta::assert_snapshot!(texts("replication", first_replication()));
}

#[test]
fn package_updates_tell_new_packages_from_newer_ones() {
    insta::assert_snapshot!(texts("package-updates", case(PACKAGE_UPDATES, &json!({}))));
}

#[test]
fn a_test_names_its_target() {
    let data = json!({"target": "mail<1>", "severity": "info", "hostname": "pve1"});
    insta::assert_snapshot!(texts("test", data));
}

#[test]
fn a_routed_test_has_no_target() {
    insta::assert_snapshot!(texts("test", json!({"severity": "info"})));
}

/// People filter by them, so they are those of Proxmox VE, letter for letter.
#[test]
fn subjects_are_those_that_people_filter_by() {
    for (template, data, expected) in [
        (
            "package-updates",
            case(PACKAGE_UPDATES, &json!({})),
            "New software packages available (pve1.example.com)",
        ),
        (
            "fencing",
            case(FENCING, &json!({})),
            "Trying to fence node 'pve2'",
        ),
        ("fencing", fenced(), "Successfully fenced node 'pve2'"),
        (
            "replication",
            case(REPLICATION, &json!({})),
            "Replication Job: '100-0' failed",
        ),
        (
            "vzdump",
            case(VZDUMP, &json!({})),
            "vzdump backup status (pve1.example.com): backup failed",
        ),
        (
            "vzdump",
            early(),
            "vzdump backup status (pve1.example.com): backup failed: multiple problems",
        ),
        ("test", json!({}), "Test notification"),
    ] {
        let message = rendered(template, data);
        assert_eq!(part(&message, Part::Subject), expected);
    }
}

/// Programs read the text of a report: its table, its totals, its logs.
#[test]
fn a_report_can_be_scraped() {
    let message = rendered("vzdump", case(VZDUMP, &json!({})));
    let lines: Vec<Vec<_>> = part(&message, Part::Text)
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let at = |words: &[&str]| {
        let found = lines.iter().position(|line| line.starts_with(words));
        found.unwrap_or_else(|| panic!("no line {words:?}"))
    };
    let head = at(&["VMID", "Name", "Status", "Time", "Size", "Filename"]);
    assert_eq!(lines[head + 1][..3], ["100", "web", "ok"]);
    assert_eq!(lines[head + 2], ["101", "db", "err", "5s", "0", "B", "-"]);
    assert!(lines[head + 3].is_empty(), "the table has ended");
    assert_eq!(
        lines[at(&["Total", "running", "time:"])][3..],
        ["1h", "1m", "1s"]
    );
    assert_eq!(lines[at(&["Total", "size:"])][2..], ["1", "MiB"]);
    let logs = &lines[at(&["Logs"]) + 1..];
    assert!(
        logs.iter()
            .any(|line| line.first() == Some(&"100:") && line.contains(&"INFO:"))
    );
}

#[test]
fn what_is_missing_is_not_shown_as_null() {
    for (template, data) in [
        ("vzdump", case(VZDUMP, &json!({}))),
        ("vzdump", early()),
        ("package-updates", case(PACKAGE_UPDATES, &json!({}))),
        (
            "fencing",
            case(FENCING, &json!({"nodes": null, "resources": null})),
        ),
        ("fencing", case(FENCING, &json!({}))),
        ("replication", first_replication()),
    ] {
        let texts = texts(template, data);
        for word in ["null", "ERROR (", "undefined"] {
            assert!(!texts.contains(word), "{word} in {texts}");
        }
    }
}
