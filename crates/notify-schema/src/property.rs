//! One property of a section, declared once.

use crate::{Kind, Pair};

/// Flags of the command line, and keys that its answers in JSON have beside the
/// properties, so no property may have such a name.
pub const RESERVED_NAMES: [&str; 15] = [
    "help",
    "version",
    "json",
    "config-dir",
    "digest",
    "unset",
    "name",
    "quiet",
    "verbose",
    "color",
    "not-for-pve",
    "origin",
    "revision",
    "type",
    "unusable",
];

/// Whether a section must have a property, and what holds when it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// Without it the section is unusable.
    Required,
    /// Without it something is switched off. A bad value makes the section unusable.
    Optional,
    /// Without it this value holds. A bad value is a warning, and this value holds.
    Default(&'static str),
    /// As `Default`, but what holds depends on other things and is said here in words.
    Fallback(&'static str),
    /// Any number of times. A bad item is an error and left out.
    Repeated,
}

/// Which file a property stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The public file.
    Public,
    /// The private file. The value never leaves it.
    Secret,
}

/// One property of a section type.
///
/// Its `doc` is user-facing: it becomes the help of a flag, the label of a form
/// and a line of the manual. Full sentences.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Property {
    /// kebab-case; the same in file, command line, API and manual.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: Kind,
    /// Whether it must be there.
    pub presence: Presence,
    /// Public or secret.
    pub scope: Scope,
    /// What it does, in full sentences.
    pub doc: &'static str,
    /// A value that is accepted. Empty only for secrets.
    pub example: &'static str,
    /// Whether Proxmox VE knows it. It refuses a whole file for one key that it does not know.
    pub in_pve: bool,
}

impl Property {
    const fn new(name: &'static str, kind: Kind, presence: Presence, doc: &'static str) -> Self {
        Property {
            name,
            kind,
            presence,
            scope: Scope::Public,
            doc,
            example: "",
            in_pve: true,
        }
    }

    /// A property that every section of the type has.
    pub const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Property::new(name, kind, Presence::Required, doc)
    }

    /// A property that switches something on.
    pub const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Property::new(name, kind, Presence::Optional, doc)
    }

    /// A property with a default value.
    pub const fn default(
        name: &'static str,
        kind: Kind,
        value: &'static str,
        doc: &'static str,
    ) -> Self {
        Property::new(name, kind, Presence::Default(value), doc)
    }

    /// A property whose default depends on other things; `otherwise` says in words what then holds.
    pub const fn fallback(
        name: &'static str,
        kind: Kind,
        otherwise: &'static str,
        doc: &'static str,
    ) -> Self {
        Property::new(name, kind, Presence::Fallback(otherwise), doc)
    }

    /// A property that may stand any number of times.
    pub const fn repeated(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Property::new(name, kind, Presence::Repeated, doc)
    }

    /// Kept in the private file.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.scope = Scope::Secret;
        self
    }

    /// With a value that is accepted.
    #[must_use]
    pub const fn example(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }

    /// Unknown to Proxmox VE.
    #[must_use]
    pub const fn ours(mut self) -> Self {
        self.in_pve = false;
        self
    }

    /// Whether its value must not be shown.
    pub const fn is_secret(&self) -> bool {
        matches!(self.scope, Scope::Secret)
    }

    /// Whether `value` only names a secret, as `name=token`: that may stand in the public file.
    pub fn is_mention(&self, value: &str) -> bool {
        self.is_secret()
            && matches!(self.kind, Kind::Pair)
            && Pair::parse(value).is_ok_and(|pair| pair.value.is_none())
    }

    /// Whether it may stand more than once.
    pub const fn is_repeated(&self) -> bool {
        matches!(self.presence, Presence::Repeated)
    }

    /// Whether a section without it is unusable.
    pub const fn is_required(&self) -> bool {
        matches!(self.presence, Presence::Required)
    }
}
