//! `notify forward-mail` killed at any moment: what was acknowledged arrives, and arrives whole.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use notify_testkit::gotify;
use notify_tests::{Nobody, Notify};

const TOKEN: &str = "A.token";

fn instance(server: &gotify::Server) -> Notify {
    Notify::new()
        .file(
            "notifications.cfg",
            format!(
                "gotify: push\n\tserver {}\n\nmatcher: default-matcher\n\ttarget push\n",
                server.url()
            ),
        )
        .file(
            "priv/notifications.cfg",
            format!("gotify: push\n\ttoken {TOKEN}\n"),
        )
}

fn with_drop() -> (gotify::Server, Notify, Nobody) {
    let server = gotify::Server::start(gotify::Options::token(TOKEN));
    let notify = instance(&server);
    let home = notify.scratch().to_str().expect("UTF-8").to_owned();
    let _ = notify
        .run(&["forward-mail", "--install", "--home", &home])
        .expect_code(0);
    (server, notify, Nobody::new())
}

/// A mail that shows whether all of it is there. It fits into a pipe.
fn mail(number: usize) -> Vec<u8> {
    let line = format!("{number:078}\n").repeat(400);
    format!("Subject: mail {number}\n\n{line}end of {number}\n").into_bytes()
}

/// Runs a command and kills it after a while. Whether it had ended well by then.
fn killed_after(mut command: Command, input: &[u8], delay: Duration) -> bool {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input).expect("it fits into the pipe");
    drop(stdin);
    let start = Instant::now();
    // Which moment it hits does not matter: over all runs they are spread over the whole of it.
    while start.elapsed() < delay {
        std::hint::spin_loop();
    }
    let _ = child.kill();
    child.wait().expect("it ends").success()
}

/// How long something takes when it is left alone.
fn time_of(once: impl FnOnce()) -> Duration {
    let start = Instant::now();
    once();
    start.elapsed()
}

/// How often each mail arrived. Each is whole.
#[track_caller]
fn arrivals(server: &gotify::Server) -> BTreeMap<String, usize> {
    let mut arrived = BTreeMap::new();
    for message in server.messages() {
        let number = message
            .title
            .strip_prefix("mail ")
            .expect("one of these mails");
        assert!(
            message
                .message
                .trim_end_matches('`')
                .trim_end()
                .ends_with(&format!("end of {number}")),
            "half of {} arrived",
            message.title
        );
        *arrived.entry(message.title).or_default() += 1;
    }
    arrived
}

#[test]
fn a_forwarder_loses_no_mail_that_it_acknowledged() {
    const RUNS: usize = 100;
    let (server, notify, nobody) = with_drop();
    let whole = time_of(|| {
        let run = nobody.run_with(&notify, &["forward-mail"], &mail(0));
        let _ = run.expect_code(0);
    });
    let mut acknowledged = vec!["mail 0".to_owned()];
    for number in 1..RUNS {
        let moment = whole.mul_f64(2.5 * number as f64 / RUNS as f64);
        let command = nobody.command(&notify, &["forward-mail"]);
        if killed_after(command, &mail(number), moment) {
            acknowledged.push(format!("mail {number}"));
        }
    }
    assert!(acknowledged.len() < RUNS, "some were killed");
    let _ = notify.run(&["forward-mail", "--drain"]).expect_code(0);
    let arrived = arrivals(&server);
    for title in &acknowledged {
        assert_eq!(arrived.get(title), Some(&1), "{title}");
    }
    assert!(arrived.values().all(|count| *count == 1), "{arrived:?}");
}

#[test]
fn a_drain_loses_no_mail() {
    const MAILS: usize = 16;
    const KILLS: usize = 20;
    let (server, notify, nobody) = with_drop();
    let leave = |numbers: std::ops::Range<usize>| {
        for number in numbers {
            let run = nobody.run_with(&notify, &["forward-mail"], &mail(number));
            let _ = run.expect_code(0);
        }
    };
    leave(0..MAILS);
    let whole = time_of(|| {
        let _ = notify.run(&["forward-mail", "--drain"]).expect_code(0);
    });
    assert_eq!(arrivals(&server).len(), MAILS);
    leave(MAILS..2 * MAILS);
    let mut killed = 0;
    for number in 0..KILLS {
        let moment = whole.mul_f64(number as f64 / KILLS as f64);
        let done = killed_after(notify.command(&["forward-mail", "--drain"]), b"", moment);
        killed += usize::from(!done);
    }
    assert!(killed > 0);
    let _ = notify.run(&["forward-mail", "--drain"]).expect_code(0);
    let arrived = arrivals(&server);
    assert_eq!(arrived.len(), 2 * MAILS, "every mail arrived");
    // A kill between the arrival and the note of it costs a second copy, at most one each.
    let doubled: usize = arrived.values().map(|count| count - 1).sum();
    assert!(
        doubled <= killed,
        "{doubled} second copies of {killed} kills"
    );
    // A kill between a mail and its place leaves the place, which a drain clears two minutes later.
    let rest = std::fs::read_dir(notify.scratch().join("state/incoming")).expect("the drop");
    let names = rest.map(|file| file.expect("listed").file_name());
    let rest: Vec<_> = names
        .filter(|name| !name.as_encoded_bytes().starts_with(b"slot."))
        .collect();
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn a_mail_that_root_sends_at_once_is_not_acknowledged_before_it_arrived() {
    const RUNS: usize = 60;
    let (server, notify, _) = with_drop();
    let whole = time_of(|| {
        let _ = notify.run_with(&["forward-mail"], &mail(0)).expect_code(0);
    });
    let mut acknowledged = 1;
    for number in 1..RUNS {
        let moment = whole.mul_f64(2.5 * number as f64 / RUNS as f64);
        let done = killed_after(notify.command(&["forward-mail"]), &mail(number), moment);
        if done {
            acknowledged += 1;
            assert!(
                arrivals(&server).contains_key(&format!("mail {number}")),
                "mail {number}"
            );
        }
    }
    assert!(
        (2..RUNS).contains(&acknowledged),
        "{acknowledged} of {RUNS}"
    );
}
