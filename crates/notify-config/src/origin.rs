//! Whether a section is one of the built-ins.

use notify_schema::{Builtin, Schema};

use crate::Schemas;
pub(crate) use crate::configuration::Origin;
use crate::document::RawSection;

/// What pve-manager calls the origin of a section that stands in the file.
pub(crate) fn of(schemas: &Schemas, raw: &RawSection<'_>) -> Origin {
    let Some((schema, builtin)) = builtin(schemas, raw.name()) else {
        return Origin::UserCreated;
    };
    if raw.kind() == schema.kind() && same_content(schema, builtin, raw) {
        Origin::Builtin
    } else {
        Origin::ModifiedBuiltin
    }
}

/// The built-in of this name.
pub(crate) fn builtin<'s>(
    schemas: &'s Schemas,
    name: &str,
) -> Option<(&'s Schema, &'static Builtin)> {
    schemas.iter().find_map(|schema| {
        let builtin = schema
            .builtins()
            .iter()
            .find(|builtin| builtin.name == name)?;
        Some((schema, builtin))
    })
}

fn same_content(schema: &Schema, builtin: &Builtin, raw: &RawSection<'_>) -> bool {
    let broken = raw.is_broken_text() || raw.bare_keys().next().is_some();
    let written = raw.properties().filter(|line| line.key != "origin");
    !broken
        && sorted(schema, written.map(|line| (line.key, line.value)))
            == sorted(schema, builtin.properties.iter().copied())
}

/// The order of different keys means nothing, that of equal ones does.
fn sorted<'a>(
    schema: &Schema,
    lines: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<(&'a str, String)> {
    let mut lines: Vec<_> = lines
        .map(|(key, value)| (key, normalized(schema, key, value)))
        .collect();
    lines.sort_by_key(|(key, _)| *key);
    lines
}

/// The value in Proxmox VE's form; as it stands where it is unknown or bad.
pub(crate) fn normalized(schema: &Schema, key: &str, value: &str) -> String {
    schema
        .property(key)
        .and_then(|property| property.kind.normalized(value).ok())
        .unwrap_or_else(|| value.to_owned())
}
