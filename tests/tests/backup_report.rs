//! `notify backup-report`: which way a report goes, what arrives there, and what is answered.

use std::time::{Duration, Instant};

use notify_testkit::gotify;
use notify_testkit::real::{Postfix, PostfixOptions};
use notify_tests::sections::{all_to, gotify as gotify_section, token};
use notify_tests::{Notify, Run, Sendmail};
use serde_json::{Value, json};

const TOKEN: &str = "A.test-token";

const SUCCESSFUL: &str = r#"{"guest-table":[{"vmid":100,"name":"web","status":"ok","time":11,"size":1048576,"filename":"/dump/a.vma.zst"}]}"#;
const FAILED: &str = r#"{"guest-table":[{"vmid":101,"name":"db","status":"err","time":5}]}"#;

/// A result in the form in which templates get it.
const PAYLOAD: &str = r#"{"hostname":"pve1","fqdn":"pve1.example.com","cluster-name":"prod","status-text":"backup failed","error":null,"total-size":1048576,"total-time":3661,
 "logs":"vzdump 100 101 --mode snapshot\n\n100: 2024-01-08 01:00:00 INFO: done\n\n",
 "guest-table":{"schema":{"columns":[{"label":"VMID","id":"vmid"},{"label":"Name","id":"name"},{"label":"Status","id":"status"},
   {"label":"Time","id":"time","renderer":"duration"},{"label":"Size","id":"size","renderer":"human-bytes"},{"label":"Filename","id":"filename"}]},
  "data":[{"vmid":100,"name":"web","status":"ok","time":11,"size":1048576,"filename":"/var/lib/vz/dump/x.vma.zst"},
          {"vmid":101,"name":"db","status":"err","time":5,"size":0,"filename":null}]}}"#;

const LOG: &str = "\
INFO: starting new backup job: vzdump 100 101 --mode snapshot --storage local
INFO: Starting Backup of VM 100 (qemu)
INFO: Backup started at 2024-01-08 01:00:02
INFO: VM Name: web
INFO: creating vzdump archive '/var/lib/vz/dump/vzdump-qemu-100-2024_01_08-01_00_02.vma.zst'
INFO: archive file size: 430.75MB
INFO: Finished Backup of VM 100 (00:00:11)
INFO: Starting Backup of VM 101 (qemu)
INFO: VM Name: db
ERROR: Backup of VM 101 failed - no space left on device
INFO: Backup job finished with errors
TASK ERROR: job errors
";

/// Everything that a report can reach: a recorder in place of sendmail, and a Gotify server that
/// a matcher chooses for everything. A legacy mail must reach the one, an event the other.
struct World {
    sendmail: Sendmail,
    push: gotify::Server,
    notify: Notify,
}

impl World {
    fn new() -> Self {
        World::around(Sendmail::taking())
    }

    fn around(sendmail: Sendmail) -> Self {
        let push = gotify::Server::start(gotify::Options::token(TOKEN));
        let notify = Notify::new()
            .routing(&(gotify_section("push", &push.url()) + &all_to(&["push"])))
            .file("priv/notifications.cfg", token("push", TOKEN));
        World {
            notify: sendmail.installed(notify),
            sendmail,
            push,
        }
    }

    fn file(self, name: &str, text: &str) -> Self {
        World {
            notify: self.notify.file(name, text),
            ..self
        }
    }

    fn report(&self, words: &[&str], data: &str) -> Run {
        let words = [&["backup-report", "--data", "-"], words].concat();
        self.notify.run_with(&words, data.as_bytes())
    }

    /// What has arrived since the beginning: legacy mails and events.
    fn arrived(&self) -> (usize, usize) {
        (self.sendmail.calls().len(), self.push.messages().len())
    }
}

/// What stands in the answer about an option.
fn option(answer: &Value, name: &str) -> (Value, Value) {
    let option = &answer["options"][name];
    (option["value"].clone(), option["from"].clone())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Reached {
    Mailbox,
    Targets,
    Nobody,
}

/// One case of the table, with the options in the job.
#[track_caller]
fn check(mode: Option<&str>, mailto: Option<&str>, policy: Option<&str>, expected: [Reached; 2]) {
    let line = |key: &str, value: Option<&str>| {
        value.map_or_else(String::new, |value| format!("\t{key} {value}\n"))
    };
    let job = format!(
        "vzdump: nightly\n\tschedule 21:00\n{}{}{}",
        line("notification-mode", mode),
        line("mailto", mailto),
        line("mailnotification", policy)
    );
    for (data, expected) in [SUCCESSFUL, FAILED].into_iter().zip(expected) {
        let world = World::new().file("jobs.cfg", &job);
        let run = world
            .report(&["--job", "nightly", "--json"], data)
            .expect_code(0);
        let (way, arrived) = match expected {
            Reached::Mailbox => ("legacy-mail", (1, 0)),
            Reached::Targets => ("notification-system", (0, 1)),
            Reached::Nobody => ("nothing", (0, 0)),
        };
        let answer = run.json();
        assert_eq!(world.arrived(), arrived, "{job}{data}: {answer}");
        assert_eq!(answer["way"], way, "{job}{data}");
        assert_eq!(answer["failed"], data == FAILED);
        let states = match expected {
            Reached::Nobody => None,
            _ => Some(json!("delivered")),
        };
        assert_eq!(
            answer["report"]
                .get("targets")
                .map(|all| all[0]["state"].clone()),
            states
        );
    }
}

use Reached::{Mailbox, Nobody, Targets};

#[test]
fn auto_without_an_address_is_an_event() {
    for policy in [None, Some("always"), Some("failure")] {
        check(None, None, policy, [Targets, Targets]);
        check(Some("auto"), None, policy, [Targets, Targets]);
    }
}

#[test]
fn auto_with_an_address_is_a_mail() {
    for mode in [None, Some("auto")] {
        check(mode, Some("a@x.org"), None, [Mailbox, Mailbox]);
        check(mode, Some("a@x.org"), Some("always"), [Mailbox, Mailbox]);
        check(mode, Some("a@x.org"), Some("failure"), [Nobody, Mailbox]);
    }
}

#[test]
fn legacy_sendmail_is_a_mail_where_there_is_an_address() {
    let legacy = Some("legacy-sendmail");
    for policy in [None, Some("always"), Some("failure")] {
        check(legacy, None, policy, [Nobody, Nobody]);
    }
    check(legacy, Some("a@x.org"), None, [Mailbox, Mailbox]);
    check(legacy, Some("a@x.org"), Some("always"), [Mailbox, Mailbox]);
    check(legacy, Some("a@x.org"), Some("failure"), [Nobody, Mailbox]);
}

#[test]
fn notification_system_is_an_event_whatever_else_is_set() {
    for policy in [None, Some("always"), Some("failure")] {
        for mailto in [None, Some("a@x.org")] {
            check(
                Some("notification-system"),
                mailto,
                policy,
                [Targets, Targets],
            );
        }
    }
}

/// The cells of the rows below a heading of a page, without their backquotes.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(path).expect("a page");
    let (_, below) = text.split_once(heading).expect("the heading");
    let lines = below.lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    let cell = |cell: &str| cell.trim().trim_matches('`').to_owned();
    rows.map(|row| row.trim_matches('|').split('|').map(cell).collect())
        .collect()
}

/// What a cell of the table stands for.
fn meant<'a>(cell: &'a str, all: [&'a str; 2]) -> Vec<&'a str> {
    match cell {
        "any" => all.into(),
        one => vec![one],
    }
}

#[test]
fn the_table_of_the_guide_is_true_and_has_every_case() {
    let world = World::new();
    let mut cases = 0;
    for row in table("../docs/guide/backup-notification-mode.md", "## The table") {
        let [mode, address, policy, backup, way] = &row[..] else {
            panic!("five cells: {row:?}")
        };
        let way = match &**way {
            "event" => "notification-system",
            "legacy mail" => "legacy-mail",
            other => other,
        };
        for address in meant(address, ["none", "set"]) {
            for policy in meant(policy, ["always", "failure"]) {
                for backup in meant(backup, ["failed", "successful"]) {
                    let data = if backup == "failed" {
                        FAILED
                    } else {
                        SUCCESSFUL
                    };
                    let mailto = if address == "set" { "a@x.org" } else { "" };
                    let words = [
                        "--mode",
                        mode,
                        "--mailto",
                        mailto,
                        "--mailnotification",
                        policy,
                    ];
                    let words = [&words[..], &["--dry-run", "--json"]].concat();
                    let answer = world.report(&words, data).expect_code(0).json();
                    assert_eq!(answer["way"], way, "{row:?}: {answer}");
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 3 * 2 * 2 * 2, "each case stands in one row");
}

#[test]
fn a_legacy_mail_looks_as_ever() {
    let world = World::new()
        .file(
            "jobs.cfg",
            "vzdump: nightly\n\tmailto b@x.org,root;a@x.org b@x.org\n",
        )
        .file("user.cfg", "user:root@pam:1:0:::admin@example.com:::\n");
    let run = world.report(&["--job", "nightly"], FAILED).expect_code(0);
    assert!(
        run.stdout.contains("delivered legacy-mail (sendmail)"),
        "{}",
        run.stdout
    );
    let calls = world.sendmail.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].recipients(), ["b@x.org", "root", "a@x.org"]);
    assert_eq!(calls[0].arguments[..4], ["-B", "8BITMIME", "-f", "root"]);
    let mail = &calls[0].mail;
    for line in [
        "From: \"vzdump backup tool\" <root>",
        "To: b@x.org, root, a@x.org",
        "Auto-Submitted: auto-generated",
    ] {
        assert!(
            mail.lines().any(|found| found == line),
            "no `{line}` in\n{mail}"
        );
    }
    let subject = mail.lines().find(|line| line.starts_with("Subject: "));
    let subject = subject.expect("a subject");
    assert!(
        subject.starts_with("Subject: vzdump backup status ("),
        "{subject}"
    );
    assert!(
        subject.trim_end().ends_with("): backup failed"),
        "{subject}"
    );
    assert!(mail.contains("Content-Type: text/html"), "{mail}");
}

#[test]
fn a_legacy_mail_has_the_sender_of_the_cluster_and_its_templates() {
    let world = World::new()
        .file("datacenter.cfg", "email_from: pve@example.com\n")
        .file(
            "notification-templates/default/vzdump-subject.txt.hbs",
            "Ours: {{status-text}}",
        );
    let words = ["--mailto", "a@x.org"];
    let _ = world.report(&words, SUCCESSFUL).expect_code(0);
    let calls = world.sendmail.calls();
    let mail = &calls[0].mail;
    assert!(
        mail.contains("\nFrom: \"vzdump backup tool\" <pve@example.com>\n"),
        "{mail}"
    );
    assert!(
        mail.contains("Subject: Ours: backup successful\n"),
        "{mail}"
    );
}

#[test]
fn a_legacy_mail_does_not_need_the_files_of_the_notification_system() {
    let world = World::new();
    let public = world.notify.config().join("notifications.cfg");
    std::fs::remove_file(&public).expect("a file of ours");
    std::fs::create_dir(&public).expect("a folder that is no file");
    let run = world
        .report(&["--mailto", "a@x.org"], FAILED)
        .expect_code(0);
    assert_eq!(run.stderr, "");
    assert_eq!(world.arrived(), (1, 0));
    // An event does.
    let run = world.report(&[], FAILED).expect_code(2);
    let _ = run.expect_error_line(&["notifications.cfg"]);
    assert_eq!(world.arrived(), (1, 0));
}

#[test]
fn an_event_has_the_job_only_when_one_is_named() {
    let world = World::new().file("jobs.cfg", "vzdump: nightly\n");
    let answer = world.report(&["--job", "nightly", "--json"], FAILED).json();
    let report = &answer["report"];
    assert_eq!(report["severity"], "error");
    assert_eq!(report["fields"]["type"], "vzdump");
    assert_eq!(report["fields"]["job-id"], "nightly");
    assert!(report["fields"]["hostname"].is_string());
    assert_eq!(report["matchers"], json!(["all"]));
    let answer = world
        .report(&["--json", "--timestamp", "1704697200"], SUCCESSFUL)
        .json();
    assert_eq!(answer["report"]["severity"], "info");
    assert_eq!(answer["report"]["timestamp"], 1_704_697_200);
    assert_eq!(answer["report"]["fields"].get("job-id"), None);
}

#[test]
fn a_matcher_finds_the_job_of_an_event() {
    let push = gotify::Server::start(gotify::Options::token(TOKEN));
    let matcher = "matcher: nightly\n\tmatch-field exact:job-id=nightly\n\ttarget push\n";
    let notify = Notify::new()
        .routing(&(gotify_section("push", &push.url()) + matcher))
        .file("priv/notifications.cfg", token("push", TOKEN))
        .file("jobs.cfg", "vzdump: nightly\n\nvzdump: weekly\n");
    for (job, count) in [("weekly", 0), ("nightly", 1)] {
        let words = ["backup-report", "--job", job, "--data", "-"];
        let _ = notify.run_with(&words, FAILED.as_bytes()).expect_code(0);
        assert_eq!(push.messages().len(), count, "{job}");
    }
    let message = &push.messages()[0];
    assert!(
        message.title.contains("vzdump backup status ("),
        "{}",
        message.title
    );
    assert_eq!(message.priority, 9);
}

#[test]
fn each_value_comes_from_the_first_that_says_something() {
    let world = World::new()
        .file(
            "jobs.cfg",
            "vzdump: nightly\n\tmailnotification failure\n\nvzdump: other\n\tnotification-mode legacy-sendmail\n",
        )
        .file(
            "vzdump.conf",
            "# this host\nmailto: root, admin@x.org\nmailnotification: always\n",
        );
    let conf = world.notify.config().join("vzdump.conf");
    let conf = conf.to_str().expect("a path of letters");
    let explain = |words: &[&str]| {
        let words = [&["--dry-run", "--json", "--vzdump-conf", conf], words].concat();
        world.report(&words, SUCCESSFUL).expect_code(0).json()
    };
    let answer = explain(&["--job", "nightly"]);
    assert_eq!(
        option(&answer, "notification-mode"),
        (json!("auto"), json!("default"))
    );
    assert_eq!(
        option(&answer, "mailto"),
        (json!(["root", "admin@x.org"]), json!("vzdump.conf:2"))
    );
    assert_eq!(
        option(&answer, "mailnotification"),
        (json!("failure"), json!("jobs.cfg:2"))
    );
    assert_eq!(answer["way"], "nothing");

    let answer = explain(&[
        "--job",
        "nightly",
        "--mailnotification",
        "always",
        "--mailto",
        "x@x.org",
        "--mailto",
        "y@x.org,z@x.org",
    ]);
    assert_eq!(
        option(&answer, "mailto"),
        (
            json!(["x@x.org", "y@x.org", "z@x.org"]),
            json!("command line")
        )
    );
    assert_eq!(
        option(&answer, "mailnotification"),
        (json!("always"), json!("command line"))
    );
    assert_eq!(answer["way"], "legacy-mail");

    // An address of the host makes `auto` a mail; nobody on the command line takes it away.
    assert_eq!(explain(&[])["way"], "legacy-mail");
    let answer = explain(&["--mailto", ""]);
    assert_eq!(
        option(&answer, "mailto"),
        (json!([]), json!("command line"))
    );
    assert_eq!(answer["way"], "notification-system");
    assert_eq!(answer["targets"], json!(["push"]));
    assert_eq!(world.arrived(), (0, 0), "a dry run sends nothing");
}

#[test]
fn the_defaults_of_the_host_are_named_by_the_environment_too() {
    let folder = World::new().file("elsewhere.conf", "mailto: a@x.org\n");
    let conf = folder.notify.config().join("elsewhere.conf");
    let World {
        sendmail,
        push,
        notify,
    } = folder;
    let notify = notify.variable("NOTIFY_VZDUMP_CONF", &conf);
    let world = World {
        sendmail,
        push,
        notify,
    };
    let _ = world.report(&[], SUCCESSFUL).expect_code(0);
    assert_eq!(world.arrived(), (1, 0));
    let missing = World::new();
    let words = ["--vzdump-conf", "/nonexistent/vzdump.conf"];
    let run = missing.report(&words, SUCCESSFUL).expect_code(2);
    let _ = run.expect_error_line(&["/nonexistent/vzdump.conf"]);
    assert_eq!(missing.arrived(), (0, 0));
}

#[test]
fn an_explanation_names_the_way_the_reason_and_every_origin() {
    let world = World::new().file(
        "jobs.cfg",
        "vzdump: nightly\n\tmailto a@x.org b@x.org\n\tmailnotification failure\n",
    );
    let run = world
        .report(&["--job", "nightly", "--explain"], SUCCESSFUL)
        .expect_code(0);
    assert_eq!(
        run.stdout,
        "nothing: `mailnotification` is `failure`, and nothing failed\n\
         \x20 backup             successful\n\
         \x20 notification-mode  auto              default\n\
         \x20 mailto             a@x.org, b@x.org  jobs.cfg:2\n\
         \x20 mailnotification   failure           jobs.cfg:3\n\
         nothing was sent: `mailnotification` is `failure`, and nothing failed\n"
    );
    let run = world
        .report(&["--job", "nightly", "--dry-run"], FAILED)
        .expect_code(0);
    assert_eq!(
        run.stdout,
        "a legacy mail would go to a@x.org, b@x.org: the mode is `auto`, and an address is set\n"
    );
    let words = [
        "--job",
        "nightly",
        "--dry-run",
        "--mode",
        "notification-system",
    ];
    let run = world.report(&words, FAILED).expect_code(0);
    assert_eq!(
        run.stdout,
        "the notification system would send to push: the mode is `notification-system`, which asks neither `mailto` nor `mailnotification`\n"
    );
    assert_eq!(world.arrived(), (0, 0));
}

#[test]
fn both_forms_of_the_data_and_a_log_are_read() {
    for mode in ["legacy-sendmail", "notification-system"] {
        let world = World::new();
        let words = ["--mode", mode, "--mailto", "a@x.org", "--json"];
        let answer = world.report(&words, PAYLOAD).expect_code(0).json();
        assert_eq!(answer["failed"], true);
        let words = [&["backup-report", "--from-log", "-"], &words[..]].concat();
        let run = world.notify.run_with(&words, LOG.as_bytes()).expect_code(0);
        assert_eq!(run.json()["failed"], true);
        let texts: Vec<String> = match mode {
            "legacy-sendmail" => world
                .sendmail
                .calls()
                .into_iter()
                .map(|call| call.mail)
                .collect(),
            _ => world
                .push
                .messages()
                .into_iter()
                .map(|message| message.message)
                .collect(),
        };
        assert_eq!(texts.len(), 2, "{mode}");
        for text in texts {
            for word in ["VMID", "web", "db", "Total running time:", "Total size:"] {
                assert!(text.contains(word), "no `{word}` in\n{text}");
            }
        }
    }
}

#[test]
fn a_mail_that_is_not_taken_is_told_by_the_exit_code() {
    for (status, code, kind) in [(67, 1, "rejected"), (75, 75, "unavailable")] {
        let world = World::around(Sendmail::exiting(status));
        let run = world
            .report(&["--mailto", "a@x.org", "--json"], FAILED)
            .expect_code(code);
        let target = &run.json()["report"]["targets"][0];
        assert_eq!(
            (&target["name"], &target["type"]),
            (&json!("legacy-mail"), &json!("sendmail"))
        );
        assert_eq!(
            (&target["state"], &target["error"]["kind"]),
            (&json!("failed"), &json!(kind))
        );
        assert_eq!(world.push.messages().len(), 0, "no other way is tried");
    }
}

#[test]
fn an_unknown_job_is_wrong_use_and_the_known_ones_are_named() {
    let world = World::new().file(
        "jobs.cfg",
        "vzdump: nightly\n\nrealm-sync: ldap\n\nvzdump: w:1\n",
    );
    let run = world.report(&["--job", "daily"], FAILED).expect_code(2);
    let run = run.expect_error_line(&["there is no backup job `daily`"]);
    let _ = run.expect_error_line(&["jobs.cfg has `nightly`, `w:1`"]);
    let run = world.report(&["--job", "ldap"], FAILED).expect_code(2);
    let _ = run.expect_error_line(&["there is no backup job `ldap`"]);
    let none = World::new();
    let run = none
        .report(&["--job", "daily", "--mailto", "a@x.org"], FAILED)
        .expect_code(2);
    let _ = run.expect_error_line(&["jobs.cfg is not there"]);
    assert_eq!((world.arrived(), none.arrived()), ((0, 0), (0, 0)));
}

#[test]
fn why_a_job_is_not_there_is_told() {
    let world = World::new().file("jobs.cfg", "vzdump nightly\n\nvzdump: weekly\n");
    let run = world.report(&["--job", "nightly"], FAILED).expect_code(2);
    let run = run.expect_error_line(&["jobs.cfg has `weekly`"]);
    let _ = run.expect_error_line(&["jobs.cfg:1:1: warning: expected a header `TYPE: ID`"]);
    let world = World::new().file("jobs.cfg", "\u{feff}vzdump: nightly\n\tmailto a@x.org\n");
    let run = world.report(&["--job", "nightly"], FAILED).expect_code(0);
    assert_eq!((&*run.stderr, world.arrived()), ("", (1, 0)));
}

#[test]
fn a_dry_run_names_apart_who_would_get_nothing() {
    let world = World::new();
    let sections = gotify_section("push", &world.push.url())
        + "gotify: off\n\tserver http://127.0.0.1:1\n\tdisable true\n\ngotify: bad\n\tserver\n\n"
        + &all_to(&["push", "off", "bad", "gone"]);
    let notify = world.notify.routing(&sections);
    let dry_run = |words: &[&str]| {
        let words = [&["backup-report", "--data", "-", "--dry-run"], words].concat();
        notify.run_with(&words, FAILED.as_bytes()).expect_code(0)
    };
    assert_eq!(
        dry_run(&[]).stdout,
        "the notification system would send to push: the mode is `auto`, and no address is set\n\
         missing:  gone\n\
         disabled: off\n\
         unusable: bad\n"
    );
    let answer = dry_run(&["--json"]).json();
    assert_eq!(answer["targets"], json!(["bad", "gone", "off", "push"]));
    for (key, name) in [
        ("missing", "gone"),
        ("disabled", "off"),
        ("unusable", "bad"),
    ] {
        assert_eq!(answer[key], json!([name]), "{key}");
    }
}

#[test]
fn faulty_data_are_refused_with_every_fault() {
    let world = World::new();
    let run = world
        .report(&[], r#"{"guest-table":[{"status":"good"}],"logs":1}"#)
        .expect_code(2);
    let run = run.expect_error_line(&["standard input: 3 faults in the data of `vzdump`"]);
    let run = run.expect_error_line(&["guest-table[0].vmid", "is missing"]);
    let run = run.expect_error_line(&["guest-table[0].status", "good"]);
    let _ = run.expect_error_line(&["logs"]);
    let _ = world.report(&[], "not JSON").expect_code(2);
    assert_eq!(world.arrived(), (0, 0));
}

#[test]
fn a_fault_in_a_file_costs_its_line_and_is_told() {
    let jobs = "vzdump: nightly\n\tnotification-mode sendmail\n\tnotification-policy never\n\tmailto a@x.org\n";
    let world = World::new().file("jobs.cfg", jobs);
    let run = world.report(&["--job", "nightly"], FAILED).expect_code(0);
    let _ = run.expect_error_line(&["jobs.cfg:2:20: warning: vzdump `nightly`", "`sendmail`"]);
    assert_eq!(world.arrived(), (1, 0));
}

#[test]
fn check_tells_of_jobs_and_of_the_defaults_of_the_host() {
    let notify = Notify::new()
        .file(
            "jobs.cfg",
            "vzdump: nightly\n\tnotification-mode sendmail\n",
        )
        .file("vzdump.conf", "mailnotification: never\n");
    let conf = notify.config().join("vzdump.conf");
    let notify = notify.variable("NOTIFY_VZDUMP_CONF", &conf);
    let run = notify.run(&["check", "--json"]);
    let found = run.json();
    let told: Vec<(&Value, &Value)> = found
        .as_array()
        .expect("a list")
        .iter()
        .map(|fault| (&fault["file"], &fault["line"]))
        .collect();
    let conf = json!(conf.to_str().expect("a path of letters"));
    assert!(told.contains(&(&json!("jobs.cfg"), &json!(2))), "{found}");
    assert!(told.contains(&(&conf, &json!(1))), "{found}");
}

#[test]
fn words_that_are_no_mode_are_refused_with_those_that_are() {
    let world = World::new();
    let run = world.report(&["--mode", "sendmail"], FAILED).expect_code(2);
    let _ = run.expect_error_line(&["auto, legacy-sendmail, notification-system"]);
    let run = world
        .report(&["--mailnotification", "never"], FAILED)
        .expect_code(2);
    let _ = run.expect_error_line(&["always, failure"]);
}

#[test]
fn a_legacy_mail_arrives_through_a_real_mail_server() {
    let postfix = Postfix::start(&PostfixOptions::plain());
    let notify = Notify::new()
        .file(
            "jobs.cfg",
            "vzdump: nightly\n\tmailto max@example.com,root@example.com\n",
        )
        .file("datacenter.cfg", "email_from: pve1@example.com\n")
        .variable("MAIL_CONFIG", postfix.mail_config());
    let words = ["backup-report", "--job", "nightly", "--data", "-"];
    let _ = notify.run_with(&words, FAILED.as_bytes()).expect_code(0);
    for mailbox in ["max", "root"] {
        let mails = postfix.wait_for(mailbox, 1, Instant::now() + Duration::from_secs(60));
        assert_eq!(mails.len(), 1, "mails of {mailbox}\n{}", postfix.log());
        let header = |name: &str| mails[0].header(name).unwrap_or_default();
        assert_eq!(header("From"), "\"vzdump backup tool\" <pve1@example.com>");
        assert_eq!(header("To"), "max@example.com, root@example.com");
        assert!(
            header("Subject").contains("vzdump backup status ("),
            "{}",
            header("Subject")
        );
        assert!(mails[0].text().contains("db"), "{}", mails[0].text());
    }
}
