//! Waits until something changes in some folders.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt as _;
use inotify::{EventOwned, EventStream, Inotify, WatchMask};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// Room for one event with the longest name, and for many usual ones.
const BUFFER: usize = 4096;

/// The longest time that changes are waited out that follow each other without a pause.
const RESTLESS: Duration = Duration::from_secs(5);

/// Watches over folders from the moment on in which it was made.
///
/// Whoever looks at the folders after that misses no change: it makes a new one
/// for each look.
pub(super) struct Stir {
    events: Option<EventStream<[u8; BUFFER]>>,
    /// Whether a folder is there that cannot be watched.
    is_blind: bool,
}

impl Stir {
    /// Watches over those of the folders that are there. Where the system gives no
    /// watch, [`Stir::wait`] waits to the end of its time.
    pub(super) fn over<P: AsRef<Path>>(folders: impl IntoIterator<Item = P>) -> Self {
        let mut is_blind = false;
        let watched = || {
            let inotify = Inotify::init()?;
            let mask = WatchMask::CLOSE_WRITE
                | WatchMask::CREATE
                | WatchMask::MOVE
                | WatchMask::DELETE
                | WatchMask::ATTRIB
                | WatchMask::DELETE_SELF
                | WatchMask::MOVE_SELF
                | WatchMask::ONLYDIR;
            let mut any = false;
            for folder in folders {
                match inotify.watches().add(folder.as_ref(), mask) {
                    Ok(_) => any = true,
                    // One that is missing comes into being in one that is watched, or is found in time.
                    Err(error) => is_blind |= error.kind() != ErrorKind::NotFound,
                }
            }
            let stream = any.then(|| inotify.into_event_stream([0; BUFFER]));
            stream.transpose()
        };
        let events = watched().unwrap_or_else(|error: std::io::Error| {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "no watch over folders: changes are seen late"
            );
            None
        });
        Stir {
            is_blind: is_blind || events.is_none(),
            events,
        }
    }

    /// Whether all changes of the folders are seen. Where they are not, it is looked more often.
    pub(super) fn sees(&self) -> bool {
        !self.is_blind
    }

    /// Waits for a change of a name that matters and then until nothing changes for `settle`;
    /// at most for `longest`.
    pub(super) async fn wait(
        mut self,
        longest: Duration,
        settle: Duration,
        matters: impl Fn(Option<&OsStr>) -> bool,
    ) {
        let Some(events) = &mut self.events else {
            return sleep(longest).await;
        };
        if timeout(longest, next(events, &matters)).await.is_err() {
            return;
        }
        let end = Instant::now() + RESTLESS;
        while Instant::now() < end {
            let pause = (Instant::now() + settle).min(end);
            if timeout_at(pause, next(events, &matters)).await.is_err() {
                return;
            }
        }
    }
}

/// The next event that matters.
async fn next(events: &mut EventStream<[u8; BUFFER]>, matters: &impl Fn(Option<&OsStr>) -> bool) {
    loop {
        match events.next().await {
            Some(Ok(EventOwned { name, .. })) if matters(name.as_deref()) => return,
            Some(Ok(_)) => {}
            // An overflow is an event of its own; after an error nothing more comes.
            Some(Err(_)) | None => return std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stir;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(3600);
    const SHORT: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn a_change_since_it_was_made_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let stir = Stir::over([folder.path(), &folder.path().join("missing")]);
        assert!(stir.sees());
        std::fs::write(folder.path().join("file"), "x").expect("a file");
        stir.wait(LONG, SHORT, |_| true).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_matter_does_not_wake() {
        let folder = tempfile::tempdir().expect("a folder");
        let stir = Stir::over([folder.path()]);
        std::fs::write(folder.path().join("lock"), "x").expect("a file");
        let begin = tokio::time::Instant::now();
        stir.wait(LONG, SHORT, |name| name.is_some_and(|name| name == "file"))
            .await;
        assert_eq!(begin.elapsed(), LONG);
    }

    #[tokio::test]
    async fn what_cannot_be_watched_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "x").expect("a file");
        assert!(!Stir::over([folder.path(), &file]).sees());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_folder_it_waits_to_the_end() {
        let begin = tokio::time::Instant::now();
        let stir = Stir::over(["/nowhere/at/all"]);
        assert!(!stir.sees());
        stir.wait(LONG, SHORT, |_| true).await;
        assert_eq!(begin.elapsed(), LONG);
    }
}
