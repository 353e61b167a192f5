//! `notify event`: kinds, their data, their rules, and what arrives.

use notify_testkit::gotify;
use notify_testkit::real::{Apt, Package};
use notify_tests::sections::{all_to, gotify as gotify_section, token};
use notify_tests::{Notify, Run};
use serde_json::{Value, json};

const TOKEN: &str = "A.test-token";
const KINDS: [&str; 5] = [
    "fencing",
    "package-updates",
    "replication",
    "test",
    "vzdump",
];

/// A Gotify server, and an instance that sends everything to it.
fn pushing() -> (gotify::Server, Notify) {
    let server = gotify::Server::start(gotify::Options::token(TOKEN));
    let section = gotify_section("push", &server.url());
    let notify = Notify::new()
        .routing(&(section + &all_to(&["push"])))
        .file("priv/notifications.cfg", token("push", TOKEN));
    (server, notify)
}

/// An instance whose only target is a server that is not there.
fn reaching_nobody() -> Notify {
    let section = gotify_section("push", "http://127.0.0.1:1");
    Notify::new()
        .routing(&(section + &all_to(&["push"])))
        .file("priv/notifications.cfg", token("push", TOKEN))
}

fn event(notify: &Notify, kind: &str, more: &[&str], data: &Value) -> Run {
    let words = [&["event", kind, "--data", "-"], more].concat();
    notify.run_with(&words, data.to_string().as_bytes())
}

fn replication(failures: u64) -> Value {
    json!({"job-id": "100-0", "job-target": "pve2", "failure-count": failures, "error": "no route"})
}

fn updates(packages: &[(&str, &str)]) -> Value {
    let rows = packages.iter().map(|(name, version)| {
        json!({"package-name": name, "installed-version": "0", "available-version": version})
    });
    json!({"available-updates": rows.collect::<Vec<_>>()})
}

#[test]
fn the_example_of_every_kind_can_be_sent() {
    let (server, notify) = pushing();
    for kind in KINDS {
        let example = notify.run(&["event", kind, "--example"]).expect_code(0);
        assert_eq!(example.stderr, "");
        let words = ["event", kind, "--data", "-", "--json"];
        let run = notify.run_with(&words, example.stdout.as_bytes());
        let answer = run.expect_code(0).json();
        assert_eq!(answer["fields"]["type"], kind);
        assert_eq!(answer["targets"][0]["state"], "delivered");
    }
    let messages = server.messages();
    let titles: Vec<_> = messages
        .iter()
        .map(|message| message.title.as_str())
        .collect();
    assert_eq!(titles.len(), KINDS.len());
    assert_eq!(titles[0], "Trying to fence node 'pve2'");
    assert_eq!(titles[2], "Replication Job: '100-0' failed");
    assert!(
        titles[1].starts_with("New software packages available ("),
        "{titles:?}"
    );
    assert!(
        titles[4].starts_with("vzdump backup status ("),
        "{titles:?}"
    );
    assert!(messages[4].message.contains("Total running time: 16s"));
    assert!(
        messages[2]
            .message
            .contains("Next sync try: 2024-01-08 09:00:00"),
        "in TZ"
    );
}

#[test]
fn kinds_are_listed_for_people_and_programs() {
    let notify = Notify::new();
    let list = notify
        .run(&["event", "--list", "--json"])
        .expect_code(0)
        .json();
    let list = list.as_array().expect("a list");
    let names: Vec<_> = list
        .iter()
        .map(|kind| kind["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(
        names,
        [
            "fencing",
            "package-updates",
            "replication",
            "system-mail",
            "test",
            "vzdump"
        ]
    );
    assert_eq!(list[5]["severities"], json!(["info", "error"]));
    assert_eq!(list[5]["fields"][2]["name"], "job-id");
    assert_eq!(list[3]["data"], json!(false));
    let text = notify.run(&["event", "--list"]).expect_code(0).stdout;
    let help = notify.run(&["event", "--help"]).expect_code(0).stdout;
    for name in names {
        assert!(text.contains(&format!("\n{name} ")), "{text}");
        assert!(help.contains(&format!("\n  {name} ")), "{help}");
    }
}

#[test]
fn a_schema_is_json_and_names_what_is_required() {
    for kind in KINDS {
        let schema = Notify::new()
            .run(&["event", kind, "--schema"])
            .expect_code(0)
            .json();
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert_eq!(schema["type"], "object");
    }
    let schema = Notify::new().run(&["event", "fencing", "--schema"]).json();
    assert_eq!(schema["required"], json!(["failed-node", "master-node"]));
}

#[test]
fn mails_are_not_made_of_data() {
    for words in [
        &["event", "system-mail", "--example"][..],
        &["event", "system-mail", "--schema"],
        &["event", "system-mail", "--data", "-"],
    ] {
        let _ = Notify::new()
            .run_with(words, b"{}")
            .expect_code(2)
            .expect_error_line(&["`system-mail` is made of mails, not of data"])
            .expect_error_line(&["notify forward-mail"]);
    }
}

#[test]
fn severity_and_fields_come_of_the_data() {
    let (_server, notify) = pushing();
    let answer = |kind: &str, more: &[&str], data: &Value| {
        let more = [more, &["--json"]].concat();
        event(&notify, kind, &more, data).expect_code(0).json()
    };
    let good = json!({"guest-table": [{"vmid": 100, "status": "ok"}]});
    let job = answer(
        "vzdump",
        &["--job-id", "backup-1a2b", "--timestamp", "1704697200"],
        &good,
    );
    assert_eq!(
        (&job["severity"], &job["timestamp"]),
        (&json!("info"), &json!(1_704_697_200))
    );
    assert_eq!(job["fields"]["job-id"], "backup-1a2b");
    let by_hand = answer("vzdump", &[], &good);
    assert_eq!(by_hand["fields"].get("job-id"), None);

    let bad = json!({"guest-table": [{"vmid": 100, "status": "err"}], "hostname": "pve7"});
    let answered = answer("vzdump", &["--field", "team=storage"], &bad);
    assert_eq!(answered["severity"], "error");
    assert_eq!(
        answered["fields"],
        json!({"type": "vzdump", "hostname": "pve7", "team": "storage"})
    );
    let moved = answer("vzdump", &["--field", "hostname=pve8"], &bad);
    assert_eq!(moved["fields"]["hostname"], "pve8");

    let fenced = json!({"failed-node": "pve2", "master-node": "pve1", "hostname": "pve1"});
    assert_eq!(
        answer("fencing", &[], &fenced)["fields"]["hostname"],
        "pve2"
    );
}

#[test]
fn all_faults_of_the_data_are_told_and_nothing_is_sent() {
    let (server, notify) = pushing();
    let data = json!({"guest-table": [{"vmid": "x", "status": "done"}], "total-time": -1});
    let _ = event(&notify, "vzdump", &[], &data)
        .expect_code(2)
        .expect_error_line(&["standard input", "3 faults", "`vzdump`"])
        .expect_error_line(&["`guest-table[0].status`", "`ok`, `err`, `todo`", "\"done\""])
        .expect_error_line(&["`guest-table[0].vmid`", "\"x\""])
        .expect_error_line(&["`total-time`", "-1"]);
    let _ = notify
        .run_with(&["event", "vzdump", "--data", "-"], b"{")
        .expect_code(2)
        .expect_error_line(&["standard input", "line 1"]);
    let _ = event(&notify, "test", &[], &json!({"hostname": "a\nb"}))
        .expect_code(2)
        .expect_error_line(&["`hostname` contains a control character"]);
    assert_eq!(server.messages().len(), 0);
}

#[test]
fn wrong_usage_is_refused() {
    let notify = Notify::new();
    let check = |words: &[&str], said: &str| {
        let _ = notify
            .run_with(&[&["event"], words].concat(), b"{}")
            .expect_code(2)
            .expect_error_line(&[said]);
    };
    check(
        &["backup", "--data", "-"],
        "there are fencing, package-updates,",
    );
    check(
        &["fencing", "--from-apt"],
        "--from-apt is for `package-updates`, not `fencing`",
    );
    check(
        &["test", "--from-log", "-"],
        "--from-log is for `vzdump`, not `test`",
    );
    check(
        &["test", "--data", "-", "--job-id", "a"],
        "--job-id is not for `test`",
    );
    check(
        &["replication", "--data", "-", "--job-id", "a"],
        "--job-id is not for `replication`",
    );
    check(
        &["test", "--data", "-", "--field", "type=a"],
        "`type` is the kind of the event",
    );
    check(
        &["test", "--data", "-", "--field", "a=1", "--field", "a=2"],
        "`a` is given twice",
    );
    check(
        &["test", "--data", "-", "--timestamp", "noon"],
        "--timestamp",
    );
    check(
        &["test", "--data", "/nonexistent/file"],
        "/nonexistent/file",
    );
    check(&["test"], "--data");
}

#[test]
fn replication_backs_off_and_says_so() {
    let (server, notify) = pushing();
    for failures in [0, 1, 2, 3, 4, 47, 48, 49, 96] {
        let run = event(&notify, "replication", &[], &replication(failures)).expect_code(0);
        let told = [1, 2, 3, 48, 96].contains(&failures);
        assert_eq!(
            run.stdout.starts_with("delivered"),
            told,
            "{failures}: {}",
            run.stdout
        );
        assert_eq!(
            run.stdout.starts_with("nothing was sent: "),
            !told,
            "{}",
            run.stdout
        );
    }
    assert_eq!(server.messages().len(), 5);
    let held = event(&notify, "replication", &["--json"], &replication(4)).expect_code(0);
    let held = held.json();
    assert_eq!(held["sent"], json!(false));
    let reason = held["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("failure 4 in a row"), "{reason}");
    let _ = event(&notify, "replication", &["--force"], &replication(4)).expect_code(0);
    assert_eq!(server.messages().len(), 6);
}

#[test]
fn updates_are_told_once() {
    let (server, notify) = pushing();
    let both = updates(&[("alpha", "1"), ("beta", "1")]);
    let _ = event(&notify, "package-updates", &[], &both).expect_code(0);
    let again = event(&notify, "package-updates", &["--json"], &both).expect_code(0);
    assert_eq!(
        again.json(),
        json!({"sent": false, "reason": "people were told of all updates already"})
    );
    let more = updates(&[("alpha", "1"), ("beta", "2")]);
    let _ = event(&notify, "package-updates", &[], &more).expect_code(0);
    let messages = server.messages();
    assert_eq!(messages.len(), 2);
    assert!(messages[0].message.contains("alpha"));
    let second = &messages[1].message;
    assert!(
        second.contains("beta") && !second.contains("alpha"),
        "{second}"
    );
    // By force everything is told again, and nothing is remembered.
    let _ = event(&notify, "package-updates", &["--force"], &both).expect_code(0);
    assert!(server.messages()[2].message.contains("alpha"));
    let none = event(&notify, "package-updates", &["--json"], &more).expect_code(0);
    assert_eq!(none.json()["sent"], json!(false));
}

#[test]
fn updates_that_nobody_took_are_told_again() {
    let notify = reaching_nobody();
    let data = updates(&[("alpha", "1")]);
    for _ in 0..2 {
        let run = event(&notify, "package-updates", &["--json"], &data).expect_code(75);
        assert_eq!(run.json()["targets"][0]["state"], "failed");
    }
    let server = gotify::Server::start(gotify::Options::token(TOKEN));
    let section = gotify_section("push", &server.url());
    let notify = notify.routing(&(section + &all_to(&["push"])));
    let _ = event(&notify, "package-updates", &[], &data).expect_code(0);
    assert_eq!(server.messages().len(), 1);
    let held = event(&notify, "package-updates", &["--json"], &data).expect_code(0);
    assert_eq!(held.json()["sent"], json!(false));
}

#[test]
fn the_memory_of_updates_may_be_damaged_but_not_refused() {
    let (server, notify) = pushing();
    let data = updates(&[("alpha", "1")]);
    let state = notify.scratch().join("state");
    std::fs::create_dir(&state).expect("a new folder");
    let file = state.join("announced-updates.json");
    std::fs::write(&file, "{").expect("written");
    let _ = event(&notify, "package-updates", &[], &data)
        .expect_code(0)
        .expect_error_line(&[
            "warning",
            "announced-updates.json",
            "all updates count as new",
        ]);
    let _ = event(&notify, "package-updates", &[], &data).expect_code(0);
    assert_eq!(server.messages().len(), 1, "it is whole again");

    // Nobody can read a folder in place of it; nothing is sent rather than the same every day.
    std::fs::remove_file(&file).expect("it is there");
    std::fs::create_dir(&file).expect("a new folder");
    let _ = event(&notify, "package-updates", &[], &data)
        .expect_code(1)
        .expect_error_line(&["cannot use", "announced-updates.json"]);
    assert_eq!(server.messages().len(), 1);
}

/// Not delivered and then forgotten, which would be the same mail every day.
#[test]
fn updates_that_cannot_be_remembered_are_not_sent() {
    let (server, notify) = pushing();
    let data = updates(&[("alpha", "1")]);
    let obstacle = notify.scratch().join("state/.announced-updates.new");
    std::fs::create_dir_all(obstacle.join("not-empty")).expect("new folders");
    let _ = event(&notify, "package-updates", &[], &data)
        .expect_code(1)
        .expect_error_line(&["cannot write", "announced-updates.json"]);
    assert_eq!(server.messages().len(), 0);
    std::fs::remove_dir_all(&obstacle).expect("it is there");
    let _ = event(&notify, "package-updates", &[], &data).expect_code(0);
    assert_eq!(server.messages().len(), 1);
}

#[test]
fn updates_whose_targets_are_all_disabled_are_not_told() {
    let (server, notify) = pushing();
    let data = updates(&[("alpha", "1")]);
    let section = gotify_section("push", &server.url());
    let on = section.clone() + &all_to(&["push"]);
    let off = section + "\tdisable 1\n" + &all_to(&["push"]);
    let notify = notify.routing(&off);
    let run = event(&notify, "package-updates", &["--json"], &data).expect_code(0);
    assert_eq!(run.json()["targets"][0]["reason"], "disabled");
    let notify = notify.routing(&on);
    let _ = event(&notify, "package-updates", &[], &data).expect_code(0);
    assert_eq!(server.messages().len(), 1);
    // Where no matcher chooses a target, nobody wants to hear of it.
    let more = updates(&[("beta", "1")]);
    let notify = notify.routing(&gotify_section("push", &server.url()));
    let _ = event(&notify, "package-updates", &[], &more).expect_code(0);
    let held = event(&notify, "package-updates", &["--json"], &more).expect_code(0);
    assert_eq!(held.json()["sent"], json!(false));
}

#[test]
fn a_job_id_is_a_word_of_the_command_line() {
    let (server, notify) = pushing();
    let data = json!({"guest-table": []});
    for bad in ["", "a b", "a\u{1}", &"x".repeat(51)] {
        let run = event(&notify, "vzdump", &["--job-id", bad], &data).expect_code(2);
        assert!(run.stderr.contains("--job-id"), "{}", run.stderr);
        assert!(!run.stderr.contains("data of"), "{}", run.stderr);
    }
    assert_eq!(server.messages().len(), 0);
}

#[test]
fn never_is_what_datacenter_cfg_says() {
    let (server, notify) = pushing();
    let notify = notify.file("datacenter.cfg", "notify: package-updates=never\n");
    let data = updates(&[("alpha", "1")]);
    let held = event(&notify, "package-updates", &[], &data).expect_code(0);
    assert_eq!(
        held.stdout,
        "nothing was sent: datacenter.cfg has `notify: package-updates=never`\n"
    );
    // It is not asked for either: apt may be broken, or missing.
    let held = notify
        .variable("PATH", "")
        .run(&["event", "package-updates", "--from-apt"])
        .expect_code(0);
    assert!(
        held.stdout.starts_with("nothing was sent: "),
        "{}",
        held.stdout
    );
    assert_eq!(server.messages().len(), 0);
}

/// The machine's own apt, with packages of our own: an index and a status, no network.
#[test]
fn updates_come_from_apt() {
    let (server, notify) = pushing();
    let installed = [Package::new("web-server", "1:9.9")];
    let apt = Apt::knowing(&installed, &[], &[Package::new("web-server", "2:1.0")]);
    let notify = notify.variable("APT_CONFIG", apt.settings());
    let words = ["event", "package-updates", "--from-apt", "--json"];
    let answer = notify.run(&words).expect_code(0).json();
    assert_eq!(answer["severity"], "info");
    let message = &server.messages()[0].message;
    let line = message.lines().find(|line| line.starts_with("web-server"));
    let words_of = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        line.map(words_of),
        Some(vec!["web-server".into(), "1:9.9".into(), "2:1.0".into()]),
        "{message}"
    );
    assert_eq!(
        notify.run(&words).expect_code(0).json()["sent"],
        json!(false)
    );
    assert_eq!(server.messages().len(), 1);
}

#[test]
fn an_apt_that_cannot_answer_is_named() {
    let (server, notify) = pushing();
    let missing = notify.variable("PATH", "/nonexistent");
    let words = ["event", "package-updates", "--from-apt"];
    let _ = missing
        .run(&words)
        .expect_code(1)
        .expect_error_line(&["apt-get: it is not installed"]);
    assert_eq!(server.messages().len(), 0);
}

const LOG: &str = "\
INFO: starting new backup job: vzdump 100 101 --mode snapshot --storage local
INFO: Starting Backup of VM 100 (qemu)
INFO: Backup started at 2024-01-08 01:00:02
INFO: VM Name: web
INFO: creating vzdump archive '/var/lib/vz/dump/vzdump-qemu-100.vma.zst'
INFO: archive file size: 430.75MB
INFO: Finished Backup of VM 100 (00:00:11)
INFO: Backup finished at 2024-01-08 01:00:13
INFO: Starting Backup of VM 101 (lxc)
INFO: Backup started at 2024-01-08 01:00:13
INFO: CT Name: db
ERROR: Backup of VM 101 failed - no space left on device
INFO: Failed at 2024-01-08 01:00:18
INFO: Backup job finished with errors
TASK ERROR: job errors
";

#[test]
fn a_log_of_vzdump_becomes_its_report() {
    let (server, notify) = pushing();
    let words = [
        "event",
        "vzdump",
        "--from-log",
        "-",
        "--job-id",
        "nightly",
        "--json",
    ];
    let answer = notify
        .run_with(&words, LOG.as_bytes())
        .expect_code(0)
        .json();
    assert_eq!(answer["severity"], "error");
    assert_eq!(answer["fields"]["job-id"], "nightly");
    let messages = server.messages();
    assert!(
        messages[0].title.ends_with(": backup failed"),
        "{}",
        messages[0].title
    );
    let text = &messages[0].message;
    let row = |vmid: &str| -> Vec<String> {
        // The table stands above the logs, and each failed guest above the table.
        let mut lines = text.lines();
        let last = lines.rfind(|line| line.starts_with(vmid) && !line.contains(": "));
        let last = last.unwrap_or_default();
        last.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(
        row("100"),
        [
            "100",
            "web",
            "ok",
            "11s",
            "430.75",
            "MiB",
            "/var/lib/vz/dump/vzdump-qemu-100.vma.zst"
        ]
    );
    assert_eq!(row("101")[..4], ["101", "db", "err", "5s"]);
    assert!(text.contains("Total running time: 16s"), "{text}");
    assert!(text.contains("\n101: ERROR: Backup of VM 101 failed - no space left on device\n"));

    let words = ["event", "vzdump", "--from-log", "-"];
    let _ = notify
        .run_with(&words, b"nothing of that kind\n")
        .expect_code(2)
        .expect_error_line(&["standard input: no line of it is of a log of vzdump"]);
    assert_eq!(server.messages().len(), 1);
}

#[test]
fn long_logs_become_a_sentence() {
    let (server, notify) = pushing();
    let data = json!({"guest-table": [], "logs": "x".repeat((1 << 20) + 1)});
    let _ = event(&notify, "vzdump", &[], &data).expect_code(0);
    let text = &server.messages()[0].message;
    assert!(
        text.contains("The logs are longer than 1 MiB and were left out."),
        "{text}"
    );
    assert!(text.len() < 2000);
}

/// A job that could not begin: no guest, no time, and the reason in the subject.
#[test]
fn a_job_that_did_not_begin_is_told_too() {
    let (server, notify) = pushing();
    let data = json!({"guest-table": [], "error": "storage 'nas' does not exist\n"});
    let answer = event(&notify, "vzdump", &["--json"], &data)
        .expect_code(0)
        .json();
    assert_eq!(answer["severity"], "error");
    let message = &server.messages()[0];
    assert!(
        message
            .title
            .ends_with(": backup failed: storage 'nas' does not exist"),
        "{}",
        message.title
    );
    assert!(
        message.message.contains("Total running time: 0s"),
        "{}",
        message.message
    );
}

#[test]
fn exit_codes_are_those_of_send() {
    let notify = reaching_nobody();
    let run = event(&notify, "test", &[], &json!({})).expect_code(75);
    assert!(run.stdout.contains("failed push"), "{}", run.stdout);
    let nobody = Notify::new().routing("");
    let run = event(&nobody, "test", &[], &json!({})).expect_code(0);
    assert!(
        run.stdout.starts_with("no target was chosen"),
        "{}",
        run.stdout
    );
}
