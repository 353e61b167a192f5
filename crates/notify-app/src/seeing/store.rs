//! Opens the spool of this machine or user.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use notify_bus::Clock as _;
use notify_core::{
    Millis, OpenFor, Opened, SpoolError, SpoolErrorKind, SpoolPlace, SpoolType, report,
};

use crate::args::Global;
use crate::daemon::{Holder, clock};
use crate::exit::{Exit, Stop};
use crate::folders::{Meeting, Surroundings};

/// The daemon of this user and its spool; that of the system where only that one has a spool.
pub(crate) fn place(global: &Global) -> Meeting {
    let surroundings = Surroundings::of_process(global.config_dir.clone());
    let mut places = surroundings.meetings();
    let found = places.iter().position(|place| place.spool().exists());
    let mut place = places.swap_remove(found.unwrap_or(0));
    // A daemon says where it listens; who names a socket means that one.
    if surroundings.socket.is_none()
        && let Some(holder) = Holder::of(&place.state)
    {
        place.socket = holder.socket;
    }
    place
}

/// The folder of the spool.
pub(crate) fn folder(global: &Global) -> PathBuf {
    place(global).spool()
}

/// What time it is by the clock that the spool is worked by.
pub(crate) fn now(global: &Global) -> Millis {
    clock::open(&place(global).state).now()
}

/// What the files of a folder take; what cannot be looked at takes nothing.
pub(crate) fn bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| entry.metadata().ok());
    sizes.filter(Metadata::is_file).map(|it| it.len()).sum()
}

/// Opens the spool for this; it must be there.
pub(crate) fn open(global: &Global, purpose: OpenFor) -> Result<Opened, Stop> {
    let place = SpoolPlace {
        folder: place(global).spool(),
        purpose,
    };
    (kind()?.open)(&place).map_err(|error| stop(&error))
}

/// The type of the spool.
pub(crate) fn kind() -> Result<&'static SpoolType, Stop> {
    match SpoolType::linked()[..] {
        [only] => Ok(only),
        [] => Err(Stop::usage("this program has no type of spool")),
        ref several => {
            let names: Vec<_> = several.iter().map(|kind| kind.name).collect();
            Err(Stop::usage(format!(
                "this program has several types of spool: {}",
                names.join(", ")
            )))
        }
    }
}

/// Why the spool did not answer, and what to do.
pub(crate) fn stop(error: &SpoolError) -> Stop {
    let (exit, hint) = match error.kind() {
        SpoolErrorKind::Missing => (
            Exit::Usage,
            "`notify daemon` makes it; until it has run here, events are sent at once and nothing is kept",
        ),
        SpoolErrorKind::Denied => (
            Exit::Usage,
            "it belongs to the user of the daemon: run this as that user, or as root",
        ),
        SpoolErrorKind::ReadOnly => (
            Exit::TryAgain,
            "nothing was changed: mount the file system so that it can be written, and try again",
        ),
        SpoolErrorKind::Newer => (Exit::Usage, "use the version of `notify` that wrote it"),
        SpoolErrorKind::Busy => (Exit::TryAgain, "nothing was changed: try again"),
        SpoolErrorKind::Full => (
            Exit::TryAgain,
            "nothing was changed: make room on the disk and try again",
        ),
        SpoolErrorKind::Corrupt => (
            Exit::Failed,
            "`notify daemon` sets a damaged spool aside when it starts, and begins a new one",
        ),
        _ => return Stop::failed(report(error)),
    };
    Stop::failed(report(error)).with_exit(exit).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::stop;
    use crate::exit::Exit;
    use notify_core::{SpoolError, SpoolErrorKind};

    #[test]
    fn an_error_says_what_to_do() {
        let check = |kind, exit, part: Option<&str>| {
            let stop = stop(&SpoolError::new(kind, "spool.db: no").caused_by("the cause"));
            assert_eq!(stop.exit, exit);
            assert_eq!(stop.message, "spool.db: no: the cause");
            match (part, stop.hint) {
                (Some(part), Some(hint)) => assert!(hint.contains(part), "{hint}"),
                (None, None) => {}
                (part, hint) => panic!("{part:?} {hint:?}"),
            }
        };
        check(SpoolErrorKind::Missing, Exit::Usage, Some("notify daemon"));
        check(SpoolErrorKind::Denied, Exit::Usage, Some("as root"));
        check(SpoolErrorKind::ReadOnly, Exit::TryAgain, Some("mount"));
        check(SpoolErrorKind::Newer, Exit::Usage, Some("version"));
        check(SpoolErrorKind::Busy, Exit::TryAgain, Some("try again"));
        check(SpoolErrorKind::Full, Exit::TryAgain, Some("disk"));
        check(SpoolErrorKind::Corrupt, Exit::Failed, Some("aside"));
        check(SpoolErrorKind::Broken, Exit::Failed, None);
    }
}
