//! JSON Schema, draft 2020-12, of a section type and of a whole configuration.
//!
//! A section in JSON is an object of its `name`, its `type` and its properties:
//! numbers and switches as such, a repeated property as a list. That is what
//! `target show --json` prints, and what a form sends.

use std::collections::BTreeMap;

use notify_schema::{Kind, Presence, Property, Schema};
use serde_json::{Map, Value, json};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What no property has, because it would break a line of the file.
const PRINTABLE: &str = r"^[^\u0000-\u001F\u007F-\u009F]*$";
const NAME: &str = "^[A-Za-z0-9_][A-Za-z0-9._-]*$";
/// `name=NAME,value=BASE64` in either order; the value may be left out.
const PAIR: &str = r"^(\s*name\s*=[^,\u0000-\u001F\u007F-\u009F]*(,\s*value\s*=[^,\u0000-\u001F\u007F-\u009F]*)?|\s*value\s*=[^,\u0000-\u001F\u007F-\u009F]*,\s*name\s*=[^,\u0000-\u001F\u007F-\u009F]*)$";

/// Keys that answers have beside the properties; who writes a section leaves them out.
const ANSWERED: [(&str, &str); 4] = [
    (
        "origin",
        "Whether the section is built in, changed, or made by a user.",
    ),
    ("unusable", "Why the section cannot be used."),
    (
        "digest",
        "The digest of the public file when this was read.",
    ),
    ("revision", "The digest of both files when this was read."),
];

/// Whose view of the secrets a schema has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrets {
    /// Who writes a section gives them.
    Given,
    /// Who reads a configuration learns that they are set.
    Named,
}

/// The schema of one section, as it is given to whoever writes it: with its secrets, which
/// are marked `writeOnly`.
///
/// It says all that can be said without the plugin's own code. Where a plugin
/// checks a text by itself, the description tells in words what it expects.
pub fn json_schema(title: &str, schema: &Schema) -> Value {
    let mut section = section(title, schema, Secrets::Given);
    section.insert("$schema".to_owned(), json!(DRAFT));
    Value::Object(section)
}

/// The schema of a configuration without faults, as `config show --json` prints it: an object
/// whose `sections` are each of one of these types, with `"set"` in place of each secret.
///
/// `types` are titles with their schemas.
pub fn configuration_json_schema<'a>(
    types: impl IntoIterator<Item = (&'a str, &'a Schema)>,
) -> Value {
    let types: BTreeMap<&str, Value> = types
        .into_iter()
        .map(|(title, schema)| {
            let section = section(title, schema, Secrets::Named);
            (schema.kind(), Value::Object(section))
        })
        .collect();
    let kinds: Vec<&str> = types.keys().copied().collect();
    // Each of them looks at the type first, so that a report is about one type and not about all.
    let choices = kinds.iter().map(|kind| {
        json!({
            "if": { "properties": { "type": { "const": kind } } },
            "then": { "$ref": format!("#/$defs/{kind}") },
        })
    });
    json!({
        "$schema": DRAFT,
        "title": "Notification configuration",
        "description": "All sections, as `config show --json` prints them.",
        "type": "object",
        "properties": {
            "folder": { "type": "string", "description": "Where the files are." },
            "digest": { "type": "string", "description": ANSWERED[2].1 },
            "revision": { "type": "string", "description": ANSWERED[3].1 },
            "sections": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "type"],
                    "properties": { "type": { "enum": kinds } },
                    "allOf": choices.collect::<Vec<_>>(),
                },
            },
        },
        "required": ["sections"],
        "$defs": types,
    })
}

fn section(title: &str, schema: &Schema, secrets: Secrets) -> Map<String, Value> {
    let kind = schema.kind();
    let mut properties = Map::new();
    properties.insert("name".to_owned(), name());
    properties.insert("type".to_owned(), json!({ "const": kind }));
    for known in schema.properties() {
        properties.insert(known.name.to_owned(), property(known, schema, secrets));
    }
    for (key, doc) in ANSWERED {
        let answered = json!({ "type": "string", "readOnly": true, "description": doc });
        properties.insert(key.to_owned(), answered);
    }
    for key in schema.ignored() {
        let doc = "A key of older versions. It is accepted and means nothing.";
        let ignored = json!({ "deprecated": true, "description": doc });
        properties.insert((*key).to_owned(), ignored);
    }
    let mut required = vec!["name", "type"];
    let mandatory = schema
        .properties()
        .iter()
        .filter(|known| known.is_required());
    required.extend(mandatory.map(|known| known.name));
    let mut section = Map::from_iter([
        ("title".to_owned(), json!(title)),
        ("description".to_owned(), json!(purpose(schema))),
        ("type".to_owned(), json!("object")),
        ("properties".to_owned(), Value::Object(properties)),
        ("required".to_owned(), json!(required)),
        ("additionalProperties".to_owned(), json!(false)),
    ]);
    // A section that is read may do without, as in Proxmox VE.
    if secrets == Secrets::Given && !schema.at_least_one().is_empty() {
        let one = schema.at_least_one().iter();
        let one: Vec<_> = one
            .map(|name| json!({ "required": [name], "properties": { *name: { "minItems": 1 } } }))
            .collect();
        section.insert("anyOf".to_owned(), json!(one));
    }
    section
}

fn name() -> Value {
    let mut name = of_kind(Kind::Name);
    name.insert("description".to_owned(), json!("The name of the section."));
    Value::Object(name)
}

fn purpose(schema: &Schema) -> String {
    let kind = schema.kind();
    let mut text = format!("A section of the type `{kind}`.");
    if !schema.in_pve() {
        text.push_str(" Proxmox VE does not know the type.");
    }
    text
}

fn property(property: &Property, schema: &Schema, secrets: Secrets) -> Value {
    let mut described = match (property.is_secret(), secrets) {
        (true, Secrets::Named) => Map::from_iter([("const".to_owned(), json!("set"))]),
        _ => value(property),
    };
    if property.is_secret() && secrets == Secrets::Given {
        described.insert("writeOnly".to_owned(), json!(true));
    }
    described.insert(
        "description".to_owned(),
        json!(description(property, schema)),
    );
    Value::Object(described)
}

/// The value or the list of values, with what holds without it and an example.
fn value(property: &Property) -> Map<String, Value> {
    let mut one = of_kind(property.kind);
    let typed = |text: &str| typed(property.kind, text);
    if let Presence::Default(text) = property.presence
        && !text.is_empty()
    {
        one.insert("default".to_owned(), typed(text));
    }
    if !property.is_secret() && !property.example.is_empty() {
        one.insert("examples".to_owned(), json!([typed(property.example)]));
    }
    if property.is_repeated() {
        one = Map::from_iter([
            ("type".to_owned(), json!("array")),
            ("items".to_owned(), Value::Object(one)),
        ]);
    }
    one
}

/// The doc, and all that has no keyword of its own.
fn description(property: &Property, schema: &Schema) -> String {
    let mut text = property.doc.to_owned();
    let mut more = |sentence: String| {
        text.push(' ');
        text.push_str(&sentence);
    };
    if let Kind::Checked { .. } | Kind::Pair | Kind::Base64 = property.kind {
        more(format!("Expected: {}.", property.kind.expected()));
    }
    if let Presence::Fallback(words) = property.presence {
        more(format!("Without it: {words}."));
    }
    if schema.at_least_one().contains(&property.name) {
        let all = schema.at_least_one().join("`, `");
        more(format!("At least one of `{all}` must be given."));
    }
    if property.is_secret() {
        more("Secret: it is never shown.".to_owned());
    }
    if !property.in_pve && schema.in_pve() {
        more("Proxmox VE does not know it.".to_owned());
    }
    text
}

/// What the kind of a value says in the words of JSON Schema.
fn of_kind(kind: Kind) -> Map<String, Value> {
    let described = match kind {
        Kind::Text { min, max } => text(min, max),
        Kind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words }),
        Kind::Name => json!({ "type": "string", "minLength": 2, "maxLength": 32, "pattern": NAME }),
        Kind::Pair => json!({ "type": "string", "pattern": PAIR }),
        Kind::Base64 => {
            json!({ "type": "string", "pattern": PRINTABLE, "contentEncoding": "base64" })
        }
        // A plugin's own check, and a kind that this version does not know.
        _ => text(0, usize::MAX),
    };
    match described {
        Value::Object(described) => described,
        _ => unreachable!("every kind is described by an object"),
    }
}

fn text(min: usize, max: usize) -> Value {
    let mut text = json!({ "type": "string", "pattern": PRINTABLE });
    if min > 0 {
        text["minLength"] = json!(min);
    }
    if max < usize::MAX {
        text["maxLength"] = json!(max);
    }
    text
}

/// A value of the file as JSON has it.
fn typed(kind: Kind, text: &str) -> Value {
    let normal = kind.normalized(text);
    let normal = normal.as_deref().unwrap_or(text);
    match kind {
        Kind::Integer { .. } => normal
            .parse::<i64>()
            .map_or(json!(normal), |number| json!(number)),
        Kind::Boolean => json!(normal == "true"),
        _ => json!(normal),
    }
}
