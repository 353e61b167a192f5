//! What `check` says of a matcher that works: that it can never match, that
//! Proxmox VE would refuse it, that it may not mean what it seems to.

use notify_schema::{Fault, SectionName};

use crate::calendar::Hours;
use crate::{Index, Matcher, MatcherRule, Mode, Severities};

impl Matcher {
    /// What a person should know of it: a warning when it can never match,
    /// remarks on single rules. In the order of the lines.
    pub fn remarks(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let Some(reason) = self.never_matches() {
            let message = format!("it can never match: {reason}");
            faults.push(Fault::warning(self.header(), message));
        }
        for rule in self.rules() {
            if let Some(remark) = rule.rule().remark() {
                faults.push(Fault::info(rule.at(), of_property(rule, &remark)));
            }
        }
        self.in_section(faults)
    }

    /// What Proxmox VE would refuse of its rules, each with the form that it
    /// accepts where there is one.
    pub fn pve_faults(&self) -> Vec<Fault> {
        let refused = self.rules().iter().filter_map(|rule| {
            let refusal = rule.rule().pve_refusal()?;
            let message = format!("Proxmox VE does not accept `{}`", rule.text());
            let fault = Fault::error(rule.at(), of_property(rule, &message)).for_pve();
            Some(match refusal.strict {
                Some(strict) => fault.with_hint(format!("it accepts `{strict}`")),
                None => fault.with_hint("it has no form of the same meaning on one line"),
            })
        });
        self.in_section(refused.collect())
    }

    /// Why no event can match it; none when that is not certain, or it is switched off.
    ///
    /// What it says is so; it does not find every such matcher.
    pub fn never_matches(&self) -> Option<String> {
        if self.is_disabled() || self.rules().is_empty() {
            return None;
        }
        match (self.mode(), self.is_inverted()) {
            (Mode::All, false) => never_all(self.rules()),
            (Mode::Any, false) => self
                .rules()
                .iter()
                .all(|rule| rule.rule().is_never())
                .then(|| "none of its rules is ever fulfilled".to_owned()),
            (Mode::All, true) => self
                .rules()
                .iter()
                .all(|rule| rule.rule().is_always())
                .then(|| "its rules are always fulfilled, and it is inverted".to_owned()),
            (Mode::Any, true) => always_any(self.rules()),
        }
    }

    fn in_section(&self, faults: Vec<Fault>) -> Vec<Fault> {
        let section = SectionName::new(crate::schema::MATCHER, self.name());
        faults
            .into_iter()
            .map(|fault| fault.in_section(section.clone()))
            .collect()
    }
}

fn of_property(rule: &MatcherRule, message: &str) -> String {
    format!("property `{}`: {message}", rule.key())
}

fn never_all(rules: &[MatcherRule]) -> Option<String> {
    if let Some(never) = rules.iter().find(|rule| rule.rule().is_never()) {
        return Some(format!(
            "`{}` is never fulfilled",
            never.rule().normalized()
        ));
    }
    if severities(rules)
        .fold(Severities::ALL, Severities::and)
        .is_empty()
    {
        return Some("no severity is in all its `match-severity` lines".to_owned());
    }
    if let Some(field) = contradicted_field(rules) {
        return Some(format!("no value of `{field}` fulfils all rules on it"));
    }
    calendars_exclude_each_other(rules)
        .then(|| "no time is in all its `match-calendar` lines".to_owned())
}

fn always_any(rules: &[MatcherRule]) -> Option<String> {
    let always = rules.iter().any(|rule| rule.rule().is_always())
        || severities(rules).fold(Severities::default(), Severities::or) == Severities::ALL;
    always.then(|| "one of its rules is always fulfilled, and it is inverted".to_owned())
}

fn severities(rules: &[MatcherRule]) -> impl Iterator<Item = Severities> {
    rules.iter().filter_map(|rule| match rule.rule().index() {
        Index::Severities(severities) => Some(severities),
        _ => None,
    })
}

/// A field of which every listed value fails some other rule.
fn contradicted_field(rules: &[MatcherRule]) -> Option<&str> {
    rules.iter().find_map(|rule| match rule.rule().index() {
        Index::Values { field, values } => {
            let possible = |value: &str| rules.iter().all(|other| admits(other, field, value));
            (!values.iter().any(|value| possible(value))).then_some(field)
        }
        _ => None,
    })
}

/// Whether a rule may be fulfilled when a field has a value.
fn admits(rule: &MatcherRule, name: &str, value: &str) -> bool {
    match rule.rule().index() {
        Index::Values { field, values } if field == name => {
            values.iter().any(|known| **known == *value)
        }
        Index::Pattern { field, pattern } if field == name => pattern.finds(value),
        _ => true,
    }
}

/// Whether calendars of one zone have no minute of the week in common.
fn calendars_exclude_each_other(rules: &[MatcherRule]) -> bool {
    let calendars: Vec<_> = rules
        .iter()
        .filter_map(|rule| match rule.rule().index() {
            Index::Calendar(calendar) => Some(calendar),
            _ => None,
        })
        .collect();
    let Some(first) = calendars.first() else {
        return false;
    };
    let one_zone = calendars
        .iter()
        .all(|calendar| calendar.own_zone() == first.own_zone());
    let hours: Vec<Hours> = calendars.iter().map(|calendar| calendar.hours()).collect();
    let common = |minute: u16| hours.iter().all(|hours| hours.cover(minute));
    // A common span begins where one of them begins.
    one_zone && !hours.iter().any(|hours| hours.boundaries().any(common))
}
