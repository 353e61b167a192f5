//! `test`: somebody wants to see whether notifications arrive.

use notify_core::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{Circumstances, Common, Event, fields};
use crate::kind::{DataKind, EventData, EventKind, FieldDoc, content};

/// Somebody wants to see whether notifications arrive.
pub static TEST: EventKind = EventKind {
    name: "test",
    title: "Test notification",
    doc: "Sent when somebody wants to see whether notifications arrive.",
    severities: &[Severity::Info],
    fields: &[FieldDoc::TYPE, FieldDoc::HOSTNAME],
    data: Some(DataKind::of::<Test>(include_str!("../examples/test.json"))),
};

/// A test notification.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Test {
    /// The target that is tested, when it is one.
    #[serde(default)]
    pub target: Option<String>,
    /// What all kinds may have.
    #[serde(flatten)]
    pub common: Common,
}

impl EventData for Test {
    const KIND: &'static EventKind = &TEST;

    fn event(&self, circumstances: &Circumstances<'_>) -> Event {
        let hostname = self.common.hostname_or(circumstances.hostname);
        Event {
            severity: Severity::Info,
            fields: fields("test", hostname, []),
            content: content(self),
        }
    }
}
