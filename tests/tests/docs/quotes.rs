//! Code that pages quote, and commands that they name.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use notify_tests::Run;

use crate::page::{Block, Content, Page};
use crate::root;

/// The target that a page makes; its files are those of `cargo xtask new-target`.
const MADE: &str = "ntfy";
const PLACEHOLDERS: [(&str, &str); 5] = [
    ("{{name}}", MADE),
    ("{{crate}}", "target_ntfy"),
    ("{{STATIC}}", "NTFY"),
    ("{{Type}}", "Ntfy"),
    ("{{Title}}", "Ntfy"),
];

/// Quoted lines that stand nowhere, and dependencies that are not there.
pub(crate) fn strangers(page: &Page) -> Vec<String> {
    let known = known_lines();
    let mut wrong = Vec::new();
    for block in &page.blocks {
        let strange: Vec<String> = match block.content() {
            Content::Rust => strange_code(block, &known),
            Content::Manifest => strange_dependencies(block),
            _ => Vec::new(),
        };
        wrong.extend(
            strange
                .into_iter()
                .map(|line| format!("{}:{}: {line}", page.path, block.line)),
        );
    }
    wrong
}

fn strange_code(block: &Block, known: &BTreeSet<String>) -> Vec<String> {
    let lines = block.lines.iter().map(|line| line.trim());
    let strange = lines.filter(|line| !line.is_empty() && !known.contains(*line));
    strange
        .map(|line| format!("`{line}` stands nowhere"))
        .collect()
}

/// The folders whose files pages quote: the scaffold, the program, a spool.
const QUOTED: [&str; 4] = [
    "xtask/src/new_target",
    "crates/notify-bin/src",
    "crates/spool-sqlite/src",
    "crates/spool-sqlite/tests",
];

/// The lines of what is quoted, of the scaffold as it is made for the page's target.
fn known_lines() -> BTreeSet<String> {
    let mut lines = BTreeSet::from([format!("use target_{MADE} as _;")]);
    for folder in QUOTED {
        let entries = std::fs::read_dir(root().join(folder)).expect("a folder");
        let paths = entries.map(|entry| entry.expect("a file").path());
        for path in paths.filter(|path| path.is_file()) {
            let text = std::fs::read_to_string(path).expect("a text");
            let filled = PLACEHOLDERS
                .iter()
                .fold(text, |text, (from, to)| text.replace(from, to));
            lines.extend(filled.lines().map(|line| line.trim().to_owned()));
        }
    }
    lines
}

/// `NAME = { path = "…/crates/NAME" }` names a crate of the workspace.
fn strange_dependencies(block: &Block) -> Vec<String> {
    let lines = block.lines.iter();
    let named = lines.filter_map(|line| {
        let (name, rest) = line.split_once(" = { path = \"")?;
        let (path, _) = rest.split_once('"')?;
        let (_, folder) = path.split_once("/crates/")?;
        Some((name, folder))
    });
    named
        .filter(|(name, folder)| name != folder || !is_crate(folder))
        .map(|(name, folder)| format!("`{name}` is not in crates/{folder}"))
        .collect()
}

fn is_crate(name: &str) -> bool {
    let places = [Path::new("crates").join(name), Path::new(name).to_owned()];
    places
        .iter()
        .any(|place| root().join(place).join("Cargo.toml").is_file())
}

/// The tasks of `cargo xtask`.
pub(crate) struct Tasks(String);

impl Tasks {
    /// What `cargo xtask help` lists.
    pub(crate) fn of_xtask() -> Self {
        let mut command = Command::new(env!("CARGO"));
        command
            .args(["run", "--quiet", "--package", "xtask", "--", "help"])
            .current_dir(root());
        Tasks(Run::of(command, b"").expect_code(0).stdout)
    }

    /// What is wrong with a command of cargo; nothing when it is none.
    pub(crate) fn unknown(&self, code: &str) -> Option<String> {
        let words: Vec<&str> = code.split_whitespace().collect();
        let package = |flag: &str| {
            let at = words.iter().position(|word| *word == flag)?;
            let name = words.get(at + 1)?;
            let is_made = *name == format!("target-{MADE}") || *name == "spool-NAME";
            (!is_made && !is_crate(name)).then(|| format!("no package `{name}`"))
        };
        match words[..] {
            ["cargo", "xtask"] => None,
            ["cargo", "xtask", task, ..] if !self.0.contains(&format!("\n  {task} ")) => {
                Some(format!("no task `{task}`"))
            }
            [
                "cargo",
                "xtask" | "run" | "test" | "build" | "bench" | "fmt" | "clippy" | "doc" | "check",
                ..,
            ]
            | ["cargo", "nextest", "run", ..] => package("-p").or_else(|| package("--package")),
            ["cargo", task, ..] => Some(format!("this test does not know `cargo {task}`")),
            _ => None,
        }
    }
}

/// What is wrong with a command of the program; nothing when it is none.
pub(crate) fn unknown_command(help: &str, code: &str) -> Option<String> {
    let mut words = code.strip_prefix("notify ")?.split_whitespace();
    let command = words.next()?;
    let known = command.starts_with('-') || help.contains(&format!("\n  {command} "));
    (!known).then(|| format!("no command `{command}`"))
}
