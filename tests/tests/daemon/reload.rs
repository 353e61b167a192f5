//! What the daemon says and does when its configuration is not as it should be, or changes.

use std::fs;

use notify_tests::Daemon;
use notify_tests::sections::{all_to, gotify as gotify_section};

use super::{pushing_to, server, soon, until};

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
