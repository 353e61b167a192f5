//! Who may depend on whom.

use super::Violation;
use super::tree::Tree;
use crate::workspace::{Dependency, Need, Package};

/// A crate, or a family of crates (`target-*`), and what it may use.
struct Layer {
    name: &'static str,
    uses: &'static [&'static str],
    /// What its tests, examples and benches may use beyond that.
    tests_use: &'static [&'static str],
}

const TESTKIT: &[&str] = &["notify-testkit"];

const fn layer(name: &'static str, uses: &'static [&'static str]) -> Layer {
    let tests_use = TESTKIT;
    Layer {
        name,
        uses,
        tests_use,
    }
}

/// As `layer`, with what its tests use said.
const fn tested(
    name: &'static str,
    uses: &'static [&'static str],
    tests_use: &'static [&'static str],
) -> Layer {
    Layer {
        name,
        uses,
        tests_use,
    }
}

/// As `layer`, but its tests use no more than it does itself.
const fn plain(name: &'static str, uses: &'static [&'static str]) -> Layer {
    let tests_use = &[];
    Layer {
        name,
        uses,
        tests_use,
    }
}

/// From the bottom to the top: a crate uses only crates that stand above its line here.
#[rustfmt::skip]
const LAYERS: [Layer; 22] = [
    // Their own tests would see two of them through the testkit.
    plain("notify-schema",  &[]),
    plain("notify-core",    &["notify-schema"]),
    plain("notify-testkit", &["notify-schema", "notify-core"]),

    layer("notify-config",  &["notify-schema"]),
    layer("notify-docs",    &["notify-schema"]),
    layer("notify-match",   &["notify-schema", "notify-core"]),
    layer("notify-render",  &["notify-schema", "notify-core"]),
    layer("notify-mail",    &["notify-schema", "notify-core"]),
    layer("notify-tls",     &["notify-schema", "notify-core"]),
    layer("notify-http",    &["notify-schema", "notify-core", "notify-tls"]),
    layer("notify-host",    &["notify-schema", "notify-core", "notify-config"]),
    layer("notify-drop",    &["notify-schema", "notify-core"]),
    layer("notify-access",  &["notify-schema", "notify-core", "notify-config"]),
    // Its tests render the templates that it brings.
    tested("notify-events", &["notify-schema", "notify-core", "notify-config"], &["notify-testkit", "notify-render"]),
    layer("target-*",       &["notify-schema", "notify-core", "notify-mail", "notify-tls", "notify-http"]),
    layer("spool-*",        &["notify-schema", "notify-core"]),

    layer("notify-bus",     &["notify-schema", "notify-core", "notify-config", "notify-match", "notify-render"]),
    layer("notify-api",     &["notify-schema", "notify-core", "notify-config", "notify-match", "notify-render",
                                 "notify-bus", "notify-docs", "notify-access", "notify-events"]),
    layer("notify-app",     &["notify-schema", "notify-core", "notify-config", "notify-match", "notify-render",
                                 "notify-mail", "notify-tls", "notify-http", "notify-host", "notify-drop",
                                 "notify-access", "notify-events", "notify-docs", "notify-bus", "notify-api", "notify-testkit"]),
    plain("notify-bin",     &["notify-app", "target-*", "spool-*"]),
    plain("notify-tests",   &["notify-*", "target-*", "spool-*"]),

    plain("xtask",          &[]),
];

/// Who may depend on whom.
pub(super) fn layers(tree: &Tree) -> Vec<Violation> {
    tree.packages
        .iter()
        .flat_map(|package| match layer_of(&package.name) {
            Some(layer) => arrows(tree, package, layer),
            None => vec![unknown(package)],
        })
        .collect()
}

fn unknown(package: &Package) -> Violation {
    Violation::new(
        manifest(package),
        1,
        format!("{} has no layer in xtask/src/tidy/layers.rs", package.name),
    )
}

/// The forbidden arrows of one crate.
fn arrows(tree: &Tree, package: &Package, layer: &Layer) -> Vec<Violation> {
    let ours = |dependency: &&Dependency| tree.package(&dependency.name).is_some();
    package
        .dependencies
        .iter()
        .filter(ours)
        .filter_map(|dependency| {
            let reason = refused(layer, dependency)?;
            let line = line_naming(tree, package, dependency);
            let message = format!("{} {reason} {}", package.name, dependency.name);
            Some(Violation::new(manifest(package), line, message))
        })
        .collect()
}

fn refused(layer: &Layer, dependency: &Dependency) -> Option<&'static str> {
    let name = &dependency.name;
    let is_testkit = name == "notify-testkit";
    match dependency.need {
        Need::Normal if !allowed(layer.uses, name) => Some("may not depend on"),
        Need::Normal if is_testkit && !dependency.optional && layer.name != "notify-tests" => {
            Some("may have only behind a feature")
        }
        Need::Dev if !allowed(layer.uses, name) && !allowed(layer.tests_use, name) => {
            Some("may not depend in its tests on")
        }
        _ => None,
    }
}

fn allowed(list: &[&str], name: &str) -> bool {
    list.iter().any(|pattern| fits(pattern, name))
}

/// An exact name is found before a family.
fn layer_of(name: &str) -> Option<&'static Layer> {
    let exact = LAYERS.iter().find(|layer| layer.name == name);
    exact.or_else(|| LAYERS.iter().find(|layer| fits(layer.name, name)))
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

fn manifest(package: &Package) -> String {
    format!("{}/Cargo.toml", package.folder)
}

/// The line of the manifest that names a dependency, in the right table; 1 when it is not found.
fn line_naming(tree: &Tree, package: &Package, dependency: &Dependency) -> usize {
    let text = tree.text(&manifest(package)).unwrap_or_default();
    let wants_dev = dependency.need == Need::Dev;
    let mut in_dev = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            in_dev = line.contains("dev-dependencies");
        }
        let named = line.split(['=', '.', ' ']).next() == Some(&dependency.name);
        if named && in_dev == wants_dev {
            return index + 1;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::{LAYERS, Tree, fits, layers};
    use crate::tidy::said;
    use crate::workspace::Need::{self, Dev, Normal};

    /// A tree with all that is named, and one crate under test.
    fn check(name: &str, needs: &[(&str, Need)], expected: &[&str]) {
        let known = needs.iter().map(|(known, _)| *known);
        let tree = known
            .filter(|known| *known != name)
            .fold(Tree::default().with(name, needs), |tree, known| {
                tree.with(known, &[])
            });
        assert_eq!(said(layers, &tree), expected);
    }

    #[test]
    fn arrows_go_down() {
        check(
            "notify-match",
            &[("notify-core", Normal), ("notify-testkit", Dev)],
            &[],
        );
        check(
            "target-smtp",
            &[
                ("notify-core", Normal),
                ("notify-mail", Normal),
                ("notify-tls", Normal),
            ],
            &[],
        );
        check(
            "notify-bin",
            &[("notify-app", Normal), ("target-smtp", Normal)],
            &[],
        );
        check(
            "notify-tests",
            &[("notify-app", Dev), ("target-smtp", Dev)],
            &[],
        );
    }

    #[test]
    fn no_arrow_goes_up() {
        check(
            "notify-schema",
            &[("notify-core", Normal)],
            &["crates/notify-schema/Cargo.toml:1: notify-schema may not depend on notify-core"],
        );
        check(
            "notify-core",
            &[("notify-testkit", Dev)],
            &[
                "crates/notify-core/Cargo.toml:1: notify-core may not depend in its tests on notify-testkit",
            ],
        );
    }

    #[test]
    fn a_target_uses_no_target_and_no_machinery() {
        for forbidden in [
            "target-gotify",
            "notify-config",
            "notify-match",
            "notify-bus",
            "notify-api",
        ] {
            let expected = format!(
                "crates/target-smtp/Cargo.toml:1: target-smtp may not depend on {forbidden}"
            );
            check("target-smtp", &[(forbidden, Normal)], &[&expected]);
        }
    }

    #[test]
    fn only_the_program_and_its_tests_use_plugins() {
        for (name, need, verb) in [
            ("notify-app", Normal, "depend on"),
            ("notify-app", Dev, "depend in its tests on"),
            ("notify-testkit", Dev, "depend in its tests on"),
            ("xtask", Normal, "depend on"),
        ] {
            let expected =
                format!("crates/{name}/Cargo.toml:1: {name} may not {verb} spool-sqlite");
            check(name, &[("spool-sqlite", need)], &[&expected]);
        }
    }

    #[test]
    fn the_program_has_no_tests_that_would_hide_a_missing_use() {
        check(
            "notify-bin",
            &[("notify-testkit", Dev)],
            &[
                "crates/notify-bin/Cargo.toml:1: notify-bin may not depend in its tests on notify-testkit",
            ],
        );
    }

    #[test]
    fn the_testkit_is_shipped_only_behind_a_feature() {
        check(
            "notify-app",
            &[("notify-testkit", Normal)],
            &[
                "crates/notify-app/Cargo.toml:1: notify-app may have only behind a feature notify-testkit",
            ],
        );
    }

    #[test]
    fn a_new_crate_needs_a_layer() {
        check(
            "notify-new",
            &[],
            &[
                "crates/notify-new/Cargo.toml:1: notify-new has no layer in xtask/src/tidy/layers.rs",
            ],
        );
    }

    #[test]
    fn the_line_of_the_dependency_is_named() {
        let manifest = "[dependencies]\nserde.workspace = true\n[dev-dependencies]\nnotify-bus = { path = \"\" }\n";
        let tree = Tree::of(&[("crates/notify-mail/Cargo.toml", manifest)])
            .with("notify-mail", &[("notify-bus", Dev)])
            .with("notify-bus", &[]);
        assert_eq!(
            said(layers, &tree),
            [
                "crates/notify-mail/Cargo.toml:4: notify-mail may not depend in its tests on notify-bus"
            ]
        );
    }

    #[test]
    fn the_table_itself_has_no_arrow_upwards() {
        for (index, layer) in LAYERS.iter().enumerate() {
            let lower = |used: &str| LAYERS[..index].iter().any(|below| below.name == used);
            let used = layer.uses.iter().chain(layer.tests_use);
            for used in used.filter(|used| **used != "notify-*") {
                assert!(lower(used), "{} -> {used}", layer.name);
            }
        }
        assert!(fits("target-*", "target-x") && !fits("target-*", "notify-x"));
    }
}
