//! Words that bind a text to one machine.

use super::Violation;
use super::tree::{Tree, line_of};

/// Roots of developers' and builders' folders, never of a path that a user has.
const MACHINE_PATHS: [&str; 3] = [
    concat!("/wo", "rk/"),
    concat!("/root", "/.cargo"),
    concat!("/home", "/runner/"),
];

const REGISTRY_HOSTS: [&str; 5] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("npmjs", ".org"),
    concat!("deb.debian", ".org"),
    concat!("proxy.golang", ".org"),
];

/// No file names a path of one machine.
pub(super) fn machine_paths(tree: &Tree) -> Vec<Violation> {
    naming(
        tree,
        &MACHINE_PATHS,
        "is a path of one machine; say it relative to the repository",
    )
}

/// Registries are named by their kind, as "the crate registry": a mirror has another host.
pub(super) fn registry_hosts(tree: &Tree) -> Vec<Violation> {
    naming(
        tree,
        &REGISTRY_HOSTS,
        "is the host of a registry; name its kind",
    )
}

fn naming(tree: &Tree, words: &[&str], reason: &str) -> Vec<Violation> {
    tree.texts()
        // Cargo writes it, and names the registry's index.
        .filter(|(path, _)| !path.ends_with("Cargo.lock"))
        .flat_map(|(path, text)| {
            words.iter().flat_map(move |word| {
                let places = text.match_indices(word);
                places.map(move |(at, _)| {
                    Violation::new(path, line_of(text, at), format!("`{word}` {reason}"))
                })
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{MACHINE_PATHS, REGISTRY_HOSTS, Tree, machine_paths, registry_hosts};
    use crate::tidy::said;

    #[test]
    fn machine_paths_are_found_in_any_file() {
        for word in MACHINE_PATHS {
            let text = format!("a\nsee {word}x");
            let tree = Tree::of(&[
                ("docs/a.md", &text),
                ("docs/b.md", "network/a work/ /worker"),
            ]);
            assert_eq!(
                said(machine_paths, &tree),
                [format!(
                    "docs/a.md:2: `{word}` is a path of one machine; say it relative to the repository"
                )]
            );
        }
    }

    #[test]
    fn hosts_are_found_outside_of_the_lock() {
        for host in REGISTRY_HOSTS {
            let text = format!("https://{host}/a");
            let tree = Tree::of(&[
                ("a/b.rs", &text),
                ("Cargo.lock", &text),
                ("fuzz/Cargo.lock", &text),
            ]);
            assert_eq!(
                said(registry_hosts, &tree),
                [format!(
                    "a/b.rs:1: `{host}` is the host of a registry; name its kind"
                )]
            );
        }
    }
}
