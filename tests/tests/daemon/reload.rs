//! What the daemon says and does when its configuration is not as it should be, or changes.

use std::fs;
use std::net::{TcpListener, TcpStream};

use notify_tests::sections::{all_to, gotify as gotify_section};
use notify_tests::{Daemon, Notify};

use super::{HASTY, MAIL, accepted, get, keys, pushing_to, send, server, serves_at, soon, until};

#[test]
fn a_matcher_that_names_a_missing_target_is_reported_once() {
    let server = server();
    let push = gotify_section("push", &server.url());
    let notify = pushing_to(&server.url()).routing(&(push.clone() + &all_to(&["push", "gone"])));
    let daemon = Daemon::start(&notify);
    let arrived = server.wait_for_blocking(1, soon());
    assert!(arrived[0].title.contains("configuration"), "{arrived:?}");
    let said = &arrived[0].message;
    assert!(said.contains("there is no target `gone`"), "{said}");
    // What a reload finds is new, and within the hour.
    let notify = notify.routing(&(push + &all_to(&["push", "gone", "lost"])));
    daemon.manager().wait_for("takes and delivers events");
    until("the log has it", || {
        notify.daemon_log().contains("there is no target `lost`")
    });
    until("no target changed", || {
        let log = notify.daemon_log();
        log.contains("configuration replaced targets=0 tried_again=1")
    });
    // The report goes to the missing target, too, and makes no other.
    assert_eq!(server.messages().len(), 1);
    drop(daemon);
    // Nor does a start within the hour.
    let daemon = Daemon::start(&notify);
    until("it is kept back", || {
        let log = notify.daemon_log();
        log.matches("there is no target `gone`").count() >= 2
    });
    assert_eq!(daemon.stop(), 0);
    assert_eq!(server.messages().len(), 1);
    let log = fs::read_to_string(notify.scratch().join("daemon.log")).expect("a log");
    assert!(log.contains("kept back within the hour"), "{log}");
}

fn listening_at(address: &str) -> String {
    format!("{HASTY}\tmetrics-listen {address}\n")
}

/// Changes the settings, and waits until they are in force.
fn reload(notify: Notify, daemon: &Daemon, settings: &str) -> Notify {
    let notify = notify.file("notify.cfg", settings);
    daemon.manager().wait_for("RELOADING=1");
    daemon.manager().wait_for("takes and delivers events");
    notify
}

#[test]
fn metrics_move_with_the_settings() {
    let server = server();
    let notify = pushing_to(&server.url()).file("notify.cfg", listening_at("127.0.0.1:0"));
    let daemon = Daemon::start(&notify);
    let first = serves_at(&notify, 1);
    let notify = reload(notify, &daemon, &listening_at("127.0.0.2:0"));
    let second = serves_at(&notify, 2);
    assert!(second.starts_with("127.0.0.2:"), "{second}");
    assert!(get(&second, "/healthz").starts_with("HTTP/1.1 200"));
    until("the old place is left", || {
        TcpStream::connect(&first).is_err()
    });
    // One that is taken is told, and nothing is lost.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let notify = reload(notify, &daemon, &listening_at(&address));
    let arrived = server.wait_for_blocking(1, soon());
    let said = &arrived[0].message;
    assert!(
        said.contains(&format!("cannot listen at {address}")),
        "{said}"
    );
    assert!(said.contains(&format!("served at {second}")), "{said}");
    assert!(get(&second, "/healthz").starts_with("HTTP/1.1 200"));
    // It is tried again at the next change.
    drop(taken);
    let again = listening_at(&address) + "\tintake-rate 7\n";
    let notify = reload(notify, &daemon, &again);
    assert_eq!(serves_at(&notify, 3), address);
    let _notify = reload(notify, &daemon, HASTY);
    until("nothing is served", || {
        TcpStream::connect(&address).is_err()
    });
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_configuration_folder_that_is_away_hinders_no_hand_over() {
    let server = server();
    let notify = pushing_to(&server.url());
    let daemon = Daemon::start(&notify);
    let away = notify.scratch().join("away");
    fs::rename(notify.config(), &away).expect("moved");
    daemon
        .manager()
        .wait_for("the last good configuration stays in force");
    let told = server.wait_for_blocking(1, soon());
    let mut expected = keys(&told);
    expected.push(format!(
        "{}.push",
        accepted(&send(&notify, &[]).expect_code(0))
    ));
    for kind in ["fencing", "vzdump"] {
        let example = notify.run(&["event", kind, "--example"]).expect_code(0);
        let words: &[&str] = match kind {
            "vzdump" => &["backup-report", "--data", "-"],
            _ => &["event", kind, "--data", "-"],
        };
        let run = notify.run_with(words, example.stdout.as_bytes());
        expected.push(format!("{}.push", accepted(&run.expect_code(0))));
    }
    let run = notify.run_with(&["forward-mail"], MAIL).expect_code(0);
    expected.push(format!("{}.push", accepted(&run)));
    let mut arrived = keys(&server.wait_for_blocking(5, soon()));
    arrived.sort();
    expected.sort();
    assert_eq!(arrived, expected);
    // Past the daemon and without it nobody knows to whom.
    let run = send(&notify, &["--direct"]).expect_code(2);
    assert!(run.stderr.contains("is not there"), "{run:?}");
    assert_eq!(daemon.stop(), 0);
    let run = send(&notify, &[]).expect_code(2);
    assert!(run.stderr.contains("is not there"), "{run:?}");
    assert_eq!(server.messages().len(), 5);
    fs::rename(&away, notify.config()).expect("moved");
    let _ = send(&notify, &[]).expect_code(0);
}
