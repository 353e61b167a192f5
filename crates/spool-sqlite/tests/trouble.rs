//! What is not a healthy spool, and what others do to one.

mod given;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use given::{Place, claim, delivered, entry, id, list};
use notify_core::{JobState, Millis, OpenFor, Put, SpoolErrorKind, SpoolPlace};
use rusqlite::Connection;
use spool_sqlite::SQLITE;

const CASE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/cases/spool/version-1.db"
);

/// The files of a folder, sorted, a date in a name as `DATE`.
fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("a folder").map(|file| {
        let name = file.expect("a file").file_name();
        let name = name.to_string_lossy().into_owned();
        match name.split_once(".corrupt-") {
            Some((before, dated)) => {
                let (date, after) = dated.split_at(15);
                assert!(
                    date.bytes()
                        .all(|byte| byte == b'-' || byte.is_ascii_digit())
                );
                format!("{before}.corrupt-DATE{after}")
            }
            None => name,
        }
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

/// The kind of failure of an opening.
fn refused(place: &Place, purpose: OpenFor) -> SpoolErrorKind {
    place.open(purpose).expect_err("not opened").kind()
}

#[tokio::test]
async fn nobody_else_can_read_it() {
    let place = Place::new();
    let spool = place.work();
    spool.spool.put(entry(1, &["mail"])).await.expect("put");
    assert_eq!(mode(&place.folder()), 0o700);
    for file in files(&place.folder()) {
        assert_eq!(mode(&place.folder().join(&file)), 0o600, "{file}");
    }
    let copy = place.folder().join("copy.db");
    spool.upkeep.backup(&copy, &|_| {}).await.expect("copied");
    assert_eq!(mode(&copy), 0o600);
    drop(spool);

    fs::set_permissions(place.database(), fs::Permissions::from_mode(0o644)).expect("a mode");
    drop(place.work());
    assert_eq!(mode(&place.database()), 0o600);
}

#[tokio::test]
async fn a_stored_file_of_the_first_layout_migrates() {
    let place = Place::new();
    fs::create_dir(place.folder()).expect("a folder");
    fs::copy(CASE, place.database()).expect("a copy");
    let before = fs::read(CASE).expect("the case");
    for purpose in [OpenFor::Read, OpenFor::Write] {
        assert_eq!(refused(&place, purpose), SpoolErrorKind::Broken);
    }
    assert!(
        fs::read(place.database()).expect("read") == before,
        "who does not work it does not migrate it"
    );
    let spool = place.work();
    insta::assert_debug_snapshot!("counts_of_version_1", spool.spool.counts().await);
    insta::assert_debug_snapshot!(
        "last_attempts_of_version_1",
        spool.history.last_attempts().await
    );
    let jobs = spool
        .history
        .jobs(&JobState::ALL, None, 99)
        .await
        .expect("read");
    insta::assert_debug_snapshot!("jobs_of_version_1", jobs);
    let mail = spool
        .history
        .event(id(7))
        .await
        .expect("read")
        .expect("there");
    let raw = match mail.event.content {
        notify_core::Content::Mail(mail) => mail.raw,
        _ => panic!("a mail"),
    };
    assert_eq!(&raw[..], b"Subject: Cron\n\n\xff\x00 raw\n");
    assert_eq!(spool.upkeep.verify(&|_| {}).await.expect("verified"), []);
    // It goes on as one that was always of today: numbers follow, and the lease is ended.
    assert_eq!(
        spool.spool.recover(Millis(7000)).await.expect("recovered"),
        1
    );
    assert_eq!(
        spool.spool.put(entry(8, &["push"])).await.expect("put"),
        Put::Stored
    );
    let jobs = spool
        .spool
        .claim(claim("mail", 9), Millis(9000))
        .await
        .expect("claimed");
    for job in &jobs {
        let settled = spool
            .spool
            .settle(&job.lease, delivered(9000), Millis(9001));
        settled.await.expect("settled");
    }
    assert_eq!(jobs.len(), 4);
    assert_eq!(spool.upkeep.verify(&|_| {}).await.expect("verified"), []);
    drop(spool);
    drop(place.work());
}

#[tokio::test]
async fn one_of_a_newer_program_is_refused_and_not_touched() {
    let place = Place::new();
    drop(place.work());
    let file = Connection::open(place.database()).expect("a database");
    file.pragma_update(None, "user_version", 1000)
        .expect("written");
    file.close().expect("closed");
    let before = fs::read(place.database()).expect("read");
    for purpose in [OpenFor::Work, OpenFor::Write, OpenFor::Read] {
        assert_eq!(refused(&place, purpose), SpoolErrorKind::Newer);
    }
    assert!(fs::read(place.database()).expect("read") == before);
}

#[tokio::test]
async fn one_that_a_newer_program_migrates_meanwhile_is_written_no_more() {
    let place = Place::new();
    let spool = place.work();
    spool.spool.put(entry(1, &["mail"])).await.expect("put");
    let other = Connection::open(place.database()).expect("a database");
    other
        .pragma_update(None, "user_version", 1000)
        .expect("written");
    let refused = spool.spool.put(entry(2, &["mail"])).await;
    assert_eq!(refused.expect_err("newer").kind(), SpoolErrorKind::Newer);
}

#[tokio::test]
async fn the_database_of_something_else_is_not_touched() {
    let place = Place::new();
    fs::create_dir(place.folder()).expect("a folder");
    let other = Connection::open(place.database()).expect("a database");
    other
        .execute_batch("CREATE TABLE mine (x)")
        .expect("written");
    other.close().expect("closed");
    let before = fs::read(place.database()).expect("read");
    for purpose in [OpenFor::Work, OpenFor::Write, OpenFor::Read] {
        assert_eq!(refused(&place, purpose), SpoolErrorKind::Broken);
    }
    assert!(fs::read(place.database()).expect("read") == before);
}

#[tokio::test]
async fn what_is_no_database_is_set_aside_loudly() {
    let place = Place::new();
    fs::create_dir(place.folder()).expect("a folder");
    fs::write(
        place.database(),
        "not a database, but long enough for a header, and then some more. ".repeat(20),
    )
    .expect("written");
    for purpose in [OpenFor::Write, OpenFor::Read] {
        assert_eq!(refused(&place, purpose), SpoolErrorKind::Corrupt);
    }
    let spool = place.open(OpenFor::Work).expect("a fresh one");
    let [alarm] = &spool.alarms[..] else {
        panic!("one alarm, not {:?}", spool.alarms)
    };
    assert!(alarm.contains("spool.db.corrupt-"), "{alarm}");
    assert!(alarm.contains(".recover"), "{alarm}");
    assert_eq!(
        spool.spool.put(entry(1, &["mail"])).await.expect("put"),
        Put::Stored
    );
    drop(spool);
    assert_eq!(
        files(&place.folder()),
        ["spool.db", "spool.db.corrupt-DATE", "spool.lock"]
    );
    drop(place.work());
}

#[tokio::test]
async fn damage_that_shows_only_later_is_set_aside_at_the_next_start() {
    let place = Place::new();
    let spool = place.work();
    spool.spool.put(entry(1, &["mail"])).await.expect("put");
    drop(spool);
    // All pages but the first, which a start reads; the rest is met when it is used.
    let bytes = fs::read(place.database()).expect("read");
    let spool = place.work();
    let mut damaged = bytes.clone();
    damaged[4096..].fill(0xa5);
    fs::write(place.database(), &damaged).expect("written");
    let other = place.open(OpenFor::Write).expect("opened");
    let failed = other.spool.put(entry(2, &["mail"])).await;
    assert_eq!(failed.expect_err("damaged").kind(), SpoolErrorKind::Corrupt);
    assert!(place.folder().join("damaged").exists());
    // Not under the feet of the others.
    drop(other);
    drop(spool);
    let spool = place.open(OpenFor::Work).expect("a fresh one");
    assert_eq!(spool.alarms.len(), 1);
    assert!(!place.folder().join("damaged").exists());
    assert_eq!(list(&spool).await, []);
}

#[tokio::test]
async fn a_lock_of_a_stranger_is_busy_after_a_while() {
    let place = Place::new();
    let spool = place.work();
    let stranger = Connection::open(place.database()).expect("a database");
    stranger.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let busy = spool.spool.put(entry(1, &["mail"])).await;
    assert_eq!(busy.expect_err("busy").kind(), SpoolErrorKind::Busy);
    // Who reads is not in its way.
    assert_eq!(list(&spool).await, []);
    stranger.execute_batch("COMMIT").expect("unlocked");
    assert_eq!(
        spool.spool.put(entry(1, &["mail"])).await.expect("put"),
        Put::Stored
    );
}

#[tokio::test]
async fn several_handles_write_one_spool() {
    let place = Place::new();
    let one = place.work();
    let other = place.open(OpenFor::Write).expect("another");
    for number in 1..=20 {
        let spool = if number % 2 == 0 { &one } else { &other };
        spool
            .spool
            .put(entry(number, &["mail", "push"]))
            .await
            .expect("put");
    }
    let jobs = one
        .spool
        .claim(claim("mail", 10), Millis(99))
        .await
        .expect("claimed");
    let rest = other
        .spool
        .claim(claim("mail", 99), Millis(99))
        .await
        .expect("claimed");
    assert_eq!((jobs.len(), rest.len()), (10, 10));
    assert_eq!(one.spool.counts().await.expect("counts").pending, 40);
    assert_eq!(other.upkeep.verify(&|_| {}).await.expect("verified"), []);
}

/// What a check finds after a stranger's hand, law by law.
#[tokio::test]
async fn a_check_finds_every_broken_promise() {
    for (hand, law) in [
        ("DELETE FROM job WHERE id = 65537", "conservation"),
        ("UPDATE target SET pending = pending + 1", "conservation"),
        ("UPDATE target SET delivered = 0", "conservation"),
        ("DELETE FROM body WHERE seq = 2", "body"),
        ("DELETE FROM event WHERE seq = 2", "orphan"),
        ("UPDATE job SET target = 99 WHERE id = 65537", "orphan"),
        ("UPDATE job SET state = 7 WHERE id = 65537", "state"),
        ("UPDATE job SET leased = 1 WHERE state = 1", "lease"),
        ("UPDATE job SET state = 2 WHERE id = 65537", "reason"),
        ("UPDATE job SET last = NULL WHERE state = 1", "delivered"),
        ("DELETE FROM attempt", "delivered"),
        ("UPDATE attempt SET job = 1", "attempts"),
        ("UPDATE job SET attempts = 5 WHERE state = 1", "attempts"),
        ("UPDATE body SET content = '{' WHERE seq = 2", "content"),
        (
            "UPDATE event SET severity = 'grave' WHERE seq = 2",
            "content",
        ),
        (
            "UPDATE body SET trace = x'ff' || trace WHERE seq = 2",
            "trace",
        ),
        (
            "UPDATE job SET recipients = '[1]' WHERE id = 65537",
            "progress",
        ),
        ("UPDATE job SET attempts = -1 WHERE id = 65537", "progress"),
        ("UPDATE attempt SET outcome = 'lost'", "progress"),
        ("UPDATE attempt SET refused = '[{}]'", "progress"),
    ] {
        let place = Place::new();
        let spool = place.work();
        for number in 1..=3 {
            spool
                .spool
                .put(entry(number, &["mail", "push"]))
                .await
                .expect("put");
        }
        let jobs = spool
            .spool
            .claim(claim("mail", 1), Millis(9))
            .await
            .expect("claimed");
        let settled = spool.spool.settle(&jobs[0].lease, delivered(9), Millis(9));
        settled.await.expect("settled");
        assert_eq!(spool.upkeep.verify(&|_| {}).await.expect("verified"), []);
        let stranger = Connection::open(place.database()).expect("a database");
        stranger.execute_batch(hand).expect("done");
        let found = spool.upkeep.verify(&|_| {}).await.expect("verified");
        assert!(
            found.iter().any(|found| found.law == law),
            "{hand}: {found:?}"
        );
    }
}

#[tokio::test]
async fn a_backup_under_load_is_whole() {
    let place = Place::new();
    let spool = place.work();
    for number in 1..=50 {
        spool
            .spool
            .put(entry(number, &["mail"]))
            .await
            .expect("put");
    }
    let copy = place.folder().join("copy.db");
    let calls = AtomicU32::new(0);
    let writing = async {
        for number in 51..=100 {
            spool
                .spool
                .put(entry(number, &["mail"]))
                .await
                .expect("put");
        }
    };
    let told = |_: f64| _ = calls.fetch_add(1, SeqCst);
    let (copied, ()) = tokio::join!(spool.upkeep.backup(&copy, &told), writing);
    copied.expect("copied");
    assert!(calls.load(SeqCst) >= 2);
    let again = spool.upkeep.backup(&copy, &|_| {}).await;
    assert_eq!(
        again.expect_err("it is there").kind(),
        SpoolErrorKind::Denied
    );
    let leftover: Vec<_> = files(&place.folder());
    assert!(
        !leftover.iter().any(|file| file.contains("part")),
        "{leftover:?}"
    );

    let folder = place.folder().join("restored");
    fs::create_dir(&folder).expect("a folder");
    fs::rename(&copy, folder.join("spool.db")).expect("moved");
    let purpose = OpenFor::Work;
    let restored = (SQLITE.open)(&SpoolPlace { folder, purpose }).expect("opened");
    let count = list(&restored).await.len();
    assert!((50..=100).contains(&count), "{count}");
    assert_eq!(restored.upkeep.verify(&|_| {}).await.expect("verified"), []);
}
