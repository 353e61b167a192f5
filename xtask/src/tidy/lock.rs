//! One version of what plugins register with.

use super::Violation;
use super::tree::Tree;

/// Of these a second version would be a second, empty registry.
const ONCE: [&str; 2] = ["notify-core", "inventory"];

/// Cargo.lock has one version of notify-core and of inventory.
pub(super) fn one_version(tree: &Tree) -> Vec<Violation> {
    let lock = tree.text("Cargo.lock").unwrap_or_default();
    ONCE.iter()
        .filter_map(|name| {
            let wanted = format!("name = \"{name}\"");
            let places = lock.lines().enumerate().filter(|(_, line)| *line == wanted);
            let (index, _) = places.into_iter().nth(1)?;
            let message =
                format!("{name} is there twice; plugins of one would not be seen by the other");
            Some(Violation::new("Cargo.lock", index + 1, message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Tree, one_version};
    use crate::tidy::said;

    #[test]
    fn a_second_registry_is_found() {
        let one = "[[package]]\nname = \"inventory\"\nversion = \"0.3.1\"\n";
        let other = "[[package]]\nname = \"serde\"\n[[package]]\nname = \"serde\"\n";
        let check = |lock: &str| said(one_version, &Tree::of(&[("Cargo.lock", lock)]));
        assert_eq!(check(&format!("{one}{other}")), [""; 0]);
        assert_eq!(
            check(&format!("{one}{other}{one}")),
            [
                "Cargo.lock:9: inventory is there twice; plugins of one would not be seen by the other"
            ]
        );
    }
}
