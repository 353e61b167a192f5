//! What the tests of this crate begin with.
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use notify_core::{
    Claim, Content, Entry, EventId, FailureKind, HistoryQuery, Millis, NewJob, Next, Notification,
    OpenFor, Opened, Outcome, Settlement, Severity, SpoolError, SpoolPlace,
};
use spool_sqlite::SQLITE;
use tempfile::TempDir;

/// A place for a spool, which goes with the test.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Place { folder }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder().join("spool.db")
    }

    pub(crate) fn open(&self, purpose: OpenFor) -> Result<Opened, SpoolError> {
        let folder = self.folder();
        (SQLITE.open)(&SpoolPlace { folder, purpose })
    }

    /// Opened to be worked, with nothing to tell.
    pub(crate) fn work(&self) -> Opened {
        let opened = self.open(OpenFor::Work).expect("a spool");
        assert_eq!(opened.alarms, [""; 0]);
        opened
    }
}

/// An id for each number, in order.
pub(crate) fn id(number: u64) -> EventId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    EventId::from_bytes(bytes)
}

/// An event that was accepted at its number, with a delivery that is due then to each target.
pub(crate) fn entry(number: u64, targets: &[&str]) -> Entry {
    let now = Millis(i64::try_from(number).expect("a small number"));
    let data = serde_json::json!({"title": format!("Event {number}"), "share": 0.1 + 0.2});
    Entry {
        event: Notification {
            id: id(number),
            severity: Severity::Error,
            timestamp: 1_700_000_000,
            fields: BTreeMap::from([("type".to_owned(), "backup".to_owned())]),
            content: Content::Template {
                name: "message".to_owned(),
                data,
            },
        },
        trace: "{\"matchers\":[]}".to_owned(),
        jobs: targets
            .iter()
            .map(|name| NewJob::first(*name, now))
            .collect(),
        accepted: now,
        legacy: None,
    }
}

/// Deliveries to a target, for a second.
pub(crate) fn claim(target: &str, most: usize) -> Claim<'_> {
    Claim {
        target: Some(target),
        most,
        lease: Duration::from_secs(1),
    }
}

/// It arrived.
pub(crate) fn delivered(started: i64) -> Settlement {
    Settlement {
        started: Millis(started),
        outcome: Outcome::Delivered,
        detail: None,
        reference: Some("queued as 7".to_owned()),
        refused: Vec::new(),
        next: Next::Delivered,
    }
}

/// It did not.
pub(crate) fn failed(started: i64, next: Next) -> Settlement {
    Settlement {
        started: Millis(started),
        outcome: Outcome::Failed(FailureKind::Unavailable),
        detail: Some("connect: refused".to_owned()),
        reference: None,
        refused: Vec::new(),
        next,
    }
}

/// The events of a spool, the newest first.
pub(crate) async fn list(spool: &Opened) -> Vec<EventId> {
    let events = spool.history.events(&HistoryQuery::default()).await;
    events
        .expect("read")
        .into_iter()
        .map(|event| event.id)
        .collect()
}
