//! `notify calendar`: one expression with its spans, and batches.

use notify_tests::{Notify, Run};
use serde_json::json;

const VIENNA: &str = "Europe/Vienna";

/// Expression, epoch seconds, whether it matches in Vienna. Seen with Proxmox VE's own parser.
#[rustfmt::skip]
const AS_PROXMOX_VE: &[(&str, i64, bool)] = &[
    ("8-12", 1_704_697_199, false),
    ("8-12", 1_704_697_200, true),
    ("8-12", 1_704_711_599, true),
    ("8-12", 1_704_711_600, false),
    ("8-12", 1_704_711_659, false),
    ("8:00-15:30", 1_704_724_199, true),
    ("8:00-15:30", 1_704_724_200, false),
    ("8:30-15:30", 1_704_698_999, false),
    ("8:30-15:30", 1_704_699_000, true),
    ("mon..fri 9:00-17:00", 1_704_700_800, true),
    ("mon..fri 9:00-17:00", 1_705_075_199, true),
    ("mon..fri 9:00-17:00", 1_705_136_400, false),
    ("mon..fri 9:00-17:00", 1_705_222_800, false),
    ("sun,tue..wed,fri 9-17", 1_704_704_400, false),
    ("sun,tue..wed,fri 9-17", 1_704_790_800, true),
    ("sun,tue..wed,fri 9-17", 1_704_877_200, true),
    ("sun,tue..wed,fri 9-17", 1_704_963_600, false),
    ("sun,tue..wed,fri 9-17", 1_705_050_000, true),
    ("sun,tue..wed,fri 9-17", 1_705_222_800, true),
    ("fri..mon 10-11", 1_705_051_800, true),
    ("fri..mon 10-11", 1_705_138_200, true),
    ("fri..mon 10-11", 1_705_224_600, true),
    ("fri..mon 10-11", 1_704_706_200, true),
    ("fri..mon 10-11", 1_704_792_600, false),
    ("fri..mon 10-11", 1_704_965_400, false),
    ("sun..mon 10-11", 1_705_224_600, true),
    ("sun..mon 10-11", 1_705_138_200, false),
    ("mon..mon 10-11", 1_704_706_200, true),
    ("mon..mon 10-11", 1_704_792_600, false),
    ("tue..mon 10-11", 1_704_879_000, true),
    ("mon..sun 10-11", 1_705_224_600, true),
    ("0-23:59", 1_704_754_739, true),
    ("0-23:59", 1_704_754_740, false),
    ("0-23", 1_704_751_199, true),
    ("0-23", 1_704_751_200, false),
    ("0:00-23:59", 1_704_668_400, true),
    ("8-8", 1_704_697_200, false),
    ("0-0", 1_704_668_400, false),
    ("MON 8-12", 1_704_697_200, true),
    ("Monday 8-12", 1_704_697_200, true),
    ("monDAY,TUESday 8-12", 1_704_787_200, true),
    ("mon,mon 8-12", 1_704_697_200, true),
    ("mon8-12", 1_704_697_200, true),
    ("mon   8-12", 1_704_697_200, true),
    ("mon\t8-12", 1_704_697_200, true),
    ("8 - 12", 1_704_697_200, true),
    ("8\t-\t12", 1_704_697_200, true),
    ("8:05 - 12:20", 1_704_697_500, true),
    ("8:5-12", 1_704_697_499, false),
    ("8:5-12", 1_704_697_500, true),
    ("08-012", 1_704_700_800, true),
    ("8:005-9", 1_704_697_500, true),
    ("00008-12", 1_704_700_800, true),
    ("sun 2-3", 1_711_846_800, false),
    ("sun 3-4", 1_711_846_800, true),
    ("sun 1-3", 1_711_846_799, true),
    ("sun 2-3", 1_729_989_000, true),
    ("sun 2-3", 1_729_992_600, true),
    ("mon 23-23:59", 1_704_753_000, true),
    ("mon 0-1", 1_704_670_200, true),
    ("thu 1-2", 0, true),
    ("wed 23-23:59", -1800, false),
    ("23:59-23:59", 1_704_754_740, false),
    ("0:0-0:1", 1_704_668_400, true),
    ("sat..tue 0-23:59", 1_704_668_400, true),
    ("sat,tue..thu,fri 8-12", 1_704_697_200, false),
];

/// What only we accept. 2024-01-08 is a Monday; 1704668400 is its midnight in Vienna.
#[rustfmt::skip]
const OURS: &[(&str, i64, bool)] = &[
    // A dash between weekdays.
    ("mon-fri 9-17", 1_704_700_800, true),
    ("mon-fri 9-17", 1_705_136_400, false),
    ("mon-fri 9:00-17:00", 1_704_729_599, true),
    ("mon-fri 9:00-17:00", 1_704_729_600, false),
    ("sun,tue-wed,fri 9-17", 1_704_790_800, true),
    ("sun,tue-wed,fri 9-17", 1_704_963_600, false),
    ("fri-mon 10-11", 1_705_224_600, true),
    // The end of the day.
    ("8-24", 1_704_754_799, true),
    ("8-24", 1_704_754_800, false),
    ("8:00-24:00", 1_704_754_799, true),
    ("8:00-24:0", 1_704_754_799, true),
    ("22-0", 1_704_754_799, true),
    ("22-0", 1_704_754_800, false),
    ("mon 22-0", 1_704_754_800, false),
    // Overnight: the night belongs to the day on which it begins.
    ("22-6", 1_704_668_400, true),
    ("22-6", 1_704_689_999, true),
    ("22-6", 1_704_690_000, false),
    ("22-6", 1_704_747_599, false),
    ("22-6", 1_704_747_600, true),
    ("22:00-06:00", 1_704_747_600, true),
    ("12-8", 1_704_697_199, true),
    ("12-8", 1_704_697_200, false),
    ("mon 22-6", 1_704_668_400, false),
    ("sun 22-6", 1_704_668_400, true),
    ("mon 22-6", 1_704_747_600, true),
    ("mon 22-6", 1_704_754_800, true),
    ("tue 22-6", 1_704_754_800, false),
    // Days alone.
    ("mon", 1_704_668_400, true),
    ("mon", 1_704_754_799, true),
    ("mon", 1_704_754_800, false),
    ("mon..fri", 1_705_136_400, false),
    ("mon-fri", 1_705_050_000, true),
    ("mon,wed", 1_704_877_200, true),
    // A zone of its own: 08:00 in Vienna is 07:00 in London, and 16:00 in Tokyo.
    ("mon 8-12 UTC", 1_704_697_200, false),
    ("mon 8-12 UTC", 1_704_700_800, true),
    ("8-12 Europe/London", 1_704_697_200, false),
    ("16-17 Asia/Tokyo", 1_704_697_200, true),
    ("mon-fri 9-17 Europe/Vienna", 1_704_700_800, true),
    ("tue Pacific/Kiritimati", 1_704_711_600, true),
];

const ERRORS: &[&str] = &[
    "",
    " ",
    " 8-12",
    "8-12 ",
    "\tmon 8-12",
    "8-12\r",
    "mon\u{a0}8-12",
    "8:60-12",
    "8-25",
    "24-24",
    "daily",
    "weekly 8-12",
    "mon, tue 8-12",
    "mon ,tue 8-12",
    "mon .. fri 8-12",
    "mon...fri 8-12",
    "mon..fri,8-12",
    "mon..fri, 8-12",
    "mon,8-12",
    ",mon 8-12",
    "mon..fri..sun 8-12",
    "thurs 8-12",
    "tues 8-12",
    "mo 8-12",
    "montag 8-12",
    "8",
    "8:00",
    "8-",
    "-12",
    "-1-5",
    "8..12",
    "8:-12",
    "8 : 00-12",
    "8:00:00-12:00:00",
    "8-12,14-16",
    "8-12 mon",
    "*-12",
    "8/2-12",
    "8.30-12",
    "8h-12h",
    "8pm-10pm",
    "99999999999-12",
    "8\u{2013}12",
    "mon 8 -12 ",
    "\u{e9}a 8-12",
    // Near what only we accept.
    "24:01-8",
    "8-24:01",
    "24-8",
    "24:00-8",
    "mon-fri-sun 9-17",
    "mon - fri 9-17",
    "8-12 utc",
    "8-12 europe/vienna",
    "8-12UTC",
    "UTC",
    "8-12 UTC UTC",
    "mon 8-12 UTC ",
    "8-12 Nowhere/Town",
    "mon ",
    "mon-",
    "mon..",
];

fn batch(lines: &str) -> Run {
    Notify::new().run_with(&["calendar", "--batch", "-"], lines.as_bytes())
}

fn check_table(zone: &str, rows: &[(&str, i64, bool)]) {
    let lines: String = rows
        .iter()
        .map(|(expression, epoch, _)| format!("{zone}\t{expression}\t{epoch}\n"))
        .collect();
    let answers = batch(&lines).expect_code(0);
    let answers: Vec<&str> = answers.stdout.lines().collect();
    assert_eq!(answers.len(), rows.len());
    for (answer, (expression, epoch, expected)) in answers.iter().zip(rows) {
        assert_eq!(*answer, expected.to_string(), "{expression:?} at {epoch}");
    }
}

#[test]
fn matches_as_proxmox_ve_does() {
    check_table(VIENNA, AS_PROXMOX_VE);
}

#[test]
fn an_empty_zone_is_the_local_one() {
    check_table("", AS_PROXMOX_VE);
}

#[test]
fn matches_what_only_we_accept() {
    check_table(VIENNA, OURS);
}

#[test]
fn the_zone_of_a_line_is_used_unless_the_expression_has_one() {
    check_table(
        "UTC",
        &[("8-12", 1_704_697_200, false), ("7-8", 1_704_697_200, true)],
    );
    check_table("Asia/Tokyo", &[("16-17", 1_704_697_200, true)]);
    check_table("Asia/Tokyo", &[("8-12 Europe/Vienna", 1_704_697_200, true)]);
}

#[test]
fn everything_else_is_an_error() {
    let lines: String = ERRORS
        .iter()
        .map(|expression| format!("{VIENNA}\t{expression}\t1704697200\n"))
        .collect();
    let run = batch(&lines).expect_code(1);
    let answers: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(answers.len(), ERRORS.len());
    for (answer, expression) in answers.iter().zip(ERRORS) {
        assert!(
            answer.starts_with("error: "),
            "{expression:?} gives {answer:?}"
        );
    }
}

#[test]
fn a_line_feed_in_an_expression_is_an_error() {
    let _ = Notify::new()
        .run(&["calendar", "mon 8-12\n"])
        .expect_code(2);
}

#[test]
fn every_line_of_a_batch_gets_one_answer() {
    for (lines, code, expected) in [
        ("", 0, &[][..]),
        ("UTC\t7-8\t1704697200", 0, &["true"][..]),
        // One CR at the line's end belongs to the line end.
        ("UTC\t7-8\t1704697200\r\n", 0, &["true"]),
        ("UTC\t7-8\t1704697200\r\r\n", 1, &["error"]),
        ("\n", 1, &["error"]),
        (
            "UTC\t7-8\t1704697200\n\nUTC\t8-9\t1704697200\n",
            1,
            &["true", "error", "false"],
        ),
        ("no tab\nUTC\t7-8\n", 1, &["error", "error"]),
        ("Nowhere/Town\t7-8\t1704697200\n", 1, &["error"]),
        ("UTC\t7-8\tnoon\n", 1, &["error"]),
        ("UTC\t7-8\t\n", 1, &["error"]),
        // Split at the first and the last tab: what is between is the expression.
        ("UTC\tmon\t7\t-\t8\t1704697200\n", 0, &["true"]),
        ("\t\t\n", 1, &["error"]),
    ] {
        let run = batch(lines).expect_code(code);
        let kinds: Vec<&str> = run
            .stdout
            .lines()
            .map(|line| line.split(':').next().unwrap_or_default())
            .collect();
        assert_eq!(kinds, expected, "{lines:?}");
    }
}

#[test]
fn a_batch_that_is_not_text_is_answered_line_by_line() {
    let input = b"UTC\t7-8\t1704697200\nUTC\t\xff7-8\t1704697200\nUTC\t7-8\t1704697200\n";
    let run = Notify::new()
        .run_with(&["calendar", "--batch", "-"], input)
        .expect_code(1);
    let answers: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(
        (answers.len(), answers[0], answers[2]),
        (3, "true", "true"),
        "{answers:?}"
    );
    assert!(answers[1].starts_with("error: "), "{answers:?}");
}

#[test]
fn a_batch_may_stand_in_a_file() {
    let notify = Notify::new().file("batch", "UTC\t7-8\t1704697200\n");
    let path = notify.config().join("batch");
    let words = [
        "calendar",
        "--batch",
        path.to_str().expect("a path of ASCII"),
    ];
    assert_eq!(notify.run(&words).expect_code(0).stdout, "true\n");
    let _ = notify
        .run(&["calendar", "--batch", "/nonexistent/batch"])
        .expect_code(2);
}

/// Spans of `calendar EXPR --at AT --tz Europe/Vienna --next N`, as pairs.
fn spans(expression: &str, at: &str, count: usize) -> Vec<(i64, i64)> {
    let count = count.to_string();
    let words = [
        "calendar", expression, "--at", at, "--tz", VIENNA, "--next", &count, "--json",
    ];
    let run = Notify::new().run(&words);
    let pairs = run.json()["spans"].as_array().expect("spans").clone();
    let number = |value: &serde_json::Value| value.as_i64().expect("epoch seconds");
    pairs
        .iter()
        .map(|span| (number(&span["begin"]), number(&span["end"])))
        .collect()
}

#[test]
fn spans_are_those_whose_end_lies_after_the_time() {
    const DAY: i64 = 86_400;
    let monday = 1_704_668_400;
    for (expression, at, count, expected) in [
        // Before, at the begin, inside, at the end.
        ("8-12", monday, 1, vec![(monday + 28_800, monday + 43_200)]),
        (
            "8-12",
            monday + 28_800,
            1,
            vec![(monday + 28_800, monday + 43_200)],
        ),
        (
            "8-12",
            monday + 43_199,
            1,
            vec![(monday + 28_800, monday + 43_200)],
        ),
        (
            "8-12",
            monday + 43_200,
            1,
            vec![(monday + DAY + 28_800, monday + DAY + 43_200)],
        ),
        (
            "mon,wed 8-12",
            monday,
            2,
            vec![
                (monday + 28_800, monday + 43_200),
                (monday + 2 * DAY + 28_800, monday + 2 * DAY + 43_200),
            ],
        ),
        // Overnight: one span, begun on the evening before.
        ("22-6", monday, 1, vec![(monday - 7200, monday + 21_600)]),
        (
            "mon 22-6",
            monday,
            1,
            vec![(monday + 79_200, monday + DAY + 21_600)],
        ),
        // Adjoining spans are one.
        ("mon,tue", monday, 1, vec![(monday, monday + 2 * DAY)]),
        (
            "mon..wed 0-24",
            monday + DAY,
            1,
            vec![(monday, monday + 3 * DAY)],
        ),
        // Never.
        ("8-8", monday, 3, vec![]),
        ("0-0", monday, 1, vec![]),
        // A zone in the expression wins over --tz: 8:00 UTC is 9:00 in Vienna.
        (
            "8-12 UTC",
            monday,
            1,
            vec![(monday + 32_400, monday + 46_800)],
        ),
    ] {
        let at = at.to_string();
        assert_eq!(
            spans(expression, &at, count),
            expected,
            "{expression} at {at}"
        );
    }
}

#[test]
fn spans_follow_the_clock_when_it_is_set() {
    // In spring 02:00 is followed by 03:00, on Sunday 2024-03-31 at 1711846800.
    let spring = 1_711_846_800;
    // In autumn 02:00 to 03:00 come twice, on Sunday 2024-10-27; 03:00 CEST is 1729990800.
    let autumn = 1_729_990_800;
    for (expression, at, count, expected) in [
        (
            "1-4",
            spring - 7200,
            1,
            vec![(spring - 3600, spring + 3600)],
        ),
        ("2:30-4", spring - 7200, 1, vec![(spring, spring + 3600)]),
        ("1-2:30", spring - 7200, 1, vec![(spring - 3600, spring)]),
        // The skipped hour does not come on that Sunday, but a week later.
        (
            "sun 2-3",
            spring - 7200,
            1,
            vec![(spring + 6 * 86_400 + 23 * 3600, spring + 7 * 86_400)],
        ),
        // The repeated hour comes twice; all of it adjoins.
        (
            "sun 2-3",
            autumn - 10_800,
            1,
            vec![(autumn - 3600, autumn + 3600)],
        ),
        // Half of it does not.
        (
            "sun 2-2:30",
            autumn - 10_800,
            2,
            vec![(autumn - 3600, autumn - 1800), (autumn, autumn + 1800)],
        ),
        (
            "22-6",
            autumn - 10_800,
            1,
            vec![(autumn - 18_000, autumn + 14_400)],
        ),
    ] {
        let at = at.to_string();
        assert_eq!(
            spans(expression, &at, count),
            expected,
            "{expression} at {at}"
        );
    }
}

#[test]
fn the_answer_as_json_has_three_keys() {
    let words = [
        "calendar",
        "8-12",
        "--at",
        "1704697200",
        "--tz",
        VIENNA,
        "--json",
    ];
    let run = Notify::new().run(&words).expect_code(0);
    let span = json!({"begin": 1_704_697_200, "end": 1_704_711_600});
    assert_eq!(
        run.json(),
        json!({"matches": true, "zone": VIENNA, "spans": [span]})
    );
    let words = [
        "calendar",
        "8-8",
        "--at",
        "1704697200",
        "--tz",
        VIENNA,
        "--json",
    ];
    let run = Notify::new().run(&words).expect_code(1);
    assert_eq!(
        run.json(),
        json!({"matches": false, "zone": VIENNA, "spans": []})
    );
    let words = [
        "calendar",
        "8-12 UTC",
        "--at",
        "1704697200",
        "--tz",
        VIENNA,
        "--json",
    ];
    assert_eq!(
        Notify::new().run(&words).expect_code(1).json()["zone"],
        "UTC"
    );
}

#[test]
fn times_are_epoch_rfc_3339_or_a_wall_clock() {
    for (at, zone, code) in [
        ("1704697200", VIENNA, 0),
        ("2024-01-08T08:00:00+01:00", VIENNA, 0),
        ("2024-01-08T07:00:00Z", VIENNA, 0),
        ("2024-01-08T07:00:00.5Z", VIENNA, 0),
        ("2024-01-08T06:59:59Z", VIENNA, 1),
        ("2024-01-08 08:00", VIENNA, 0),
        ("2024-01-08 08:00:00", VIENNA, 0),
        ("2024-01-08 07:59:59", VIENNA, 1),
        ("2024-01-08 08:00", "UTC", 0),
        ("-1", VIENNA, 1),
        ("tomorrow", VIENNA, 2),
        ("2024-01-08", VIENNA, 2),
        ("2024-13-08 08:00", VIENNA, 2),
        ("", VIENNA, 2),
        ("1704697200", "Nowhere/Town", 2),
    ] {
        let at = format!("--at={at}");
        let run = Notify::new().run(&["calendar", "8-12", &at, "--tz", zone]);
        let _ = run.clone().expect_code(code);
        assert_eq!(
            code == 2,
            !run.stderr.is_empty(),
            "{at} {zone}: {}",
            run.stderr
        );
    }
    // The local zone is the default one.
    let _ = Notify::new()
        .run(&["calendar", "8-12", "--at", "2024-01-08 08:00"])
        .expect_code(0);
    let elsewhere = Notify::new().variable("TZ", "UTC");
    let words = ["calendar", "8-12", "--at", "1704697200"];
    let _ = elsewhere.run(&words).expect_code(1);
    let _ = Notify::new().run(&words).expect_code(0);
}

#[test]
fn a_bad_expression_is_a_usage_error() {
    for words in [
        &["calendar", "daily"][..],
        &["calendar", ""],
        &["calendar"],
        &["calendar", "8-12", "--batch", "-"],
        &["calendar", "8-12", "--next", "many"],
        &["calendar", "8-12", "14-16"],
    ] {
        let run = Notify::new().run(words).expect_code(2);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{words:?}");
    }
}
