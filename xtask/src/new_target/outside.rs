//! A workspace of its own for a target, and a program that links it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{FILES, check_name, filled, format, write};
use crate::failed::{Failed, Outcome};
use crate::workspace::Workspace;

const PROGRAM: [(&str, &str); 2] = [
    ("Cargo.toml", include_str!("program.toml.in")),
    ("src/main.rs", include_str!("program.rs.in")),
];

const CONFIGURATION: &str = include_str!("notifications.cfg.in");

/// Tables of our own manifest that the new one has too, word for word.
const SHARED: [&str; 6] = [
    "[workspace.package]",
    "[workspace.lints.rust]",
    "[workspace.lints.clippy]",
    "[workspace.lints.rustdoc]",
    "[profile.dev]",
    "[profile.dev.package]",
];

/// Makes the workspace in a folder that is not there, or empty.
pub(super) fn make(name: &str, folder: &str, ours: &Workspace) -> Outcome {
    check_name(name)?;
    let root = place(Path::new(folder))?;
    check_free(&root, &ours.root)?;
    let manifest = fs::read_to_string(ours.root.join("Cargo.toml"))
        .map_err(|error| Failed::at(&ours.root.join("Cargo.toml"), error))?;
    let crates = ours.root.join("crates");
    for (path, text) in files(name, &manifest, &crates) {
        let path = root.join(path);
        let parent = path.parent().expect("a file has a folder");
        fs::create_dir_all(parent).map_err(|error| Failed::at(parent, error))?;
        write(&path, &text)?;
    }
    // The versions that are known to work, and no registry is asked for others.
    let lock = root.join("Cargo.lock");
    fs::copy(ours.root.join("Cargo.lock"), &lock).map_err(|error| Failed::at(&lock, error))?;
    format(&root, &format!("target-{name}"));
    print!("{}", next_steps(name, folder));
    Ok(())
}

/// The folder without `..` and links; it need not be there, but the one above must.
fn place(folder: &Path) -> Outcome<PathBuf> {
    let failed = |error| Failed::at(folder, error);
    let Some(name) = folder.file_name().filter(|_| !folder.exists()) else {
        return folder.canonicalize().map_err(failed);
    };
    // `new` alone has the empty path above it.
    let absolute = std::path::absolute(folder).map_err(failed)?;
    let above = absolute.parent().unwrap_or(Path::new("/"));
    Ok(above.canonicalize().map_err(failed)?.join(name))
}

fn check_free(root: &Path, ours: &Path) -> Outcome {
    if root.starts_with(ours) {
        let reason = "lies in this workspace; without --outside the target becomes a part of it";
        return Err(Failed::at(root, reason));
    }
    match fs::read_dir(root).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(Failed::at(root, "is not empty")),
        _ => Ok(()),
    }
}

fn files(name: &str, ours: &str, crates: &Path) -> Vec<(PathBuf, String)> {
    let target = PathBuf::from(format!("target-{name}"));
    let program = PathBuf::from(format!("notify-with-{name}"));
    // `../notify-core` leads out of the new workspace and into ours.
    let crates = crates.display().to_string();
    let placed =
        |text: &str| filled(text, name).replace("\"../notify-", &format!("\"{crates}/notify-"));
    let of_target = FILES
        .iter()
        .map(|(file, text)| (target.join(file), placed(text)));
    let of_program = PROGRAM.iter().map(|(file, text)| {
        let text = placed(text).replace("{{crates}}", &crates);
        (program.join(file), text)
    });
    let of_root = [
        ("Cargo.toml", manifest(name, ours)),
        (".gitignore", "/target\n".to_owned()),
        ("etc/notifications.cfg", placed(CONFIGURATION)),
    ];
    let of_root = of_root.map(|(file, text)| (PathBuf::from(file), text));
    of_target.chain(of_program).chain(of_root).collect()
}

/// What the crates take from their workspace: the same as from ours.
fn manifest(name: &str, ours: &str) -> String {
    let head = filled(include_str!("workspace.toml.in"), name);
    let (_, scaffold) = FILES[0];
    let is_used = |line: &&str| {
        let library = line.split([' ', '.', '=']).next().unwrap_or_default();
        let mut used = scaffold.lines();
        used.any(|used| used.split([' ', '.', '=']).next() == Some(library))
    };
    let versions: Vec<&str> = table(ours, "[workspace.dependencies]")
        .filter(is_used)
        .collect();
    let mut text = format!(
        "{head}\n[workspace.dependencies]\n{}\n",
        versions.join("\n")
    );
    for header in SHARED {
        let lines: Vec<&str> = table(ours, header).collect();
        text.push_str(&format!("\n{header}\n{}\n", lines.join("\n")));
    }
    text
}

/// The lines of a table that say something.
fn table<'a>(manifest: &'a str, header: &str) -> impl Iterator<Item = &'a str> {
    let below = manifest.lines().skip_while(move |line| *line != header);
    let lines = below.skip(1).take_while(|line| !line.starts_with('['));
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn next_steps(name: &str, folder: &str) -> String {
    let manifest = Path::new(folder).join("Cargo.toml");
    let manifest = manifest.display();
    format!(
        "{folder} is a workspace with the target and with a program that has it:
  cargo test --manifest-path {manifest} -p target-{name}
  cargo run --manifest-path {manifest} -- --version --verbose

{steps}  etc/notifications.cfg   the configuration to try it with
its manifests lead to this checkout; before you publish it, name a Git address in their place
",
        steps = super::replaced(&format!("target-{name}/")),
    )
}

#[cfg(test)]
mod tests {
    use super::{SHARED, files, manifest};
    use std::path::Path;

    const OURS: &str = include_str!("../../../Cargo.toml");

    #[test]
    fn the_manifest_has_the_versions_that_the_scaffold_needs_and_no_other() {
        let text = manifest("ms-teams", OURS);
        for line in [
            "serde_json = ",
            "tokio = ",
            "members = [\"notify-with-ms-teams\", \"target-ms-teams\"]",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(!text.contains("reqwest"), "{text}");
        for header in SHARED {
            assert!(OURS.contains(&format!("\n{header}\n")), "{header}");
        }
    }

    #[test]
    fn every_path_leads_to_our_crates_or_to_the_new_one() {
        let files = files("ms-teams", OURS, Path::new("/src/notify/crates"));
        let manifests = files
            .iter()
            .filter(|(path, _)| path.ends_with("Cargo.toml"));
        let paths: Vec<&str> = manifests
            .flat_map(|(_, text)| text.split("path = \"").skip(1))
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(
            paths,
            [
                "/src/notify/crates/notify-schema",
                "/src/notify/crates/notify-core",
                "/src/notify/crates/notify-testkit",
                "/src/notify/crates/notify-app",
                "/src/notify/crates/target-gotify",
                "../target-ms-teams",
            ]
        );
        for (path, text) in &files {
            assert!(!text.contains("{{"), "{}", path.display());
        }
    }
}
