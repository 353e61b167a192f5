//! Events by number.

use std::time::{Duration, UNIX_EPOCH};

use notify_core::{
    Content, Entry, EventId, FailureKind, Millis, NewJob, Next, Notification, Outcome, Settlement,
    Severity,
};

/// 2024-01-08 08:00:00 UTC.
pub(super) const NOW: Millis = Millis(1_704_700_800_000);

/// How long the laws lease a job.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// The entry of this number, with a delivery to each target, due when it is accepted.
///
/// The same number gives the same entry, so whoever reads it back can tell
/// whether it is whole. The ids sort by number, which is below 2^62.
pub fn entry(number: u64, targets: &[&str], accepted: Millis) -> Entry {
    let fields = [
        ("type", "test".to_owned()),
        ("hostname", "pve1".to_owned()),
        ("number", number.to_string()),
    ];
    let event = Notification {
        id: id(number),
        severity: Severity::ALL[usize::try_from(number % 5).unwrap_or(0)],
        timestamp: NOW.seconds(),
        fields: fields.map(|(name, value)| (name.to_owned(), value)).into(),
        content: Content::Template {
            name: "message".to_owned(),
            data: serde_json::json!({ "title": format!("Event {number}"), "message": "text" }),
        },
    };
    let jobs = targets.iter();
    Entry {
        event,
        trace: format!("{{\"number\":{number}}}"),
        jobs: jobs
            .map(|target| NewJob::first(*target, accepted))
            .collect(),
        accepted,
        legacy: None,
    }
}

/// The id of the entry of this number.
pub(super) fn id(number: u64) -> EventId {
    let time = UNIX_EPOCH + Duration::from_millis(NOW.0.unsigned_abs() + number);
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    EventId::new(time, random)
}

/// The number of an entry by its id.
pub fn number_of(id: EventId) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&id.to_bytes()[8..]);
    // The two bits of the variant (RFC 9562 4.1).
    u64::from_be_bytes(bytes) & (u64::MAX >> 2)
}

/// An attempt that arrived.
pub(super) fn arrived(started: Millis) -> Settlement {
    Settlement {
        started,
        outcome: Outcome::Delivered,
        detail: None,
        reference: Some("queued as 7".to_owned()),
        refused: Vec::new(),
        next: Next::Delivered,
    }
}

/// An attempt that failed for now.
pub(super) fn failed(started: Millis, next: Next) -> Settlement {
    Settlement {
        started,
        outcome: Outcome::Failed(FailureKind::Unavailable),
        detail: Some("connect: refused".to_owned()),
        reference: None,
        refused: Vec::new(),
        next,
    }
}

/// Another attempt, at all recipients.
pub(super) fn retry(due: Millis) -> Next {
    Next::Retry {
        due,
        recipients: None,
    }
}

/// No other attempt.
pub(super) fn dead(reason: &str) -> Next {
    Next::Dead {
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{NOW, entry, number_of};

    #[test]
    fn a_number_is_read_back_from_the_id() {
        let largest = (1 << 62) - 1;
        for number in [0, 1, 1_000_000, largest] {
            assert_eq!(number_of(entry(number, &[], NOW).event.id), number);
        }
        let ids = [0, 1, 255, 256].map(|number| entry(number, &[], NOW).event.id);
        assert!(ids.is_sorted());
    }
}
