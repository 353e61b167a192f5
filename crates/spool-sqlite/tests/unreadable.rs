//! Rows that hold garbage which SQLite does not see: each costs only itself, and is told.

mod given;

use given::{Place, claim, delivered, entry, id};
use notify_core::{
    EventId, HistoryQuery, JobState, Millis, Opened, Outcome, SpoolErrorKind, Unreadable,
};
use rusqlite::Connection;

/// Three events for `mail`, the first of which was damaged by a stranger's hand.
async fn damaged(hand: &str) -> (Place, Opened) {
    let place = Place::new();
    let spool = place.work();
    for number in 1..=3 {
        let put = spool.spool.put(entry(number, &["mail"])).await;
        put.expect("put");
    }
    let stranger = Connection::open(place.database()).expect("a database");
    stranger.execute_batch(hand).expect(hand);
    (place, spool)
}

async fn claimed(spool: &Opened, now: i64) -> Vec<EventId> {
    let jobs = spool.spool.claim(claim("mail", 9), Millis(now)).await;
    let jobs = jobs.expect("claimed");
    jobs.iter().map(|job| job.event.id).collect()
}

#[tokio::test]
async fn what_cannot_be_read_is_given_up_alone_and_told_once() {
    for (hand, event, row, law) in [
        (
            "UPDATE body SET content = '{' WHERE seq = 1",
            id(1),
            "body 1",
            "content",
        ),
        (
            "UPDATE body SET content = CAST(x'7b22ff227d' AS TEXT) WHERE seq = 1",
            id(1),
            "body 1",
            "content",
        ),
        (
            "UPDATE event SET severity = 'grave' WHERE seq = 1",
            id(1),
            "body 1",
            "content",
        ),
        (
            "UPDATE event SET id = x'00' WHERE seq = 1",
            EventId::from_bytes([0; 16]),
            "body 1",
            "content",
        ),
        ("DELETE FROM body WHERE seq = 1", id(1), "body 1", "body"),
        (
            "UPDATE job SET recipients = '[' WHERE id = 65536",
            id(1),
            "job 65536",
            "progress",
        ),
        (
            "UPDATE job SET recipients = CAST(x'ff' AS TEXT) WHERE id = 65536",
            id(1),
            "job 65536",
            "progress",
        ),
    ] {
        let (place, spool) = damaged(hand).await;
        assert_eq!(claimed(&spool, 9).await, [id(2), id(3)], "{hand}");
        let counts = spool.spool.counts().await.expect("counts");
        assert_eq!((counts.dead, counts.pending), (1, 2), "{hand}");
        let [told] = &spool.spool.take_unreadable()[..] else {
            panic!("{hand}: not told once");
        };
        let Unreadable { target, detail, .. } = told;
        assert_eq!((told.event, target.as_str()), (event, "mail"), "{hand}");
        let file = format!("{}, {row}: ", place.database().display());
        assert!(detail.contains(&file), "{hand}: {detail}");
        assert_eq!(spool.spool.take_unreadable(), [], "{hand}");
        let found = spool.upkeep.verify(&|_| {}).await.expect("verified");
        let [found] = &found[..] else {
            panic!("{hand}: {found:?}")
        };
        assert_eq!(found.law, law, "{hand}: {found:?}");
        drop(spool);
        // And the others are not set aside for it.
        let counts = place.work().spool.counts().await.expect("counts");
        assert_eq!(counts.pending, 2, "{hand}");
    }
}

#[tokio::test]
async fn a_list_is_not_hidden_by_one_bad_row() {
    let hand = "UPDATE event SET severity = 'grave', title = CAST(x'45ff' AS TEXT) WHERE seq = 1;
                UPDATE job SET recipients = '[' WHERE id = 65536;";
    let (_place, spool) = damaged(hand).await;
    claimed(&spool, 9).await;
    let query = HistoryQuery::default();
    let events = spool.history.events(&query).await.expect("read");
    let titles: Vec<_> = events.iter().map(|event| event.title.as_str()).collect();
    assert_eq!(titles, ["Event 3", "Event 2", "E\u{fffd}"]);
    let dead = spool.history.jobs(&[JobState::Dead], None, 9).await;
    let dead = dead.expect("read");
    let reason = dead[0].reason.as_deref().unwrap_or_default();
    assert!(
        reason.starts_with("the stored event cannot be read: "),
        "{reason}"
    );
    let error = spool.history.event(id(1)).await.expect_err("no severity");
    assert_eq!(error.kind(), SpoolErrorKind::Corrupt);
    assert!(error.to_string().contains("body 1"), "{error}");
}

#[tokio::test]
async fn a_number_of_attempts_that_cannot_be_stops_nothing() {
    let (_place, spool) = damaged("UPDATE job SET attempts = -7 WHERE id = 65536").await;
    let jobs = spool.spool.claim(claim("mail", 9), Millis(9)).await;
    let jobs = jobs.expect("claimed");
    assert_eq!((jobs[0].event.id, jobs[0].attempt), (id(1), 1));
    let settled = spool.spool.settle(&jobs[0].lease, delivered(9), Millis(9));
    settled.await.expect("settled");
}

/// Nobody knows how it ended, so nobody may say that nothing was sent.
#[tokio::test]
async fn an_attempt_without_an_outcome_was_cut_off() {
    let (place, spool) = damaged("").await;
    let jobs = spool.spool.claim(claim("mail", 1), Millis(9)).await;
    let lease = &jobs.expect("claimed")[0].lease;
    let settled = spool.spool.settle(lease, delivered(9), Millis(9)).await;
    settled.expect("settled");
    let stranger = Connection::open(place.database()).expect("a database");
    stranger
        .execute_batch("UPDATE attempt SET outcome = 'dellvered', refused = '['")
        .expect("done");
    let record = spool.history.event(id(1)).await.expect("read");
    let attempt = &record.expect("there").jobs[0].attempts[0];
    assert_eq!(attempt.outcome, Outcome::CutOff);
    assert_eq!(attempt.reference.as_deref(), Some("queued as 7"));
}
