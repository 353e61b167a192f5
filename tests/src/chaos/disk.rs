//! A small disk for the state folder, which can be full.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// As large as it is while there is room.
const ROOM: &str = "4g";

/// Says that this process has a mount namespace of its own.
const MARK: &str = "NOTIFY_CHAOS_OWN_MOUNTS";

/// A file system in memory over the state folder. It is gone with this process.
#[derive(Debug)]
pub(super) struct Disk(Option<PathBuf>);

/// Runs this program again where mounts are seen by nobody else.
///
/// Answers only when it cannot be done: in a container that grants no mount.
pub fn with_own_mounts() {
    if std::env::var_os(MARK).is_some() {
        return;
    }
    let Ok(own) = std::env::current_exe() else {
        return;
    };
    let alone = ["--mount", "--propagation", "private"];
    let as_user = ["--user", "--map-root-user"];
    for options in [&alone[..], &[&as_user[..], &alone[..]].concat()] {
        let unshare = || {
            let mut command = Command::new("unshare");
            command.args(options);
            command
        };
        let mut probe = unshare();
        probe
            .args(["sh", "-c", "mount -t tmpfs -o size=1m none /mnt"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if probe.status().is_ok_and(|status| status.success()) {
            let mut again = unshare();
            again.arg(&own).args(std::env::args_os().skip(1));
            // It comes back only when it failed; then the next way is tried.
            let _ = again.env(MARK, "1").exec();
        }
    }
}

/// Where folders of a run are made: in memory where mounts are granted, as a busy
/// disk would stall those who set the stage.
///
/// # Errors
/// When the system does not mount what it has granted.
pub fn ground() -> io::Result<PathBuf> {
    if std::env::var_os(MARK).is_none() {
        return Ok(std::env::temp_dir());
    }
    let folder = PathBuf::from("/mnt");
    mount(&format!("size={ROOM},mode=0755"), &folder, &["-t", "tmpfs"])?;
    Ok(folder)
}

impl Disk {
    /// A disk over this folder, where mounts are granted; else the folder as it is.
    pub(super) fn over(folder: &Path) -> Self {
        if std::env::var_os(MARK).is_none() {
            return Disk(None);
        }
        let mounted = mount(&format!("size={ROOM},mode=0755"), folder, &["-t", "tmpfs"]);
        Disk(mounted.is_ok().then(|| folder.to_owned()))
    }

    /// Whether it can be full.
    pub(super) fn can_be_full(&self) -> bool {
        self.0.is_some()
    }

    /// Leaves no room: the disk is made as small as what is in it.
    ///
    /// # Errors
    /// When the system does not let it be made smaller.
    pub(super) fn fill(&self) -> io::Result<()> {
        let Some(folder) = &self.0 else {
            return Ok(());
        };
        let mut last = Ok(());
        // It grows between the look and the change, and one smaller than its content is refused.
        for _ in 0..50 {
            let now = rustix::fs::statvfs(folder)?;
            // An empty one keeps a page: a size of 0 is none at all.
            let used = (now.f_blocks - now.f_bfree).max(1) * now.f_frsize;
            last = mount(&format!("remount,size={used}"), folder, &[]);
            if last.is_ok() {
                break;
            }
        }
        last
    }

    /// Makes room.
    ///
    /// # Errors
    /// When the system does not let it be made larger.
    pub(super) fn empty(&self) -> io::Result<()> {
        match &self.0 {
            Some(folder) => mount(&format!("remount,size={ROOM}"), folder, &[]),
            None => Ok(()),
        }
    }
}

fn mount(options: &str, folder: &Path, more: &[&str]) -> io::Result<()> {
    let mut command = Command::new("mount");
    command.args(more).args(["-o", options, "notify-chaos"]);
    let output = command.arg(folder).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(said))
}
