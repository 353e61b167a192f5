//! Files that are taken away while they are open: SQLite would go on writing into nothing.

mod given;

use std::fs;

use given::{Place, claim, entry, id};
use notify_core::{HistoryQuery, Millis, OpenFor, Opened, Put, SpoolError, SpoolErrorKind};

async fn put(spool: &Opened, number: u64) -> Result<Put, SpoolError> {
    spool.spool.put(entry(number, &["mail"])).await
}

fn is_missing<T: std::fmt::Debug>(answer: Result<T, SpoolError>) {
    let error = answer.expect_err("it is not there");
    assert_eq!(error.kind(), SpoolErrorKind::Missing, "{error}");
    assert!(error.to_string().contains("removed or replaced"), "{error}");
}

#[tokio::test]
async fn a_folder_that_was_removed_takes_and_tells_nothing_more() {
    let place = Place::new();
    let spool = place.work();
    assert_eq!(put(&spool, 1).await.expect("put"), Put::Stored);
    fs::remove_dir_all(place.folder()).expect("removed");
    is_missing(put(&spool, 2).await);
    is_missing(spool.spool.claim(claim("mail", 9), Millis(9)).await);
    is_missing(spool.spool.counts().await);
    is_missing(spool.history.events(&HistoryQuery::default()).await);
}

#[tokio::test]
async fn what_was_refused_meanwhile_is_not_there_when_the_folder_is_back() {
    let place = Place::new();
    let spool = place.work();
    put(&spool, 1).await.expect("put");
    let aside = place.folder().with_file_name("aside");
    fs::rename(place.folder(), &aside).expect("moved");
    is_missing(put(&spool, 2).await);
    fs::rename(&aside, place.folder()).expect("moved back");
    put(&spool, 3).await.expect("it is back");
    let events = spool.history.events(&HistoryQuery::default()).await;
    let ids: Vec<_> = events.expect("read").iter().map(|event| event.id).collect();
    assert_eq!(ids, [id(3), id(1)]);
    assert_eq!(spool.upkeep.verify(&|_| {}).await.expect("verified"), []);
}

#[tokio::test]
async fn another_file_in_its_place_is_not_taken_for_it() {
    let place = Place::new();
    let spool = place.work();
    put(&spool, 1).await.expect("put");
    let copy = place.folder().join("copy.db");
    spool.upkeep.backup(&copy, &|_| {}).await.expect("copied");
    fs::rename(&copy, place.database()).expect("put in its place");
    is_missing(put(&spool, 2).await);
    is_missing(spool.spool.counts().await);
}

/// What was committed last is nowhere else.
#[tokio::test]
async fn a_journal_that_was_removed_is_missed() {
    for purpose in [OpenFor::Work, OpenFor::Write] {
        let place = Place::new();
        drop(place.work());
        let spool = place.open(purpose).expect("opened");
        put(&spool, 1).await.expect("put");
        fs::remove_file(place.folder().join("spool.db-wal")).expect("removed");
        is_missing(put(&spool, 2).await);
    }
}
