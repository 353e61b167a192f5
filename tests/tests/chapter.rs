//! The configuration examples of Proxmox VE's documentation, "Notifications", byte for byte.
//!
//! Each stands in a folder of its own in `cases/chapter/`, as an administrator
//! would copy it from there.

use std::path::{Path, PathBuf};

use notify_tests::Notify;
use serde_json::{Value, json};

/// The block, and the targets that its matchers name and it does not define.
const BLOCKS: &[(&str, &[&str])] = &[
    ("sendmail", &[]),
    ("smtp", &[]),
    ("gotify", &[]),
    ("always-matches", &["admin"]),
    ("working-hours", &["admin", "on-call-admins"]),
    ("failures", &["backup-admins", "cluster-admins"]),
    ("failures-by-regex", &["cluster-admins"]),
    // As printed: no blank line between the second and the third matcher.
    (
        "all-examples",
        &["admin", "backup-admins", "cluster-admins", "on-call-admins"],
    ),
];

fn folder(block: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("cases/chapter")
        .join(block)
}

/// An instance with a block, on a host whose users have addresses.
fn with(block: &str) -> Notify {
    let read = |name: &str| std::fs::read(folder(block).join(name));
    let notify = Notify::new()
        .file(
            "notifications.cfg",
            read("notifications.cfg").expect("a block"),
        )
        .file(
            "user.cfg",
            "user:root@pam:1:0:::root@example.com:::\nuser:admin@pve:1:0:::admin@example.com:::\n",
        );
    match read("priv/notifications.cfg") {
        Ok(private) => notify.file("priv/notifications.cfg", private),
        Err(_) => notify,
    }
}

#[test]
fn every_block_is_here() {
    let entries = std::fs::read_dir(folder("")).expect("the blocks");
    let mut there: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("a block")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    there.sort_unstable();
    let mut tested: Vec<&str> = BLOCKS.iter().map(|(name, _)| *name).collect();
    tested.sort_unstable();
    assert_eq!(there, tested);
}

#[test]
fn a_block_has_no_fault_but_missing_targets() {
    for (block, missing) in BLOCKS {
        let run = with(block).run(&["check", "--json"]);
        let _ = run.clone().expect_code(i32::from(!missing.is_empty()));
        let found = run.json();
        // That nothing reaches a target that stands alone is worth knowing, and no fault.
        let mut told: Vec<&str> = found
            .as_array()
            .expect("a list")
            .iter()
            .filter(|fault| fault["severity"] != "info")
            .filter_map(|fault| fault["message"].as_str())
            .collect();
        told.sort_unstable();
        assert_eq!(told.len(), missing.len(), "{block}: {found:#}");
        for (told, name) in told.iter().zip(*missing) {
            assert!(
                told.contains("no target") && told.contains(name),
                "{block}: {told}"
            );
        }
    }
}

#[test]
fn the_targets_are_what_the_chapter_says() {
    let show = |block: &str| {
        let run = with(block).run(&["target", "show", "example", "--json"]);
        run.expect_code(0).json()
    };
    let expect = |shown: &Value, expected: Value| {
        for (key, value) in expected.as_object().expect("an object") {
            assert_eq!(&shown[key], value, "{key} in {shown}");
        }
    };
    expect(
        &show("sendmail"),
        json!({"mailto-user": ["root@pam", "admin@pve"], "mailto": ["max@example.com"],
               "from-address": "pve1@example.com", "comment": "Send to multiple users/addresses"}),
    );
    expect(
        &show("smtp"),
        json!({"server": "mail.example.com", "mode": "starttls", "username": "pve1"}),
    );
    expect(
        &show("gotify"),
        json!({"server": "http://gotify.example.com:8888"}),
    );
    for (block, key, secret) in [
        ("smtp", "password", "somepassword"),
        ("gotify", "token", "somesecrettoken"),
    ] {
        let run = with(block)
            .run(&["config", "show", "--json"])
            .expect_code(0);
        assert!(
            run.stdout.contains(&format!("\"{key}\":")) && !run.stdout.contains(secret),
            "{block}"
        );
    }
}

#[test]
fn the_matchers_choose_what_the_chapter_says() {
    // Monday 2024-01-08 10:00, 20:00 and Sunday 2024-01-14 10:00 in Vienna.
    let (work, night, weekend) = ("2024-01-08 10:00", "2024-01-08 20:00", "2024-01-14 10:00");
    for (block, at, severity, kind, expected) in [
        ("always-matches", work, "info", "vzdump", &["admin"][..]),
        (
            "always-matches",
            weekend,
            "unknown",
            "system-mail",
            &["admin"],
        ),
        ("working-hours", work, "info", "vzdump", &["admin"]),
        (
            "working-hours",
            night,
            "info",
            "vzdump",
            &["on-call-admins"],
        ),
        (
            "working-hours",
            weekend,
            "error",
            "fencing",
            &["on-call-admins"],
        ),
        ("failures", work, "error", "vzdump", &["backup-admins"]),
        ("failures", work, "info", "vzdump", &[]),
        (
            "failures",
            work,
            "error",
            "replication",
            &["cluster-admins"],
        ),
        ("failures", work, "error", "fencing", &["cluster-admins"]),
        (
            "failures-by-regex",
            work,
            "error",
            "replication",
            &["cluster-admins"],
        ),
        (
            "failures-by-regex",
            work,
            "error",
            "fencing",
            &["cluster-admins"],
        ),
        ("failures-by-regex", work, "error", "vzdump", &[]),
        (
            "all-examples",
            work,
            "error",
            "vzdump",
            &["admin", "backup-admins"],
        ),
        (
            "all-examples",
            night,
            "error",
            "fencing",
            &["cluster-admins", "on-call-admins"],
        ),
    ] {
        let words = [
            "route",
            "--json",
            "--at",
            at,
            "--severity",
            severity,
            "--type",
            kind,
        ];
        let answer = with(block).run(&words).expect_code(0).json();
        let chosen: Vec<&str> = answer["targets"]
            .as_array()
            .expect("targets")
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "mail-to-root")
            .collect();
        assert_eq!(chosen, expected, "{block} at {at} for {severity} {kind}");
    }
}

#[test]
fn each_rule_of_the_chapter_is_accepted() {
    for rule in [
        "match-calendar 8-12",
        "match-calendar 8:00-15:30",
        "match-calendar mon-fri 9:00-17:00",
        "match-calendar sun,tue-wed,fri 9-17",
        "match-field exact:type=vzdump",
        r"match-field regex:hostname=^.+\.example\.com$",
        "match-field regex:hostname=.*",
        "match-severity error",
        "match-severity warning,error",
    ] {
        let text = format!("matcher: m1\n    {rule}\n    target mail-to-root\n");
        let notify = Notify::new().file("notifications.cfg", text);
        let answer = notify
            .run(&["route", "--explain", "--json"])
            .expect_code(0)
            .json();
        let m1 = &answer["matchers"][0];
        assert_eq!(
            (&m1["name"], &m1["error"]),
            (&json!("m1"), &Value::Null),
            "{rule}"
        );
        assert_eq!(m1["rules"].as_array().map(Vec::len), Some(1), "{rule}");
    }
}
