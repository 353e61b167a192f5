//! A section whose values have been checked.

use crate::kind::boolean;
use crate::{Fault, Position, Presence, Property, Secret, SectionName};

/// The value of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Shown to anyone who may see the configuration.
    Text(Box<str>),
    /// Never shown.
    Secret(Secret),
}

/// One checked line of a section.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What the schema says of it.
    pub property: &'static Property,
    /// The value as the file has it, of the property's kind.
    pub value: Value,
    /// Where it stands.
    pub at: Position,
}

/// The values of a section: each is of its property's kind, every required one is there.
///
/// A plugin's `build` reads these. Asking for a property that its schema does
/// not declare finds nothing.
#[derive(Clone, Debug)]
pub struct Fields {
    kind: &'static str,
    name: String,
    header: Position,
    /// The properties of the schema that have a default.
    defaults: Vec<&'static Property>,
    entries: Vec<Entry>,
}

impl Fields {
    pub(crate) fn new(
        kind: &'static str,
        name: &str,
        header: Position,
        defaults: Vec<&'static Property>,
        entries: Vec<Entry>,
    ) -> Self {
        Fields {
            kind,
            name: name.to_owned(),
            header,
            defaults,
            entries,
        }
    }

    /// The section's type.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The section's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How faults name the section: ``smtp `example` ``.
    pub fn label(&self) -> SectionName {
        SectionName::new(self.kind, &self.name)
    }

    /// Where the section's header stands.
    pub fn header(&self) -> Position {
        self.header
    }

    /// All entries in file order, the secret ones after the public ones.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries of one property, in file order.
    pub fn all<'a>(&'a self, property: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.property.name == property)
    }

    /// Whether the file has the property.
    pub fn has(&self, property: &str) -> bool {
        self.all(property).next().is_some()
    }

    /// The value, or the default that the schema names; nothing for a secret.
    pub fn text(&self, property: &str) -> Option<&str> {
        match self
            .entries
            .iter()
            .find(|entry| entry.property.name == property)
        {
            Some(Entry {
                value: Value::Text(text),
                ..
            }) => Some(text),
            Some(Entry {
                value: Value::Secret(_),
                ..
            }) => None,
            None => self.default_of(property),
        }
    }

    /// The values of a repeated property, in file order.
    pub fn texts<'a>(&'a self, property: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(property).filter_map(|entry| match &entry.value {
            Value::Text(text) => Some(&**text),
            Value::Secret(_) => None,
        })
    }

    /// The number, or the default.
    pub fn integer(&self, property: &str) -> Option<i64> {
        self.text(property).and_then(|text| text.parse().ok())
    }

    /// The flag, or the default; false when there is neither.
    pub fn flag(&self, property: &str) -> bool {
        self.text(property)
            .is_some_and(|text| boolean(text) == Ok(true))
    }

    /// The first secret of that name.
    pub fn secret(&self, property: &str) -> Option<&Secret> {
        self.secrets()
            .find(|(name, _)| *name == property)
            .map(|(_, secret)| secret)
    }

    /// Every secret of the section with its property's name.
    pub fn secrets(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        self.entries.iter().filter_map(|entry| match &entry.value {
            Value::Secret(secret) => Some((entry.property.name, secret)),
            Value::Text(_) => None,
        })
    }

    /// A fault of one property, at its place, or at the header when the file does not have it.
    pub fn fault(&self, property: &str, reason: impl std::fmt::Display) -> Fault {
        let at = self
            .all(property)
            .next()
            .map_or(self.header, |entry| entry.at);
        self.fault_at(at, format!("property `{property}`: {reason}"))
    }

    /// A fault at a place of this section.
    pub fn fault_at(&self, at: Position, message: impl Into<String>) -> Fault {
        Fault::error(at, message).in_section(self.label())
    }

    fn default_of(&self, property: &str) -> Option<&'static str> {
        self.defaults
            .iter()
            .find(|known| known.name == property)
            .and_then(|known| match known.presence {
                Presence::Default(value) => Some(value),
                _ => None,
            })
    }
}
