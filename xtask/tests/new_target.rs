//! `cargo xtask new-target`, run in a copy of the workspace.

use std::fs::{self, File};
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
    fn make() -> Self {
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let copy = Copy {
            root: temporary.join("new-target/workspace"),
            target: temporary.join("new-target/target"),
        };
        if copy.root.exists() {
            fs::remove_dir_all(&copy.root).unwrap();
        }
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for path in files(original) {
            copy_file(&original.join(&path), &copy.root.join(&path));
        }
        copy.run("git", &["init", "--quiet"]);
        copy
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

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
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
    let list = String::from_utf8(list.stdout).unwrap();
    let paths = list.split('\0').filter(|path| root.join(path).is_file());
    paths.map(str::to_owned).collect()
}

/// Copies a file with its time, by which cargo knows what has changed.
fn copy_file(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
    let modified = fs::metadata(from).unwrap().modified().unwrap();
    let copied = File::options().write(true).open(to).unwrap();
    copied.set_modified(modified).unwrap();
}

#[test]
fn a_new_target_is_built_tested_and_linked() {
    let copy = Copy::make();
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
    let before = files(&copy.root);
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
    assert_eq!(files(&copy.root), before);
}

fn touches_two_files(copy: &Copy) {
    let manifest = copy.read("crates/notify-bin/Cargo.toml");
    let line = "target-sample-chat = { path = \"../target-sample-chat\" }\n";
    assert_eq!(manifest.matches(line).count(), 1, "{manifest}");
    let uses = copy.read("crates/notify-bin/src/targets.rs");
    assert_eq!(
        uses.matches("use target_sample_chat as _;\n").count(),
        1,
        "{uses}"
    );
    let original = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let known = files(original);
    for path in files(&copy.root) {
        let changed = !known.contains(&path)
            || fs::read(original.join(&path)).unwrap() != fs::read(copy.root.join(&path)).unwrap();
        let expected = path.starts_with("crates/target-sample-chat/")
            || path == "crates/notify-bin/Cargo.toml"
            || path == "crates/notify-bin/src/targets.rs";
        assert_eq!(changed, expected, "{path}");
    }
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
