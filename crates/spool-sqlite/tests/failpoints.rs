//! A process that ends around a commit: what was answered is there, and the tests can tell.

mod given;

use std::process::Command;

use given::{Place, entry};
use notify_core::{OpenFor, SpoolPlace, failpoint};
use notify_testkit::spool::{Subject, Work, survives_kill, work_until_killed};
use spool_sqlite::SQLITE;

const FOLDER: &str = "NOTIFY_TEST_FOLDER";
const POINT: &str = "NOTIFY_TEST_POINT";

/// Puts one event in a process that ends at the point, and tells what it had been answered.
#[tokio::test]
async fn a_process_that_ends() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let place = SpoolPlace {
        folder: folder.into(),
        purpose: OpenFor::Work,
    };
    let spool = (SQLITE.open)(&place).expect("a spool");
    failpoint::set_hook(|name| {
        if std::env::var(POINT).is_ok_and(|point| point == name) {
            // The answer is on its way when it was given before; it gets a moment.
            std::thread::park_timeout(std::time::Duration::from_millis(300));
            std::process::abort();
        }
    });
    let put = spool.spool.put(entry(1, &["mail"])).await;
    println!("answered {put:?}");
}

/// Whether the put was answered, and whether it is there.
async fn ended_at(point: &str, break_it: bool) -> (bool, bool) {
    let place = Place::new();
    drop(place.work());
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", "a_process_that_ends", "--nocapture"])
        .env(FOLDER, place.folder())
        .env(POINT, point);
    if break_it {
        command.env("NOTIFY_BREAK", "answer-before-commit");
    }
    let ran = command.output().expect("it runs");
    assert!(!ran.status.success(), "it was to end: {ran:?}");
    let answered = String::from_utf8_lossy(&ran.stdout).contains("answered Ok");
    let spool = place.work();
    let counts = spool.spool.counts().await.expect("counts");
    assert_eq!(spool.upkeep.verify(&|_| {}).await.expect("verified"), []);
    (answered, counts.accepted == 1)
}

#[tokio::test]
async fn before_the_commit_nothing_is_answered_and_nothing_is_there() {
    assert_eq!(ended_at("before-commit", false).await, (false, false));
}

#[tokio::test]
async fn after_the_commit_it_is_there_though_nobody_was_told() {
    assert_eq!(ended_at("after-commit", false).await, (false, true));
}

/// The same look at a spool that answers before it commits sees the loss.
#[tokio::test]
async fn an_answer_before_the_commit_is_found_out() {
    assert_eq!(ended_at("before-commit", true).await, (true, false));
}

/// Works until it is killed. Each commit takes a while, as on a slow disk, so that a kill comes
/// before one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_is_killed() {
    let Some(work) = Work::given() else {
        return;
    };
    failpoint::set_hook(|name| {
        if name == "before-commit" {
            std::thread::park_timeout(std::time::Duration::from_millis(5));
        }
    });
    let place = SpoolPlace {
        folder: work.folder.clone(),
        purpose: OpenFor::Work,
    };
    let opened = (SQLITE.open)(&place).expect("a spool");
    work_until_killed(opened, &work).await.expect("work");
}

/// What the law says of a spool that is killed three times, if it says that it is broken.
fn seen_by_the_kill_law(break_it: bool) -> Option<String> {
    let law = std::thread::spawn(move || {
        let subject = Subject {
            name: SQLITE.name,
            open: &|place| (SQLITE.open)(place),
            file: "spool.db",
        };
        let program = || {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args(["--exact", "a_process_that_is_killed", "--nocapture"]);
            if break_it {
                command.env("NOTIFY_BREAK", "answer-before-commit");
            }
            command
        };
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(survives_kill(&subject, &program, 3, 6));
    });
    let panicked = law.join().err()?;
    Some(
        panicked
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_default(),
    )
}

#[test]
fn the_kill_law_holds_for_slow_commits() {
    assert_eq!(seen_by_the_kill_law(false), None);
}

#[test]
fn the_kill_law_finds_what_was_answered_before_its_commit() {
    let seen = seen_by_the_kill_law(true).expect("it is broken");
    let is_loss = seen.contains("is lost") || seen.contains("was settled, and is");
    assert!(is_loss, "{seen}");
}
