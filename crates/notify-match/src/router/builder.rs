//! From matchers to axes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, RwLock};

use chrono_tz::Tz;
use notify_core::Severity;

use super::Router;
use super::axis::{Clock, Constrained, Field, Posting, Rest};
use super::memo::Memo;
use super::patterns::Patterns;
use super::targets::Targets;
use crate::bits::{Bits, words};
use crate::calendar::Hours;
use crate::{Index, Matcher, MatcherSet, Mode, Pattern, Rule, Severities};

/// Compiles a set.
pub(super) fn router(set: &MatcherSet) -> Router {
    let mut builder = Builder::new(set.len());
    for (index, matcher) in effective(set).enumerate() {
        if let Some(matcher) = matcher {
            builder.add(index, matcher);
        }
    }
    builder.finish(set)
}

/// The matchers that may match, each at its place.
fn effective(set: &MatcherSet) -> impl Iterator<Item = Option<&Matcher>> + Clone {
    let usable = |matcher: &&Matcher| !matcher.is_disabled();
    set.entries()
        .iter()
        .map(move |entry| entry.matcher.as_ref().ok().filter(usable))
}

/// What a rule looks at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Axis<'a> {
    Severity,
    Clock(Option<&'static str>),
    Field(&'a str),
    Rest,
}

impl<'a> Axis<'a> {
    fn of(rule: &'a dyn Rule) -> Self {
        match rule.index() {
            Index::Severities(_) => Axis::Severity,
            Index::Calendar(calendar) => Axis::Clock(calendar.own_zone().map(Tz::name)),
            Index::Values { field, .. } | Index::Pattern { field, .. } | Index::Field { field } => {
                Axis::Field(field)
            }
            Index::Unindexed => Axis::Rest,
        }
    }
}

type Postings = Vec<Posting>;

/// Rules by identity, in the order in which they came.
#[derive(Default)]
struct Rules {
    places: HashMap<*const (), usize>,
    list: Vec<(Arc<dyn Rule>, Postings)>,
}

impl Rules {
    fn postings(&mut self, rule: &Arc<dyn Rule>) -> &mut Postings {
        let next = self.list.len();
        let place = *self.places.entry(Arc::as_ptr(rule).cast()).or_insert(next);
        if place == next {
            self.list.push((Arc::clone(rule), Postings::new()));
        }
        &mut self.list[place].1
    }
}

#[derive(Default)]
struct ClockParts {
    zone: Option<Tz>,
    constrained: Vec<u32>,
    calendars: BTreeMap<Hours, Postings>,
}

#[derive(Default)]
struct FieldParts<'a> {
    constrained: Vec<u32>,
    values: HashMap<Box<str>, Postings>,
    patterns: BTreeMap<&'a str, (Option<&'a Pattern>, Postings)>,
    others: Rules,
}

struct Builder<'a> {
    conjunctive: Bits,
    inverted: Bits,
    always: Bits,
    /// What each matcher with rules on severity makes of each severity.
    severities: Vec<(usize, Severities)>,
    clocks: BTreeMap<Option<&'static str>, ClockParts>,
    fields: BTreeMap<&'a str, FieldParts<'a>>,
    rest: Rules,
    rest_constrained: Vec<u32>,
}

impl<'a> Builder<'a> {
    fn new(length: usize) -> Self {
        Builder {
            conjunctive: Bits::zeros(length),
            inverted: Bits::zeros(length),
            always: Bits::zeros(length),
            severities: Vec::new(),
            clocks: BTreeMap::new(),
            fields: BTreeMap::new(),
            rest: Rules::default(),
            rest_constrained: Vec::new(),
        }
    }

    fn add(&mut self, index: usize, matcher: &'a Matcher) {
        let rules = matcher.rules();
        if rules.is_empty() {
            return self.always.set(index);
        }
        if matcher.is_inverted() {
            self.inverted.set(index);
        }
        // Of a single rule all is the same as any, and any is the cheaper.
        let conjunctive = matcher.mode() == Mode::All && rules.len() > 1;
        if conjunctive {
            self.conjunctive.set(index);
        }
        self.add_severities(index, matcher);
        let id = u32::try_from(index).expect("fewer matchers than four thousand million");
        let counts = if conjunctive {
            counts(matcher)
        } else {
            BTreeMap::new()
        };
        for axis in counts.keys() {
            self.constrain(*axis, id);
        }
        for rule in rules {
            let need = counts.get(&Axis::of(&**rule.rule())).copied();
            let posting = Posting {
                matcher: id,
                need: need.unwrap_or(1),
            };
            self.post(rule.rule(), posting);
        }
    }

    fn add_severities(&mut self, index: usize, matcher: &Matcher) {
        let wanted = matcher
            .rules()
            .iter()
            .filter_map(|rule| match rule.rule().index() {
                Index::Severities(severities) => Some(severities),
                _ => None,
            });
        let together = wanted.reduce(match matcher.mode() {
            Mode::All => Severities::and,
            Mode::Any => Severities::or,
        });
        self.severities
            .extend(together.map(|severities| (index, severities)));
    }

    fn constrain(&mut self, axis: Axis<'a>, id: u32) {
        match axis {
            Axis::Severity => {}
            Axis::Clock(zone) => self.clocks.entry(zone).or_default().constrained.push(id),
            Axis::Field(name) => self.fields.entry(name).or_default().constrained.push(id),
            Axis::Rest => self.rest_constrained.push(id),
        }
    }

    fn post(&mut self, rule: &'a Arc<dyn Rule>, posting: Posting) {
        match rule.index() {
            Index::Severities(_) => {}
            Index::Calendar(calendar) => {
                let zone = calendar.own_zone();
                let clock = self.clocks.entry(zone.map(Tz::name)).or_default();
                clock.zone = zone;
                clock
                    .calendars
                    .entry(calendar.hours())
                    .or_default()
                    .push(posting);
            }
            Index::Values { field, values } => {
                let field = self.fields.entry(field).or_default();
                // Each once: a value that stands twice fulfils the rule once.
                for value in values.iter().collect::<BTreeSet<_>>() {
                    field.values.entry(value.clone()).or_default().push(posting);
                }
            }
            Index::Pattern { field, pattern } => {
                let field = self.fields.entry(field).or_default();
                let known = field.patterns.entry(pattern.as_str()).or_default();
                known.0 = Some(pattern);
                known.1.push(posting);
            }
            Index::Field { field } => {
                let field = self.fields.entry(field).or_default();
                field.others.postings(rule).push(posting);
            }
            Index::Unindexed => self.rest.postings(rule).push(posting),
        }
    }

    fn finish(self, set: &MatcherSet) -> Router {
        let length = set.len();
        let fields = self.fields.into_iter().map(|parts| field(parts, length));
        let fields: Vec<Field> = fields.collect();
        let clocks = self.clocks.into_values().map(|parts| clock(parts, length));
        let rest = (!self.rest.list.is_empty()).then_some(Rest {
            constrained: Constrained::new(self.rest_constrained, length),
            rules: self.rest.list,
        });
        Router {
            entries: Arc::clone(set.entries()),
            any_conjunctive: self.conjunctive.count() > 0,
            severities: Severity::ALL
                .map(|severity| severity_row(&self.conjunctive, &self.severities, severity)),
            conjunctive: self.conjunctive,
            inverted: self.inverted,
            always: self.always,
            clocks: clocks.collect(),
            needs_presence: fields.iter().any(|field| !field.constrained.is_empty()),
            memo: RwLock::new(Memo::new(words(length), fields.len())),
            fields,
            rest,
            targets: Targets::new(effective(set)),
        }
    }
}

/// How many rules a matcher has on each axis.
fn counts(matcher: &Matcher) -> BTreeMap<Axis<'_>, u32> {
    let mut counts = BTreeMap::new();
    for rule in matcher.rules() {
        *counts.entry(Axis::of(&**rule.rule())).or_insert(0) += 1;
    }
    counts
}

fn severity_row(conjunctive: &Bits, wanted: &[(usize, Severities)], severity: Severity) -> Bits {
    let mut row = conjunctive.clone();
    for (index, severities) in wanted {
        if severities.contains(severity) {
            row.set(*index);
        } else {
            row.clear(*index);
        }
    }
    row
}

fn clock(parts: ClockParts, length: usize) -> Clock {
    let boundaries = parts.calendars.keys().flat_map(|hours| hours.boundaries());
    let breaks: BTreeSet<u16> = boundaries.chain([0]).collect();
    Clock {
        zone: parts.zone,
        constrained: Constrained::new(parts.constrained, length),
        calendars: parts.calendars.into_iter().collect(),
        breaks: breaks.into_iter().collect(),
    }
}

fn field((name, parts): (&str, FieldParts<'_>), length: usize) -> Field {
    let patterns = parts.patterns.into_values();
    Field {
        name: name.into(),
        constrained: Constrained::new(parts.constrained, length),
        values: parts.values,
        patterns: Patterns::new(
            patterns
                .filter_map(|(pattern, postings)| Some((pattern?.clone(), postings)))
                .collect(),
        ),
        others: parts.others.list,
    }
}
