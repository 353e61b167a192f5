//! A bus on a spool in memory, with targets that do what their section says, in time that tests turn.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use notify_bus::{Bus, Clock, Engine, Moment, Settings};
use notify_config::{Configuration, Files};
use notify_core::{
    Attempt, Content, EventId, EventRecord, Failure, JobRecord, JobState, LegacyMail, Millis,
    Notification, Opened, Outcome, PlainHost, Receipt, Registry, Severity, Target, TargetType,
    Zone, async_trait,
};
use notify_render::Templates;
use notify_schema::{Fault, Fields, Kind, Property};
use notify_testkit::spool::MemorySpool;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A target that does what its section says, attempt by attempt; the last act goes on.
#[derive(Debug)]
struct Puppet {
    acts: Vec<String>,
    ledger: String,
}

/// An attempt that a puppet saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) target: String,
    pub(crate) key: String,
    pub(crate) number: u32,
    pub(crate) recipients: Option<Vec<String>>,
}

static ACTS: Property =
    Property::default("acts", Kind::text(), "take", "What it does.").example("fail,take");
static LEDGER: Property =
    Property::required("ledger", Kind::text(), "Where it writes what it saw.").example("1");
static PUPPET: TargetType =
    TargetType::new("puppet", "Puppet", build).properties(&[&ACTS, &LEDGER]);
static LETTER: TargetType = TargetType::new("letter", "Letter", build)
    .properties(&[&ACTS, &LEDGER])
    .legacy(|mail: LegacyMail| {
        let wrong = mail.recipients.iter().any(|to| to.starts_with("wrong"));
        let act = if wrong { "wrong" } else { "take" };
        Arc::new(Puppet {
            acts: vec![act.to_owned()],
            ledger: mail.author,
        })
    });

// Sections are built from text alone, so what their targets saw is found by a name that no two
// benches share.
static LEDGERS: Mutex<BTreeMap<String, Vec<Seen>>> = Mutex::new(BTreeMap::new());
static BENCHES: AtomicU64 = AtomicU64::new(0);

fn build(fields: &Fields) -> Result<Arc<dyn Target>, Vec<Fault>> {
    let text = |name| fields.text(name).unwrap_or_default();
    if text("acts") == "bad" {
        return Err(vec![fields.fault("acts", "it is bad")]);
    }
    Ok(Arc::new(Puppet {
        acts: text("acts").split(',').map(str::to_owned).collect(),
        ledger: text("ledger").to_owned(),
    }))
}

impl Puppet {
    fn note(&self, attempt: &Attempt<'_>) {
        let (_, target) = attempt.key.split_once('.').unwrap_or_default();
        let seen = Seen {
            target: target.to_owned(),
            key: attempt.key.to_owned(),
            number: attempt.number,
            recipients: attempt.recipients.map(<[String]>::to_vec),
        };
        let mut ledgers = LEDGERS.lock().unwrap_or_else(PoisonError::into_inner);
        ledgers.entry(self.ledger.clone()).or_default().push(seen);
    }
}

#[async_trait]
impl Target for Puppet {
    async fn deliver(&self, _: &Notification, attempt: &Attempt<'_>) -> Result<Receipt, Failure> {
        self.note(attempt);
        let place = usize::try_from(attempt.number - 1).unwrap_or(usize::MAX);
        let act = self.acts.get(place).or(self.acts.last());
        match act.map(String::as_str).unwrap_or_default() {
            "hang" => std::future::pending().await,
            "panic" => panic!("a fault of the plugin"),
            "slow" => tokio::time::sleep(Duration::from_secs(3)).await,
            "fail" => return Err(Failure::unavailable("not now")),
            "later" => return Err(Failure::unavailable("not now").retry_after(MINUTES * 20)),
            "silent" => return Err(Failure::uncertain("no answer")),
            "no" => return Err(Failure::rejected("never")),
            "wrong" => return Err(Failure::misconfigured("no such host")),
            "half" => {
                let refused = vec![
                    ("gone@a".to_owned(), Failure::rejected("unknown")),
                    ("grey@a".to_owned(), Failure::unavailable("greylisted")),
                ];
                return Ok(Receipt {
                    refused,
                    ..Receipt::default()
                });
            }
            _ => {}
        }
        Ok(Receipt::with_reference(attempt.message.subject()?))
    }
}

pub(crate) const SECONDS: Duration = Duration::from_secs(1);
pub(crate) const MINUTES: Duration = Duration::from_secs(60);

/// Goes as the runtime's time goes.
#[derive(Debug)]
struct PausedClock(tokio::time::Instant);

impl Clock for PausedClock {
    fn now(&self) -> Millis {
        Millis(1_704_700_800_000).plus(self.0.elapsed())
    }

    fn moment(&self) -> Moment {
        Moment {
            instant: tokio::time::Instant::now().into_std(),
            wall: Zone::Local.at(self.now().seconds()),
        }
    }
}

pub(crate) struct Bench {
    pub(crate) bus: Bus,
    pub(crate) opened: Opened,
    ledger: String,
    clock: Arc<PausedClock>,
    events: AtomicU64,
    stop: CancellationToken,
    worker: Option<JoinHandle<Result<(), notify_core::SpoolError>>>,
}

impl Bench {
    /// A bus that works, with these targets: `NAME ACTS`, a line each, and `TYPE` where it is not a puppet;
    /// more lines of their sections begin with a blank. Every event goes to all of them.
    pub(crate) fn new(targets: &str) -> Bench {
        let mut bench = Bench::idle(targets, MemorySpool::new().opened());
        bench.begin();
        bench
    }

    /// The same on a given spool, not yet at work.
    pub(crate) fn idle(targets: &str, opened: Opened) -> Bench {
        let clock = PausedClock(tokio::time::Instant::now());
        Bench::timed(targets, opened, Arc::new(clock))
    }

    /// The next bus on the spool of this one, not yet at work.
    pub(crate) fn next(&self, targets: &str) -> Bench {
        Bench::timed(targets, self.opened.clone(), Arc::clone(&self.clock))
    }

    fn timed(targets: &str, opened: Opened, clock: Arc<PausedClock>) -> Bench {
        let number = BENCHES.fetch_add(1, Ordering::Relaxed);
        let ledger = number.to_string();
        let (engine, settings) = configured(targets, &ledger, "");
        let by = Arc::clone(&clock) as Arc<dyn Clock>;
        Bench {
            bus: Bus::new(&opened, engine, registry(), settings, by),
            opened,
            ledger,
            clock,
            // No event of one bench has the id of one of another.
            events: AtomicU64::new(number << 32),
            stop: CancellationToken::new(),
            worker: None,
        }
    }

    pub(crate) fn begin(&mut self) {
        let (bus, stop) = (self.bus.clone(), self.stop.clone());
        self.worker = Some(tokio::spawn(async move { bus.work(stop).await }));
    }

    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        let worker = self.worker.take().expect("it is at work");
        worker.await.expect("no panic").expect("it worked");
    }

    /// Other targets, or the same with other acts.
    pub(crate) fn replace(&self, targets: &str) {
        let (engine, settings) = configured(targets, &self.ledger, "");
        self.bus.replace(engine, settings);
    }

    /// Other targets and other matchers.
    pub(crate) fn replace_all(&self, targets: &str, matchers: &str) {
        let (engine, settings) = assembled(targets, &self.ledger, "", matchers);
        self.bus.replace(engine, settings);
    }

    /// Accepts an event, and says which it is.
    pub(crate) async fn accept(&self) -> EventId {
        let event = self.event();
        self.bus.accept(event).await.expect("accepted").id
    }

    pub(crate) fn event(&self) -> Notification {
        let number = self.events.fetch_add(1, Ordering::Relaxed);
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.to_be_bytes());
        Notification {
            id: EventId::new(UNIX_EPOCH, random),
            severity: Severity::Error,
            timestamp: 0,
            fields: BTreeMap::from([("type".to_owned(), "test".to_owned())]),
            content: Content::Template {
                name: "message".to_owned(),
                data: json!({"title": "Disk full", "text": "/var"}),
            },
        }
    }

    pub(crate) fn ledger(&self) -> &str {
        &self.ledger
    }

    /// What the targets saw so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let ledgers = LEDGERS.lock().unwrap_or_else(PoisonError::into_inner);
        ledgers.get(&self.ledger).cloned().unwrap_or_default()
    }

    pub(crate) async fn record(&self, event: EventId) -> EventRecord {
        let record = self.opened.history.event(event).await;
        record.expect("readable").expect("it was accepted")
    }

    pub(crate) async fn job(&self, event: EventId, target: &str) -> JobRecord {
        let jobs = self.record(event).await.jobs;
        let job = jobs.into_iter().find(|job| job.target == target);
        job.expect("a delivery to this target")
    }

    /// The state and the outcomes of a delivery.
    pub(crate) async fn course(
        &self,
        event: EventId,
        target: &str,
    ) -> (JobState, Vec<&'static str>) {
        let job = self.job(event, target).await;
        let outcomes = job
            .attempts
            .iter()
            .map(|attempt| Outcome::name(attempt.outcome));
        (job.state, outcomes.collect())
    }

    /// The events that the system sent about itself: cause and target.
    pub(crate) async fn reports(&self) -> Vec<(String, Option<String>)> {
        let query = notify_core::HistoryQuery {
            kind: Some("notification-system".to_owned()),
            ..Default::default()
        };
        let events = self.opened.history.events(&query).await.expect("readable");
        let mut reports = Vec::new();
        for event in events.iter().rev() {
            let fields = self.record(event.id).await.event.fields;
            reports.push((fields["cause"].clone(), fields.get("target").cloned()));
        }
        reports
    }
}

/// Time passes, and what is due in it happens.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

fn registry() -> Registry {
    Registry::of([&PUPPET, &LETTER]).expect("two types")
}

fn configured(targets: &str, ledger: &str, overlay: &str) -> (Arc<Engine>, Settings) {
    let names = targets.lines().filter(|line| !line.starts_with(' '));
    let names = names.filter_map(|line| line.trim_end().split_once(' '));
    let chosen: String = names
        .map(|(name, _)| format!("\ttarget {name}\n"))
        .collect();
    let matchers = format!("\nmatcher: default-matcher\n{chosen}");
    assembled(targets, ledger, overlay, &matchers)
}

fn assembled(
    targets: &str,
    ledger: &str,
    overlay: &str,
    matchers: &str,
) -> (Arc<Engine>, Settings) {
    let mut public = String::new();
    for line in targets
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
    {
        match line.trim_start().split_once(' ') {
            Some((name, acts)) if !line.starts_with(' ') => {
                public.push_str(&format!(
                    "\npuppet: {name}\n\tledger {ledger}\n\tacts {acts}\n"
                ));
            }
            _ => public.push_str(&format!("\t{}\n", line.trim_start())),
        }
    }
    public.push_str(matchers);
    let registry = registry();
    let files = Files::of(&public, "", overlay);
    let configuration = Configuration::assemble(&files, &notify_bus::schemas(&registry));
    let host = Arc::new(PlainHost::named("pve1"));
    let engine = Engine::assemble(
        &configuration,
        &registry,
        host,
        Templates::linked(),
        Zone::Local,
    );
    (Arc::new(engine), Settings::of(&configuration))
}
