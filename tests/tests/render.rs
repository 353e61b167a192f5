//! `notify render`: the rendered text and nothing else.

use notify_tests::{Notify, Run};

const FOLDER: &str = "notification-templates/default";

/// An instance with a template `greeting` of these parts; an empty part is no file.
fn with(subject: &str, text: &str, html: &str) -> Notify {
    let parts = [
        ("subject.txt", subject),
        ("body.txt", text),
        ("body.html", html),
    ];
    parts
        .iter()
        .filter(|(_, content)| !content.is_empty())
        .fold(Notify::new(), |notify, (part, content)| {
            notify.file(&format!("{FOLDER}/greeting-{part}.hbs"), content)
        })
}

fn render(notify: &Notify, more: &[&str], data: &str) -> Run {
    let words = [&["render", "greeting", "--data", "-"], more].concat();
    notify.run_with(&words, data.as_bytes())
}

fn part(notify: &Notify, part: &str, data: &str) -> String {
    let run = render(notify, &["--part", part], data).expect_code(0);
    assert_eq!(run.stderr, "");
    run.stdout
}

#[test]
fn a_part_is_the_text_and_nothing_else() {
    let notify = with(
        "{{a}} & {{{a}}}",
        "{{a}} & <b>\n",
        "<p>{{a}} {{{b}}} {{&b}}</p>\n",
    );
    let data = r#"{"a": "<x> & \"y\" 'z' `=", "b": "<b>"}"#;
    assert_eq!(
        part(&notify, "subject", data),
        "<x> & \"y\" 'z' `= & <x> & \"y\" 'z' `="
    );
    assert_eq!(part(&notify, "text", data), "<x> & \"y\" 'z' `= & <b>\n");
    let escaped = "&lt;x&gt; &amp; &quot;y&quot; &#x27;z&#x27; &#x60;&#x3D;";
    assert_eq!(
        part(&notify, "html", data),
        format!("<p>{escaped} <b> <b></p>\n")
    );
}

#[test]
fn without_a_part_all_three_come() {
    let notify = with("The subject", "The text\n", "<p>The page</p>\n");
    let run = render(&notify, &[], "{}").expect_code(0);
    let at = |text: &str| {
        run.stdout
            .find(text)
            .unwrap_or_else(|| panic!("{text} in {}", run.stdout))
    };
    assert!(at("The subject") < at("The text") && at("The text") < at("The page"));
}

#[test]
fn html_falls_back_to_the_text() {
    let notify = with("s", "1 < 2 & {{a}}\n", "");
    let html = part(&notify, "html", r#"{"a": "<x>"}"#);
    assert_eq!(
        html.trim_end(),
        "<html><body><pre>1 &lt; 2 &amp; &lt;x&gt;\n</pre></body></html>"
    );
}

#[test]
fn a_subject_is_one_line() {
    let notify = with("one\ntwo {{a}}\n", "t\n", "");
    let subject = part(&notify, "subject", r#"{"a": "three\r\nBcc: x"}"#);
    assert!(
        !subject.trim_end_matches('\n').contains(['\n', '\r']),
        "{subject:?}"
    );
    assert!(subject.starts_with("one two three"), "{subject:?}");
}

#[test]
fn helpers_give_their_documented_output() {
    for (template, data, expected) in [
        ("human-bytes x", "0", "0 B"),
        ("human-bytes x", "1023", "1023 B"),
        ("human-bytes x", "1024", "1 KiB"),
        ("human-bytes x", "1536", "1.5 KiB"),
        ("human-bytes x", "1234567", "1.177 MiB"),
        ("human-bytes x", "\"451683942\"", "430.759 MiB"),
        ("human-bytes x", "1099511627776", "1 TiB"),
        ("human-bytes x", "1125899906842624", "1 PiB"),
        ("human-bytes x", "-5", "-5 B"),
        ("human-bytes x", "\"many\"", "ERROR"),
        ("duration x", "0", "0s"),
        ("duration x", "60", "1m"),
        ("duration x", "\"61\"", "1m 1s"),
        ("duration x", "3661", "1h 1m 1s"),
        ("duration x", "86400", "1d"),
        ("duration x", "604800", "1w"),
        ("duration x", "2630016", "1M"),
        ("duration x", "31557600", "1y"),
        ("duration x", "7776000", "2M 4w 1d 2h 52m 48s"),
        ("duration x", "-1", "ERROR"),
        ("duration x", "1.5", "ERROR"),
        ("timestamp x", "1704697200", "2024-01-08 08:00:00"),
        ("timestamp x", "\"1704697200\"", "2024-01-08 08:00:00"),
        ("timestamp x", "\"noon\"", "ERROR"),
        ("relative-percentage x 3", "1", "33.33%"),
        ("relative-percentage x 0", "1", "-"),
        ("x", "1.0", "1.0"),
        ("x", "null", ""),
        ("x", "true", "true"),
        ("x", "[1, \"b\", null]", "[1, b, ]"),
        ("x", "{\"a\": 1}", "[object]"),
        ("missing", "1", ""),
        (
            "object x",
            "{\"b\": 1, \"a\": [true]}",
            "\n{\n  \"a\": [\n    true\n  ],\n  \"b\": 1\n}\n",
        ),
    ] {
        let notify = with("s", &format!("{{{{{template}}}}}"), "");
        let run =
            render(&notify, &["--part", "text"], &format!("{{\"x\": {data}}}")).expect_code(0);
        assert_eq!(run.stdout, expected, "{template} of {data}");
    }
}

#[test]
fn a_table_is_aligned_in_text_and_marked_up_in_html() {
    let notify = with("s", "{{table t}}", "{{table t}}");
    let data = r#"{"t": {"schema": {"columns": [
        {"label": "VMID", "id": "vmid"},
        {"label": "Size", "id": "size", "renderer": "human-bytes"},
        {"label": "Time", "id": "time", "renderer": "duration"},
        {"label": "Name", "id": "name"}
    ]}, "data": [
        {"vmid": 100, "size": 1536, "time": 61, "name": "a<b"},
        {"vmid": 101, "size": 0, "time": 0, "name": null}
    ]}}"#;
    let row = |cells: [&str; 4]| {
        format!(
            "{:<8}{:<11}{:<9}{:<8}\n",
            cells[0], cells[1], cells[2], cells[3]
        )
    };
    let text = part(&notify, "text", data);
    let expected = row(["VMID", "Size", "Time", "Name"])
        + &row(["100", "1.5 KiB", "1m 1s", "a<b"])
        + &row(["101", "0 B", "0s", "null"]);
    assert_eq!(text.trim_matches('\n'), expected.trim_matches('\n'));
    let html = part(&notify, "html", data);
    for piece in ["<table", "<th", "VMID", "<td", "1.5 KiB", "a&lt;b"] {
        assert!(html.contains(piece), "{piece} is not in {html}");
    }
}

#[test]
fn an_override_wins_over_a_built_in_template_and_a_faulty_one_is_skipped() {
    let words = ["render", "test", "--data", "-", "--part", "subject"];
    let subject = |notify: &Notify| notify.run_with(&words, br#"{"target": "mail"}"#);
    let built_in = subject(&Notify::new()).expect_code(0);
    assert_eq!(built_in.stdout.trim_end(), "Test notification");
    let name = format!("{FOLDER}/test-subject.txt.hbs");
    let notify = Notify::new().file(&name, "Overridden {{target}}");
    assert_eq!(subject(&notify).expect_code(0).stdout, "Overridden mail");
    let notify = Notify::new().file(&name, "{{#if target}} open");
    let run = subject(&notify).expect_code(0);
    assert_eq!(run.stdout.trim_end(), "Test notification");
    assert!(
        run.stderr.contains("test-subject.txt.hbs"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_message_template_is_built_in() {
    let words = ["render", "message", "--data", "-"];
    let run = Notify::new().run_with(&words, br#"{"title": "T", "text": "x < y", "fields": {}}"#);
    let run = run.expect_code(0);
    assert!(
        run.stdout.contains('T') && run.stdout.contains("x < y"),
        "{}",
        run.stdout
    );
}

#[test]
fn hosts_facts_are_common_variables() {
    let notify = with("{{hostname}}|{{fqdn}}", "t\n", "");
    let subject = part(&notify, "subject", "{}");
    let (host, fqdn) = subject.trim().split_once('|').expect("two names");
    assert!(
        !host.is_empty() && !host.contains('.') && !fqdn.is_empty(),
        "{subject}"
    );
    // What the data says wins.
    assert_eq!(
        part(&notify, "subject", r#"{"hostname": "h", "fqdn": "f"}"#),
        "h|f"
    );
}

#[test]
fn data_may_stand_in_a_file() {
    let notify = with("s {{a}}", "t\n", "").file("data", r#"{"a": 1}"#);
    let path = notify.config().join("data");
    let words = [
        "render",
        "greeting",
        "--part",
        "subject",
        "--data",
        path.to_str().expect("ASCII"),
    ];
    assert_eq!(notify.run(&words).expect_code(0).stdout, "s 1");
}

#[test]
fn usage_errors_exit_2() {
    let notify = with("s", "t\n", "");
    for (words, data) in [
        (&["render", "greeting"][..], "{}"),
        (&["render", "--data", "-"], "{}"),
        (&["render", "no-such-template", "--data", "-"], "{}"),
        (&["render", "../greeting", "--data", "-"], "{}"),
        (&["render", "", "--data", "-"], "{}"),
        (
            &["render", "greeting", "--data", "-", "--part", "body"],
            "{}",
        ),
        (&["render", "greeting", "--data", "-"], ""),
        (&["render", "greeting", "--data", "-"], "not json"),
        (&["render", "greeting", "--data", "/nonexistent/file"], ""),
    ] {
        let run = notify.run_with(words, data.as_bytes()).expect_code(2);
        assert!(
            run.stdout.is_empty() && !run.stderr.is_empty(),
            "{words:?} {data}"
        );
    }
}

#[test]
fn a_template_that_fails_names_its_place() {
    for text in ["fine\n{{#if a}}", "fine\n{{no-such-helper a}}\n"] {
        let notify = with("s", text, "");
        let run = render(&notify, &["--part", "text"], "{}").expect_code(1);
        assert_eq!(run.stdout, "");
        let told = |line: &str| line.contains("greeting-body.txt.hbs:2:");
        assert!(run.stderr.lines().any(told), "{text}: {}", run.stderr);
    }
}
