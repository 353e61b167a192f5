//! The status of a bus that works a spool.

mod exposition;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify_api::bus_status;
use notify_api::http::{Health, router, serve};
use notify_api::status::{Breaker, Status};
use notify_bus::{Bus, Engine, LEGACY_MAIL, Settings, SpoolClock, legacy_entry, schemas};
use notify_config::{Configuration, Files};
use notify_core::{
    Attempt, Failure, LegacyMail, Millis, Notification, PlainHost, Receipt, Registry, SpoolError,
    Target, TargetType, Zone, async_trait,
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

    let json = serde_json::to_value(&status).expect("JSON");
    assert_eq!(json["targets"][2]["name"], "north");
    assert_eq!(json["targets"][2]["breaker"], "closed");
    assert_eq!(
        json["targets"][2]["since-start"]["attempts"]["unavailable"],
        1
    );

    stop.cancel();
    work.await.expect("no panic").expect("it ends well");
    let told = vec!["the daemon stops".to_owned()];
    let status = bus_status(&bus, folder.path(), told.clone()).await;
    assert_eq!(status.expect("readable").problems, told);
}

#[tokio::test]
async fn mails_of_the_old_way_are_counted_under_their_name() {
    let bus = bus();
    let health = Watched(bus.clone(), "/nowhere".into());
    let before = health.status().await.expect("readable");
    assert_eq!(before.targets.len(), 3);
    let mail = LegacyMail {
        recipients: vec!["a@example.org".to_owned()],
        author: "a".to_owned(),
    };
    let event = Delivery::new("backup", "done").notification;
    let entry = legacy_entry(event, mail, Millis(0));
    bus.accept_entry(entry).await.expect("room");
    let after = health.status().await.expect("readable");
    let last = &after.targets.last().expect("a target").queue;
    assert_eq!((last.name.as_str(), last.pending), (LEGACY_MAIL, 1));
    assert_eq!(after.strangers, []);
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
    let _ = rustls::crypto::ring::default_provider().install_default();
    let bus = bus();
    let event = Delivery::new("Disk is full", "0 bytes left").notification;
    bus.accept(event).await.expect("room");
    let stop = CancellationToken::new();
    let health = Arc::new(Watched(bus, "/nowhere".into()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/metrics", listener.local_addr().expect("bound"));
    let serving = tokio::spawn(serve(listener, router(health), stop.clone()));
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let response = client.get(url).send().await.expect("an answer");
    let text = response.text().await.expect("a text");
    exposition::check(&text).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    for line in [
        "notify_events_accepted_total 1",
        "notify_deliveries{state=\"pending\"} 3",
        "notify_queue_pending{target=\"north\"} 1",
        "notify_queue_pending{target=\"(other)\"} 1",
        "notify_attempts_total{target=\"books\",outcome=\"uncertain\"} 0",
        "notify_attempt_duration_seconds_bucket{target=\"books\",le=\"30\"} 0",
        "notify_target_disabled{target=\"idle\"} 1",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
    stop.cancel();
    serving.await.expect("no panic");
}
