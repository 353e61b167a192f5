//! How a bus and its spool fare, as one status.

use std::collections::BTreeMap;
use std::path::Path;

use notify_bus::{BreakerState, Bus, Gauges, SECONDS, TargetGauges};
use notify_core::{Outcome, SpoolError, TargetQueue, Zone};
use rustix::fs::{Access, access};

use crate::status::{
    Breaker, Deliveries, Durations, Queue, SinceStart, SpoolTrouble, Status, TargetSinceStart,
    TargetStatus,
};

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
    let spool_trouble = gauges.spool_trouble.as_ref();
    problems.extend(spool_trouble.map(trouble_text));
    problems.extend(folder_problem(folder));
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        now_ms: bus.clock().now().0,
        problems,
        since_start: SinceStart {
            accepted: gauges.accepted,
            known: gauges.known,
            refused: gauges.refused,
        },
        deliveries: Deliveries::from(counts),
        spool_bytes: bytes(folder),
        spool_trouble: spool_trouble.map(SpoolTrouble::from),
        targets: counted(bus.status(), &gauges, &mut queues),
        lanes: counted(bus.own_lanes(), &gauges, &mut queues),
        strangers_since_start: since_start(&gauges.others),
        strangers: queues.0.into_values().collect(),
    })
}

/// `the spool takes nothing since 2024-01-08T08:00:00+01:00: spool.db: the disk is full; 3 events were refused`.
fn trouble_text(trouble: &notify_bus::SpoolTrouble) -> String {
    let since = Zone::Local.at(trouble.since.seconds());
    let what = match trouble.only_looks {
        true => "cannot be read",
        false => "cannot be written",
    };
    let refused = match trouble.refused {
        0 => String::new(),
        1 => "; 1 event was refused".to_owned(),
        number => format!("; {number} events were refused"),
    };
    format!(
        "the spool {what} since {}: {}{refused}",
        since.format("%Y-%m-%dT%H:%M:%S%:z"),
        trouble.reason
    )
}

fn folder_problem(folder: &Path) -> Option<String> {
    match access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        // A spool in memory has no folder, so it cannot be in the way.
        Ok(()) | Err(rustix::io::Errno::NOENT) => None,
        Err(error) => Some(format!("{} cannot be written: {error}", folder.display())),
    }
}

impl From<&notify_bus::SpoolTrouble> for SpoolTrouble {
    fn from(trouble: &notify_bus::SpoolTrouble) -> Self {
        SpoolTrouble {
            since_ms: trouble.since.0,
            reason: trouble.reason.clone(),
            refused: trouble.refused,
        }
    }
}

/// The files of the spool, which lie side by side.
fn bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    let sizes = files.filter_map(|file| file.ok()?.metadata().ok());
    sizes.map(|metadata| metadata.len()).sum()
}

/// The status of each of these, with what was counted and what waits for it.
fn counted(
    targets: Vec<notify_bus::TargetStatus>,
    gauges: &Gauges,
    queues: &mut Queues,
) -> Vec<TargetStatus> {
    let since = |name: &str| gauges.targets.iter().find(|target| target.name == name);
    let counted = targets.into_iter().map(|target| {
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
            since_start: since(&target.name).map_or_else(Default::default, since_start),
            queue: queues.take(target.name),
        }
    });
    counted.collect()
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

fn since_start(gauges: &TargetGauges) -> TargetSinceStart {
    let number = |outcome: Outcome| {
        let counted = gauges.attempts.iter().find(|(known, _)| *known == outcome);
        counted.map_or(0, |(_, number)| *number)
    };
    let bounds = SECONDS.into_iter().chain([f64::INFINITY]);
    TargetSinceStart {
        delivered: gauges.delivered,
        dead: gauges.dead,
        // All of them: series begin at zero, and not when it first happens.
        attempts: Outcome::ALL
            .map(|outcome| (outcome.name(), number(outcome)))
            .into(),
        durations: Durations {
            classes: bounds.zip(gauges.durations.classes).collect(),
            count: gauges.durations.count(),
            sum: gauges.durations.sum,
        },
    }
}
