//! Sections made of the properties' examples.

use std::fmt::Write as _;

use notify_schema::{Kind, Presence, Property, Schema};

/// A section for `notifications.cfg`, in the form in which Proxmox VE writes it.
///
/// It holds each public property that Proxmox VE knows with its example, keys
/// sorted. Switches with a default, as `disable`, are left out: with them the
/// example would do nothing. Secrets and properties of our own stand in other
/// files; see [`example_overlay`].
pub fn example_section(kind: &str, name: &str, schema: &Schema) -> String {
    section(kind, name, schema, |property| property.in_pve)
}

/// The section for `notify.cfg` that adds the properties which Proxmox VE does
/// not know; none when there are none.
pub fn example_overlay(kind: &str, name: &str, schema: &Schema) -> Option<String> {
    let has_own = schema
        .properties()
        .iter()
        .any(|property| !property.in_pve && is_shown(property));
    has_own.then(|| section(kind, name, schema, |property| !property.in_pve))
}

fn section(kind: &str, name: &str, schema: &Schema, of_file: fn(&Property) -> bool) -> String {
    let mut shown: Vec<_> = schema
        .properties()
        .iter()
        .filter(|property| of_file(property) && is_shown(property))
        .collect();
    shown.sort_by_key(|property| property.name);
    let mut section = format!("{kind}: {name}\n");
    for property in shown {
        let value = property.kind.normalized(property.example);
        let value = value.unwrap_or_else(|_| property.example.to_owned());
        let _ = writeln!(section, "\t{} {value}", property.name);
    }
    section
}

fn is_shown(property: &Property) -> bool {
    let is_switch = matches!(
        (property.kind, property.presence),
        (Kind::Boolean, Presence::Default(_))
    );
    !property.is_secret() && !property.example.is_empty() && !is_switch
}
