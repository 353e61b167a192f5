//! What is stored when an event is accepted: the event, the decision, the deliveries to make.

use std::collections::{BTreeMap, HashSet};

use notify_core::{Entry, EventId, LegacyMail, Millis, NewJob, Notification, Put};
use notify_match::{Event, MatcherSet};
use serde::{Deserialize, Serialize};

use crate::{Engine, Explained, LEGACY_MAIL};

/// The name under which an event waits for which no target was chosen while a matcher cannot be
/// used. No section can have it.
pub const UNDECIDED: &str = "@undecided";

/// Of so many matchers all are in the trace; of more only those that matched.
const MOST_MATCHERS: usize = 256;

/// What [`Bus::accept`](crate::Bus::accept) puts: for a command that writes the spool itself.
///
/// A target that is switched off gets no job, one that is missing or cannot be used gets one.
/// When no target is chosen and a matcher cannot be used, the event waits as [`UNDECIDED`]
/// until that one is mended.
pub fn entry(engine: &Engine, event: Notification, now: Millis) -> Entry {
    proposed(engine, event, now).0
}

/// What is put for a mail of the old way, which goes past matchers and targets.
pub fn legacy_entry(event: Notification, mail: LegacyMail, now: Millis) -> Entry {
    Entry {
        event,
        trace: Trace::default().json(),
        jobs: vec![NewJob::first(LEGACY_MAIL, now)],
        accepted: now,
        legacy: Some(mail),
    }
}

/// An accepted event: it is on disk, with its deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The event.
    pub id: EventId,
    /// Whether it had been accepted before. Then nothing was stored.
    pub known: bool,
    /// The matchers that matched, sorted bytewise.
    pub matchers: Vec<String>,
    /// The chosen targets, sorted bytewise.
    pub targets: Vec<(String, Standing)>,
    /// Why it waits as [`UNDECIDED`].
    pub undecided: Option<String>,
}

/// What an accepted event has at one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// A delivery is to be made.
    Pending,
    /// None, because the target is switched off.
    Disabled,
}

impl Accepted {
    /// What became of an entry that was put, whoever put it.
    pub fn of(entry: &Entry, put: Put) -> Self {
        // A trace that somebody else wrote may say less: then it is not known who matched.
        let trace: StoredTrace = serde_json::from_str(&entry.trace).unwrap_or_default();
        let matched = trace.matchers.into_iter().filter(|matcher| matcher.matched);
        let mut matchers: Vec<_> = matched.map(|matcher| matcher.name).collect();
        matchers.sort_unstable();
        Accepted {
            id: entry.event.id,
            known: put == Put::Known,
            matchers,
            targets: standings(&entry.jobs, trace.disabled),
            undecided: trace.undecided,
        }
    }
}

/// The entry of an event, and the answer if it is stored.
pub(crate) fn proposed(engine: &Engine, event: Notification, now: Millis) -> (Entry, Accepted) {
    let explained = engine.explain(&Event::from(&event));
    let is_off = |name: &String| explained.disabled.binary_search(name).is_ok();
    let on = explained.targets.iter().filter(|name| !is_off(name));
    let mut jobs: Vec<_> = on.map(|name| NewJob::first(name.as_str(), now)).collect();
    let undecided = match explained.targets.is_empty() {
        true => engine.undecided(),
        false => None,
    };
    if undecided.is_some() {
        jobs.push(NewJob::first(UNDECIDED, now));
    }
    let matched = explained.matchers.iter().filter(|matcher| matcher.matched);
    let mut matchers: Vec<_> = matched.map(|matcher| matcher.name.clone()).collect();
    matchers.sort_unstable();
    let accepted = Accepted {
        id: event.id,
        known: false,
        matchers,
        targets: standings(&jobs, explained.disabled.clone()),
        undecided: undecided.clone(),
    };
    let trace = Trace {
        undecided,
        ..Trace::of(explained, engine.matchers())
    };
    let entry = Entry {
        event,
        trace: trace.json(),
        jobs,
        accepted: now,
        legacy: None,
    };
    (entry, accepted)
}

/// The same event anew, as the matchers choose for it now; while they cannot, the reason.
///
/// Its id is made from that of the old one: however often this is done, it is one event.
pub(crate) fn decided_anew(
    engine: &Engine,
    event: &Notification,
    now: Millis,
) -> Result<(Entry, Accepted), String> {
    let event = Notification {
        id: successor(event.id),
        ..event.clone()
    };
    let (entry, accepted) = proposed(engine, event, now);
    match accepted.undecided {
        Some(reason) => Err(reason),
        None => Ok((entry, accepted)),
    }
}

/// Another id of the same time. It differs early, so that the beginning still names one event.
fn successor(id: EventId) -> EventId {
    let mut bytes = id.to_bytes();
    for random in &mut bytes[6..] {
        *random = !*random;
    }
    EventId::from_bytes(bytes)
}

fn standings(jobs: &[NewJob], disabled: Vec<String>) -> Vec<(String, Standing)> {
    let pending = jobs
        .iter()
        .map(|job| (job.target.clone(), Standing::Pending));
    let disabled = disabled.into_iter().map(|name| (name, Standing::Disabled));
    let mut all: Vec<_> = pending.chain(disabled).collect();
    all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    all
}

/// The stored form of a decision: [`Explained`], perhaps without the matchers that did not match.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Trace<'a> {
    #[serde(flatten)]
    explained: Explained,
    /// Matchers that did not match and are not in `matchers`.
    #[serde(skip_serializing_if = "is_zero")]
    left_out: usize,
    /// The targets that each of `matchers` names: which rule kept an event from a target can be
    /// told when the configuration is another.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    leads: BTreeMap<&'a str, Vec<&'a str>>,
    /// Why no target could be chosen yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    undecided: Option<String>,
}

/// What is read again of a stored trace.
#[derive(Debug, Default, Deserialize)]
struct StoredTrace {
    #[serde(default)]
    disabled: Vec<String>,
    #[serde(default)]
    matchers: Vec<StoredMatcher>,
    #[serde(default)]
    undecided: Option<String>,
}

#[derive(Debug, Deserialize)]
struct StoredMatcher {
    name: String,
    matched: bool,
}

impl Default for Trace<'_> {
    fn default() -> Self {
        Trace {
            explained: Explained {
                targets: Vec::new(),
                missing: Vec::new(),
                disabled: Vec::new(),
                unusable: Vec::new(),
                matchers: Vec::new(),
            },
            left_out: 0,
            leads: BTreeMap::new(),
            undecided: None,
        }
    }
}

impl<'a> Trace<'a> {
    fn of(mut explained: Explained, matchers: &'a MatcherSet) -> Self {
        let all = explained.matchers.len();
        if all > MOST_MATCHERS {
            explained.matchers.retain(|matcher| matcher.matched);
        }
        let left_out = all - explained.matchers.len();
        let kept: HashSet<&str> = explained.matchers.iter().map(|it| &*it.name).collect();
        let told = matchers
            .usable()
            .filter(|matcher| kept.contains(matcher.name()));
        let leads = told.map(|matcher| (matcher.name(), matcher.targets().collect()));
        Trace {
            leads: leads.collect(),
            left_out,
            explained,
            undecided: None,
        }
    }

    fn json(&self) -> String {
        serde_json::to_string(self).expect("text, flags and lists have a form in JSON")
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde asks for"
)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}
