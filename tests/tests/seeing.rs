//! The commands that look into the spool: `history`, `show`, `explain`, `queue`, `retry`, `drop`,
//! `watch`, `status`, `spool`, `audit`. The spool is a real one, in use by another process: this one.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use notify_core::{
    Claim, Content, Entry, EventId, FailureKind, Job, Millis, NewJob, Next, Notification, OpenFor,
    Opened, Outcome, Refusal, Settlement, Severity, SpoolPlace,
};
use notify_testkit::http::{self, Answer, Response};
use notify_tests::{Daemon, Notify, Run, sections};
use serde_json::{Value, json};
use spool_sqlite::SQLITE;
use tokio::runtime::Runtime;

/// 2024-01-08 08:00:00 in Vienna.
const MORNING: i64 = 1_704_697_200;

/// The program, and its spool.
struct Stage {
    notify: Notify,
    opened: Opened,
    runtime: Runtime,
}

/// So many seconds after eight in the morning.
fn at(seconds: i64) -> Millis {
    Millis((MORNING + seconds) * 1000)
}

/// The id of the event that comes so many seconds after eight.
fn id(seconds: u64) -> EventId {
    let time = UNIX_EPOCH + Duration::from_secs(MORNING.unsigned_abs() + seconds);
    EventId::new(time, [7; 10])
}

impl Stage {
    /// An empty spool, and a configuration: backups go to two of four targets, fencing to a third.
    fn new() -> Self {
        let targets: String = ["mail", "push", "pager", "off"]
            .iter()
            .map(|name| sections::sendmail(name, &["ops@example.com"]))
            .collect();
        let matchers = "matcher: backups\n\tmatch-field exact:type=vzdump\n\ttarget mail\n\ttarget push\n\ttarget off\n\ttarget gone\n\n\
             matcher: fencing\n\tmatch-field exact:type=fencing\n\ttarget pager\n";
        let off = "sendmail: off\n";
        let targets = targets.replace(off, &format!("{off}\tdisable true\n"));
        let notify = Notify::new().routing(&format!("{targets}{matchers}"));
        let opened = open(&notify, OpenFor::Work);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        Stage {
            notify,
            opened,
            runtime: runtime.expect("a runtime"),
        }
    }

    /// With three events, whose deliveries stand in every state.
    fn full() -> Self {
        let stage = Stage::new();
        stage.accept(
            0,
            "vzdump",
            Severity::Error,
            "Backup failed",
            &["gone", "mail", "push"],
        );
        stage.accept(
            60,
            "fencing",
            Severity::Warning,
            "Node pve2 fenced",
            &["pager"],
        );
        stage.accept(120, "test", Severity::Info, "Nobody hears this", &[]);
        stage.attempt(
            "mail",
            1,
            (
                Outcome::Failed(FailureKind::Unavailable),
                "connection refused",
            ),
            Next::Retry {
                due: at(10),
                recipients: None,
            },
        );
        stage.settle("mail", 10, delivered());
        let dead = Next::Dead {
            reason: "the far side refused it".to_owned(),
        };
        stage.attempt(
            "push",
            2,
            (Outcome::Failed(FailureKind::Rejected), "401 no such token"),
            dead,
        );
        let later = Next::Retry {
            due: at(3600),
            recipients: None,
        };
        stage.attempt(
            "gone",
            3,
            (
                Outcome::Failed(FailureKind::Misconfigured),
                "there is no such target",
            ),
            later,
        );
        stage
    }

    /// Puts an event as a daemon does: with the decision of the program itself.
    fn accept(&self, seconds: u64, kind: &str, severity: Severity, title: &str, targets: &[&str]) {
        let field = format!("type={kind}");
        let when = (MORNING.unsigned_abs() + seconds).to_string();
        let words = [
            "route",
            "--explain",
            "--json",
            "--severity",
            severity.name(),
            "--field",
            &field,
            "--at",
            &when,
        ];
        let trace = self.notify.run(&words).expect_code(0).stdout;
        let decided = serde_json::from_str::<Value>(&trace).expect("a decision");
        let chosen = decided["targets"].as_array().expect("a list").iter();
        let chosen: Vec<&str> = chosen
            .filter_map(Value::as_str)
            .filter(|name| *name != "off")
            .collect();
        assert_eq!(chosen, targets, "what the matchers choose");
        let fields = [("hostname", "pve1"), ("type", kind)];
        let seconds = i64::try_from(seconds).expect("a small number");
        let entry = Entry {
            event: Notification {
                id: id(seconds.unsigned_abs()),
                severity,
                timestamp: MORNING + seconds,
                fields: fields
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into(),
                content: Content::Template {
                    name: "message".to_owned(),
                    data: json!({"title": title, "text": "…"}),
                },
            },
            trace,
            jobs: targets
                .iter()
                .map(|name| NewJob::first(*name, at(seconds)))
                .collect(),
            accepted: at(seconds),
            legacy: None,
        };
        self.done(self.opened.spool.put(entry));
    }

    /// Makes the attempt at the oldest delivery of a target.
    fn attempt(&self, target: &str, seconds: i64, (outcome, detail): (Outcome, &str), next: Next) {
        let settlement = Settlement {
            started: at(seconds),
            outcome,
            detail: Some(detail.to_owned()),
            reference: None,
            refused: Vec::new(),
            next,
        };
        self.settle(target, seconds, settlement);
    }

    fn settle(&self, target: &str, seconds: i64, settlement: Settlement) {
        let job = self.claim(target, seconds);
        let settlement = Settlement {
            started: at(seconds),
            ..settlement
        };
        self.done(
            self.opened
                .spool
                .settle(&job.lease, settlement, at(seconds + 1)),
        );
    }

    fn claim(&self, target: &str, seconds: i64) -> Job {
        let claim = Claim {
            target: Some(target),
            most: 1,
            lease: Duration::from_secs(60),
        };
        let jobs = self.done(self.opened.spool.claim(claim, at(seconds)));
        jobs.into_iter().next().expect("a delivery is due")
    }

    fn done<T>(&self, future: impl Future<Output = Result<T, notify_core::SpoolError>>) -> T {
        self.runtime.block_on(future).expect("the spool answers")
    }

    fn json(&self, words: &[&str]) -> Value {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        self.notify.run(&words).expect_code(0).json()
    }

    /// The states of the deliveries of an event, by target.
    fn states(&self, seconds: u64) -> Vec<String> {
        let shown = self.json(&["show", &id(seconds).to_string()]);
        let deliveries = shown["deliveries"].as_array().expect("a list").clone();
        let state = |delivery: &Value| {
            let word = |key: &str| delivery[key].as_str().unwrap_or_default().to_owned();
            format!("{} {}", word("target"), word("state"))
        };
        deliveries.iter().map(state).collect()
    }
}

/// Runs the program on a terminal, at which somebody types this. util-linux has the terminal.
fn on_terminal(notify: &Notify, words: &str, typed: &str) -> Run {
    let mut command = std::process::Command::new("script");
    let call = format!("'{}' {words}", notify.program().display());
    command.args(["-qec", &call, "/dev/null"]);
    for (name, value) in notify.command(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Run::of(command, typed.as_bytes())
}

fn delivered() -> Settlement {
    Settlement {
        started: at(0),
        outcome: Outcome::Partial,
        detail: None,
        reference: Some("queued as 7".to_owned()),
        refused: vec![Refusal {
            recipient: "old@example.com".to_owned(),
            kind: "rejected".to_owned(),
            message: "550 unknown".to_owned(),
        }],
        next: Next::Delivered,
    }
}

fn folder(notify: &Notify) -> PathBuf {
    notify.scratch().join("state/spool")
}

fn open(notify: &Notify, purpose: OpenFor) -> Opened {
    open_at(&folder(notify), purpose)
}

fn open_at(folder: &Path, purpose: OpenFor) -> Opened {
    let place = SpoolPlace {
        folder: folder.to_owned(),
        purpose,
    };
    (SQLITE.open)(&place).expect("a spool")
}

const ALL: [&[&str]; 11] = [
    &["history"],
    &["show", "018c"],
    &["explain", "018c"],
    &["queue"],
    &["retry", "--all"],
    &["drop", "--all", "--yes"],
    &["watch"],
    &["status"],
    &["spool", "check"],
    &["spool", "backup", "copy.db"],
    &["audit"],
];

#[test]
fn without_a_spool_every_command_says_how_to_get_one() {
    let notify = Notify::new();
    for words in ALL {
        let run = notify.run(words).expect_code(2);
        assert_eq!(run.stdout, "", "{words:?}");
        let _ = run.expect_error_line(&["`notify daemon` makes it"]);
    }
    assert!(!folder(&notify).exists(), "nothing was made");
}

#[test]
fn who_may_not_read_the_spool_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = Stage::full();
    let shut = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(folder(&stage.notify), shut).expect("our own folder");
    for words in ALL {
        let run = stage.notify.run_powerless(words).expect_code(2);
        let _ = run.expect_error_line(&["it belongs to the user of the daemon"]);
    }
    let open = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(folder(&stage.notify), open).expect("our own folder");
}

#[test]
fn history_lists_the_newest_first() {
    let stage = Stage::full();
    let text = stage.notify.run(&["history"]).expect_code(0).stdout;
    insta::assert_snapshot!(text, @r"
        id                                    accepted             severity  type     title              deliveries
        018ce7e0-d240-7707-8707-070707070707  2024-01-08 08:02:00  info      test     Nobody hears this  no target
        018ce7df-e7e0-7707-8707-070707070707  2024-01-08 08:01:00  warning   fencing  Node pve2 fenced   pending pager
        018ce7de-fd80-7707-8707-070707070707  2024-01-08 08:00:00  error     vzdump   Backup failed      dead push; pending gone; delivered mail
        ");
    let events = stage.json(&["history"]);
    let ids: Vec<_> = events
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| event["id"].clone())
        .collect();
    assert_eq!(
        ids,
        [120, 60, 0].map(|seconds| json!(id(seconds).to_string()))
    );
    assert_eq!(
        events[2],
        json!({
            "id": id(0).to_string(),
            "accepted-ms": at(0).0,
            "timestamp": MORNING,
            "severity": "error",
            "type": "vzdump",
            "title": "Backup failed",
            "targets": [
                {"name": "gone", "state": "pending"},
                {"name": "mail", "state": "delivered"},
                {"name": "push", "state": "dead"},
            ],
        })
    );
}

#[test]
fn history_is_narrowed_down() {
    let stage = Stage::full();
    let check = |words: &[&str], expected: &[u64]| {
        let words: Vec<&str> = ["history"].iter().chain(words).copied().collect();
        let events = stage.json(&words);
        let ids = events.as_array().expect("a list").iter();
        let ids: Vec<_> = ids
            .map(|event| event["id"].as_str().expect("text").to_owned())
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|seconds| id(*seconds).to_string())
            .collect();
        assert_eq!(ids, expected, "{words:?}");
    };
    check(&["--since", "2024-01-08 08:01"], &[120, 60]);
    check(&["--since", "2024-01-08 07:01", "--tz", "UTC"], &[120, 60]);
    check(&["--until", "2024-01-08T08:01:00+01:00"], &[0]);
    check(&["--type", "fencing"], &[60]);
    check(&["--severity", "info"], &[120]);
    check(&["--target", "push"], &[0]);
    check(&["--state", "pending"], &[60, 0]);
    check(&["--state", "dead", "--target", "mail"], &[]);
    check(&["--limit", "1"], &[120]);
    check(&["--limit", "0"], &[120, 60, 0]);
    let run = stage
        .notify
        .run(&["history", "--limit", "2"])
        .expect_code(0);
    let _ = run.expect_error_line(&["newest 2", "--limit"]);
    let run = stage
        .notify
        .run(&["history", "--type", "other"])
        .expect_code(0);
    assert_eq!(run.stdout, "no event\n");
    let _ = stage
        .notify
        .run(&["history", "--since", "yesterday"])
        .expect_code(2)
        .expect_error_line(&["--since"]);
    let _ = stage
        .notify
        .run(&["history", "--state", "lost"])
        .expect_code(2);
}

#[test]
fn show_tells_all_of_an_event() {
    let stage = Stage::full();
    let text = stage
        .notify
        .run(&["show", &id(0).to_string()])
        .expect_code(0)
        .stdout;
    insta::assert_snapshot!(text, @r"
        event     018ce7de-fd80-7707-8707-070707070707
        title     Backup failed
        severity  error
        happened  2024-01-08 08:00:00
        accepted  2024-01-08 08:00:00
        content   template `message`
        field     hostname=pve1
        field     type=vzdump

        decision
          default-matcher is disabled (mode all)
            no rule: it matches every event
          backups matches (mode all)
            yes: match-field exact:type=vzdump, saw `vzdump`
          fencing does not match (mode all)
            no: match-field exact:type=fencing, saw `vzdump`
          targets:  gone, mail, off, push
          missing:  gone
          disabled: off

        deliveries
          gone pending since 2024-01-08 08:00:00, due now
            attempt 1 at 2024-01-08 08:00:03, 1.0s: misconfigured: there is no such target
          mail delivered at 2024-01-08 08:00:11
            attempt 1 at 2024-01-08 08:00:01, 1.0s: unavailable: connection refused
            attempt 2 at 2024-01-08 08:00:10, 1.0s: partial: queued as 7
              refused old@example.com: 550 unknown (rejected)
          push dead since 2024-01-08 08:00:03: the far side refused it
            attempt 1 at 2024-01-08 08:00:02, 1.0s: rejected: 401 no such token
        ");
    let shown = stage.json(&["show", &id(0).to_string()]);
    assert_eq!(shown["content"]["data"]["title"], "Backup failed");
    assert_eq!(shown["decision"]["disabled"], json!(["off"]));
    let mail = &shown["deliveries"][1];
    assert_eq!(mail["key"], format!("{}.mail", id(0)));
    assert_eq!(
        mail["attempts"][1],
        json!({
            "number": 2,
            "started-ms": at(10).0,
            "ended-ms": at(11).0,
            "outcome": "partial",
            "detail": null,
            "reference": "queued as 7",
            "refused": [{"recipient": "old@example.com", "kind": "rejected", "message": "550 unknown"}],
        })
    );
}

#[test]
fn the_beginning_of_an_id_is_enough() {
    let stage = Stage::full();
    let whole = id(60).to_string();
    let shown = stage.json(&["show", &whole[..13]]);
    assert_eq!(shown["id"], whole);
    let newest = stage.json(&["show", "last"]);
    assert_eq!(newest["id"], id(120).to_string());
    let run = Stage::new().notify.run(&["show", "last"]).expect_code(2);
    let _ = run.expect_error_line(&["there is no event `last`"]);
    for command in ["show", "explain", "retry", "drop"] {
        let run = stage.notify.run(&[command, &whole[..6]]).expect_code(2);
        let _ = run
            .expect_error_line(&["more than one event"])
            .expect_error_line(&[&whole]);
        let run = stage.notify.run(&[command, "ffff"]).expect_code(2);
        let _ = run.expect_error_line(&["there is no event `ffff`"]);
        let _ = stage.notify.run(&[command, "x.mail"]).expect_code(2);
    }
}

#[test]
fn explain_says_why_target_by_target() {
    let stage = Stage::full();
    let event = id(0).to_string();
    let text = stage.notify.run(&["explain", &event]).expect_code(0).stdout;
    insta::assert_snapshot!(text, @r"
    event     018ce7de-fd80-7707-8707-070707070707
    title     Backup failed
    severity  error
    happened  2024-01-08 08:00:00
    accepted  2024-01-08 08:00:00
    content   template `message`
    field     hostname=pve1
    field     type=vzdump

    default-matcher is disabled (mode all)
      no rule: it matches every event
    backups matches (mode all)
      yes: match-field exact:type=vzdump, saw `vzdump`
    fencing does not match (mode all)
      no: match-field exact:type=fencing, saw `vzdump`

    gone: there was no such target; waits since 2024-01-08 08:00:00, 1 attempt, due now
      attempt 1 at 2024-01-08 08:00:03, 1.0s: misconfigured: there is no such target
      next: `notify target add TYPE gone` makes it and the event goes out; or `notify drop 018ce7de-fd80-7707-8707-070707070707.gone`
    mail: delivered in part at 2024-01-08 08:00:11, 2 attempts; not all recipients took it
      attempt 2 at 2024-01-08 08:00:10, 1.0s: partial: queued as 7
        refused old@example.com: 550 unknown (rejected)
      next: correct the addresses; to these it is not sent again by itself
    off: was disabled: nothing was sent
      next: `notify target set off --unset disable` switches it on, for events to come
    push: dead since 2024-01-08 08:00:03, 1 attempt: the far side refused it
      attempt 1 at 2024-01-08 08:00:02, 1.0s: rejected: 401 no such token
      next: mend the cause, then `notify retry 018ce7de-fd80-7707-8707-070707070707.push`
    not chosen: mail-to-root, pager
    ");
    let text = stage
        .notify
        .run(&["explain", &event, "--target", "pager"])
        .expect_code(0)
        .stdout;
    assert!(text.contains("\npager: was not chosen: "), "{text}");
    assert!(!text.contains("\nmail: "), "{text}");
    let run = stage
        .notify
        .run(&["explain", &event, "--target", "typo"])
        .expect_code(2);
    let _ = run.expect_error_line(&["no target `typo`"]);
}

#[test]
fn explain_goes_by_what_was_decided_then() {
    let stage = Stage::full();
    let event = id(0).to_string();
    let stage = Stage {
        notify: stage
            .notify
            .routing("matcher: backups\n\tmatch-field exact:type=other\n\ttarget mail\n"),
        ..stage
    };
    let explained = stage.json(&["explain", &event]);
    let matchers = explained["matchers"].as_array().expect("a list").iter();
    let matched = matchers.filter(|matcher| matcher["matched"] == true);
    let matched: Vec<_> = matched.map(|matcher| &matcher["name"]).collect();
    assert_eq!(matched, ["backups"], "as it was");
    assert_eq!(explained["today-differs"], true);
    let of = |name: &str| {
        let targets = explained["targets"].as_array().expect("a list").iter();
        let found = targets.clone().find(|target| target["name"] == name);
        found.cloned().expect("a target")
    };
    assert_eq!(of("mail")["standing"], "partial");
    assert_eq!(of("mail")["today"], "not-chosen");
    assert_eq!(of("push")["reason"], "the far side refused it");
    assert_eq!(of("gone")["standing"], "missing");
    assert_eq!(of("gone")["due-ms"], at(3600).0);
    assert_eq!(of("off")["standing"], "disabled");
    let text = stage.notify.run(&["explain", &event]).expect_code(0).stdout;
    assert!(
        text.contains("with the configuration of today it would not be chosen"),
        "{text}"
    );

    std::fs::remove_file(stage.notify.config().join("notifications.cfg")).expect("a file");
    std::fs::create_dir(stage.notify.config().join("notifications.cfg"))
        .expect("a folder in its place");
    let run = stage.notify.run(&["explain", &event]).expect_code(0);
    assert!(run.stdout.contains("backups matches"), "{}", run.stdout);
    let _ = run.expect_error_line(&["what would be decided today is not known"]);
}

#[test]
fn the_queue_has_what_waits_and_what_is_dead() {
    let stage = Stage::full();
    let check = |words: &[&str], expected: &[&str]| {
        let words: Vec<&str> = ["queue"].iter().chain(words).copied().collect();
        let jobs = stage.json(&words);
        let jobs = jobs.as_array().expect("a list").iter();
        let targets: Vec<_> = jobs
            .map(|job| job["target"].as_str().expect("text").to_owned())
            .collect();
        assert_eq!(targets, expected, "{words:?}");
    };
    check(&[], &["gone", "push", "pager"]);
    check(&["--state", "dead"], &["push"]);
    check(&["--state", "pending"], &["gone", "pager"]);
    check(&["--target", "pager"], &["pager"]);
    check(&["--limit", "1"], &["gone"]);
    let run = stage.notify.run(&["queue"]).expect_code(0);
    for part in [
        "push",
        "the far side refused it",
        "401 no such token",
        "misconfigured",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    let run = stage
        .notify
        .run(&["queue", "--target", "mail"])
        .expect_code(0);
    assert_eq!(run.stdout, "nothing waits\n");
    let _ = stage
        .notify
        .run(&["queue", "--state", "delivered"])
        .expect_code(2);
}

#[test]
fn retry_brings_back_what_is_meant() {
    let stage = Stage::full();
    let key = format!("{}.push", &id(0).to_string()[..13]);
    let run = stage.notify.run(&["retry", &key]).expect_code(0);
    assert_eq!(run.stdout, "1 delivery due now\n");
    assert_eq!(
        stage.states(0),
        ["gone pending", "mail delivered", "push pending"]
    );
    let answer = stage.json(&["retry", &id(0).to_string()]);
    assert_eq!(answer, json!({"retried": 2, "unchanged": []}));
    let answer = stage.json(&["retry", "--target", "pager"]);
    assert_eq!(answer["retried"], 1);
    assert_eq!(stage.json(&["retry", "--all"])["retried"], 3);
    assert_eq!(stage.json(&["retry", "--target", "mail"])["retried"], 0);
}

#[test]
fn a_target_that_nobody_knows_is_refused() {
    let stage = Stage::full();
    for words in [
        &["history"][..],
        &["explain", "last"],
        &["queue"],
        &["retry"],
        &["drop", "--yes"],
    ] {
        let of = |name: &'static str| -> Vec<&str> {
            words.iter().copied().chain(["--target", name]).collect()
        };
        let run = stage.notify.run(&of("pagr")).expect_code(2);
        assert_eq!(run.stdout, "", "{words:?}");
        let _ = run
            .expect_error_line(&["there is no target `pagr`"])
            .expect_error_line(&["did you mean `pager`?"]);
        let run = stage.notify.run(&of("nobody")).expect_code(2);
        let _ = run.expect_error_line(&["`notify target list`"]);
        // Configured, named by a matcher alone, and our own: all without any delivery.
        for known in ["off", "mail-to-root", "legacy-mail", "@undecided"] {
            let _ = stage.notify.run(&of(known)).expect_code(0);
        }
    }
}

#[test]
fn a_target_that_was_removed_is_known_by_its_history() {
    let stage = Stage::full();
    let stage = Stage {
        notify: stage.notify.routing(""),
        ..stage
    };
    let events = stage.json(&["history", "--target", "mail"]);
    assert_eq!(events.as_array().map(Vec::len), Some(1));
    assert_eq!(stage.json(&["retry", "--target", "push"])["retried"], 1);
    let run = stage
        .notify
        .run(&["explain", "last", "--target", "gone"])
        .expect_code(0);
    assert!(
        run.stdout.contains("gone: was not chosen"),
        "{}",
        run.stdout
    );
    let run = stage
        .notify
        .run(&["queue", "--target", "off"])
        .expect_code(2);
    let _ = run.expect_error_line(&["there is no target `off`"]);
}

#[test]
fn what_cannot_be_retried_is_told() {
    let stage = Stage::full();
    let arrived = format!("{}.mail", id(0));
    let run = stage
        .notify
        .run(&["retry", &arrived, &id(60).to_string()])
        .expect_code(1);
    let run = run.expect_error_line(&[&arrived, "arrived"]);
    assert_eq!(run.stdout, "1 delivery due now\n", "the other one");
    let run = stage
        .notify
        .run(&["retry", &format!("{}.typo", id(0))])
        .expect_code(2);
    let _ = run
        .expect_error_line(&["no delivery to `typo`"])
        .expect_error_line(&["gone, push"]);
    let before = stage.json(&["queue"]);
    let _ = stage
        .notify
        .run(&["drop", &id(60).to_string(), "ffff"])
        .expect_code(2);
    assert_eq!(
        stage.json(&["queue"]),
        before,
        "all names are known, or nothing is changed"
    );
    for wrong in [
        &["retry"][..],
        &["retry", "--all", "--target", "mail"],
        &["retry", "018c", "--all"],
    ] {
        let _ = stage.notify.run(wrong).expect_code(2);
    }
}

#[test]
fn drop_cancels_what_is_meant() {
    let stage = Stage::full();
    let run = stage
        .notify
        .run(&["drop", &format!("{}.push", id(0))])
        .expect_code(0);
    assert_eq!(run.stdout, "1 delivery dropped\n");
    assert_eq!(
        stage.states(0),
        ["gone pending", "mail delivered", "push cancelled"]
    );
    let run = stage.notify.run(&["drop", "--all"]).expect_code(2);
    let _ = run.expect_error_line(&["--yes"]);
    assert_eq!(stage.states(0)[0], "gone pending");
    assert_eq!(
        stage.json(&["drop", "--all", "--yes"]),
        json!({"dropped": 2, "unchanged": []})
    );
    assert_eq!(
        stage.states(0),
        ["gone cancelled", "mail delivered", "push cancelled"]
    );
    assert_eq!(stage.states(60), ["pager cancelled"]);
    let audit = stage.json(&["audit"]);
    assert_eq!(audit["counts"]["cancelled"], 3);
}

#[test]
fn on_a_terminal_it_asks_before_all_are_dropped() {
    let stage = Stage::full();
    for no in ["n\n", "\n"] {
        let run = on_terminal(&stage.notify, "drop --all", no).expect_code(1);
        assert!(
            run.stdout.contains("drop 3 deliveries? [y/N] "),
            "{}",
            run.stdout
        );
        assert!(run.stdout.contains("nothing was dropped"), "{}", run.stdout);
        assert_eq!(stage.states(60), ["pager pending"]);
    }
    let run = on_terminal(&stage.notify, "drop --all", "y\n").expect_code(0);
    assert!(
        run.stdout.contains("3 deliveries dropped"),
        "{}",
        run.stdout
    );
    assert_eq!(stage.states(60), ["pager cancelled"]);
}

#[test]
fn watch_shows_what_happens() {
    let stage = Stage::full();
    let mut command = stage.notify.command(&["watch", "--count", "2", "--json"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut begun = stderr.lines().map(|line| line.expect("text"));
    assert!(begun.any(|line| line.contains("Ctrl-C")));
    stage.accept(
        180,
        "fencing",
        Severity::Error,
        "Node pve3 fenced",
        &["pager"],
    );
    stage.settle("pager", 181, delivered());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(lines[0]["accepted"]["id"], id(180).to_string());
    assert_eq!(lines[1]["attempted"]["attempt"]["outcome"], "partial");
    assert_eq!(
        lines[1]["attempted"]["key"],
        format!("{}.pager", id(60)),
        "the oldest first"
    );
}

/// What the watching program prints, line by line, once it has begun.
fn watching(
    notify: &Notify,
    words: &[&str],
) -> (
    std::process::Child,
    Vec<String>,
    impl Iterator<Item = String> + use<>,
) {
    let mut command = notify.command(words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let errors = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut begun = Vec::new();
    for line in errors.lines().map(|line| line.expect("text")) {
        let is_last = line.starts_with("what happens from now on");
        begun.push(line);
        if is_last {
            break;
        }
    }
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    (child, begun, lines.map(|line| line.expect("text")))
}

#[test]
fn watch_shows_what_people_do_and_that_no_daemon_runs() {
    let stage = Stage::full();
    let (mut child, begun, lines) = watching(&stage.notify, &["watch", "--count", "2"]);
    let told = "the daemon does not run: what waits goes out when `notify daemon` runs";
    assert!(begun.iter().any(|line| line == told), "{begun:?}");
    let _ = stage.json(&["retry", "--target", "push"]);
    let key = format!("{}.push", id(0));
    let _ = stage.json(&["drop", &key]);
    let lines: Vec<String> = lines.collect();
    assert!(child.wait().expect("it ends").success());
    let [retried, dropped] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert!(
        retried.ends_with(" retried by a person: 1 delivery, to push"),
        "{retried}"
    );
    assert!(
        dropped.ends_with(&format!(" dropped by a person: 1 delivery, {key}")),
        "{dropped}"
    );
}

#[test]
fn watch_shows_breakers_and_the_end_of_the_daemon() {
    let (notify, _server, _) = failing();
    let daemon = Daemon::start(&notify);
    let (mut child, begun, lines) = watching(&notify, &["watch", "--json"]);
    assert_eq!(begun.len(), 1, "all is as usual: {begun:?}");
    for _ in 0..5 {
        let _ = notify.run(&["send", "--title", "A title"]).expect_code(0);
    }
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line).expect("JSON"));
    let breaker = lines.find(|line| !line["breaker"].is_null());
    let breaker = breaker.expect("a line")["breaker"].clone();
    assert_eq!(
        (&breaker["target"], &breaker["state"]),
        (&json!("push"), &json!("open"))
    );
    assert!(
        breaker["until-ms"].as_i64() > breaker["at-ms"].as_i64(),
        "{breaker}"
    );
    drop(daemon);
    let ended = lines.find(|line| !line["daemon"].is_null());
    assert_eq!(ended.expect("a line")["daemon"]["running"], false);
    child.kill().expect("it runs");
    let _ = child.wait();
}

#[test]
fn watch_ends_when_nothing_waits() {
    let stage = Stage::new();
    let run = stage.notify.run(&["watch", "--until-idle"]).expect_code(0);
    assert_eq!(run.stdout, "");
}

#[test]
fn status_counts_by_target() {
    let stage = Stage::full();
    let status = stage.json(&["status"]);
    assert_eq!(status["daemon"]["running"], false);
    assert_eq!(
        status["counts"],
        json!({"accepted": 4, "pending": 2, "delivered": 1, "dead": 1, "cancelled": 0, "conserved": true})
    );
    assert_eq!(status["spool"]["type"], "sqlite");
    assert!(status["spool"]["bytes"].as_u64() > Some(0));
    let of = |name: &str| {
        let targets = status["targets"].as_array().expect("a list").iter();
        let found = targets.clone().find(|target| target["name"] == name);
        found.cloned().expect("a target")
    };
    let mail = of("mail");
    assert_eq!(mail["type"], "sendmail");
    assert_eq!(mail["last-success"]["reference"], "queued as 7");
    assert_eq!(mail["last-error"]["detail"], "connection refused");
    assert_eq!(
        (&of("push")["dead"], &of("push")["pending"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(of("pager")["oldest-ms"], at(60).0);
    assert_eq!(of("gone")["type"], Value::Null);
    assert_eq!(of("gone")["next-ms"], at(3600).0);
    assert_eq!(of("off")["disabled"], true);
    let text = stage.notify.run(&["status"]).expect_code(0).stdout;
    for part in [
        "does not run",
        "missing",
        "disabled",
        "ready",
        "accepted 4 = delivered 1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// An instance that sends everything to a server which is down until the flag is set, and then
/// waits for an hour, and a matcher that leads elsewhere.
fn failing() -> (Notify, http::Server, Arc<AtomicBool>) {
    let is_up = Arc::new(AtomicBool::new(false));
    let up = Arc::clone(&is_up);
    let server = http::Server::start(move |_| {
        let status = if up.load(Ordering::SeqCst) { 200 } else { 503 };
        Answer::Respond(Response::json(status, &json!({"id": 1})))
    });
    let elsewhere = "matcher: fencing\n\tmatch-field exact:type=fencing\n\ttarget pager\n\n";
    let pager = sections::sendmail("pager", &["ops@example.com"]);
    let push = sections::gotify("push", &server.url()) + &sections::all_to(&["push"]);
    let notify = Notify::new()
        .routing(&format!("{push}{pager}{elsewhere}"))
        .file("priv/notifications.cfg", sections::token("push", "A.token"))
        .file(
            "notify.cfg",
            "daemon: local\n\tretry-min-interval 1h\n\tretry-max-interval 1h\n",
        );
    (notify, server, is_up)
}

/// What `status` says of a target.
fn status_of(notify: &Notify, name: &str) -> Value {
    let status = notify.run(&["status", "--json"]).expect_code(0).json();
    assert_eq!(status["daemon"]["running"], true);
    let targets = status["targets"].as_array().expect("a list");
    let found = targets.iter().find(|target| target["name"] == name);
    found.cloned().expect("a target")
}

#[test]
fn a_running_daemon_tells_its_breaker_and_hears_of_a_retry() {
    let (notify, _server, is_up) = failing();
    let _daemon = Daemon::start(&notify);
    for _ in 0..5 {
        let _ = notify.run(&["send", "--title", "A title"]).expect_code(0);
    }
    let end = Instant::now() + Duration::from_secs(60);
    while status_of(&notify, "push")["breaker"]["state"] != "open" {
        assert!(Instant::now() < end, "{}", status_of(&notify, "push"));
    }
    let push = status_of(&notify, "push");
    assert!(push["pending"].as_u64() >= Some(5), "{push}");
    assert_eq!(push["last-error"]["outcome"], "unavailable");
    let text = notify.run(&["status"]).expect_code(0).stdout;
    assert!(text.contains("breaker open until 20"), "{text}");
    assert!(text.contains("runs, version "), "{text}");

    is_up.store(true, Ordering::SeqCst);
    let _ = notify.run(&["retry", "--target", "push"]).expect_code(0);
    let _ = notify.run(&["watch", "--until-idle"]).expect_code(0);
    assert_eq!(status_of(&notify, "push")["breaker"]["state"], "closed");
    let waiting = notify
        .run(&["history", "--state", "pending"])
        .expect_code(0);
    assert_eq!(waiting.stdout, "no event\n");
    let audit = notify.run(&["audit", "--json"]).expect_code(0).json();
    assert_eq!(audit["counts"]["accepted"], audit["counts"]["delivered"]);
}

#[test]
fn the_decision_of_a_daemon_is_explained() {
    let (notify, _server, is_up) = failing();
    is_up.store(true, Ordering::SeqCst);
    let _daemon = Daemon::start(&notify);
    let sent = ["send", "--title", "A title", "--wait"];
    let _ = notify.run(&sent).expect_code(0);
    let run = notify
        .run(&["explain", "last", "--target", "pager"])
        .expect_code(0);
    let why = "\npager: was not chosen: `fencing`, which leads to it, did not match\n  next: ";
    assert!(run.stdout.contains(why), "{}", run.stdout);
    let run = notify.run(&["explain", "last", "--json"]).expect_code(0);
    let explained = run.json();
    assert_eq!(explained["today-differs"], false);
    assert_eq!(explained["leads"]["fencing"], json!(["pager"]));
    let push = &explained["targets"].as_array().expect("a list")[2];
    assert_eq!(push["standing"], "delivered", "{explained:#}");
}

#[test]
fn a_healthy_spool_passes() {
    let stage = Stage::full();
    assert_eq!(stage.json(&["spool", "check"]), json!([]));
    let run = stage.notify.run(&["spool", "check"]).expect_code(0);
    assert!(run.stdout.ends_with(": no fault\n"), "{}", run.stdout);
    assert_eq!(run.stderr, "", "a bar is for terminals");
    let shown = on_terminal(&stage.notify, "spool check", "").expect_code(0);
    assert!(shown.stdout.contains(" 100 %"), "{}", shown.stdout);
    assert!(shown.stdout.ends_with(": no fault\r\n"), "{}", shown.stdout);
    let quiet = on_terminal(&stage.notify, "spool check --quiet", "").expect_code(0);
    assert_eq!(quiet.stdout, "");
    let audit = stage.json(&["audit"]);
    assert_eq!(
        (&audit["holds"], &audit["broken"]),
        (&json!(true), &json!([]))
    );
    let text = stage.notify.run(&["audit"]).expect_code(0).stdout;
    let law = "accepted 4 = delivered 1 + pending 2 + dead 1 + cancelled 0";
    assert_eq!(text, format!("{law}\nevery promise holds\n"));
}

#[test]
fn a_lost_delivery_is_found() {
    let stage = Stage::full();
    let path = folder(&stage.notify).join("spool.db");
    let database = rusqlite::Connection::open(path).expect("the spool's file");
    let lost = "DELETE FROM job WHERE target = (SELECT id FROM target WHERE name = 'pager')";
    assert_eq!(database.execute(lost, []).expect("a row"), 1);
    let audit = stage.notify.run(&["audit", "--json"]).expect_code(1).json();
    assert_eq!(audit["holds"], false);
    assert!(!audit["broken"].as_array().expect("a list").is_empty());
    let check = stage.notify.run(&["spool", "check"]).expect_code(1);
    assert!(check.stdout.contains("fault"), "{}", check.stdout);
    let miscounted = "UPDATE target SET accepted = accepted + 1 WHERE name = 'mail'";
    assert_eq!(database.execute(miscounted, []).expect("a row"), 1);
    let text = stage.notify.run(&["audit"]).expect_code(1).stdout;
    assert!(
        text.starts_with("accepted 5 is not delivered 1 +"),
        "{text}"
    );
}

#[test]
fn a_copy_is_a_whole_spool() {
    let stage = Stage::full();
    let copy = stage.notify.scratch().join("copy.db");
    let name = copy.to_str().expect("a path in UTF-8");
    let run = stage.notify.run(&["spool", "backup", name]).expect_code(0);
    assert_eq!(run.stdout, format!("copied to {name}\n"));
    let run = stage.notify.run(&["spool", "backup", name]).expect_code(1);
    let _ = run.expect_error_line(&["copy.db"]);
    let before = stage.json(&["history"]);

    let other = Notify::new();
    std::fs::create_dir_all(folder(&other)).expect("a folder");
    std::fs::copy(&copy, folder(&other).join("spool.db")).expect("a copy");
    let _working = open(&other, OpenFor::Work);
    let run = other.run(&["history", "--json"]).expect_code(0);
    assert_eq!(run.json(), before);
}
