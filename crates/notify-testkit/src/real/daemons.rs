//! Daemons that write to root: cron, smartd's warning script, mdadm.
//!
//! Each gives its mail to the system's `sendmail`, which hands it to a
//! [`Postfix`]. They run where nothing of this machine is touched: cron with its
//! jobs and its runtime folder in a mount namespace of its own.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::daemon::Daemon;
use super::{INSTALL, Postfix, folder, program, write};

/// A running cron with one job of root's, which runs once, at once.
#[derive(Debug)]
pub struct Cron {
    // The process ends before its folder goes.
    _daemon: Daemon,
    _folder: TempDir,
}

/// Its folders are those of the mount namespace.
const CRON: &str = r#"
mount -t tmpfs none /run &&
mount --bind "$1" /etc/cron.d &&
mount -t tmpfs none /var/spool/cron &&
mkdir -p /var/spool/cron/crontabs &&
exec "$2" -f
"#;

impl Cron {
    /// Starts it; what the job prints goes to root by mail.
    ///
    /// # Panics
    /// When it is not installed, or not run as root.
    pub fn start(postfix: &Postfix, job: &str) -> Self {
        let cron = program("cron");
        let folder = folder("notify-cron-");
        // A job at the start of the machine need not wait for the next minute.
        write(
            &folder.path().join("job"),
            &format!("MAILTO=root\n@reboot root {job}\n"),
        );
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", CRON, "cron"])
            .arg(folder.path())
            .arg(cron)
            .env("MAIL_CONFIG", postfix.mail_config());
        Cron {
            _daemon: Daemon::spawn(&mut command, folder.path()),
            _folder: folder,
        }
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
