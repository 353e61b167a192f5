//! What the rules look at: the files and the crates of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::tokens::{Tokens, tested_modules};
use crate::failed::{Failed, Outcome};
use crate::workspace::{Package, Workspace};

/// The workspace's files, by path relative to the root, and its crates.
#[derive(Debug, Default)]
pub(super) struct Tree {
    paths: BTreeSet<String>,
    texts: BTreeMap<String, String>,
    /// Sorted by name.
    pub(super) packages: Vec<Package>,
}

/// A Rust file of a crate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
    /// The crate's folder, as `crates/notify-core`.
    pub(super) folder: &'a str,
}

impl Tree {
    /// Reads all files. One that is not UTF-8 is known by its path only.
    pub(super) fn read(workspace: &Workspace) -> Outcome<Self> {
        let mut tree = Tree {
            packages: workspace.packages.clone(),
            ..Tree::default()
        };
        for path in workspace.files()? {
            let absolute = workspace.root.join(&path);
            let bytes = fs::read(&absolute).map_err(|error| Failed::at(&absolute, error))?;
            if let Ok(text) = String::from_utf8(bytes) {
                tree.texts.insert(path.clone(), text);
            }
            tree.paths.insert(path);
        }
        Ok(tree)
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether a file or a folder is there; the root is `""`.
    pub(super) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.paths.contains(path)
            || self
                .paths
                .range(folder.clone()..)
                .next()
                .is_some_and(|next| next.starts_with(&folder))
    }

    /// All paths, sorted.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// The text of a file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// All texts with their paths, sorted by path.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The crate of this name.
    pub(super) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// The crates that `notify-bin` can link: targets and spools.
    pub(super) fn plugins(&self) -> impl Iterator<Item = (&str, &Package)> {
        self.packages.iter().filter_map(|package| {
            let name = package.name.strip_prefix("target-");
            let name = name.or_else(|| package.name.strip_prefix("spool-"));
            name.map(|name| (name, package))
        })
    }

    /// The Rust files below the `src` folders of all crates.
    pub(super) fn sources(&self) -> impl Iterator<Item = Source<'_>> {
        self.texts().filter_map(|(path, text)| {
            let (folder, file) = path.split_once("/src/")?;
            file.ends_with(".rs")
                .then_some(Source { path, text, folder })
        })
    }

    /// The tokens of a source file without its tests; none for a file that is all tests.
    pub(super) fn code<'a>(&'a self, source: Source<'a>) -> Tokens<'a> {
        if self.is_test_module(source.path) {
            return Tokens::default();
        }
        Tokens::of(source.text).without_tests()
    }

    /// Whether some file says `#[cfg(test)] mod NAME;` and means this one.
    fn is_test_module(&self, path: &str) -> bool {
        let parents = path.match_indices('/').map(|(end, _)| &path[..end]);
        parents
            .filter(|folder| folder.contains("/src"))
            .any(|folder| {
                let below = path[folder.len() + 1..].trim_end_matches(".rs");
                let module = below.split('/').next().unwrap_or(below);
                let owners = [
                    format!("{folder}.rs"),
                    format!("{folder}/mod.rs"),
                    format!("{folder}/lib.rs"),
                    format!("{folder}/main.rs"),
                ];
                owners
                    .iter()
                    .filter_map(|owner| self.text(owner))
                    .any(|text| tested_modules(text).any(|name| name == module))
            })
    }
}

/// The 1-based line of a byte offset.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text[..offset].matches('\n').count()
}

#[cfg(test)]
mod building {
    use super::Tree;
    use crate::workspace::{Dependency, Need, Package};

    impl Tree {
        /// A tree of these files and no crate.
        pub(in super::super) fn of(files: &[(&str, &str)]) -> Self {
            let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
            Tree {
                paths: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
                texts: files.iter().map(owned).collect(),
                packages: Vec::new(),
            }
        }

        /// With a crate in `crates/` that needs these.
        pub(in super::super) fn with(mut self, name: &str, needs: &[(&str, Need)]) -> Self {
            let dependencies = needs.iter().map(|(name, need)| Dependency {
                name: (*name).to_owned(),
                need: *need,
                optional: false,
            });
            self.packages.push(Package {
                name: name.to_owned(),
                folder: format!("crates/{name}"),
                dependencies: dependencies.collect(),
                benches: Vec::new(),
            });
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Tree, line_of};

    #[test]
    fn folders_are_there_when_a_file_is() {
        let tree = Tree::of(&[("docs/a.md", ""), ("docs2", "")]);
        for (path, there) in [
            ("", true),
            ("docs", true),
            ("docs/a.md", true),
            ("doc", false),
            ("docs/a", false),
            ("docs2", true),
        ] {
            assert_eq!(tree.has(path), there, "{path}");
        }
    }

    #[test]
    fn a_file_declared_as_test_module_is_a_test() {
        let tree = Tree::of(&[
            ("a/src/lib.rs", "#[cfg(test)]\nmod tests;\nmod b;\n"),
            ("a/src/b.rs", "#[cfg(test)] mod cases;"),
            ("a/src/tests.rs", "x"),
            ("a/src/tests/more.rs", "x"),
            ("a/src/b/cases.rs", "x"),
            ("a/src/b/other.rs", "x"),
        ]);
        let is_test = |path| tree.is_test_module(path);
        for path in ["a/src/tests.rs", "a/src/tests/more.rs", "a/src/b/cases.rs"] {
            assert!(is_test(path), "{path}");
        }
        for path in ["a/src/b.rs", "a/src/b/other.rs", "a/src/lib.rs"] {
            assert!(!is_test(path), "{path}");
        }
    }

    #[test]
    fn lines_count_from_one() {
        assert_eq!((line_of("a\nb", 0), line_of("a\nb", 2)), (1, 2));
    }
}
