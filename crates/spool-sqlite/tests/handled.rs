//! What people did with deliveries is kept for whoever watches.

mod given;

use given::{Place, entry, id};
use notify_core::{Handling, Millis, OpenFor, Selection, Watched};

#[tokio::test]
async fn what_people_did_is_seen_by_another_process() {
    let place = Place::new();
    let spool = place.work();
    for number in [1, 2] {
        let put = spool.spool.put(entry(number, &["mail", "push"])).await;
        put.expect("stored");
    }
    let seen = spool.history.seen_all().await.expect("seen");
    let one = Selection::Key(format!("{}.mail", id(1)));
    for (retries, which) in [
        (true, Selection::Target("push".to_owned())),
        (false, one.clone()),
        // Nothing is left of it.
        (false, one.clone()),
        (false, Selection::Event(id(2))),
        (true, Selection::All),
    ] {
        let changed = match retries {
            true => spool.spool.revive(&which, Millis(7)).await,
            false => spool.spool.cancel(&which, Millis(8)).await,
        };
        changed.expect("changed");
    }
    let other = place.open(OpenFor::Read).expect("a spool");
    let (watched, now) = other.history.watch(seen, 100).await.expect("read");
    let handled = |at, how, which, number| Watched::Handled {
        at: Millis(at),
        how,
        which,
        number,
    };
    let mut expected = [
        handled(
            7,
            Handling::Retried,
            Selection::Target("push".to_owned()),
            2,
        ),
        handled(7, Handling::Retried, Selection::All, 1),
        handled(8, Handling::Dropped, one, 1),
        handled(8, Handling::Dropped, Selection::Event(id(2)), 2),
    ];
    assert_eq!(watched, expected);
    assert_eq!(other.history.seen_all().await.expect("seen"), now);
    // Bit by bit, in the order in which they were done.
    expected.swap(1, 2);
    expected.swap(2, 3);
    let mut from = seen;
    for one in expected {
        let (watched, next) = other.history.watch(from, 1).await.expect("read");
        assert_eq!(watched, [one]);
        from = next;
    }
}

#[tokio::test]
async fn only_the_newest_are_kept() {
    let place = Place::new();
    let spool = place.work();
    spool.spool.put(entry(1, &["mail"])).await.expect("stored");
    let seen = spool.history.seen_all().await.expect("seen");
    for _ in 0..1002 {
        let revived = spool.spool.revive(&Selection::All, Millis(7)).await;
        assert_eq!(revived.expect("revived"), 1);
    }
    let (watched, now) = spool.history.watch(seen, 5000).await.expect("read");
    assert_eq!((watched.len(), now.handled), (1000, 1002));
    assert_eq!(spool.upkeep.verify(&|_| {}).await.expect("verified"), []);
}
