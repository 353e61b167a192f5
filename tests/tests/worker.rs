//! The worker in this process, with a spool on disk, and servers that speak the protocols.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use notify_bus::{Bus, Engine, Settings, SpoolClock};
use notify_config::{Configuration, Files};
use notify_core::{
    Content, EventId, JobState, Notification, OpenFor, Opened, PlainHost, Registry, Severity,
    SpoolPlace, Zone,
};
use notify_render::Templates;
use notify_testkit::smtp::{Answer, Options, Server, Step};
use notify_testkit::{gotify, misbehaving};
use notify_tests::sections::all_to;
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

fn opened(folder: &TempDir) -> Opened {
    let place = SpoolPlace {
        folder: folder.path().join("spool"),
        purpose: OpenFor::Work,
    };
    (spool_sqlite::SQLITE.open)(&place).expect("a fresh spool")
}

fn bus(opened: &Opened, public: &str, private: &str) -> Bus {
    let registry = Registry::of([&target_smtp::SMTP, &target_gotify::GOTIFY]).expect("two types");
    let files = Files::of(public, private, "");
    let configuration = Configuration::assemble(&files, &notify_bus::schemas(&registry));
    let host = Arc::new(PlainHost::named("pve1"));
    let engine = Engine::assemble(
        &configuration,
        &registry,
        host,
        Templates::linked(),
        Zone::Local,
    );
    let clock = Arc::new(SpoolClock::of_process(Zone::Local));
    let settings = Settings::of(&configuration);
    Bus::new(opened, Arc::new(engine), registry, settings, clock)
}

fn event(number: u8) -> Notification {
    Notification {
        id: EventId::new(std::time::SystemTime::UNIX_EPOCH, [number; 10]),
        severity: Severity::Error,
        timestamp: 0,
        fields: BTreeMap::new(),
        content: Content::Template {
            name: "message".to_owned(),
            data: json!({"title": "Disk full", "text": "/var"}),
        },
    }
}

/// A worker that is stopped at the end.
async fn at_work<T>(bus: &Bus, test: impl Future<Output = T>) -> T {
    let stop = CancellationToken::new();
    let work = bus.work(stop.clone());
    let test = async {
        let result = test.await;
        stop.cancel();
        result
    };
    let (worked, result) = tokio::join!(work, test);
    worked.expect("a spool that works");
    result
}

/// Waits until a delivery is over.
async fn over(opened: &Opened, event: EventId, target: &str) -> notify_core::JobRecord {
    let far = Instant::now() + Duration::from_secs(60);
    loop {
        let record = opened.history.event(event).await.expect("readable");
        let jobs = record.expect("it was accepted").jobs;
        let job = jobs.into_iter().find(|job| job.target == target);
        let job = job.expect("a delivery to this target");
        if job.state != JobState::Pending || Instant::now() > far {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn only_the_recipient_that_was_put_off_gets_a_second_mail() {
    let is_new = AtomicBool::new(true);
    let options = Options::plain()
        .to_recipient("gone@example.com", (550, "no such user"))
        .judged(move |asked| {
            let grey = asked.step == Step::Rcpt && asked.recipient == Some("grey@example.com");
            (grey && is_new.swap(false, Ordering::Relaxed))
                .then(|| Answer::from((451, "come again")))
        });
    let server = Server::start(options);
    let relay = format!(
        "smtp: relay\n\tserver localhost\n\tport {}\n\tmode insecure\n\
         \tfrom-address a@example.com\n\tmailto ok@example.com\n\tmailto grey@example.com\n\
         \tmailto gone@example.com\n\tretry-min-interval 1s\n",
        server.port()
    );
    let folder = TempDir::new().expect("a folder");
    let opened = opened(&folder);
    let bus = bus(&opened, &(relay + &all_to(&["relay"])), "");
    let job = at_work(&bus, async {
        let id = bus.accept(event(1)).await.expect("accepted").id;
        over(&opened, id, "relay").await
    })
    .await;
    assert_eq!(job.state, JobState::Delivered);
    let outcomes: Vec<_> = job
        .attempts
        .iter()
        .map(|attempt| attempt.outcome.name())
        .collect();
    assert_eq!(outcomes, ["partial", "delivered"]);
    let messages = server.messages();
    let recipients: Vec<_> = messages
        .iter()
        .map(|message| &message.recipients[..])
        .collect();
    assert_eq!(recipients, [["ok@example.com"], ["grey@example.com"]]);
    let ids: Vec<_> = messages
        .iter()
        .map(|message| message_id(&message.text()))
        .collect();
    assert_eq!(ids[0], ids[1], "a reader who gets both sees one");
    assert!(ids[0].contains(&job.key), "{ids:?}");
}

fn message_id(mail: &str) -> String {
    let line = mail.lines().find(|line| line.starts_with("Message-ID:"));
    line.expect("every mail has one").to_owned()
}

#[tokio::test]
async fn a_server_that_says_nothing_delays_no_other() {
    let silent = misbehaving::Server::start(misbehaving::silent());
    let push = gotify::Server::start(gotify::Options::token("A.token"));
    let public = format!(
        "gotify: silent\n\tserver http://{}\n\ngotify: push\n\tserver {}\n{}",
        silent.addr(),
        push.url(),
        all_to(&["silent", "push"])
    );
    let private = "gotify: silent\n\ttoken A.token\n\ngotify: push\n\ttoken A.token\n";
    let folder = TempDir::new().expect("a folder");
    let opened = opened(&folder);
    let bus = bus(&opened, &public, private);
    let stop = CancellationToken::new();
    let work = tokio::spawn({
        let (bus, stop) = (bus.clone(), stop.clone());
        async move { bus.work(stop).await }
    });
    for number in 0..50 {
        bus.accept(event(number)).await.expect("accepted");
    }
    for number in 0..50 {
        let job = over(&opened, event(number).id, "push").await;
        assert_eq!(job.state, JobState::Delivered);
    }
    let queues = opened.spool.targets().await.expect("readable");
    let pending = |target: &str| {
        let queue = queues.iter().find(|queue| queue.target == target);
        queue.map_or(0, |queue| queue.pending)
    };
    assert_eq!((pending("silent"), pending("push")), (50, 0));
    let counts = opened.spool.counts().await.expect("readable");
    assert!(counts.are_conserved(), "{counts:?}");
    assert_eq!(push.messages().len(), 50);
    // A stop would wait for the silent one; the end of this runtime does not.
    work.abort();
}
