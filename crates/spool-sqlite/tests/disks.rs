//! Disks that are full or can only be read.

mod given;

use std::path::{Path, PathBuf};
use std::process::Command;

use given::{Place, entry, id, list};
use notify_core::{OpenFor, SpoolErrorKind, SpoolPlace};
use spool_sqlite::SQLITE;

/// Runs a test of this file again in a mount namespace of its own, where `mounts` come first, and
/// the folder is in the variable of this name. False where no mount is granted.
fn inside(name: &str, test: &str, folder: &Path, mounts: &str) -> bool {
    let script = format!("({mounts}) || exit 77; exec \"$0\" --exact {test} --nocapture");
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", &script])
        .arg(std::env::current_exe().expect("this program"))
        .env(name, folder)
        .output()
        .expect("unshare runs");
    let told = String::from_utf8_lossy(&ran.stderr);
    // In a chroot it says that it cannot change the propagation of the root.
    let no_mount = ran.status.code() == Some(77) || told.starts_with("unshare: ");
    assert!(ran.status.success() || no_mount, "{ran:?}");
    !no_mount
}

/// Where no mount is granted, the writer's own test with a bounded file stands for this one.
#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing() {
    const INSIDE: &str = "NOTIFY_TEST_SMALL_DISK";
    let Some(folder) = std::env::var_os(INSIDE) else {
        let folder = tempfile::tempdir().expect("a folder");
        let mount = format!("mount -t tmpfs -o size=1m tmpfs \"${INSIDE}\"");
        inside(
            INSIDE,
            "a_full_disk_refuses_and_loses_nothing",
            folder.path(),
            &mount,
        );
        return;
    };
    let ballast = PathBuf::from(&folder).join("ballast");
    std::fs::write(&ballast, vec![0; 400 << 10]).expect("room");
    let folder = PathBuf::from(folder).join("spool");
    let purpose = OpenFor::Work;
    let spool = (SQLITE.open)(&SpoolPlace { folder, purpose }).expect("a spool");
    let mut stored = Vec::new();
    let refused = loop {
        let number = stored.len() as u64 + 1;
        let mut entry = entry(number, &["mail"]);
        entry.trace = format!("\"{}\"", "x".repeat(20_000));
        match spool.spool.put(entry).await {
            Ok(_) => stored.push(id(number)),
            Err(error) => break error,
        }
    };
    let told = notify_core::report(&refused);
    assert_eq!(refused.kind(), SpoolErrorKind::Full, "{told}");
    assert!(stored.len() > 3, "{}", stored.len());
    stored.reverse();
    assert_eq!(list(&spool).await, stored);
    assert_eq!(spool.upkeep.verify(&|_| {}).await.expect("verified"), []);
    let counts = spool.spool.counts().await.expect("counts");
    assert_eq!(counts.accepted, stored.len() as u64);
    let still = spool.spool.try_out().await.expect_err("still full");
    assert_eq!(still.kind(), SpoolErrorKind::Full);
    std::fs::remove_file(ballast).expect("it is there");
    spool.spool.try_out().await.expect("room");
    let next = entry(stored.len() as u64 + 1, &["mail"]);
    spool.spool.put(next).await.expect("room");
}

/// A mode would not keep root out, a file system that is mounted to be read does.
#[tokio::test]
async fn a_file_system_that_can_only_be_read_is_called_that() {
    const INSIDE: &str = "NOTIFY_TEST_READ_ONLY";
    if std::env::var_os(INSIDE).is_some() {
        let folder = PathBuf::from(std::env::var_os(INSIDE).expect("a folder"));
        for purpose in [OpenFor::Work, OpenFor::Write] {
            for name in ["spool", "none"] {
                let folder = folder.join(name);
                let error = (SQLITE.open)(&SpoolPlace { folder, purpose }).expect_err("denied");
                let expected = match (purpose, name) {
                    (OpenFor::Write, "none") => SpoolErrorKind::Missing,
                    _ => SpoolErrorKind::ReadOnly,
                };
                let told = notify_core::report(&error);
                assert_eq!(error.kind(), expected, "{told}");
                let is_said = told.to_lowercase().contains("read");
                assert!(is_said || expected == SpoolErrorKind::Missing, "{told}");
            }
        }
        let (folder, purpose) = (folder.join("spool"), OpenFor::Read);
        let spool = (SQLITE.open)(&SpoolPlace { folder, purpose }).expect("to be read");
        assert_eq!(list(&spool).await, [id(1)]);
        return;
    }
    let place = Place::new();
    let spool = place.work();
    spool.spool.put(entry(1, &["mail"])).await.expect("put");
    drop(spool);
    let folder = place.folder();
    let folder = folder.parent().expect("above it");
    let mount = format!(
        "mount --bind \"${INSIDE}\" \"${INSIDE}\" && mount -o remount,bind,ro \"${INSIDE}\""
    );
    inside(
        INSIDE,
        "a_file_system_that_can_only_be_read_is_called_that",
        folder,
        &mount,
    );
}
