//! Events from a few words.

use std::collections::BTreeMap;

use notify_core::Severity;
use notify_match::Event;

/// An event without its borrowed part.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    pub(crate) severity: Severity,
    pub(crate) timestamp: i64,
    pub(crate) fields: BTreeMap<String, String>,
}

impl Happening {
    /// `error type=vzdump hostname=` on Monday 2024-01-08, 10:00 in Vienna.
    pub(crate) fn parse(words: &str) -> Self {
        let mut words = words.split(' ');
        let severity = words.next().and_then(|word| word.parse().ok());
        let field = |word: &str| {
            let (name, value) = word.split_once('=').expect("a field is NAME=VALUE");
            (name.to_owned(), value.to_owned())
        };
        Happening {
            severity: severity.expect("the first word is a severity"),
            timestamp: 1_704_704_400,
            fields: words.map(field).collect(),
        }
    }

    pub(crate) fn event(&self) -> Event<'_> {
        Event {
            severity: self.severity,
            timestamp: self.timestamp,
            fields: &self.fields,
        }
    }
}
