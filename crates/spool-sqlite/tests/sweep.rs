//! What a sweep leaves, and that the file shrinks.

mod given;

use std::time::Duration;

use given::{Place, claim, delivered, entry};
use notify_core::{HistoryQuery, Millis, Opened, Retention, Seen, Watched};
use rusqlite::Connection;
use tokio::task::JoinSet;

/// Everything is old at once; no limit else.
const AT_ONCE: Retention = Retention {
    delivered: Duration::ZERO,
    dead: Duration::ZERO,
    ..Retention::KEEP
};

/// Nothing is ever old.
const NEVER: Retention = Retention::KEEP;

/// Puts events of 20 kB with one delivery, and has those up to a number delivered.
async fn filled(spool: &Opened, events: u64, arrived: usize) {
    let mut puts = JoinSet::new();
    for number in 1..=events {
        let spool = spool.spool.clone();
        let mut entry = entry(number, &["mail"]);
        entry.trace = format!("\"{}\"", "x".repeat(20_000));
        puts.spawn(async move { spool.put(entry).await });
    }
    for put in puts.join_all().await {
        put.expect("put");
    }
    let jobs = spool
        .spool
        .claim(claim("mail", arrived), Millis(99_000))
        .await;
    let mut settled = JoinSet::new();
    for job in jobs.expect("claimed") {
        let spool = spool.spool.clone();
        settled.spawn(async move {
            let done = delivered(99_000);
            spool.settle(&job.lease, done, Millis(99_000)).await
        });
    }
    for done in settled.join_all().await {
        done.expect("settled");
    }
}

/// Sweeps to the end: how many events went, in how many steps.
async fn swept(spool: &Opened, retention: &Retention) -> (u64, u32) {
    let (mut events, mut steps) = (0, 0);
    loop {
        let step = spool
            .upkeep
            .sweep(retention, Millis(100_000))
            .await
            .expect("swept");
        assert!(step.events <= 200, "{step:?}");
        events += step.events;
        steps += 1;
        if !step.more {
            return (events, steps);
        }
        assert!(steps < 100, "it comes to an end");
    }
}

async fn left(spool: &Opened) -> usize {
    let events = spool.history.events(&HistoryQuery::default()).await;
    events.expect("read").len()
}

/// Bytes of the file, and those of them that hold something.
fn bytes(place: &Place) -> (u64, u64) {
    let reader = Connection::open(place.database()).expect("a database");
    let pragma = |name| reader.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let size = pragma("page_size").expect("a size").cast_unsigned();
    let pages = pragma("page_count").expect("a count").cast_unsigned();
    let free = pragma("freelist_count").expect("a count").cast_unsigned();
    (pages * size, (pages - free) * size)
}

#[tokio::test]
async fn the_file_shrinks_and_the_counts_stay() {
    let place = Place::new();
    let spool = place.work();
    filled(&spool, 700, 690).await;
    let (before, _) = bytes(&place);
    assert!(before > 14_000_000, "{before}");
    assert_eq!(swept(&spool, &NEVER).await, (0, 1));
    let (events, steps) = swept(&spool, &AT_ONCE).await;
    assert_eq!((events, left(&spool).await), (690, 10));
    assert!(steps >= 4, "{steps}");
    let (after, _) = bytes(&place);
    assert!(after < before / 2, "{before} became {after}");
    let counts = spool.spool.counts().await.expect("counts");
    assert_eq!(
        (counts.accepted, counts.delivered, counts.pending),
        (700, 690, 10)
    );
    assert_eq!(spool.upkeep.verify(&|_| {}).await.expect("verified"), []);
}

#[tokio::test]
async fn limits_take_the_oldest_and_no_more() {
    let place = Place::new();
    let spool = place.work();
    filled(&spool, 100, 90).await;
    let by_number = Retention {
        most_events: 40,
        ..NEVER
    };
    assert_eq!(swept(&spool, &by_number).await.0, 50);
    // A third of what is left is pending and stays, whatever the limit.
    let by_size = Retention {
        most_bytes: bytes(&place).1 / 2,
        ..NEVER
    };
    let gone = swept(&spool, &by_size).await.0;
    assert!((10..40).contains(&gone), "{gone}");
    let nothing = Retention {
        most_bytes: 0,
        ..NEVER
    };
    swept(&spool, &nothing).await;
    assert_eq!(left(&spool).await, 10);
    assert_eq!(spool.upkeep.verify(&|_| {}).await.expect("verified"), []);
}

/// Its number would be that of one that was seen.
#[tokio::test]
async fn a_watcher_sees_what_comes_after_the_newest_was_swept() {
    let place = Place::new();
    let spool = place.work();
    filled(&spool, 3, 3).await;
    let seen = spool.history.seen_all().await.expect("seen");
    assert_eq!((seen.events, seen.attempts), (3, 3));
    assert_eq!(swept(&spool, &AT_ONCE).await.0, 3);
    drop(spool);
    let spool = place.work();
    spool.spool.put(entry(9, &["mail"])).await.expect("put");
    let (watched, now) = spool.history.watch(seen, 9).await.expect("read");
    assert!(
        matches!(&watched[..], [Watched::Accepted(_)]),
        "{watched:?}"
    );
    assert_eq!(
        now,
        Seen {
            events: 4,
            attempts: 3,
            handled: 0,
        }
    );
    let last = spool.history.last_attempts().await.expect("read");
    assert!(
        last[0].1.is_some(),
        "how a target fared is known longer: {last:?}"
    );
}

/// An event whose time lies far ahead keeps none behind it.
#[tokio::test]
async fn one_wrong_clock_does_not_end_the_sweep() {
    let place = Place::new();
    let spool = place.work();
    let mut ahead = entry(1, &[]);
    ahead.accepted = Millis(i64::MAX);
    spool.spool.put(ahead).await.expect("put");
    spool.spool.put(entry(2, &[])).await.expect("put");
    assert_eq!(swept(&spool, &AT_ONCE).await.0, 1);
    assert_eq!(left(&spool).await, 1);
}
