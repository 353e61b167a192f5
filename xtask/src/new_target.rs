//! A new target crate that compiles, delivers and is tested.
//!
//! The files of the crate stand in `new_target/`, with `{{name}}` and the like
//! where the name belongs. The scaffold delivers a line of JSON over TCP, so
//! that whoever replaces that sees each part at work.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::Task;
use crate::failed::{Failed, Outcome};
use crate::tidy::use_line;
use crate::workspace::{Workspace, cargo};

mod outside;

pub(crate) const TASK: Task = Task {
    name: "new-target",
    arguments: "NAME [--outside DIR]",
    summary: "Makes a target crate that passes its tests",
    details: "\
Makes crates/target-NAME with all files that a target has, and names it in the two files that
link it: crates/notify-bin/Cargo.toml and crates/notify-bin/src/targets.rs. Nothing else changes.
With --outside it makes a workspace in DIR instead, with the target and with a program that has it,
and changes nothing here.
NAME is the section type: lower-case letters, digits and `-`, beginning with a letter.

The new target sends a line of JSON over TCP and reads a line as answer. Its tests pass; replace the
parts in the order that is printed at the end. docs/adding-a-target.md explains each of them.

examples:
  cargo xtask new-target ntfy
  cargo xtask new-target ntfy --outside ../my-notify",
    run,
};

/// The files of the crate, with their templates.
const FILES: [(&str, &str); 7] = [
    ("Cargo.toml", include_str!("new_target/Cargo.toml.in")),
    ("manual.md", include_str!("new_target/manual.md.in")),
    ("src/config.rs", include_str!("new_target/config.rs.in")),
    ("src/deliver.rs", include_str!("new_target/deliver.rs.in")),
    ("src/lib.rs", include_str!("new_target/lib.rs.in")),
    ("src/request.rs", include_str!("new_target/request.rs.in")),
    ("tests/laws.rs", include_str!("new_target/laws.rs.in")),
];

/// Section types that are no targets, and words of the command line beside a target's name.
const TAKEN: [&str; 14] = [
    "add",
    "all",
    "daemon",
    "filter",
    "group",
    "help",
    "list",
    "local",
    "matcher",
    "message",
    "spool",
    "system-mail",
    "target",
    "test",
];

const PROGRAM_MANIFEST: &str = "crates/notify-bin/Cargo.toml";
const PROGRAM_USES: &str = "crates/notify-bin/src/targets.rs";

fn run(arguments: &[String]) -> Outcome<ExitCode> {
    let workspace = Workspace::read()?;
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [name] if !name.starts_with('-') => inside(name, &workspace)?,
        [name, "--outside", folder] | ["--outside", folder, name] => {
            outside::make(name, folder, &workspace)?;
        }
        _ => {
            let reason = "new-target takes one name; see `cargo xtask help new-target`";
            return Err(Failed::new(reason));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A crate of this workspace.
fn inside(name: &str, workspace: &Workspace) -> Outcome {
    check_name(name)?;
    check_free(name, workspace)?;
    let package = format!("target-{name}");
    // Both are made before anything is written, so that a refusal leaves nothing behind.
    let manifest = linked(
        &workspace.root.join(PROGRAM_MANIFEST),
        &dependency_line(&package),
    )?;
    let uses = linked(&workspace.root.join(PROGRAM_USES), &use_line(&package))?;
    write_crate(&workspace.root.join("crates").join(&package), name)?;
    write(&workspace.root.join(PROGRAM_MANIFEST), &manifest)?;
    write(&workspace.root.join(PROGRAM_USES), &uses)?;
    format(&workspace.root, &package);
    print!("{}", next_steps(&package));
    Ok(())
}

fn check_name(name: &str) -> Outcome {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let parts_are_words = name.split('-').all(|part| !part.is_empty());
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts || !parts_are_words || !name.chars().all(plain) {
        let wanted = "lower-case letters, digits and single `-`, beginning with a letter";
        return Err(Failed::new(format!(
            "a section type is {wanted}, not `{name}`"
        )));
    }
    if TAKEN.contains(&name) {
        return Err(Failed::new(format!(
            "a section type may not have the name `{name}`"
        )));
    }
    Ok(())
}

fn check_free(name: &str, workspace: &Workspace) -> Outcome {
    let package = format!("target-{name}");
    let folder = workspace.root.join("crates").join(&package);
    let known = workspace.packages.iter().any(|known| known.name == package);
    if known || folder.exists() {
        return Err(Failed::at(&folder, "is there already"));
    }
    Ok(())
}

fn write_crate(folder: &Path, name: &str) -> Outcome {
    for (file, template) in FILES {
        let path = folder.join(file);
        let parent = path.parent().expect("a file has a folder");
        fs::create_dir_all(parent).map_err(|error| Failed::at(parent, error))?;
        write(&path, &filled(template, name))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| Failed::at(path, error))
}

/// Breaks lines where the name made them too long.
fn format(root: &Path, package: &str) {
    let formatted = cargo()
        .current_dir(root)
        .args(["fmt", "--package", package])
        .status();
    if !formatted.is_ok_and(|status| status.success()) {
        eprintln!("note: run `cargo fmt --package {package}` where rustfmt is installed");
    }
}

/// A template with the name in all its forms.
fn filled(template: &str, name: &str) -> String {
    let words = || name.split('-');
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let joined = |by: &str| words().map(capital).collect::<Vec<_>>().join(by);
    template
        .replace("{{name}}", name)
        .replace("{{crate}}", &format!("target_{}", name.replace('-', "_")))
        .replace("{{STATIC}}", &name.replace('-', "_").to_uppercase())
        .replace("{{Type}}", &joined(""))
        .replace("{{Title}}", &joined(" "))
}

fn dependency_line(package: &str) -> String {
    format!("{package} = {{ path = \"../{package}\" }}")
}

/// A file of notify-bin with one more line among those of its kind.
fn linked(path: &Path, line: &str) -> Outcome<String> {
    let text = fs::read_to_string(path).map_err(|error| Failed::at(path, error))?;
    with_line(&text, line)
        .ok_or_else(|| Failed::at(path, "names no target to put the new one beside"))
}

/// The text with a line added, in order, to the block of lines that begin as it does.
fn with_line(text: &str, line: &str) -> Option<String> {
    let start = &line[..line.find("target")? + "target".len()];
    let lines: Vec<_> = text.lines().collect();
    let is_kin = |other: &&str| other.starts_with(start);
    let first = lines.iter().position(is_kin)?;
    let kin = lines[first..].iter().take_while(|other| is_kin(other));
    let before = kin.take_while(|other| **other < line).count();
    let (above, below) = lines.split_at(first + before);
    Some([above, &[line], below].concat().join("\n") + "\n")
}

fn next_steps(package: &str) -> String {
    let replaced = replaced("");
    format!(
        "crates/{package} is linked into the program and passes its tests:
  cargo test -p {package}
  cargo run -- --version --verbose

{replaced}then: cargo xtask tidy, and a file in changelog.d/
"
    )
}

/// The parts of a scaffold, in the order in which they are made one's own.
fn replaced(folder: &str) -> String {
    format!(
        "what to replace, in this order:
  {folder}src/config.rs    the properties of src/lib.rs in types; each is declared once
  {folder}src/request.rs   what goes over the wire, without any input or output
  {folder}src/deliver.rs   one attempt, and what each failure means
  {folder}tests/laws.rs    the far side that the laws run against
  {folder}manual.md        what an administrator reads
"
    )
}

#[cfg(test)]
mod tests {
    use super::{FILES, check_name, filled, with_line};

    #[test]
    fn a_name_is_a_section_type() {
        for name in ["ntfy", "a", "ms-teams", "x2"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in [
            "", "Ntfy", "2x", "-a", "a-", "a--b", "a_b", "ä", "a b", "../a", "matcher", "spool",
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn no_placeholder_is_left() {
        for (file, template) in FILES {
            let text = filled(template, "ms-teams");
            assert!(!text.contains("{{") || !text.contains("}}"), "{file}");
        }
        let all = "{{name}} {{crate}} {{STATIC}} {{Type}} {{Title}}";
        assert_eq!(
            filled(all, "ms-teams"),
            "ms-teams target_ms_teams MS_TEAMS MsTeams Ms Teams"
        );
    }

    #[test]
    fn a_line_goes_where_it_belongs() {
        let text = "a\n\nuse target_b as _;\nuse target_d as _;\nz\n";
        for (name, expected) in [
            (
                "a",
                "a\n\nuse target_a as _;\nuse target_b as _;\nuse target_d as _;\nz\n",
            ),
            (
                "c",
                "a\n\nuse target_b as _;\nuse target_c as _;\nuse target_d as _;\nz\n",
            ),
            (
                "e",
                "a\n\nuse target_b as _;\nuse target_d as _;\nuse target_e as _;\nz\n",
            ),
        ] {
            let line = format!("use target_{name} as _;");
            assert_eq!(with_line(text, &line).as_deref(), Some(expected));
        }
        assert_eq!(with_line("a\n", "use target_a as _;"), None);
    }
}
