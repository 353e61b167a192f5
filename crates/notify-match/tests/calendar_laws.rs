//! What holds for every calendar, zone and time.

use chrono::{DateTime, Datelike as _, Timelike as _};
use chrono_tz::Tz;
use notify_core::Zone;
use notify_match::Calendar;
use proptest::prelude::*;
use proptest::sample::select;

/// Zones with usual, half-hour and negative daylight saving, a left-out day, odd old offsets.
const ZONES: [Tz; 8] = [
    chrono_tz::Europe::Vienna,
    chrono_tz::America::New_York,
    chrono_tz::Australia::Lord_Howe,
    chrono_tz::Europe::Dublin,
    chrono_tz::Africa::Casablanca,
    chrono_tz::Pacific::Apia,
    chrono_tz::Asia::Kathmandu,
    chrono_tz::UTC,
];

const WORDS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A calendar as its parts: allowed days, start and end in minutes.
#[derive(Clone, Debug)]
struct Parts {
    days: [bool; 7],
    start: u32,
    end: u32,
}

impl Parts {
    fn text(&self) -> String {
        let days: Vec<_> = (0..7)
            .filter(|day| self.days[*day])
            .map(|day| WORDS[day])
            .collect();
        let time = |minute: u32| format!("{}:{:02}", minute / 60, minute % 60);
        format!("{} {}-{}", days.join(","), time(self.start), time(self.end))
    }

    /// Written down anew from the words: an overnight span runs from the evening of an
    /// allowed day to the morning after.
    fn matches(&self, epoch: i64, zone: Tz) -> bool {
        let clock = DateTime::from_timestamp(epoch, 0)
            .expect("in range")
            .with_timezone(&zone);
        let minute = clock.hour() * 60 + clock.minute();
        let today = clock.weekday().num_days_from_monday() as usize;
        let yesterday = clock.weekday().pred().num_days_from_monday() as usize;
        if self.start <= self.end {
            return self.days[today] && (self.start..self.end).contains(&minute);
        }
        let evening = self.days[today] && minute >= self.start;
        let morning = self.days[yesterday] && minute < self.end;
        evening || morning
    }
}

prop_compose! {
    fn parts()(
        mask in 1u8..128,
        start in minute(0..=1439),
        end in minute(0..=1440),
    ) -> Parts {
        Parts { days: std::array::from_fn(|day| mask & (1 << day) != 0), start, end }
    }
}

/// Minutes of the day, mostly near midnight and the hours at which clocks are changed.
fn minute(range: std::ops::RangeInclusive<u32>) -> impl Strategy<Value = u32> {
    let last = *range.end();
    prop_oneof![
        range,
        select(vec![
            0, 1, 30, 60, 90, 119, 120, 121, 150, 180, 210, 1380, 1439
        ]),
        Just(last),
    ]
}

/// Times within days of a change of the clock somewhere, and any.
fn epoch() -> impl Strategy<Value = i64> {
    let near = |centre: i64| (centre - 200_000)..(centre + 200_000);
    prop_oneof![
        near(1_711_846_800),
        near(1_729_990_800),
        near(1_710_054_000),
        near(1_728_142_200),
        near(1_325_239_200),
        near(1_681_005_600),
        -2_000_000_000_i64..4_000_000_000,
    ]
}

proptest! {
    #[test]
    fn it_matches_when_the_words_say_so(parts in parts(), zone in select(&ZONES[..]), epoch in epoch()) {
        let calendar = Calendar::parse(&parts.text()).expect("well formed");
        prop_assert_eq!(calendar.matches(epoch, Zone::Named(zone)), parts.matches(epoch, zone), "{}", parts.text());
        prop_assert_eq!(calendar.is_never(), parts.start == parts.end);
    }

    #[test]
    fn a_zone_in_the_text_is_the_zone(parts in parts(), zone in select(&ZONES[..]), epoch in epoch()) {
        let inside = Calendar::parse(&format!("{} {zone}", parts.text())).expect("well formed");
        prop_assert_eq!(inside.matches(epoch, Zone::Named(chrono_tz::UTC)), parts.matches(epoch, zone));
    }

    /// Minute by minute for ten days from an hour before the time asked for.
    #[test]
    fn spans_agree_with_matches(parts in parts(), zone in select(&ZONES[..]), after in epoch()) {
        let calendar = Calendar::parse(&parts.text()).expect("well formed");
        let zone = Zone::Named(zone);
        let until = after + 10 * 86_400;
        let spans: Vec<_> = calendar
            .spans(after, zone)
            .take_while(|span| span.begin.is_none_or(|begin| begin < until))
            .collect();
        let inside = |at: i64| {
            spans.iter().any(|span| span.begin.is_none_or(|begin| begin <= at) && span.end.is_none_or(|end| at < end))
        };
        for minute in 0..14_400 {
            let at = after + minute * 60;
            prop_assert_eq!(inside(at), calendar.matches(at, zone), "{} at {}", parts.text(), at);
        }
        for (index, span) in spans.iter().enumerate() {
            let (Some(begin), Some(end)) = (span.begin, span.end) else { continue };
            prop_assert!(begin < end && end > after, "{:?}", span);
            prop_assert!(!calendar.matches(begin - 1, zone) && calendar.matches(begin, zone), "{:?}", span);
            prop_assert!(calendar.matches(end - 1, zone) && !calendar.matches(end, zone), "{:?}", span);
            if let Some(next) = spans.get(index + 1) {
                prop_assert!(next.begin > Some(end), "{:?}", spans);
            }
        }
    }

    #[test]
    fn the_strict_form_says_the_same(parts in parts(), first in 0..7usize, last in 0..7usize, epoch in epoch()) {
        let time = |minute: u32| format!("{}:{:02}", minute / 60, minute % 60);
        let text = format!("{}-{} {}-{}", WORDS[first], WORDS[last], time(parts.start), time(parts.end));
        let calendar = Calendar::parse(&text).expect("well formed");
        prop_assert!(!calendar.pve_accepts());
        let strict = calendar.strict_form();
        prop_assert_eq!(strict.is_some(), parts.start <= parts.end && parts.end < 1440);
        if let Some(strict) = strict {
            let strict = Calendar::parse(&strict).expect("well formed");
            prop_assert!(strict.pve_accepts());
            let zone = Zone::Named(chrono_tz::Europe::Vienna);
            prop_assert_eq!(strict.matches(epoch, zone), calendar.matches(epoch, zone));
        }
    }
}
