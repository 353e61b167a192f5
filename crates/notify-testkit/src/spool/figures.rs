//! What a long queue costs.

use std::time::{Duration, Instant};

use notify_core::{Claim, NewJob, Opened, SpoolError};
use tokio::task::JoinSet;

use super::sample::{LEASE, NOW, arrived, entry};

/// How many jobs a round claims and settles.
const ROUND: usize = 64;
/// How many rounds are measured.
const ROUNDS: usize = 15;
/// How many puts are under way at once.
const CLIENTS: u64 = 256;

/// What claims cost in a spool with many pending deliveries.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// How many are pending.
    pub pending: u64,
    /// Claim and settle of one job, in a round of 64; the median of 15 rounds.
    pub turn: Duration,
    /// Memory that the process has resident, in bytes; nothing where the system does not tell.
    pub resident: Option<u64>,
}

impl Figures {
    /// How many times as much a turn costs here as there.
    pub fn ratio(&self, there: &Figures) -> f64 {
        self.turn.as_secs_f64() / there.turn.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// Puts events `from` to `to`, each with one delivery to `bulk`, due in a day.
///
/// # Errors
/// When one could not be put.
///
/// # Panics
/// When the spool panics.
pub async fn fill(opened: &Opened, from: u64, to: u64) -> Result<(), SpoolError> {
    let day = NOW.plus(Duration::from_secs(86_400));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let spool = opened.spool.clone();
        clients.spawn(async move {
            let mut number = from + client;
            while number < to {
                let mut entry = entry(number, &[], NOW);
                entry.jobs = vec![NewJob::first("bulk", day)];
                spool.put(entry).await?;
                number += CLIENTS;
            }
            Ok::<(), SpoolError>(())
        });
    }
    while let Some(done) = clients.join_next().await {
        done.expect("a put does not panic")?;
    }
    Ok(())
}

/// Measures what a turn costs now. The deliveries that it makes are all settled after it.
///
/// The time is only as good as the machine is quiet: compare figures of one run.
///
/// # Errors
/// When the spool fails.
///
/// # Panics
/// When what was put is not claimed.
pub async fn figures(opened: &Opened) -> Result<Figures, SpoolError> {
    let spool = opened.spool.as_ref();
    let before = spool.counts().await?;
    let mut turns = Vec::new();
    // Above all numbers that `fill` is asked for, and each time other ones.
    let mut number = (1 << 40) + before.accepted * 1000;
    for _ in 0..ROUNDS {
        for _ in 0..ROUND {
            number += 1;
            spool.put(entry(number, &["turn"], NOW)).await?;
        }
        let claim = Claim {
            target: Some("turn"),
            most: ROUND,
            lease: LEASE,
        };
        let start = Instant::now();
        let jobs = spool.claim(claim, NOW).await?;
        for job in &jobs {
            spool.settle(&job.lease, arrived(NOW), NOW).await?;
        }
        turns.push(start.elapsed() / 64);
        assert_eq!(jobs.len(), ROUND, "what is due is claimed");
    }
    turns.sort_unstable();
    Ok(Figures {
        pending: before.pending,
        turn: turns[ROUNDS / 2],
        resident: resident(),
    })
}

/// The resident memory of this process (`/proc/PID/status`, proc_pid_status(5)).
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}
