//! All matchers of a configuration, and the plain evaluator, which is the definition.

use std::sync::Arc;

use notify_core::Zone;

use crate::bits::Bits;
use crate::{Event, Matcher, Mode, Routing, RuleTrace, Trace};

/// The matchers of a configuration in file order, the faulty ones among them.
#[derive(Clone, Debug)]
pub struct MatcherSet {
    entries: Arc<[Entry]>,
}

/// A matcher, or why it cannot be used.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: Box<str>,
    pub(crate) matcher: Result<Matcher, Box<str>>,
}

impl MatcherSet {
    /// These matchers, each with its name; for one that cannot be used, the reason.
    pub fn new(matchers: impl IntoIterator<Item = (String, Result<Matcher, String>)>) -> Self {
        let entry = |(name, matcher): (String, Result<Matcher, String>)| Entry {
            name: name.into(),
            matcher: matcher.map_err(Into::into),
        };
        MatcherSet {
            entries: matchers.into_iter().map(entry).collect(),
        }
    }

    /// How many there are, faulty ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The matchers that can be used, in file order.
    pub fn usable(&self) -> impl Iterator<Item = &Matcher> {
        self.entries
            .iter()
            .filter_map(|entry| entry.matcher.as_ref().ok())
    }

    /// The names of those that cannot, each with the reason, in file order.
    pub fn faulty(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.matcher {
                Ok(_) => None,
                Err(reason) => Some((&*entry.name, &**reason)),
            })
    }

    /// What every matcher and every rule says of an event, in file order.
    ///
    /// Total: it has an answer for every set and event. `zone` is that of
    /// calendars that name none.
    pub fn evaluate(&self, event: &Event<'_>, zone: Zone) -> Vec<Trace> {
        let trace = |entry: &Entry| match &entry.matcher {
            Ok(matcher) => explained(matcher, event, zone),
            Err(reason) => Trace {
                name: entry.name.to_string(),
                matched: false,
                disabled: false,
                mode: Mode::All,
                invert: false,
                error: Some(reason.to_string()),
                rules: Vec::new(),
            },
        };
        self.entries.iter().map(trace).collect()
    }

    /// Which matchers match, and whom they notify: the plain evaluator.
    ///
    /// It asks every matcher, rule by rule. A [`Router`](crate::Router) gives the same answer faster.
    pub fn route(&self, event: &Event<'_>, zone: Zone) -> Routing<'_> {
        let mut matched = Bits::zeros(self.len());
        let mut targets: Vec<&str> = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            if let Ok(matcher) = &entry.matcher
                && matcher.matches(event, zone)
            {
                matched.set(index);
                targets.extend(matcher.targets());
            }
        }
        targets.sort_unstable();
        targets.dedup();
        Routing::new(&self.entries, matched, targets)
    }

    pub(crate) fn entries(&self) -> &Arc<[Entry]> {
        &self.entries
    }
}

fn explained(matcher: &Matcher, event: &Event<'_>, zone: Zone) -> Trace {
    let rules = matcher.rules().iter().map(|rule| {
        let finding = rule.rule().evaluate(event, zone);
        RuleTrace {
            key: rule.key(),
            rule: rule.rule().normalized(),
            saw: finding.saw,
            verdict: finding.verdict,
        }
    });
    Trace {
        name: matcher.name().to_owned(),
        matched: matcher.matches(event, zone),
        disabled: matcher.is_disabled(),
        mode: matcher.mode(),
        invert: matcher.is_inverted(),
        error: None,
        rules: rules.collect(),
    }
}
