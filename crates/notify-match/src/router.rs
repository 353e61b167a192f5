//! The fast evaluator.
//!
//! A rule looks at one aspect of an event: the severity, the wall clock of a zone,
//! or one field. Such an aspect is an *axis*; what an event has there is its value.
//! For a value of an axis there is a *row*, one bit a matcher, which says
//!
//! - of a matcher that wants all of its rules (and has several): none of those on
//!   this axis fails,
//! - of any other: one of those on this axis is fulfilled.
//!
//! So the first kind matches when its bit is set in the rows of all axes, the
//! second when it is set in one. An event costs a look-up and a pass of N/64
//! machine words for each axis on which it has a value, however many matchers
//! there are on each. Rows are made when first needed, from lists that lead from
//! a condition to its matchers, and kept within a bound.

mod axis;
mod builder;
mod memo;
mod patterns;
mod targets;

use std::sync::{Arc, PoisonError, RwLock};

use notify_core::Zone;

use self::axis::{Clock, Field, Rest};
use self::memo::{Memo, Need};
use self::targets::Targets;
use crate::bits::Bits;
use crate::set::Entry;
use crate::{Event, MatcherSet, Routing};

/// A set of matchers, compiled for speed. It answers as [`MatcherSet::route`] does.
///
/// It is made once for a configuration and may be shared by threads. What it
/// remembers of earlier events is bounded by 8 MiB, or a few rows where one is larger.
#[derive(Debug)]
pub struct Router {
    entries: Arc<[Entry]>,
    /// Matchers that want all of several rules.
    conjunctive: Bits,
    any_conjunctive: bool,
    inverted: Bits,
    /// Those without rules, which match in any case.
    always: Bits,
    severities: [Bits; 5],
    clocks: Vec<Clock>,
    /// Sorted by name.
    fields: Vec<Field>,
    /// Whether a conjunctive matcher has rules on fields, which may be absent.
    needs_presence: bool,
    rest: Option<Rest>,
    targets: Targets,
    memo: RwLock<Memo>,
}

impl Router {
    /// Compiles a set. Cheap enough for a single event: what only pays with many is made later.
    pub fn new(set: &MatcherSet) -> Self {
        builder::router(set)
    }

    /// Which matchers match, and whom they notify. `zone` is that of calendars that name none.
    pub fn route(&self, event: &Event<'_>, zone: Zone) -> Routing<'_> {
        let matched = self.matched(event, zone);
        let targets = self.targets.chosen(&matched);
        Routing::new(&self.entries, matched, targets)
    }

    fn matched(&self, event: &Event<'_>, zone: Zone) -> Bits {
        let mut tally = Tally::new(self);
        tally.add(self.severities[event.severity as usize].words());
        let missing = self.add_known(&mut tally, event, zone);
        if !missing.is_empty() {
            self.add_missing(&mut tally, &missing, event, zone);
        }
        if let Some(rest) = &self.rest {
            tally.add(rest.row(&self.conjunctive, event, zone).words());
        }
        tally.result()
    }

    /// The rows that an event needs, other than that of its severity.
    fn needs<'e>(&'e self, event: &Event<'e>, zone: Zone) -> impl Iterator<Item = Need<'e>> {
        let present = event.fields.iter().filter_map(|(name, value)| {
            let axis = self.field(name)?;
            Some(Need::Value { axis, value })
        });
        let (timestamp, clocks) = (event.timestamp, self.clocks.iter());
        let times = clocks.enumerate().map(move |(axis, clock)| Need::Time {
            axis,
            segment: clock.segment(timestamp, zone),
        });
        let presence = self.needs_presence.then(|| {
            let axes = event.fields.keys().filter_map(|name| self.field(name));
            Need::Presence {
                axes: axes.collect(),
            }
        });
        present.chain(times).chain(presence)
    }

    fn field(&self, name: &str) -> Option<usize> {
        self.fields
            .binary_search_by(|field| (*field.name).cmp(name))
            .ok()
    }

    /// Adds the rows that are remembered or soon made; answers the others.
    fn add_known<'e>(
        &'e self,
        tally: &mut Tally<'_>,
        event: &Event<'e>,
        zone: Zone,
    ) -> Vec<Need<'e>> {
        let memo = self.memo.read().unwrap_or_else(PoisonError::into_inner);
        let mut missing = Vec::new();
        for need in self.needs(event, zone) {
            if self.is_light(&need) {
                tally.add(self.row(&need, event, zone).words());
            } else if let Some(row) = memo.row(&need) {
                tally.add(row);
            } else {
                missing.push(need);
            }
        }
        missing
    }

    fn is_light(&self, need: &Need<'_>) -> bool {
        let words = self.conjunctive.words().len();
        matches!(need, Need::Value { axis, .. } if self.fields[*axis].is_light(words))
    }

    /// Makes rows, outside the lock because a pattern may take its time, and remembers them.
    fn add_missing(
        &self,
        tally: &mut Tally<'_>,
        missing: &[Need<'_>],
        event: &Event<'_>,
        zone: Zone,
    ) {
        let rows: Vec<Bits> = missing
            .iter()
            .map(|need| self.row(need, event, zone))
            .collect();
        let mut memo = self.memo.write().unwrap_or_else(PoisonError::into_inner);
        for (need, row) in missing.iter().zip(&rows) {
            tally.add(row.words());
            memo.insert(need, row.words());
        }
    }

    fn row(&self, need: &Need<'_>, event: &Event<'_>, zone: Zone) -> Bits {
        match need {
            Need::Value { axis, value } => {
                self.fields[*axis].row(&self.conjunctive, value, event, zone)
            }
            Need::Time { axis, segment } => self.clocks[*axis].row(&self.conjunctive, *segment),
            Need::Presence { axes } => self.presence(axes),
        }
    }

    /// Conjunctive matchers of which every field that they ask for is there.
    fn presence(&self, present: &[usize]) -> Bits {
        let mut row = self.conjunctive.clone();
        for (index, field) in self.fields.iter().enumerate() {
            if present.binary_search(&index).is_err() {
                field.constrained.clear(&mut row);
            }
        }
        row
    }
}

/// What the rows seen so far say together.
struct Tally<'a> {
    router: &'a Router,
    /// Set in one of the rows.
    any: Bits,
    /// Set in all of the rows; kept only where a matcher wants all.
    all: Option<Bits>,
}

impl<'a> Tally<'a> {
    fn new(router: &'a Router) -> Self {
        Tally {
            router,
            any: Bits::zeros(router.entries.len()),
            all: router.any_conjunctive.then(|| router.conjunctive.clone()),
        }
    }

    fn add(&mut self, row: &[u64]) {
        for (word, more) in self.any.words_mut().iter_mut().zip(row) {
            *word |= more;
        }
        if let Some(all) = &mut self.all {
            for (word, more) in all.words_mut().iter_mut().zip(row) {
                *word &= more;
            }
        }
    }

    fn result(self) -> Bits {
        let mut result = self.any;
        let words = result.words_mut();
        if let Some(all) = self.all {
            let conjunctive = self.router.conjunctive.words();
            for ((word, all), conjunctive) in words.iter_mut().zip(all.words()).zip(conjunctive) {
                *word = (*word & !conjunctive) | all;
            }
        }
        let (inverted, always) = (self.router.inverted.words(), self.router.always.words());
        for ((word, inverted), always) in words.iter_mut().zip(inverted).zip(always) {
            *word = (*word ^ inverted) | always;
        }
        result
    }
}
