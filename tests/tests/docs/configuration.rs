//! The configurations that pages show, and the shapes of sections.

use std::collections::{BTreeMap, BTreeSet};

use notify_tests::Notify;

use crate::page::{Block, Content, Page};

/// The users of the examples, unless a page brings its own.
const USERS: &str = "user:root@pam:1:0:::root@example.com:::\n";

/// Flags of `target add` that are no property.
const OTHER_FLAGS: [&str; 4] = ["config-dir", "digest", "help", "not-for-pve"];

/// What `check` finds in the files under each heading, but for what an example may leave out.
pub(crate) fn faults(page: &Page) -> Vec<String> {
    let mut folders: BTreeMap<usize, Vec<(&str, &Block)>> = BTreeMap::new();
    for block in &page.blocks {
        if let Content::File(file) = block.content() {
            folders
                .entry(block.section)
                .or_default()
                .push((file, block));
        }
    }
    folders
        .into_values()
        .flat_map(|files| faults_of(page, &files))
        .collect()
}

fn faults_of(page: &Page, files: &[(&str, &Block)]) -> Vec<String> {
    let mut texts = BTreeMap::from([("user.cfg", USERS.to_owned())]);
    for (file, block) in files {
        texts
            .entry(*file)
            .or_default()
            .push_str(&format!("{}\n", block.text()));
    }
    let notify = texts.iter().fold(Notify::new(), |notify, (file, text)| {
        notify.file(file, text)
    });
    let found = notify.run(&["check", "--json"]).json();
    let found = found.as_array().expect("a list of faults");
    let line = files.first().map_or(0, |(_, block)| block.line);
    found
        .iter()
        .filter(|fault| !may_be(fault["message"].as_str().unwrap_or_default()))
        .map(|fault| format!("{}:{line}: {fault}", page.path))
        .collect()
}

/// An example shows a target without its matcher, or a matcher without its target.
fn may_be(message: &str) -> bool {
    message.starts_with("there is no target `") || message == "no matcher reaches this target"
}

/// Properties of a type that a shape lacks, and lines of it that are none.
pub(crate) fn misshapen(kind: &str, block: &Block) -> impl Iterator<Item = String> {
    let shown: BTreeSet<String> = block
        .lines
        .iter()
        .filter_map(|line| line.strip_prefix('\t')?.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    let known = properties(kind);
    let lacking: Vec<_> = known
        .difference(&shown)
        .map(|name| format!("lacks `{name}`"))
        .collect();
    let wrong: Vec<_> = shown
        .difference(&known)
        .map(|name| format!("`{name}` is no property"))
        .collect();
    lacking.into_iter().chain(wrong)
}

/// The names of a type's properties, from the flags that set them.
fn properties(kind: &str) -> BTreeSet<String> {
    let words: &[&str] = match kind {
        "matcher" => &["matcher", "add", "--help"],
        target => &["target", "add", target, "--help"],
    };
    let help = Notify::new().run(words).expect_code(0).stdout;
    let (own, _) = help
        .split_once("Global options")
        .expect("the global options come last");
    own.lines()
        .filter_map(|line| {
            line.trim_start()
                .trim_start_matches("-h, ")
                .strip_prefix("--")
        })
        .filter_map(|flag| {
            let mut words = flag.split_whitespace();
            let (name, value) = (words.next()?, words.next());
            // A secret is read from a file: `--password-file <FILE>`; what is base64 may be plain.
            let stem = match value {
                Some("<FILE>" | "<NAME=FILE>") => name.strip_suffix("-file"),
                Some("<TEXT>" | "<NAME=TEXT>") => name.strip_suffix("-text"),
                _ => None,
            };
            Some(stem.unwrap_or(name))
        })
        .filter(|name| !OTHER_FLAGS.contains(name))
        .map(str::to_owned)
        .collect()
}
