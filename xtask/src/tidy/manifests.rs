//! What every manifest says.

use super::Violation;
use super::tree::Tree;

/// Every crate has the workspace's lints.
pub(super) fn workspace_lints(tree: &Tree) -> Vec<Violation> {
    manifests(tree)
        .filter(|(_, text)| !has_workspace_lints(text))
        .map(|(path, _)| Violation::new(path, 1, "lacks `[lints]` with `workspace = true`"))
        .collect()
}

/// Versions of libraries stand in the root manifest, so that there is one of each.
pub(super) fn root_versions(tree: &Tree) -> Vec<Violation> {
    manifests(tree)
        .flat_map(|(path, text)| {
            dependency_lines(text)
                .filter(|(_, line)| !line.contains("workspace = true") && !line.contains("path = "))
                .map(move |(number, line)| {
                    let name = line.split(['=', ' ']).next().unwrap_or(line);
                    Violation::new(&path, number, format!("`{name}` is not `workspace = true`"))
                })
        })
        .collect()
}

/// The manifests of all crates.
fn manifests(tree: &Tree) -> impl Iterator<Item = (String, &str)> {
    tree.packages.iter().filter_map(|package| {
        let path = format!("{}/Cargo.toml", package.folder);
        let text = tree.text(&path)?;
        Some((path, text))
    })
}

fn has_workspace_lints(text: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| *line != "[lints]").skip(1);
    lines
        .by_ref()
        .take_while(|line| !line.starts_with('['))
        .any(|line| line == "workspace = true")
}

/// The lines of the tables of dependencies, numbered from 1.
fn dependency_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.starts_with('[') {
            inside = line.trim_end().ends_with("dependencies]");
            return None;
        }
        let names = line.starts_with(|c: char| c.is_ascii_alphanumeric());
        (inside && names).then_some((index + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::{Tree, root_versions, workspace_lints};
    use crate::tidy::{Rule, said};

    fn check(rule: Rule, manifest: &str, expected: &[&str]) {
        let tree = Tree::of(&[("crates/a/Cargo.toml", manifest)]).with("a", &[]);
        assert_eq!(said(rule, &tree), expected, "{manifest}");
    }

    #[test]
    fn lints_come_from_the_workspace() {
        let missing = "crates/a/Cargo.toml:1: lacks `[lints]` with `workspace = true`";
        check(workspace_lints, "[lints]\nworkspace = true\n", &[]);
        check(workspace_lints, "[package]\n", &[missing]);
        check(
            workspace_lints,
            "[lints]\n[dependencies]\nworkspace = true\n",
            &[missing],
        );
    }

    #[test]
    fn versions_stand_in_the_root() {
        check(
            root_versions,
            "[package]\nversion = \"1\"\n[dependencies]\na.workspace = true\n\
             b = { path = \"../b\" }\nc = \"1\"\n[dev-dependencies]\nd = { version = \"1\" }\n",
            &[
                "crates/a/Cargo.toml:6: `c` is not `workspace = true`",
                "crates/a/Cargo.toml:8: `d` is not `workspace = true`",
            ],
        );
    }
}
