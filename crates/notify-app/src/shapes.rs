//! Sections as answers show them: the shapes of Proxmox VE's API, never a secret.

use notify_config::{Configuration, Schemas, Section};
use notify_match::{MATCHER, RuleKind};
use notify_schema::{Kind, Property, Schema};
use serde_json::{Map, Value, json};

use crate::setup::Ready;

/// What is shown in place of a secret that is there.
pub(crate) const SET: &str = "set";

/// Whether a section is a matcher or a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noun {
    Target,
    Matcher,
}

impl Noun {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Noun::Target => "target",
            Noun::Matcher => "matcher",
        }
    }

    pub(crate) fn covers(self, section: &Section) -> bool {
        (section.kind == MATCHER) == (self == Noun::Matcher)
    }
}

/// A line of a list: name, origin, type, and `comment`, `disable`, `unusable` where they are set.
pub(crate) fn summary(section: &Section, ready: &Ready, schemas: &Schemas) -> Value {
    let mut object = begin(section);
    let all = properties(section, &ready.configuration, schemas);
    for name in ["comment", "disable"] {
        if let Some(value) = all.get(name) {
            object.insert(name.to_owned(), value.clone());
        }
    }
    end(object, section, ready)
}

/// A whole section, without its secrets.
pub(crate) fn whole(section: &Section, ready: &Ready, schemas: &Schemas) -> Value {
    let mut object = begin(section);
    object.extend(properties(section, &ready.configuration, schemas));
    object.extend(named_secrets(section, &ready.configuration, schemas));
    end(object, section, ready)
}

/// A whole section, with `"set"` for each secret that it has, or its name where it has one.
pub(crate) fn with_secrets_named(section: &Section, ready: &Ready, schemas: &Schemas) -> Value {
    let Value::Object(mut object) = whole(section, ready, schemas) else {
        unreachable!("a section is an object")
    };
    for key in ready.configuration.secret_keys(section) {
        object.entry(key).or_insert_with(|| json!(SET));
    }
    Value::Object(object)
}

fn begin(section: &Section) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(section.name));
    object.insert("type".to_owned(), json!(section.kind));
    object
}

fn end(mut object: Map<String, Value>, section: &Section, ready: &Ready) -> Value {
    object.insert("origin".to_owned(), json!(section.origin.name()));
    if let Some(reason) = ready.unusable(section) {
        object.insert("unusable".to_owned(), json!(reason));
    }
    Value::Object(object)
}

/// The public properties by name, of the types that their kinds have.
fn properties(
    section: &Section,
    configuration: &Configuration,
    schemas: &Schemas,
) -> Map<String, Value> {
    let schema = schemas.get(&section.kind);
    let mut object = Map::new();
    for line in configuration
        .lines(section)
        .iter()
        .filter(|line| line.key != "origin")
    {
        let property = schema.and_then(|schema| schema.property(line.key));
        if property.is_some_and(Property::is_secret) || ignored(schema, line.key) {
            continue;
        }
        let value = typed(property, line.value);
        match (
            property.is_some_and(Property::is_repeated),
            object.get_mut(line.key),
        ) {
            (true, Some(Value::Array(items))) => items.push(value),
            (true, _) => drop(object.insert(line.key.to_owned(), Value::Array(vec![value]))),
            (false, _) => drop(object.insert(line.key.to_owned(), value)),
        }
    }
    object
}

/// The names of secrets that have one, without their values: `name=token`.
fn named_secrets(
    section: &Section,
    configuration: &Configuration,
    schemas: &Schemas,
) -> Map<String, Value> {
    let properties = schemas
        .get(&section.kind)
        .map_or(&[][..], Schema::properties);
    let named = properties.iter().filter_map(|property| {
        let names = configuration.secret_names(section, property);
        let shown: Vec<_> = names
            .iter()
            .map(|name| json!(format!("name={name}")))
            .collect();
        (!shown.is_empty()).then(|| (property.name.to_owned(), Value::Array(shown)))
    });
    named.collect()
}

fn ignored(schema: Option<&Schema>, key: &str) -> bool {
    schema.is_some_and(|schema| schema.ignored().contains(&key))
}

/// A number, a flag, or text; rules in their normal form.
fn typed(property: Option<&Property>, value: &str) -> Value {
    let Some(property) = property else {
        return json!(value);
    };
    let Ok(normal) = property.kind.normalized(value) else {
        return json!(value);
    };
    match property.kind {
        Kind::Integer { .. } => normal
            .parse::<i64>()
            .map_or_else(|_| json!(normal), |number| json!(number)),
        Kind::Boolean => json!(normal == "true"),
        _ => json!(normal_rule(property.name, &normal).unwrap_or(normal)),
    }
}

/// `exact:type=a , b` as `exact:type=a,b`; what is no rule, or a faulty one, has no normal form.
fn normal_rule(key: &str, text: &str) -> Option<String> {
    let kinds = RuleKind::linked().ok()?;
    let kind = kinds.into_iter().find(|kind| kind.key() == key)?;
    kind.compile(text).ok().map(|rule| rule.normalized())
}

/// A shape as section-config text, for people.
pub(crate) fn text(shape: &Value) -> String {
    let word = |key: &str| shape.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut text = format!("{}: {}\n", word("type"), word("name"));
    for (key, value) in shape.as_object().into_iter().flatten() {
        if ["name", "type", "origin", "unusable", "digest", "revision"].contains(&key.as_str()) {
            continue;
        }
        let values = value
            .as_array()
            .map_or_else(|| vec![value], |items| items.iter().collect());
        for value in values {
            let shown = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            text.push_str(&format!("\t{} {}\n", printable(key), printable(&shown)));
        }
    }
    text
}

/// Text of a file, fit for a terminal: control characters are escaped.
pub(crate) fn printable(text: &str) -> String {
    let shown = |character: char| {
        if character.is_control() {
            character.escape_default().to_string()
        } else {
            character.to_string()
        }
    };
    text.chars().map(shown).collect()
}
