//! The daemon is killed again and again, and nothing that was accepted is lost.
//!
//! `docs/concepts/chaos.md` says what is done and which laws are checked;
//! `cargo xtask chaos --kills 500` is the long run.

use std::process::Command;

use notify_tests::Run;

fn harness(arguments: &str) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaos-harness"));
    command.args(arguments.split(' '));
    Run::of(command, b"")
}

#[test]
fn thirty_kills_lose_nothing() {
    let run = harness("--kills 30 --seed 1").expect_code(0);
    assert!(run.stdout.contains("every law holds"), "{}", run.stdout);
    for what in [
        "accepted by the daemon",
        "put into the spool",
        "left in the mail drop",
    ] {
        let mut lines = run.stdout.lines();
        let line = lines.find(|line| line.contains(what)).unwrap_or_default();
        let count = line.split_whitespace().next();
        assert!(count.is_some_and(|count| count != "0"), "{what}: {line}");
    }
    // What the run has shown belongs into the log of the tests.
    println!("{}", run.stdout);
}

#[test]
fn a_spool_that_answers_before_its_commit_is_found_out() {
    let attack = |fault: &str| harness(&format!("--kills 3 --seed 1 --break {fault}"));
    let run = attack("answer-before-commit").expect_code(1);
    assert!(run.stdout.contains("BROKEN lost"), "{}", run.stdout);
    // The same kills of one that does not.
    let run = attack("nothing").expect_code(0);
    assert!(run.stdout.contains("every law holds"), "{}", run.stdout);
}
