//! `notify forward-mail`: what an MTA pipes into it arrives, once, or stays where it is.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use notify_testkit::http::{self, Answer, Response};
use notify_testkit::{gotify, misbehaving};
use notify_tests::{Nobody, Notify, Run, Sendmail};
use serde_json::{Value, json};

const FORWARD: [&str; 1] = ["forward-mail"];
const DRAIN: [&str; 3] = ["forward-mail", "--drain", "--json"];

const CRON: &str = "From root@pve1.example.com  Mon Jan  8 08:00:00 2024\n\
    Return-Path: <root@pve1.example.com>\nX-Original-To: root\nDelivered-To: root@pve1.example.com\n\
    From: root@pve1.example.com (Cron Daemon)\nTo: root@pve1.example.com\n\
    Subject: Cron <root@pve1> run-backup\nX-Cron-Env: <SHELL=/bin/sh>\n\
    Content-Type: text/plain; charset=UTF-8\n\nkein Platz auf /größer\n";

fn mail(subject: &str) -> String {
    format!("From: root@localhost\nTo: root@localhost\nSubject: {subject}\n\nthe text\n")
}

/// A section that is a target at this address, and its secret.
fn push(name: &str, url: &str) -> (String, String) {
    (
        format!("gotify: {name}\n\tserver {url}\n\n"),
        format!("gotify: {name}\n\ttoken A.token\n\n"),
    )
}

/// An instance where everything goes to these targets.
fn instance(targets: &[(&str, &str)]) -> Notify {
    let (mut public, mut private) = (String::new(), String::new());
    let mut matcher = "matcher: default-matcher\n".to_owned();
    for (name, url) in targets {
        let (section, secret) = push(name, url);
        public.push_str(&section);
        private.push_str(&secret);
        matcher.push_str(&format!("\ttarget {name}\n"));
    }
    Notify::new()
        .file("notifications.cfg", public + &matcher)
        .file("priv/notifications.cfg", private)
}

fn server() -> gotify::Server {
    gotify::Server::start(gotify::Options::token("A.token"))
}

fn titles(server: &gotify::Server) -> Vec<String> {
    server
        .messages()
        .into_iter()
        .map(|message| message.title)
        .collect()
}

/// A server that answers as told, and counts what it took.
struct Fickle {
    server: http::Server,
    up: Arc<AtomicBool>,
    taken: Arc<AtomicUsize>,
}

impl Fickle {
    fn down() -> Self {
        let (up, taken) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let (is_up, count) = (Arc::clone(&up), Arc::clone(&taken));
        let server = http::Server::start(move |_| {
            if !is_up.load(Ordering::SeqCst) {
                return Answer::Respond(Response::json(503, &json!({})));
            }
            count.fetch_add(1, Ordering::SeqCst);
            let body = json!({"id": 1, "appid": 1, "message": "m", "title": "t"});
            Answer::Respond(Response::json(200, &body))
        });
        Fickle { server, up, taken }
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }
}

fn state(notify: &Notify) -> PathBuf {
    notify.scratch().join("state")
}

/// The names in a folder of the state, sorted; none when it is not there.
fn names(notify: &Notify, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(state(notify).join(folder))
        .into_iter()
        .flatten();
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The mails that wait in root's queue.
fn queued(notify: &Notify) -> usize {
    let names = names(notify, "mail");
    names.iter().filter(|name| name.ends_with(".mail")).count()
}

fn install(notify: &Notify) -> Run {
    let home = notify.scratch().join("home");
    fs::create_dir_all(&home).expect("a home");
    let home = home.to_str().expect("UTF-8");
    notify.run(&["forward-mail", "--install", "--home", home])
}

/// As if the time had passed for which targets are left alone.
fn let_time_pass(notify: &Notify) {
    for name in names(notify, "mail") {
        if !name.ends_with(".json") || name == "seen.json" {
            continue;
        }
        let path = state(notify).join("mail").join(name);
        let text = fs::read_to_string(&path).expect("notes");
        let mut notes: Value = serde_json::from_str(&text).expect("JSON");
        for wait in notes["waits"].as_object_mut().into_iter().flatten() {
            wait.1["not-before"] = json!(0);
        }
        fs::write(&path, notes.to_string()).expect("notes");
    }
}

/// The numbers of a drain's answer.
#[track_caller]
fn sum(run: &Run) -> [u64; 5] {
    let answer = run.json();
    ["collected", "done", "pending", "failed", "loops"]
        .map(|key| answer[key].as_u64().expect("a number"))
}

#[test]
fn a_dry_run_shows_what_would_be_sent_and_sends_nothing() {
    let server = server();
    let notify = instance(&[("push", &server.url())]);
    let run = notify.run_with(&["forward-mail", "--dry-run", "--json"], CRON.as_bytes());
    let answer = run.expect_code(0).json();
    let host = answer["fields"]["hostname"].clone();
    assert!(
        host.as_str().is_some_and(|host| !host.contains('.')),
        "{host}"
    );
    assert_eq!(
        answer,
        json!({
            "title": "Cron <root@pve1> run-backup",
            "text": "kein Platz auf /größer\n",
            "fields": {
                "type": "system-mail",
                "hostname": host,
                "mail-from": "root@pve1.example.com",
                "mail-to": "root@pve1.example.com",
                "daemon": "cron",
            },
            "targets": ["push"],
            "severity": "unknown",
        })
    );
    assert_eq!(titles(&server), [""; 0]);
    let run = notify
        .run_with(&["forward-mail", "--dry-run"], CRON.as_bytes())
        .expect_code(0);
    assert!(run.stdout.contains("targets   push\n"), "{}", run.stdout);
}

#[test]
fn root_sends_at_once() {
    let server = server();
    let notify = instance(&[("push", &server.url())]);
    let _ = notify.run_with(&FORWARD, CRON.as_bytes()).expect_code(0);
    let messages = server.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].title, "Cron <root@pve1> run-backup");
    assert!(messages[0].message.contains("kein Platz auf /größer"));
    assert_eq!(messages[0].priority, 3, "the severity is unknown");
    assert_eq!(queued(&notify), 0);
}

#[test]
fn whatever_comes_is_a_mail() {
    let server = server();
    let notify = instance(&[("push", &server.url())]);
    for input in [&b""[..], b"\xff\xfe\0", b"no header\n", b"Subject: only\n"] {
        let _ = notify.run_with(&FORWARD, input).expect_code(0);
    }
    assert_eq!(titles(&server).len(), 4);
}

#[test]
fn nobody_leaves_it_and_root_sends_it() {
    let server = server();
    let notify = instance(&[("push", &server.url())]);
    let nobody = Nobody::new();
    let _ = install(&notify).expect_code(0);
    let run = nobody
        .run_with(&notify, &FORWARD, CRON.as_bytes())
        .expect_code(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    assert_eq!(titles(&server), [""; 0], "nobody sends nothing");
    let lying = names(&notify, "incoming");
    assert_eq!(lying.len(), 2, "{lying:?}");
    let about = fs::metadata(state(&notify).join("incoming").join(&lying[0])).expect("a mail");
    assert_eq!(about.permissions().mode() & 0o7777, 0o600);

    let run = notify.run(&DRAIN).expect_code(0);
    assert_eq!(sum(&run), [1, 1, 0, 0, 0]);
    let mails = &run.json()["mails"];
    assert_eq!(
        (&mails[0]["state"], &mails[0]["uid"]),
        (&json!("done"), &json!(65534))
    );
    assert_eq!(mails[0]["targets"][0]["state"], "delivered");
    assert_eq!(titles(&server), ["Cron <root@pve1> run-backup"]);
    assert_eq!((names(&notify, "incoming").len(), queued(&notify)), (0, 0));
    let run = notify.run(&DRAIN).expect_code(0);
    assert_eq!(sum(&run), [0, 0, 0, 0, 0]);
}

#[test]
fn the_oldest_goes_first() {
    let server = server();
    let notify = instance(&[("push", &server.url())]);
    let nobody = Nobody::new();
    let _ = install(&notify).expect_code(0);
    let subjects: Vec<String> = (0..12).map(|number| format!("mail {number}")).collect();
    for subject in &subjects {
        let run = nobody.run_with(&notify, &FORWARD, mail(subject).as_bytes());
        let _ = run.expect_code(0);
    }
    let run = notify.run(&["forward-mail", "--drain"]).expect_code(0);
    assert!(run.stdout.ends_with("12 sent\n"), "{}", run.stdout);
    assert_eq!(titles(&server), subjects);
}

#[test]
fn without_a_drop_or_with_a_full_one_the_mta_keeps_the_mail() {
    let notify = instance(&[("push", "http://127.0.0.1:9")]);
    let nobody = Nobody::new();
    let run = nobody
        .run_with(&notify, &FORWARD, CRON.as_bytes())
        .expect_code(75);
    let _ = run.expect_error_line(&["mail drop", "is not there"]);
    let _ = install(&notify).expect_code(0);
    for slot in 0..1000 {
        fs::write(state(&notify).join(format!("incoming/slot.{slot:03}")), "").expect("a place");
    }
    let run = nobody
        .run_with(&notify, &FORWARD, CRON.as_bytes())
        .expect_code(75);
    let _ = run.expect_error_line(&["is full: 1000 mails lie there"]);
    fs::set_permissions(
        state(&notify).join("incoming"),
        fs::Permissions::from_mode(0o777),
    )
    .expect("a drop");
    let run = nobody
        .run_with(&notify, &FORWARD, CRON.as_bytes())
        .expect_code(75);
    let _ = run.expect_error_line(&["is not used", "chmod +t"]);
}

#[test]
fn who_took_it_does_not_get_it_again() {
    let server = server();
    let fickle = Fickle::down();
    let notify = instance(&[("push", &server.url()), ("slow", &fickle.server.url())]);
    let run = notify.run_with(&FORWARD, CRON.as_bytes()).expect_code(0);
    let _ = run.expect_error_line(&["is kept", "--drain"]);
    assert_eq!((titles(&server).len(), queued(&notify)), (1, 1));
    let run = notify.run(&DRAIN).expect_code(75);
    assert_eq!(sum(&run), [0, 0, 1, 0, 0]);
    assert_eq!(
        run.json()["mails"][0]["targets"],
        json!([]),
        "it is left alone"
    );
    let_time_pass(&notify);
    let run = notify.run(&DRAIN).expect_code(75);
    assert_eq!(run.json()["mails"][0]["targets"][0]["name"], "slow");
    fickle.up.store(true, Ordering::SeqCst);
    let_time_pass(&notify);
    let run = notify.run(&DRAIN).expect_code(0);
    assert_eq!(sum(&run), [0, 1, 0, 0, 0]);
    assert_eq!(
        (titles(&server).len(), fickle.taken(), queued(&notify)),
        (1, 1, 0)
    );
}

#[test]
fn what_nobody_can_be_reached_for_is_kept_and_not_answered_twice() {
    let nowhere = format!("http://{}", misbehaving::refusing());
    let notify = instance(&[("push", &nowhere)]);
    let _ = notify.run_with(&FORWARD, CRON.as_bytes()).expect_code(0);
    let kept = names(&notify, "mail")
        .into_iter()
        .find(|name| name.ends_with(".mail"));
    let kept = fs::read(state(&notify).join("mail").join(kept.expect("a mail"))).expect("a mail");
    assert_eq!(kept, CRON.as_bytes(), "byte for byte");
}

#[test]
fn what_every_target_refuses_is_set_aside() {
    let sendmail = Sendmail::exiting(67);
    let notify = sendmail.installed(Notify::new().file(
        "notifications.cfg",
        "sendmail: ops\n\tmailto a@b.example\n\nmatcher: default-matcher\n\ttarget ops\n",
    ));
    let run = notify.run_with(&FORWARD, CRON.as_bytes()).expect_code(0);
    let _ = run.expect_error_line(&["no target takes", "mail/failed"]);
    assert_eq!(
        (queued(&notify), names(&notify, "mail/failed").len()),
        (0, 2)
    );
    let nobody = Nobody::new();
    let _ = install(&notify).expect_code(0);
    let _ = nobody
        .run_with(&notify, &FORWARD, CRON.as_bytes())
        .expect_code(0);
    let run = notify.run(&DRAIN).expect_code(69);
    assert_eq!(sum(&run), [1, 0, 0, 1, 0]);
    assert_eq!(names(&notify, "mail/failed").len(), 4);
}

#[test]
fn wrong_credentials_are_tried_once_and_who_asks_for_time_gets_it() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let busy = http::Server::start(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let answer = Response::json(429, &json!({}));
        Answer::Respond(answer.header("Retry-After", "600"))
    });
    let wrong = gotify::Server::start(gotify::Options::token("B.token"));
    let notify = instance(&[("busy", &busy.url()), ("wrong", &wrong.url())]);
    let nobody = Nobody::new();
    let _ = install(&notify).expect_code(0);
    let tried = |run: &Run| {
        let answer = run.json();
        let mails = answer["mails"].as_array().expect("mails").iter();
        let targets = mails.flat_map(|mail| mail["targets"].as_array().expect("targets").clone());
        let mut names: Vec<_> = targets.map(|target| target["name"].clone()).collect();
        names.sort_by_key(ToString::to_string);
        names
    };
    for subject in ["one", "two", "three"] {
        let run = nobody.run_with(&notify, &FORWARD, mail(subject).as_bytes());
        let _ = run.expect_code(0);
    }
    let run = notify.run(&DRAIN).expect_code(75);
    assert_eq!(sum(&run), [3, 0, 3, 0, 0]);
    assert_eq!(tried(&run), ["busy", "wrong"]);
    // The next mails may try the credentials, once; who asked for time is left alone.
    let run = notify.run(&DRAIN).expect_code(75);
    assert_eq!(tried(&run), ["wrong"]);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let_time_pass(&notify);
    let run = notify.run(&DRAIN).expect_code(75);
    assert_eq!(tried(&run), ["busy", "wrong"]);
}

#[test]
fn a_matcher_that_cannot_be_used_keeps_the_mail_that_nobody_else_wants() {
    let server = server();
    let (push, secret) = push("push", &server.url());
    let nothing = "matcher: default-matcher\n\tdisable true\n\n";
    let with =
        |rule: &str| format!("{push}{nothing}matcher: mine\n\tmatch-field {rule}\n\ttarget push\n");
    let notify = Notify::new()
        .file("notifications.cfg", with("regex:type=("))
        .file("priv/notifications.cfg", secret);
    let run = notify.run_with(&FORWARD, CRON.as_bytes()).expect_code(0);
    let _ = run.expect_error_line(&["no target was chosen", "matcher `mine` cannot be used"]);
    let run = notify.run(&DRAIN).expect_code(75);
    assert_eq!(sum(&run), [0, 0, 1, 0, 0]);
    let notify = notify.file("notifications.cfg", with("exact:type=system-mail"));
    let run = notify.run(&DRAIN).expect_code(0);
    assert_eq!(sum(&run), [0, 1, 0, 0, 0]);
    assert_eq!(titles(&server).len(), 1);
}

#[test]
fn a_drop_that_cannot_be_used_does_not_keep_the_queue_from_being_sent() {
    let fickle = Fickle::down();
    let notify = instance(&[("slow", &fickle.server.url())]);
    let _ = install(&notify).expect_code(0);
    let _ = notify.run_with(&FORWARD, CRON.as_bytes()).expect_code(0);
    let drop = state(&notify).join("incoming");
    fs::set_permissions(drop, fs::Permissions::from_mode(0o777)).expect("a drop");
    fickle.up.store(true, Ordering::SeqCst);
    let_time_pass(&notify);
    let run = notify.run(&DRAIN).expect_code(73);
    assert_eq!(sum(&run), [0, 1, 0, 0, 0]);
    let _ = run.expect_error_line(&["is not used"]);
    assert_eq!(fickle.taken(), 1);
}

#[test]
fn one_that_fails_does_not_hold_the_others() {
    let server = server();
    let fickle = Fickle::down();
    let (push, push_secret) = push("push", &server.url());
    let (slow, slow_secret) = self::push("slow", &fickle.server.url());
    let notify = Notify::new()
        .file(
            "notifications.cfg",
            format!(
                "{push}{slow}matcher: default-matcher\n\tmatch-field exact:daemon=cron\n\ttarget slow\n\n\
                 matcher: rest\n\tmatch-field exact:daemon=cron\n\tinvert-match true\n\ttarget push\n"
            ),
        )
        .file("priv/notifications.cfg", push_secret + &slow_secret);
    let nobody = Nobody::new();
    let _ = install(&notify).expect_code(0);
    for mail in [CRON, &mail("one"), CRON, CRON, CRON, &mail("two"), CRON] {
        let _ = nobody
            .run_with(&notify, &FORWARD, mail.as_bytes())
            .expect_code(0);
    }
    let run = notify.run(&DRAIN).expect_code(75);
    assert_eq!(sum(&run), [7, 2, 5, 0, 0]);
    assert_eq!(titles(&server), ["one", "two"]);
    let answer = run.json();
    let mails = answer["mails"].as_array().expect("mails");
    let tried = mails
        .iter()
        .filter(|mail| mail["targets"][0]["name"] == "slow")
        .count();
    assert_eq!(
        tried, 3,
        "after that the target is left alone until the next drain"
    );
    fickle.up.store(true, Ordering::SeqCst);
    let_time_pass(&notify);
    let run = notify.run(&DRAIN).expect_code(0);
    assert_eq!(sum(&run), [0, 5, 0, 0, 0]);
    assert_eq!(fickle.taken(), 5);
}

#[test]
fn where_nothing_can_be_kept_the_mta_keeps_it_unless_somebody_has_it() {
    let nowhere = format!("http://{}", misbehaving::refusing());
    let server = server();
    // A file where the state folder should be.
    let broken = |notify: Notify| {
        fs::write(notify.scratch().join("file"), "").expect("a file");
        let state = notify.scratch().join("file/state");
        notify.variable("NOTIFY_STATE_DIR", state)
    };
    let notify = broken(instance(&[("push", &nowhere)]));
    let run = notify.run_with(&FORWARD, CRON.as_bytes()).expect_code(75);
    let _ = run.expect_error_line(&["queue"]);
    let notify = broken(instance(&[("other", &nowhere), ("push", &server.url())]));
    let run = notify.run_with(&FORWARD, CRON.as_bytes()).expect_code(0);
    let _ = run.expect_error_line(&["arrived at some targets"]);
    assert_eq!(titles(&server).len(), 1);
}

#[test]
fn while_nothing_can_be_noted_nothing_is_sent() {
    let (one, other) = (Fickle::down(), Fickle::down());
    let notify = instance(&[("one", &one.server.url()), ("other", &other.server.url())]);
    for subject in ["first", "second"] {
        let run = notify.run_with(&FORWARD, mail(subject).as_bytes());
        let _ = run.expect_code(0);
    }
    let notes = names(&notify, "mail");
    let mut notes = notes.iter().filter(|name| name.ends_with(".json"));
    let first = state(&notify)
        .join("mail")
        .join(notes.next().expect("notes"));
    // In the way of the notes, as a file system that takes no more.
    let blocker = first.with_extension("json.temp");
    fs::create_dir(&blocker).expect("a folder");
    one.up.store(true, Ordering::SeqCst);
    let_time_pass(&notify);
    for _ in 0..3 {
        let run = notify.run(&DRAIN).expect_code(75);
        assert_eq!(sum(&run), [0, 0, 2, 0, 0]);
        let _ = run.expect_error_line(&["cannot write to the queue"]);
    }
    assert_eq!(one.taken(), 0, "each would have been a copy more");
    fs::remove_dir(&blocker).expect("a folder");
    let _ = notify.run(&DRAIN).expect_code(75);
    let _ = notify.run(&DRAIN).expect_code(75);
    assert_eq!(one.taken(), 2);
}

#[test]
fn a_quiet_drain_says_nothing_of_what_stays() {
    let fickle = Fickle::down();
    let notify = instance(&[("slow", &fickle.server.url())]);
    let nobody = Nobody::new();
    let _ = install(&notify).expect_code(0);
    let _ = nobody
        .run_with(&notify, &FORWARD, CRON.as_bytes())
        .expect_code(0);
    let quiet = ["forward-mail", "--drain", "--quiet"];
    for _ in 0..2 {
        let_time_pass(&notify);
        let run = notify.run(&quiet).expect_code(75);
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    }
    let_time_pass(&notify);
    let run = notify.run(&quiet[..2]).expect_code(75);
    assert!(run.stdout.contains("stays for"), "{}", run.stdout);
    assert!(run.stdout.contains("failed slow"), "{}", run.stdout);
}

#[test]
fn a_configuration_that_cannot_be_read_leaves_the_mail_where_it_is() {
    let notify = Notify::new();
    fs::create_dir(notify.config().join("notifications.cfg")).expect("a folder in its place");
    let _ = notify.run_with(&FORWARD, CRON.as_bytes()).expect_code(75);
    let _ = notify.run(&DRAIN).expect_code(78);
    let _ = notify
        .run_with(&["forward-mail", "--dry-run"], b"")
        .expect_code(78);
    let notify = notify.variable("NOTIFY_CONFIG_DIR", "/nonexistent");
    let _ = notify.run_with(&FORWARD, CRON.as_bytes()).expect_code(75);
}

#[test]
fn a_command_line_with_a_mistake_leaves_the_mail_where_it_is() {
    let notify = Notify::new();
    let _ = notify
        .run_with(&["forward-mail", "--bogus"], b"")
        .expect_code(75);
    let _ = notify
        .run_with(&["forward-mail", "extra"], b"")
        .expect_code(75);
    let _ = notify
        .run(&["forward-mail", "--drain", "--install"])
        .expect_code(64);
    let _ = notify
        .run(&["forward-mail", "--install", "--json"])
        .expect_code(64);
    let _ = notify.run(&["forward-mail", "--help"]).expect_code(0);
}

#[test]
fn a_mail_of_its_own_goes_no_further() {
    let server = server();
    let notify = instance(&[("push", &server.url())]);
    let nobody = Nobody::new();
    let _ = install(&notify).expect_code(0);
    let _ = notify.run(&["check"]);
    let own = fs::read_to_string(state(&notify).join("instance")).expect("an id");
    let looped = format!(
        "X-Notify-Loop: 0123456789abcdef0123456789abcdef\nX-Notify-Loop: {own}Subject: again\n\nx\n"
    );
    let run = notify.run_with(&FORWARD, looped.as_bytes()).expect_code(0);
    let _ = run.expect_error_line(&["came back to root", "dead-loops.log"]);
    let run = notify.run_with(&FORWARD, looped.as_bytes()).expect_code(0);
    assert!(
        !run.stderr.contains("came back"),
        "one warning an hour: {}",
        run.stderr
    );
    let _ = nobody
        .run_with(&notify, &FORWARD, looped.as_bytes())
        .expect_code(0);
    let run = notify.run(&DRAIN).expect_code(0);
    assert_eq!(sum(&run), [1, 0, 0, 0, 1]);
    assert_eq!(titles(&server), [""; 0]);
    let record = fs::read_to_string(state(&notify).join("dead-loops.log")).expect("a record");
    let titles: Vec<_> = record
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["title"].clone())
        .collect();
    assert_eq!(titles, ["again", "again", "again"]);
}

#[test]
fn a_mail_of_another_instance_goes_on() {
    let server = server();
    let notify = instance(&[("push", &server.url())]);
    let other = "X-Notify-Loop: 0123456789abcdef0123456789abcdef\nSubject: from afar\n\nx\n";
    let _ = notify.run_with(&FORWARD, other.as_bytes()).expect_code(0);
    assert_eq!(titles(&server), ["from afar"]);
}

#[test]
fn rules_give_it_a_severity() {
    let server = server();
    let (push, secret) = push("push", &server.url());
    let matcher = "matcher: default-matcher\n\tmatch-severity error\n\ttarget push\n";
    let notify = Notify::new()
        .file("notifications.cfg", push + matcher)
        .file("priv/notifications.cfg", secret)
        .file(
            "notify.cfg",
            "system-mail: local\n\tseverity error exact:daemon=cron\n",
        );
    let _ = notify.run(&["check"]).expect_code(0);
    let _ = notify.run_with(&FORWARD, CRON.as_bytes()).expect_code(0);
    let _ = notify
        .run_with(&FORWARD, mail("other").as_bytes())
        .expect_code(0);
    assert_eq!(titles(&server), ["Cron <root@pve1> run-backup"]);
    assert_eq!(server.messages()[0].priority, 9);
    let notify = notify.file(
        "notify.cfg",
        "system-mail: local\n\tseverity error exact:daemon=cron\n\tseverity bad regex:subject=x\n",
    );
    let run = notify.run(&["check"]).expect_code(1);
    assert!(
        run.stdout
            .contains("notify.cfg:3:2: error: system-mail `local`: property `severity`"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_mail_above_the_bound_is_cut_and_says_so() {
    let server = server();
    let notify = instance(&[("push", &server.url())]);
    let nobody = Nobody::new();
    let _ = install(&notify).expect_code(0);
    let long = format!("{}{}", mail("long"), "x".repeat(3_000_000));
    let _ = notify
        .run_with(&["forward-mail", "--max-size", "1000"], long.as_bytes())
        .expect_code(0);
    let run = nobody.run_with(
        &notify,
        &["forward-mail", "--max-size", "1000"],
        long.as_bytes(),
    );
    let _ = run.expect_code(0).expect_error_line(&["was cut"]);
    let _ = notify.run(&DRAIN).expect_code(0);
    let messages = server.messages();
    assert_eq!(messages.len(), 2);
    for message in messages {
        assert!(message.title.starts_with("[cut] "), "{}", message.title);
        assert!(
            message.message.contains("[This mail was longer than "),
            "{}",
            message.message
        );
    }
}

#[test]
fn a_cut_mail_that_is_passed_on_whole_says_so_once() {
    let sendmail = Sendmail::exiting(75);
    let notify = sendmail.installed(Notify::new().file(
        "notifications.cfg",
        "sendmail: ops\n\tmailto a@b.example\n\nmatcher: default-matcher\n\ttarget ops\n",
    ));
    let long = format!("{}{}", mail("long"), "x".repeat(3_000));
    let words = ["forward-mail", "--max-size", "1000"];
    let _ = notify.run_with(&words, long.as_bytes()).expect_code(0);
    let_time_pass(&notify);
    let _ = notify.run(&DRAIN).expect_code(75);
    let calls = sendmail.calls();
    assert_eq!(calls.len(), 2);
    for call in calls {
        let notes = call.mail.matches("[This mail was longer than").count();
        assert_eq!(notes, 1, "{}", call.mail);
    }
}

#[test]
fn install_says_when_nobody_could_run_the_program() {
    let notify = Notify::new();
    let nobody = Nobody::new();
    let home = notify.scratch().to_str().expect("UTF-8").to_owned();
    let words = ["forward-mail", "--install", "--home", &home];
    let run = nobody.run_as_root(&notify, &words).expect_code(0);
    assert_eq!(run.stderr, "");
    fs::set_permissions(nobody.program(), fs::Permissions::from_mode(0o700)).expect("a program");
    let run = nobody.run_as_root(&notify, &words).expect_code(0);
    let _ = run.expect_error_line(&["the MTA runs it as nobody"]);
}

#[test]
fn only_one_drain_is_at_it() {
    let server = server();
    let notify = instance(&[("push", &server.url())]);
    let _ = notify.run(&DRAIN).expect_code(0);
    let lock = fs::File::open(state(&notify).join("mail/lock")).expect("a lock");
    lock.lock().expect("free");
    let run = notify.run(&DRAIN).expect_code(75);
    let _ = run.expect_error_line(&["another process is at the queue"]);
    drop(lock);
    let _ = notify.run(&DRAIN).expect_code(0);
}

#[test]
fn what_an_enemy_puts_into_the_drop_is_not_read() {
    let server = server();
    let notify = instance(&[("push", &server.url())]);
    let nobody = Nobody::new();
    let _ = install(&notify).expect_code(0);
    let secret = notify.scratch().join("secret");
    fs::write(&secret, mail("stolen")).expect("a file");
    let name = |slot: u32| {
        let id = format!("00000000-0000-7000-8000-{slot:012}");
        state(&notify).join(format!("incoming/mail.{slot:03}.{id}"))
    };
    symlink(&secret, name(1)).expect("a link");
    fs::hard_link(&secret, name(2)).expect("a second name");
    let pipe = std::process::Command::new("mkfifo").arg(name(3)).status();
    assert!(pipe.expect("mkfifo runs").success());
    fs::create_dir(name(4)).expect("a folder");
    let _ = nobody
        .run_with(&notify, &FORWARD, mail("honest").as_bytes())
        .expect_code(0);
    let run = notify.run(&DRAIN).expect_code(0);
    assert_eq!(sum(&run), [1, 1, 0, 0, 0]);
    assert_eq!(titles(&server), ["honest"]);
    assert_eq!(run.json()["oddities"].as_array().map(Vec::len), Some(4));
    let run = run.expect_error_line(&["a symbolic link, removed"]);
    let _ = run.expect_error_line(&["a file with a second name"]);
    assert!(secret.is_file());
}

#[test]
fn install_can_be_taken_back_to_the_byte() {
    let notify = Notify::new();
    let home = notify.scratch().join("home");
    let forward = home.join(".forward");
    fs::create_dir(&home).expect("a home");
    let arguments = ["--home", home.to_str().expect("UTF-8")];
    let run = |task: &str| notify.run(&["forward-mail", task, arguments[0], arguments[1]]);
    for before in [
        None,
        Some(""),
        Some("admin@example.com"),
        Some("# mine\n|/usr/bin/proxmox-mail-forward\nadmin@example.com\n"),
    ] {
        if let Some(text) = before {
            fs::write(&forward, text).expect("a file");
            fs::set_permissions(&forward, fs::Permissions::from_mode(0o640)).expect("a file");
        }
        let _ = run("--install").expect_code(0);
        let after = fs::read_to_string(&forward).expect("a file");
        assert!(after.contains("/notify forward-mail --drop "), "{after}");
        let active = |line: &&str| line.starts_with('|') || line.starts_with("\"|");
        assert_eq!(after.lines().filter(active).count(), 1, "{after}");
        let again = run("--install").expect_code(0);
        assert!(
            again.stdout.contains("has the command already"),
            "{}",
            again.stdout
        );
        assert_eq!(fs::read_to_string(&forward).expect("a file"), after);
        if before.is_some() {
            let mode = fs::metadata(&forward).expect("a file").permissions().mode();
            assert_eq!(mode & 0o7777, 0o640);
        }
        let _ = run("--uninstall").expect_code(0);
        assert_eq!(fs::read_to_string(&forward).ok().as_deref(), before);
        assert!(!state(&notify).join("incoming").exists());
        let _ = run("--uninstall").expect_code(0);
        assert_eq!(fs::read_to_string(&forward).ok().as_deref(), before);
    }
}

#[test]
fn install_keeps_a_link_and_says_what_it_cannot_do() {
    let notify = Notify::new();
    let home = notify.scratch().join("home");
    let forward = home.join(".forward");
    fs::create_dir(&home).expect("a home");
    let managed = notify.scratch().join("managed");
    fs::write(&managed, "a@b.example\n").expect("a file");
    symlink(&managed, &forward).expect("a link");
    let _ = install(&notify).expect_code(0);
    assert!(fs::symlink_metadata(&forward).expect("a link").is_symlink());
    assert!(
        fs::read_to_string(&managed)
            .expect("a file")
            .contains("forward-mail")
    );
    fs::remove_file(&managed).expect("a file");
    let run = install(&notify).expect_code(73);
    let _ = run.expect_error_line(&["or add this line by hand", "forward-mail"]);
    fs::remove_file(&forward).expect("a link");
    fs::create_dir(&forward).expect("a folder in its place");
    let _ = install(&notify)
        .expect_code(73)
        .expect_error_line(&["not a file"]);
}

#[test]
fn uninstall_leaves_mails_in_the_drop() {
    let notify = instance(&[("push", "http://127.0.0.1:9")]);
    let nobody = Nobody::new();
    let _ = install(&notify).expect_code(0);
    let _ = nobody
        .run_with(&notify, &FORWARD, CRON.as_bytes())
        .expect_code(0);
    let home = notify.scratch().join("home");
    let home = home.to_str().expect("UTF-8");
    let run = notify
        .run(&["forward-mail", "--uninstall", "--home", home])
        .expect_code(0);
    let _ = run.expect_error_line(&["stays, because mails lie there"]);
    assert_eq!(names(&notify, "incoming").len(), 2);
}
