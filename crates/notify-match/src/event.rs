//! What a rule can look at.

use std::collections::BTreeMap;

use notify_core::{Notification, Severity};

/// The part of a notification that matchers see.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// How grave it is.
    pub severity: Severity,
    /// When it happened, in seconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Its metadata: `type`, `hostname`, `job-id`, and any other.
    pub fields: &'a BTreeMap<String, String>,
}

impl<'a> From<&'a Notification> for Event<'a> {
    fn from(notification: &'a Notification) -> Self {
        Event {
            severity: notification.severity,
            timestamp: notification.timestamp,
            fields: &notification.fields,
        }
    }
}
