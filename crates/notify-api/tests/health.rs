//! The status of a bus that works a spool.

mod exposition;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify_api::bus_status;
use notify_api::http::{Health, router, serve};
use notify_api::status::{Breaker, Status};
use notify_bus::{
    Bus, Engine, LEGACY_MAIL, Settings, SpoolClock, UNDECIDED, legacy_entry, schemas,
};
use notify_config::{Configuration, Files};
use notify_core::{
    Attempt, Entry, EventId, Failure, LegacyMail, Millis, NewJob, Notification, PlainHost, Receipt,
    Registry, SpoolError, Target, TargetType, Zone, async_trait,
};
use notify_render::Templates;
use notify_schema::{Fault, Fields};
use notify_testkit::Delivery;
use notify_testkit::spool::MemorySpool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

/// Takes everything.
static SHELF: TargetType = TargetType::new("shelf", "Shelf", shelf).manual("# shelf\n");
/// Takes nothing, and may later.
static WALL: TargetType = TargetType::new("wall", "Wall", wall).manual("# wall\n");

#[derive(Debug)]
struct Takes(bool);

#[async_trait]
impl Target for Takes {
    async fn deliver(&self, _: &Notification, _: &Attempt<'_>) -> Result<Receipt, Failure> {
        match self.0 {
            true => Ok(Receipt::default()),
            false => Err(Failure::unavailable("it is full")),
        }
    }
}

fn shelf(_: &Fields) -> Result<Arc<dyn Target>, Vec<Fault>> {
    Ok(Arc::new(Takes(true)))
}

fn wall(_: &Fields) -> Result<Arc<dyn Target>, Vec<Fault>> {
    Ok(Arc::new(Takes(false)))
}

const CONFIGURATION: &str = "\
shelf: books

shelf: idle
\tdisable 1

wall: north
\tretry-min-interval 1h

matcher: all
\ttarget books
\ttarget idle
\ttarget north
\ttarget gone

matcher: default-matcher
\tdisable 1
";

fn bus() -> Bus {
    let registry = Registry::of([&SHELF, &WALL]).expect("two names");
    let files = Files::of(CONFIGURATION, "", "");
    let configuration = Configuration::assemble(&files, &schemas(&registry));
    let host = Arc::new(PlainHost::named("pve1"));
    let engine = Engine::assemble(
        &configuration,
        &registry,
        host,
        Templates::linked(),
        Zone::Local,
    );
    Bus::new(
        &MemorySpool::new().opened(),
        Arc::new(engine),
        registry,
        Settings::of(&configuration),
        Arc::new(SpoolClock::of_process(Zone::Local)),
    )
}

/// A bus, and the folder of its spool.
#[derive(Clone, Debug)]
struct Watched(Bus, PathBuf);

#[async_trait]
impl Health for Watched {
    async fn status(&self) -> Result<Status, SpoolError> {
        bus_status(&self.0, &self.1, Vec::new()).await
    }
}

/// The status when this holds.
async fn once(health: &Watched, holds: impl Fn(&Status) -> bool) -> Status {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            let status = health.status().await.expect("readable");
            if holds(&status) {
                return status;
            }
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("it comes to hold")
}

#[tokio::test]
async fn a_status_tells_how_targets_and_queues_stand() {
    let bus = bus();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("spool.db"), [0; 100]).expect("room");
    std::fs::write(folder.path().join("spool.db-wal"), [0; 11]).expect("room");
    let stop = CancellationToken::new();
    let health = Watched(bus.clone(), folder.path().to_owned());

    let work = tokio::spawn({
        let (bus, stop) = (bus.clone(), stop.clone());
        async move { bus.work(stop).await }
    });
    let event = Delivery::new("Disk is full", "0 bytes left").notification;
    bus.accept(event.clone()).await.expect("room");
    bus.accept(event).await.expect("room");
    let attempted = |status: &Status| {
        let north = status
            .targets
            .iter()
            .find(|target| target.queue.name == "north");
        let north = north.expect("configured");
        let is_put_off = north.queue.next_ms > north.queue.oldest_ms;
        status.deliveries.delivered == 1 && north.failures == 1 && is_put_off
    };
    let status = once(&health, attempted).await;

    check_counts(&status);
    check_targets(&status);
    check_json(&status);

    stop.cancel();
    work.await.expect("no panic").expect("it ends well");
    let told = vec!["the daemon stops".to_owned()];
    let status = bus_status(&bus, folder.path(), told.clone()).await;
    assert_eq!(status.expect("readable").problems, told);
}

fn check_counts(status: &Status) {
    assert_eq!(
        (status.since_start.accepted, status.since_start.known),
        (1, 1)
    );
    let deliveries = &status.deliveries;
    let counts = (
        deliveries.accepted,
        deliveries.delivered,
        deliveries.pending,
    );
    assert_eq!(counts, (3, 1, 2));
    assert_eq!(
        (status.spool_bytes, status.problems.as_slice()),
        (111, [].as_slice())
    );
}

fn check_targets(status: &Status) {
    let names: Vec<_> = status
        .targets
        .iter()
        .map(|target| target.queue.name.as_str())
        .collect();
    assert_eq!(names, ["books", "idle", "north"]);
    let [books, idle, north] = status.targets.as_slice() else {
        unreachable!("three names")
    };
    assert_eq!(
        (books.kind.as_str(), books.since_start.delivered),
        ("shelf", 1)
    );
    assert!(idle.disabled && !books.disabled);
    assert_eq!((north.failures, north.breaker), (1, Breaker::Closed));
    assert_eq!((north.queue.pending, north.since_start.dead), (1, 0));
    assert!(north.since_start.attempts.contains(&("unavailable", 1)));
    assert!(books.since_start.attempts.contains(&("unavailable", 0)));
    assert_eq!(
        (
            status.strangers[0].name.as_str(),
            status.strangers[0].pending
        ),
        ("gone", 1)
    );
}

fn check_json(status: &Status) {
    let json = serde_json::to_value(status).expect("JSON");
    assert_eq!(json["targets"][2]["name"], "north");
    assert_eq!(json["targets"][2]["breaker"], "closed");
    assert_eq!(
        json["targets"][2]["since-start"]["attempts"]["unavailable"],
        1
    );
}

#[tokio::test]
async fn what_goes_past_the_targets_has_a_lane_and_is_no_stranger() {
    let bus = bus();
    let health = Watched(bus.clone(), "/nowhere".into());
    let before = health.status().await.expect("readable");
    let names = |status: &Status| -> Vec<String> {
        let lanes = status.lanes.iter();
        lanes.map(|lane| lane.queue.name.clone()).collect()
    };
    assert_eq!(names(&before), [UNDECIDED, LEGACY_MAIL]);
    let mail = LegacyMail {
        recipients: vec!["a@example.org".to_owned()],
        author: "a".to_owned(),
    };
    let event = Delivery::new("backup", "done").notification;
    let entry = legacy_entry(event, mail, Millis(0));
    bus.accept_entry(entry).await.expect("room");
    let mut entry = waits_for("@undecided");
    entry.event.id = EventId::from_bytes([9; 16]);
    bus.accept_entry(entry).await.expect("room");
    let after = health.status().await.expect("readable");
    let told: Vec<_> = after
        .lanes
        .iter()
        .map(|lane| (&*lane.kind, lane.queue.pending))
        .collect();
    // No type of this registry sends such mails.
    assert_eq!(told, [("undecided", 1), ("legacy-mail", 1)]);
    assert_eq!((names(&after), after.strangers), (names(&before), vec![]));
}

/// An event that one target waits for since 1970.
fn waits_for(target: &str) -> Entry {
    Entry {
        event: Delivery::new("Disk is full", "0 bytes left").notification,
        trace: "{}".to_owned(),
        jobs: vec![NewJob::first(target, Millis(0))],
        accepted: Millis(0),
        legacy: None,
    }
}

#[tokio::test]
async fn the_documented_alerts_tell_of_what_was_given_up_for_any_target() {
    let page = include_str!("../../../docs/reference/metrics.md");
    let (_, rules) = page.split_once("```yaml").expect("rules");
    let (rules, _) = rules.split_once("```").expect("an end");
    for (target, fires) in [
        // Missing, refused, and one that takes it.
        ("gone", true),
        ("north", true),
        ("books", false),
    ] {
        let bus = bus();
        let stop = CancellationToken::new();
        let health = Watched(bus.clone(), "/nowhere".into());
        let before = scraped(&health).await;
        assert_eq!(
            exposition::firing(rules, &before, &before),
            [""; 0],
            "{target}"
        );
        bus.accept_entry(waits_for(target)).await.expect("room");
        let work = tokio::spawn({
            let (bus, stop) = (bus.clone(), stop.clone());
            async move { bus.work(stop).await }
        });
        // Given up at once: it is older than `retry-max-age`. Then there is a report on that.
        once(&health, |status| {
            status.deliveries.dead + status.deliveries.delivered > 0
        })
        .await;
        stop.cancel();
        work.await.expect("no panic").expect("it ends well");
        let after = scraped(&health).await;
        let expected: &[&str] = if fires {
            &["NotificationsGivenUp"]
        } else {
            &[]
        };
        assert_eq!(
            exposition::firing(rules, &before, &after),
            expected,
            "{target}"
        );
    }
}

#[tokio::test]
async fn what_the_spool_refuses_is_told_until_it_heals() {
    let folder = tempfile::tempdir().expect("a folder");
    let health = Watched(bus(), folder.path().to_owned());
    // The same event to one target twice is what no spool stores: that is no fault of the spool.
    let mut unfit = waits_for("books");
    unfit.jobs.extend(unfit.jobs.clone());
    health.0.accept_entry(unfit).await.expect_err("unfit");
    let status = health.status().await.expect("readable");
    assert_eq!((status.problems, status.spool_trouble), (vec![], None));
    assert_eq!(status.since_start.refused, 1);
}

/// What `/metrics` answers.
async fn scraped(health: &Watched) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/metrics", listener.local_addr().expect("bound"));
    let router = router(Arc::new(health.clone()));
    let serving = tokio::spawn(serve(listener, router, stop.clone()));
    let client = reqwest::Client::builder().no_proxy().build();
    let response = client.expect("a client").get(url).send().await;
    let text = response.expect("an answer").text().await.expect("a text");
    exposition::check(&text).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    stop.cancel();
    serving.await.expect("no panic");
    text
}

#[tokio::test]
async fn a_spool_that_cannot_be_written_is_a_problem() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("room");
    // Root may write anything but what is no folder.
    let below = file.join("spool");
    let health = Watched(bus(), below);
    let problems = health.status().await.expect("readable").problems;
    assert!(problems[0].contains("cannot be written"), "{problems:?}");
}

#[tokio::test]
async fn the_metrics_of_a_bus_keep_the_rules() {
    let bus = bus();
    let event = Delivery::new("Disk is full", "0 bytes left").notification;
    bus.accept(event).await.expect("room");
    let text = scraped(&Watched(bus, "/nowhere".into())).await;
    for line in [
        "notify_events_accepted_total 1",
        "notify_deliveries{state=\"pending\"} 3",
        "notify_queue_pending{target=\"north\"} 1",
        "notify_queue_pending{target=\"(other)\"} 1",
        "notify_queue_pending{target=\"legacy-mail\"} 0",
        "notify_attempts_total{target=\"books\",outcome=\"uncertain\"} 0",
        "notify_attempt_duration_seconds_bucket{target=\"books\",le=\"30\"} 0",
        "notify_target_disabled{target=\"idle\"} 1",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
}
