//! `cargo xtask new-target`, run in a copy of the workspace.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Two words, so that every form of the name is tried.
const NAME: &str = "sample-chat";

/// A copy of all files that git has or may get.
struct Copy {
    root: PathBuf,
    /// Kept from run to run, so that only what has changed is built.
    target: PathBuf,
}

impl Copy {
    fn make() -> io::Result<Self> {
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let copy = Copy {
            root: temporary.join("new-target/workspace"),
            target: temporary.join("new-target/target"),
        };
        if copy.root.exists() {
            fs::remove_dir_all(&copy.root)?;
        }
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for path in files(&original) {
            copy_file(&original.join(&path), &copy.root.join(&path))?;
        }
        copy.run("git", &["init", "--quiet"]);
        copy.run("git", &["add", "--all"]);
        Ok(copy)
    }

    /// What a command prints; it must succeed.
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let (succeeded, printed) = self.try_to_run(program, arguments);
        assert!(succeeded, "{program} {arguments:?}:\n{printed}");
        printed
    }

    fn try_to_run(&self, program: &str, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(program)
            .current_dir(&self.root)
            .args(arguments)
            .env("CARGO_TARGET_DIR", &self.target)
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let printed = text(&output.stdout) + &text(&output.stderr);
        (output.status.success(), printed)
    }

    fn xtask(&self, arguments: &[&str]) -> (bool, String) {
        self.try_to_run(env!("CARGO_BIN_EXE_xtask"), arguments)
    }

    /// What has changed since the copy was made, a path a line with its kind of change.
    fn changes(&self) -> String {
        self.run("git", &["status", "--porcelain", "--untracked-files=all"])
            .lines()
            // All files were added to the index, and none committed.
            .filter(|line| !line.starts_with("A  "))
            .map(|line| format!("{line}\n"))
            .collect()
    }
}

fn files(root: &Path) -> Vec<String> {
    let list = Command::new("git")
        .current_dir(root)
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output()
        .expect("git is installed");
    let list = String::from_utf8(list.stdout).expect("paths are UTF-8");
    let paths = list.split('\0').filter(|path| root.join(path).is_file());
    paths.map(str::to_owned).collect()
}

/// Copies a file with its time, by which cargo knows what has changed.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    fs::copy(from, to)?;
    let modified = fs::metadata(from)?.modified()?;
    File::options().write(true).open(to)?.set_modified(modified)
}

#[test]
fn a_new_target_is_built_tested_and_linked() {
    let copy = Copy::make().expect("the workspace can be copied");
    refuses_bad_names(&copy);

    let (made, printed) = copy.xtask(&["new-target", NAME]);
    assert!(made, "{printed}");
    touches_two_files(&copy);
    keeps_the_rules(&copy);
    passes_its_tests(&copy);
    is_listed(&copy);

    let (again, printed) = copy.xtask(&["new-target", NAME]);
    assert!(!again && printed.contains("is there already"), "{printed}");
}

fn refuses_bad_names(copy: &Copy) {
    for arguments in [
        &["new-target"][..],
        &["new-target", "Bad"],
        &["new-target", "matcher"],
    ] {
        let (made, printed) = copy.xtask(arguments);
        assert!(
            !made && printed.starts_with("error: "),
            "{arguments:?}: {printed}"
        );
    }
    assert_eq!(copy.changes(), "");
}

fn touches_two_files(copy: &Copy) {
    let expected = "\
AM crates/notify-bin/Cargo.toml
AM crates/notify-bin/src/targets.rs
?? crates/target-sample-chat/Cargo.toml
?? crates/target-sample-chat/manual.md
?? crates/target-sample-chat/src/config.rs
?? crates/target-sample-chat/src/deliver.rs
?? crates/target-sample-chat/src/lib.rs
?? crates/target-sample-chat/src/request.rs
?? crates/target-sample-chat/tests/laws.rs
";
    assert_eq!(copy.changes(), expected);
    let added = copy.run("git", &["diff", "--unified=0", "crates/notify-bin"]);
    let added: Vec<_> = added
        .lines()
        .filter(|line| line.starts_with(['+', '-']))
        .collect();
    let expected = [
        "--- a/crates/notify-bin/Cargo.toml",
        "+++ b/crates/notify-bin/Cargo.toml",
        "+target-sample-chat = { path = \"../target-sample-chat\" }",
        "--- a/crates/notify-bin/src/targets.rs",
        "+++ b/crates/notify-bin/src/targets.rs",
        "+use target_sample_chat as _;",
    ];
    assert_eq!(added, expected);
}

/// Nothing that `tidy` or rustfmt says is about the new crate.
fn keeps_the_rules(copy: &Copy) {
    let (_, printed) = copy.xtask(&["tidy"]);
    assert!(printed.contains("tidy: "), "{printed}");
    let about_it = |line: &&str| line.contains("sample-chat") || line.contains("sample_chat");
    assert_eq!(printed.lines().find(about_it), None);
    copy.run(
        "cargo",
        &["fmt", "--package", "target-sample-chat", "--check"],
    );
    copy.run("cargo", &["fmt", "--package", "notify-bin", "--check"]);
}

fn passes_its_tests(copy: &Copy) {
    let printed = copy.run(
        "cargo",
        &["test", "--offline", "--package", "target-sample-chat"],
    );
    for test in [
        "test the_laws_hold ... ok",
        "test request::tests::answers_are_read ... ok",
    ] {
        assert!(printed.contains(test), "{printed}");
    }
    assert!(!printed.contains("warning: "), "{printed}");
}

fn is_listed(copy: &Copy) {
    let run = [
        "run",
        "--offline",
        "--quiet",
        "--package",
        "notify-bin",
        "--",
    ];
    let printed = copy.run("cargo", &[&run[..], &["--version", "--verbose"]].concat());
    assert!(printed.contains(NAME), "{printed}");
}
