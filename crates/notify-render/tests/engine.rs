//! What the template language gives: helpers, escaping, and the forms of plain values.

use notify_core::{Message as _, TemplateSet, Zone};
use notify_render::{Part, Rendered, Templates};
use serde_json::{Value, json};

fn vienna() -> Zone {
    "Europe/Vienna".parse().expect("a zone")
}

/// A message whose three parts are one template, which a real program has in a static.
fn rendered(template: &str, data: Value) -> Rendered {
    let text: &'static str = Box::leak(template.to_owned().into_boxed_str());
    let set = TemplateSet::new("case", text, text).html(text);
    let set: &'static TemplateSet = Box::leak(Box::new(set));
    Templates::new([set]).message("case", data, vienna())
}

/// Renders as text and as HTML.
fn check(template: &str, data: Value, text: &str, html: &str) {
    let message = rendered(template, data);
    let part = |part| message.part(part).map_err(|failure| failure.report());
    assert_eq!(part(Part::Text).as_deref(), Ok(text), "text of {template}");
    assert_eq!(part(Part::Html).as_deref(), Ok(html), "html of {template}");
}

fn check_both(template: &str, data: Value, expected: &str) {
    check(template, data, expected, expected);
}

#[test]
fn values_have_the_forms_of_handlebars() {
    let data = json!({
        "whole": 1, "float": 1.0, "null": null, "yes": true, "array": [1, "b", null],
        "object": {"a": 1}, "with-hyphen": "x",
    });
    for (template, expected) in [
        ("{{whole}} {{float}} {{null}}|{{yes}}", "1 1.0 |true"),
        ("{{array}} {{array.[1]}}", "[1, b, ] b"),
        ("{{this.object}} {{with-hyphen}}", "[object] x"),
        ("[{{missing}}] [{{missing.deep}}]", "[] []"),
        (
            "{{#each array}}{{@index}}={{this}};{{/each}}",
            "0=1;1=b;2=;",
        ),
        ("{{#if (and whole (gt whole 0))}}a{{else}}b{{/if}}", "a"),
        ("{{#unless null}}none{{/unless}} {{len array}}", "none 3"),
    ] {
        check_both(template, data.clone(), expected);
    }
}

#[test]
fn only_html_is_escaped_and_raw_is_raw() {
    let data = json!({"x": "&<>\"'`="});
    check(
        "{{x}}",
        data.clone(),
        "&<>\"'`=",
        "&amp;&lt;&gt;&quot;&#x27;&#x60;&#x3D;",
    );
    check_both("{{{x}}}{{&x}}", data, "&<>\"'`=&<>\"'`=");
}

#[test]
fn helpers_show_numbers_and_texts() {
    let data = json!({
        "bytes": 1_234_567, "epoch": 1_704_697_200, "seconds": "3661", "a": 1, "b": 3, "zero": 0,
    });
    for (template, expected) in [
        ("{{human-bytes bytes}}", "1.177 MiB"),
        ("{{human-bytes 1536}}", "1.5 KiB"),
        ("{{human-bytes \"1024\"}}", "1 KiB"),
        ("{{duration seconds}}", "1h 1m 1s"),
        ("{{duration 7776000}}", "2M 4w 1d 2h 52m 48s"),
        ("{{timestamp epoch}}", "2024-01-08 08:00:00"),
        ("{{relative-percentage a b}}", "33.33%"),
        ("{{relative-percentage a zero}}", "-"),
        ("{{#if (eq (duration 60) \"1m\")}}same{{/if}}", "same"),
        (
            "{{#each this}}{{/each}}{{#with this}}{{duration zero}}{{/with}}",
            "0s",
        ),
    ] {
        check_both(template, data.clone(), expected);
    }
}

#[test]
fn what_cannot_be_shown_says_so_and_leaves_a_remark() {
    let message = rendered(
        "{{human-bytes nothing}} {{duration -1}} {{timestamp 1.5}} {{relative-percentage 1 \"x\"}}",
        json!({}),
    );
    assert_eq!(message.text().expect("rendered"), "ERROR ERROR ERROR ERROR");
    let faults: Vec<_> = message.faults().iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "warning: built-in template `case`, text: `human-bytes` shows ERROR: expected a number of bytes, not null",
            "warning: built-in template `case`, text: `duration` shows ERROR: expected a whole number of seconds, not negative, not -1",
            "warning: built-in template `case`, text: `timestamp` shows ERROR: expected a whole number of seconds since 1970, not 1.5",
            "warning: built-in template `case`, text: `relative-percentage` shows ERROR: expected a number, not \"x\"",
        ]
    );
}

#[test]
fn objects_and_tables_differ_by_format() {
    check(
        "a{{object this}}b",
        json!({"z": [1], "k": "<i>"}),
        "a\n{\n  \"k\": \"<i>\",\n  \"z\": [\n    1\n  ]\n}\nb",
        "a\n<pre>{\n  \"k\": \"&lt;i&gt;\",\n  \"z\": [\n    1\n  ]\n}\n</pre>\nb",
    );
    let table = json!({"t": {
        "schema": {"columns": [
            {"label": "Time", "id": "time", "renderer": "duration"},
            {"label": "Name", "id": "name"},
            {"label": "At", "id": "at", "renderer": "timestamp"},
        ]},
        "data": [{"time": 61, "name": "<b>", "at": 1_704_697_200}],
    }});
    for template in ["{{table t}}", "{{{table t}}}"] {
        check(
            template,
            table.clone(),
            "Time     Name    At                     \n\
             1m 1s    <b>     2024-01-08 08:00:00    \n",
            "<table>\n<tr><th>Time</th><th>Name</th><th>At</th></tr>\n\
             <tr><td>1m 1s</td><td>&lt;b&gt;</td><td>2024-01-08 08:00:00</td></tr>\n</table>\n",
        );
    }
}

#[test]
fn a_table_has_options() {
    let data = json!({"t": {
        "schema": {"columns": [{"label": "Name", "id": "name"}, {"label": "Status", "id": "status"}]},
        "data": [
            {"name": "web", "status": "ok"}, {"name": "db", "status": "err"}, {"name": null, "status": 1},
        ],
    }});
    for (options, text) in [
        (
            "where=\"status\" is=\"ok\"",
            "Name    Status    \nweb     ok        \n",
        ),
        (
            "where=\"status\" not=\"ok\" labels=false missing=\"-\"",
            "db    err    \n-     1      \n",
        ),
        (
            "columns=\"status=S\" caption=\"All\"",
            "All\nS      \nok     \nerr    \n1      \n\n",
        ),
        ("where=\"status\" is=\"todo\" caption=\"To do\"", ""),
        // An option of another version is no reason to lose a report.
        (
            "where=\"status\" is=\"ok\" labels=false nosuch=1",
            "web    ok    \n",
        ),
    ] {
        let message = rendered(&format!("{{{{table t {options}}}}}"), data.clone());
        assert_eq!(message.text().expect("rendered"), text, "{options}");
    }
    for (options, expected) in [
        (
            "where=\"status\"",
            "`where` needs a column, and with it either `is` or `not`",
        ),
        (
            "is=\"ok\"",
            "`where` needs a column, and with it either `is` or `not`",
        ),
        (
            "look=\"fancy\"",
            "expected a look of rows, failed, not \"fancy\"",
        ),
    ] {
        let message = rendered(&format!("{{{{table t {options}}}}}"), data.clone());
        let failure = message.text().map(drop).expect_err("it cannot be meant");
        let detail = failure.detail();
        assert!(detail.contains(expected), "{options}: {detail}");
    }
}

#[test]
fn a_page_frames_its_content() {
    let message = rendered(
        "{{#html-page \"job \" id \" & <b>\"}}\n<p>{{id}}</p>\n{{/html-page}}\n",
        json!({"id": 7, "severity": "warning", "fqdn": "pve1.example.com", "cluster-name": "prod"}),
    );
    let html = message.html().expect("rendered");
    for expected in [
        "<!DOCTYPE html>\n<html lang=\"en\">",
        "<title>Job 7 &amp; &lt;b&gt;</title>",
        ">warning</span> &middot; pve1.example.com</div>",
        ">\n<p>7</p>\n</td></tr>\n",
        "pve1.example.com &middot; cluster prod</td>",
    ] {
        assert!(html.contains(expected), "{expected} in {html}");
    }
    assert!(html.ends_with("</body>\n</html>\n"));
    // A fault within it is one of the template, with its place.
    let message = rendered("{{#html-page 1}}\n{{duration}}{{/html-page}}", json!({}));
    let failure = message.html().map(drop).expect_err("a value is missing");
    assert!(
        failure.detail().contains("`duration` needs 1 value"),
        "{}",
        failure.detail()
    );
}

#[test]
fn a_variable_named_like_a_helper_is_shadowed() {
    let data = json!({"timestamp": 0, "duration": 60});
    check_both(
        "{{duration duration}} {{this.duration}}",
        data.clone(),
        "1m 60",
    );
    let failure = rendered("a\n {{timestamp}}", data)
        .text()
        .map(drop)
        .expect_err("no value");
    assert_eq!(
        failure.detail(),
        "template `case`: no candidate for its text can be rendered: error: built-in template `case`, \
         text: cannot be rendered: helper `timestamp` needs 1 value (line 2, column 2)"
    );
}

#[test]
fn inline_partials_work() {
    check_both(
        "{{#*inline \"row\"}}[{{timestamp at}}]{{/inline}}{{#each rows}}{{> row}}{{/each}}",
        json!({"rows": [{"at": 0}, {"at": "1"}]}),
        "[1970-01-01 01:00:00][1970-01-01 01:00:01]",
    );
}

#[test]
fn a_subject_is_one_line() {
    let subject = |title: &str| {
        rendered("{{title}}\n", json!({"title": title}))
            .subject()
            .expect("rendered")
            .into_owned()
    };
    assert_eq!(subject("plain"), "plain ");
    assert_eq!(
        subject("a\nBcc: x\r\nc\rd\0e\u{85}f\tg"),
        "a Bcc: x c d e f g "
    );
}

#[test]
fn deep_is_fine_up_to_a_bound() {
    let nested =
        |depth: usize| format!("{}x{}", "{{#if a}}".repeat(depth), "{{/if}}".repeat(depth));
    check_both(&nested(60), json!({"a": 1}), "x");
    let failure = rendered(&nested(70), json!({"a": 1})).text().map(drop);
    assert!(
        failure
            .expect_err("too deep")
            .detail()
            .ends_with("the template nests too deep")
    );
    let brackets = format!(
        "{{{{#if {}a{}}}}}x{{{{/if}}}}",
        "(not ".repeat(60),
        ")".repeat(60)
    );
    check_both(&brackets, json!({"a": 1}), "x");
}
