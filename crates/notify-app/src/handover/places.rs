//! Which daemon works with the configuration that a command uses.

use std::path::Path;

use notify_api::client::Client;

use super::PATIENCE;
use crate::daemon::Holder;
use crate::folders::{Meeting, SYSTEM_STATE, Surroundings};

/// Where daemons of this configuration may be met.
///
/// One that works with another configuration would send to other people: it is
/// none of ours. The system's daemon says in its lock which one it has; where it
/// does not, it has the system's.
pub(super) fn of(surroundings: &Surroundings, config: &Path) -> Vec<Meeting> {
    let places = surroundings.meetings().into_iter();
    let meant = |mut place: Meeting| {
        match Holder::of(&place.state) {
            Some(holder) if !holder.is_of(config) => return None,
            Some(holder) if surroundings.socket.is_none() => place.socket = holder.socket,
            None if place.state == Path::new(SYSTEM_STATE) && !surroundings.is_system(config) => {
                return None;
            }
            _ => {}
        }
        Some(place)
    };
    places.filter_map(meant).collect()
}

/// Whether a daemon that runs says that it works with this configuration.
pub(super) fn is_worked(surroundings: &Surroundings, config: &Path) -> bool {
    let mut meetings = surroundings.meetings().into_iter();
    meetings.any(|place| {
        Holder::of(&place.state).is_some_and(|holder| {
            holder.is_of(config) && Client::connect(&holder.socket, PATIENCE).is_ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::folders::Surroundings;
    use std::fs;
    use std::path::Path;

    #[track_caller]
    fn check(holder: Option<&str>, config: &str, socket: Option<&str>, expected: Option<&str>) {
        let root = tempfile::tempdir().expect("a folder");
        if let Some(holder) = holder {
            fs::write(root.path().join("daemon.lock"), holder).expect("a file");
        }
        let surroundings = Surroundings {
            state_dir: Some(root.path().into()),
            socket: socket.map(Into::into),
            ..Surroundings::default()
        };
        let places = of(&surroundings, Path::new(config));
        let own = root.path().join("notify.sock");
        let expected = expected.map(|expected| {
            if expected == "own" {
                own.as_path()
            } else {
                Path::new(expected)
            }
        });
        let sockets: Vec<_> = places.iter().map(|place| place.socket.as_path()).collect();
        assert_eq!(
            sockets,
            expected.into_iter().collect::<Vec<_>>(),
            "{holder:?}"
        );
    }

    #[test]
    fn a_daemon_of_another_configuration_is_none_of_ours() {
        let holder = r#"{"pid":1,"config-dir":"/a","socket":"/s.sock"}"#;
        check(None, "/a", None, Some("own"));
        check(Some(""), "/a", None, Some("own"));
        check(Some(holder), "/a", None, Some("/s.sock"));
        check(Some(holder), "/b", None, None);
        check(Some(holder), "/a", Some("/named.sock"), Some("/named.sock"));
    }
}
