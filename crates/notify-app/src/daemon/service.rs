//! What a service manager gives and is told (sd_notify(3), systemd.exec(5)). Without one nothing happens.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use listenfd::ListenFd;
use notify_bus::Bus;
use sd_notify::NotifyState;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::exit::Stop;

/// The name of the private file among the credentials.
const PRIVATE_FILE: &str = "notifications.cfg";

/// The private file that the service manager hands over, where it does.
pub(super) fn private_file() -> Option<PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|value| !value.is_empty())?;
    let file = PathBuf::from(folder).join(PRIVATE_FILE);
    file.exists().then_some(file)
}

/// The socket on which the service manager listens for us, where it does.
///
/// It must be asked before other threads run: it takes variables out of the environment.
pub(super) fn listener() -> Result<Option<UnixListener>, Stop> {
    let mut passed = ListenFd::from_env();
    if passed.len() > 1 {
        return Err(Stop::usage(format!(
            "the service manager hands over {} sockets, and one is expected",
            passed.len()
        )));
    }
    if passed.len() == 0 {
        return Ok(None);
    }
    passed.take_unix_listener(0).map_err(|error| {
        Stop::usage(format!(
            "the service manager hands over what is no unix stream socket: {error}"
        ))
    })
}

/// It works.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It reads its configuration anew; [`ready`] ends that.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "no monotonic clock"),
    }
}

/// It ends.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// What it does, in a few words for people.
pub(super) fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// Says that it is well, as often as the service manager wants to hear it, and as long as the
/// worker answers.
pub(super) async fn pulse(bus: Bus, stop: CancellationToken) {
    let Some(longest) = sd_notify::watchdog_enabled() else {
        return;
    };
    let pulse = longest / 2;
    let mut beat = interval(pulse);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        // Without an answer no word: the service manager then starts it anew.
        if timeout(pulse, bus.answers()).await.is_ok() {
            tell(&[NotifyState::Watchdog]);
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}
