//! All tests, with what they need.
//!
//! Builds the program as it ships, installs the servers that tests talk to,
//! runs the tests, and searches everything they printed for a secret.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::Task;
use crate::failed::{Failed, Outcome};
use crate::workspace::{Workspace, build_program, cargo};

mod packages;
mod runner;

use runner::Capture;

pub(crate) const TASK: Task = Task {
    name: "test",
    arguments: "[CARGO ARGS] [-- TEST ARGS]",
    summary: "Runs all tests, with the servers they need",
    details: "\
1. Installs the Debian packages that tests need, as root on Debian; elsewhere names the command.
   A test whose server is missing fails and names it too; none is skipped.
2. Builds the program as it ships, and names it to the tests in NOTIFY_BIN.
3. Runs the tests: with cargo-nextest where it is installed, else with cargo itself. Every test
   runs, also after a failure. Doctests are included.
4. Searches all that was printed, and all snapshots, for the secrets that the tests use.

The exit code is that of the first step that fails.

examples:
  cargo xtask test
  cargo xtask test -p notify-match
  cargo xtask test -p notify-match -- calendar",
    run,
};

fn run(arguments: &[String]) -> Outcome<ExitCode> {
    let request = Request::of(arguments);
    let workspace = Workspace::read()?;
    packages::provide()?;
    let program = build_program(&["--package", "notify-bin"], "notify")?;
    let mut capture = Capture::create(&workspace.target.join("xtask/test-output.txt"))?;
    let mut worst = 0;
    for mut command in request.commands(runner::nextest_is_installed()) {
        command
            .env("NOTIFY_BIN", &program)
            .current_dir(&workspace.root);
        let code = capture.run(&mut command)?;
        worst = if worst == 0 { code } else { worst };
    }
    let leaked = !shows_no_secret(&workspace, capture.path())?;
    Ok(ExitCode::from(worst.max(u8::from(leaked))))
}

/// What to test.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    /// For cargo: the crates, the features.
    cargo: Vec<String>,
    /// For the tests: names, `--exact`.
    tests: Vec<String>,
}

impl Request {
    fn of(arguments: &[String]) -> Self {
        let mut parts = arguments.splitn(2, |argument| argument == "--");
        let mut part = || parts.next().unwrap_or_default().to_vec();
        let (mut cargo, tests) = (part(), part());
        let chosen =
            |argument: &String| argument.starts_with("-p") || argument.starts_with("--package");
        if !cargo.iter().any(chosen) {
            cargo.insert(0, "--workspace".to_owned());
        }
        Request { cargo, tests }
    }

    /// The commands that run it. Nextest runs no doctests, so they come apart.
    fn commands(&self, with_nextest: bool) -> Vec<Command> {
        if !with_nextest {
            return vec![self.command(&["test", "--no-fail-fast"], &["--show-output"])];
        }
        let nextest = [
            "nextest",
            "run",
            "--no-fail-fast",
            // A chosen crate may have only doctests.
            "--no-tests=pass",
            "--success-output=immediate",
            // What failed is the last that a reader sees.
            "--failure-output=immediate-final",
        ];
        vec![
            self.command(&["test", "--doc", "--no-fail-fast"], &["--show-output"]),
            self.command(&nextest, &[]),
        ]
    }

    fn command(&self, task: &[&str], more: &[&str]) -> Command {
        let mut command = cargo();
        command.args(task).args(&self.cargo);
        command.arg("--").args(more).args(&self.tests);
        command
    }
}

/// Searches the output of the tests and all snapshots for the tests' secrets, in all their forms.
fn shows_no_secret(workspace: &Workspace, output: &Path) -> Outcome<bool> {
    let program = build_program(&["--workspace", "--example", "canary"], "canary")?;
    let snapshots = workspace.files()?.into_iter();
    let snapshots = snapshots.filter(|path| path.ends_with(".snap"));
    let status = Command::new(&program)
        .current_dir(&workspace.root)
        .arg(output)
        .args(snapshots)
        .status()
        .map_err(|error| Failed::at(&program, error))?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::Request;

    fn check(arguments: &str, cargo: &str, nextest: &[&str]) {
        let words: Vec<_> = arguments.split_whitespace().map(str::to_owned).collect();
        let calls = |with_nextest| -> Vec<String> {
            let commands = Request::of(&words).commands(with_nextest);
            let call = |command: &std::process::Command| {
                let words: Vec<_> = command
                    .get_args()
                    .map(|word| word.to_string_lossy())
                    .collect();
                words.join(" ")
            };
            commands.iter().map(call).collect()
        };
        assert_eq!(calls(false), [cargo], "{arguments}");
        assert_eq!(calls(true), nextest, "{arguments}");
    }

    #[test]
    fn the_whole_workspace_is_tested_unless_a_crate_is_named() {
        check(
            "",
            "test --no-fail-fast --workspace -- --show-output",
            &[
                "test --doc --no-fail-fast --workspace -- --show-output",
                "nextest run --no-fail-fast --no-tests=pass --success-output=immediate \
                 --failure-output=immediate-final --workspace --",
            ],
        );
        check(
            "-p notify-match -- calendar --exact",
            "test --no-fail-fast -p notify-match -- --show-output calendar --exact",
            &[
                "test --doc --no-fail-fast -p notify-match -- --show-output calendar --exact",
                "nextest run --no-fail-fast --no-tests=pass --success-output=immediate \
                 --failure-output=immediate-final -p notify-match -- calendar --exact",
            ],
        );
    }
}
