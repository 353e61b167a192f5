//! `notify daemon`, and what the other commands do when there is one.

#[path = "daemon/reload.rs"]
mod reload;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use notify_testkit::http::{self, Answer, Response};
use notify_testkit::{Gate, gotify, misbehaving};
use notify_tests::sections::{all_to, gotify as gotify_section, token};
use notify_tests::{Daemon, Nobody, Notify, Run, Sendmail};
use serde_json::{Value, json};

const TOKEN: &str = "A.test-token";

/// Failed deliveries come again at once, so to say.
const HASTY: &str =
    "daemon: local\n\tretry-min-interval 1s\n\tretry-max-interval 1s\n\tretry-max-age 1h\n";

/// An instance that sends everything to this address, as target `push`.
fn pushing_to(url: &str) -> Notify {
    Notify::new()
        .routing(&(gotify_section("push", url) + &all_to(&["push"])))
        .file("priv/notifications.cfg", token("push", TOKEN))
        .file("notify.cfg", HASTY)
}

fn server() -> gotify::Server {
    gotify::Server::start(gotify::Options::token(TOKEN))
}

/// A Gotify server that is down until it is told to be up.
struct Fickle {
    server: http::Server,
    is_up: Arc<AtomicBool>,
}

impl Fickle {
    fn down() -> Self {
        let is_up = Arc::new(AtomicBool::new(false));
        let up = Arc::clone(&is_up);
        let server = http::Server::start(move |_| {
            if !up.load(Ordering::SeqCst) {
                return Answer::Respond(Response::json(503, &json!({})));
            }
            Answer::Respond(Response::json(200, &json!({ "id": 1 })))
        });
        Fickle { server, is_up }
    }

    fn comes_up(&self) {
        self.is_up.store(true, Ordering::SeqCst);
    }

    fn url(&self) -> String {
        self.server.url()
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn send(notify: &Notify, more: &[&str]) -> Run {
    notify.run(&[&["send", "--title", "A title"], more].concat())
}

/// The id that a text answer begins with.
#[track_caller]
fn accepted(run: &Run) -> String {
    let first = run.stdout.lines().next().unwrap_or_default();
    let id = first.strip_prefix("accepted ");
    id.unwrap_or_else(|| panic!("{run:?}")).to_owned()
}

/// The key under which the messages came.
fn keys(messages: &[gotify::Message]) -> Vec<String> {
    let key = |message: &gotify::Message| {
        let key = message.request.header("Idempotency-Key");
        key.unwrap_or_default().trim_matches('"').to_owned()
    };
    messages.iter().map(key).collect()
}

/// Looks again and again until something holds, which must not take a minute.
#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let end = soon();
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::yield_now();
    }
}

fn state_of(notify: &Notify, id: &str) -> Value {
    notify.run(&["show", id, "--json"]).json()
}

#[test]
fn what_is_accepted_arrives() {
    let server = server();
    let notify = pushing_to(&server.url());
    let daemon = Daemon::start(&notify);
    let run = send(&notify, &[]).expect_code(0);
    let id = accepted(&run);
    assert_eq!(
        run.stdout,
        format!("accepted {id}\npending push (gotify)\n")
    );
    let arrived = server.wait_for_blocking(1, soon());
    assert_eq!(keys(&arrived), [format!("{id}.push")]);
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn the_json_answer_has_the_shape_of_a_report_and_says_durable() {
    let server = server();
    let notify = pushing_to(&server.url());
    let direct = send(&notify, &["--json"]).expect_code(0).json();
    let _daemon = Daemon::start(&notify);
    let handed = send(&notify, &["--json"]).expect_code(0).json();
    let keys = |value: &Value| {
        let object = value.as_object().expect("an object");
        object.keys().cloned().collect::<Vec<_>>()
    };
    let with_durable = [keys(&direct), vec!["durable".to_owned()]].concat();
    let mut expected = with_durable;
    expected.sort();
    assert_eq!(keys(&handed), expected);
    assert_eq!(keys(&handed["targets"][0]), keys(&direct["targets"][0]));
    assert_eq!(handed["durable"], true);
    assert_eq!(handed["targets"][0]["state"], "pending");
}

#[test]
fn waiting_ends_with_what_a_direct_delivery_says() {
    let server = server();
    let notify = pushing_to(&server.url());
    let _daemon = Daemon::start(&notify);
    let answer = send(&notify, &["--wait=60", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(answer["targets"][0]["state"], "delivered");
    let run = send(&notify, &["--wait=60"]).expect_code(0);
    let id = accepted(&run);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], format!("accepted {id}"));
    assert!(lines[1].starts_with("delivered push (gotify)"), "{run:?}");
}

#[test]
fn waiting_ends_too_early_or_with_a_failure() {
    let notify = pushing_to(&format!("http://{}", misbehaving::refusing()));
    let daemon = Daemon::start(&notify);
    let run = send(&notify, &["--wait=0"]).expect_code(1);
    assert!(
        run.stderr.contains("not settled within 0 s: it goes on"),
        "{run:?}"
    );
    let answer = send(&notify, &["--wait=0", "--json"]).expect_code(1).json();
    assert_eq!(
        (&answer["durable"], &answer["settled"]),
        (&json!(true), &json!(false))
    );
    drop(daemon);
    // Gotify says no for good to a token that it does not know.
    let server = server();
    let notify = pushing_to(&server.url()).file("priv/notifications.cfg", token("push", "other"));
    let notify = notify.file(
        "notify.cfg",
        "daemon: local\n\tretry-max-age 1s\n\tretry-max-interval 1s\n",
    );
    let _daemon = Daemon::start(&notify);
    let answer = send(&notify, &["--wait=60", "--json"])
        .expect_code(1)
        .json();
    assert_eq!(answer["targets"][0]["state"], "failed");
    assert_eq!(answer["targets"][0]["error"]["kind"], "misconfigured");
}

#[test]
fn a_target_that_is_down_gets_it_when_it_is_up() {
    let target = Fickle::down();
    let notify = pushing_to(&target.url());
    let _daemon = Daemon::start(&notify);
    let id = accepted(&send(&notify, &[]).expect_code(0));
    target.server.wait_for_blocking(2, soon());
    assert_eq!(state_of(&notify, &id)["deliveries"][0]["state"], "pending");
    target.comes_up();
    until("it arrives", || {
        state_of(&notify, &id)["deliveries"][0]["state"] == "delivered"
    });
}

#[test]
fn what_was_answered_survives_a_kill() {
    let target = Fickle::down();
    let notify = pushing_to(&target.url());
    let daemon = Daemon::start(&notify);
    let ids: Vec<String> = (0..3)
        .map(|_| accepted(&send(&notify, &[]).expect_code(0)))
        .collect();
    daemon.kill();
    target.comes_up();
    let _daemon = Daemon::start(&notify);
    for id in ids {
        until("it arrives", || {
            state_of(&notify, &id)["deliveries"][0]["state"] == "delivered"
        });
    }
}

#[test]
fn a_configuration_that_is_mended_sends_what_waits() {
    let server = server();
    let notify = pushing_to(&server.url());
    fs::remove_file(notify.config().join("priv/notifications.cfg")).expect("it was there");
    // Without a reload it would be tried again in an hour.
    let notify = notify.file("notify.cfg", "");
    let daemon = Daemon::start(&notify);
    let id = accepted(&send(&notify, &[]).expect_code(0));
    until("an attempt is made", || {
        let attempts = &state_of(&notify, &id)["deliveries"][0]["attempts"];
        attempts
            .as_array()
            .is_some_and(|attempts| !attempts.is_empty())
    });
    let notify = notify.file("priv/notifications.cfg", token("push", TOKEN));
    until("it arrives", || {
        keys(&server.messages()).contains(&format!("{id}.push"))
    });
    drop((daemon, notify));
}

#[test]
fn a_file_that_is_lost_leaves_the_last_good_configuration_in_force() {
    let server = server();
    let notify = pushing_to(&server.url());
    let daemon = Daemon::start(&notify);
    let file = notify.config().join("notifications.cfg");
    let good = fs::read(&file).expect("it is there");
    for lose in [
        (|file: &Path| fs::write(file, "\u{7f}ELF rubbish\n").expect("a file")) as fn(&Path),
        |file| fs::remove_file(file).expect("it is there"),
        |file| {
            fs::create_dir(file).expect("a folder");
        },
    ] {
        lose(&file);
        daemon
            .manager()
            .wait_for("the last good configuration stays in force");
        let answer = send(&notify, &["--wait=60", "--json"])
            .expect_code(0)
            .json();
        assert_eq!(answer["matchers"], json!(["all"]));
        if file.is_dir() {
            fs::remove_dir(&file).expect("an empty folder");
        }
    }
    // It says so by itself, too.
    until("a report on itself", || {
        let messages = server.messages();
        messages
            .iter()
            .any(|message| message.title.contains("configuration"))
    });
    let other = String::from_utf8_lossy(&good).replace("matcher: all", "matcher: other");
    fs::write(&file, other).expect("a file");
    daemon.manager().wait_for("takes and delivers events");
    let answer = send(&notify, &["--wait=60", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(answer["matchers"], json!(["other"]));
}

#[test]
fn a_person_who_asks_takes_a_missing_file_for_removed() {
    let server = server();
    let notify = pushing_to(&server.url());
    let daemon = Daemon::start(&notify);
    fs::remove_file(notify.config().join("notify.cfg")).expect("it is there");
    daemon.manager().wait_for("notify.cfg is gone");
    daemon.signal("HUP");
    let message = daemon.manager().wait_for("RELOADING=1");
    assert!(message.contains("MONOTONIC_USEC="), "{message}");
    daemon.manager().wait_for("takes and delivers events");
    daemon.manager().wait_for("READY=1");
}

#[test]
fn one_daemon_works_in_a_state_folder() {
    let notify = pushing_to("http://127.0.0.1:9");
    let daemon = Daemon::start(&notify);
    let run = notify.run_daemon().expect_code(75);
    assert!(
        run.stderr.contains(&format!("process {}", daemon.pid())),
        "{run:?}"
    );
    assert_eq!(daemon.stop(), 0);
    let again = Daemon::start(&notify);
    assert_eq!(again.stop(), 0);
}

#[test]
fn it_ends_when_what_is_under_way_has_ended() {
    let gate = Gate::closed();
    let answer = Answer::RespondAfter(gate.clone(), Response::json(200, &json!({ "id": 1 })));
    let server = http::Server::scripted([answer]);
    let notify = pushing_to(&server.url());
    let daemon = Daemon::start(&notify);
    let id = accepted(&send(&notify, &[]).expect_code(0));
    server.wait_for_blocking(1, soon());
    daemon.signal("TERM");
    daemon.manager().wait_for("STOPPING=1");
    // Now nobody listens, and the spool takes what comes.
    until("the door is closed", || {
        let run = send(&notify, &[]).expect_code(0);
        run.stderr.contains("does not answer")
    });
    gate.open();
    assert_eq!(daemon.wait(), 0);
    let delivery = &state_of(&notify, &id)["deliveries"][0];
    assert_eq!(delivery["state"], "delivered");
    assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn with_the_daemon_down_the_spool_takes_it() {
    let server = server();
    let notify = pushing_to(&server.url());
    assert_eq!(Daemon::start(&notify).stop(), 0);
    let run = send(&notify, &[]).expect_code(0);
    let id = accepted(&run);
    assert!(run.stderr.contains("the daemon does not answer"), "{run:?}");
    assert_eq!(server.messages().len(), 0);
    // Past it only when that is asked for.
    let direct = send(&notify, &["--direct", "--json"]).expect_code(0).json();
    assert_eq!(direct["targets"][0]["state"], "delivered");
    let _daemon = Daemon::start(&notify);
    let arrived = server.wait_for_blocking(2, soon());
    assert_eq!(keys(&arrived)[1], format!("{id}.push"));
}

#[test]
fn who_may_not_write_the_spool_is_told_what_to_do() {
    let server = server();
    let notify = pushing_to(&server.url());
    assert_eq!(Daemon::start(&notify).stop(), 0);
    let nobody = Nobody::new();
    let words = ["send", "--title", "A title"];
    let run = nobody.run_with(&notify, &words, b"").expect_code(75);
    assert!(run.stderr.contains("may not write its spool"), "{run:?}");
    assert!(run.stderr.contains("systemctl start notify"), "{run:?}");
    let _daemon = Daemon::start(&notify);
    let run = nobody.run_with(&notify, &words, b"").expect_code(75);
    assert!(run.stderr.contains("intake-allow"), "{run:?}");
    assert_eq!(server.messages().len(), 0);
}

#[test]
fn who_is_named_may_send_without_reading_the_configuration() {
    let server = server();
    let notify = pushing_to(&server.url());
    let settings = format!("{HASTY}\tintake-allow root,own,65534\n");
    let notify = notify
        .file("notify.cfg", settings)
        .mode("notifications.cfg", 0o600);
    let _daemon = Daemon::start(&notify);
    let nobody = Nobody::new();
    let run = nobody.run_with(&notify, &["send", "--title", "A title", "--wait=60"], b"");
    let run = run.expect_code(0);
    let id = accepted(&run);
    assert_eq!(keys(&server.messages()), [format!("{id}.push")]);
}

#[test]
fn a_user_who_is_named_later_may_send_then() {
    let server = server();
    let notify = pushing_to(&server.url());
    let daemon = Daemon::start(&notify);
    let nobody = Nobody::new();
    let words = ["send", "--title", "A title"];
    let _ = nobody.run_with(&notify, &words, b"").expect_code(75);
    let settings = format!("{HASTY}\tintake-allow root,own,nobody\n");
    let notify = notify.file("notify.cfg", settings);
    daemon.manager().wait_for("RELOADING=1");
    daemon.manager().wait_for("takes and delivers events");
    let run = nobody.run_with(&notify, &words, b"").expect_code(0);
    let id = accepted(&run);
    let arrived = server.wait_for_blocking(1, soon());
    assert_eq!(keys(&arrived), [format!("{id}.push")]);
}

/// What a web server answers to a GET.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is read");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    answer
}

/// Where metrics are served: the last of so many places that the log names.
fn serves_at(notify: &Notify, places: usize) -> String {
    let said = || {
        let log = notify.daemon_log();
        let lines = log.lines().filter(|line| line.contains("are served "));
        let place = |line: &str| Some(line.split_once("address=")?.1.to_owned());
        lines.filter_map(place).collect::<Vec<_>>()
    };
    until("it says where", || said().len() == places);
    said().swap_remove(places - 1)
}

#[test]
fn health_and_metrics_are_served() {
    let server = server();
    let settings = format!("{HASTY}\tmetrics-listen 127.0.0.1:0\n");
    let notify = pushing_to(&server.url()).file("notify.cfg", settings);
    let daemon = Daemon::start(&notify);
    let address = &serves_at(&notify, 1);
    assert!(get(address, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(get(address, "/readyz").starts_with("HTTP/1.1 200"));
    let _ = send(&notify, &["--wait=60"]).expect_code(0);
    let metrics = get(address, "/metrics");
    assert!(metrics.contains("target=\"push\""), "{metrics}");
    // A configuration that is lost is told to whoever looks.
    fs::remove_file(notify.config().join("notifications.cfg")).expect("it is there");
    daemon.manager().wait_for("the last good configuration");
    let ready = get(address, "/readyz");
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    assert!(ready.contains("notifications.cfg is gone"), "{ready}");
}

/// SQLite would go on writing into a file that nobody can open any more.
#[test]
fn a_spool_that_is_taken_away_takes_nothing_more() {
    let server = server();
    let settings = format!("{HASTY}\tmetrics-listen 127.0.0.1:0\n");
    let notify = pushing_to(&server.url()).file("notify.cfg", settings);
    let _daemon = Daemon::start(&notify);
    let address = serves_at(&notify, 1);
    let _ = send(&notify, &["--wait=60"]).expect_code(0);
    let (spool, aside) = (notify.state().join("spool"), notify.state().join("aside"));
    fs::rename(&spool, &aside).expect("it is there");
    let refused = send(&notify, &[]).expect_code(75);
    assert!(
        refused.stderr.contains("removed or replaced"),
        "{refused:?}"
    );
    until("the log says it", || {
        notify.daemon_log().contains("the spool fails")
    });
    let ready = get(&address, "/readyz");
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    assert!(ready.contains("removed or replaced"), "{ready}");
    // It is the same one when it is back, and everything goes on.
    fs::rename(&aside, &spool).expect("moved back");
    let _ = send(&notify, &["--wait=60"]).expect_code(0);
    assert!(get(&address, "/readyz").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_daemon_of_another_configuration_is_not_asked() {
    let (ours, other) = (server(), server());
    let notify = pushing_to(&ours.url());
    let elsewhere = pushing_to(&other.url());
    let _daemon = Daemon::start(&notify);
    let folder = elsewhere.config();
    let words = [
        "--config-dir",
        folder.to_str().expect("a path"),
        "send",
        "--title",
        "A title",
        "--json",
    ];
    let answer = notify.run(&words).expect_code(0).json();
    assert_eq!(answer["targets"][0]["state"], "delivered");
    assert_eq!((ours.messages().len(), other.messages().len()), (0, 1));
}

#[test]
fn kinds_of_events_and_reports_of_backups_are_handed_over() {
    let server = server();
    let notify = pushing_to(&server.url());
    let _daemon = Daemon::start(&notify);
    let example = notify
        .run(&["event", "fencing", "--example"])
        .expect_code(0)
        .stdout;
    let run = notify.run_with(&["event", "fencing", "--data", "-"], example.as_bytes());
    let fencing = accepted(&run.expect_code(0));
    let example = notify
        .run(&["event", "vzdump", "--example"])
        .expect_code(0)
        .stdout;
    let words = ["backup-report", "--data", "-", "--json"];
    let answer = notify
        .run_with(&words, example.as_bytes())
        .expect_code(0)
        .json();
    assert_eq!(answer["report"]["durable"], true);
    let vzdump = answer["report"]["id"].as_str().expect("an id").to_owned();
    let mut arrived = keys(&server.wait_for_blocking(2, soon()));
    arrived.sort();
    let mut expected = [format!("{fencing}.push"), format!("{vzdump}.push")];
    expected.sort();
    assert_eq!(arrived, expected);
}

#[test]
fn a_report_of_the_old_way_is_handed_over() {
    let notify = pushing_to("http://127.0.0.1:9");
    let sendmail = Sendmail::taking();
    let notify = sendmail.installed(notify);
    let _daemon = Daemon::start(&notify);
    let example = notify
        .run(&["event", "vzdump", "--example"])
        .expect_code(0)
        .stdout;
    let words = [
        "backup-report",
        "--data",
        "-",
        "--mailto",
        "ops@example.com",
        "--mode",
        "legacy-sendmail",
        "--wait=60",
        "--json",
    ];
    let answer = notify
        .run_with(&words, example.as_bytes())
        .expect_code(0)
        .json();
    assert_eq!(answer["report"]["targets"][0]["state"], "delivered");
    let calls = sendmail.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].recipients(), ["ops@example.com"]);
}

const MAIL: &[u8] = b"From: root@localhost\nTo: root@localhost\nSubject: from cron\n\nthe text\n";

#[test]
fn a_mail_for_root_is_handed_over() {
    let server = server();
    let notify = pushing_to(&server.url());
    let _daemon = Daemon::start(&notify);
    let run = notify.run_with(&["forward-mail"], MAIL).expect_code(0);
    let id = accepted(&run);
    let arrived = server.wait_for_blocking(1, soon());
    assert_eq!(keys(&arrived), [format!("{id}.push")]);
    assert_eq!(arrived[0].title, "from cron");
}

/// Makes the mail drop, and leaves a mail there.
fn leave(notify: &Notify, nobody: &Nobody) {
    let home = notify.scratch().join("home");
    fs::create_dir_all(&home).expect("a folder");
    let words = [
        "forward-mail",
        "--install",
        "--home",
        home.to_str().expect("a path"),
    ];
    let _ = nobody.run_as_root(notify, &words).expect_code(0);
    let run = nobody.run_with(notify, &["forward-mail"], MAIL);
    let _ = run.expect_code(0);
}

fn mails_left(notify: &Notify) -> usize {
    let count = |folder: &str, end: &str| {
        let entries = fs::read_dir(notify.state().join(folder))
            .into_iter()
            .flatten();
        let names = entries.flatten().map(|entry| entry.file_name());
        names
            .filter(|name| name.to_string_lossy().contains(end))
            .count()
    };
    count("incoming", "mail.") + count("mail", ".mail")
}

#[test]
fn the_drop_is_emptied_by_the_daemon() {
    let server = server();
    let notify = pushing_to(&server.url());
    let nobody = Nobody::new();
    leave(&notify, &nobody);
    assert_eq!(mails_left(&notify), 1);
    // What lies there when it starts, and what comes later.
    let _daemon = Daemon::start(&notify);
    server.wait_for_blocking(1, soon());
    leave(&notify, &nobody);
    let arrived = server.wait_for_blocking(2, soon());
    assert_eq!(arrived.len(), 2);
    until("no mail is left", || mails_left(&notify) == 0);
}

#[test]
fn it_ends_although_many_mails_wait() {
    let server = server();
    let notify = pushing_to(&server.url());
    let queue = notify.state().join("mail");
    fs::create_dir_all(&queue).expect("a folder");
    for number in 0..999 {
        let name = format!("018ce800-3680-7000-8000-{number:012x}.mail");
        fs::write(queue.join(name), MAIL).expect("a file");
    }
    assert_eq!(Daemon::start(&notify).stop(), 0);
    assert!(mails_left(&notify) > 0, "it took them all before it ended");
}

/// An instance whose state folder is nobody's, and where a daemon was.
fn of_nobody(url: &str) -> Notify {
    let notify = pushing_to(url);
    assert_eq!(Daemon::start(&notify).stop(), 0);
    let given = Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(notify.state())
        .status();
    assert!(given.is_ok_and(|status| status.success()), "root may");
    notify
}

#[test]
fn what_root_makes_in_the_state_folder_of_another_user_is_that_users() {
    use std::os::unix::fs::MetadataExt as _;
    let server = server();
    let notify = of_nobody(&server.url());
    // As an earlier version left it.
    let folder = notify.state().join("mail");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("lock"), "").expect("a file");
    let good = notify.read("notifications.cfg");
    let faulty = good.replace("matcher: all\n", "matcher: all\n\tmatch-field bogus\n");
    let notify = notify.file("notifications.cfg", faulty);
    let run = notify.run_with(&["forward-mail"], MAIL).expect_code(0);
    assert!(run.stderr.contains("is kept"), "{run:?}");
    let _ = notify.run(&["forward-mail", "--drain"]).expect_code(75);
    let mut names = vec![folder.clone()];
    let entries = fs::read_dir(&folder).expect("a folder").flatten();
    names.extend(entries.map(|entry| entry.path()));
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        let found = fs::metadata(&name).expect("it is there");
        assert_eq!((found.uid(), found.gid()), (65534, 65534), "{name:?}");
    }
}

#[test]
fn root_follows_no_link_of_the_owner_of_the_state_folder() {
    let server = server();
    let notify = of_nobody(&server.url());
    let own = fs::read_to_string(notify.state().join("instance")).expect("an id");
    leave(&notify, &Nobody::new());
    let victim = notify.scratch().join("victim");
    fs::write(&victim, "precious").expect("a file");
    for name in ["dead-loops.warned", "dead-loops.log"] {
        std::os::unix::fs::symlink(&victim, notify.state().join(name)).expect("a link");
        let mail = format!("X-Notify-Loop: {own}Subject: again\n\nx\n");
        let nobody = Nobody::new();
        let _ = nobody
            .run_with(&notify, &["forward-mail"], mail.as_bytes())
            .expect_code(0);
        let run = notify.run(&["forward-mail", "--drain"]);
        assert!(run.stderr.contains("cannot write"), "{run:?}");
        assert_eq!(fs::read_to_string(&victim).expect("a file"), "precious");
        fs::remove_file(notify.state().join(name)).expect("removed");
    }
}

#[test]
fn a_drain_brings_mails_to_the_daemon_and_sends_none_itself() {
    let server = server();
    let notify = pushing_to(&server.url());
    assert_eq!(Daemon::start(&notify).stop(), 0);
    leave(&notify, &Nobody::new());
    let answer = notify
        .run(&["forward-mail", "--drain", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(
        (&answer["accepted"], &answer["done"]),
        (&json!(1), &json!(0))
    );
    let id = answer["mails"][0]["id"].as_str().expect("an id");
    assert_eq!((server.messages().len(), mails_left(&notify)), (0, 0));
    let _daemon = Daemon::start(&notify);
    let arrived = server.wait_for_blocking(1, soon());
    assert_eq!(keys(&arrived), [format!("{id}.push")]);
}

#[test]
fn a_mail_that_no_matcher_chose_for_waits_until_the_faulty_one_is_mended() {
    let server = server();
    let notify = pushing_to(&server.url());
    let good = notify.read("notifications.cfg");
    let faulty = good.replace("matcher: all\n", "matcher: all\n\tmatch-field bogus\n");
    let notify = notify.file("notifications.cfg", faulty);
    let _daemon = Daemon::start(&notify);
    let run = notify.run_with(&["forward-mail"], MAIL).expect_code(0);
    assert!(run.stderr.contains("is kept"), "{run:?}");
    assert_eq!(mails_left(&notify), 1);
    let notify = notify.file("notifications.cfg", good);
    until("the mail arrives", || {
        server
            .messages()
            .iter()
            .any(|message| message.title == "from cron")
    });
    until("no mail is left", || mails_left(&notify) == 0);
}

/// Sends while the only matcher is faulty, mends it, and looks that the event arrives then.
#[track_caller]
fn waits_for_a_matcher(daemon_is_up: bool) {
    let server = server();
    let notify = pushing_to(&server.url());
    let good = notify.read("notifications.cfg");
    let daemon = Daemon::start(&notify);
    let _id = accepted(&send(&notify, &["--wait=60"]).expect_code(0));
    assert_eq!(server.messages().len(), 1);
    assert_eq!(daemon.stop(), 0);
    let faulty = good.replace("matcher: all\n", "matcher: all\n\tmatch-field bogus\n");
    let notify = notify.file("notifications.cfg", faulty);
    let daemon = daemon_is_up.then(|| Daemon::start(&notify));
    let run = notify
        .run(&["send", "--title", "Lost?", "--json"])
        .expect_code(0);
    let said = "no target was chosen for";
    assert!(
        run.stderr.contains(said) && run.stderr.contains("matcher `all`"),
        "{run:?}"
    );
    let answer = run.json();
    assert_eq!(answer["targets"][0]["name"], "@undecided");
    assert_eq!(answer["targets"][0]["state"], "pending");
    assert_eq!(answer["targets"][0]["error"]["kind"], "misconfigured");
    let id = answer["id"].as_str().expect("an id").to_owned();
    if daemon_is_up {
        until("the matchers are asked", || {
            let attempts = &state_of(&notify, &id)["deliveries"][0]["attempts"];
            attempts.as_array().is_some_and(|all| !all.is_empty())
        });
    }
    let notify = notify.file("notifications.cfg", good);
    let daemon = daemon.unwrap_or_else(|| Daemon::start(&notify));
    until("it arrives", || {
        server
            .messages()
            .iter()
            .any(|message| message.title == "Lost?")
    });
    until("it is recorded", || {
        state_of(&notify, &id)["deliveries"][0]["state"] == "delivered"
    });
    let explained = notify.run(&["explain", &id]).expect_code(0);
    assert!(explained.stdout.contains("@undecided"), "{explained:?}");
    assert_eq!(daemon.stop(), 0);
    let _ = notify.run(&["audit"]).expect_code(0);
}

#[test]
fn an_event_that_no_matcher_chose_for_waits_until_the_faulty_one_is_mended() {
    waits_for_a_matcher(true);
}

#[test]
fn so_does_one_that_is_put_into_the_spool() {
    waits_for_a_matcher(false);
}

#[test]
fn what_a_start_left_that_failed_is_no_spool() {
    let server = server();
    let notify = pushing_to(&server.url());
    let spool = notify.state().join("spool");
    fs::create_dir_all(&spool).expect("a folder");
    fs::write(spool.join("spool.db"), "").expect("a file");
    let answer = send(&notify, &["--json"]).expect_code(0).json();
    assert_eq!(answer["targets"][0]["state"], "delivered");
    assert_eq!(answer.get("durable"), None);
    let _ = notify.run_with(&["forward-mail"], MAIL).expect_code(0);
    assert_eq!(server.messages().len(), 2);
    let _ = notify.run(&["forward-mail", "--drain"]).expect_code(0);
}

#[test]
fn a_spool_of_another_program_is_called_that() {
    let server = server();
    let notify = pushing_to(&server.url());
    assert_eq!(Daemon::start(&notify).stop(), 0);
    let database = notify.state().join("spool/spool.db");
    // The mark of the program that a database is of.
    let mut bytes = fs::read(&database).expect("a database");
    bytes[68..72].copy_from_slice(b"else");
    fs::write(&database, bytes).expect("a file");
    let run = send(&notify, &[]).expect_code(75);
    assert!(
        run.stderr.contains("the database of another program"),
        "{run:?}"
    );
    assert!(!run.stderr.contains("may not"), "{run:?}");
    assert!(run.stderr.contains("move it away"), "{run:?}");
}

#[test]
fn a_socket_that_a_service_manager_listens_on_is_taken_over() {
    let server = server();
    let notify = pushing_to(&server.url());
    let path = notify.scratch().join("activated.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let own = notify.command(&["daemon", "--log-format=text"]);
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\"",
        ])
        .arg(own.get_program())
        .args(own.get_args())
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)));
    for (name, value) in own.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let daemon = Daemon::spawn(&notify, command);
    // The lock says where it listens.
    let id = accepted(&send(&notify, &[]).expect_code(0));
    assert_eq!(
        keys(&server.wait_for_blocking(1, soon())),
        [format!("{id}.push")]
    );
    assert_eq!(daemon.stop(), 0);
    assert!(path.exists(), "it is not ours to remove");
}

#[test]
fn secrets_come_from_the_service_manager() {
    let server = server();
    let notify = pushing_to(&server.url());
    fs::remove_dir_all(notify.config().join("priv")).expect("it was there");
    let credentials = notify.scratch().join("credentials");
    fs::create_dir(&credentials).expect("a folder");
    fs::write(credentials.join("notifications.cfg"), token("push", TOKEN)).expect("a file");
    let mut command = notify.command(&["daemon", "--log-format=text"]);
    command.env("CREDENTIALS_DIRECTORY", &credentials);
    let _daemon = Daemon::spawn(&notify, command);
    let answer = send(&notify, &["--wait=60", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(answer["targets"][0]["state"], "delivered");
}

#[test]
fn the_service_manager_hears_its_heart() {
    let notify = pushing_to("http://127.0.0.1:9");
    let mut command = notify.command(&["daemon", "--log-format=text"]);
    command.env("WATCHDOG_USEC", "200000");
    let daemon = Daemon::spawn(&notify, command);
    daemon.manager().wait_for("WATCHDOG=1");
    daemon.manager().wait_for("WATCHDOG=1");
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_configuration_that_cannot_be_read_stops_it_at_the_start() {
    let notify = Notify::new();
    fs::create_dir(notify.config().join("notifications.cfg")).expect("a folder");
    let run = notify.run_daemon().expect_code(2);
    assert!(run.stderr.contains("cannot read"), "{run:?}");
}
