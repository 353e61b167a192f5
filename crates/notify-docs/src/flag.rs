//! The help of a flag.

use notify_schema::Property;

use crate::wording::{expected, presence};

/// The help of a property's flag: what it does, what is expected, what holds without it, an example.
///
/// One paragraph that ends with a full stop. A secret has no example.
pub fn flag_help(property: &Property) -> String {
    let mut facts = vec![expected(property), presence(property, str::to_owned)];
    if !property.example.is_empty() && !property.is_secret() {
        facts.push(format!("for example {}", property.example));
    }
    if !property.in_pve {
        facts.push("not known to Proxmox VE".to_owned());
    }
    facts.retain(|fact| !fact.is_empty());
    format!("{} {}.", property.doc, facts.join("; "))
}
