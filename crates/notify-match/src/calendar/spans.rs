//! When a calendar matches next.

use notify_core::Zone;

use super::{ALL_DAYS, DAY, Hours, wall_clock, week_minute};

/// A span of time, in seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first second inside; none when it has always matched.
    pub begin: Option<i64>,
    /// The first second outside; none when it matches for ever.
    pub end: Option<i64>,
}

/// The spans of a calendar, from [`Calendar::spans`](super::Calendar::spans).
#[derive(Clone, Debug)]
pub struct Spans {
    hours: Hours,
    zone: Zone,
    after: i64,
    /// An instant that does not match, before the next span; none when there is nothing more.
    from: Option<i64>,
}

/// Some 200,000 years: all that a [`Zone`] knows without moving the instant.
const HORIZON: i64 = 8_000_000_000_000;

impl Spans {
    pub(super) fn new(hours: Hours, zone: Zone, after: i64) -> Self {
        let after = after.clamp(-HORIZON, HORIZON);
        let mut spans = Spans {
            hours,
            zone,
            after,
            from: None,
        };
        if hours.start != hours.end && !spans.always() {
            spans.from = Some(spans.quiet_before(after));
        }
        spans
    }

    fn always(&self) -> bool {
        (self.hours.days, self.hours.start, self.hours.end) == (ALL_DAYS, 0, DAY)
    }

    fn matches(&self, at: i64) -> bool {
        self.hours.cover(week_minute(at, self.zone))
    }

    /// An instant that does not match, not after `at`.
    ///
    /// Goes back from boundary to boundary. Where the clock was changed it may
    /// miss the last quiet instant and find an earlier one, which is as good.
    fn quiet_before(&self, mut at: i64) -> i64 {
        while self.matches(at) && at > -HORIZON {
            let clock = wall_clock(at, self.zone);
            let since = self
                .boundaries_around(clock)
                .filter(|boundary| *boundary <= clock);
            at -= clock - since.max().expect("midnight is a boundary") + 1;
        }
        at
    }

    /// The first instant from `at` on that matches, or that does not.
    fn first(&self, mut at: i64, wanted: bool) -> Option<i64> {
        while self.matches(at) != wanted {
            at = self.next_change(at);
            if at > HORIZON {
                return None;
            }
        }
        Some(at)
    }

    /// The next instant at which the answer may be another: a boundary, or a change of the clock.
    fn next_change(&self, at: i64) -> i64 {
        let clock = wall_clock(at, self.zone);
        let next = self
            .boundaries_around(clock)
            .filter(|boundary| *boundary > clock);
        let boundary = at + next.min().expect("midnight is a boundary") - clock;
        self.clock_change(at, boundary).unwrap_or(boundary)
    }

    /// The boundaries of a day of the wall clock, and the midnight after it, in its seconds.
    fn boundaries_around(&self, clock: i64) -> impl Iterator<Item = i64> + use<> {
        const DAY_SECONDS: i64 = DAY as i64 * 60;
        let midnight = clock.div_euclid(DAY_SECONDS) * DAY_SECONDS;
        [0, self.hours.start, self.hours.end, DAY]
            .into_iter()
            .map(move |minute| midnight + i64::from(minute) * 60)
    }

    /// The first instant after `from`, up to `to`, at which the clock has another offset.
    ///
    /// Looks every quarter of an hour, then halves: no zone changes twice in that.
    fn clock_change(&self, from: i64, to: i64) -> Option<i64> {
        const STEP: i64 = 15 * 60;
        let offset = |at| wall_clock(at, self.zone) - at;
        let old = offset(from);
        let mut before = from;
        while before < to {
            let after = (before + STEP).min(to);
            if offset(after) != old {
                return Some(bisect(before, after, |at| offset(at) != old));
            }
            before = after;
        }
        None
    }
}

/// The first instant after `before`, up to `after`, for which `changed` holds, as it does for `after`.
fn bisect(mut before: i64, mut after: i64, changed: impl Fn(i64) -> bool) -> i64 {
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if changed(middle) {
            after = middle;
        } else {
            before = middle;
        }
    }
    after
}

impl Iterator for Spans {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        if self.always() {
            // The days are taken, so that the iterator ends.
            self.hours.days = 0;
            return Some(Span {
                begin: None,
                end: None,
            });
        }
        loop {
            let begin = self.first(self.from?, true)?;
            self.from = self.first(begin, false);
            if self.from.is_none_or(|end| end > self.after) {
                return Some(Span {
                    begin: Some(begin),
                    end: self.from,
                });
            }
        }
    }
}
