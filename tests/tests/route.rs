//! `notify route`: who would hear of an event, and why.

use notify_tests::{Notify, Run};
use serde_json::{Value, json};

/// The trace of matcher `m` with these lines for this event.
fn trace(lines: &str, event: &str) -> Value {
    let lines: String = lines
        .split('\n')
        .map(|line| format!("\t{line}\n"))
        .collect();
    let notify = Notify::new().routing(&format!("matcher: m1\n\ttarget t1\n{lines}"));
    let words = ["route", "--events", "-", "--explain", "--json"];
    let run = notify.run_with(&words, event.as_bytes()).expect_code(0);
    let answer = run.json();
    let traces = answer["matchers"].as_array().expect("all matchers").clone();
    let found = traces.into_iter().find(|trace| trace["name"] == "m1");
    found.expect("the matcher of the test")
}

fn event(severity: &str, fields: &Value) -> String {
    json!({"severity": severity, "fields": fields, "timestamp": 1_704_708_000}).to_string()
}

/// Whether `m1` matches; none when it has an error.
fn verdict(lines: &str, severity: &str, fields: &Value) -> Option<bool> {
    let trace = trace(lines, &event(severity, fields));
    let matched = trace["matched"].as_bool().expect("a verdict");
    if trace["error"].is_null() {
        return Some(matched);
    }
    assert!(!matched, "{lines}: an error never matches");
    None
}

fn check(lines: &str, events: &[(&str, Value, Option<bool>)]) {
    for (severity, fields, expected) in events {
        assert_eq!(
            verdict(lines, severity, fields),
            *expected,
            "{lines:?} for {severity} {fields}"
        );
    }
}

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);
const ERROR: Option<bool> = None;

#[test]
fn a_matcher_without_rules_matches_even_inverted() {
    for lines in [
        "comment nothing",
        "invert-match true",
        "mode any",
        "mode any\ninvert-match true",
        "mode all",
    ] {
        check(
            lines,
            &[
                ("info", json!({}), YES),
                ("error", json!({"type": "vzdump"}), YES),
            ],
        );
    }
}

#[test]
fn fields_match_as_proxmox_ve_does() {
    let of = |kind: &str| json!({"type": kind});
    let host = |name: &str| json!({"hostname": name});
    let rows: Vec<(&str, Value, Option<bool>)> = vec![
        ("match-field exact:type=vzdump", of("vzdump"), YES),
        ("match-field exact:type=vzdump", of("fencing"), NO),
        ("match-field exact:type=vzdump", json!({}), NO),
        ("match-field exact:type=VZDUMP", of("vzdump"), NO),
        (
            "match-field exact:type=replication,fencing",
            of("fencing"),
            YES,
        ),
        (
            "match-field exact:type= replication , fencing",
            of("fencing"),
            YES,
        ),
        ("match-field exact:type=", of(""), YES),
        ("match-field exact:type=", json!({}), NO),
        ("match-field exact:a=b=c", json!({"a": "b=c"}), YES),
        ("match-field exact:a=b,c", json!({"a": "b,c"}), NO),
        ("match-field regex:hostname=.*", host(""), YES),
        ("match-field regex:hostname=.*", json!({}), NO),
        (
            r"match-field regex:hostname=^.+\.example\.com$",
            host("pve1.example.com"),
            YES,
        ),
        (
            r"match-field regex:hostname=^.+\.example\.com$",
            host("pve1"),
            NO,
        ),
        ("match-field regex:type=dump", of("vzdump"), YES),
        (
            "match-field regex:type=^(replication|fencing)$",
            of("fencing"),
            YES,
        ),
        ("match-field regex:type=(?i)VZ", of("vzdump"), YES),
        ("match-field regex:type=", of("anything"), YES),
        ("match-field regex:type=", json!({}), NO),
        ("match-field regex:type=(?=a)b", of("b"), ERROR),
        ("match-field regex:type=[", of("b"), ERROR),
        ("match-field type=vzdump", of("vzdump"), ERROR),
        ("match-field foo:type=x", of("x"), ERROR),
        ("match-field exact:ty pe=x", of("x"), ERROR),
        ("match-field exact:'x=1", of("x"), ERROR),
        (
            "match-field exact:type=vzdump\nmatch-field exact:type=fencing",
            of("vzdump"),
            NO,
        ),
        (
            "match-field exact:type=vzdump\nmatch-field exact:type=fencing\nmode any",
            of("vzdump"),
            YES,
        ),
    ];
    for (lines, fields, expected) in rows {
        check(lines, &[("info", fields, expected)]);
    }
}

#[test]
fn severities_match_as_proxmox_ve_does() {
    for (lines, severity, expected) in [
        ("match-severity error", "error", YES),
        ("match-severity error", "warning", NO),
        ("match-severity warning , error", "error", YES),
        ("match-severity warning\nmatch-severity error", "error", NO),
        (
            "match-severity warning\nmatch-severity error\nmode any",
            "error",
            YES,
        ),
        ("match-severity Error", "error", ERROR),
        ("match-severity error,", "error", ERROR),
        ("match-severity info,notice,warning,error", "unknown", NO),
        ("match-severity bogus", "error", ERROR),
    ] {
        check(lines, &[(severity, json!({}), expected)]);
    }
}

#[test]
fn rules_combine_as_proxmox_ve_does() {
    let both = "match-field exact:type=vzdump\nmatch-severity error";
    let (vzdump, fencing) = (json!({"type": "vzdump"}), json!({"type": "fencing"}));
    check(
        &format!("mode any\n{both}"),
        &[("error", fencing.clone(), YES)],
    );
    check(
        &format!("mode all\n{both}"),
        &[
            ("error", fencing.clone(), NO),
            ("error", vzdump.clone(), YES),
        ],
    );
    check(
        &format!("invert-match true\n{both}"),
        &[("info", vzdump.clone(), YES)],
    );
    check(
        &format!("mode any\ninvert-match true\n{both}"),
        &[("info", vzdump.clone(), NO), ("info", fencing, YES)],
    );
    check(
        &format!("disable true\n{both}"),
        &[("error", vzdump.clone(), NO)],
    );
    check(
        &format!("disable true\ninvert-match true\n{both}"),
        &[("info", vzdump, NO)],
    );
}

#[test]
fn calendars_combine_as_proxmox_ve_does() {
    let two = "match-calendar 0-23:59\nmatch-calendar 0-0";
    check(two, &[("info", json!({}), NO)]);
    check(&format!("mode any\n{two}"), &[("info", json!({}), YES)]);
    check(
        "match-calendar 0-0\ninvert-match true",
        &[("info", json!({}), YES)],
    );
    check("match-calendar daily", &[("info", json!({}), ERROR)]);
}

#[test]
fn an_unusable_line_stops_its_matcher() {
    // A misspelt rule that were ignored could make a matcher match everything.
    for line in [
        "match-feild exact:type=vzdump",
        "mode some",
        "comment a\ncomment b",
        "mode all\nmode any",
        "invert-match maybe",
    ] {
        check(line, &[("info", json!({}), ERROR)]);
    }
}

/// Two matchers that match everything, one that is off; targets of every state.
const STATES: &str = "\
gotify: usable
\tserver http://127.0.0.1:1

gotify: no-token
\tserver http://127.0.0.1:1

gotify: off
\tserver http://127.0.0.1:1
\tdisable true

smtp: broken
\tserver mail.example.com

matcher: second
\ttarget usable
\ttarget nowhere
\ttarget Off-nowhere

matcher: first
\ttarget off
\ttarget no-token
\ttarget usable
\ttarget broken

matcher: never
\tmatch-severity unknown
\ttarget elsewhere

matcher: silent
\tdisable true
\ttarget elsewhere
";

fn states() -> Notify {
    Notify::new().routing(STATES).file(
        "priv/notifications.cfg",
        "gotify: usable\n\ttoken a\n\ngotify: off\n\ttoken b\n",
    )
}

#[test]
fn an_answer_names_targets_by_state_sorted_bytewise() {
    let run = states()
        .run(&["route", "--severity", "info", "--json"])
        .expect_code(0);
    assert_eq!(
        run.json(),
        json!({
            "targets": ["Off-nowhere", "broken", "no-token", "nowhere", "off", "usable"],
            "missing": ["Off-nowhere", "nowhere"],
            "disabled": ["off"],
            "unusable": ["broken", "no-token"],
            "matchers": ["first", "second"],
        })
    );
}

#[test]
fn an_answer_has_all_keys_when_nothing_is_chosen() {
    let notify = Notify::new().routing("");
    let nothing =
        json!({"targets": [], "missing": [], "disabled": [], "unusable": [], "matchers": []});
    let run = notify
        .run(&["route", "--severity", "info", "--json"])
        .expect_code(0);
    assert_eq!(run.json(), nothing);
    let run = notify
        .run_with(&["route", "--events", "-"], b"{\"severity\":\"info\"}")
        .expect_code(0);
    assert_eq!(run.json_lines(), [nothing], "--events answers in JSON");
}

#[test]
fn the_built_ins_are_there_without_a_file() {
    let run = Notify::new().run(&["route", "--json"]).expect_code(0);
    let answer = run.json();
    assert_eq!(answer["targets"], json!(["mail-to-root"]));
    assert_eq!(answer["matchers"], json!(["default-matcher"]));
    assert_eq!(answer["missing"], json!([]));
}

#[test]
fn one_event_is_given_as_to_send() {
    let notify = Notify::new().routing(
        "matcher: by-default\n\tmatch-severity info\n\ttarget t1\n\n\
         matcher: by-type\n\tmatch-field exact:type=vzdump\n\ttarget t2\n\n\
         matcher: by-field\n\tmatch-field exact:job-id=a=b\n\ttarget t3\n\n\
         matcher: by-host\n\tmatch-field regex:hostname=^[^.]+$\n\ttarget t4\n\n\
         matcher: elsewhere\n\tmatch-field exact:hostname=pve9\n\ttarget t5\n",
    );
    for (words, expected) in [
        (&["--json"][..], json!(["by-default", "by-host"])),
        (&["--json", "--severity", "error"], json!(["by-host"])),
        (
            &["--json", "--severity", "error", "--type", "vzdump"],
            json!(["by-host", "by-type"]),
        ),
        (
            &[
                "--json",
                "--severity",
                "error",
                "--field",
                "type=vzdump",
                "--field",
                "job-id=a=b",
            ],
            json!(["by-field", "by-host", "by-type"]),
        ),
        (
            &["--json", "--severity", "error", "--field", "hostname=pve9"],
            json!(["by-host", "elsewhere"]),
        ),
    ] {
        let words = [&["route"], words].concat();
        let answer = notify.run(&words).expect_code(0).json();
        let sorted = |names: &Value| {
            let mut names = names.as_array().expect("names").clone();
            names.sort_by_key(ToString::to_string);
            names
        };
        assert_eq!(sorted(&answer["matchers"]), sorted(&expected), "{words:?}");
    }
}

#[test]
fn usage_errors_exit_2() {
    for words in [
        &["route", "--severity", "fatal"][..],
        &["route", "--type", "a", "--field", "type=b"],
        &["route", "--type", "a", "--field", "type=a"],
        &["route", "--field", "no-value"],
        &["route", "--field", "=x"],
        &["route", "--field", "a b=x"],
        &["route", "--field", "-a=x"],
        &["route", "--field", "a=x\ny"],
        &["route", "--type", "a\tb"],
        &["route", "--at", "noon"],
        &["route", "--tz", "Nowhere/Town"],
        &["route", "--events", "/nonexistent/events"],
        &["route", "--events", "-", "--severity", "info"],
        &["route", "unexpected"],
    ] {
        let run = Notify::new().run(words).expect_code(2);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{words:?}");
    }
}

fn batch(notify: &Notify, more: &[&str], input: impl AsRef<[u8]>) -> Run {
    let words = [&["route", "--events", "-"], more].concat();
    notify.run_with(&words, input.as_ref())
}

#[test]
fn a_batch_answers_each_line_that_is_not_blank_in_order() {
    let notify = Notify::new().routing(
        "matcher: errors\n\tmatch-severity error\n\ttarget t1\n\n\
         matcher: backups\n\tmatch-field exact:type=vzdump\n\ttarget t2\n",
    );
    let input = "\n{\"severity\":\"error\"}\r\n   \n{\"severity\":\"info\"}\n\
                 {\"severity\":\"error\",\"fields\":{\"type\":\"vzdump\"},\"timestamp\":0}";
    let run = batch(&notify, &[], input).expect_code(0);
    let targets: Vec<Value> = run
        .json_lines()
        .iter()
        .map(|line| line["targets"].clone())
        .collect();
    assert_eq!(targets, [json!(["t1"]), json!([]), json!(["t1", "t2"])]);
    let _ = batch(&notify, &[], "").expect_code(0);
    // With and without --json the answer is the same.
    assert_eq!(batch(&notify, &["--json"], input).stdout, run.stdout);
}

#[test]
fn a_batch_adds_no_field() {
    let notify =
        Notify::new().routing("matcher: m1\n\tmatch-field regex:hostname=.*\n\ttarget t1\n");
    let run = batch(&notify, &[], r#"{"severity":"info"}"#).expect_code(0);
    assert_eq!(run.json_lines()[0]["targets"], json!([]));
}

#[test]
fn a_bad_line_answers_an_error_and_the_others_are_answered() {
    for bad in [
        "{}",
        "not json",
        "[]",
        "\"info\"",
        "null",
        r#"{"severity":"info""#,
        r#"{"severity":"fatal"}"#,
        r#"{"severity":"Error"}"#,
        r#"{"severity":null}"#,
        r#"{"severity":3}"#,
        r#"{"severity":"info","colour":"red"}"#,
        r#"{"severity":"info","timestamp":"now"}"#,
        r#"{"severity":"info","timestamp":1.5}"#,
        r#"{"severity":"info","timestamp":99999999999999999999}"#,
        r#"{"severity":"info","fields":[]}"#,
        r#"{"severity":"info","fields":{"a":1}}"#,
        r#"{"severity":"info","fields":{"a":null}}"#,
        r#"{"severity":"info","fields":{"a b":"x"}}"#,
        r#"{"severity":"info","fields":{"a":"x\ny"}}"#,
        r#"{"severity":"info"} trailing"#,
    ] {
        let good = r#"{"severity":"info"}"#;
        let run = batch(&Notify::new(), &[], format!("{good}\n{bad}\n{good}\n")).expect_code(1);
        let answers = run.json_lines();
        assert_eq!(answers.len(), 3, "{bad}");
        let keys: Vec<&String> = answers[1].as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["error"], "{bad}");
        let told = answers[1]["error"].as_str().expect("a text");
        assert!(!told.is_empty() && !told.contains('\n'), "{bad}: {told:?}");
        assert_eq!(answers[0], answers[2], "{bad}");
        assert_eq!(answers[0]["targets"], json!(["mail-to-root"]), "{bad}");
    }
}

#[test]
fn a_line_that_is_not_utf_8_is_a_bad_line() {
    let run = batch(
        &Notify::new(),
        &[],
        b"{\"severity\":\"info\"}\n{\"severity\":\"\xff\"}\n",
    );
    let answers = run.expect_code(1).json_lines();
    assert_eq!((answers.len(), answers[1]["error"].is_string()), (2, true));
}

#[test]
fn the_time_is_that_of_the_line_unless_at_is_given() {
    let notify = Notify::new().routing("matcher: m1\n\tmatch-calendar mon 8-12\n\ttarget t1\n");
    let at = |timestamp: i64| json!({"severity": "info", "timestamp": timestamp}).to_string();
    let yes = json!(["t1"]);
    let (monday, sunday) = (at(1_704_700_800), at(1_705_222_800));
    for (more, line, expected) in [
        (&[][..], &monday, &yes),
        (&[], &sunday, &json!([])),
        (&["--at", "1704700800"], &sunday, &yes),
        (&["--at", "2024-01-08T09:00:00+01:00"], &sunday, &yes),
        (&["--at", "2024-01-08 09:00"], &sunday, &yes),
        (
            &["--at", "2024-01-08 09:00:00", "--tz", "UTC"],
            &sunday,
            &yes,
        ),
        (
            &["--at", "2024-01-08 11:30", "--tz", "Europe/Vienna"],
            &sunday,
            &yes,
        ),
        // 08:00 UTC; still before noon in Vienna, evening in Tokyo.
        (&["--tz", "UTC"], &monday, &yes),
        (&["--tz", "Asia/Tokyo"], &monday, &json!([])),
    ] {
        let answers = batch(&notify, more, line).expect_code(0).json_lines();
        assert_eq!(&answers[0]["targets"], expected, "{more:?} {line}");
    }
    // One event, by flags.
    let words = ["route", "--at", "2024-01-08 09:00", "--json"];
    assert_eq!(notify.run(&words).expect_code(0).json()["targets"], yes);
}

#[test]
fn a_zone_in_the_calendar_wins_over_tz() {
    let notify = Notify::new()
        .routing("matcher: m1\n\tmatch-calendar mon 8-12 Europe/Vienna\n\ttarget t1\n");
    let words = [
        "route",
        "--at",
        "1704697200",
        "--tz",
        "Asia/Tokyo",
        "--json",
    ];
    assert_eq!(
        notify.run(&words).expect_code(0).json()["targets"],
        json!(["t1"])
    );
}

#[test]
fn an_explanation_shows_every_matcher_and_what_each_rule_saw() {
    let notify = Notify::new().file(
        "notifications.cfg",
        "matcher: working\n\
         \tmatch-field exact:type=vzdump,fencing\n\
         \tmatch-field regex:job-id=^nightly\n\
         \tmatch-severity error\n\
         \tmatch-calendar mon-fri 9-17\n\
         \tmode any\n\
         \tinvert-match true\n\
         \ttarget t1\n\n\
         matcher: off\n\
         \tdisable true\n\n\
         matcher: broken\n\
         \tmatch-severity fatal\n",
    );
    let words = [
        "route",
        "--explain",
        "--json",
        "--severity",
        "info",
        "--field",
        "type=vzdump",
        "--at",
        "2024-01-08 09:30",
    ];
    let answer = notify.run(&words).expect_code(0).json();
    let matchers = answer["matchers"].as_array().expect("matchers");
    let names: Vec<&str> = matchers
        .iter()
        .filter_map(|matcher| matcher["name"].as_str())
        .collect();
    assert_eq!(
        names,
        ["working", "off", "broken", "default-matcher"],
        "file order, built-ins last"
    );

    let working = &matchers[0];
    let keys: Vec<&String> = working.as_object().expect("an object").keys().collect();
    let mut expected = [
        "name", "matched", "disabled", "mode", "invert", "error", "rules",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(working["matched"], false);
    assert_eq!(working["disabled"], false);
    assert_eq!(working["mode"], "any");
    assert_eq!(working["invert"], true);
    assert_eq!(working["error"], Value::Null);
    let rule = |key: &str| {
        let rules = working["rules"].as_array().expect("rules");
        let found: Vec<&Value> = rules.iter().filter(|rule| rule["key"] == key).collect();
        found
    };
    let fields = rule("match-field");
    assert_eq!(
        *fields[0],
        json!({"key": "match-field", "rule": "exact:type=vzdump,fencing", "saw": "vzdump", "verdict": true})
    );
    assert_eq!(
        *fields[1],
        json!({"key": "match-field", "rule": "regex:job-id=^nightly", "saw": null, "verdict": false})
    );
    assert_eq!(
        *rule("match-severity")[0],
        json!({"key": "match-severity", "rule": "error", "saw": "info", "verdict": false})
    );
    let calendar = rule("match-calendar")[0];
    assert_eq!(
        (&calendar["rule"], &calendar["verdict"]),
        (&json!("mon-fri 9-17"), &json!(true))
    );
    assert!(calendar["saw"].is_string());

    assert_eq!(
        (&matchers[1]["matched"], &matchers[1]["disabled"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(matchers[2]["matched"], false);
    assert!(
        matchers[2]["error"]
            .as_str()
            .expect("an error")
            .contains("fatal")
    );
    assert_eq!(matchers[3]["matched"], true);
    assert_eq!(
        (&matchers[3]["mode"], &matchers[3]["rules"]),
        (&json!("all"), &json!([]))
    );
    assert_eq!(answer["targets"], json!(["mail-to-root"]));
}

#[test]
fn an_overridden_built_in_stands_where_the_file_has_it() {
    let notify = Notify::new().file(
        "notifications.cfg",
        "matcher: default-matcher\n\ttarget t1\n\nmatcher: m1\n\ttarget t2\n",
    );
    let answer = notify
        .run(&["route", "--explain", "--json"])
        .expect_code(0)
        .json();
    let names: Vec<&str> = answer["matchers"]
        .as_array()
        .expect("matchers")
        .iter()
        .filter_map(|matcher| matcher["name"].as_str())
        .collect();
    assert_eq!(names, ["default-matcher", "m1"]);
    assert_eq!(answer["targets"], json!(["t1", "t2"]));
}

#[test]
fn an_explanation_of_a_batch_is_one_object_a_line() {
    let input = "{\"severity\":\"info\"}\nbad\n{\"severity\":\"error\"}\n";
    let run = batch(&Notify::new(), &["--explain"], input).expect_code(1);
    let answers = run.json_lines();
    assert_eq!(answers.len(), 3);
    for answer in [&answers[0], &answers[2]] {
        assert_eq!(answer["matchers"][0]["name"], "default-matcher");
        assert_eq!(answer["matchers"][0]["matched"], true);
    }
}

#[test]
fn people_get_text() {
    let run = states()
        .run(&["route", "--severity", "info"])
        .expect_code(0);
    for word in [
        "usable", "nowhere", "missing", "disabled", "unusable", "first", "second",
    ] {
        assert!(
            run.stdout.contains(word),
            "{word} is not in\n{}",
            run.stdout
        );
    }
    assert!(serde_json::from_str::<Value>(&run.stdout).is_err());
    let run = states().run(&["route", "--explain"]).expect_code(0);
    for word in [
        "never",
        "silent",
        "default-matcher",
        "match-severity",
        "unknown",
    ] {
        assert!(
            run.stdout.contains(word),
            "{word} is not in\n{}",
            run.stdout
        );
    }
}

#[test]
fn a_configuration_that_cannot_be_read_exits_2() {
    let notify = Notify::new();
    std::fs::create_dir(notify.config().join("notifications.cfg")).expect("a folder in its place");
    let run = notify.run(&["route", "--json"]).expect_code(2);
    assert!(
        run.stdout.is_empty() && run.stderr.contains("notifications.cfg"),
        "{}",
        run.stderr
    );
}
