//! The laws of every spool.

use std::process::Command;

use notify_core::{OpenFor, SpoolPlace};
use notify_testkit::spool::{
    Subject, Work, agrees_with_model, check, survives_kill, work_until_killed,
};
use spool_sqlite::SQLITE;

fn subject() -> Subject<'static> {
    Subject {
        name: SQLITE.name,
        open: &|place| (SQLITE.open)(place),
        file: "spool.db",
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_laws_hold() {
    check(&subject()).await;
}

#[test]
fn it_does_what_the_model_does() {
    agrees_with_model(&subject(), 64);
}

/// Kills this very test, started a second time, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_survives_a_kill() {
    if let Some(work) = Work::given() {
        let place = SpoolPlace {
            folder: work.folder.clone(),
            purpose: OpenFor::Work,
        };
        let opened = (SQLITE.open)(&place).expect("a spool");
        return work_until_killed(opened, &work).await.expect("work");
    }
    let program = || {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args([
            "--exact",
            "what_was_acknowledged_survives_a_kill",
            "--nocapture",
        ]);
        command
    };
    survives_kill(&subject(), &program, 12, 4).await;
}
