//! A delivery's way through the file, and what is peculiar to it.

mod given;

use given::{Place, claim, delivered, entry, failed, id};
use notify_core::{
    Counts, HistoryQuery, JobState, Millis, Next, OpenFor, Outcome, Put, Seen, Selection,
    SpoolErrorKind, Watched,
};

#[tokio::test]
async fn what_was_answered_is_there_after_reopening() {
    let place = Place::new();
    let spool = place.work();
    let put = spool.spool.put(entry(1, &["mail", "push"])).await;
    assert_eq!(put.expect("put"), Put::Stored);
    let again = spool.spool.put(entry(1, &["other"])).await;
    assert_eq!(again.expect("put"), Put::Known);
    drop(spool);

    let spool = place.work();
    let jobs = spool
        .spool
        .claim(claim("mail", 5), Millis(10))
        .await
        .expect("claim");
    let [job] = &jobs[..] else {
        panic!("one job, not {jobs:?}")
    };
    assert_eq!(*job.event, entry(1, &[]).event);
    assert_eq!((job.attempt, job.since), (1, Millis(1)));
    assert_eq!(job.lease.key, format!("{}.mail", id(1)));
    let settled = spool
        .spool
        .settle(&job.lease, delivered(10), Millis(20))
        .await;
    settled.expect("settled");
    let stale = spool
        .spool
        .settle(&job.lease, delivered(10), Millis(20))
        .await;
    assert_eq!(stale.expect_err("stale").kind(), SpoolErrorKind::Stale);
    drop(spool);

    let spool = place.open(OpenFor::Read).expect("opened");
    let counts = spool.spool.counts().await.expect("counts");
    let expected = Counts {
        accepted: 2,
        pending: 1,
        delivered: 1,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
    let denied = spool.spool.put(entry(2, &[])).await;
    assert_eq!(denied.expect_err("read").kind(), SpoolErrorKind::Denied);
}

#[tokio::test]
async fn the_record_tells_all_of_an_event() {
    let place = Place::new();
    let spool = place.work();
    let seen = spool.history.seen_all().await.expect("seen");
    assert_eq!(seen, Seen::default());
    for number in 1..=3 {
        let put = spool.spool.put(entry(number, &["mail", "push"])).await;
        put.expect("put");
    }
    let job = spool.spool.claim(claim("mail", 1), Millis(10)).await;
    let job = job.expect("claim").remove(0);
    let retry = Next::Retry {
        due: Millis(50),
        recipients: Some(vec!["a@b".to_owned()]),
    };
    let settled = spool
        .spool
        .settle(&job.lease, failed(10, retry), Millis(11));
    settled.await.expect("settled");
    let job = spool.spool.claim(claim("mail", 1), Millis(50)).await;
    let jobs = job.expect("claim");
    // The one that was accepted next is due before.
    assert_eq!(jobs[0].event.id, id(2));
    let dead = Next::Dead {
        reason: "too old".to_owned(),
    };
    let settled = spool
        .spool
        .settle(&jobs[0].lease, failed(50, dead), Millis(51));
    settled.await.expect("settled");

    let record = spool.history.event(id(1)).await.expect("read");
    insta::assert_debug_snapshot!("a_record", record.expect("there"));
    let query = HistoryQuery {
        state: Some(JobState::Dead),
        target: Some("mail".to_owned()),
        ..HistoryQuery::default()
    };
    let events = spool.history.events(&query).await.expect("read");
    insta::assert_debug_snapshot!("summaries_of_the_dead", events);
    let (watched, now) = spool.history.watch(seen, 10).await.expect("read");
    let shown = watched.iter().map(|watched| match watched {
        Watched::Accepted(event) => format!("accepted {}", event.id),
        Watched::Attempted {
            key,
            state,
            attempt,
            ..
        } => {
            format!("{key} {} {}", attempt.outcome.name(), state.name())
        }
        Watched::Handled { how, which, .. } => format!("{} {which:?}", how.name()),
    });
    insta::assert_debug_snapshot!("watched", shown.collect::<Vec<_>>());
    assert_eq!(spool.history.seen_all().await.expect("seen"), now);
    let faults = spool.upkeep.verify(&|_| {}).await.expect("verified");
    assert_eq!(faults, []);
}

#[tokio::test]
async fn a_lease_that_ended_leaves_a_trace() {
    let place = Place::new();
    let spool = place.work();
    spool.spool.put(entry(1, &["mail"])).await.expect("put");
    let first = spool.spool.claim(claim("mail", 1), Millis(10)).await;
    let first = first.expect("claim").remove(0);
    let early = spool.spool.claim(claim("mail", 1), Millis(1009)).await;
    assert_eq!(early.expect("claim").len(), 0);
    let second = spool.spool.claim(claim("mail", 1), Millis(1010)).await;
    let second = second.expect("claim").remove(0);
    assert_eq!(second.attempt, 2);
    let stale = spool
        .spool
        .settle(&first.lease, delivered(10), Millis(1011))
        .await;
    assert_eq!(stale.expect_err("stale").kind(), SpoolErrorKind::Stale);
    assert_eq!(
        spool.spool.recover(Millis(1020)).await.expect("recovered"),
        1
    );
    let jobs = spool.history.jobs(&[JobState::Pending], None, 9).await;
    let jobs = jobs.expect("read");
    let shown: Vec<_> = jobs[0]
        .attempts
        .iter()
        .map(|attempt| {
            (
                attempt.number,
                attempt.outcome,
                attempt.started.0,
                attempt.ended.0,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (1, Outcome::CutOff, 10, 1010),
            (2, Outcome::CutOff, 1010, 1020)
        ]
    );
    assert_eq!(
        (jobs[0].due, jobs[0].is_leased),
        (Some(Millis(1020)), false)
    );
}

#[tokio::test]
async fn many_are_steered_in_steps() {
    let place = Place::new();
    let spool = place.work();
    let mut puts = tokio::task::JoinSet::new();
    for number in 1..=2500 {
        let spool = spool.spool.clone();
        puts.spawn(async move { spool.put(entry(number, &["mail", "push"])).await });
    }
    for put in puts.join_all().await {
        put.expect("put");
    }
    let all = Selection::All;
    assert_eq!(
        spool
            .spool
            .cancel(&all, Millis(5))
            .await
            .expect("cancelled"),
        5000
    );
    assert_eq!(
        spool.spool.revive(&all, Millis(6)).await.expect("revived"),
        0
    );
    let counts = spool.spool.counts().await.expect("counts");
    assert_eq!((counts.cancelled, counts.pending), (5000, 0));
    assert!(counts.are_conserved());
    assert_eq!(spool.spool.targets().await.expect("targets"), []);
    assert_eq!(spool.upkeep.verify(&|_| {}).await.expect("verified"), []);
}
