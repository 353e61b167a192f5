//! Data held against the JSON Schema of its kind: every fault, with its path.
//!
//! This knows the keywords that the schemas of this crate have, and no more; a
//! test holds the schemas to that, another one the verdicts to those of a
//! complete validator.

use notify_schema::excerpt;
use serde_json::{Map, Value};

use crate::error::DataFault;
use crate::number;

/// Everything that is wrong, sorted by path.
pub(crate) fn check(schema: &Value, data: &Value) -> Vec<DataFault> {
    let mut checker = Checker {
        definitions: schema.get("$defs").and_then(Value::as_object),
        faults: Vec::new(),
    };
    checker.value(schema, data, &Path::Root);
    checker.faults.sort();
    checker.faults.dedup();
    checker.faults
}

struct Checker<'s> {
    definitions: Option<&'s Map<String, Value>>,
    faults: Vec<DataFault>,
}

/// The way to a value, written out only for a fault.
enum Path<'p> {
    Root,
    Key(&'p Path<'p>, &'p str),
    Index(&'p Path<'p>, usize),
}

impl Path<'_> {
    fn text(&self) -> String {
        match self {
            Path::Root => String::new(),
            Path::Key(Path::Root, key) => key_text(key),
            Path::Key(above, key) => format!("{}.{}", above.text(), key_text(key)),
            Path::Index(above, index) => format!("{}[{index}]", above.text()),
        }
    }
}

fn key_text(key: &str) -> String {
    excerpt(key).to_string()
}

impl<'s> Checker<'s> {
    fn value(&mut self, schema: &'s Value, data: &Value, path: &Path<'_>) {
        let schema = self.resolved(schema);
        if !is_of_type(schema, data) {
            return self.fault(path, unexpected(schema, data));
        }
        self.choice(schema, data, path);
        self.limits(schema, data, path);
        if let Value::Array(items) = data
            && let Some(of_items) = schema.get("items")
        {
            for (index, item) in items.iter().enumerate() {
                self.value(of_items, item, &Path::Index(path, index));
            }
        }
        if let Value::Object(object) = data {
            self.object(schema, object, path);
        }
    }

    fn object(&mut self, schema: &'s Value, data: &Map<String, Value>, path: &Path<'_>) {
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if !data.contains_key(key) {
                self.fault(&Path::Key(path, key), "is missing".to_owned());
            }
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, of_property) in properties.into_iter().flatten() {
            if let Some(value) = data.get(key) {
                self.value(of_property, value, &Path::Key(path, key));
            }
        }
    }

    /// Several schemas, one of which must fit; the faults are those of the one that was meant.
    fn choice(&mut self, schema: &'s Value, data: &Value, path: &Path<'_>) {
        if let Some(words) = words(schema) {
            if !words.iter().any(|word| data.as_str() == Some(word)) {
                let list = words.join("`, `");
                let message = format!("expected one of `{list}`, not {}", shown(data));
                self.fault(path, message);
            }
            return;
        }
        let Some(all) = schema.get("anyOf").and_then(Value::as_array) else {
            return;
        };
        let resolved: Vec<_> = all.iter().map(|one| self.resolved(one)).collect();
        // One that wants another type was not meant.
        match resolved.iter().find(|one| is_of_type(one, data)) {
            Some(meant) => self.value(meant, data, path),
            None => {
                let expected: Vec<_> = resolved.iter().map(|one| wanted(one)).collect();
                let message = format!("expected {}, not {}", expected.join(" or "), shown(data));
                self.fault(path, message);
            }
        }
    }

    fn limits(&mut self, schema: &Value, data: &Value, path: &Path<'_>) {
        match data {
            Value::Number(number) => {
                let number = number.as_f64().unwrap_or(f64::NAN);
                let limit = |key| schema.get(key).and_then(Value::as_f64);
                let low = limit("minimum").is_some_and(|least| number < least);
                let high = limit("maximum").is_some_and(|most| number > most);
                if low || high {
                    self.fault(path, unexpected(schema, data));
                }
            }
            Value::String(text) => {
                let pattern = schema.get("pattern").and_then(Value::as_str);
                if pattern.is_some_and(|pattern| !number::fits(pattern, text)) {
                    self.fault(path, unexpected(schema, data));
                }
            }
            _ => {}
        }
    }

    fn resolved(&self, schema: &'s Value) -> &'s Value {
        let name = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| reference.strip_prefix("#/$defs/"));
        let definition = name.and_then(|name| self.definitions?.get(name));
        definition.unwrap_or(schema)
    }

    fn fault(&mut self, path: &Path<'_>, message: String) {
        self.faults.push(DataFault::new(path.text(), message));
    }
}

/// The words of `enum`, or of a `oneOf` of `const`s, which is how documented words are written.
fn words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(words) = schema.get("enum") {
        return Some(words.as_array()?.iter().filter_map(Value::as_str).collect());
    }
    let one_of = schema.get("oneOf")?.as_array()?.iter();
    one_of.map(|one| one.get("const")?.as_str()).collect()
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_of_type(schema: &Value, data: &Value) -> bool {
    let types = types(schema);
    let is = |name: &&str| match *name {
        "integer" => data.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => data.is_number(),
        "string" => data.is_string(),
        "boolean" => data.is_boolean(),
        "array" => data.is_array(),
        "object" => data.is_object(),
        _ => data.is_null(),
    };
    types.is_empty() || types.iter().any(is)
}

fn unexpected(schema: &Value, data: &Value) -> String {
    format!("expected {}, not {}", wanted(schema), shown(data))
}

/// What a schema wants, in words.
fn wanted(schema: &Value) -> String {
    let types = types(schema);
    let has = |name: &str| types.contains(&name);
    let number = || {
        let limit = |key| schema.get(key).filter(|limit| limit.is_number());
        match (limit("minimum"), limit("maximum")) {
            (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
            _ => "a whole number".to_owned(),
        }
    };
    // A number in a string is still a number.
    let text = has("string") && schema.get("pattern").is_none();
    let words = [
        (has("object"), "an object".to_owned()),
        (has("array"), "a list".to_owned()),
        (text, "a text".to_owned()),
        (has("integer"), number()),
        (has("number"), "a number".to_owned()),
        (has("boolean"), "true or false".to_owned()),
        (has("null"), "null".to_owned()),
    ];
    let words: Vec<_> = words
        .into_iter()
        .filter_map(|(wanted, word)| wanted.then_some(word))
        .collect();
    words.join(" or ")
}

/// A value in a message: short, and without its content where that is long.
fn shown(data: &Value) -> String {
    match data {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) => format!("\"{}\"", excerpt(text)),
        other => other.to_string(),
    }
}
