//! An event as its data make it: what is missing to a notification are identity and time.

use std::collections::BTreeMap;

use notify_core::{Content, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What happened, ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// How grave it is.
    pub severity: Severity,
    /// What matchers can look at: `type`, `hostname`, and those of the kind.
    pub fields: BTreeMap<String, String>,
    /// The kind's template with its data, or a mail.
    pub content: Content,
}

/// What the surroundings of an event add to its data.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The short name of the host that sends.
    pub hostname: &'a str,
    /// When it happened, in seconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// The job that it belongs to, where it was one and was scheduled.
    pub job_id: Option<&'a str>,
}

impl<'a> Circumstances<'a> {
    /// A host and a moment, and no job.
    pub fn new(hostname: &'a str, timestamp: i64) -> Self {
        Circumstances {
            hostname,
            timestamp,
            job_id: None,
        }
    }

    /// With the job that it belongs to.
    #[must_use]
    pub fn with_job_id(mut self, job_id: &'a str) -> Self {
        self.job_id = Some(job_id);
        self
    }
}

/// What the data of every kind may have, and what none knows.
///
/// The first three are facts of the host that sends; where they are missing,
/// the sender fills them in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Common {
    /// The short name of the host that sends; filled in when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The full name of the host that sends; filled in when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<String>,
    /// The name of the cluster that the host is in; filled in when it is missing and the host is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    /// Whatever else stands in the data: templates get it as it is.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Common {
    /// The value of the field `hostname` of events that are about the host itself.
    pub(crate) fn hostname_or(&self, sender: &str) -> String {
        self.hostname.clone().unwrap_or_else(|| sender.to_owned())
    }
}

/// The fields of a kind: its `type`, the host, and others that it has.
pub(crate) fn fields<const N: usize>(
    kind: &str,
    hostname: String,
    others: [(&str, Option<&str>); N],
) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::from([
        ("type".to_owned(), kind.to_owned()),
        ("hostname".to_owned(), hostname),
    ]);
    for (name, value) in others {
        fields.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }
    fields
}
