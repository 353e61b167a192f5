//! What is known of a queued mail besides its bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// How a mail came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Arrival {
    /// When, in seconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// The user who left it.
    pub uid: u32,
    /// Whether it was longer than what was kept.
    pub cut: bool,
}

/// What became of a mail so far, so that no target gets it twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Progress {
    /// How it came.
    pub arrival: Arrival,
    /// How often it was tried.
    pub attempts: u32,
    /// The targets that took it.
    pub taken: BTreeSet<String>,
    /// The targets that will not be tried again, each with the reason.
    pub given_up: BTreeMap<String, String>,
    /// The recipients that are still to get it, of targets where others did.
    pub recipients: BTreeMap<String, Vec<String>>,
    /// How often a target gave no answer after it was sent.
    pub unanswered: BTreeMap<String, u32>,
    /// The targets that are to be left alone for a while.
    pub waits: BTreeMap<String, Wait>,
}

/// How long a target is not to be tried with a mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Wait {
    /// Until when, in seconds since 1970-01-01 UTC.
    pub not_before: i64,
    /// How often in a row it did not take the mail.
    pub failures: u32,
    /// Whether the target named the time itself, which then holds for every mail.
    pub asked: bool,
}

impl Progress {
    /// Nothing was tried yet.
    pub fn begin(arrival: Arrival) -> Self {
        Progress {
            arrival,
            ..Progress::default()
        }
    }

    /// Whether this target is to be left alone at this time, in seconds since 1970.
    pub fn is_waiting(&self, target: &str, now: i64) -> bool {
        let wait = self.waits.get(target);
        wait.is_some_and(|wait| now < wait.not_before)
    }

    /// Whether this target is done with, for better or worse.
    pub fn is_settled(&self, target: &str) -> bool {
        self.taken.contains(target) || self.given_up.contains_key(target)
    }
}
