//! One daemon for one state folder.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, Stop};
use crate::state_files::StateFolder;

/// The file in the state folder. It stays when the daemon ends.
const FILE: &str = "daemon.lock";

/// Held as long as the daemon runs; the kernel ends it with the process.
#[derive(Debug)]
pub(super) struct DaemonLock {
    _file: File,
}

/// What the last daemon of a state folder said of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    /// The configuration folder that it works with.
    pub(crate) config_dir: PathBuf,
    /// The same as it was named: while it is away, nobody can say where a link in it leads.
    #[serde(default)]
    pub(crate) named_config_dir: PathBuf,
    /// Where it listens.
    pub(crate) socket: PathBuf,
}

impl Holder {
    /// Whether it works with this configuration folder, which may be away.
    pub(crate) fn is_of(&self, config: &Path) -> bool {
        match fs::canonicalize(config) {
            Ok(canonical) => self.config_dir == canonical,
            Err(_) => std::path::absolute(config)
                .is_ok_and(|named| named == self.named_config_dir || named == self.config_dir),
        }
    }

    /// What stands in the lock; none when no daemon was ever here, or when it cannot be read.
    pub(crate) fn of(state: &Path) -> Option<Self> {
        let bytes = fs::read(state.join(FILE)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

/// Becomes the only daemon of a state folder, which is made if it is missing.
pub(super) fn acquire(state: &Path, config: &Path, socket: &Path) -> Result<DaemonLock, Stop> {
    let path = state.join(FILE);
    let cannot = |error: io::Error| {
        let exit = match error.kind() {
            io::ErrorKind::PermissionDenied => Exit::NotPermitted,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Exit::TryAgain,
            _ => Exit::CannotCreate,
        };
        Stop::failed(format!("cannot lock {}: {error}", path.display())).with_exit(exit)
    };
    fs::create_dir_all(state).map_err(cannot)?;
    let opened = StateFolder::open(state).and_then(|folder| folder.keep_open(FILE, 0o644));
    let mut file = opened.map_err(cannot)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Err(taken(&mut file, state)),
        Err(error) => return Err(cannot(error.into())),
    }
    let holder = Holder {
        pid: std::process::id(),
        config_dir: fs::canonicalize(config).unwrap_or_else(|_| config.to_owned()),
        named_config_dir: std::path::absolute(config).map_err(cannot)?,
        socket: std::path::absolute(socket).map_err(cannot)?,
    };
    let text = serde_json::to_string(&holder).map_err(|error| cannot(io::Error::other(error)))?;
    let text = format!("{text}\n");
    // Commands of other users look whose daemon it is, whatever the umask says.
    file.set_permissions(Permissions::from_mode(0o644))
        .map_err(cannot)?;
    // On a full disk the old text stays as long as there is no new one.
    file.write_all(text.as_bytes())
        .and_then(|()| file.set_len(text.len() as u64))
        .map_err(cannot)?;
    Ok(DaemonLock { _file: file })
}

fn taken(file: &mut File, state: &Path) -> Stop {
    let mut text = String::new();
    // What cannot be read is only missing from the message.
    let _ = file.read_to_string(&mut text);
    let who = match serde_json::from_str::<Holder>(&text) {
        Ok(holder) => format!("another daemon, process {},", holder.pid),
        Err(_) => "another daemon".to_owned(),
    };
    Stop::failed(format!("{who} works in {}", state.display()))
        .with_exit(Exit::TryAgain)
        .with_hint("stop it first, or name another folder with NOTIFY_STATE_DIR")
}

#[cfg(test)]
mod tests {
    use super::{Holder, acquire};
    use crate::exit::Exit;
    use std::path::Path;

    #[test]
    fn a_second_one_is_told_who_is_there() {
        let root = tempfile::tempdir().expect("a folder");
        let state = root.path().join("state");
        assert_eq!(Holder::of(&state), None);
        let first = acquire(&state, root.path(), Path::new("/s")).expect("nobody is there");
        let holder = Holder::of(&state).expect("it says who it is");
        assert_eq!(
            (holder.pid, holder.socket.to_str()),
            (std::process::id(), Some("/s"))
        );
        assert_eq!(
            holder.config_dir,
            root.path().canonicalize().expect("a folder")
        );
        let refused = acquire(&state, root.path(), Path::new("/s")).expect_err("one is there");
        assert_eq!(refused.exit, Exit::TryAgain);
        assert!(
            refused.message.contains(&holder.pid.to_string()),
            "{refused}"
        );
        drop(first);
        acquire(&state, root.path(), Path::new("/s")).expect("it is gone");
    }

    #[test]
    fn a_configuration_that_is_away_is_known_by_either_name() {
        let root = tempfile::tempdir().expect("a folder");
        let etc = root.path().join("etc");
        std::fs::create_dir(&etc).expect("a folder");
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&etc, &link).expect("a link");
        let _lock = acquire(root.path(), &link, Path::new("/s")).expect("nobody is there");
        let holder = Holder::of(root.path()).expect("it says who it is");
        let canonical = etc.canonicalize().expect("a folder");
        let check = |path: &Path, expected| assert_eq!(holder.is_of(path), expected, "{path:?}");
        check(&etc, true);
        check(&link, true);
        check(root.path(), false);
        std::fs::remove_dir(&etc).expect("it is empty");
        check(&canonical, true);
        check(&link, true);
        check(&root.path().join("other"), false);
    }

    #[test]
    fn no_link_is_followed() {
        let root = tempfile::tempdir().expect("a folder");
        let victim = root.path().join("victim");
        std::fs::write(&victim, "precious").expect("a file");
        let state = root.path().join("state");
        std::fs::create_dir(&state).expect("a folder");
        std::os::unix::fs::symlink(&victim, state.join(super::FILE)).expect("a link");
        acquire(&state, root.path(), Path::new("/s")).expect_err("a link");
        let kept = std::fs::read_to_string(&victim).expect("a file");
        assert_eq!(kept, "precious");
    }

    #[test]
    fn a_shorter_text_leaves_nothing_of_a_longer_one() {
        let root = tempfile::tempdir().expect("a folder");
        let long = format!("/{}", "s".repeat(80));
        for socket in [long.as_str(), "/s"] {
            let _held = acquire(root.path(), root.path(), Path::new(socket)).expect("nobody");
            let holder = Holder::of(root.path()).expect("it says who it is");
            assert_eq!(holder.socket.to_str(), Some(socket));
        }
    }

    #[test]
    fn one_that_may_not_write_says_so() {
        let root = tempfile::tempdir().expect("a folder");
        let file = root.path().join("file");
        std::fs::write(&file, "").expect("a file");
        let refused =
            acquire(&file.join("state"), root.path(), Path::new("/s")).expect_err("no folder");
        assert_eq!(refused.exit, Exit::CannotCreate);
    }
}
