//! What is claimed for a quick target before there is a place for it.

use notify_core::{EventId, JobState, Selection};

use crate::bench::{Bench, MINUTES, SECONDS, pass};

/// One delivery under way for a while, and one that is claimed and waits.
async fn waiting() -> (Bench, EventId, EventId) {
    let bench = Bench::new("one take\n  concurrency 1");
    bench.accept().await;
    pass(SECONDS).await;
    bench.replace("one slow\n  concurrency 1");
    let (first, second) = (bench.accept().await, bench.accept().await);
    pass(SECONDS).await;
    assert_eq!(bench.seen().len(), 2, "the second waits for the first");
    assert!(bench.job(second, "one").await.is_leased, "it is claimed");
    (bench, first, second)
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_begun_when_a_place_is_free() {
    let (bench, first, second) = waiting().await;
    pass(MINUTES).await;
    for event in [first, second] {
        let course = bench.course(event, "one").await;
        assert_eq!(course, (JobState::Delivered, vec!["delivered"]));
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_a_stop_was_never_tried() {
    let (mut bench, first, second) = waiting().await;
    bench.stop().await;
    assert_eq!(bench.course(first, "one").await.0, JobState::Delivered);
    assert_eq!(
        bench.course(second, "one").await,
        (JobState::Pending, vec![])
    );
    assert!(!bench.job(second, "one").await.is_leased);
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_while_it_waits_is_not_sent() {
    let (bench, _, second) = waiting().await;
    let which = Selection::Event(second);
    let dropped = bench.opened.spool.cancel(&which, bench.bus.clock().now());
    assert_eq!(dropped.await.ok(), Some(1));
    bench.bus.wake();
    pass(MINUTES).await;
    assert_eq!(
        bench.course(second, "one").await,
        (JobState::Cancelled, vec![])
    );
    assert_eq!(bench.seen().len(), 2);
}
