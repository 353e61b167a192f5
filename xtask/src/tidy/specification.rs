//! The page that goes through the specification names a test for each thing that can be shown.

use super::Violation;
use super::tree::Tree;

/// The page.
const PAGE: &str = "docs/reference/specification.md";

/// What the last cell of a row may be beside a test.
const WORDS: [&str; 3] = ["descriptive", "later: permissions", "later: page"];

/// Each row of the page's tables ends with a test that is there, a word that
/// says why there is none, or `superseded: ` and the reason.
pub(super) fn specification(tree: &Tree) -> Vec<Violation> {
    let Some(text) = tree.text(PAGE) else {
        return Vec::new();
    };
    let mut violations = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some(shown) = last_cell(line) else {
            continue;
        };
        if let Some(reason) = unfit(tree, shown) {
            violations.push(Violation::new(PAGE, index + 1, reason));
        }
    }
    violations
}

/// The last cell of a row of a table; none for what is no row, for headings and rules.
fn last_cell(line: &str) -> Option<&str> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let (_, cell) = row.rsplit_once('|')?;
    let cell = cell.trim();
    let is_rule = cell.chars().all(|c| matches!(c, '-' | ':' | ' '));
    (!is_rule && cell != "shown by").then_some(cell)
}

fn unfit(tree: &Tree, cell: &str) -> Option<String> {
    if WORDS.contains(&cell) {
        return None;
    }
    if let Some(reason) = cell.strip_prefix("superseded") {
        let reason = reason.strip_prefix(": ").unwrap_or_default();
        return reason
            .trim()
            .is_empty()
            .then(|| "`superseded` without a reason".to_owned());
    }
    let named = cell
        .strip_prefix('`')
        .and_then(|rest| rest.strip_suffix('`'))
        .and_then(|name| name.split_once("::"));
    let Some((path, name)) = named else {
        return Some(format!(
            "`{cell}` is neither `path::test` nor one of {}, superseded: REASON",
            WORDS.join(", ")
        ));
    };
    match tree.text(path) {
        None => Some(format!("there is no file `{path}`")),
        Some(source) if has_test(source, name) => None,
        Some(_) => Some(format!("`{path}` has no test `{name}`")),
    }
}

/// Whether a file has a function of this name with an attribute that makes it a test.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let declares = |line: &str| {
        line.split_once("fn ")
            .and_then(|(_, rest)| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with(['(', '<']))
    };
    lines.iter().enumerate().any(|(at, line)| {
        let above = lines[..at].iter().rev();
        declares(line)
            && above
                .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
                .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

#[cfg(test)]
mod tests {
    use super::{PAGE, specification};
    use crate::tidy::said;
    use crate::tidy::tree::Tree;

    const TESTS: &str = "\
#[test]
fn plain() {}
#[tokio::test]
// A comment.
#[expect(dead_code, reason = \"x\")]
async fn with_a_runtime() {}
fn helper() {}
proptest! {
    #[test]
    fn a_law(x in 0..1) {}
}
";

    fn check(cell: &str, expected: &str) {
        let page = format!("# Title\n| it says | shown by |\n|---|---|\n| a thing | {cell} |\n");
        let tree = Tree::of(&[(PAGE, &page), ("tests/tests/a.rs", TESTS)]);
        let found = said(specification, &tree).join("\n");
        let wanted = match expected {
            "" => String::new(),
            reason => format!("{PAGE}:4: {reason}"),
        };
        assert_eq!(found, wanted, "{cell}");
    }

    #[test]
    fn a_row_names_a_test_that_is_there_or_says_why_not() {
        for good in [
            "`tests/tests/a.rs::plain`",
            "`tests/tests/a.rs::with_a_runtime`",
            "`tests/tests/a.rs::a_law`",
            "descriptive",
            "superseded: another way is better",
            "later: page",
        ] {
            check(good, "");
        }
    }

    #[test]
    fn any_other_row_is_a_violation() {
        check(
            "`tests/tests/b.rs::plain`",
            "there is no file `tests/tests/b.rs`",
        );
        check(
            "`tests/tests/a.rs::helper`",
            "`tests/tests/a.rs` has no test `helper`",
        );
        check(
            "`tests/tests/a.rs::plai`",
            "`tests/tests/a.rs` has no test `plai`",
        );
        check("superseded", "`superseded` without a reason");
        check(
            "later",
            "`later` is neither `path::test` nor one of descriptive, later: permissions, later: page, superseded: REASON",
        );
    }
}
