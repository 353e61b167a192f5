//! Which folders the program reads and writes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::exit::Stop;

/// The state folder of the system.
pub(crate) const SYSTEM_STATE: &str = "/var/lib/notify";

/// Where the system's daemon listens.
const SYSTEM_SOCKET: &str = "/run/notify/notify.sock";

/// Names another socket. Not `NOTIFY_SOCKET`: under that name a service manager hands its own to services.
pub(crate) const SOCKET_VARIABLE: &str = "NOTIFY_DAEMON_SOCKET";

/// The name of a socket that lies in a folder of ours.
const SOCKET: &str = "notify.sock";

/// The surroundings that decide the folders: values, so that tests can choose them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) named: Option<PathBuf>,
    pub(crate) config_dir: Option<OsString>,
    pub(crate) state_dir: Option<OsString>,
    pub(crate) xdg_config: Option<OsString>,
    pub(crate) xdg_state: Option<OsString>,
    pub(crate) xdg_runtime: Option<OsString>,
    pub(crate) socket: Option<OsString>,
    pub(crate) home: Option<OsString>,
    pub(crate) is_root: bool,
}

/// Where a daemon may be met, or has left its spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meeting {
    /// The socket on which it listens.
    pub(crate) socket: PathBuf,
    /// Its state folder.
    pub(crate) state: PathBuf,
}

impl Meeting {
    /// The folder of its spool.
    pub(crate) fn spool(&self) -> PathBuf {
        spool_in(&self.state)
    }
}

/// The folder of the spool in a state folder.
pub(crate) fn spool_in(state: &Path) -> PathBuf {
    state.join("spool")
}

impl Surroundings {
    /// What this process sees.
    pub(crate) fn of_process(named: Option<PathBuf>) -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Surroundings {
            named,
            config_dir: set("NOTIFY_CONFIG_DIR"),
            state_dir: set("NOTIFY_STATE_DIR"),
            xdg_config: set("XDG_CONFIG_HOME"),
            xdg_state: set("XDG_STATE_HOME"),
            xdg_runtime: set("XDG_RUNTIME_DIR"),
            socket: set(SOCKET_VARIABLE),
            home: set("HOME"),
            is_root: rustix::process::geteuid().is_root(),
        }
    }

    /// The configuration folder.
    ///
    /// The one that was named, by option or by `NOTIFY_CONFIG_DIR`; else for a
    /// user `$XDG_CONFIG_HOME/notify` if it is a folder; else `/etc/pve` if it is
    /// a folder; else `/etc/notify`, whether it exists or not.
    pub(crate) fn config(&self, is_dir: impl Fn(&Path) -> bool) -> Result<PathBuf, Stop> {
        if let Some(named) = self
            .named
            .clone()
            .or_else(|| self.config_dir.clone().map(PathBuf::from))
        {
            return if is_dir(&named) {
                Ok(named)
            } else {
                Err(Stop::usage(format!(
                    "the configuration folder {} is not there",
                    named.display()
                ))
                .with_hint("create it, or name another with --config-dir"))
            };
        }
        let own = self
            .user_folder(self.xdg_config.as_ref(), ".config")
            .filter(|own| is_dir(own));
        let system = || {
            let pve = PathBuf::from("/etc/pve");
            if is_dir(&pve) {
                pve
            } else {
                PathBuf::from("/etc/notify")
            }
        };
        Ok(own.unwrap_or_else(system))
    }

    /// The folder for what the program must remember: `/var/lib/notify`, for users their own.
    pub(crate) fn state(&self) -> PathBuf {
        if let Some(named) = &self.state_dir {
            return PathBuf::from(named);
        }
        self.user_folder(self.xdg_state.as_ref(), ".local/state")
            .unwrap_or_else(|| PathBuf::from(SYSTEM_STATE))
    }

    /// The state folder of the system, whoever runs this: it has the mail drop.
    pub(crate) fn system_state(&self) -> PathBuf {
        let named = self.state_dir.as_ref().map(PathBuf::from);
        named.unwrap_or_else(|| PathBuf::from(SYSTEM_STATE))
    }

    /// Where a daemon of this user listens.
    pub(crate) fn socket(&self) -> PathBuf {
        if let Some(named) = &self.socket {
            return PathBuf::from(named);
        }
        match (&self.state_dir, &self.xdg_runtime) {
            (None, _) if self.is_root => PathBuf::from(SYSTEM_SOCKET),
            (None, Some(runtime)) => Path::new(runtime).join("notify").join(SOCKET),
            // A state folder of its own has a daemon of its own.
            _ => self.state().join(SOCKET),
        }
    }

    /// The daemon of this user, then for users that of the system. Where a socket or
    /// a state folder was named, there is no other.
    pub(crate) fn meetings(&self) -> Vec<Meeting> {
        let own = Meeting {
            socket: self.socket(),
            state: self.state(),
        };
        if self.is_root || self.socket.is_some() || self.state_dir.is_some() {
            return vec![own];
        }
        let system = Meeting {
            socket: PathBuf::from(SYSTEM_SOCKET),
            state: PathBuf::from(SYSTEM_STATE),
        };
        vec![own, system]
    }

    /// Whether a configuration folder is that of the system.
    pub(crate) fn is_system(&self, config: &Path) -> bool {
        ["/etc/pve", "/etc/notify"]
            .iter()
            .any(|system| config == Path::new(system))
    }

    fn user_folder(&self, xdg: Option<&OsString>, below_home: &str) -> Option<PathBuf> {
        if self.is_root {
            return None;
        }
        let base = xdg.map(PathBuf::from).or_else(|| {
            self.home
                .as_ref()
                .map(|home| Path::new(home).join(below_home))
        });
        base.map(|base| base.join("notify"))
    }
}

#[cfg(test)]
mod tests {
    use super::Surroundings;
    use std::path::Path;

    fn check(surroundings: &Surroundings, folders: &[&str], expected: Option<&str>) {
        let found =
            surroundings.config(|path| folders.iter().any(|known| Path::new(known) == path));
        assert_eq!(
            found.ok().as_deref(),
            expected.map(Path::new),
            "{surroundings:?} {folders:?}"
        );
    }

    #[test]
    fn root_uses_pve_if_it_is_there() {
        let root = Surroundings {
            is_root: true,
            xdg_config: Some("/x".into()),
            ..Surroundings::default()
        };
        check(
            &root,
            &["/etc/pve", "/etc/notify", "/x/notify"],
            Some("/etc/pve"),
        );
        check(&root, &[], Some("/etc/notify"));
    }

    #[test]
    fn a_user_has_a_folder_of_their_own_or_the_systems() {
        let user = Surroundings {
            home: Some("/home/u".into()),
            ..Surroundings::default()
        };
        check(
            &user,
            &["/home/u/.config/notify", "/etc/pve"],
            Some("/home/u/.config/notify"),
        );
        check(&user, &["/etc/pve"], Some("/etc/pve"));
        let user = Surroundings {
            xdg_config: Some("/x".into()),
            ..user
        };
        check(&user, &["/x/notify"], Some("/x/notify"));
    }

    #[track_caller]
    fn check_meetings(surroundings: &Surroundings, expected: &[(&str, &str)]) {
        let met = surroundings.meetings();
        let met: Vec<_> = met
            .iter()
            .map(|met| (met.socket.to_str(), met.state.to_str()))
            .collect();
        let expected = expected.iter();
        let expected: Vec<_> = expected
            .map(|(socket, state)| (Some(*socket), Some(*state)))
            .collect();
        assert_eq!(met, expected, "{surroundings:?}");
    }

    #[test]
    fn a_user_meets_their_own_daemon_before_the_systems() {
        let system = ("/run/notify/notify.sock", "/var/lib/notify");
        let root = Surroundings {
            is_root: true,
            xdg_runtime: Some("/run/user/0".into()),
            ..Surroundings::default()
        };
        check_meetings(&root, &[system]);
        let user = Surroundings {
            home: Some("/home/u".into()),
            xdg_runtime: Some("/run/user/1".into()),
            ..Surroundings::default()
        };
        let own = (
            "/run/user/1/notify/notify.sock",
            "/home/u/.local/state/notify",
        );
        check_meetings(&user, &[own, system]);
    }

    #[test]
    fn what_is_named_is_the_only_place() {
        let named = Surroundings {
            is_root: true,
            state_dir: Some("/s".into()),
            xdg_runtime: Some("/run/user/1".into()),
            ..Surroundings::default()
        };
        check_meetings(&named, &[("/s/notify.sock", "/s")]);
        let socket = Surroundings {
            socket: Some("/x.sock".into()),
            ..named
        };
        check_meetings(&socket, &[("/x.sock", "/s")]);
    }

    #[test]
    fn a_named_folder_must_be_there() {
        let named = Surroundings {
            named: Some("/named".into()),
            ..Surroundings::default()
        };
        check(&named, &["/named"], Some("/named"));
        check(&named, &["/etc/pve"], None);
        let by_variable = Surroundings {
            config_dir: Some("/other".into()),
            ..Surroundings::default()
        };
        check(&by_variable, &["/etc/pve"], None);
        check(&by_variable, &["/other"], Some("/other"));
    }
}
