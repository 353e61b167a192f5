//! The block `logs` of a backup report.

use std::fmt::Write as _;

/// The logs of a backup job in the form in which its report has them.
///
/// First the command line and an empty line, then what hooks printed, then the
/// log of each guest, every line of it behind the guest's number.
///
/// ```
/// use notify_events::JobLogs;
/// let mut logs = JobLogs::of("vzdump 100 101 --mode snapshot");
/// logs.guest(100, Some("INFO: Starting Backup of VM 100 (qemu)\nstatus: 5\n"));
/// logs.guest(101, None);
/// assert_eq!(logs.text(), "\
/// vzdump 100 101 --mode snapshot
///
/// 100: INFO: Starting Backup of VM 100 (qemu)
///
/// 101: no log available
///
/// ");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobLogs {
    text: String,
}

impl JobLogs {
    /// Of the job that this command line began.
    pub fn of(command: &str) -> Self {
        JobLogs {
            text: format!("{}\n\n", command.trim_end()),
        }
    }

    /// Adds what hooks, or the job itself, printed.
    pub fn job(&mut self, output: &str) {
        if !output.trim().is_empty() {
            let _ = writeln!(self.text, "{}\n", output.trim_end());
        }
    }

    /// Adds the log of a guest, without its reports of progress.
    pub fn guest(&mut self, vmid: u64, log: Option<&str>) {
        match log.map(str::trim_end) {
            None | Some("") => {
                let _ = writeln!(self.text, "{vmid}: no log available");
            }
            Some(log) => {
                for line in log.lines().filter(|line| !is_progress(line)) {
                    let _ = writeln!(self.text, "{vmid}: {}", line.trim_end());
                }
            }
        }
        self.text.push('\n');
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// `status: N`, with or without what stands before a message.
fn is_progress(line: &str) -> bool {
    let message = line
        .rsplit_once("INFO: ")
        .map_or(line, |(_, message)| message);
    let number = message.trim_start().strip_prefix("status: ");
    number.is_some_and(|number| number.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{JobLogs, is_progress};

    #[test]
    fn progress_is_dropped_and_nothing_else() {
        for progress in [
            "status: 5",
            "INFO: status: 12% (1234/5678)",
            "2024-01-08 01:00:00 INFO: status: 1",
        ] {
            assert!(is_progress(progress), "{progress}");
        }
        for other in [
            "status: running",
            "INFO: status = running",
            "exit status: x",
            "a status: 5",
        ] {
            assert!(!is_progress(other), "{other}");
        }
    }

    #[test]
    fn hooks_stand_between_the_command_and_the_guests() {
        let mut logs = JobLogs::of("vzdump 100\n");
        logs.job("");
        logs.job("hook: job-init\n");
        logs.guest(100, Some("a\n\nb\n\n"));
        assert_eq!(
            logs.text(),
            "vzdump 100\n\nhook: job-init\n\n100: a\n100: \n100: b\n\n"
        );
    }
}
