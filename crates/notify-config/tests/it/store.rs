//! Real files in real folders.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use notify_config::{Changes, Clock, Content, Setting, Store, StoreErrorKind};
use notify_schema::Secret;
use tempfile::TempDir;

use crate::pve_types::schemas;

/// Waiting only counts, and now is the real time and what was waited.
#[derive(Debug, Default)]
struct Patient {
    waited: Mutex<Duration>,
    ahead: Duration,
}

impl Clock for Patient {
    fn now(&self) -> SystemTime {
        SystemTime::now() + self.ahead + *self.waited.lock().expect("no panic")
    }

    fn wait(&self, time: Duration) {
        *self.waited.lock().expect("no panic") += time;
    }
}

/// A folder with these files; a private one is 0600.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("in the folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        let mode = if text.contains("token") { 0o600 } else { 0o640 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }
    folder
}

fn pve_folder(files: &[(&str, &str)]) -> TempDir {
    let folder = folder(files);
    fs::create_dir_all(folder.path().join("priv/lock")).expect("a folder");
    folder
}

fn text(folder: &TempDir, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap_or_else(|_| "-".to_owned())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").mode() & 0o7777
}

fn add(name: &str) -> Changes {
    Changes::new().add("echo", name, Vec::new())
}

fn add_gotify(name: &str) -> Changes {
    let settings = vec![
        Setting::text("server", "a"),
        Setting::secret("token", Secret::new("token")),
    ];
    Changes::new().add("gotify", name, settings)
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn a_private_file_may_be_in_another_place() {
    let folder = folder(&[("priv/notifications.cfg", "here"), ("notify.cfg", "o")]);
    let elsewhere = folder.path().join("elsewhere");
    let store = Store::open(folder.path()).with_private_file(&elsewhere);
    assert_eq!(store.read().files.private, Content::Missing);
    fs::write(&elsewhere, "there").expect("a file");
    let files = store.read().files;
    assert_eq!(files.private.bytes(), b"there");
    assert_eq!(files.overlay.bytes(), b"o");
}

#[test]
fn missing_files_are_empty_and_a_missing_folder_too() {
    let folder = folder(&[]);
    let store = Store::open(folder.path().join("not/there"));
    let snapshot = store.read();
    assert_eq!(snapshot.files.public, Content::Missing);
    assert!(snapshot.digest.starts_with("e3b0c442"));
    store
        .update(None, &schemas(), &add_gotify("gg"))
        .expect("it makes the folder");
    assert_eq!(mode(&folder.path().join("not/there/priv")) & 0o077, 0);
}

#[test]
fn what_is_not_a_file_is_unreadable() {
    let folder = folder(&[("notifications.cfg/x", ""), ("priv", "a file")]);
    let snapshot = Store::open(folder.path()).read();
    assert_eq!(
        snapshot.files.public,
        Content::Unreadable("not a regular file".into())
    );
    assert_eq!(
        snapshot.files.private,
        Content::Unreadable("not a directory".into())
    );
    let error = Store::open(folder.path())
        .update(None, &schemas(), &add("aa"))
        .expect_err("unreadable");
    assert_eq!(
        (error.kind(), error.to_string()),
        (StoreErrorKind::Io, "cannot read notifications.cfg".into())
    );
}

#[test]
fn a_private_file_that_others_can_read_is_seen() {
    let folder = folder(&[("priv/notifications.cfg", "gotify: g1\n\ttoken x\n")]);
    let store = Store::open(folder.path());
    assert!(!store.read().files.private_is_exposed);
    let path = folder.path().join("priv/notifications.cfg");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
    assert!(store.read().files.private_is_exposed);
}

#[test]
fn an_update_writes_only_what_changes_and_keeps_the_mode() {
    let folder = folder(&[
        ("notifications.cfg", "echo: aa\n"),
        ("priv/notifications.cfg", "gotify: old\n\ttoken x\n"),
    ]);
    let inode = |path: &str| {
        fs::metadata(folder.path().join(path))
            .expect("a file")
            .ino()
    };
    let private = inode("priv/notifications.cfg");
    let after = Store::open(folder.path())
        .update(None, &schemas(), &add("bb"))
        .expect("good");
    assert_eq!(text(&folder, "notifications.cfg"), "echo: aa\n\necho: bb\n");
    assert_eq!(after, Store::open(folder.path()).read());
    assert_eq!(
        inode("priv/notifications.cfg"),
        private,
        "an unchanged file is not written"
    );
    assert_eq!(mode(&folder.path().join("notifications.cfg")), 0o640);

    let public = inode("notifications.cfg");
    let same = Changes::new().set("bb", Vec::new(), vec!["comment".into()]);
    Store::open(folder.path())
        .update(None, &schemas(), &same)
        .expect("good");
    assert_eq!(
        inode("notifications.cfg"),
        public,
        "an unchanged file is not written"
    );
}

#[test]
fn owner_and_group_are_kept() {
    if !may_give_files_away() {
        return;
    }
    let folder = folder(&[("notifications.cfg", "echo: aa\n")]);
    let path = folder.path().join("notifications.cfg");
    std::os::unix::fs::chown(&path, Some(1), Some(33)).expect("as root");
    Store::open(folder.path())
        .update(None, &schemas(), &add("bb"))
        .expect("good");
    let metadata = fs::metadata(&path).expect("a file");
    assert_eq!(
        (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777),
        (1, 33, 0o640)
    );
}

#[test]
fn a_new_private_file_is_for_its_owner_alone() {
    let folder = folder(&[]);
    Store::open(folder.path())
        .update(None, &schemas(), &add_gotify("gg"))
        .expect("good");
    assert_eq!(
        text(&folder, "priv/notifications.cfg"),
        "gotify: gg\n\ttoken token\n"
    );
    assert_eq!(mode(&folder.path().join("priv/notifications.cfg")), 0o600);
    assert_eq!(mode(&folder.path().join("priv")) & 0o077, 0);
    assert_eq!(
        names(&folder),
        ["notifications.cfg", "priv"],
        "no lock and no temporary file is left"
    );
}

#[test]
fn digest_and_revision_guard_against_others() {
    let folder = folder(&[("notifications.cfg", "echo: aa\n")]);
    let store = Store::open(folder.path());
    let seen = store.read();
    store
        .update(Some(&seen.digest), &schemas(), &add_gotify("gg"))
        .expect("nobody else wrote");
    for stale in [&seen.digest, &seen.revision, &"00".to_owned()] {
        let error = store
            .update(Some(stale), &schemas(), &add("bb"))
            .expect_err("changed");
        assert_eq!(error.kind(), StoreErrorKind::Changed);
    }
    // A new secret changes the revision and not the digest.
    let seen = store.read();
    let secret = Changes::new().set(
        "gg",
        vec![Setting::secret("token", Secret::new("other"))],
        Vec::new(),
    );
    store
        .update(Some(&seen.revision), &schemas(), &secret)
        .expect("nobody else wrote");
    assert_eq!(store.read().digest, seen.digest);
    let error = store
        .update(Some(&seen.revision), &schemas(), &secret)
        .expect_err("changed");
    assert_eq!(error.kind(), StoreErrorKind::Changed);
    store
        .update(Some(&seen.digest), &schemas(), &secret)
        .expect("the public file is the same");
}

#[test]
fn writers_of_many_threads_lose_nothing() {
    let folder = folder(&[("notifications.cfg", "# kept\n")]);
    let store = Store::open(folder.path());
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let store = store.clone();
            scope.spawn(move || {
                for number in 0..10 {
                    store
                        .update(
                            None,
                            &schemas(),
                            &add_gotify(&format!("w{writer}-{number}")),
                        )
                        .expect("good");
                }
            });
        }
    });
    let configuration = notify_config::Configuration::assemble(&store.read().files, &schemas());
    assert_eq!(
        configuration
            .of_kind("gotify")
            .filter(|one| one.fields.is_some())
            .count(),
        40
    );
    assert!(text(&folder, "notifications.cfg").starts_with("# kept\n\ngotify: w"));
}

#[test]
fn what_a_killed_writer_left_does_not_matter_and_goes() {
    let folder = folder(&[
        ("notifications.cfg", "echo: aa\n"),
        (".notifications.cfg.notify-1-0", "half"),
        (".other", ""),
    ]);
    let own = folder.path().join(format!(
        ".notifications.cfg.notify-{}-0",
        std::process::id()
    ));
    fs::write(own, "half").expect("a file");
    Store::open(folder.path())
        .update(None, &schemas(), &add("bb"))
        .expect("good");
    assert_eq!(text(&folder, "notifications.cfg"), "echo: aa\n\necho: bb\n");
    assert_eq!(names(&folder), [".other", "notifications.cfg"]);
}

#[test]
fn a_link_stays_a_link() {
    let folder = folder(&[("real/site.cfg", "echo: aa\n")]);
    symlink("real/site.cfg", folder.path().join("notifications.cfg")).expect("a link");
    Store::open(folder.path())
        .update(None, &schemas(), &add("bb"))
        .expect("good");
    assert_eq!(text(&folder, "real/site.cfg"), "echo: aa\n\necho: bb\n");
    assert!(folder.path().join("notifications.cfg").is_symlink());
}

#[test]
fn private_is_written_before_public_and_removed_after_it() {
    // The public file cannot be written, so what has happened by then is seen.
    let folder = folder(&[
        ("notifications.cfg", "gotify: g1\n\tserver a\n"),
        ("priv/notifications.cfg", "gotify: g1\n\ttoken x\n"),
    ]);
    let store = Store::open(folder.path());
    let target = folder.path().join("elsewhere");
    fs::create_dir(&target).expect("a folder");
    fs::rename(
        folder.path().join("notifications.cfg"),
        target.join("notifications.cfg"),
    )
    .expect("moved");
    symlink(
        target.join("notifications.cfg"),
        folder.path().join("notifications.cfg"),
    )
    .expect("a link");
    // A folder in the way of every temporary name that this process would take.
    block(&target);
    let error = store
        .update(None, &schemas(), &add_gotify("g2"))
        .expect_err("blocked");
    assert_eq!(error.kind(), StoreErrorKind::Io);
    assert_eq!(
        text(&folder, "priv/notifications.cfg"),
        "gotify: g1\n\ttoken x\n\ngotify: g2\n\ttoken token\n"
    );
    store
        .update(None, &schemas(), &Changes::new().remove("g1"))
        .expect_err("blocked");
    assert!(
        text(&folder, "priv/notifications.cfg").starts_with("gotify: g1\n\ttoken x\n"),
        "the secret outlives its section"
    );
}

fn block(folder: &Path) {
    for number in 0..=1000 {
        let name = format!(".notifications.cfg.notify-{}-{number}", std::process::id());
        fs::create_dir(folder.join(name)).expect("a folder");
    }
}

#[test]
fn a_folder_of_proxmox_ve_is_locked_its_way() {
    let folder = pve_folder(&[("notifications.cfg", "sendmail: aa\n")]);
    let lock = folder.path().join("priv/lock/file-notifications_cfg");
    let clock = Arc::new(Patient::default());
    let store = Store::open(folder.path()).with_clock(clock.clone());
    assert!(store.is_pve_folder());
    let change = Changes::new().add("sendmail", "bb", Vec::new());

    fs::create_dir(&lock).expect("held by somebody");
    let error = store.update(None, &schemas(), &change).expect_err("locked");
    assert_eq!(error.kind(), StoreErrorKind::Locked);
    assert_eq!(
        *clock.waited.lock().expect("no panic"),
        Duration::from_secs(10)
    );
    assert!(lock.is_dir(), "a lock of somebody else is not removed");

    fs::remove_dir(&lock).expect("released");
    let second = folder.path().join("priv/lock/file-priv_notifications_cfg");
    fs::create_dir(&second).expect("held by somebody");
    store
        .update(None, &schemas(), &change)
        .expect_err("the second lock is held");
    assert!(!lock.exists(), "the first is released again");

    fs::remove_dir(&second).expect("released");
    store.update(None, &schemas(), &change).expect("free");
    assert!(!lock.exists() && !second.exists());
    assert_eq!(
        text(&folder, "notifications.cfg"),
        "sendmail: aa\n\nsendmail: bb\n"
    );
}

#[test]
fn a_lock_of_two_minutes_ago_is_abandoned() {
    let folder = pve_folder(&[]);
    fs::create_dir(folder.path().join("priv/lock/file-notifications_cfg")).expect("held");
    let change = Changes::new().add("sendmail", "bb", Vec::new());
    let ahead = |seconds| {
        Arc::new(Patient {
            ahead: Duration::from_secs(seconds),
            ..Patient::default()
        })
    };
    let early = Store::open(folder.path()).with_clock(ahead(100));
    assert_eq!(
        early
            .update(None, &schemas(), &change)
            .map_err(|error| error.kind()),
        Err(StoreErrorKind::Locked)
    );
    Store::open(folder.path())
        .with_clock(ahead(130))
        .update(None, &schemas(), &change)
        .expect("abandoned");
    assert_eq!(text(&folder, "notifications.cfg"), "sendmail: bb\n");
}

#[test]
fn what_proxmox_ve_refuses_is_not_written_into_its_folder() {
    let folder = pve_folder(&[(
        "notifications.cfg",
        "smtp: ops\n\tfrom-address b@c\n\tserver a\n",
    )]);
    let store = Store::open(folder.path());
    let ca_file = Changes::new().set("ops", vec![Setting::text("ca-file", "/x")], Vec::new());
    for refused in [ca_file.clone(), add("ee")] {
        let error = store
            .update(None, &schemas(), &refused)
            .expect_err("refused");
        assert_eq!(error.kind(), StoreErrorKind::RefusedByPve);
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("notify.cfg") && hint.contains("--not-for-pve"))
        );
    }
    store
        .update(None, &schemas(), &ca_file.clone().not_for_pve())
        .expect("asked for");
    assert!(text(&folder, "notifications.cfg").contains("ca-file"));

    let unset = Changes::new().set("ops", Vec::new(), vec!["ca-file".into()]);
    store.update(None, &schemas(), &unset).expect("good");
    fs::write(folder.path().join("notify.cfg"), "smtp: ops\n").expect("an overlay");
    store
        .update(None, &schemas(), &ca_file)
        .expect("the overlay is the place for it");
    assert_eq!(text(&folder, "notify.cfg"), "smtp: ops\n\tca-file /x\n");
}

#[test]
fn a_file_that_pmxcfs_cannot_hold_is_not_written() {
    let big = format!("# {}\n", "x".repeat(1024 * 1024));
    let change = Changes::new().add("sendmail", "bb", Vec::new());
    let folder = pve_folder(&[("notifications.cfg", &big)]);
    let error = Store::open(folder.path())
        .update(None, &schemas(), &change)
        .expect_err("too large");
    assert_eq!(error.kind(), StoreErrorKind::RefusedByPve);
    let elsewhere = self::folder(&[("notifications.cfg", &big)]);
    Store::open(elsewhere.path())
        .update(None, &schemas(), &change)
        .expect("no such limit");
}

/// Only root can give a file away; anyone else keeps the owner by being the owner.
fn may_give_files_away() -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::chown(folder.path(), Some(1), None).is_ok()
}
