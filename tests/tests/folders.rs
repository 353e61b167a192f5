//! Which configuration folder is read, and what is made of one that is not as it should be.

use std::path::Path;
use std::process::Command;

use notify_tests::sections::token;
use notify_tests::{Notify, Run, program};
use serde_json::{Value, json};

/// A public file whose only target and matcher have these names.
fn named(name: &str) -> String {
    format!("sendmail: {name}\n\tmailto a@example.com\n\nmatcher: for-{name}\n\ttarget {name}\n")
}

/// The names of the targets that this run of `target list --json` shows, without built-ins.
fn targets(run: Run) -> Vec<String> {
    let list = run.expect_code(0).json();
    let names = list.as_array().expect("a list").iter();
    names
        .filter(|target| target["origin"] == "user-created")
        .filter_map(|target| target["name"].as_str().map(str::to_owned))
        .collect()
}

const LIST: [&str; 3] = ["target", "list", "--json"];

#[test]
fn the_flag_wins_over_the_variable() {
    let (by_variable, by_flag) = (
        Notify::new().file("notifications.cfg", named("by-variable")),
        Notify::new().file("notifications.cfg", named("by-flag")),
    );
    assert_eq!(targets(by_variable.run(&LIST)), ["by-variable"]);
    let folder = by_flag.config();
    let folder = folder.to_str().expect("a path of ASCII");
    for words in [
        ["--config-dir", folder, "target", "list", "--json"],
        ["target", "list", "--json", "--config-dir", folder],
    ] {
        assert_eq!(targets(by_variable.run(&words)), ["by-flag"]);
    }
}

#[test]
fn a_folder_that_was_named_and_is_not_there_exits_2() {
    let notify = Notify::new().file("a-file", "");
    for folder in ["nowhere", "a-file"] {
        let path = notify.config().join(folder);
        let path = path.to_str().expect("a path of ASCII");
        for words in [
            &["target", "list"][..],
            &["check"],
            &["route"],
            &["send", "--title", "t"],
            &["config", "show"],
            &["config", "format"],
            &[
                "target",
                "add",
                "sendmail",
                "new",
                "--mailto",
                "a@example.com",
            ],
        ] {
            let by_flag = notify.run(&[&["--config-dir", path], words].concat());
            let mut command = notify.command(words);
            command.env("NOTIFY_CONFIG_DIR", path);
            for run in [by_flag, Run::of(command, b"")] {
                let run = run.expect_code(2);
                assert!(run.stdout.is_empty(), "{words:?}");
                assert!(
                    run.stderr.contains(path),
                    "the folder is named: {}",
                    run.stderr
                );
            }
        }
    }
    assert!(
        !notify.config().join("nowhere").exists(),
        "it is not made either"
    );
}

#[test]
fn a_folder_without_a_file_has_the_built_ins_only() {
    let notify = Notify::new();
    assert_eq!(
        notify.run(&LIST).expect_code(0).json(),
        json!([{
            "name": "mail-to-root",
            "type": "sendmail",
            "origin": "builtin",
            "comment": "Send mails to root@pam's email address",
        }])
    );
    let matchers = notify
        .run(&["matcher", "list", "--json"])
        .expect_code(0)
        .json();
    let names: Vec<&Value> = matchers
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["default-matcher"]);
    let run = notify.run(&["check", "--json"]).expect_code(0);
    assert_eq!(
        run.json(),
        json!([]),
        "built-ins that nobody touched have no fault"
    );
    assert!(
        !notify.config().join("notifications.cfg").exists(),
        "nothing is written"
    );
}

/// The program as an ordinary user with this `XDG_CONFIG_HOME`, started from a
/// place where that user may go.
fn as_nobody(notify: &Notify, xdg: &Path) -> Run {
    let copy = notify.scratch().join("notify");
    // By another process: a file that this one has open for writing cannot be run.
    let copied = Command::new("cp").arg(program()).arg(&copy).status();
    assert!(copied.expect("cp runs").success());
    for (path, mode) in [(notify.scratch(), "755"), (&copy, "755")] {
        let changed = Command::new("chmod").arg(mode).arg(path).status();
        assert!(changed.expect("chmod runs").success());
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&copy)
        .args(LIST)
        .env_remove("NOTIFY_CONFIG_DIR")
        .env("NOTIFY_STATE_DIR", notify.scratch().join("state"))
        .env("XDG_CONFIG_HOME", xdg);
    if !is_root() {
        command = Command::new(&copy);
        command
            .args(LIST)
            .env_remove("NOTIFY_CONFIG_DIR")
            .env("XDG_CONFIG_HOME", xdg);
    }
    Run::of(command, b"")
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id runs");
    output.stdout == b"0\n"
}

#[test]
fn an_ordinary_user_has_a_folder_of_their_own() {
    let notify = Notify::new();
    let own = notify.scratch().join("xdg/notify");
    std::fs::create_dir_all(&own).expect("a folder");
    std::fs::write(own.join("notifications.cfg"), named("by-xdg")).expect("a file");
    assert_eq!(
        targets(as_nobody(&notify, &notify.scratch().join("xdg"))),
        ["by-xdg"]
    );
    // Without such a folder it is the system's, which need not exist.
    let run = as_nobody(&notify, &notify.scratch().join("elsewhere")).expect_code(0);
    assert!(!run.stdout.contains("by-xdg"));
}

#[test]
fn root_does_not_read_the_folder_of_a_user() {
    if !is_root() {
        // The other half is what `an_ordinary_user_has_a_folder_of_their_own` sees.
        return;
    }
    let notify = Notify::new();
    let own = notify.scratch().join("xdg/notify");
    std::fs::create_dir_all(&own).expect("a folder");
    std::fs::write(own.join("notifications.cfg"), named("by-xdg")).expect("a file");
    let mut command = notify.command(&LIST);
    command
        .env_remove("NOTIFY_CONFIG_DIR")
        .env("XDG_CONFIG_HOME", notify.scratch().join("xdg"));
    let run = Run::of(command, b"").expect_code(0);
    assert!(!run.stdout.contains("by-xdg"), "{}", run.stdout);
}

/// Every command that reads the configuration.
const READERS: &[&[&str]] = &[
    &["send", "--title", "t"],
    &["test", "push"],
    &["test", "--route"],
    &["route"],
    &["check"],
    &["config", "show"],
    &["config", "format"],
    &["target", "list"],
    &["target", "show", "push"],
    &["matcher", "list"],
    &["target", "set", "push", "--comment", "x"],
];

#[test]
fn a_public_file_that_may_not_be_read_exits_2() {
    let notify = Notify::new()
        .file(
            "notifications.cfg",
            "gotify: push\n\tserver http://127.0.0.1:1\n",
        )
        .mode("notifications.cfg", 0o000);
    for words in READERS {
        let run = notify.run_powerless(words).expect_code(2);
        assert!(
            run.stderr.contains("notifications.cfg"),
            "{words:?}: {}",
            run.stderr
        );
        assert!(
            run.stderr.to_lowercase().contains("permission denied"),
            "{words:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn a_folder_in_place_of_the_public_file_exits_2() {
    let notify = Notify::new();
    std::fs::create_dir(notify.config().join("notifications.cfg")).expect("a folder");
    for words in READERS {
        let run = notify.run(words).expect_code(2);
        assert!(
            run.stderr.contains("notifications.cfg"),
            "{words:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn a_private_file_that_may_not_be_read_costs_the_targets_with_required_secrets() {
    let notify = Notify::new()
        .routing(
            "gotify: push\n\tserver http://127.0.0.1:1\n\n\
             sendmail: local\n\tmailto a@example.com\n\n\
             smtp: relay\n\tserver 127.0.0.1\n\tfrom-address a@example.com\n\tmailto b@example.com\n\n\
             matcher: all\n\ttarget push\n\ttarget local\n\ttarget relay\n",
        )
        .file("priv/notifications.cfg", token("push", "A.token"))
        .mode("priv/notifications.cfg", 0o000);
    let run = notify.run_powerless(&["route", "--json"]).expect_code(0);
    assert_eq!(
        run.json()["unusable"],
        json!(["push"]),
        "the others have no required secret"
    );
    assert!(
        run.stderr.to_lowercase().contains("permission denied"),
        "{}",
        run.stderr
    );
    let run = notify.run_powerless(&["check", "--json"]).expect_code(1);
    let faults = run.json();
    let of = |needle: &str| {
        let faults = faults.as_array().expect("a list");
        faults
            .iter()
            .filter(|fault| fault.to_string().to_lowercase().contains(needle))
            .count()
    };
    assert!(of("permission denied") > 0, "{faults:#}");
    // With the power to read it there is no fault.
    let _ = notify.run(&["check"]).expect_code(0);
}

#[test]
fn a_private_file_that_others_can_read_is_an_error_that_is_shown() {
    for mode in [0o644, 0o604] {
        let notify = Notify::new()
            .routing("gotify: push\n\tserver http://127.0.0.1:1\n\nmatcher: all\n\ttarget push\n")
            .file("priv/notifications.cfg", token("push", "A.token"))
            .mode("priv/notifications.cfg", mode);
        let found = notify.run(&["check", "--json"]).json();
        let exposed: Vec<&Value> = found
            .as_array()
            .expect("a list")
            .iter()
            .filter(|fault| fault["file"] == "priv/notifications.cfg")
            .collect();
        assert_eq!(exposed.len(), 1, "{mode:o}: {found:#}");
        assert_eq!(exposed[0]["severity"], "error", "{mode:o}");
        let _ = notify.run(&["check"]).expect_code(1);
    }
}
