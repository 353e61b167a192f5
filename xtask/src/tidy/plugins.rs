//! What every plugin has, and where the program names it.

use super::Violation;
use super::tokens::{Piece, Tokens};
use super::tree::Tree;

const TARGET_FILES: [&str; 6] = [
    "src/lib.rs",
    "src/config.rs",
    "src/request.rs",
    "src/deliver.rs",
    "manual.md",
    "tests/laws.rs",
];

const PROGRAM: &str = "notify-bin";

/// Every target crate has the same files, so who has read one has read all.
pub(super) fn plugin_files(tree: &Tree) -> Vec<Violation> {
    let targets = tree
        .packages
        .iter()
        .filter(|package| package.name.starts_with("target-"));
    let wanted = targets.flat_map(|package| {
        TARGET_FILES.map(|file| (package, format!("{}/{file}", package.folder)))
    });
    wanted
        .filter(|(_, path)| !tree.has(path))
        .map(|(package, path)| Violation::new(path, 1, format!("{} lacks it", package.name)))
        .collect()
}

const LAWS: &str = "tests/laws.rs";

/// What `notify_testkit::spool` asks of a spool.
const SPOOL_LAWS: [&str; 2] = ["check", "survives_kill"];

/// The law suite runs for every type that a target or a spool crate registers.
pub(super) fn plugin_laws(tree: &Tree) -> Vec<Violation> {
    let lacking = tree.sources().flat_map(|source| {
        let path = format!("{}/{LAWS}", source.folder);
        let laws = Tokens::of(tree.text(&path).unwrap_or_default());
        let code = tree.code(source);
        let missing = if source.folder.starts_with("crates/target-") {
            target_laws(&code, &laws)
        } else if source.folder.starts_with("crates/spool-") {
            spool_laws(&code, &laws)
        } else {
            Vec::new()
        };
        let missing = missing.into_iter();
        missing.map(move |what| Violation::new(path.clone(), 1, format!("lacks `{what}`")))
    });
    lacking.collect()
}

/// What the laws of a target lack.
fn target_laws(code: &Tokens<'_>, laws: &Tokens<'_>) -> Vec<String> {
    let checked = words_after(laws, &["laws", ":", ":", "check", "(", "&"]);
    let registered = words_after(code, &["register_target", "!", "("]).into_iter();
    let unchecked = registered.filter(|name| !checked.contains(name));
    unchecked
        .map(|name| format!("laws::check(&{name}, ...)"))
        .collect()
}

/// What the laws of a spool lack.
fn spool_laws(code: &Tokens<'_>, laws: &Tokens<'_>) -> Vec<String> {
    let Some(name) = words_after(code, &["register_spool", "!", "("]).pop() else {
        return Vec::new();
    };
    let calls = SPOOL_LAWS.into_iter();
    let mut missing: Vec<_> = calls
        .filter(|law| words_after(laws, &[law, "(", "&"]).is_empty())
        .map(|law| format!("{law}(&...)"))
        .collect();
    let mut words = laws.as_slice().iter().map(|token| token.piece);
    if !words.any(|piece| matches!(piece, Piece::Word(word) if word == name)) {
        missing.push(name.to_owned());
    }
    missing
}

/// The words that follow these words and marks; the last of a path.
fn words_after<'a>(tokens: &Tokens<'a>, start: &[&str]) -> Vec<&'a str> {
    let pieces: Vec<Piece<'a>> = tokens.as_slice().iter().map(|token| token.piece).collect();
    let begins = pieces.windows(start.len()).enumerate();
    let ends = begins.filter(|(_, window)| {
        let mut pairs = window.iter().zip(start);
        pairs.all(|(piece, wanted)| match piece {
            Piece::Word(word) => word == wanted,
            Piece::Mark(mark) => wanted.chars().eq([*mark]),
            _ => false,
        })
    });
    ends.filter_map(|(at, _)| {
        let path = pieces[at + start.len()..]
            .iter()
            .take_while(|piece| matches!(piece, Piece::Word(_) | Piece::Mark(':')));
        path.filter_map(|piece| match piece {
            Piece::Word(word) => Some(*word),
            _ => None,
        })
        .last()
    })
    .collect()
}

/// The program links a plugin only when it names it, and says so only while it has no tests.
pub(super) fn plugin_use(tree: &Tree) -> Vec<Violation> {
    let Some(program) = tree.package(PROGRAM) else {
        return Vec::new();
    };
    let uses = format!("{}/src/targets.rs", program.folder);
    let manifest = format!("{}/Cargo.toml", program.folder);
    let mut found = Vec::new();
    for (_, plugin) in tree.plugins() {
        if !names_line(tree, &uses, &use_line(&plugin.name)) {
            let message = format!("lacks `{}`", use_line(&plugin.name));
            found.push(Violation::new(&uses, 1, message));
        }
        let mut linked = program.dependencies.iter();
        if !linked.any(|dependency| dependency.name == plugin.name) {
            let message = format!("lacks the dependency {}", plugin.name);
            found.push(Violation::new(&manifest, 1, message));
        }
    }
    found.extend(unsorted(tree, &uses));
    found.extend(guard(tree, &program.folder));
    found
}

/// The line that links a plugin.
pub(crate) fn use_line(package: &str) -> String {
    format!("use {} as _;", package.replace('-', "_"))
}

fn names_line(tree: &Tree, path: &str, wanted: &str) -> bool {
    tree.text(path)
        .is_some_and(|text| text.lines().any(|line| line == wanted))
}

fn unsorted(tree: &Tree, uses: &str) -> Option<Violation> {
    let lines: Vec<_> = tree
        .text(uses)?
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with("use "))
        .collect();
    let (index, line) = lines
        .windows(2)
        .find(|pair| pair[0].1 > pair[1].1)
        .map(|pair| pair[1])?;
    Some(Violation::new(
        uses,
        index + 1,
        format!("`{line}` is not in order"),
    ))
}

/// The lint that turns a forgotten `use` into a compile error, and nothing that blunts it.
fn guard(tree: &Tree, folder: &str) -> Vec<Violation> {
    let main = format!("{folder}/src/main.rs");
    let mut found = Vec::new();
    if !names_line(tree, &main, "#![deny(unused_crate_dependencies)]") {
        let message = "lacks `#![deny(unused_crate_dependencies)]`";
        found.push(Violation::new(main, 1, message));
    }
    let tests = format!("{folder}/tests");
    if tree.has(&tests) {
        let message = "notify-bin has no tests; put them into tests/";
        found.push(Violation::new(tests, 1, message));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{TARGET_FILES, Tree, plugin_files, plugin_laws, plugin_use};
    use crate::tidy::said;
    use crate::workspace::Need::Normal;

    const MAIN: &str = "#![deny(unused_crate_dependencies)]\n";

    fn program(uses: &str, main: &str, linked: &[&str]) -> Tree {
        let needs: Vec<_> = linked.iter().map(|name| (*name, Normal)).collect();
        Tree::of(&[
            ("crates/notify-bin/src/targets.rs", uses),
            ("crates/notify-bin/src/main.rs", main),
        ])
        .with("notify-bin", &needs)
        .with("target-a", &[])
        .with("spool-b", &[])
    }

    #[test]
    fn a_target_crate_has_all_files() {
        let all = TARGET_FILES.map(|file| (format!("crates/target-a/{file}"), ""));
        let whole: Vec<_> = all
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
            .collect();
        let tree = |files: &[_]| Tree::of(files).with("target-a", &[]).with("spool-b", &[]);
        assert_eq!(said(plugin_files, &tree(&whole)), [""; 0]);
        assert_eq!(
            said(plugin_files, &tree(&whole[..5])),
            ["crates/target-a/tests/laws.rs:1: target-a lacks it"]
        );
    }

    #[test]
    fn every_registered_type_is_under_the_laws() {
        let check = |lib: &str, laws: &str, expected: &[&str]| {
            let tree = Tree::of(&[
                ("crates/target-a/src/lib.rs", lib),
                ("crates/target-a/tests/laws.rs", laws),
                // The registry's own documentation registers a type too.
                ("crates/notify-core/src/lib.rs", "register_target!(NULL);"),
            ]);
            assert_eq!(said(plugin_laws, &tree), expected, "{lib} {laws}");
        };
        let lacks = |name: &str| {
            format!("crates/target-a/tests/laws.rs:1: lacks `laws::check(&{name}, ...)`")
        };
        let lib = "notify_core::register_target!(crate::A);";
        check(lib, "laws::check(&A, &Peer).await", &[]);
        check(lib, "laws::check(&target_a::A, &Peer)", &[]);
        check(lib, "// laws::check(&A, &Peer)", &[&lacks("A")]);
        check(lib, "laws::examine(&A, &Peer)", &[&lacks("A")]);
        let both = "register_target!(A); register_target!(B);";
        check(both, "laws::check(&A, &Peer)", &[&lacks("B")]);
    }

    #[test]
    fn every_registered_spool_is_under_the_laws() {
        let check = |laws: &str, expected: &[&str]| {
            let tree = Tree::of(&[
                ("crates/spool-b/src/lib.rs", "register_spool!(B);"),
                ("crates/spool-b/tests/laws.rs", laws),
            ]);
            assert_eq!(said(plugin_laws, &tree), expected, "{laws}");
        };
        let lacks = |what: &str| format!("crates/spool-b/tests/laws.rs:1: lacks `{what}`");
        let whole = "use b::B; check(&subject()).await; survives_kill(&subject(), 1).await;";
        check(whole, &[]);
        check(
            &whole.replace("check(", "examine("),
            &[&lacks("check(&...)")],
        );
        check(
            &whole.replace("survives_kill", "// "),
            &[&lacks("survives_kill(&...)")],
        );
        check(&whole.replace("use b::B;", ""), &[&lacks("B")]);
    }

    #[test]
    fn every_plugin_is_named_in_both_files() {
        let uses = "use spool_b as _;\nuse target_a as _;\n";
        let linked = ["target-a", "spool-b"];
        assert_eq!(said(plugin_use, &program(uses, MAIN, &linked)), [""; 0]);
        assert_eq!(
            said(
                plugin_use,
                &program(
                    "// use target_a as _;\nuse spool_b as _;\n",
                    MAIN,
                    &["spool-b"]
                )
            ),
            [
                "crates/notify-bin/Cargo.toml:1: lacks the dependency target-a",
                "crates/notify-bin/src/targets.rs:1: lacks `use target_a as _;`",
            ]
        );
    }

    #[test]
    fn the_uses_are_sorted() {
        let uses = "use target_a as _;\nuse spool_b as _;\n";
        assert_eq!(
            said(plugin_use, &program(uses, MAIN, &["target-a", "spool-b"])),
            ["crates/notify-bin/src/targets.rs:2: `use spool_b as _;` is not in order"]
        );
    }

    #[test]
    fn the_guard_stays() {
        let uses = "use spool_b as _;\nuse target_a as _;\n";
        assert_eq!(
            said(
                plugin_use,
                &program(uses, "fn main() {}\n", &["target-a", "spool-b"])
            ),
            ["crates/notify-bin/src/main.rs:1: lacks `#![deny(unused_crate_dependencies)]`"]
        );
        let tested = Tree::of(&[
            ("crates/notify-bin/src/main.rs", MAIN),
            ("crates/notify-bin/tests/a.rs", ""),
        ]);
        assert_eq!(
            said(plugin_use, &tested.with("notify-bin", &[])),
            ["crates/notify-bin/tests:1: notify-bin has no tests; put them into tests/"]
        );
    }
}
