//! Every kind holds what it says of itself: example, schema, fields, data.

use notify_core::{Content, Severity, check_field};
use notify_events::{Circumstances, Event, EventKind};
use serde_json::{Value, json};

const NOW: i64 = 1_704_700_000;

fn here() -> Circumstances<'static> {
    Circumstances::new("pve1", NOW)
}

fn with_data() -> impl Iterator<Item = &'static EventKind> {
    EventKind::all().into_iter().filter(|kind| kind.has_data())
}

fn example(kind: &EventKind) -> Value {
    let text = kind.example().expect("a kind with data has an example");
    serde_json::from_str(text).expect("an example is JSON")
}

fn event(kind: &EventKind, data: Value) -> Event {
    kind.event(data, &here()).unwrap_or_else(|error| {
        panic!("{}: {error}: {:?}", kind.name, error.faults());
    })
}

fn data(event: Event) -> Value {
    match event.content {
        Content::Template { data, .. } => data,
        other => panic!("not a template: {other:?}"),
    }
}

/// A payload as existing producers make it.
fn payload(kind: &str) -> Value {
    let path = format!("{}/tests/cases/{kind}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a payload of each kind");
    serde_json::from_str(&text).expect("JSON")
}

fn faults(kind: &str, data: Value) -> Vec<String> {
    let kind = EventKind::named(kind).expect("a kind");
    let error = kind.event(data, &here()).expect_err("faulty data");
    error.faults().iter().map(ToString::to_string).collect()
}

#[test]
fn the_list_is_sorted_and_found_by_name() {
    let names = EventKind::all().map(|kind| kind.name);
    assert_eq!(
        names,
        [
            "fencing",
            "package-updates",
            "replication",
            "system-mail",
            "test",
            "vzdump"
        ]
    );
    assert!(names.is_sorted());
    for kind in EventKind::all() {
        let found = EventKind::named(kind.name).expect("it is in the list");
        assert!(std::ptr::eq(found, kind));
    }
    assert!(EventKind::named("backup").is_none());
}

#[test]
fn every_text_is_a_sentence_and_every_field_is_documented() {
    for kind in EventKind::all() {
        assert!(kind.doc.ends_with('.'), "{}", kind.name);
        assert!(!kind.title.ends_with('.'), "{}", kind.name);
        assert_eq!(kind.fields[0].name, "type", "{}", kind.name);
        for field in kind.fields {
            assert!(field.doc.ends_with('.'), "{}", field.name);
            assert_eq!(check_field(field.name, ""), Ok(()));
        }
    }
}

#[test]
fn an_example_makes_an_event_of_what_its_kind_says() {
    for kind in with_data() {
        let event = event(kind, example(kind));
        assert!(kind.severities.contains(&event.severity), "{}", kind.name);
        assert_eq!(event.fields["type"], kind.name);
        for field in kind.fields.iter().filter(|field| field.always) {
            assert!(event.fields.contains_key(field.name), "{}", field.name);
        }
        for name in event.fields.keys() {
            assert!(
                kind.fields.iter().any(|field| field.name == name),
                "{}: `{name}` is not documented",
                kind.name
            );
        }
        let Content::Template { name, .. } = event.content else {
            panic!("{}: not a template", kind.name);
        };
        assert_eq!(name, kind.name);
    }
}

/// What templates get is itself good data, and makes the same event again.
#[test]
fn the_data_of_an_event_read_back() {
    for kind in with_data() {
        let first = event(kind, example(kind));
        let second = event(kind, data(first.clone()));
        assert_eq!(first, second);
    }
}

#[test]
fn payloads_of_existing_producers_pass_unchanged() {
    for kind in with_data() {
        let mut expected = payload(kind.name);
        let made = data(event(kind, expected.clone()));
        if kind.name == "replication" {
            // The payload lacks it; the template asks for it.
            expected["next-sync"] = json!(NOW + 900);
        }
        assert_eq!(made, expected, "{}", kind.name);
    }
}

#[test]
fn unknown_keys_pass_at_every_level() {
    for kind in with_data() {
        let mut extended = data(event(kind, example(kind)));
        extend(&mut extended);
        let made = data(event(kind, extended.clone()));
        assert_eq!(made, extended, "{}", kind.name);
    }
}

/// Adds an unknown key to every object, except beside the rows of a table, where none has a meaning.
fn extend(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(extend),
        Value::Object(object) => {
            object.values_mut().for_each(extend);
            if !object.contains_key("data") {
                object.insert("x-unknown".to_owned(), json!({"a": [1, "b", null]}));
            }
        }
        _ => {}
    }
}

#[test]
fn perl_writes_numbers_as_strings() {
    let kind = EventKind::named("vzdump").expect("a kind");
    let row = json!({"vmid": "100", "status": "ok", "time": "11", "size": "1048576"});
    let made = data(event(
        kind,
        json!({"guest-table": [row], "total-time": "12"}),
    ));
    let row = &made["guest-table"]["data"][0];
    assert_eq!(
        (&row["vmid"], &row["time"], &row["size"]),
        (&json!(100), &json!(11), &json!(1_048_576))
    );
    assert_eq!(
        (&made["total-time"], &made["total-size"]),
        (&json!(12), &json!(1_048_576))
    );
}

#[test]
fn all_faults_are_told_with_their_paths() {
    let guests = json!([
        {"vmid": -1, "name": 5, "status": "done"},
        {"status": null, "size": 1.5},
        7,
    ]);
    let faults = faults(
        "vzdump",
        json!({"guest-table": {"schema": {"columns": [{"id": "vmid"}]}, "data": guests}, "logs": ["a"], "fqdn": 1}),
    );
    insta::assert_snapshot!(faults.join("\n"));
}

#[test]
fn data_that_are_no_object_are_a_fault_as_a_whole() {
    for kind in with_data() {
        assert_eq!(
            faults(kind.name, json!([])),
            ["expected an object, not a list"]
        );
    }
    assert_eq!(
        faults("system-mail", json!({})),
        ["this kind is made of mails, not of data"]
    );
}

#[test]
fn a_field_of_two_lines_is_a_fault() {
    let mut data = example(EventKind::named("replication").expect("a kind"));
    data["job-id"] = json!("100-0\n");
    data["hostname"] = json!("pve1\u{7f}");
    assert_eq!(
        faults("replication", data),
        [
            "the value of `hostname` contains a control character",
            "the value of `job-id` contains a control character"
        ]
    );
}

#[test]
fn the_host_of_an_event_is_the_one_it_is_about() {
    let host = |kind: &str, data: Value| {
        let kind = EventKind::named(kind).expect("a kind");
        event(kind, data).fields["hostname"].clone()
    };
    assert_eq!(host("test", json!({})), "pve1");
    assert_eq!(host("test", json!({"hostname": "pve3"})), "pve3");
    let fencing = payload("fencing");
    assert_eq!(fencing["hostname"], "pve1");
    assert_eq!(host("fencing", fencing), "pve2", "the failed node");
}

#[test]
fn schemas_are_as_documented() {
    for kind in with_data() {
        let schema = kind.schema().expect("a kind with data has a schema");
        let text = serde_json::to_string_pretty(&schema).expect("JSON");
        insta::assert_snapshot!(format!("schema_of_{}", kind.name), text);
    }
}

#[test]
fn a_test_is_info() {
    let test = event(EventKind::named("test").expect("a kind"), json!({}));
    assert_eq!(test.severity, Severity::Info);
}

/// Subject, text and HTML of the built-in template, without a fault; and what people filter by.
#[test]
fn every_example_fills_its_template() {
    let host = notify_core::PlainHost {
        fqdn: "pve1.example.com".to_owned(),
        ..notify_core::PlainHost::named("pve1")
    };
    let subjects = with_data().map(|kind| {
        let event = event(kind, example(kind));
        let severity = Some(event.severity);
        let data = notify_render::with_common_variables(data(event), &host, severity);
        let templates = notify_render::Templates::linked();
        let message = templates.message(kind.name, data, notify_core::Zone::Local);
        for part in notify_render::Part::ALL {
            let text = message.part(part).expect("there is a template");
            assert!(!text.contains("ERROR\n"), "{}: {text}", kind.name);
        }
        assert_eq!(message.faults(), [], "{}", kind.name);
        let subject = message.part(notify_render::Part::Subject);
        subject.expect("rendered before").trim().to_owned()
    });
    assert_eq!(
        subjects.collect::<Vec<_>>(),
        [
            "Trying to fence node 'pve2'",
            "New software packages available (pve1.example.com)",
            "Replication Job: '100-0' failed",
            "Test notification",
            "vzdump backup status (pve1.example.com): backup failed",
        ]
    );
}

#[test]
fn the_fields_of_all_kinds_are_what_matchers_can_name() {
    let fields = EventKind::matcher_fields();
    let names: Vec<_> = fields.iter().map(|field| field.name).collect();
    assert_eq!(
        names,
        [
            "daemon",
            "hostname",
            "job-id",
            "mail-from",
            "mail-to",
            "type"
        ]
    );
    let hostname = fields.iter().find(|field| field.name == "hostname");
    assert_eq!(
        hostname.map(|field| field.doc),
        Some("The host that sends, without its domain.")
    );
}

/// Also where the type is right and the value is not, the path is told.
#[test]
fn limits_are_told_with_their_paths() {
    let mut data = example(EventKind::named("replication").expect("a kind"));
    data["failure-count"] = json!(9_007_199_254_740_992_u64);
    data["last-sync"] = json!(1_704_697_200_000_u64);
    data["next-sync"] = json!("soon");
    assert_eq!(
        faults("replication", data),
        [
            "`failure-count`: expected a whole number from 0 to 9007199254740991, not 9007199254740992",
            "`last-sync`: expected a whole number from 0 to 253402300799 or null, not 1704697200000",
            "`next-sync`: expected a whole number from 0 to 253402300799 or null, not \"soon\"",
        ]
    );
}
