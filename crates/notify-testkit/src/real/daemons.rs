//! Daemons that write to root: cron, smartd's warning script, mdadm.
//!
//! Each gives its mail to the system's `sendmail`, which hands it to a
//! [`Postfix`]. They run where nothing of this machine is touched: cron with its
//! jobs and its runtime folder in a mount namespace of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::daemon::Daemon;
use super::{INSTALL, Postfix, folder, program, write};

/// A running cron with one job of root's, which runs once, at once.
#[derive(Debug)]
pub struct Cron {
    // The process ends before its folder goes.
    daemon: Daemon,
    /// Where all crons of this machine look.
    job: Option<PathBuf>,
    _folder: TempDir,
}

impl Drop for Cron {
    fn drop(&mut self) {
        if let Some(job) = &self.job {
            let _ = fs::remove_file(job);
        }
    }
}

fn may_mount() -> bool {
    let mut attempt = Command::new("unshare");
    attempt.args(["--mount", "--propagation", "unchanged", "true"]);
    attempt.stderr(Stdio::null());
    attempt.status().is_ok_and(|status| status.success())
}

/// Its folders are those of the mount namespace.
///
/// The root of a chroot is no mount and cannot be made private. There each place is.
const CRON: &str = r#"
mount --make-rprivate / 2>/dev/null ||
for place in /run /etc/cron.d /var/spool/cron; do
    mount --bind "$place" "$place" && mount --make-private "$place" || exit
done
mount -t tmpfs none /run &&
mount --bind "$1" /etc/cron.d &&
mount -t tmpfs none /var/spool/cron &&
mkdir -p /var/spool/cron/crontabs &&
exec "$2" -f
"#;

impl Cron {
    /// Starts it; what the job prints goes to root by mail.
    ///
    /// In a container that grants no mounts it runs in the open, with its job in `/etc/cron.d`
    /// until it is dropped.
    ///
    /// # Panics
    /// When it is not installed, or not run as root.
    pub fn start(postfix: &Postfix, job: &str) -> Self {
        // A job at the start of the machine need not wait for the next minute.
        let job = format!("MAILTO=root\n@reboot root {job}\n");
        if may_mount() {
            Cron::hidden(postfix, &job)
        } else {
            Cron::open(postfix, &job)
        }
    }

    fn hidden(postfix: &Postfix, job: &str) -> Self {
        let folder = folder("notify-cron-");
        write(&folder.path().join("job"), job);
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--propagation", "unchanged"])
            .args(["sh", "-c", CRON, "cron"])
            .arg(folder.path())
            .arg(program("cron"))
            .env("MAIL_CONFIG", postfix.mail_config());
        Cron {
            daemon: Daemon::spawn(&mut command, folder.path()),
            job: None,
            _folder: folder,
        }
    }

    fn open(postfix: &Postfix, job: &str) -> Self {
        let folder = folder("notify-cron-");
        let file = PathBuf::from(format!("/etc/cron.d/notify-test-{}", std::process::id()));
        write(&file, job);
        // It is the mark of an earlier start, after which such jobs are not run.
        let _ = fs::remove_file("/run/crond.reboot");
        let mut command = Command::new(program("cron"));
        command.arg("-f").env("MAIL_CONFIG", postfix.mail_config());
        Cron {
            daemon: Daemon::spawn(&mut command, folder.path()),
            job: Some(file),
            _folder: folder,
        }
    }

    /// What it said, for a test that waits in vain.
    pub fn log(&self) -> String {
        self.daemon.log()
    }
}

/// Has smartd's own script warn root of a disk.
///
/// # Panics
/// When it is not installed, or fails.
pub fn smartd_warning(postfix: &Postfix) {
    let scripts = Path::new("/usr/share/smartmontools");
    let script = scripts.join("smartd_warning.sh");
    assert!(
        script.is_file(),
        "`smartd` is not installed; run: {INSTALL}"
    );
    program("mail");
    let mut command = Command::new("bash");
    command
        .arg(script)
        .env("MAIL_CONFIG", postfix.mail_config())
        .env("SMARTD_MAILER", scripts.join("smartd-runner"))
        .envs([
            ("SMARTD_ADDRESS", "root"),
            ("SMARTD_DEVICE", "/dev/sda"),
            ("SMARTD_DEVICESTRING", "/dev/sda"),
            ("SMARTD_DEVICETYPE", "sat"),
            ("SMARTD_DEVICEINFO", "Example disk, S/N:0815"),
            ("SMARTD_FAILTYPE", "Health"),
            ("SMARTD_TFIRST", "Mon Jan  8 08:00:00 2024 CET"),
            ("SMARTD_TFIRSTEPOCH", "1704697200"),
            ("SMARTD_PREVCNT", "0"),
            ("SMARTD_NEXTDAYS", "1"),
            (
                "SMARTD_MESSAGE",
                "Device: /dev/sda, FAILED SMART self-check. BACK UP DATA NOW!",
            ),
        ]);
    succeed(&mut command);
}

/// Has `mdadm` send root its test mail about an array that exists as a node only.
///
/// # Panics
/// When it is not installed, not run as root, or fails.
pub fn mdadm_test(postfix: &Postfix) {
    let mdadm = program("mdadm");
    let folder = folder("notify-mdadm-");
    let node = folder.path().join("md127");
    succeed(Command::new("mknod").arg(&node).args(["b", "9", "127"]));
    let mut command = Command::new(mdadm);
    command
        .args(["--monitor", "--test", "--oneshot", "--mail=root"])
        .arg(&node)
        .env("MAIL_CONFIG", postfix.mail_config());
    succeed(&mut command);
}

fn succeed(command: &mut Command) {
    let output = command.output();
    let Output { status, stderr, .. } =
        output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?}: {status}: {said}");
}
