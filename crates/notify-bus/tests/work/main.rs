//! The worker on a spool in memory, in time that the tests turn.

mod ahead;
mod bench;
mod flaky;

use bench::{Bench, MINUTES, SECONDS, pass};
use flaky::{Fails, Flaky};
use notify_bus::{Accepted, BreakerState, LEGACY_MAIL, Standing, UNDECIDED, legacy_entry};
use notify_core::{JobState, LegacyMail, Millis, Put, Selection, SpoolErrorKind, Unreadable};
use notify_testkit::spool::MemorySpool;

#[tokio::test(start_paused = true)]
async fn what_is_accepted_is_delivered() {
    let bench = Bench::new("one take\ntwo take\noff take\n  disable true");
    let event = bench.event();
    let entry = notify_bus::entry(&bench.bus.engine(), event.clone(), bench.bus.clock().now());
    let accepted = bench.bus.accept(event).await.expect("accepted");
    assert_eq!(
        Accepted::of(&entry, Put::Stored),
        accepted,
        "who puts it himself says the same"
    );
    assert!(!accepted.known);
    assert_eq!(accepted.matchers, ["default-matcher"]);
    let standings = [
        ("off".to_owned(), Standing::Disabled),
        ("one".to_owned(), Standing::Pending),
        ("two".to_owned(), Standing::Pending),
    ];
    assert_eq!(accepted.targets, standings);
    pass(SECONDS).await;
    for target in ["one", "two"] {
        let job = bench.job(accepted.id, target).await;
        assert_eq!(job.state, JobState::Delivered);
        assert_eq!(job.attempts[0].reference.as_deref(), Some("Disk full"));
    }
    assert_eq!(bench.seen().len(), 2);
    let counts = bench.opened.spool.counts().await.expect("readable");
    assert!(counts.are_conserved() && counts.pending == 0, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_event_is_accepted_once() {
    let bench = Bench::new("one take");
    let event = bench.event();
    let first = bench.bus.accept(event.clone()).await.expect("accepted");
    let again = bench.bus.accept(event).await.expect("accepted");
    assert_eq!((first.known, again.known), (false, true));
    pass(MINUTES).await;
    assert_eq!(bench.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hung_target_delays_no_other() {
    let bench = Bench::new("hung hang\nquick take");
    let mut events = Vec::new();
    for _ in 0..200 {
        events.push(bench.accept().await);
    }
    pass(SECONDS).await;
    for event in events {
        let (state, _) = bench.course(event, "quick").await;
        assert_eq!(state, JobState::Delivered);
    }
    let hung = bench
        .bus
        .status()
        .into_iter()
        .find(|status| status.name == "hung");
    assert_eq!(
        hung.map(|status| status.in_flight),
        Some(8),
        "its own places, and no more"
    );
}

#[tokio::test(start_paused = true)]
async fn many_hung_targets_leave_places_for_others() {
    let mut targets: String = (0..20)
        .map(|number| format!("hung{number} hang\n"))
        .collect();
    targets.push_str("quick take");
    let bench = Bench::new(&targets);
    let mut last = bench.accept().await;
    for _ in 0..40 {
        pass(SECONDS / 10).await;
        last = bench.accept().await;
    }
    pass(SECONDS).await;
    assert_eq!(bench.course(last, "quick").await.0, JobState::Delivered);
    assert!(bench.bus.gauges().in_flight <= 64);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_again_until_it_arrives() {
    let bench = Bench::new("one fail,fail,take");
    let event = bench.accept().await;
    pass(SECONDS * 31).await;
    let (state, outcomes) = bench.course(event, "one").await;
    assert_eq!(state, JobState::Delivered);
    assert_eq!(outcomes, ["unavailable", "unavailable", "delivered"]);
    let seen = bench.seen();
    assert!(
        seen.iter().all(|attempt| attempt.key == seen[0].key),
        "one key"
    );
    let numbers: Vec<_> = seen.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn what_the_far_side_asks_for_is_waited() {
    let bench = Bench::new("one later,take");
    bench.accept().await;
    pass(MINUTES * 20 - SECONDS).await;
    assert_eq!(bench.seen().len(), 1);
    pass(SECONDS * 2).await;
    assert_eq!(bench.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn only_recipients_with_hope_are_tried_again() {
    let bench = Bench::new("one half,take");
    let event = bench.accept().await;
    pass(SECONDS * 11).await;
    let (state, outcomes) = bench.course(event, "one").await;
    assert_eq!(
        (state, &outcomes[..]),
        (JobState::Delivered, &["partial", "delivered"][..])
    );
    let recipients: Vec<_> = bench
        .seen()
        .into_iter()
        .map(|seen| seen.recipients)
        .collect();
    assert_eq!(recipients, [None, Some(vec!["grey@a".to_owned()])]);
    let refused = &bench.job(event, "one").await.attempts[0].refused;
    assert_eq!(refused.len(), 2, "both refusals are recorded");
}

#[tokio::test(start_paused = true)]
async fn what_fails_too_long_is_dead_and_said() {
    let bench = Bench::new("one fail\n  retry-max-age 10m\nok take");
    let event = bench.accept().await;
    pass(MINUTES * 60).await;
    let job = bench.job(event, "one").await;
    assert_eq!(job.state, JobState::Dead);
    let reason = "it was unavailable for longer than `retry-max-age`, 10m";
    assert_eq!(job.reason.as_deref(), Some(reason));
    let last = job.attempts.last().expect("it was tried");
    assert!(
        last.ended.since(job.since) >= MINUTES * 10,
        "not before its age"
    );
    let told = bench.reports().await;
    let given_up = ("delivery-given-up".to_owned(), Some("one".to_owned()));
    assert!(told.contains(&given_up), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_dead_at_once() {
    let bench = Bench::new("one no");
    let event = bench.accept().await;
    pass(SECONDS).await;
    let (state, outcomes) = bench.course(event, "one").await;
    assert_eq!((state, &outcomes[..]), (JobState::Dead, &["rejected"][..]));
}

#[tokio::test(start_paused = true)]
async fn reports_about_ourselves_make_no_reports() {
    let bench = Bench::new("one no");
    bench.accept().await;
    pass(MINUTES * 60 * 24).await;
    let given_up = ("delivery-given-up".to_owned(), Some("one".to_owned()));
    assert_eq!(
        bench.reports().await,
        [given_up],
        "one, though its own delivery is dead, too"
    );
}

#[tokio::test(start_paused = true)]
async fn of_one_cause_there_is_one_report_an_hour() {
    let bench = Bench::new("one no\ntwo no");
    for _ in 0..10 {
        bench.accept().await;
    }
    pass(MINUTES * 59).await;
    assert_eq!(bench.reports().await.len(), 1);
    pass(MINUTES * 2).await;
    assert_eq!(
        bench.reports().await.len(),
        2,
        "what came in between is told, too"
    );
    pass(MINUTES * 600).await;
    assert_eq!(bench.reports().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nor_when_it_is_started_anew() {
    let mut bench = Bench::new("one no");
    bench.accept().await;
    pass(MINUTES).await;
    assert_eq!(bench.reports().await.len(), 1);
    bench.stop().await;
    let mut next = bench.next("one no");
    next.begin();
    next.accept().await;
    pass(MINUTES * 58).await;
    assert_eq!(next.reports().await.len(), 1, "59 minutes after the first");
    pass(MINUTES * 2).await;
    assert_eq!(next.reports().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_asks_to_be_left_alone_is_not_asked_by_each_delivery() {
    let bench = Bench::new("one later\n  concurrency 2");
    for _ in 0..100 {
        bench.accept().await;
    }
    pass(MINUTES * 19).await;
    assert_eq!(bench.seen().len(), 2, "those that were under way");
    let status = &bench.bus.status()[0];
    let is_resting = matches!(status.breaker, BreakerState::Resting { .. });
    assert!(is_resting && status.failures == 1, "{status:?}");
    assert_eq!(bench.reports().await, [], "a limit is no trouble");
    pass(MINUTES * 2).await;
    assert_eq!(bench.seen().len(), 3, "one probe");
}

#[tokio::test(start_paused = true)]
async fn a_breaker_opens_and_a_probe_closes_it() {
    let bench = Bench::new("one fail,take\n  concurrency 1");
    for _ in 0..6 {
        bench.accept().await;
    }
    pass(SECONDS / 10).await;
    let status = &bench.bus.status()[0];
    assert!(
        matches!(status.breaker, BreakerState::Open { .. }),
        "{status:?}"
    );
    let before = bench.seen().len();
    assert_eq!(before, 5, "the sixth waits");
    pass(SECONDS * 9).await;
    assert_eq!(bench.seen().len(), before, "nothing goes out meanwhile");
    // Two that were never tried, one of them about the breaker, are the next probes, and fail.
    pass(MINUTES * 2).await;
    assert_eq!(bench.bus.status()[0].breaker, BreakerState::Closed);
    let counts = bench.opened.spool.counts().await.expect("readable");
    assert_eq!(counts.pending, 0, "{counts:?}");
    let told = ("breaker-opened".to_owned(), Some("one".to_owned()));
    assert_eq!(bench.reports().await, [told]);
}

#[tokio::test(start_paused = true)]
async fn who_wakes_it_gets_a_probe() {
    let bench = Bench::new("one fail,take\n  concurrency 1");
    for _ in 0..7 {
        bench.accept().await;
    }
    pass(SECONDS / 10).await;
    assert_eq!(bench.seen().len(), 5, "the others wait for the breaker");
    bench.bus.wake();
    pass(SECONDS / 10).await;
    assert_eq!(bench.seen().len(), 6, "one probe, which failed");
    let now = bench.bus.clock().now();
    let all = notify_core::Selection::All;
    let revived = bench.opened.spool.revive(&all, now).await;
    assert!(revived.expect("writable") >= 7);
    bench.bus.wake();
    pass(SECONDS / 10).await;
    assert_eq!(bench.bus.status()[0].breaker, BreakerState::Closed);
    assert!(bench.seen().len() > 12, "all the others follow the probe");
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_or_unusable_waits_until_it_heals() {
    let bench = Bench::new("one take\nbad bad");
    let event = bench.accept().await;
    pass(MINUTES * 30).await;
    let (state, outcomes) = bench.course(event, "bad").await;
    assert_eq!(
        (state, &outcomes[..]),
        (JobState::Pending, &["misconfigured"][..])
    );
    assert_eq!(
        bench.job(event, "bad").await.attempts[0].detail.as_deref(),
        Some("property `acts`: it is bad")
    );
    assert_eq!(
        bench.bus.status()[0].unusable.as_deref(),
        Some("property `acts`: it is bad")
    );
    bench.replace("one take\nbad take");
    pass(SECONDS).await;
    assert_eq!(bench.course(event, "bad").await.0, JobState::Delivered);
    assert_eq!(bench.seen().len(), 2, "nothing twice");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_vanished_comes_back() {
    let bench = Bench::new("one take\ntwo hang");
    let event = bench.accept().await;
    pass(SECONDS * 33).await;
    bench.replace("one take");
    pass(MINUTES * 5).await;
    let (state, outcomes) = bench.course(event, "two").await;
    assert_eq!(
        (state, outcomes.last()),
        (JobState::Pending, Some(&"misconfigured"))
    );
    bench.replace("one take\ntwo take");
    pass(SECONDS).await;
    assert_eq!(bench.course(event, "two").await.0, JobState::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_reload_closes_the_breaker_of_what_changed() {
    let bench = Bench::new("one wrong\n  concurrency 1");
    let mut last = bench.accept().await;
    for _ in 0..5 {
        last = bench.accept().await;
    }
    pass(SECONDS).await;
    assert!(matches!(
        bench.bus.status()[0].breaker,
        BreakerState::Open { .. }
    ));
    bench.replace("one take");
    pass(SECONDS).await;
    assert_eq!(bench.bus.status()[0].breaker, BreakerState::Closed);
    assert_eq!(bench.course(last, "one").await.0, JobState::Delivered);
    let counts = bench.opened.spool.counts().await.expect("readable");
    assert_eq!(
        counts.pending, 0,
        "also those that had waited an hour: {counts:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_disabled_target_waits() {
    let bench = Bench::new("one hang,take\n  retry-min-interval 1s");
    let event = bench.accept().await;
    pass(SECONDS).await;
    bench.replace("one hang,take\n  retry-min-interval 1s\n  disable true");
    pass(MINUTES * 60 * 24).await;
    assert_eq!(bench.seen().len(), 1);
    assert_eq!(bench.course(event, "one").await.0, JobState::Pending);
    bench.replace("one hang,take\n  retry-min-interval 1s");
    pass(SECONDS).await;
    assert_eq!(bench.course(event, "one").await.0, JobState::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_is_under_way() {
    let mut bench = Bench::new("one slow");
    let event = bench.accept().await;
    pass(SECONDS).await;
    bench.stop().await;
    assert_eq!(bench.course(event, "one").await.0, JobState::Delivered);
    let late = bench.accept().await;
    pass(MINUTES).await;
    assert_eq!(
        bench.course(late, "one").await.0,
        JobState::Pending,
        "nobody is at work"
    );
}

#[tokio::test(start_paused = true)]
async fn what_overstays_a_stop_is_cut_off_and_made_again() {
    let spool = MemorySpool::new();
    let mut bench = Bench::idle("one hang,take", spool.opened());
    bench.begin();
    let event = bench.accept().await;
    pass(SECONDS).await;
    bench.stop().await;
    let (state, outcomes) = bench.course(event, "one").await;
    assert_eq!(
        (state, &outcomes[..]),
        (JobState::Pending, &["cut-off"][..])
    );
    assert!(
        !bench.job(event, "one").await.is_leased,
        "the lease is given back"
    );
    let mut again = Bench::idle("one hang,take", spool.opened());
    again.begin();
    pass(MINUTES).await;
    assert_eq!(bench.course(event, "one").await.0, JobState::Delivered);
    let (first, second) = (&bench.seen()[0], &again.seen()[0]);
    assert_eq!((&first.key, first.number + 1), (&second.key, second.number));
}

/// A worker that ended without a word: its claim is all that is left of it.
async fn lost(spool: &MemorySpool, bench: &Bench) {
    let claim = notify_core::Claim {
        target: None,
        most: 1,
        lease: MINUTES,
    };
    let jobs = spool
        .opened()
        .spool
        .claim(claim, bench.bus.clock().now())
        .await;
    assert_eq!(jobs.expect("writable").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_worker_left_is_sent_again_under_the_same_key() {
    let spool = MemorySpool::new();
    let mut bench = Bench::idle("one take", spool.opened());
    let event = bench.accept().await;
    lost(&spool, &bench).await;
    bench.begin();
    pass(SECONDS).await;
    let (state, outcomes) = bench.course(event, "one").await;
    assert_eq!(
        (state, &outcomes[..]),
        (JobState::Delivered, &["cut-off", "delivered"][..])
    );
    assert_eq!((bench.seen().len(), bench.seen()[0].number), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_worker_left_is_held_where_a_person_is_to_decide() {
    let spool = MemorySpool::new();
    let mut bench = Bench::idle("one take\n  retry-uncertain hold", spool.opened());
    let event = bench.accept().await;
    lost(&spool, &bench).await;
    bench.begin();
    pass(SECONDS).await;
    let job = bench.job(event, "one").await;
    assert_eq!(job.state, JobState::Dead);
    let was_sent = || bench.seen().iter().any(|seen| seen.key == job.key);
    assert!(!was_sent());
    let reason = "it may have arrived, and `retry-uncertain` is `hold`";
    assert_eq!(job.reason.as_deref(), Some(reason));
    let all = notify_core::Selection::Event(event);
    let now = bench.bus.clock().now();
    bench
        .opened
        .spool
        .revive(&all, now)
        .await
        .expect("writable");
    bench.bus.wake();
    pass(SECONDS).await;
    assert_eq!(
        bench.course(event, "one").await.0,
        JobState::Delivered,
        "a person decided"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_held_stays_held_when_its_target_was_unusable_in_between() {
    let spool = MemorySpool::new();
    let mut bench = Bench::idle("one take\n  retry-uncertain hold", spool.opened());
    let event = bench.accept().await;
    lost(&spool, &bench).await;
    bench.replace("one bad\n  retry-uncertain hold");
    bench.begin();
    pass(SECONDS).await;
    let (state, outcomes) = bench.course(event, "one").await;
    assert_eq!(
        (state, &outcomes[..]),
        (JobState::Pending, &["cut-off", "misconfigured"][..])
    );
    bench.replace("one take\n  retry-uncertain hold");
    pass(SECONDS).await;
    assert_eq!(bench.course(event, "one").await.0, JobState::Dead);
    let key = bench.job(event, "one").await.key;
    assert!(!bench.seen().iter().any(|seen| seen.key == key));
}

#[tokio::test(start_paused = true)]
async fn silence_is_sent_again_after_the_whole_wait_or_held() {
    let bench = Bench::new("again silent,take\nheld silent\n  retry-uncertain hold");
    let event = bench.accept().await;
    pass(SECONDS * 9).await;
    assert_eq!(bench.course(event, "held").await.0, JobState::Dead);
    assert_eq!(bench.course(event, "again").await.0, JobState::Pending);
    pass(SECONDS * 2).await;
    assert_eq!(bench.course(event, "again").await.0, JobState::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_itself() {
    let bench = Bench::new("bad panic\nok take");
    let event = bench.accept().await;
    pass(SECONDS).await;
    assert_eq!(bench.course(event, "ok").await.0, JobState::Delivered);
    let (state, outcomes) = bench.course(event, "bad").await;
    assert_eq!(
        (state, &outcomes[..]),
        (JobState::Pending, &["uncertain"][..])
    );
    let status = bench.bus.status();
    assert!(
        status.iter().all(|status| status.in_flight == 0),
        "{status:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_mail_of_the_old_way_goes_past_the_targets() {
    let bench = Bench::new("one take");
    let mail = LegacyMail {
        recipients: vec!["a@b".to_owned()],
        author: bench.ledger().to_owned(),
    };
    let entry = legacy_entry(bench.event(), mail, bench.bus.clock().now());
    let accepted = bench.bus.accept_entry(entry).await.expect("accepted");
    assert_eq!(
        accepted.targets,
        [(LEGACY_MAIL.to_owned(), Standing::Pending)]
    );
    pass(SECONDS).await;
    let seen = bench.seen();
    assert_eq!((seen.len(), &*seen[0].target), (1, LEGACY_MAIL));
}

#[tokio::test(start_paused = true)]
async fn what_others_put_is_found() {
    let spool = MemorySpool::new();
    let bench = Bench::idle("one take", spool.opened());
    let mut worker = Bench::idle("one take", spool.opened());
    worker.begin();
    pass(SECONDS).await;
    let now = worker.bus.clock().now();
    let entry = notify_bus::entry(&bench.bus.engine(), bench.event(), now);
    spool.opened().spool.put(entry).await.expect("stored");
    pass(SECONDS * 61).await;
    assert_eq!(worker.seen().len(), 1);
    assert!(now > Millis(0));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_waited_for_and_nothing_is_lost() {
    let (flaky, opened) = Flaky::new();
    let mut bench = Bench::idle("one take\ntwo take", opened);
    let before = bench.accept().await;
    flaky.set(Fails::All);
    bench.begin();
    pass(MINUTES * 10).await;
    assert!(
        flaky.refused() < 100,
        "{} calls in ten minutes",
        flaky.refused()
    );
    assert!(
        bench
            .bus
            .accept(bench.event())
            .await
            .is_err_and(|error| error.kind() == SpoolErrorKind::Full)
    );
    flaky.set(Fails::Nothing);
    pass(SECONDS * 11).await;
    assert_eq!(bench.course(before, "one").await.0, JobState::Delivered);
    assert_eq!(bench.seen().len(), 2, "and nothing that was refused");
    assert!(bench.bus.gauges().spool_trouble.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_until_something_can_be_written_again() {
    let (flaky, opened) = Flaky::new();
    let mut bench = Bench::idle("one take", opened);
    bench.begin();
    pass(MINUTES).await;
    flaky.set(Fails::All);
    let since = bench.bus.clock().now();
    for _ in 0..2 {
        let refused = bench.bus.accept(bench.event()).await;
        refused.expect_err("the disk is full");
        pass(MINUTES * 2).await;
    }
    let trouble = bench.bus.gauges().spool_trouble.expect("it is known");
    assert_eq!((trouble.since, trouble.refused), (since, 2));
    assert_eq!(trouble.reason, "the disk is full");
    assert_eq!(bench.bus.gauges().refused, 2);
    // Nothing waits and nobody sends: it is tried out.
    flaky.set(Fails::Nothing);
    pass(SECONDS * 11).await;
    assert_eq!(bench.bus.gauges().spool_trouble, None);
    let event = bench.accept().await;
    pass(SECONDS).await;
    assert_eq!(bench.course(event, "one").await.0, JobState::Delivered);
}

#[tokio::test(start_paused = true)]
async fn what_was_dropped_under_way_is_recorded_and_not_tried_again() {
    let bench = Bench::new("one hang\n  retry-max-age 1s");
    let event = bench.accept().await;
    pass(SECONDS).await;
    let now = bench.bus.clock().now();
    let dropped = bench.opened.spool.cancel(&Selection::All, now).await;
    assert_eq!(dropped.expect("cancelled"), 1);
    pass(MINUTES * 60).await;
    let (state, outcomes) = bench.course(event, "one").await;
    assert_eq!(
        (state, &outcomes[..]),
        (JobState::Cancelled, &["uncertain"][..])
    );
    assert_eq!(bench.seen().len(), 1);
    let told = bench.reports().await;
    assert!(told.is_empty(), "a person knows: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_spool_gave_up_is_reported_as_any_other() {
    let (flaky, opened) = Flaky::new();
    let mut bench = Bench::idle("one take", opened);
    bench.begin();
    let event = bench.accept().await;
    flaky.damage(Unreadable {
        event,
        target: "one".to_owned(),
        detail: "the stored event cannot be read: spool.db, body 1".to_owned(),
    });
    pass(SECONDS).await;
    let given_up = ("delivery-given-up".to_owned(), Some("one".to_owned()));
    assert_eq!(bench.reports().await, [given_up]);
    let gauges = bench.bus.gauges();
    let one = gauges.targets.iter().find(|target| target.name == "one");
    assert_eq!(one.map(|one| one.dead), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_spool_that_fails_at_work_is_asked_less_and_less() {
    let (flaky, opened) = Flaky::new();
    let mut bench = Bench::idle("one fail,take\n  retry-min-interval 30s", opened);
    bench.begin();
    let event = bench.accept().await;
    pass(SECONDS / 100).await;
    flaky.set(Fails::All);
    pass(MINUTES * 10).await;
    assert!(bench.bus.gauges().spool_trouble.is_some());
    assert!(
        flaky.refused() < 150,
        "{} calls in ten minutes",
        flaky.refused()
    );
    flaky.set(Fails::Nothing);
    pass(SECONDS * 11).await;
    assert_eq!(bench.course(event, "one").await.0, JobState::Delivered);
    assert!(bench.bus.gauges().spool_trouble.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_recorded_is_not_sent_again() {
    let (flaky, opened) = Flaky::new();
    let mut bench = Bench::idle("one take", opened);
    bench.begin();
    flaky.set(Fails::Settling);
    let event = bench.accept().await;
    // Longer than its lease.
    pass(MINUTES * 10).await;
    let late = bench.accept().await;
    pass(MINUTES).await;
    assert_eq!(
        bench.seen().len(),
        1,
        "nothing is claimed that could not be recorded either"
    );
    flaky.set(Fails::Nothing);
    pass(SECONDS * 11).await;
    for event in [event, late] {
        let (state, outcomes) = bench.course(event, "one").await;
        assert_eq!(
            (state, &outcomes[..]),
            (JobState::Delivered, &["delivered"][..])
        );
    }
    assert_eq!(bench.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_start_is_a_new_beginning_for_what_was_misconfigured() {
    let spool = MemorySpool::new();
    let mut bench = Bench::idle("one wrong", spool.opened());
    bench.begin();
    let event = bench.accept().await;
    pass(SECONDS).await;
    bench.stop().await;
    let mut again = Bench::idle("one take", spool.opened());
    again.begin();
    pass(SECONDS).await;
    assert_eq!(
        bench.course(event, "one").await.0,
        JobState::Delivered,
        "not an hour later"
    );
}

#[tokio::test(start_paused = true)]
async fn a_queue_past_its_age_does_not_wait_for_one_probe_an_hour() {
    let bench =
        Bench::new("one fail\n  retry-max-age 1h\n  retry-max-interval 1h\n  concurrency 1");
    for _ in 0..50 {
        bench.accept().await;
    }
    pass(MINUTES * 60 * 24).await;
    let counts = bench.opened.spool.counts().await.expect("readable");
    assert_eq!(counts.pending, 0, "{counts:?}");
    let seen = bench.seen();
    assert!(seen.len() >= 50, "each had its attempt");
}

#[tokio::test(start_paused = true)]
async fn a_reload_tries_again_what_failed_for_the_configuration() {
    // The section is the same; what was wrong may be an address in another file.
    let bench = Bench::new("one wrong,take\nslow fail,take\n  retry-min-interval 1h");
    let event = bench.accept().await;
    pass(SECONDS / 100).await;
    assert_eq!(bench.course(event, "one").await.0, JobState::Pending);
    bench.replace("one wrong,take\nslow fail,take\n  retry-min-interval 1h");
    pass(SECONDS / 100).await;
    assert_eq!(bench.course(event, "one").await.0, JobState::Delivered);
    let (state, outcomes) = bench.course(event, "slow").await;
    assert_eq!(state, JobState::Pending, "nothing changed for it");
    assert_eq!(outcomes, ["unavailable"]);
}

/// The attempts at mails of the old way.
fn mails_seen(bench: &Bench) -> usize {
    let seen = bench.seen();
    let mails = seen.iter().filter(|seen| seen.target == LEGACY_MAIL);
    mails.count()
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_changed_nothing_closes_no_breaker() {
    let bench = Bench::new("one take");
    for _ in 0..7 {
        let mail = LegacyMail {
            recipients: vec!["wrong@b".to_owned()],
            author: bench.ledger().to_owned(),
        };
        let entry = legacy_entry(bench.event(), mail, bench.bus.clock().now());
        bench.bus.accept_entry(entry).await.expect("accepted");
        pass(SECONDS / 10).await;
    }
    assert_eq!(mails_seen(&bench), 5, "the others wait for the breaker");
    for reload in 1..4 {
        bench.replace("one take");
        pass(SECONDS / 10).await;
        let seen = mails_seen(&bench);
        assert_eq!(seen, 5 + reload, "one probe, not all of them");
    }
}

/// A configuration whose only matcher is in force and cannot be used.
const MATCHER_IS_BAD: &str = "\nmatcher: default-matcher\n\tmatch-field bogus\n\ttarget one\n";

#[tokio::test(start_paused = true)]
async fn what_no_matcher_could_choose_for_waits_until_it_is_mended() {
    let bench = Bench::new("one take");
    bench.replace_all("one take", MATCHER_IS_BAD);
    let event = bench.event();
    let entry = notify_bus::entry(&bench.bus.engine(), event.clone(), bench.bus.clock().now());
    let accepted = bench.bus.accept(event).await.expect("accepted");
    assert_eq!(Accepted::of(&entry, Put::Stored), accepted);
    let waits = [(UNDECIDED.to_owned(), Standing::Pending)];
    assert_eq!(accepted.targets, waits);
    let why = accepted.undecided.expect("a reason");
    assert!(why.contains("`default-matcher` cannot be used"), "{why}");
    pass(MINUTES * 60 * 24).await;
    let job = bench.job(accepted.id, UNDECIDED).await;
    assert_eq!(job.state, JobState::Pending);
    assert_eq!(job.attempts[0].detail.as_deref(), Some(&*why));
    assert!(bench.seen().is_empty());
    // A reload that mends something else.
    bench.replace_all("one take\ntwo take", MATCHER_IS_BAD);
    pass(SECONDS).await;
    assert_eq!(
        bench.course(accepted.id, UNDECIDED).await.0,
        JobState::Pending
    );
    bench.replace("one take\ntwo take");
    pass(SECONDS).await;
    let job = bench.job(accepted.id, UNDECIDED).await;
    assert_eq!(job.state, JobState::Delivered, "not an hour later");
    let last = job.attempts.last().and_then(|last| last.reference.clone());
    let anew = last.expect("what it became").parse().expect("an id");
    for target in ["one", "two"] {
        assert_eq!(bench.course(anew, target).await.0, JobState::Delivered);
    }
    assert_eq!(
        bench.record(anew).await.event.content,
        bench.record(accepted.id).await.event.content
    );
    assert_eq!(bench.seen().len(), 2, "once each");
    let counts = bench.opened.spool.counts().await.expect("readable");
    assert!(counts.are_conserved() && counts.pending == 0, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_decided_anew_goes_out_once_though_it_could_not_be_recorded() {
    let (flaky, opened) = Flaky::new();
    let spool = opened.clone();
    let mut bench = Bench::idle("one take", opened);
    bench.begin();
    bench.replace_all("one take", MATCHER_IS_BAD);
    let event = bench.accept().await;
    pass(SECONDS).await;
    flaky.set(Fails::Settling);
    bench.replace("one take");
    pass(MINUTES).await;
    // The power goes, so to say.
    bench.stop().await;
    flaky.set(Fails::Nothing);
    let mut again = Bench::idle("one take", spool);
    again.begin();
    pass(MINUTES).await;
    assert_eq!(again.course(event, UNDECIDED).await.0, JobState::Delivered);
    let keys: std::collections::BTreeSet<_> = bench
        .seen()
        .into_iter()
        .chain(again.seen())
        .map(|seen| seen.key)
        .collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
}

#[tokio::test(start_paused = true)]
async fn a_matcher_that_is_switched_off_may_be_faulty() {
    let bench = Bench::new("one take");
    bench.replace_all("one take", &format!("{MATCHER_IS_BAD}\tdisable true\n"));
    let accepted = bench.bus.accept(bench.event()).await.expect("accepted");
    assert_eq!((accepted.targets, accepted.undecided), (Vec::new(), None));
}

#[tokio::test(start_paused = true)]
async fn what_the_spool_says_at_its_opening_is_reported() {
    let mut opened = MemorySpool::new().opened();
    opened.alarms = vec!["The spool was damaged and set aside.".to_owned()];
    let mut bench = Bench::idle("one take", opened);
    bench.begin();
    pass(SECONDS).await;
    assert_eq!(bench.reports().await, [("spool-damaged".to_owned(), None)]);
    assert_eq!(bench.seen().len(), 1, "it is routed like any other");
}
