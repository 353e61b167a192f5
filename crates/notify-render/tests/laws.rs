//! What holds for every template and every data.

use notify_core::{TemplateSet, Zone};
use notify_render::{Part, Templates};
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::prop_assert;
use serde_json::{Map, Value, json};

/// No tag of a template below holds this, so it can only come from data.
const MARK: &str = "<mark>";

static ESCAPES: TemplateSet = TemplateSet::new(
    "law",
    "{{a}}{{b}}{{object a}}",
    "{{a}}\n{{table t}}",
)
.html(
    "{{#html-page a b}}{{a}}{{b}}{{object a}}{{table t}}{{table t look=\"failed\" caption=\"c\"}}\
         {{#each b}}{{@key}}{{this}}{{/each}}{{human-bytes a}}{{/html-page}}",
);

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        Just("\r\nBcc: x@y".to_owned()),
        Just(MARK.to_owned()),
        Just("&\"'`={{x}}".to_owned()),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn table(label: &str, cells: Vec<Value>) -> Value {
    let rows: Vec<_> = cells.into_iter().map(|cell| json!({"c": cell})).collect();
    json!({"schema": {"columns": [
        {"label": label, "id": "c"},
        {"label": label, "id": "c", "renderer": "timestamp"},
    ]}, "data": rows})
}

proptest! {
    #[test]
    fn no_data_becomes_markup_and_no_subject_breaks_a_header(
        a in value(), b in value(), label in text(), cells in vec(value(), 0..4)
    ) {
        let data = json!({"a": a, "b": b, "t": table(&label, cells), "severity": label, "fqdn": label, "cluster-name": label});
        let message = Templates::new([&ESCAPES]).message("law", data, Zone::Local);
        let part = |part| message.part(part).expect("every value can be shown");
        prop_assert!(!part(Part::Html).contains(MARK));
        prop_assert!(!part(Part::Subject).contains(char::is_control));
        // Every line of a table's text ends with the gap of its last column.
        prop_assert!(part(Part::Text).ends_with("    \n"));
    }

    #[test]
    fn a_title_and_a_text_become_no_markup(title in text(), text in text(), field in text()) {
        let data = json!({"title": title, "text": text, "fields": {"f": field}});
        let message = Templates::linked().message("message", data, Zone::Local);
        let part = |part| message.part(part).expect("the template is built in");
        prop_assert!(!part(Part::Html).contains(MARK));
        prop_assert!(!part(Part::Subject).contains(char::is_control));
    }

    #[test]
    fn any_file_is_a_template_or_a_fault(
        pieces in vec(prop_oneof![
            any::<String>(),
            proptest::sample::select(vec![
                "{{", "}}", "{{{", "}}}", "{{#", "{{/", "{{>", "{{#*inline \"a\"}}", "{{/inline}}", "{{#if a}}",
                "{{else}}", "{{else if b}}", "{{^}}", "{{/if}}", "{{#each a}}", "{{/each}}", "{{> a}}", "{{{{raw}}}}",
                "{{{{/raw}}}}", "{{!--", "--}}", "\\{{", "~", "(", ")", "[", "]", "|", "as |x|", "table a", "../", "@key",
                "duration", " ", "\"", "a.b", "=", "{{lookup a 0}}", "{{> (lookup . \"a\")}}", "\n",
            ]).prop_map(str::to_owned),
        ], 0..12),
        a in value(),
    ) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("law-body.html.hbs"), pieces.concat()).expect("written");
        let templates = Templates::new([&ESCAPES]).with_folders(Some(folder.path().into()), None);
        let faults = templates.check();
        let data = json!({"a": a, "t": table("l", vec![])});
        let message = templates.message("law", data, Zone::Local);
        prop_assert!(message.part(Part::Html).is_ok());
        // A file that cannot be parsed is passed over, and both say so.
        if let Some(fault) = message.faults().iter().find(|fault| fault.file.is_some() && !fault.message.starts_with("cannot be rendered")) {
            prop_assert!(faults.contains(fault) || fault.level != notify_schema::Level::Error);
        }
    }
}
