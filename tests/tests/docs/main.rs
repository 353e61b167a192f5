//! The documentation holds true: its commands run, its configurations are read, its quotes exist.

mod configuration;
mod page;
mod quotes;
mod receivers;
mod script;

use std::path::{Path, PathBuf};

use notify_tests::Notify;
use page::{Content, Page};
use receivers::Arrived;

/// What the commands of a page bring to the receivers. A page that sends stands here.
const ARRIVED: &[(&str, Arrived)] = &[
    (
        "README.md",
        Arrived {
            messages: 0,
            mails: 1,
            local_mails: 0,
        },
    ),
    (
        "docs/guide/backup-notification-mode.md",
        Arrived {
            messages: 0,
            mails: 0,
            local_mails: 1,
        },
    ),
    (
        "docs/guide/daemon.md",
        Arrived {
            messages: 0,
            mails: 0,
            local_mails: 2,
        },
    ),
    (
        "docs/guide/events.md",
        Arrived {
            messages: 0,
            mails: 0,
            local_mails: 4,
        },
    ),
    (
        "docs/guide/first-ten-minutes.md",
        Arrived {
            messages: 3,
            mails: 3,
            local_mails: 4,
        },
    ),
    (
        "docs/guide/system-mail.md",
        Arrived {
            messages: 0,
            mails: 0,
            local_mails: 1,
        },
    ),
    (
        "docs/guide/why-did-i-not-get-this.md",
        Arrived {
            messages: 0,
            mails: 0,
            local_mails: 1,
        },
    ),
];

fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the workspace is above its tests")
}

/// README.md, all of docs/, and the manuals of the targets.
fn pages() -> Vec<Page> {
    let mut paths = vec![root().join("README.md")];
    markdown_below(&root().join("docs"), &mut paths);
    let crates = std::fs::read_dir(root().join("crates")).expect("the crates");
    let manuals = crates.map(|entry| entry.expect("a crate").path().join("manual.md"));
    paths.extend(manuals.filter(|path| path.is_file()));
    paths.sort();
    paths.iter().map(|path| Page::read(root(), path)).collect()
}

fn markdown_below(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of pages") {
        let path = entry.expect("a page").path();
        if path.is_dir() {
            markdown_below(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
}

fn bad_json(lines: &[String]) -> impl Iterator<Item = String> {
    let parsed = lines
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line));
    parsed.filter_map(|value| value.err().map(|error| error.to_string()))
}

#[track_caller]
fn assert_none(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{} wrong:\n- {}",
        wrong.len(),
        wrong.join("\n- ")
    );
}

#[test]
fn every_block_is_of_a_known_kind() {
    let mut wrong = Vec::new();
    for page in pages() {
        for block in &page.blocks {
            let place = format!("{}:{}", page.path, block.line);
            match block.content() {
                Content::Unknown(reason) => wrong.push(format!("{place}: {reason}")),
                Content::Json => {
                    let bad = bad_json(&block.lines);
                    wrong.extend(bad.map(|error| format!("{place}: {error}")));
                }
                _ => {}
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_command_does_what_its_page_says() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in pages() {
        let commands = script::commands(&page);
        if commands.is_empty() {
            continue;
        }
        let (differences, arrived) = script::run(&page);
        wrong.extend(differences);
        let expected = ARRIVED.iter().find(|(path, _)| *path == page.path);
        seen += usize::from(expected.is_some());
        let nothing = Arrived::default();
        let expected = expected.map_or(&nothing, |(_, expected)| expected);
        if arrived != *expected {
            let path = page.path;
            wrong.push(format!("{path}: {arrived:?} arrived, not {expected:?}"));
        }
    }
    assert_none(&wrong);
    assert_eq!(seen, ARRIVED.len(), "every page that sends was run");
}

#[test]
fn every_configuration_is_good() {
    let wrong: Vec<String> = pages().iter().flat_map(configuration::faults).collect();
    assert_none(&wrong);
}

#[test]
fn every_shape_has_the_properties_of_its_type() {
    let mut shapes = 0;
    let mut wrong = Vec::new();
    for page in pages() {
        for block in &page.blocks {
            if let Content::Shape(kind) = block.content() {
                shapes += 1;
                let place = format!("{}:{}", page.path, block.line);
                wrong.extend(
                    configuration::misshapen(kind, block).map(|fault| format!("{place}: {fault}")),
                );
            }
        }
    }
    assert_none(&wrong);
    assert!(
        shapes >= 3,
        "each target's manual has a shape, and {shapes} were found"
    );
}

#[test]
fn every_quoted_line_stands_in_the_workspace() {
    let wrong: Vec<String> = pages().iter().flat_map(quotes::strangers).collect();
    assert_none(&wrong);
}

#[test]
fn every_command_that_is_named_exists() {
    let tasks = quotes::Tasks::of_xtask();
    let commands = Notify::new().run(&["--help"]).expect_code(0).stdout;
    let mut wrong = Vec::new();
    for page in pages() {
        let shown = script::commands(&page)
            .into_iter()
            .map(|shown| (shown.line, shown.text));
        for (line, code) in shown.chain(page.inline) {
            let reason = tasks
                .unknown(&code)
                .or_else(|| quotes::unknown_command(&commands, &code));
            wrong.extend(reason.map(|reason| format!("{}:{line}: `{code}`: {reason}", page.path)));
        }
    }
    assert_none(&wrong);
}
