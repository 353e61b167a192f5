//! The demonstration: what is promised arrives, and the receivers stay up when asked to.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use notify_tests::{Notify, program};

#[test]
fn every_expected_message_arrives() {
    let run = Notify::new().run(&["demo", "--once"]).expect_code(0);
    for line in [
        "arrived  admin <- smtp: Trying to fence node 'pve2' [to max@localhost, root@localhost, admin@localhost]",
        "arrived  backup-admins <- sendmail: vzdump backup status (pve1.example.com): backup failed",
        "arrived  on-call-admins <- gotify: Trying to fence node 'pve2' [priority 9]",
        "is down  admin: ",
        "attempt 2 comes by itself",
        "every expected message arrived, and no other",
    ] {
        assert!(run.stdout.contains(line), "{line}\n{}", run.stdout);
    }
    assert_eq!(run.stderr, "");
}

#[test]
fn the_receivers_stay_up_until_they_are_stopped() {
    let notify = Notify::new();
    let mut demo = notify
        .command(&["demo"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the demonstration starts");
    let mut lines = BufReader::new(demo.stdout.take().expect("a pipe")).lines();
    let mut line_with = |word: &str| loop {
        let line = lines.next().expect("more output").expect("text");
        if line.contains(word) {
            return line;
        }
    };
    let shown = line_with("notify send");
    let variables = shown
        .split_whitespace()
        .take_while(|word| word.contains('='))
        .map(|word| word.split_once('=').expect("NAME=VALUE"));
    let sent = Command::new(program())
        .args([
            "send",
            "--severity",
            "error",
            "--type",
            "vzdump",
            "--title",
            "From outside",
        ])
        .envs(variables)
        .output()
        .expect("the program runs");
    assert!(
        sent.status.success(),
        "{}",
        String::from_utf8_lossy(&sent.stderr)
    );
    let _ = line_with("arrived  sendmail: From outside");
    let stopped = Command::new("kill")
        .args(["-INT", &demo.id().to_string()])
        .status();
    assert!(stopped.expect("kill runs").success());
    assert!(demo.wait().expect("it ends").success());
}
