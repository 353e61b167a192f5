//! `replication`: a storage replication job failed.

use notify_core::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::emission::{Emission, Rules};
use crate::error::EventError;
use crate::event::{Circumstances, Common, Event, fields};
use crate::kind::{DataKind, EventData, EventKind, FieldDoc, content};
use crate::number;

/// A storage replication job failed.
pub static REPLICATION: EventKind = EventKind {
    name: "replication",
    title: "Storage replication failed",
    doc: "Sent when a replication job failed: for each of the first three failures in a row, \
          then for the 48th, 96th, 192nd and so on.",
    severities: &[Severity::Error],
    fields: &[
        FieldDoc::TYPE,
        FieldDoc::HOSTNAME,
        FieldDoc::always("job-id", "The replication job."),
    ],
    data: Some(DataKind::of::<Replication>(include_str!(
        "../examples/replication.json"
    ))),
};

/// A replication job that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Replication {
    /// The job.
    pub job_id: String,
    /// The node that it replicates to.
    pub job_target: String,
    /// When it runs, as a calendar event; `*/15` when it is missing.
    #[serde(default)]
    pub job_schedule: Option<String>,
    /// How often in a row it failed.
    #[serde(deserialize_with = "number::count")]
    #[schemars(schema_with = "number::count_schema")]
    pub failure_count: u64,
    /// When it last succeeded, in seconds since 1970-01-01 UTC; 0 for never.
    #[serde(default, deserialize_with = "number::moment_or_null")]
    #[schemars(schema_with = "number::moment_or_null_schema")]
    pub last_sync: Option<i64>,
    /// When it is tried again, in seconds since 1970-01-01 UTC; worked out when it is missing.
    #[serde(default, deserialize_with = "number::moment_or_null")]
    #[schemars(schema_with = "number::moment_or_null_schema")]
    pub next_sync: Option<i64>,
    /// Why it failed.
    pub error: String,
    /// What all kinds may have.
    #[serde(flatten)]
    pub common: Common,
}

impl Replication {
    /// When a job is tried again that was to run at `due`, in seconds since
    /// 1970-01-01 UTC, and has now failed so often in a row: 5 minutes later for
    /// each of the first three failures, 30 minutes later from then on.
    pub fn retried_at(due: i64, failure_count: u64) -> i64 {
        let minutes = match failure_count {
            0..=3 => 5 * i64::try_from(failure_count).unwrap_or(3),
            _ => 30,
        };
        due.saturating_add(60 * minutes)
    }

    /// Whether people are told of this failure: of the 1st, 2nd and 3rd in a row, and
    /// then of the 48th, 96th, 192nd and so on, ever more rarely.
    pub fn is_told(&self) -> bool {
        is_told(self.failure_count)
    }

    /// The data as templates get them.
    fn completed(&self, now: i64) -> Replication {
        let mut data = self.clone();
        data.job_schedule.get_or_insert_with(|| "*/15".to_owned());
        data.last_sync.get_or_insert(0);
        // A run that has failed just now was due just now.
        data.next_sync
            .get_or_insert_with(|| Replication::retried_at(now, self.failure_count));
        data
    }
}

fn is_told(failure_count: u64) -> bool {
    match failure_count {
        0 => false,
        1..=3 => true,
        count => count % 48 == 0 && (count / 48).is_power_of_two(),
    }
}

impl EventData for Replication {
    const KIND: &'static EventKind = &REPLICATION;

    fn emission(
        &self,
        circumstances: &Circumstances<'_>,
        _: &Rules<'_>,
    ) -> Result<Emission, EventError> {
        Ok(match self.failure_count {
            0 => Emission::held("the job did not fail"),
            _ if self.is_told() => Emission::sent(self.event(circumstances)),
            count => Emission::held(format!(
                "failure {count} in a row: people are told of 1, 2, 3, 48, 96, 192 and so on"
            )),
        })
    }

    fn event(&self, circumstances: &Circumstances<'_>) -> Event {
        let hostname = self.common.hostname_or(circumstances.hostname);
        Event {
            severity: Severity::Error,
            fields: fields("replication", hostname, [("job-id", Some(&self.job_id))]),
            content: content(&self.completed(circumstances.timestamp)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Replication, is_told};

    #[test]
    fn people_are_told_ever_more_rarely() {
        let told: Vec<u64> = (0..=1600).filter(|count| is_told(*count)).collect();
        assert_eq!(told, [1, 2, 3, 48, 96, 192, 384, 768, 1536]);
        assert!(is_told(48 << 50));
        assert!(!is_told(u64::MAX));
    }

    #[test]
    fn it_is_tried_again_ever_later() {
        let delays = [0, 1, 2, 3, 4, 100].map(|count| Replication::retried_at(1000, count) - 1000);
        assert_eq!(delays, [0, 300, 600, 900, 1800, 1800]);
    }
}
