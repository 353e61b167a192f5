//! `cargo xtask new-target` and the page about it, run in a copy of the workspace.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use tempfile::TempDir;

/// Two words, so that every form of the name is tried.
const NAME: &str = "sample-chat";

/// The page, whose commands are run as they stand there but for the name.
const PAGE: &str = "docs/adding-a-target.md";
const NAME_ON_PAGE: &str = "ntfy";

/// Commands of the page that are not run here: one looks at all that is not committed, and is
/// looked at in its parts; the other would install servers.
const NOT_RUN: [&str; 2] = ["cargo xtask tidy", "cargo xtask test "];

/// A copy of all files that git has or may get.
struct Copy {
    _folder: TempDir,
    root: PathBuf,
    /// What is built lands here, so that no program of ours is replaced.
    target: PathBuf,
    /// Our own, for what lies between sources and programs: what both need is built once.
    /// A cargo before 1.91 does not know of it, and builds it all again in `target`.
    ///
    /// Cargo names a crate by its path in the workspace, and notes its files by their path in
    /// the crate; but for files below this very folder, which it would then look at in place
    /// of ours. So the copy lies elsewhere.
    build: PathBuf,
}

impl Copy {
    fn make() -> io::Result<Self> {
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = tempfile::tempdir()?;
        let copy = Copy {
            root: folder.path().canonicalize()?.join("workspace"),
            _folder: folder,
            target: temporary.join("new-target/target"),
            build: temporary.parent().expect("it is in ours").to_owned(),
        };
        assert!(
            !copy.root.starts_with(&copy.build),
            "{}",
            copy.root.display()
        );
        let original = original();
        for path in files(&original) {
            copy_file(&original.join(&path), &copy.root.join(&path))?;
        }
        copy.run("git", &["init", "--quiet"]);
        copy.run("git", &["add", "--all"]);
        Ok(copy)
    }

    /// Where the page makes a workspace of its own.
    fn outside(&self) -> PathBuf {
        self.root.with_file_name("my-notify")
    }

    /// Has the workspace outside lead to the crates of which this is a copy, which the tests of
    /// another stranger's target build, too.
    fn lead_to_the_original(&self, original: &Path) -> io::Result<()> {
        for folder in ["notify-with-", "target-"] {
            let manifest = self.outside().join(format!("{folder}{NAME}/Cargo.toml"));
            let text = fs::read_to_string(&manifest)?;
            let (copied, ours) = (self.root.join("crates"), original.join("crates"));
            let led = text.replace(&*copied.to_string_lossy(), &ours.to_string_lossy());
            assert_ne!(led, text, "{}", manifest.display());
            fs::write(&manifest, led)?;
        }
        Ok(())
    }

    /// Runs those commands of the page that have this in them, as they stand there.
    ///
    /// What each prints, in order; each must exit as the page says.
    fn run_page(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let page = fs::read_to_string(self.root.join(PAGE)).expect("the page");
        let page = page.replace(NAME_ON_PAGE, NAME);
        let blocks = page.split("\n```sh\n").skip(1);
        let lines =
            blocks.flat_map(|block| block.split("\n```").next().unwrap_or_default().lines());
        let is_run =
            |line: &&str| wanted(line) && !NOT_RUN.iter().any(|start| line.starts_with(start));
        lines
            .filter(is_run)
            .map(|line| self.run_line(line))
            .collect()
    }

    fn run_line(&self, line: &str) -> String {
        let (command, exit) = line.split_once(" # exits ").unwrap_or((line, "0"));
        let (code, printed) = self.try_to_run("sh", &["-c", command]);
        assert_eq!(code.to_string(), exit, "{command}:\n{printed}");
        printed
    }

    /// What a command prints; it must succeed.
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let (code, printed) = self.try_to_run(program, arguments);
        assert_eq!(code, 0, "{program} {arguments:?}:\n{printed}");
        printed
    }

    fn try_to_run(&self, program: &str, arguments: &[&str]) -> (i32, String) {
        let began = Instant::now();
        let mut command = Command::new(program);
        // Build scripts look at what is told of the package of this test, and would run again.
        for (name, _) in std::env::vars_os() {
            let is_of_a_package = ["CARGO_PKG_", "CARGO_MANIFEST_"]
                .iter()
                .any(|start| name.to_string_lossy().starts_with(start));
            if is_of_a_package {
                command.env_remove(name);
            }
        }
        let output = command
            .current_dir(&self.root)
            .args(arguments)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_BUILD_BUILD_DIR", &self.build)
            .env("CARGO_NET_OFFLINE", "true")
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        // Shown when the test fails, and by `--no-capture`.
        println!(
            "{:>6.1} s  {program} {}",
            began.elapsed().as_secs_f64(),
            arguments.join(" ")
        );
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let printed = text(&output.stdout) + &text(&output.stderr);
        (output.status.code().unwrap_or(-1), printed)
    }

    fn xtask(&self, arguments: &[&str]) -> (bool, String) {
        let (code, printed) = self.try_to_run(env!("CARGO_BIN_EXE_xtask"), arguments);
        (code == 0, printed)
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

/// Our workspace.
fn original() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().expect("the workspace")
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
    works_outside(&copy);
    works_inside(&copy);
    keeps_the_rules(&copy);

    let (again, printed) = copy.xtask(&["new-target", NAME]);
    assert!(!again && printed.contains("is there already"), "{printed}");
}

fn refuses_bad_names(copy: &Copy) {
    for arguments in [
        &["new-target"][..],
        &["new-target", "Bad"],
        &["new-target", "matcher"],
        &["new-target", NAME, "--outside"],
        &["new-target", NAME, "--outside", "."],
        &["new-target", "matcher", "--outside", "../my-notify"],
    ] {
        let (made, printed) = copy.xtask(arguments);
        assert!(
            !made && printed.starts_with("error: "),
            "{arguments:?}: {printed}"
        );
    }
    assert_eq!(copy.changes(), "");
}

/// A workspace of its own, and nothing changes in ours.
fn works_outside(copy: &Copy) {
    let of_outside = |line: &str| line.contains("../my-notify");
    let makes = |line: &str| line.contains(" new-target ");
    let made = copy.run_page(|line| of_outside(line) && makes(line));
    assert!(
        made.concat().contains("../my-notify is a workspace"),
        "{made:?}"
    );
    let led = copy.lead_to_the_original(&original());
    led.expect("the manifests of the new workspace");
    let printed = copy.run_page(|line| of_outside(line) && !makes(line));
    let [tested, listed, flags, manual, schema, checked, sent] = &printed[..] else {
        panic!("the page has other commands: {printed:#?}");
    };
    passed_its_tests(tested);
    let types = format!("  gotify       Gotify\n  {NAME}  Sample Chat\n");
    assert!(listed.contains(&types), "{listed}");
    assert!(flags.contains("--token-file <FILE>"), "{flags}");
    assert!(manual.contains("- `server`: "), "{manual}");
    assert!(
        schema.contains(&format!("\"const\": \"{NAME}\"")),
        "{schema}"
    );
    assert!(!checked.contains("error: notif"), "{checked}");
    assert!(sent.contains("cannot connect to 127.0.0.1:7070"), "{sent}");
    assert_eq!(copy.changes(), "");
    let (made, printed) = copy.xtask(&["new-target", NAME, "--outside", "../my-notify"]);
    assert!(!made && printed.contains("is not empty"), "{printed}");
}

/// A crate of our workspace.
fn works_inside(copy: &Copy) {
    let of_inside = |line: &str| line.starts_with("cargo ") && !line.contains("../my-notify");
    let makes = |line: &str| line.contains(" new-target ");
    let made = copy.run_page(|line| of_inside(line) && makes(line));
    assert!(
        made.concat()
            .contains(&format!("crates/target-{NAME} is linked")),
        "{made:?}"
    );
    // Before cargo writes its lock file.
    touches_two_files(copy);
    let printed = copy.run_page(|line| of_inside(line) && !makes(line));
    let [tested, listed, formatted, linted] = &printed[..] else {
        panic!("the page has other commands: {printed:#?}");
    };
    passed_its_tests(tested);
    assert!(listed.contains(NAME), "{listed}");
    assert_eq!(formatted, "");
    assert!(!linted.contains("warning: "), "{linted}");
}

fn passed_its_tests(printed: &str) {
    for test in [
        "test the_laws_hold ... ok",
        "test request::tests::answers_are_read ... ok",
    ] {
        assert!(printed.contains(test), "{printed}");
    }
    assert!(!printed.contains("warning: "), "{printed}");
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
