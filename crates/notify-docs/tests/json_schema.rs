//! JSON Schemas, judged by a validator that knows nothing of us.

use notify_docs::{configuration_json_schema, json_schema};
use notify_schema::{Kind, Property, Schema};
use proptest::prelude::*;
use serde_json::{Value, json};

static COMMENT: Property = Property::default("comment", Kind::COMMENT, "", "A remark for people.")
    .example("For the night shift");
static DISABLE: Property =
    Property::default("disable", Kind::Boolean, "false", "Switches it off.").example("yes");
static MODE: Property = Property::default(
    "mode",
    Kind::Choice(&["tls", "insecure"]),
    "tls",
    "How the connection is kept private.",
)
.example("tls");
static PORT: Property = Property::fallback(
    "port",
    Kind::PORT,
    "25 or 465, by mode",
    "Port of the relay.",
)
.example("025");
static MAILTO: Property = Property::repeated("mailto", Kind::RECIPIENT, "Address of a recipient.")
    .example("max@example.com");
static USER: Property =
    Property::repeated("mailto-user", Kind::RECIPIENT, "User to notify.").example("root@pam");
static URL: Property = Property::required(
    "url",
    Kind::Checked {
        what: "an http or https URL",
        check: |_| Ok(()),
    },
    "Where it goes.",
)
.example("https://example.com")
.ours();
static PASSWORD: Property =
    Property::required("password", Kind::Text { min: 2, max: 64 }, "Password.").secret();

fn relay() -> Schema {
    let all: [&'static Property; 8] = [
        &COMMENT, &DISABLE, &MODE, &PORT, &MAILTO, &USER, &URL, &PASSWORD,
    ];
    Schema::new("relay", all)
        .with_at_least_one(&["mailto", "mailto-user"])
        .with_ignored(&["filter"])
}

fn rule() -> Schema {
    Schema::new("rule", [&COMMENT, &MODE]).strict().ours()
}

/// Whether an instance is valid; the schema itself must be a good one.
fn is_valid(schema: &Value, instance: &Value) -> bool {
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.set_default_draft(boon::Draft::V2020_12);
    let place = "https://example.com/schema.json";
    compiler
        .add_resource(place, schema.clone())
        .expect("a schema is a resource");
    let index = compiler
        .compile(place, &mut schemas)
        .unwrap_or_else(|error| panic!("{error:#}"));
    schemas.validate(instance, index).is_ok()
}

fn good() -> Value {
    json!({
        "name": "ops-mail", "type": "relay", "url": "https://example.com", "port": 25,
        "disable": false, "mailto": ["max@example.com"], "password": "hunter2", "filter": "x",
    })
}

#[test]
fn schema_of_a_section() {
    let schema = json_schema("Relay", &relay());
    insta::assert_snapshot!(serde_json::to_string_pretty(&schema).expect("it is JSON"));
}

#[test]
fn a_good_section_is_valid() {
    let schema = json_schema("Relay", &relay());
    assert!(is_valid(&schema, &good()));
    let mut answer = good();
    answer["origin"] = json!("user-created");
    assert!(is_valid(&schema, &answer), "as an answer has it");
}

#[test]
fn each_fault_is_found() {
    let schema = json_schema("Relay", &relay());
    let long = "x".repeat(129);
    for (key, value) in [
        ("name", json!("x")),
        ("name", json!("-a")),
        ("type", json!("smtp")),
        ("port", json!(70000)),
        ("port", json!("25")),
        ("disable", json!("yes")),
        ("mode", json!("TLS")),
        ("comment", json!(long)),
        ("comment", json!("two\nlines")),
        ("mailto", json!("max@example.com")),
        ("mailto", json!(["x"])),
        ("mailto", json!([])),
        ("password", json!("x")),
        ("sevrer", json!("x")),
    ] {
        let mut bad = good();
        bad[key] = value.clone();
        assert!(!is_valid(&schema, &bad), "{key} {value}");
    }
    for key in ["name", "type", "url", "password", "mailto"] {
        let mut bad = good();
        bad.as_object_mut().expect("an object").remove(key);
        assert!(!is_valid(&schema, &bad), "without {key}");
    }
}

#[test]
fn examples_and_defaults_are_valid_values() {
    let schema = json_schema("Relay", &relay());
    for (name, property) in schema["properties"].as_object().expect("an object") {
        let one = property.get("items").unwrap_or(property);
        let examples = one["examples"].as_array().cloned().unwrap_or_default();
        for value in examples.iter().chain(one.get("default")) {
            assert!(is_valid(one, value), "{name}: {value}");
        }
    }
}

#[test]
fn a_secret_is_written_and_never_read() {
    let written = json_schema("Relay", &relay());
    let secret = &written["properties"]["password"];
    assert_eq!(secret["writeOnly"], true);
    assert!(secret.get("examples").is_none() && secret.get("default").is_none());
    let (relay, rule) = (relay(), rule());
    let read = configuration_json_schema([("Relay", &relay), ("Rule", &rule)]);
    let secret = &read["$defs"]["relay"]["properties"]["password"];
    assert_eq!(secret["const"], "set");
}

#[test]
fn a_configuration_is_of_its_types() {
    let (relay, rule) = (relay(), rule());
    let schema = configuration_json_schema([("Relay", &relay), ("Rule", &rule)]);
    let with = |sections: Value| json!({ "folder": "/etc/notify", "sections": sections });
    let mut shown = good();
    shown["password"] = json!("set");
    // A section that is read may do without recipients.
    shown.as_object_mut().expect("an object").remove("mailto");
    let other = json!({ "name": "r1", "type": "rule", "mode": "tls" });
    assert!(is_valid(&schema, &with(json!([]))));
    assert!(is_valid(&schema, &with(json!([shown, other]))));
    for bad in [
        json!({ "name": "r1", "type": "rule", "url": "https://example.com" }),
        json!({ "name": "r1", "type": "other" }),
        json!({ "name": "r1" }),
        good(),
    ] {
        assert!(!is_valid(&schema, &with(json!([bad]))), "{bad}");
    }
}

/// A kind of text and the schema of a property that has it.
fn texts() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::text()),
        Just(Kind::COMMENT),
        Just(Kind::RECIPIENT),
        Just(Kind::Name),
        Just(Kind::Pair),
        Just(Kind::Base64),
        Just(Kind::Choice(&["tls", "a.b"])),
    ]
}

fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9._-]{0,40}",
        "( ?(name|value|nam) ?=[a-z=]{0,3},?){0,3}",
        "(tls|a\\.b|axb)",
        "[ -~]{0,3}\\PC{0,70}",
        "\\PC{2,5}[\u{0}\n\r\u{7f}\u{85}]",
    ]
}

proptest! {
    #[test]
    fn a_text_is_valid_when_its_kind_accepts_it(kind in texts(), value in values()) {
        // A schema lives as long as the program.
        let property: &'static Property =
            Box::leak(Box::new(Property::optional("p", kind, "P.").example("x")));
        let schema = json_schema("T", &Schema::new("t", [property]));
        let one = &schema["properties"]["p"];
        prop_assert_eq!(is_valid(one, &json!(value)), kind.accepts(&value).is_ok(), "{:?}", value);
    }

    #[test]
    fn a_number_is_valid_when_its_kind_accepts_it(min in -9i64..9, size in 0i64..9, value in -20i64..20) {
        let kind = Kind::Integer { min, max: min + size };
        let property: &'static Property =
            Box::leak(Box::new(Property::optional("p", kind, "P.").example("x")));
        let schema = json_schema("T", &Schema::new("t", [property]));
        let one = &schema["properties"]["p"];
        prop_assert_eq!(is_valid(one, &json!(value)), kind.accepts(&value.to_string()).is_ok());
    }
}
