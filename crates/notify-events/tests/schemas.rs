//! The schemas are what a complete validator takes them for, and the check of this
//! crate says the same.

use boon::{Compiler, SchemaIndex, Schemas};
use notify_events::{Circumstances, EventKind};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const KEYWORDS: [&str; 13] = [
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "enum",
    "items",
    "maximum",
    "minimum",
    "oneOf",
    "pattern",
    "properties",
    "required",
    "type",
];
const ANNOTATIONS: [&str; 4] = ["$schema", "default", "description", "title"];

struct Validator {
    kind: &'static EventKind,
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn of(kind: &'static EventKind) -> Self {
        let mut compiler = Compiler::new();
        let schema = kind.schema().expect("a kind with data");
        compiler
            .add_resource("memory:///schema", schema)
            .expect("a new name");
        let mut schemas = Schemas::new();
        let index = compiler
            .compile("memory:///schema", &mut schemas)
            .expect("a schema");
        Validator {
            kind,
            schemas,
            index,
        }
    }

    fn is_good(&self, data: &Value) -> bool {
        self.schemas.validate(data, self.index).is_ok()
    }

    fn example(&self) -> Value {
        serde_json::from_str(self.kind.example().expect("a kind with data")).expect("JSON")
    }

    /// Both say the same; what is good by its schema makes an event.
    fn compare(&self, data: &Value) {
        let ours = self.kind.event(data.clone(), &Circumstances::new("a", 0));
        let faults: Vec<_> = match &ours {
            Ok(_) => Vec::new(),
            Err(error) => error.faults().iter().map(ToString::to_string).collect(),
        };
        // What a field may hold is a rule of events, not of their data.
        let of_form = faults
            .iter()
            .any(|fault| !fault.contains("control character"));
        assert_eq!(!of_form, self.is_good(data), "{faults:?} in {data}");
    }
}

fn all() -> impl Iterator<Item = Validator> {
    let kinds = EventKind::all().into_iter();
    kinds.filter(|kind| kind.has_data()).map(Validator::of)
}

#[test]
fn every_example_is_good() {
    for validator in all() {
        assert!(validator.is_good(&validator.example()));
        assert!(!validator.is_good(&json!([])), "it refuses something");
    }
}

#[test]
fn every_property_is_documented() {
    for validator in all() {
        let schema = validator.kind.schema().expect("a kind with data");
        let definitions = schema.get("$defs").and_then(Value::as_object);
        let objects = definitions.into_iter().flat_map(Map::values);
        for object in objects.chain([&schema]) {
            let properties = object.get("properties").and_then(Value::as_object);
            for (name, property) in properties.into_iter().flatten() {
                let doc = property["description"].as_str().unwrap_or_default();
                let kind = validator.kind.name;
                assert!(doc.ends_with('.'), "{kind}: `{name}`: {doc:?}");
            }
        }
    }
}

/// The check knows each keyword; an annotation does not change a verdict.
#[test]
fn no_schema_has_a_keyword_that_is_not_known() {
    fn walk(schema: &Value, strange: &mut Vec<String>) {
        match schema {
            Value::Array(items) => items.iter().for_each(|item| walk(item, strange)),
            Value::Object(object) => {
                for (key, value) in object {
                    match key.as_str() {
                        "properties" | "$defs" => {
                            let named = value.as_object().expect("schemas by name");
                            named.values().for_each(|schema| walk(schema, strange));
                        }
                        "additionalProperties" => assert_eq!(*value, json!(true)),
                        key if KEYWORDS.contains(&key) || ANNOTATIONS.contains(&key) => {
                            walk(value, strange);
                        }
                        key => strange.push(key.to_owned()),
                    }
                }
            }
            _ => {}
        }
    }
    let mut strange = Vec::new();
    for validator in all() {
        walk(&validator.kind.schema().expect("a schema"), &mut strange);
    }
    assert_eq!(strange, [""; 0]);
}

/// A small value of any type, as likely as not one that fits somewhere.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-2_i64..100).prop_map(Value::from),
        Just(json!(1.0)),
        Just(json!(9_007_199_254_740_991_u64)),
        Just(json!(9_007_199_254_740_992_u64)),
        Just(json!(253_402_300_800_u64)),
        "[0-9]{0,17}".prop_map(Value::from),
        "ok|err|todo|timestamp|true|false|1|0|\\PC{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let key = "schema|data|columns|vmid|status|label|id|node|x";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// All places in a value, as JSON pointers.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), into);
            }
        }
        Value::Object(object) => {
            for (key, item) in object {
                places(item, &format!("{at}/{key}"), into);
            }
        }
        _ => {}
    }
}

fn changed(mut data: Value, place: usize, to: Option<&Value>) -> Value {
    let mut all = Vec::new();
    places(&data, "", &mut all);
    let pointer = &all[place % all.len()];
    match to {
        Some(to) => to.clone_into(data.pointer_mut(pointer).expect("a place of it")),
        None => {
            let (above, key) = pointer.rsplit_once('/').unwrap_or_default();
            if let Some(Value::Object(object)) = data.pointer_mut(above) {
                object.remove(key);
            }
        }
    }
    data
}

proptest! {
    #[test]
    fn the_check_and_the_validator_agree(
        changes in prop::collection::vec((any::<usize>(), prop::option::of(any_value())), 1..4),
        whole in any::<bool>(),
    ) {
        for validator in all() {
            let mut data = validator.example();
            if whole {
                // With the columns of its tables, as templates get it.
                let event = validator.kind.event(data, &Circumstances::new("a", 0));
                data = match event.expect("an example is good").content {
                    notify_core::Content::Template { data, .. } => data,
                    other => panic!("not a template: {other:?}"),
                };
            }
            for (place, to) in &changes {
                data = changed(data, *place, to.as_ref());
            }
            validator.compare(&data);
        }
    }
}
