//! The clock of the spool, and its correction, which outlives the process.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use notify_bus::{KeptClock, Reading, SpoolClock};
use notify_core::{Millis, Zone};
use rustix::time::{ClockId, clock_gettime};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::state_files::StateFolder;

/// The file in the state folder.
const FILE: &str = "clock";
/// How often it is looked whether the wall clock was set.
const LOOK: Duration = Duration::from_secs(60);
/// The system's name for this start of the machine.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// The clock by which the spool of a state folder is worked.
pub(crate) fn open(state: &Path) -> Arc<SpoolClock> {
    let boot = fs::read_to_string(BOOT).unwrap_or_default();
    let kept = kept(state);
    let read = Box::new(read);
    Arc::new(SpoolClock::new(
        kept.as_ref(),
        boot.trim(),
        Zone::Local,
        read,
    ))
}

/// What was kept. What is damaged is as good as nothing: then the wall clock counts.
fn kept(state: &Path) -> Option<KeptClock> {
    let bytes = fs::read(state.join(FILE)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Keeps the correction of the clock when it has changed, until it is stopped.
pub(super) async fn follow(state: PathBuf, clock: Arc<SpoolClock>, stop: CancellationToken) {
    let mut beat = interval(LOOK);
    let mut kept = clock.kept().correction_ms;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        let now = clock.kept().correction_ms;
        if now != kept {
            tracing::warn!("the wall clock was set: it is {now} ms ahead of the time that passed");
            keep(&state, &clock);
            kept = now;
        }
    }
}

/// Keeps what must outlive the process. What cannot be kept is said in the log.
pub(super) fn keep(state: &Path, clock: &SpoolClock) {
    if let Err(error) = write(state, clock) {
        tracing::warn!("the time cannot be kept in {}: {error}", state.display());
    }
}

/// It is on disk when this answers.
fn write(state: &Path, clock: &SpoolClock) -> io::Result<()> {
    let text = serde_json::to_string(&clock.kept()).map_err(io::Error::other)?;
    let temp = format!("{FILE}.temp");
    let folder = StateFolder::open(state)?;
    let mut file = folder.draft(&temp, 0o666)?;
    file.write_all(format!("{text}\n").as_bytes())?;
    file.sync_all()?;
    folder.rename(&temp, FILE)?;
    folder.sync()
}

/// Both clocks. The steady one goes on while the machine sleeps.
fn read() -> Reading {
    let steady = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(steady.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(steady.tv_nsec).unwrap_or(0);
    let wall = SystemTime::now();
    #[cfg(feature = "failpoints")]
    let wall = crate::failpoints::set(wall);
    Reading {
        wall: Millis::of(wall),
        steady: Duration::new(seconds, nanos),
    }
}

#[cfg(test)]
mod tests {
    use super::{FILE, kept, open, write};
    use notify_bus::Clock as _;

    #[test]
    fn what_is_kept_is_read_again() {
        let state = tempfile::tempdir().expect("a folder");
        let clock = open(state.path());
        let before = clock.now();
        write(state.path(), &clock).expect("written");
        let found = kept(state.path()).expect("kept");
        assert_eq!(found.correction_ms, clock.kept().correction_ms);
        assert!(!found.boot.is_empty() && found.now >= before);
        assert!(open(state.path()).now() >= before);
    }

    #[test]
    fn a_correction_is_taken_up() {
        let state = tempfile::tempdir().expect("a folder");
        let mut kept = open(state.path()).kept();
        kept.now = kept.now.plus(std::time::Duration::from_secs(3600));
        kept.correction_ms = -3_600_000;
        let text = serde_json::to_string(&kept).expect("JSON");
        std::fs::write(state.path().join(FILE), text).expect("a file");
        assert!(open(state.path()).now() >= kept.now);
    }

    #[test]
    fn damage_is_as_good_as_nothing() {
        let state = tempfile::tempdir().expect("a folder");
        std::fs::write(state.path().join(FILE), "{").expect("a file");
        assert_eq!(kept(state.path()), None);
    }
}
