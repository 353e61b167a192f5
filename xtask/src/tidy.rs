//! The rules of the house that no compiler checks.
//!
//! A rule looks at a [`Tree`] and gives back every place that breaks it. All
//! rules always run, so that one run names all there is to do.

use std::process::ExitCode;

use crate::Task;
use crate::failed::{Failed, Outcome};
use crate::workspace::Workspace;

mod changelog;
mod layers;
mod links;
mod lock;
mod manifests;
mod names;
mod plugins;
mod purity;
mod sources;
mod specification;
mod tokens;
mod tree;
mod words;

use tree::Tree;

pub(crate) use plugins::use_line;

pub(crate) const TASK: Task = Task {
    name: "tidy",
    arguments: "",
    summary: "Checks the rules of the house",
    details: "\
Prints each broken rule as `path:line: rule: message` and fails when there is one.
It reads manifests, sources and Markdown of all files that git has or may get; it builds nothing.
docs/architecture.md says what each layer is for.

rules:
  layers           who may depend on whom; the table is in xtask/src/tidy/layers.rs
  plugin-files     a target crate has all of its six files
  plugin-laws      the law suite runs for each type that a target or a spool registers
  plugin-use       notify-bin names each plugin in targets.rs, and has no tests that would hide one
  plugin-names     no string of another crate is the name of a plugin
  purity           notify-schema and notify-core open no file, no socket, and ask no clock;
                   time zone data in notify-core's zone.rs apart
  one-version      Cargo.lock has notify-core and inventory once
  one-tls          Cargo.lock has no TLS but rustls with ring
  workspace-lints  each crate has the workspace's lints
  root-versions    versions of libraries stand in the root manifest
  module-names     no utils, common, helpers or misc
  module-doc       a source file begins with `//!`
  file-length      at most 800 lines of code in a file, tests not counted
  attributes       each #[expect] and #[allow] has its reason, and there is no #[ignore]
  machine-paths    no path of one developer's machine
  registry-hosts   registries are named by their kind, not by their host
  links            relative links and anchors in Markdown lead somewhere
  specification    each row of docs/reference/specification.md names a test that exists, or why not
  changelog        files in changelog.d/ are named SLUG.KIND.md",
    run,
};

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    path: String,
    line: usize,
    message: String,
}

impl Violation {
    /// `line` counts from 1.
    fn new(path: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Violation {
            path: path.into(),
            line,
            message: message.into(),
        }
    }
}

type Rule = fn(&Tree) -> Vec<Violation>;

const RULES: [(&str, Rule); 19] = [
    ("layers", layers::layers),
    ("plugin-files", plugins::plugin_files),
    ("plugin-laws", plugins::plugin_laws),
    ("plugin-use", plugins::plugin_use),
    ("plugin-names", names::plugin_names),
    ("purity", purity::purity),
    ("one-version", lock::one_version),
    ("one-tls", lock::one_tls),
    ("workspace-lints", manifests::workspace_lints),
    ("root-versions", manifests::root_versions),
    ("module-names", sources::module_names),
    ("module-doc", sources::module_doc),
    ("file-length", sources::file_length),
    ("attributes", sources::attributes),
    ("machine-paths", words::machine_paths),
    ("registry-hosts", words::registry_hosts),
    ("links", links::links),
    ("specification", specification::specification),
    ("changelog", changelog::changelog),
];

fn run(arguments: &[String]) -> Outcome<ExitCode> {
    if let Some(word) = arguments.first() {
        return Err(Failed::new(format!("tidy takes no argument, not `{word}`")));
    }
    let tree = Tree::read(&Workspace::read()?)?;
    let report = report(&tree);
    for line in &report {
        println!("{line}");
    }
    match report.len() {
        0 => println!("tidy: {} files, {} rules kept", tree.len(), RULES.len()),
        broken => println!("tidy: {broken} to mend"),
    }
    Ok(ExitCode::from(u8::from(!report.is_empty())))
}

/// A line for each violation, by path and line.
fn report(tree: &Tree) -> Vec<String> {
    let mut found: Vec<_> = RULES
        .iter()
        .flat_map(|(name, rule)| rule(tree).into_iter().map(move |one| (one, *name)))
        .collect();
    found.sort();
    found
        .into_iter()
        .map(|(one, name)| format!("{}:{}: {name}: {}", one.path, one.line, one.message))
        .collect()
}

/// What one rule says of a tree, as `path:line: message`.
#[cfg(test)]
fn said(rule: Rule, tree: &Tree) -> Vec<String> {
    let mut found = rule(tree);
    found.sort();
    found
        .into_iter()
        .map(|one| format!("{}:{}: {}", one.path, one.line, one.message))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{RULES, TASK, Tree, report};

    #[test]
    fn every_rule_is_explained() {
        for (name, _) in RULES {
            assert!(TASK.details.contains(&format!("\n  {name} ")), "{name}");
        }
    }

    #[test]
    fn all_violations_are_reported_at_once_by_place() {
        let tree = Tree::of(&[
            ("crates/a/src/utils.rs", "fn a() {}\n"),
            ("changelog.d/x.md", "x\n"),
        ]);
        assert_eq!(
            report(&tree),
            [
                "changelog.d/x.md:1: changelog: not named SLUG.KIND.md with KIND one of breaking, \
                 security, feature, fix",
                "crates/a/src/utils.rs:1: module-names: `utils` says nothing; name the idea",
                "crates/a/src/utils.rs:1: module-doc: the first line does not begin with `//!`",
            ]
        );
    }
}
