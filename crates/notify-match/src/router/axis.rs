//! Axes: from what an event has there to the matchers whose rules it fulfils.

use std::collections::HashMap;
use std::sync::Arc;

use chrono_tz::Tz;
use notify_core::Zone;

use super::patterns::Patterns;
use crate::bits::{Bits, words};
use crate::calendar::{Hours, week_minute};
use crate::{Event, Rule};

/// A condition speaks for a matcher.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posting {
    pub(super) matcher: u32,
    /// How many of the matcher's conditions on this axis must hold for its bit.
    pub(super) need: u32,
}

/// The conjunctive matchers that have rules on an axis.
#[derive(Debug)]
pub(super) enum Constrained {
    Few(Vec<u32>),
    /// A bit each takes no more room than that many numbers.
    Many(Bits),
}

impl Constrained {
    /// Of a set of `length` matchers.
    pub(super) fn new(matchers: Vec<u32>, length: usize) -> Self {
        if matchers.len() < 2 * words(length) {
            return Constrained::Few(matchers);
        }
        let mut bits = Bits::zeros(length);
        for matcher in matchers {
            bits.set(matcher as usize);
        }
        Constrained::Many(bits)
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Constrained::Few(matchers) if matchers.is_empty())
    }

    pub(super) fn clear(&self, row: &mut Bits) {
        match self {
            Constrained::Many(bits) => row.remove(bits),
            Constrained::Few(matchers) => {
                for matcher in matchers {
                    row.clear(*matcher as usize);
                }
            }
        }
    }
}

/// A row in the making: set for each conjunctive matcher without rules on the axis.
pub(super) struct RowMaker {
    row: Bits,
    held: HashMap<u32, u32>,
}

impl RowMaker {
    pub(super) fn new(conjunctive: &Bits, constrained: &Constrained) -> Self {
        let mut row = conjunctive.clone();
        constrained.clear(&mut row);
        RowMaker {
            row,
            held: HashMap::new(),
        }
    }

    /// A condition with these postings holds.
    pub(super) fn hold(&mut self, postings: &[Posting]) {
        for Posting { matcher, need } in postings {
            if *need > 1 {
                let held = self.held.entry(*matcher).or_insert(0);
                *held += 1;
                if *held < *need {
                    continue;
                }
            }
            self.row.set(*matcher as usize);
        }
    }

    pub(super) fn finish(self) -> Bits {
        self.row
    }
}

/// The wall clock of one zone.
#[derive(Debug)]
pub(super) struct Clock {
    /// None: the zone that is asked for with the event.
    pub(super) zone: Option<Tz>,
    pub(super) constrained: Constrained,
    pub(super) calendars: Vec<(Hours, Vec<Posting>)>,
    /// The minutes of the week at which an answer may change, ascending; the first is 0.
    pub(super) breaks: Vec<u16>,
}

impl Clock {
    /// In which part of the week an instant lies; within one no calendar changes its answer.
    pub(super) fn segment(&self, epoch: i64, zone: Zone) -> u16 {
        let minute = week_minute(epoch, self.zone.map_or(zone, Zone::Named));
        let after = self.breaks.partition_point(|begin| *begin <= minute);
        u16::try_from(after - 1).expect("a week has fewer segments than minutes")
    }

    pub(super) fn row(&self, conjunctive: &Bits, segment: u16) -> Bits {
        let minute = self.breaks[usize::from(segment)];
        let mut row = RowMaker::new(conjunctive, &self.constrained);
        for (hours, postings) in &self.calendars {
            if hours.cover(minute) {
                row.hold(postings);
            }
        }
        row.finish()
    }
}

/// The values of one field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Box<str>,
    pub(super) constrained: Constrained,
    pub(super) values: HashMap<Box<str>, Vec<Posting>>,
    pub(super) patterns: Patterns,
    pub(super) others: Vec<(Arc<dyn Rule>, Vec<Posting>)>,
}

impl Field {
    /// The row of a value, which is the one that the event has.
    pub(super) fn row(
        &self,
        conjunctive: &Bits,
        value: &str,
        event: &Event<'_>,
        zone: Zone,
    ) -> Bits {
        let mut row = RowMaker::new(conjunctive, &self.constrained);
        if let Some(postings) = self.values.get(value) {
            row.hold(postings);
        }
        self.patterns
            .for_each_found(value, |postings| row.hold(postings));
        for (rule, postings) in &self.others {
            if rule.holds(event, zone) {
                row.hold(postings);
            }
        }
        row.finish()
    }

    /// Whether a row is made so fast that it need not be remembered.
    pub(super) fn is_light(&self, words: usize) -> bool {
        words == 1 && self.patterns.len() <= 2 && self.others.is_empty()
    }
}

/// Rules of which nothing is known: each is asked, once an event.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) constrained: Constrained,
    pub(super) rules: Vec<(Arc<dyn Rule>, Vec<Posting>)>,
}

impl Rest {
    pub(super) fn row(&self, conjunctive: &Bits, event: &Event<'_>, zone: Zone) -> Bits {
        let mut row = RowMaker::new(conjunctive, &self.constrained);
        for (rule, postings) in &self.rules {
            if rule.holds(event, zone) {
                row.hold(postings);
            }
        }
        row.finish()
    }
}
