//! The pictures of HTML mails that the documentation shows.

use std::process::ExitCode;

use crate::Task;
use crate::failed::{Failed, Outcome};
use crate::workspace::{Workspace, build_program, cargo};

pub(crate) const TASK: Task = Task {
    name: "screenshots",
    arguments: "",
    summary: "Makes the pictures of HTML mails in docs/img",
    details: "\
Builds the program, renders the mail of each case in tests/cases/events, and lets Chromium take
pictures of it: on a desk and on a phone, light and dark. pngquant makes them small where it is
installed. Look at each of them, then commit them.

The pictures depend on the browser and its fonts, so nothing compares them; the tests in
tests/tests/mail_look.rs measure in the browser what must hold. As root on Debian:
  apt-get install --no-install-recommends chromium fonts-liberation pngquant",
    run,
};

fn run(arguments: &[String]) -> Outcome<ExitCode> {
    if !arguments.is_empty() {
        return Err(Failed::new("screenshots takes no arguments"));
    }
    let workspace = Workspace::read()?;
    let program = build_program(&["--package", "notify-bin"], "notify")?;
    let status = cargo()
        .args([
            "run",
            "--package",
            "notify-tests",
            "--example",
            "screenshots",
            "--",
        ])
        .arg(workspace.root.join("docs/img"))
        .env("NOTIFY_BIN", program)
        .current_dir(&workspace.root)
        .status()
        .map_err(|error| Failed::new(format!("cargo run: {error}")))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
