//! Events are handed to the daemon, or put into its spool: accepted means that they will arrive.
//!
//! The daemon that answers takes the event. Where none answers and one was here
//! before, the event goes into its spool, if this user may write there. Where none
//! ever was there is nothing to hand over to, and the caller sends at once.
//!
//! An event has its id before it goes anywhere. So a way that broke off in the
//! middle is followed by the next with the same id, and the event is not taken twice.

mod answer;
mod follow;
mod parcel;
mod places;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify_api::client::Client;
#[cfg(feature = "demo")]
use notify_api::protocol::EventState;
use notify_api::protocol::{Accepted, ErrorKind};
use notify_api::{ApiError, ApiErrorKind};
use notify_bus::{Clock as _, Engine, Report, UNDECIDED};
use notify_core::{
    Entry, EventId, Millis, Notification, OpenFor, Opened, Registry, SpoolError, SpoolErrorKind,
    report,
};
use serde_json::Value;

pub(crate) use self::answer::accepted;
pub(crate) use self::parcel::Parcel;
use crate::args::Way;
use crate::console::Console;
use crate::daemon::clock;
use crate::event::block_on;
use crate::exit::{Exit, Stop};
use crate::folders::{ConfigFolder, Meeting, Surroundings};
use crate::send::{exit_of, tell};
use crate::spools;

/// How long the daemon may take for an answer: a disk may be slow.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take to be told of something that it finds by itself, only later.
const WAKE: Duration = Duration::from_secs(1);

/// An event that is durable.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) accepted: Accepted,
    id: EventId,
    place: Meeting,
    by: By,
}

/// Who has it.
#[derive(Debug)]
enum By {
    /// A daemon that answers.
    Daemon(Client),
    /// The spool of one that does not.
    Spool(Opened),
}

/// What goes into a spool, and the engine that decided; none when it must not go there.
pub(crate) type Packed = Option<(Arc<Engine>, Entry)>;

/// Hands an event over; none when no daemon was ever here.
///
/// `pack` is asked only when the event goes into the spool: who hands it to a
/// daemon need not be able to read the configuration.
pub(crate) fn hand_over(
    surroundings: &Surroundings,
    config: &Path,
    parcel: &Parcel<'_>,
    pack: impl FnOnce(Millis) -> Result<Packed, Stop>,
) -> Result<Option<Handed>, Stop> {
    let mut may_be_taken = false;
    let handed = by_some_way(surroundings, config, parcel, pack, &mut may_be_taken);
    handed.map_err(|stop| match may_be_taken {
        true => unknown(&stop, parcel.id()),
        false => stop,
    })
}

/// Sets `may_be_taken` when a daemon may have it that did not say so.
fn by_some_way(
    surroundings: &Surroundings,
    config: &Path,
    parcel: &Parcel<'_>,
    pack: impl FnOnce(Millis) -> Result<Packed, Stop>,
    may_be_taken: &mut bool,
) -> Result<Option<Handed>, Stop> {
    let places = places::of(surroundings, config);
    let mut trouble = None;
    for place in &places {
        match ask(place, parcel, may_be_taken) {
            Ok((client, accepted)) => {
                return Ok(Some(Handed {
                    accepted,
                    id: parcel.id(),
                    place: place.clone(),
                    by: By::Daemon(client),
                }));
            }
            Err(error) if is_final(&error) => return Err(declined(&error)),
            Err(error) if error.kind() == ApiErrorKind::Missing => {}
            Err(error) => trouble = trouble.or(Some(error)),
        }
    }
    let no_spool = || match &trouble {
        // One that listens and is too busy was started here, whatever we see of its spool.
        Some(error) if error.kind() != ApiErrorKind::Dead => Err(unanswered(error)),
        _ => Ok(None),
    };
    // Even where a daemon listens that does not answer: who wrote into its spool has its promise.
    let Some(place) = places.iter().find(|place| place.spool().exists()) else {
        return no_spool();
    };
    match put(place, parcel, pack, trouble.as_ref()) {
        Ok(handed) => Ok(handed),
        Err(Refused::Stop(stop)) => Err(stop),
        // A daemon that could not start left a file, and no spool in it.
        Err(Refused::Spool(error)) if error.kind() == SpoolErrorKind::Missing => no_spool(),
        Err(Refused::Spool(error)) => Err(unwritten(place, &error, trouble.as_ref())),
    }
}

/// One request, repeated when the connection broke: a daemon that is started anew is there again soon.
fn ask(
    place: &Meeting,
    parcel: &Parcel<'_>,
    may_be_taken: &mut bool,
) -> Result<(Client, Accepted), ApiError> {
    let mut once = || -> Result<_, ApiError> {
        let mut client = Client::connect(&place.socket, PATIENCE)?;
        let accepted = parcel.send(&mut client);
        *may_be_taken |= accepted.as_ref().is_err_and(ApiError::may_be_done);
        Ok((client, accepted?))
    };
    match once() {
        Err(error) if error.kind() == ApiErrorKind::Lost => once(),
        other => other,
    }
}

/// Whether the daemon's no is one for good: the spool is no way around it.
fn is_final(error: &ApiError) -> bool {
    let kind = error.answer().map(|answer| answer.kind);
    matches!(
        kind,
        Some(
            ErrorKind::Request
                | ErrorKind::TooLarge
                | ErrorKind::Unfit
                | ErrorKind::Rate
                | ErrorKind::Full
        )
    )
}

fn declined(error: &ApiError) -> Stop {
    let exit = match error.answer().map(|answer| answer.kind) {
        Some(ErrorKind::Rate | ErrorKind::Full) => Exit::TryAgain,
        _ => Exit::Usage,
    };
    Stop::failed(format!("the daemon does not take it: {error}")).with_exit(exit)
}

fn unanswered(error: &ApiError) -> Stop {
    let stop = Stop::failed(format!("not handed over: {}", report(error)));
    match error.kind() {
        ApiErrorKind::Denied => stop.with_exit(Exit::TryAgain).with_hint(MAY_SEND),
        _ if is_denied(error) => stop.with_exit(Exit::TryAgain).with_hint(MAY_SEND),
        _ => stop
            .with_exit(Exit::TryAgain)
            .with_hint("try again; the same event is not taken twice"),
    }
}

/// A daemon was asked and did not answer, and no other way is left. Not 75: a script that
/// repeats would send another event.
fn unknown(stop: &Stop, id: EventId) -> Stop {
    Stop::failed(format!(
        "{stop}; whether {id} was taken before that is not known"
    ))
    .with_hint(format!("`notify show {id}` tells when the daemon runs"))
}

fn is_denied(error: &ApiError) -> bool {
    error
        .answer()
        .is_some_and(|answer| answer.kind == ErrorKind::Denied)
}

const MAY_SEND: &str =
    "name this user in `intake-allow` of `daemon: local` in notify.cfg, or run this as root";

/// Why nothing was put into a spool.
enum Refused {
    Stop(Stop),
    Spool(SpoolError),
}

impl From<SpoolError> for Refused {
    fn from(error: SpoolError) -> Self {
        Refused::Spool(error)
    }
}

fn put(
    place: &Meeting,
    parcel: &Parcel<'_>,
    pack: impl FnOnce(Millis) -> Result<Packed, Stop>,
    trouble: Option<&ApiError>,
) -> Result<Option<Handed>, Refused> {
    let kind = spools::linked().map_err(Refused::Stop)?;
    let opened = spools::open(kind, &place.spool(), OpenFor::Write)?;
    let now = clock::open(&place.state).now();
    let Some((engine, entry)) = pack(now).map_err(Refused::Stop)? else {
        return Ok(None);
    };
    let registry = Registry::linked().map_err(|error| Stop::usage(error.to_string()));
    let registry = registry.map_err(Refused::Stop)?;
    let put = block_on(opened.spool.put(entry.clone())).map_err(Refused::Stop)??;
    let accepted = notify_bus::Accepted::of(&entry, put);
    // One that did not hear the event hears nothing else either.
    if trouble.is_none_or(|trouble| trouble.kind() != ApiErrorKind::TimedOut) {
        wake(place);
    }
    Ok(Some(Handed {
        accepted: answer::accepted(&engine, &registry, accepted),
        id: parcel.id(),
        place: place.clone(),
        by: By::Spool(opened),
    }))
}

/// Has a daemon look at the spool that this process wrote; there may be none.
pub(crate) fn wake(place: &Meeting) {
    let woken = Client::connect(&place.socket, WAKE).and_then(|mut client| client.wake());
    // It looks by itself, only later.
    drop(woken);
}

/// Exit 75: nothing was taken, and what to do.
fn unwritten(place: &Meeting, error: &SpoolError, trouble: Option<&ApiError>) -> Stop {
    if error.kind() != SpoolErrorKind::Denied {
        return spools::stop(error).with_exit(Exit::TryAgain);
    }
    match trouble {
        Some(trouble) if trouble.kind() != ApiErrorKind::Dead => unanswered(trouble),
        _ => Stop::failed(format!(
            "the daemon of {} does not run, and this user may not write its spool",
            place.state.display()
        ))
        .with_exit(Exit::TryAgain)
        .with_hint("start it: systemctl start notify, or `notify daemon`; then try again"),
    }
}

/// The configuration folder of a command that hands over.
pub(crate) fn config(surroundings: &Surroundings) -> ConfigFolder {
    let is_worked = |config: &Path| places::is_worked(surroundings, config);
    surroundings.config_or_away(Path::is_dir, is_worked)
}

/// Whether a daemon listens here that this user may at least knock at.
pub(crate) fn listens(surroundings: &Surroundings, config: &Path) -> bool {
    let places = places::of(surroundings, config);
    let mut answers = places
        .iter()
        .map(|place| Client::connect(&place.socket, PATIENCE));
    answers.any(|answer| answer.is_ok())
}

/// The state folder of the daemon whose spool takes the events of this configuration; none
/// where there is no spool.
pub(crate) fn spool_of(surroundings: &Surroundings, config: &Path) -> Option<Meeting> {
    let places = places::of(surroundings, config);
    places.into_iter().find(has_spool)
}

/// Whether there is a spool, and not only the file of a daemon that could not start.
fn has_spool(place: &Meeting) -> bool {
    let folder = place.spool();
    let opened = || spools::linked().map(|kind| spools::open(kind, &folder, OpenFor::Read));
    folder.exists()
        && !matches!(opened(), Ok(Err(error)) if error.kind() == SpoolErrorKind::Missing)
}

impl Handed {
    /// Says that it is durable.
    pub(crate) fn note(&self, console: &Console) {
        self.remark(console);
        let again = if self.accepted.known {
            " (it was known)"
        } else {
            ""
        };
        console.note(format!("accepted {}{again}", self.accepted.id));
    }

    /// Says that it goes on only when the daemon runs, or when a matcher is mended.
    fn remark(&self, console: &Console) {
        if let By::Spool(_) = self.by {
            console.remark(format!(
                "the daemon does not answer: {} waits in {} until it runs",
                self.id,
                self.place.spool().display()
            ));
        }
        let mut targets = self.accepted.targets.iter();
        let undecided = targets.find(|target| target.name == UNDECIDED);
        if let Some(reason) = undecided.and_then(|target| target.reason.as_deref()) {
            console.remark(format!(
                "no target was chosen for {}: {reason}; it waits until that is mended",
                self.id
            ));
        }
    }

    /// Says that it is durable, and waits for its end where that is wanted.
    pub(crate) fn finish(
        self,
        event: &Notification,
        way: &Way,
        as_json: bool,
        console: &Console,
    ) -> Result<Finished, Stop> {
        let report = answer::pending(event, &self.accepted);
        if as_json {
            self.remark(console);
        } else {
            self.note(console);
        }
        let Some(longest) = way.wait else {
            return Ok(Finished {
                report,
                exit: Exit::Done,
                settled: None,
            });
        };
        let end =
            longest.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
        let (report, settled) = self.follow(report, end)?;
        let exit = if settled {
            exit_of(&report)
        } else {
            let within = longest.map(|seconds| format!(" within {seconds} s"));
            console.remark(format!(
                "{} was accepted and is not settled{}: it goes on, do not send it again",
                report.id,
                within.unwrap_or_default()
            ));
            // Not 75: a repeat would be a second event.
            Exit::Failed
        };
        Ok(Finished {
            report,
            exit,
            settled: Some(settled),
        })
    }
}

/// The report of an event that was followed to here.
#[cfg(feature = "demo")]
pub(crate) fn settled(event: &Notification, accepted: &Accepted, state: &EventState) -> Report {
    answer::followed(answer::pending(event, accepted), state)
}

/// A hand-over that ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) report: Report,
    pub(crate) exit: Exit,
    /// Whether it came to its end; none when nobody waited for that.
    settled: Option<bool>,
}

impl Finished {
    /// The shape of a report, that the event is durable, and whether it is settled.
    pub(crate) fn json(&self) -> Value {
        answer::durable(&self.report, self.settled)
    }

    /// The answer.
    pub(crate) fn tell(&self, as_json: bool, console: &Console) {
        if as_json {
            console.json(&self.json());
        } else {
            tell(&self.report, console);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{WAKE, wake};
    use crate::folders::Meeting;
    use std::os::unix::net::UnixListener;
    use std::time::Instant;

    #[test]
    fn one_that_hangs_costs_no_more_than_a_moment() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Meeting {
            state: folder.path().into(),
            socket: folder.path().join("notify.sock"),
        };
        let _silent = UnixListener::bind(&place.socket).expect("a socket");
        let begin = Instant::now();
        wake(&place);
        assert!(begin.elapsed() < WAKE * 10);
    }
}
