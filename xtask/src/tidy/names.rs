//! No code outside of a plugin knows the plugin's name.

use super::Violation;
use super::tree::{Source, Tree};

/// Where a name may stand as data: the demo's configuration, and what only tests see.
const AS_DATA: [&str; 4] = [
    "crates/notify-app/src/demo.rs",
    "crates/notify-app/src/demo/",
    "crates/notify-testkit/",
    "tests/",
];

/// No string of a crate is the name of a plugin that the crate is not.
///
/// Whoever branches on a name has to be changed for each new plugin. What the
/// core must know of a target it asks of the target's type.
pub(super) fn plugin_names(tree: &Tree) -> Vec<Violation> {
    tree.sources()
        .filter(|source| !AS_DATA.iter().any(|start| source.path.starts_with(start)))
        .flat_map(|source| named_in(tree, source))
        .collect()
}

fn named_in(tree: &Tree, source: Source<'_>) -> Vec<Violation> {
    let foreign: Vec<_> = tree
        .plugins()
        .filter(|(_, plugin)| plugin.folder != source.folder)
        .map(|(name, _)| name)
        .collect();
    let code = tree.code(source);
    code.strings()
        .filter_map(|(line, text)| {
            let name = foreign.iter().find(|name| is_name(text, name))?;
            let message =
                format!("`{name}` is the name of a plugin; ask the plugin's type instead");
            Some(Violation::new(source.path, line, message))
        })
        .collect()
}

/// `smtp`, also as `smtp:` or with blanks around.
fn is_name(text: &str, name: &str) -> bool {
    text.trim_matches([' ', ':']) == name
}

#[cfg(test)]
mod tests {
    use super::{Tree, plugin_names};
    use crate::tidy::said;

    fn check(path: &str, source: &str, expected: &[&str]) {
        let tree = Tree::of(&[(path, source)])
            .with("target-smtp", &[])
            .with("spool-sqlite", &[]);
        assert_eq!(said(plugin_names, &tree), expected, "{source}");
    }

    #[test]
    fn nobody_branches_on_a_plugins_name() {
        let message = "`smtp` is the name of a plugin; ask the plugin's type instead";
        let expected = format!("crates/notify-bus/src/a.rs:2: {message}");
        for source in [
            "\nif kind == \"smtp\" {}",
            "\nx.starts_with(\"smtp: \")",
            "\n\"sqlite2\" r#\"smtp\"#",
        ] {
            check("crates/notify-bus/src/a.rs", source, &[&expected]);
        }
    }

    #[test]
    fn a_name_may_stand_where_it_is_data() {
        for source in [
            "// \"smtp\"",
            "/// \"smtp\"\nfn a() {}",
            "#[cfg(test)] mod t { const A: &str = \"smtp\"; }",
            "\"smtp relay\"",
        ] {
            check("crates/notify-bus/src/a.rs", source, &[]);
        }
        for path in [
            "crates/target-smtp/src/lib.rs",
            "crates/notify-app/src/demo/config.rs",
            "crates/notify-testkit/src/laws.rs",
            "crates/notify-bus/tests/a.rs",
            "tests/src/lib.rs",
        ] {
            check(path, "\"smtp\"", &[]);
        }
    }

    #[test]
    fn a_plugin_does_not_know_another_one() {
        let message = "`smtp` is the name of a plugin; ask the plugin's type instead";
        check(
            "crates/target-other/src/lib.rs",
            "\"smtp\"",
            &[&format!("crates/target-other/src/lib.rs:1: {message}")],
        );
    }
}
