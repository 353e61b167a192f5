//! What Cargo.lock may hold: one registry of plugins, one implementation of TLS.

use super::Violation;
use super::tree::Tree;

/// Of these a second version would be a second, empty registry.
const ONCE: [&str; 2] = ["notify-core", "inventory"];

/// TLS is rustls with ring. A second implementation doubles the program and its CVEs.
const OTHER_TLS: [&str; 5] = [
    "aws-lc-sys",
    "boring-sys",
    "native-tls",
    "openssl",
    "openssl-sys",
];

/// Cargo.lock has one version of notify-core and of inventory.
pub(super) fn one_version(tree: &Tree) -> Vec<Violation> {
    let lock = tree.text("Cargo.lock").unwrap_or_default();
    ONCE.iter()
        .filter_map(|name| {
            let line = lines_naming(lock, name).nth(1)?;
            let message =
                format!("{name} is there twice; plugins of one would not be seen by the other");
            Some(Violation::new("Cargo.lock", line, message))
        })
        .collect()
}

/// Cargo.lock has no TLS but rustls with ring.
pub(super) fn one_tls(tree: &Tree) -> Vec<Violation> {
    let lock = tree.text("Cargo.lock").unwrap_or_default();
    OTHER_TLS
        .iter()
        .filter_map(|name| {
            let line = lines_naming(lock, name).next()?;
            let message = format!("{name} is a second TLS; turn off the feature that brings it");
            Some(Violation::new("Cargo.lock", line, message))
        })
        .collect()
}

/// The lines, from 1, on which an entry of this name begins.
fn lines_naming(lock: &str, name: &str) -> impl Iterator<Item = usize> {
    let wanted = format!("name = \"{name}\"");
    let lines = lock.lines().enumerate();
    lines.filter_map(move |(index, line)| (line == wanted).then_some(index + 1))
}

#[cfg(test)]
mod tests {
    use super::{Tree, one_tls, one_version};
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

    #[test]
    fn a_second_tls_is_found() {
        let check = |lock: &str| said(one_tls, &Tree::of(&[("Cargo.lock", lock)]));
        assert_eq!(check("name = \"ring\"\nname = \"rustls\"\n"), [""; 0]);
        assert_eq!(
            check("[[package]]\nname = \"aws-lc-sys\"\n"),
            ["Cargo.lock:2: aws-lc-sys is a second TLS; turn off the feature that brings it"]
        );
    }
}
