//! How a daemon fares: what `status` answers, and what `/metrics` counts.

use notify_core::{Counts, TargetQueue};
use serde::{Serialize, Serializer};

/// How the daemon fares at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// The version of the daemon.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// This moment, in milliseconds since 1970-01-01 UTC.
    pub now_ms: i64,
    /// What keeps it from taking and delivering events. Empty when it is ready.
    pub problems: Vec<String>,
    /// Since it started.
    pub since_start: SinceStart,
    /// Deliveries that the spool has, and had.
    pub deliveries: Deliveries,
    /// The size of the spool on disk.
    pub spool_bytes: u64,
    /// That the spool fails, and since when.
    pub spool_trouble: Option<SpoolTrouble>,
    /// The targets of the configuration, by name.
    pub targets: Vec<TargetStatus>,
    /// What goes past the targets, by name: mails of the old way, and events that wait for a
    /// matcher to be mended.
    pub lanes: Vec<TargetStatus>,
    /// Targets with deliveries that the configuration does not have, by name.
    pub strangers: Vec<Queue>,
    /// What was counted for targets that the configuration did not have, together.
    pub strangers_since_start: TargetSinceStart,
}

/// That the spool fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SpoolTrouble {
    /// Since when.
    pub since_ms: i64,
    /// Why, as the last call that failed said.
    pub reason: String,
    /// Events that were refused since.
    pub refused: u64,
}

/// What was counted since the daemon started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SinceStart {
    /// Events that were accepted.
    pub accepted: u64,
    /// Events that had been accepted before.
    pub known: u64,
    /// Events that the spool could not take.
    pub refused: u64,
}

/// How many deliveries there are, those included that were swept away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Deliveries {
    /// All.
    pub accepted: u64,
    /// To be made or being made.
    pub pending: u64,
    /// Arrived.
    pub delivered: u64,
    /// Given up.
    pub dead: u64,
    /// Cancelled by a person.
    pub cancelled: u64,
}

/// How one target fares.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TargetStatus {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is switched off.
    pub disabled: bool,
    /// Why it cannot be used.
    pub unusable: Option<String>,
    /// Its breaker.
    pub breaker: Breaker,
    /// Until when a breaker that is open or rests lets nothing through.
    pub breaker_until_ms: Option<i64>,
    /// Failures in a row.
    pub failures: u32,
    /// Deliveries that are under way.
    pub in_flight: usize,
    /// What waits for it.
    #[serde(flatten)]
    pub queue: Queue,
    /// What was counted since the daemon started.
    pub since_start: TargetSinceStart,
}

/// Whether a target that keeps failing is left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Breaker {
    /// Everything goes out.
    #[default]
    Closed,
    /// Nothing goes out.
    Open,
    /// Nothing goes out, because the target asked for it.
    Resting,
    /// One delivery goes out as a probe.
    HalfOpen,
}

/// What waits for one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Queue {
    /// The target.
    pub name: String,
    /// Deliveries to be made or being made.
    pub pending: u64,
    /// Deliveries that were given up.
    pub dead: u64,
    /// When the oldest pending one was accepted.
    pub oldest_ms: Option<i64>,
    /// When the next attempt may be made.
    pub next_ms: Option<i64>,
}

/// What was counted for a target since the daemon started.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TargetSinceStart {
    /// Deliveries that arrived.
    pub delivered: u64,
    /// Deliveries that were given up.
    pub dead: u64,
    /// Attempts by the name of their outcome.
    #[serde(serialize_with = "as_object")]
    pub attempts: Vec<(&'static str, u64)>,
    /// How long attempts took.
    #[serde(skip)]
    pub durations: Durations,
}

/// How long attempts took, in classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durations {
    /// The upper bound of a class in seconds, and how many are in it and in no lower one.
    pub classes: Vec<(f64, u64)>,
    /// All of them.
    pub count: u64,
    /// All of them together, in seconds.
    pub sum: f64,
}

fn as_object<S: Serializer>(
    attempts: &[(&'static str, u64)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(attempts.iter().copied())
}

impl From<Counts> for Deliveries {
    fn from(counts: Counts) -> Self {
        Deliveries {
            accepted: counts.accepted,
            pending: counts.pending,
            delivered: counts.delivered,
            dead: counts.dead,
            cancelled: counts.cancelled,
        }
    }
}

impl From<&TargetQueue> for Queue {
    fn from(queue: &TargetQueue) -> Self {
        Queue {
            name: queue.target.clone(),
            pending: queue.pending,
            dead: queue.dead,
            oldest_ms: queue.oldest.map(|oldest| oldest.0),
            next_ms: queue.next.map(|next| next.0),
        }
    }
}
