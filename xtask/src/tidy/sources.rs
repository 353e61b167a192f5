//! What every source file keeps to.

use super::Violation;
use super::tokens::{Piece, Token, Tokens};
use super::tree::Tree;

const EMPTY_NAMES: [&str; 6] = ["utils", "util", "common", "helpers", "helper", "misc"];

const LONGEST_FILE: usize = 800;

/// A module's name says what it holds.
pub(super) fn module_names(tree: &Tree) -> Vec<Violation> {
    tree.paths()
        .filter(|path| path.ends_with(".rs"))
        .filter_map(|path| {
            let mut parts = path.trim_end_matches(".rs").split('/');
            let name = parts.find(|part| EMPTY_NAMES.contains(part))?;
            Some(Violation::new(
                path,
                1,
                format!("`{name}` says nothing; name the idea"),
            ))
        })
        .collect()
}

/// A source file begins with what it is for.
pub(super) fn module_doc(tree: &Tree) -> Vec<Violation> {
    tree.sources()
        .filter(|source| !source.text.starts_with("//!"))
        .map(|source| Violation::new(source.path, 1, "the first line does not begin with `//!`"))
        .collect()
}

/// A file that nobody wants to read is split.
pub(super) fn file_length(tree: &Tree) -> Vec<Violation> {
    tree.sources()
        .filter_map(|source| {
            let lines = tree.code(source).lines_of_code();
            let message =
                format!("{lines} lines of code are over {LONGEST_FILE}; split it by idea");
            (lines > LONGEST_FILE).then(|| Violation::new(source.path, 1, message))
        })
        .collect()
}

/// Exceptions say why and go when their reason goes; tests always run.
pub(super) fn attributes(tree: &Tree) -> Vec<Violation> {
    tree.texts()
        .filter(|(path, _)| path.ends_with(".rs"))
        .flat_map(|(path, text)| {
            let tokens = Tokens::of(text);
            let bad = tokens.attributes().filter_map(|inner| {
                let message = refused(inner)?;
                Some(Violation::new(path, inner[0].line, message))
            });
            bad.collect::<Vec<_>>()
        })
        .collect()
}

fn refused(inner: &[Token<'_>]) -> Option<&'static str> {
    let has = |word| inner.iter().any(|token| token.piece == Piece::Word(word));
    match inner.first()?.piece {
        Piece::Word("allow") if !has("reason") => {
            Some("`allow` without its reason; `expect` with one is better still")
        }
        Piece::Word("ignore") => Some("a test that never runs shows nothing"),
        Piece::Word("expect") if !has("reason") => Some("`expect` without its reason"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_FILE, Tree, attributes, file_length, module_doc, module_names};
    use crate::tidy::{Rule, said};

    fn check(rule: Rule, path: &str, source: &str, expected: &[&str]) {
        let tree = Tree::of(&[(path, source)]);
        assert_eq!(said(rule, &tree), expected, "{path}: {source}");
    }

    #[test]
    fn empty_names_are_refused() {
        let refused =
            |path: &str, name: &str| format!("{path}:1: `{name}` says nothing; name the idea");
        for (path, name) in [
            ("a/src/utils.rs", "utils"),
            ("a/src/common/mod.rs", "common"),
            ("tests/tests/misc.rs", "misc"),
        ] {
            check(module_names, path, "", &[&refused(path, name)]);
        }
        check(module_names, "a/src/uncommon.rs", "", &[]);
        check(module_names, "docs/misc/a.md", "", &[]);
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        check(module_doc, "crates/a/src/b.rs", "//! B.\n", &[]);
        check(module_doc, "crates/a/tests/b.rs", "fn b() {}\n", &[]);
        check(
            module_doc,
            "crates/a/src/b.rs",
            "\n//! B.\n",
            &["crates/a/src/b.rs:1: the first line does not begin with `//!`"],
        );
    }

    #[test]
    fn long_files_are_found_and_tests_do_not_count() {
        let path = "crates/a/src/b.rs";
        let full = "a();\n// b\n".repeat(LONGEST_FILE);
        check(
            file_length,
            path,
            &format!("{full}#[cfg(test)]\nmod t {{\n x\n}}\n"),
            &[],
        );
        check(
            file_length,
            path,
            &format!("{full}b();\n"),
            &["crates/a/src/b.rs:1: 801 lines of code are over 800; split it by idea"],
        );
    }

    #[test]
    fn exceptions_have_a_reason() {
        let path = "a/tests/b.rs";
        check(
            attributes,
            path,
            "#[expect(dead_code, reason = \"x\")] #[test] fn a() {}",
            &[],
        );
        check(attributes, path, "// #[allow(x)]\n\"#[ignore]\"", &[]);
        for (source, message) in [
            (
                "#![allow(dead_code)]",
                "`allow` without its reason; `expect` with one is better still",
            ),
            (
                "#[test] #[ignore] fn a() {}",
                "a test that never runs shows nothing",
            ),
            ("#[expect(dead_code)]", "`expect` without its reason"),
        ] {
            check(attributes, path, source, &[&format!("{path}:1: {message}")]);
        }
    }
}
