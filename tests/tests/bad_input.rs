//! Bad input costs itself: it is told with its place, and what is sound works on.

use notify_tests::{Notify, Run};
use serde_json::{Value, json};

/// Sections of which nothing may be lost, whatever stands beside them.
const SOUND: &str = "sendmail: local\n\tmailto a@example.com\n\nmatcher: sound\n\ttarget local\n";

fn with(text: impl AsRef<[u8]>) -> Notify {
    Notify::new().file("notifications.cfg", text)
}

/// Looks for an error at this line with these words, and that the sound matcher still chooses its target.
#[track_caller]
fn check(text: &[u8], line: u64, words: &[&str]) -> Run {
    let notify = with(text);
    let run = notify.run(&["check", "--json"]).expect_code(1);
    let found = run.json();
    let fits = |fault: &&Value| {
        let told = fault.to_string();
        fault["severity"] == "error"
            && fault["file"] == "notifications.cfg"
            && fault["line"] == line
            && fault["column"].is_number()
            && words.iter().all(|word| told.contains(word))
    };
    let shown = &run.stdout[..run.stdout.len().min(3000)];
    assert!(
        found
            .as_array()
            .expect("a list")
            .iter()
            .any(|fault| fits(&fault)),
        "line {line}, {words:?}: {shown}"
    );
    still_works(&notify);
    run
}

#[track_caller]
fn still_works(notify: &Notify) -> Run {
    let run = notify.run(&["route", "--json"]).expect_code(0);
    let answer = run.json();
    let has = |key: &str, name: &str| {
        answer[key]
            .as_array()
            .is_some_and(|names| names.contains(&json!(name)))
    };
    assert!(
        has("matchers", "sound") && has("targets", "local") && !has("unusable", "local"),
        "{answer}"
    );
    run
}

#[test]
fn a_truncated_file_keeps_what_is_whole() {
    let whole = format!(
        "{SOUND}\nsmtp: relay\n\tserver mail.example.com\n\tfrom-address a@example.com\n\tport 25\n"
    );
    let mut told = 0;
    for end in (SOUND.len()..whole.len()).step_by(7) {
        let notify = with(&whole[..end]);
        still_works(&notify);
        let run = notify.run(&["check", "--json"]);
        assert!(run.code == 0 || run.code == 1, "{}", run.code);
        told += usize::from(run.code == 1);
    }
    assert!(
        told > 0,
        "a section without its required properties is an error"
    );
}

#[test]
fn a_binary_file_is_told_and_its_sound_sections_work() {
    let noise: Vec<u8> = (0u32..4096)
        .map(|step| (step.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let text = [
        SOUND.as_bytes(),
        b"\n",
        &noise,
        b"\n\nmatcher: after\n\ttarget local\n",
    ]
    .concat();
    let notify = with(&text);
    let run = notify.run(&["check", "--json"]).expect_code(1);
    assert!(run.json().as_array().is_some_and(|found| !found.is_empty()));
    let run = still_works(&notify);
    assert!(run.stdout.contains("after"), "{}", run.stdout);
    // Nothing but noise: the built-ins are left.
    let run = with(&noise).run(&["route", "--json"]).expect_code(0);
    assert_eq!(run.json()["targets"], json!(["mail-to-root"]));
    for folder in ["/bin/sh", "/bin/ls"] {
        let program = std::fs::read(folder).expect("a program");
        let run = with(&program).run(&["check", "--json"]).expect_code(1);
        assert!(run.stdout.len() < 2_000_000, "a report that can be read");
    }
}

#[test]
fn a_nul_is_told_with_its_place() {
    let text = format!(
        "{SOUND}\nsmtp: relay\n\tserver mail\0.example.com\n\tfrom-address a@example.com\n"
    );
    check(text.as_bytes(), 8, &["smtp `relay`", "server"]);
    let text = format!("{SOUND}\nmatcher: m\01\n\tmode all\n");
    check(text.as_bytes(), 7, &[]);
    check(format!("{SOUND}\n\0\0\0\n").as_bytes(), 7, &[]);
}

#[test]
fn bytes_that_are_not_utf_8_cost_their_section() {
    for (line, place) in [
        (
            &b"matcher: broken\n\tcomment caf\xe9\n\ttarget local\n"[..],
            8,
        ),
        (b"matcher: broken\n\ttarget \xff\xfe\n", 8),
        (b"matcher: bro\xc3\n\ttarget local\n", 7),
        (b"\xff\xfe\x00\n", 7),
    ] {
        let text = [SOUND.as_bytes(), b"\n", line].concat();
        check(&text, place, &["UTF-8"]);
        let answer = with(&text).run(&["route", "--json"]).json();
        assert!(!answer["matchers"].to_string().contains("bro"), "{answer}");
    }
    // UTF-16, as an editor elsewhere may write it.
    let wide: Vec<u8> = SOUND.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let run = with(&wide).run(&["check", "--json"]).expect_code(1);
    assert!(run.json()[0]["line"].is_number());
}

#[test]
fn a_byte_order_mark_is_told() {
    let text = format!("\u{feff}matcher: first\n\ttarget local\n\n{SOUND}");
    check(text.as_bytes(), 1, &["byte order mark"]);
}

#[test]
fn line_ends_of_other_systems_are_read() {
    let crlf = SOUND.replace('\n', "\r\n");
    let run = with(&crlf).run(&["check", "--json"]).expect_code(0);
    assert_eq!(run.json(), json!([]));
    still_works(&with(&crlf));
    // Only one CR before the LF belongs to the line end; another is a control character.
    let text = format!("{SOUND}\nmatcher: m1\n\tcomment a\rb\n");
    check(text.as_bytes(), 8, &["comment"]);
    let text = format!(
        "{SOUND}\nsendmail: l2\n\tauthor A\rBcc: evil@example.com\n\tmailto a@example.com\n"
    );
    let run = with(&text).run(&["check", "--json"]);
    assert!(run.json().to_string().contains("author"), "{}", run.stdout);
}

#[test]
fn a_line_of_ten_megabytes_is_told_in_short() {
    let long = "x".repeat(10_000_000);
    for (text, place) in [
        (format!("{SOUND}\nmatcher: m1\n\tcomment {long}\n"), 8),
        (format!("{SOUND}\nmatcher: m1\n\t{long} y\n"), 8),
        (
            format!(
                "{SOUND}\nmatcher: m1\n\tmatch-field regex:type={long}\n\tmatch-severity {long}\n"
            ),
            9,
        ),
        (format!("{SOUND}\nmatcher: {long}\n"), 7),
        (format!("{SOUND}\n{long}\n"), 7),
    ] {
        let run = check(text.as_bytes(), place, &[]);
        assert!(
            run.stdout.len() < 20_000,
            "{} bytes for line {place}",
            run.stdout.len()
        );
    }
}

#[test]
fn a_hundred_thousand_sections_are_read() {
    let mut text = SOUND.to_owned();
    for number in 0..100_000 {
        text.push_str(&format!(
            "\nmatcher: m-{number}\n\tmatch-field exact:type=t{number}\n\ttarget local\n"
        ));
    }
    let notify = with(&text);
    still_works(&notify);
    let words = ["route", "--type", "t99999", "--json"];
    let matched = notify.run(&words).expect_code(0).json()["matchers"].clone();
    assert_eq!(matched, json!(["default-matcher", "m-99999", "sound"]));
    // And as many faults: each line has one, and the report says what it leaves out.
    let text = text.replace("exact:type", "type");
    let notify = with(&text);
    let run = notify.run(&["check", "--json"]).expect_code(1);
    assert!(run.json().as_array().is_some_and(|found| found.len() > 100));
    still_works(&notify);
}

#[test]
fn of_sections_of_one_name_the_last_is_used_and_all_are_told() {
    let text = format!(
        "{SOUND}\nsendmail: twice\n\tmailto first@example.com\n\nsendmail: twice\n\tmailto last@example.com\n"
    );
    let notify = with(&text);
    let found = notify.run(&["check", "--json"]).expect_code(0).json();
    let duplicates: Vec<&Value> = found
        .as_array()
        .expect("a list")
        .iter()
        .filter(|fault| fault["severity"] == "warning" && fault.to_string().contains("twice"))
        .collect();
    assert_eq!(duplicates.len(), 1, "{found:#}");
    let shown = notify
        .run(&["target", "show", "twice", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(shown["mailto"], json!(["last@example.com"]));
    // The last wins even when it is faulty.
    let text = format!(
        "{SOUND}\nsmtp: sound-too\n\tserver a\n\tfrom-address b\n\tmailto cc\n\nsmtp: sound-too\n\tserver a\n\n\
                        matcher: m1\n\ttarget sound-too\n"
    );
    let answer = with(&text).run(&["route", "--json"]).expect_code(0).json();
    assert_eq!(answer["unusable"], json!(["sound-too"]));
    // A faulty override of a built-in does not bring the built-in back.
    let text = format!(
        "{SOUND}\nmatcher: default-matcher\n\tmatch-severity fatal\n\ttarget mail-to-root\n"
    );
    check(text.as_bytes(), 8, &["default-matcher", "fatal"]);
    let answer = with(&text).run(&["route", "--json"]).expect_code(0).json();
    assert_eq!(answer["targets"], json!(["local"]));
}

#[test]
fn hostile_expressions_cost_their_matcher_only() {
    let nested = "(".repeat(50_000) + &")".repeat(50_000);
    for expression in [
        "(a{1000}){1000}",
        "((((a{100}){100}){100}){100}){100}",
        r"\pL{1000}{1000}",
        "(?:x+x+)+y{99999999}",
        "[",
        "(?P<n>a)(?P<n>b)",
        r"(a)\1",
        "(?=a)",
        nested.as_str(),
    ] {
        let text = format!(
            "{SOUND}\nmatcher: hostile\n\tmatch-field regex:type={expression}\n\ttarget local\n"
        );
        check(text.as_bytes(), 8, &["matcher `hostile`", "match-field"]);
    }
    // Elsewhere this one takes for ever.
    let text =
        format!("{SOUND}\nmatcher: slow\n\tmatch-field regex:type=^(a+)+$\n\ttarget local\n");
    let notify = with(&text);
    let kind = "a".repeat(50_000) + "!";
    let matched = notify
        .run(&["route", "--type", &kind, "--json"])
        .expect_code(0)
        .json()["matchers"]
        .clone();
    assert_eq!(matched, json!(["default-matcher", "sound"]));
    // Many that are large together fall back, and do not fail.
    let many: String = (0..300)
        .map(|number| format!("\nmatcher: m-{number}\n\tmatch-field regex:type=\\pL{{40}}x{number}$\n\ttarget local\n"))
        .collect();
    let notify = with(format!("{SOUND}{many}"));
    let events = "{\"severity\":\"info\",\"fields\":{\"type\":\"x7\"}}\n".repeat(3);
    let run = notify
        .run_with(&["route", "--events", "-"], events.as_bytes())
        .expect_code(0);
    assert_eq!(run.json_lines().len(), 3);
}

#[test]
fn user_cfg_and_datacenter_cfg_of_any_bytes_are_survived() {
    let noise: Vec<u8> = (0u32..4096)
        .map(|step| (step.wrapping_mul(2_654_435_761) >> 11) as u8)
        .collect();
    let long = [
        b"user:root@pam:1:0:::".as_slice(),
        &vec![b'x'; 1_000_000],
        b":::\n",
    ]
    .concat();
    for content in [
        noise,
        long,
        b"user:\nuser\n:::::\nuser:root@pam\n".to_vec(),
        vec![b':'; 100_000],
    ] {
        let notify = with(SOUND)
            .file("user.cfg", &content)
            .file("datacenter.cfg", &content);
        still_works(&notify);
        let run = notify.run(&["check", "--json"]);
        assert!(
            run.code == 0 || run.code == 1,
            "{}: {}",
            run.code,
            run.stderr
        );
        assert!(run.json().is_array());
    }
}

#[test]
fn a_template_of_any_bytes_is_told_with_its_place() {
    let name = "notification-templates/default/message-body.txt.hbs";
    for content in [
        &b"fine\n{{#each"[..],
        b"fine\n\xff\xfe\n",
        b"fine\n{{> missing}}{{/if}}\n",
    ] {
        let notify = with(SOUND).file(name, content);
        let found = notify.run(&["check", "--json"]).expect_code(1).json();
        let told = found
            .as_array()
            .expect("a list")
            .iter()
            .any(|fault| fault["file"] == name && fault["line"] == 2);
        assert!(told, "{found:#}");
    }
    let deep = "{{#if a}}".repeat(20_000);
    let run = with(SOUND)
        .file(name, deep)
        .run(&["check", "--json"])
        .expect_code(1);
    assert!(run.json().to_string().contains(name));
}

#[test]
fn events_of_any_bytes_are_answered() {
    let long = format!(
        "{{\"severity\":\"info\",\"fields\":{{\"type\":\"{}\"}}}}",
        "x".repeat(5_000_000)
    );
    let deep = "[".repeat(100_000);
    let input = format!("{long}\n{deep}\n{{\"severity\":\"info\"}}\n");
    let run = with(SOUND)
        .run_with(&["route", "--events", "-"], input.as_bytes())
        .expect_code(1);
    let answers = run.json_lines();
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0], answers[2]);
    assert!(answers[1]["error"].is_string());
    assert!(
        run.stdout.len() < 10_000,
        "an error does not repeat the line"
    );
}
