//! `fencing`: the cluster cuts a failed node off, so that its guests can start elsewhere.

use notify_core::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::{Circumstances, Common, Event, fields};
use crate::kind::{DataKind, EventData, EventKind, FieldDoc, content};
use crate::number;

/// The cluster cuts a failed node off.
pub static FENCING: EventKind = EventKind {
    name: "fencing",
    title: "Cluster node fenced",
    doc: "Sent twice for each failed node: when the cluster begins to cut it off, and when that succeeded.",
    severities: &[Severity::Error],
    fields: &[
        FieldDoc::TYPE,
        FieldDoc::always("hostname", "The failed node, not the one that sends."),
    ],
    data: Some(DataKind::of::<Fencing>(include_str!(
        "../examples/fencing.json"
    ))),
};

const SUCCEED: &str = "SUCCEED";

/// A step of cutting a failed node off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Fencing {
    /// The node that failed.
    pub failed_node: String,
    /// The node that cuts it off.
    pub master_node: String,
    /// What is happening, in a sentence; made from the others when it is missing.
    #[serde(default)]
    pub fence_status: Option<String>,
    /// `FENCE` for the attempt, `SUCCEED` for the success; made from `is-success` when it is missing.
    #[serde(default)]
    pub fence_prefix: Option<String>,
    /// Whether the node has been cut off; `1`, or the empty string while it is being tried.
    /// When it is missing, `SUCCEED` in `fence-prefix` says so.
    #[serde(
        default,
        deserialize_with = "number::flag_or_null",
        serialize_with = "number::one_or_empty"
    )]
    #[schemars(schema_with = "number::flag_schema")]
    pub is_success: Option<bool>,
    /// When, in seconds since 1970-01-01 UTC; the time of the event when it is missing.
    #[serde(default, deserialize_with = "number::moment_or_null")]
    #[schemars(schema_with = "number::moment_or_null_schema")]
    pub fence_timestamp: Option<i64>,
    /// The nodes of the cluster.
    #[serde(default)]
    pub nodes: Vec<Node>,
    /// The guests and services that the cluster keeps running.
    #[serde(default)]
    pub resources: Vec<Resource>,
    /// What all kinds may have.
    #[serde(flatten)]
    pub common: Common,
}

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Node {
    /// Its name.
    pub node: String,
    /// Its state, as `online` or `fence`.
    pub status: String,
    /// Whatever else stands there.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A guest or service that the cluster keeps running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Resource {
    /// Its name, as `vm:100`.
    pub resource: String,
    /// Its state, as `started` or `fence`.
    pub state: String,
    /// The node that it is on.
    #[serde(default)]
    pub node: Option<String>,
    /// Whether it runs: 1 or 0.
    #[serde(
        default,
        deserialize_with = "number::flag",
        serialize_with = "number::one_or_zero"
    )]
    #[schemars(schema_with = "number::flag_schema")]
    pub running: bool,
    /// Whatever else stands there.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Fencing {
    /// The first of the two events of a failed node.
    pub fn attempt(failed_node: impl Into<String>, master_node: impl Into<String>) -> Self {
        Fencing {
            failed_node: failed_node.into(),
            master_node: master_node.into(),
            fence_status: None,
            fence_prefix: None,
            is_success: Some(false),
            fence_timestamp: None,
            nodes: Vec::new(),
            resources: Vec::new(),
            common: Common::default(),
        }
    }

    /// The second of the two events of a failed node, at this moment.
    #[must_use]
    pub fn succeeded(mut self, timestamp: i64) -> Self {
        self.is_success = Some(true);
        self.fence_status = None;
        self.fence_prefix = None;
        self.fence_timestamp = Some(timestamp);
        self
    }

    /// The data as templates get them.
    fn completed(&self, now: i64) -> Fencing {
        let node = &self.failed_node;
        let said = self.fence_prefix.as_deref() == Some(SUCCEED);
        let is_success = self.is_success.unwrap_or(said);
        let (prefix, status) = if is_success {
            (SUCCEED, format!("Node '{node}' was fenced"))
        } else {
            ("FENCE", format!("Try to fence node '{node}'"))
        };
        let mut data = self.clone();
        data.is_success = Some(is_success);
        data.fence_prefix.get_or_insert_with(|| prefix.to_owned());
        data.fence_status.get_or_insert(status);
        data.fence_timestamp.get_or_insert(now);
        data
    }
}

impl EventData for Fencing {
    const KIND: &'static EventKind = &FENCING;

    fn event(&self, circumstances: &Circumstances<'_>) -> Event {
        Event {
            severity: Severity::Error,
            fields: fields("fencing", self.failed_node.clone(), []),
            content: content(&self.completed(circumstances.timestamp)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fencing;
    use crate::kind::EventData as _;
    use serde_json::{Value, json};

    /// The prefix, the flag and the sentence of data with these keys.
    fn check(more: &[(&str, Value)], expected: (&str, Value, &str)) {
        let mut data = json!({"failed-node": "pve2", "master-node": "pve1"});
        for (key, value) in more {
            data[*key] = value.clone();
        }
        let read = Fencing::read(data).expect("good data");
        let shown = serde_json::to_value(read.completed(0)).expect("JSON");
        let (prefix, flag, status) = expected;
        assert_eq!(shown["fence-prefix"], prefix, "{more:?}");
        assert_eq!(shown["is-success"], flag, "{more:?}");
        assert_eq!(shown["fence-status"], status, "{more:?}");
    }

    #[test]
    fn the_prefix_and_the_flag_say_the_same() {
        let attempt = ("FENCE", json!(""), "Try to fence node 'pve2'");
        let success = ("SUCCEED", json!(1), "Node 'pve2' was fenced");
        check(&[], attempt.clone());
        check(&[("fence-prefix", json!("FENCE"))], attempt.clone());
        check(&[("is-success", json!("false"))], attempt.clone());
        check(&[("is-success", json!(""))], attempt.clone());
        check(&[("is-success", json!("true"))], success.clone());
        check(&[("fence-prefix", json!("SUCCEED"))], success.clone());
        let unknown = [
            ("fence-prefix", json!("SUCCEED")),
            ("is-success", Value::Null),
        ];
        check(&unknown, success);
        // What is said is not changed.
        let said = [
            ("fence-prefix", json!("SUCCEED")),
            ("is-success", json!(false)),
        ];
        check(&said, ("SUCCEED", json!(""), "Try to fence node 'pve2'"));
    }

    #[test]
    fn other_words_are_no_flag() {
        let data = json!({"failed-node": "a", "master-node": "b", "is-success": "no"});
        let error = Fencing::read(data).expect_err("no flag");
        assert_eq!(
            error.faults()[0].to_string(),
            "`is-success`: expected a number or true or false or null, not \"no\""
        );
    }
}
