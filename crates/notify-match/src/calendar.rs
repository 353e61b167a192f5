//! Times of the week: `match-calendar mon-fri 9-17`.
//!
//! A calendar is a set of weekdays and one span of the day, read on the wall
//! clock of a zone. It is not the calendar event of a backup schedule, which is
//! another language (`*:0/15`).
//!
//! ```text
//! calendar = ( days [ blanks ] span | span | days ) [ 1*blank zone ]
//! days     = item *( "," item )              item = weekday [ ( ".." | "-" ) weekday ]
//! span     = time [ blanks ] "-" [ blanks ] time
//! time     = 1*DIGIT [ ":" 1*DIGIT ]         the end may be 24:00
//! weekday  = mon | monday | ...              in any case
//! zone     = a name of the IANA database, as Europe/Vienna
//! ```
//!
//! Proxmox VE (proxmox-time, `daily_duration.rs`) knows `..` between weekdays
//! and a span that ends after it starts, before 24:00; the rest is ours, and
//! [`Calendar::pve_accepts`] tells the two apart.

mod parse;
mod rule;
mod spans;

use std::fmt;

use chrono_tz::Tz;
use notify_core::Zone;

pub use parse::{CalendarError, CalendarErrorKind};
pub use spans::{Span, Spans};

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// Minutes of a week.
pub(crate) const WEEK: u16 = 7 * DAY;
const ALL_DAYS: u8 = 0b111_1111;

/// A set of weekdays and a span of the day, on the wall clock of a zone.
///
/// ```
/// use notify_match::Calendar;
/// let office = Calendar::parse("mon-fri 9-17")?;
/// let vienna = "Europe/Vienna".parse().expect("a zone");
/// assert!(office.matches(1_704_704_400, vienna)); // Monday, 10:00
/// assert!(!office.matches(1_704_729_600, vienna)); // Monday, 17:00
/// # Ok::<(), notify_match::CalendarError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    text: Box<str>,
    hours: Hours,
    zone: Option<Tz>,
    pve: Pve,
}

/// What a calendar says of a week, whatever the zone.
///
/// With `start > end` the span runs over midnight; with `start == end` it is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Hours {
    /// Bit 0 is Monday.
    days: u8,
    /// Minute of the day, below 24:00.
    start: u16,
    /// Minute of the day, the first that is outside; at most 24:00.
    end: u16,
}

/// What Proxmox VE makes of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pve {
    Accepts,
    /// It would accept this text, which says the same.
    Strict(Box<str>),
    /// It cannot say this in one line.
    Cannot,
}

impl Calendar {
    /// Reads a calendar. Nothing is trimmed.
    ///
    /// # Errors
    /// [`CalendarError`] with the place and what was expected there.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        parse::calendar(text)
    }

    /// Whether it holds at an instant, in seconds since 1970-01-01 UTC.
    ///
    /// Only weekday, hour and minute of the wall clock count: an hour that the
    /// clock skips never matches, one that it repeats matches twice. `zone` is
    /// used when the calendar names none.
    pub fn matches(&self, epoch: i64, zone: Zone) -> bool {
        self.hours.cover(week_minute(epoch, self.zone(zone)))
    }

    /// The zone that it names, else `default`.
    pub fn zone(&self, default: Zone) -> Zone {
        self.zone.map_or(default, Zone::Named)
    }

    /// The zone that it names.
    pub fn own_zone(&self) -> Option<Tz> {
        self.zone
    }

    /// The spans of time in which it matches and that end after `after`, in order.
    ///
    /// The first may have begun before `after`. Spans that adjoin are one. There
    /// is none when the calendar never matches, and one without begin and end
    /// when it always does. Instants more than 200,000 years away are not looked at.
    pub fn spans(&self, after: i64, zone: Zone) -> Spans {
        Spans::new(self.hours, self.zone(zone), after)
    }

    /// Whether it matches at no time at all: its span is empty, as in `8-8`.
    pub fn is_never(&self) -> bool {
        self.hours.start == self.hours.end
    }

    /// Whether it matches at any time: all of every day.
    pub fn is_always(&self) -> bool {
        self.hours.days == ALL_DAYS && self.hours.start == 0 && self.hours.end == DAY
    }

    /// Whether Proxmox VE reads the text, and then with the same meaning.
    pub fn pve_accepts(&self) -> bool {
        self.pve == Pve::Accepts
    }

    /// The text in a form that Proxmox VE reads with the same meaning.
    ///
    /// None when one line cannot say it there: a span over midnight or up to
    /// 24:00, days alone, a zone.
    pub fn strict_form(&self) -> Option<String> {
        match &self.pve {
            Pve::Accepts => Some(self.text.to_string()),
            Pve::Strict(text) => Some(text.to_string()),
            Pve::Cannot => None,
        }
    }

    pub(crate) fn hours(&self) -> Hours {
        self.hours
    }
}

impl fmt::Display for Calendar {
    /// The text as it was read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Hours {
    /// Whether a minute of the week, counted from Monday 0:00, is inside.
    pub(crate) fn cover(self, week_minute: u16) -> bool {
        let (day, minute) = (week_minute / DAY, week_minute % DAY);
        let overnight = self.start > self.end;
        let until = if overnight { DAY } else { self.end };
        (self.has(day) && self.start <= minute && minute < until)
            || (overnight && self.has((day + 6) % 7) && minute < self.end)
    }

    /// The minutes of the week at which it may begin or cease to match, in no order.
    pub(crate) fn boundaries(self) -> impl Iterator<Item = u16> {
        (0..7).flat_map(move |day| {
            [0, self.start, self.end].map(|minute| (day * DAY + minute) % WEEK)
        })
    }

    fn has(self, day: u16) -> bool {
        self.days & (1 << day) != 0
    }
}

/// The minute of the week on the wall clock, counted from Monday 0:00.
pub(crate) fn week_minute(epoch: i64, zone: Zone) -> u16 {
    let minute = (wall_clock(epoch, zone) + THURSDAY)
        .div_euclid(60)
        .rem_euclid(i64::from(WEEK));
    u16::try_from(minute).expect("a minute of the week is below 10,080")
}

/// 1970-01-01 was a Thursday: the seconds from Monday to then.
const THURSDAY: i64 = 3 * 24 * 60 * 60;

/// Seconds since 1970-01-01 0:00 of the wall clock.
fn wall_clock(epoch: i64, zone: Zone) -> i64 {
    let now = zone.at(epoch);
    now.timestamp() + i64::from(now.offset().local_minus_utc())
}
