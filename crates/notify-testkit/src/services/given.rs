//! A JSON object whose keys must all be known, read key by key.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::http::Request;

/// An object. Each key that is asked for is known; [`Given::finish`] refuses the others.
pub(super) struct Given<'a> {
    object: &'a Map<String, Value>,
    known: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Given<'a> {
    /// The object that a value is.
    pub(super) fn of(value: &'a Value, what: &str) -> Result<Self, String> {
        let object = value.as_object();
        let object = object.ok_or_else(|| format!("{what} is not an object"))?;
        Ok(Given {
            object,
            known: RefCell::default(),
        })
    }

    /// The value of a key; null counts as none.
    pub(super) fn value(&self, key: &'static str) -> Option<&'a Value> {
        self.known.borrow_mut().insert(key);
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// The text of a key, empty when it is not there.
    pub(super) fn text(&self, key: &'static str) -> Result<&'a str, String> {
        match self.value(key) {
            None => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(format!("'{key}' is not a string")),
        }
    }

    /// The text of a key, which must not be empty.
    pub(super) fn required(&self, key: &'static str) -> Result<&'a str, String> {
        match self.text(key)? {
            "" => Err(format!("'{key}' is missing or blank")),
            text => Ok(text),
        }
    }

    /// The items of a key, none when it is not there.
    pub(super) fn list(&self, key: &'static str) -> Result<&'a [Value], String> {
        match self.value(key) {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(format!("'{key}' is not a list")),
        }
    }

    /// Refuses keys that nobody has asked for.
    pub(super) fn finish(self) -> Result<(), String> {
        let known = self.known.borrow();
        let unknown = self.object.keys().find(|key| !known.contains(key.as_str()));
        match unknown {
            Some(key) => Err(format!("'{key}' is unknown")),
            None => Ok(()),
        }
    }
}

/// The JSON of a request that says it is JSON.
pub(super) fn json(request: &Request) -> Result<Value, String> {
    let kind = request.header("content-type").unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return Err("the content type is not application/json".to_owned());
    }
    request.json().map_err(|error| error.to_string())
}

/// The token of `Authorization: Bearer TOKEN`.
pub(super) fn bearer(request: &Request) -> Option<&str> {
    request.header("authorization")?.strip_prefix("Bearer ")
}
