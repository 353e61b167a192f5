//! What calendars accept and when they match. The rows of [`UPSTREAM`] and
//! [`REFUSED_UPSTREAM`] were seen by running Proxmox VE's own program in the zone
//! Europe/Vienna; 2024-01-08 is a Monday.

use notify_core::Zone;
use notify_match::{Calendar, CalendarErrorKind};

fn vienna() -> Zone {
    "Europe/Vienna".parse().expect("a zone")
}

fn calendar(text: &str) -> Calendar {
    Calendar::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn upstream_cases_have_the_same_answer() {
    for (row, text, epoch, expected) in UPSTREAM {
        let found = calendar(text).matches(epoch, vienna());
        assert_eq!(found, expected, "row {row}: {text:?} at {epoch}");
        assert!(calendar(text).pve_accepts(), "row {row}: {text:?}");
        assert_eq!(calendar(text).strict_form().as_deref(), Some(text));
    }
    assert_eq!(UPSTREAM.last().map(|row| row.0), Some(60));
}

const UPSTREAM: [(u32, &str, i64, bool); 62] = [
    (1, "8-12", 1704697199, false),                   // Mon 07:59:59
    (2, "8-12", 1704697200, true),                    // Mon 08:00:00
    (3, "8-12", 1704711599, true),                    // Mon 11:59:59
    (4, "8-12", 1704711600, false),                   // Mon 12:00:00
    (5, "8-12", 1704711659, false),                   // Mon 12:00:59
    (6, "8:00-15:30", 1704724199, true),              // Mon 15:29:59
    (7, "8:00-15:30", 1704724200, false),             // Mon 15:30:00
    (8, "8:30-15:30", 1704698999, false),             // Mon 08:29:59
    (9, "8:30-15:30", 1704699000, true),              // Mon 08:30:00
    (10, "mon..fri 9:00-17:00", 1704700800, true),    // Mon 09:00
    (11, "mon..fri 9:00-17:00", 1705075199, true),    // Fri 12 Jan 16:59:59
    (12, "mon..fri 9:00-17:00", 1705136400, false),   // Sat 10:00
    (13, "mon..fri 9:00-17:00", 1705222800, false),   // Sun 10:00
    (14, "sun,tue..wed,fri 9-17", 1704704400, false), // Mon 10:00
    (15, "sun,tue..wed,fri 9-17", 1704790800, true),  // Tue 10:00
    (16, "sun,tue..wed,fri 9-17", 1704877200, true),  // Wed 10:00
    (17, "sun,tue..wed,fri 9-17", 1704963600, false), // Thu 10:00
    (18, "sun,tue..wed,fri 9-17", 1705050000, true),  // Fri 10:00
    (19, "sun,tue..wed,fri 9-17", 1705222800, true),  // Sun 10:00
    (20, "fri..mon 10-11", 1705051800, true),         // Fri 10:30
    (21, "fri..mon 10-11", 1705138200, true),         // Sat 10:30
    (22, "fri..mon 10-11", 1705224600, true),         // Sun 10:30
    (23, "fri..mon 10-11", 1704706200, true),         // Mon 10:30
    (24, "fri..mon 10-11", 1704792600, false),        // Tue 10:30
    (25, "fri..mon 10-11", 1704965400, false),        // Thu 10:30
    (26, "sun..mon 10-11", 1705224600, true),         // Sun 10:30
    (27, "sun..mon 10-11", 1705138200, false),        // Sat 10:30
    (28, "mon..mon 10-11", 1704706200, true),         // Mon 10:30
    (29, "mon..mon 10-11", 1704792600, false),        // Tue 10:30
    (30, "tue..mon 10-11", 1704879000, true),         // Wed 10:30
    (31, "mon..sun 10-11", 1705224600, true),         // Sun 10:30
    (32, "0-23:59", 1704754739, true),                // Mon 23:58:59
    (33, "0-23:59", 1704754740, false),               // Mon 23:59:00
    (34, "0-23", 1704751199, true),                   // Mon 22:59:59
    (35, "0-23", 1704751200, false),                  // Mon 23:00:00
    (36, "0:00-23:59", 1704668400, true),             // Mon 00:00:00
    (37, "8-8", 1704697200, false),                   // Mon 08:00
    (38, "0-0", 1704668400, false),                   // Mon 00:00
    (39, "MON 8-12", 1704697200, true),               // Mon 08:00
    (40, "Monday 8-12", 1704697200, true),            // Mon 08:00
    (41, "monDAY,TUESday 8-12", 1704787200, true),    // Tue 09:00
    (42, "mon,mon 8-12", 1704697200, true),           // Mon 08:00
    (43, "mon8-12", 1704697200, true),                // Mon 08:00
    (44, "mon   8-12", 1704697200, true),             // Mon 08:00
    (44, "mon\t8-12", 1704697200, true),              // Mon 08:00
    (45, "8 - 12", 1704697200, true),                 // Mon 08:00
    (45, "8\t-\t12", 1704697200, true),               // Mon 08:00
    (46, "8:05 - 12:20", 1704697500, true),           // Mon 08:05
    (47, "8:5-12", 1704697499, false),                // Mon 08:04:59
    (48, "8:5-12", 1704697500, true),                 // Mon 08:05:00
    (49, "08-012", 1704700800, true),                 // Mon 09:00
    (50, "8:005-9", 1704697500, true),                // Mon 08:05
    (51, "00008-12", 1704700800, true),               // Mon 09:00
    (52, "sun 2-3", 1711846800, false),               // Sun 2024-03-31 03:00 +0200
    (53, "sun 3-4", 1711846800, true),                // Sun 03:00 +0200
    (54, "sun 1-3", 1711846799, true),                // Sun 01:59:59 +0100
    (55, "sun 2-3", 1729989000, true),                // Sun 2024-10-27 02:30 +0200
    (56, "sun 2-3", 1729992600, true),                // Sun 02:30 +0100
    (57, "mon 23-23:59", 1704753000, true),           // Mon 23:30
    (58, "mon 0-1", 1704670200, true),                // Mon 00:30
    (59, "thu 1-2", 0, true),                         // Thu 1970-01-01 01:00
    (60, "wed 23-23:59", -1800, false),               // Thu 1970-01-01 00:30 (negative epoch works)
];

#[test]
fn accepted_upstream_and_here_though_they_hardly_ever_match() {
    for text in [
        "23:59-23:59",
        "0:0-0:1",
        "sat..tue 0-23:59",
        "sat,tue..thu,fri 8-12",
    ] {
        assert!(calendar(text).pve_accepts(), "{text:?}");
    }
    assert!(calendar("23:59-23:59").is_never());
    // proxmox-time's own unit tests, in UTC; 2021-11-25 was a Thursday.
    let thursday = 1_637_798_400;
    for (minutes, expected) in [(480, false), (485, true), (719, true), (720, false)] {
        let found =
            calendar("thu 8:05-12").matches(thursday + minutes * 60, Zone::Named(chrono_tz::UTC));
        assert_eq!(found, expected, "{minutes}");
    }
}

/// Refused by Proxmox VE; those that are accepted here are in [`OURS`].
#[test]
fn refused_texts_say_where_and_why() {
    use CalendarErrorKind::{
        Dash, HourTooLarge, MinuteTooLarge, Minutes, Rest, Start, Time, TrailingBlank, Weekday,
        Zone,
    };
    for (text, kind, column) in [
        ("", Start, 1),
        (" ", Start, 1),
        (" 8-12", Start, 1),
        ("8-12 ", TrailingBlank, 5),
        ("\tmon 8-12", Start, 1),
        ("8-12\r", Rest, 5),
        ("mon 8-12\n", Rest, 9),
        ("mon\u{a0}8-12", Rest, 4),
        ("8:60-12", MinuteTooLarge, 3),
        ("8-25", HourTooLarge, 3),
        ("24-24", HourTooLarge, 1),
        ("daily", Weekday, 1),
        ("weekly 8-12", Weekday, 1),
        ("mon, tue 8-12", Weekday, 5),
        ("mon ,tue 8-12", Zone, 5),
        ("mon .. fri 8-12", Zone, 5),
        ("mon...fri 8-12", Weekday, 6),
        ("mon..fri,8-12", Weekday, 10),
        ("mon..fri, 8-12", Weekday, 10),
        ("mon,8-12", Weekday, 5),
        (",mon 8-12", Start, 1),
        ("mon..fri..sun 8-12", Rest, 9),
        ("thurs 8-12", Weekday, 1),
        ("tues 8-12", Weekday, 1),
        ("mo 8-12", Weekday, 1),
        ("montag 8-12", Weekday, 1),
        ("8", Dash, 2),
        ("8:00", Dash, 5),
        ("8-", Time, 3),
        ("-12", Start, 1),
        ("-1-5", Start, 1),
        ("8..12", Dash, 2),
        ("8:-12", Minutes, 3),
        ("8 : 00-12", Dash, 3),
        ("8:00:00-12:00:00", Dash, 5),
        ("8-12,14-16", Rest, 5),
        ("8-12 mon", Zone, 6),
        ("*-12", Start, 1),
        ("8/2-12", Dash, 2),
        ("8.30-12", Dash, 2),
        ("8h-12h", Dash, 2),
        ("8pm-10pm", Dash, 2),
        ("99999999999-12", HourTooLarge, 1),
        ("8\u{2013}12", Dash, 2),
        ("mon 8 -12 ", TrailingBlank, 10),
        ("\u{e9}a 8-12", Start, 1),
    ] {
        let error = Calendar::parse(text).expect_err(text);
        assert_eq!(
            (error.kind(), error.column()),
            (kind, column),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn what_goes_beyond_upstream_has_its_bounds() {
    use CalendarErrorKind::{HourTooLarge, MinuteTooLarge, Rest, TrailingBlank, Weekday, Zone};
    for (text, kind, column) in [
        ("8-24:01", MinuteTooLarge, 6),
        ("24:00-8", HourTooLarge, 1),
        ("24-0", HourTooLarge, 1),
        ("mon ", TrailingBlank, 4),
        ("mon-", Weekday, 5),
        ("mon-fri-sun 8-12", Rest, 8),
        ("mon-8", Weekday, 5),
        ("mon - fri 8-12", Zone, 5),
        ("8-12UTC", Rest, 5),
        ("8-12 utc", Zone, 6),
        ("8-12 Europe/Nowhere", Zone, 6),
        ("8-12 UTC ", Zone, 6),
        ("UTC 8-12", Weekday, 1),
        ("mon UTC 8-12", Zone, 5),
    ] {
        let error = Calendar::parse(text).expect_err(text);
        assert_eq!(
            (error.kind(), error.column()),
            (kind, column),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn an_error_names_place_and_text() {
    let shown = |text| Calendar::parse(text).expect_err(text).to_string();
    assert_eq!(
        shown("8..12"),
        "expected `-` and the end of the span at column 2 of `8..12`"
    );
    assert_eq!(
        shown("mon\u{a0}8-25"),
        "expected the end of the calendar at column 4 of `mon\\u{a0}8-25`"
    );
    let error = Calendar::parse("\u{e9}").expect_err("no weekday");
    assert_eq!((error.offset(), error.column()), (0, 1));
    assert!(shown(&"8".repeat(1_000_000)).len() < 300);
}

/// A day from Monday, 0, and a minute of it.
type DayMinute = (u32, u32);

/// Text, a minute of the week at which it matches, one at which it does not, the strict form.
const OURS: [(&str, DayMinute, DayMinute, Option<&str>); 22] = [
    ("8-24", (0, 1439), (0, 479), None),
    ("8:00-24:00", (6, 1439), (1, 0), None),
    ("8-024:000", (6, 1439), (1, 0), None),
    ("12-8", (0, 479), (0, 480), None),
    ("22-6", (0, 1320), (0, 360), None),
    ("22:00-06:00", (3, 359), (3, 1319), None),
    ("22-0", (3, 1439), (3, 0), None),
    ("mon", (0, 0), (1, 0), None),
    ("Monday", (0, 1439), (6, 1439), None),
    ("mon..fri", (4, 1439), (5, 0), None),
    ("mon-fri", (4, 1439), (5, 0), None),
    ("sun,tue-wed", (6, 0), (0, 0), None),
    (
        "mon-fri 9:00-17:00",
        (0, 540),
        (0, 1020),
        Some("mon..fri 9:00-17:00"),
    ),
    ("mon-fri 9-17", (4, 1019), (5, 600), Some("mon..fri 9-17")),
    (
        "sun,tue-wed,fri 9-17",
        (2, 540),
        (3, 540),
        Some("sun,tue..wed,fri 9-17"),
    ),
    (
        "fri-mon,WED-thu\t9 - 17",
        (0, 540),
        (1, 540),
        Some("fri..mon,WED..thu\t9 - 17"),
    ),
    ("fri-mon10-11", (6, 600), (1, 600), Some("fri..mon10-11")),
    ("fri 22-6", (5, 359), (4, 359), None),
    ("sun 22-6", (0, 359), (6, 359), None),
    ("mon-sun 0-24", (3, 700), (7, 0), None),
    ("mon 8-12 UTC", (0, 540), (0, 480), None),
    ("mon\tUTC", (0, 60), (0, 0), None),
];

#[test]
fn ours_match_as_they_read() {
    // Monday 2024-01-08 0:00 in Vienna; minutes 540 and 60 of it are 8:00 and 0:00 UTC.
    let at = |(day, minute): DayMinute| 1_704_668_400 + i64::from(day * 1440 + minute) * 60;
    for (text, inside, outside, strict) in OURS {
        let calendar = calendar(text);
        assert!(
            calendar.matches(at(inside), vienna()),
            "{text:?} at {inside:?}"
        );
        let always = calendar.is_always();
        assert_eq!(
            calendar.matches(at(outside), vienna()),
            always,
            "{text:?} at {outside:?}"
        );
        assert!(!calendar.pve_accepts(), "{text:?}");
        assert_eq!(calendar.strict_form().as_deref(), strict, "{text:?}");
    }
}

#[test]
fn a_zone_in_the_calendar_wins() {
    let calendar = calendar("mon 8-12 America/New_York");
    assert!(
        calendar.matches(1_704_718_800, vienna()),
        "8:00 in New York is 14:00 in Vienna"
    );
    assert!(!calendar.matches(1_704_697_200, vienna()), "8:00 in Vienna");
    assert_eq!(calendar.zone(vienna()).name(), "America/New_York");
    assert_eq!(
        self::calendar("mon 8-12").zone(vienna()).name(),
        "Europe/Vienna"
    );
}

#[test]
fn an_empty_span_never_matches_and_a_whole_week_always_does() {
    for (text, never, always) in [
        ("0-0", true, false),
        ("8-8", true, false),
        ("mon 8:30-8:30", true, false),
        ("0-24", false, true),
        ("mon-sun", false, true),
        ("tue..mon 0-24:00 UTC", false, true),
        ("mon..sat", false, false),
        ("0-23:59", false, false),
        ("12-11:59", false, false),
    ] {
        let calendar = calendar(text);
        assert_eq!(
            (calendar.is_never(), calendar.is_always()),
            (never, always),
            "{text:?}"
        );
    }
}

/// A span over midnight belongs to the day on which it begins, however it is combined.
#[test]
fn overnight_belongs_to_the_evening() {
    let saturday = 1_705_100_400; // 2024-01-13 0:00 in Vienna
    for (minute, expected) in [
        (-121, false),
        (-120, true),
        (0, true),
        (359, true),
        (360, false),
        (1320, false),
    ] {
        let found = calendar("fri 22-6").matches(saturday + minute * 60, vienna());
        assert_eq!(found, expected, "{minute}");
    }
}

/// `[BEGIN, END)` of the first `count` spans that end after a time.
fn check_spans(text: &str, after: i64, expected: &[(i64, i64)]) {
    let found: Vec<_> = calendar(text)
        .spans(after, vienna())
        .take(expected.len().max(1))
        .map(|span| (span.begin.expect("a begin"), span.end.expect("an end")))
        .collect();
    assert_eq!(found, expected, "{text:?} after {after}");
}

#[test]
fn spans_end_after_the_time_and_may_have_begun() {
    let (eight, twelve, day) = (1_704_697_200, 1_704_711_600, 86_400);
    check_spans(
        "8-12",
        eight - 1,
        &[(eight, twelve), (eight + day, twelve + day)],
    );
    check_spans("8-12", eight, &[(eight, twelve)]);
    check_spans("8-12", twelve - 1, &[(eight, twelve)]);
    check_spans("8-12", twelve, &[(eight + day, twelve + day)]);
    check_spans("8-8", twelve, &[]);
}

#[test]
fn adjoining_spans_are_one() {
    let monday = 1_704_668_400;
    check_spans("mon-wed", monday + 90_000, &[(monday, monday + 3 * 86_400)]);
    check_spans("mon-sat", monday - 1, &[(monday, monday + 6 * 86_400)]);
    // 22:00 to 6:00 of two evenings with nothing between 24:00 and 0:00.
    check_spans(
        "mon,tue 22-6",
        monday,
        &[
            (monday + 79_200, monday + 108_000),
            (monday + 165_600, monday + 194_400),
        ],
    );
}

#[test]
fn spans_follow_the_clock_when_it_is_changed() {
    let spring = 1_711_846_800; // Sunday 2024-03-31, 2:00 becomes 3:00
    check_spans(
        "sun 2-3",
        spring - 86_400,
        &[(spring + 6 * 86_400 + 82_800, spring + 7 * 86_400)],
    );
    check_spans("sun 1-4", spring, &[(spring - 3_600, spring + 3_600)]);
    check_spans("sun 1:30-2:30", spring - 7_200, &[(spring - 1_800, spring)]);
    check_spans("sun 2:30-3:30", spring - 7_200, &[(spring, spring + 1_800)]);
    // The hour that is left out is the only one outside: two spans become one.
    check_spans("3-2", spring, &[(spring - 82_800, spring + 82_800)]);

    let autumn = 1_729_990_800; // Sunday 2024-10-27, 3:00 becomes 2:00
    check_spans("sun 2-3", autumn, &[(autumn - 3_600, autumn + 3_600)]);
    check_spans(
        "sun 2-2:30",
        autumn - 7_200,
        &[(autumn - 3_600, autumn - 1_800), (autumn, autumn + 1_800)],
    );
    check_spans(
        "sun 1-2:30",
        autumn - 7_200,
        &[(autumn - 7_200, autumn - 1_800), (autumn, autumn + 1_800)],
    );
}

#[test]
fn a_day_that_a_zone_left_out_has_no_span() {
    // Samoa had no Friday 2011-12-30: Saturday followed Thursday.
    let apia = Zone::Named(chrono_tz::Pacific::Apia);
    let thursday = 1_325_152_800;
    let spans = |text| {
        calendar(text)
            .spans(thursday, apia)
            .next()
            .and_then(|span| span.begin.zip(span.end))
    };
    assert_eq!(spans("thu,sat"), Some((thursday, thursday + 2 * 86_400)));
    assert_eq!(
        spans("fri"),
        Some((thursday + 7 * 86_400, thursday + 8 * 86_400))
    );
}

#[test]
fn a_calendar_that_always_matches_has_one_span_without_ends() {
    let mut spans = calendar("0-24").spans(0, vienna());
    let span = spans.next().expect("one span");
    assert_eq!((span.begin, span.end), (None, None));
    assert_eq!(spans.next(), None);
}

#[test]
fn spans_end_at_the_end_of_time() {
    // How many of the first three there are, at the beginning of time and at its end.
    for (text, first, last) in [
        ("8-12", 3, 0),
        ("mon 22-6", 3, 0),
        ("12-11:59", 3, 1),
        ("8-8", 0, 0),
        ("0-24", 1, 1),
    ] {
        for (after, count) in [(i64::MIN, first), (i64::MAX, last)] {
            let spans: Vec<_> = calendar(text).spans(after, vienna()).take(3).collect();
            assert_eq!(spans.len(), count, "{text} after {after}: {spans:?}");
            for span in &spans {
                assert!(span.end.is_none_or(|end| end > after), "{text}: {span:?}");
                assert!(
                    span.begin < span.end || span.end.is_none(),
                    "{text}: {span:?}"
                );
            }
        }
    }
}
