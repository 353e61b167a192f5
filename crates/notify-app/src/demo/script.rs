//! What happens in the demonstration, and who should hear of it.

use notify_events::{
    Circumstances, Common, Event, EventData as _, Fencing, Guest, GuestStatus, Replication, Vzdump,
};

/// One event.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) story: &'static str,
    /// Seconds since 1970-01-01 UTC.
    pub(super) timestamp: i64,
    what: What,
    /// The targets that the matchers must choose, sorted.
    pub(super) expected: &'static [&'static str],
    /// Whether the mail server is down when it happens.
    pub(super) relay_is_down: bool,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
enum What {
    Backup { failed: bool },
    Fencing,
    Replication,
}

/// Mon 2024-01-08 10:00 UTC.
const WORKING_HOURS: i64 = 1_704_708_000;
/// Sat 2024-01-13 03:00 UTC.
const WEEKEND: i64 = 1_705_114_800;

/// The host of the story.
const NAME: &str = "pve1";
const FQDN: &str = "pve1.example.com";
const JOB: &str = "backup-1a2b";

/// `admin` hears of everything, through a matcher without rules.
pub(super) fn scenes() -> Vec<Scene> {
    vec![
        Scene {
            story: "A backup finishes on Monday morning.",
            timestamp: WORKING_HOURS,
            what: What::Backup { failed: false },
            expected: &["admin", "mail-to-root"],
            relay_is_down: false,
        },
        Scene {
            story: "A backup fails on Saturday night.",
            timestamp: WEEKEND,
            what: What::Backup { failed: true },
            expected: &["admin", "backup-admins", "mail-to-root", "on-call-admins"],
            relay_is_down: false,
        },
        Scene {
            story: "A node is fenced on Saturday night.",
            timestamp: WEEKEND,
            what: What::Fencing,
            expected: &["admin", "cluster-admins", "mail-to-root", "on-call-admins"],
            relay_is_down: false,
        },
        Scene {
            story: "A replication job fails on Monday morning.",
            timestamp: WORKING_HOURS,
            what: What::Replication,
            expected: &["admin", "cluster-admins", "mail-to-root"],
            relay_is_down: false,
        },
        Scene {
            story: "A backup fails on Monday morning, and the mail server is down.",
            timestamp: WORKING_HOURS,
            what: What::Backup { failed: true },
            expected: &["admin", "backup-admins", "mail-to-root"],
            relay_is_down: true,
        },
    ]
}

impl Scene {
    /// The event, of the kind and with the texts that it has on any host.
    pub(super) fn event(&self) -> Event {
        let here = Circumstances::new(NAME, self.timestamp);
        match self.what {
            What::Backup { failed } => backup(failed).event(&here.with_job_id(JOB)),
            What::Fencing => fencing().event(&here),
            What::Replication => replication(self.timestamp).event(&here),
        }
    }
}

fn common() -> Common {
    Common {
        hostname: Some(NAME.to_owned()),
        fqdn: Some(FQDN.to_owned()),
        ..Common::default()
    }
}

fn backup(failed: bool) -> Vzdump {
    let web = Guest {
        name: Some("web".to_owned()),
        time: Some(11),
        size: Some(1 << 20),
        filename: Some("/var/lib/vz/dump/vzdump-qemu-100.vma.zst".to_owned()),
        ..Guest::new(100, GuestStatus::Ok)
    };
    let status = if failed {
        GuestStatus::Err
    } else {
        GuestStatus::Ok
    };
    let database = Guest {
        name: Some("db".to_owned()),
        time: Some(5),
        size: Some(1 << 20),
        filename: Some("/var/lib/vz/dump/vzdump-lxc-101.tar.zst".to_owned()),
        ..Guest::new(101, status)
    };
    Vzdump {
        common: common(),
        ..Vzdump::finished([web, database])
    }
}

fn fencing() -> Fencing {
    Fencing {
        common: common(),
        ..Fencing::attempt("pve2", NAME)
    }
}

fn replication(now: i64) -> Replication {
    Replication {
        job_id: "100-0".to_owned(),
        job_target: "pve2".to_owned(),
        job_schedule: None,
        failure_count: 1,
        last_sync: Some(now - 900),
        next_sync: None,
        error: "no route to pve2".to_owned(),
        common: common(),
    }
}
