//! One file for each change that a user can see.

use super::Violation;
use super::tree::Tree;

const FOLDER: &str = "changelog.d/";
const KINDS: [&str; 4] = ["breaking", "security", "feature", "fix"];

/// A file of changelog.d/ is named `SLUG.KIND.md`.
pub(super) fn changelog(tree: &Tree) -> Vec<Violation> {
    tree.paths()
        .filter_map(|path| Some((path, path.strip_prefix(FOLDER)?)))
        .filter(|(_, name)| *name != "README.md" && !is_well_named(name))
        .map(|(path, _)| {
            let kinds = KINDS.join(", ");
            Violation::new(
                path,
                1,
                format!("not named SLUG.KIND.md with KIND one of {kinds}"),
            )
        })
        .collect()
}

fn is_well_named(name: &str) -> bool {
    let parts: Vec<_> = name.split('.').collect();
    match parts[..] {
        [slug, kind, "md"] => {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            !slug.is_empty() && slug.chars().all(plain) && KINDS.contains(&kind)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Tree, changelog};
    use crate::tidy::said;

    #[test]
    fn names_are_slug_and_kind() {
        for name in ["README.md", "a-b2.fix.md", "a.security.md"] {
            let tree = Tree::of(&[(&format!("changelog.d/{name}"), "")]);
            assert_eq!(said(changelog, &tree), [""; 0], "{name}");
        }
        for name in [
            "a.md",
            "a.other.md",
            ".fix.md",
            "A.fix.md",
            "a.b.fix.md",
            "a.fix.txt",
        ] {
            let path = format!("changelog.d/{name}");
            let expected = format!(
                "{path}:1: not named SLUG.KIND.md with KIND one of breaking, security, feature, fix"
            );
            assert_eq!(
                said(changelog, &Tree::of(&[(&path, "")])),
                [expected],
                "{name}"
            );
        }
    }
}
