//! The section types that a configuration may have.

use notify_schema::{Property, Schema};

/// The schemas of all section types that a program knows.
///
/// ```
/// use notify_config::Schemas;
/// use notify_schema::{Kind, Property, Schema};
///
/// static SERVER: Property = Property::required("server", Kind::text(), "Where.").example("a");
/// let schemas = Schemas::new([Schema::new("relay", [&SERVER])]);
/// assert!(schemas.get("relay").is_some_and(|schema| !schema.needs_secret()));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    sections: Vec<Schema>,
    settings: Vec<Schema>,
}

impl Schemas {
    /// Types of `notifications.cfg`: targets and matchers.
    ///
    /// Their built-in sections are added to a configuration in the order of the types.
    pub fn new(sections: impl IntoIterator<Item = Schema>) -> Self {
        Schemas {
            sections: sections.into_iter().collect(),
            settings: Vec::new(),
        }
    }

    /// With types of our own settings, which stand in `notify.cfg` only.
    #[must_use]
    pub fn with_settings(mut self, settings: impl IntoIterator<Item = Schema>) -> Self {
        self.settings = settings.into_iter().map(Schema::ours).collect();
        self
    }

    /// A type of `notifications.cfg`.
    pub fn get(&self, kind: &str) -> Option<&Schema> {
        self.sections.iter().find(|schema| schema.kind() == kind)
    }

    /// A type of our own settings.
    pub fn setting(&self, kind: &str) -> Option<&Schema> {
        self.settings.iter().find(|schema| schema.kind() == kind)
    }

    /// All types of `notifications.cfg`, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = &Schema> {
        self.sections.iter()
    }
}

/// Whether sections of this type stand in the private file at all.
pub(crate) fn has_secrets(schema: &Schema) -> bool {
    schema
        .properties()
        .iter()
        .any(|property| property.is_secret())
}

/// Whether Proxmox VE knows the key in a section of this type.
pub(crate) fn known_to_pve(schema: &Schema, key: &str) -> bool {
    let known = |property: &Property| property.in_pve;
    key == "origin" || schema.ignored().contains(&key) || schema.property(key).is_some_and(known)
}
