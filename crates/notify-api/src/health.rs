//! How a bus and its spool fare, as one status.

use std::collections::BTreeMap;
use std::path::Path;

use notify_bus::{BreakerState, Bus, Gauges, LEGACY_MAIL, SECONDS, TargetGauges};
use notify_core::{FailureKind, Outcome, SpoolError, TargetQueue};
use rustix::fs::{Access, access};

use crate::status::{
    Breaker, Deliveries, Durations, Queue, SinceStart, Status, TargetSinceStart, TargetStatus,
};

/// How an attempt can end: series begin at zero and not when it first happens.
const OUTCOMES: [Outcome; 7] = [
    Outcome::Delivered,
    Outcome::Partial,
    Outcome::CutOff,
    Outcome::Failed(FailureKind::Misconfigured),
    Outcome::Failed(FailureKind::Rejected),
    Outcome::Failed(FailureKind::Unavailable),
    Outcome::Failed(FailureKind::Uncertain),
];

/// How a bus and its spool fare now; `folder` holds the spool and nothing else.
///
/// `problems` are those that only the caller knows; what is wrong with bus and spool is added.
///
/// # Errors
/// When the spool cannot be read.
pub async fn bus_status(
    bus: &Bus,
    folder: &Path,
    mut problems: Vec<String>,
) -> Result<Status, SpoolError> {
    let spool = &bus.opened().spool;
    let counts = spool.counts().await?;
    let mut queues = Queues::of(&spool.targets().await?);
    let gauges = bus.gauges();
    problems.extend(spool_problems(&gauges, folder));
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        now_ms: bus.clock().now().0,
        problems,
        since_start: SinceStart {
            accepted: gauges.accepted,
            known: gauges.known,
        },
        deliveries: Deliveries::from(counts),
        spool_bytes: bytes(folder),
        targets: targets(bus, &gauges, &mut queues),
        strangers: queues.0.into_values().collect(),
    })
}

fn spool_problems(gauges: &Gauges, folder: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    if gauges.spool_fails {
        problems.push("the spool fails at the moment".to_owned());
    }
    // A spool in memory has no folder, so it cannot be in the way.
    match access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(error) => {
            let shown = folder.display();
            problems.push(format!("{shown} cannot be written: {error}"));
        }
    }
    problems
}

/// The files of the spool, which lie side by side.
fn bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    let sizes = files.filter_map(|file| file.ok()?.metadata().ok());
    sizes.map(|metadata| metadata.len()).sum()
}

fn targets(bus: &Bus, gauges: &Gauges, queues: &mut Queues) -> Vec<TargetStatus> {
    let counted = |name: &str| gauges.targets.iter().find(|target| target.name == name);
    let configured = bus.status().into_iter().map(|target| {
        let (breaker, breaker_until_ms) = match target.breaker {
            BreakerState::Closed => (Breaker::Closed, None),
            BreakerState::Open { until } => (Breaker::Open, Some(until.0)),
            BreakerState::Resting { until } => (Breaker::Resting, Some(until.0)),
            BreakerState::HalfOpen => (Breaker::HalfOpen, None),
        };
        TargetStatus {
            kind: target.kind,
            disabled: target.disabled,
            unusable: target.unusable,
            breaker,
            breaker_until_ms,
            failures: target.failures,
            in_flight: target.in_flight,
            since_start: since_start(counted(&target.name)),
            queue: queues.take(target.name),
        }
    });
    let mut targets: Vec<_> = configured.collect();
    let is_known = targets
        .iter()
        .any(|target| target.queue.name == LEGACY_MAIL);
    let legacy = counted(LEGACY_MAIL);
    if !is_known && (legacy.is_some() || queues.0.contains_key(LEGACY_MAIL)) {
        targets.push(TargetStatus {
            kind: LEGACY_MAIL.to_owned(),
            since_start: since_start(legacy),
            queue: queues.take(LEGACY_MAIL.to_owned()),
            ..TargetStatus::default()
        });
    }
    targets
}

/// The queues that no target has yet, by name.
struct Queues(BTreeMap<String, Queue>);

impl Queues {
    fn of(queues: &[TargetQueue]) -> Self {
        let named = |queue: &TargetQueue| (queue.target.clone(), Queue::from(queue));
        Queues(queues.iter().map(named).collect())
    }

    fn take(&mut self, name: String) -> Queue {
        self.0.remove(&name).unwrap_or_else(|| Queue {
            name,
            ..Queue::default()
        })
    }
}

fn since_start(gauges: Option<&TargetGauges>) -> TargetSinceStart {
    let none = TargetGauges::default();
    let gauges = gauges.unwrap_or(&none);
    let number = |outcome: Outcome| {
        let counted = gauges.attempts.iter().find(|(known, _)| *known == outcome);
        counted.map_or(0, |(_, number)| *number)
    };
    let bounds = SECONDS.into_iter().chain([f64::INFINITY]);
    TargetSinceStart {
        delivered: gauges.delivered,
        dead: gauges.dead,
        attempts: OUTCOMES
            .map(|outcome| (outcome.name(), number(outcome)))
            .into(),
        durations: Durations {
            classes: bounds.zip(gauges.durations.classes).collect(),
            count: gauges.durations.count(),
            sum: gauges.durations.sum,
        },
    }
}
