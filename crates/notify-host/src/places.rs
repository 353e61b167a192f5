//! Where the facts of a host are read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The files, folders and values that a host's facts come from.
///
/// All of them are arguments, so that a test or a container can have its own.
#[derive(Clone, Debug)]
pub struct Places {
    /// The configuration folder, with `user.cfg`, `datacenter.cfg`, `corosync.conf`.
    pub config: PathBuf,
    /// The state folder, with `instance`.
    pub state: PathBuf,
    /// The table of names, `/etc/hosts`.
    pub hosts: PathBuf,
    /// The resolver's settings, `/etc/resolv.conf`.
    pub resolv_conf: PathBuf,
    /// The id of this installation of the system, `/etc/machine-id`.
    pub machine_id: PathBuf,
    /// The program that takes mail; none means `/usr/sbin/sendmail`.
    pub sendmail: Option<PathBuf>,
    /// The name that the kernel knows, with or without a domain.
    pub node_name: String,
}

impl Places {
    /// Those of this process: the system's files, `NOTIFY_SENDMAIL`, the kernel's name.
    pub fn of_process(config: &Path, state: &Path) -> Self {
        let sendmail: Option<OsString> = std::env::var_os("NOTIFY_SENDMAIL");
        let system = rustix::system::uname();
        Places {
            config: config.to_owned(),
            state: state.to_owned(),
            hosts: "/etc/hosts".into(),
            resolv_conf: "/etc/resolv.conf".into(),
            machine_id: "/etc/machine-id".into(),
            sendmail: sendmail.filter(|path| !path.is_empty()).map(PathBuf::from),
            node_name: system.nodename().to_string_lossy().into_owned(),
        }
    }

    /// A host of its own: the configuration in `root`, the state in `root/state`,
    /// the system's files in `root/etc`, and the name `localhost`.
    pub fn below(root: &Path) -> Self {
        Places {
            config: root.to_owned(),
            state: root.join("state"),
            hosts: root.join("etc/hosts"),
            resolv_conf: root.join("etc/resolv.conf"),
            machine_id: root.join("etc/machine-id"),
            sendmail: None,
            node_name: "localhost".to_owned(),
        }
    }
}
