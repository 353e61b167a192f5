//! Which folders the program reads and writes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::exit::Stop;

/// The state folder of the system.
pub(crate) const SYSTEM_STATE: &str = "/var/lib/notify";

/// The configuration folder of Proxmox VE.
const PVE: &str = "/etc/pve";

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

/// The configuration folder of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigFolder {
    pub(crate) path: PathBuf,
    /// Whether it should be there and is not.
    pub(crate) is_away: bool,
}

impl ConfigFolder {
    /// Exit 2: who must read it cannot go on.
    pub(crate) fn not_there(&self) -> Stop {
        Stop::usage(format!(
            "the configuration folder {} is not there",
            self.path.display()
        ))
        .with_hint("create it, or name another with --config-dir")
    }
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
        let config = self.config_or_away(is_dir, |_| false);
        match config.is_away {
            true => Err(config.not_there()),
            false => Ok(config.path),
        }
    }

    /// The same for a command that hands over, which need not read it.
    ///
    /// One that is away, as when it is not mounted, is chosen when it was named, and when a daemon
    /// that runs works with it (`is_worked`): the next one in its place would be another
    /// configuration.
    pub(crate) fn config_or_away(
        &self,
        is_dir: impl Fn(&Path) -> bool,
        is_worked: impl Fn(&Path) -> bool,
    ) -> ConfigFolder {
        let by_variable = || self.config_dir.clone().map(PathBuf::from);
        if let Some(path) = self.named.clone().or_else(by_variable) {
            let is_away = !is_dir(&path);
            return ConfigFolder { path, is_away };
        }
        let own = self.user_folder(self.xdg_config.as_ref(), ".config");
        for path in own.into_iter().chain([PathBuf::from(PVE)]) {
            let is_away = !is_dir(&path);
            if !is_away || is_worked(&path) {
                return ConfigFolder { path, is_away };
            }
        }
        ConfigFolder {
            path: PathBuf::from("/etc/notify"),
            is_away: false,
        }
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
    fn check_away(folders: &[&str], worked: &[&str], expected: (&str, bool)) {
        let is_in = |list: &[&str], path: &Path| list.iter().any(|known| Path::new(known) == path);
        let user = Surroundings {
            xdg_config: Some("/x".into()),
            ..Surroundings::default()
        };
        let found = user.config_or_away(|path| is_in(folders, path), |path| is_in(worked, path));
        let (path, is_away) = expected;
        assert_eq!(
            (found.path.as_path(), found.is_away),
            (Path::new(path), is_away)
        );
    }

    #[test]
    fn a_folder_that_is_away_is_still_that_of_the_daemon_that_works_with_it() {
        check_away(&["/etc/notify"], &["/etc/pve"], ("/etc/pve", true));
        check_away(&["/etc/pve"], &["/x/notify"], ("/x/notify", true));
        check_away(&["/etc/pve"], &["/etc/pve"], ("/etc/pve", false));
        check_away(&["/etc/notify"], &[], ("/etc/notify", false));
        // An empty configuration is one.
        check_away(&[], &["/etc/notify"], ("/etc/notify", false));
        let named = Surroundings {
            named: Some("/named".into()),
            ..Surroundings::default()
        };
        assert!(named.config_or_away(|_| false, |_| false).is_away);
        assert!(!named.config_or_away(|_| true, |_| false).is_away);
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
