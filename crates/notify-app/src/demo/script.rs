//! What happens in the demonstration, and who should hear of it.

use notify_core::Severity;

/// One event.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) story: &'static str,
    pub(super) severity: Severity,
    /// Seconds since 1970-01-01 UTC.
    pub(super) timestamp: i64,
    pub(super) fields: &'static [(&'static str, &'static str)],
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    /// The targets that the matchers must choose, sorted.
    pub(super) expected: &'static [&'static str],
}

/// Mon 2024-01-08 10:00 UTC.
const WORKING_HOURS: i64 = 1_704_708_000;
/// Sat 2024-01-13 03:00 UTC.
const WEEKEND: i64 = 1_705_114_800;

/// `admin` hears of everything, through a matcher without rules.
pub(super) fn scenes() -> Vec<Scene> {
    vec![
        Scene {
            story: "A backup finishes on Monday morning.",
            severity: Severity::Info,
            timestamp: WORKING_HOURS,
            fields: &[
                ("type", "vzdump"),
                ("hostname", "pve1"),
                ("job-id", "backup-1a2b"),
            ],
            title: "vzdump backup status (pve1.example.com): backup successful",
            text: "Total running time: 16s\nTotal size: 1 MiB\n",
            expected: &["admin", "mail-to-root"],
        },
        Scene {
            story: "A backup fails on Saturday night.",
            severity: Severity::Error,
            timestamp: WEEKEND,
            fields: &[
                ("type", "vzdump"),
                ("hostname", "pve1"),
                ("job-id", "backup-1a2b"),
            ],
            title: "vzdump backup status (pve1.example.com): backup failed",
            text: "101: err: disk full\n",
            expected: &["admin", "backup-admins", "mail-to-root", "on-call-admins"],
        },
        Scene {
            story: "A node is fenced on Saturday night.",
            severity: Severity::Error,
            timestamp: WEEKEND,
            fields: &[("type", "fencing"), ("hostname", "pve2")],
            title: "Trying to fence node 'pve2'",
            text: "The node pve2 is offline.\n",
            expected: &["admin", "cluster-admins", "mail-to-root", "on-call-admins"],
        },
        Scene {
            story: "A replication job fails on Monday morning.",
            severity: Severity::Error,
            timestamp: WORKING_HOURS,
            fields: &[
                ("type", "replication"),
                ("hostname", "pve1"),
                ("job-id", "100-0"),
            ],
            title: "Replication Job: '100-0' failed",
            text: "no route to pve2\n",
            expected: &["admin", "cluster-admins", "mail-to-root"],
        },
    ]
}
