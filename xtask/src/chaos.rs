//! Kills the daemon again and again, and looks for what is lost.

use std::process::{Command, ExitCode};

use crate::Task;
use crate::failed::{Failed, Outcome};
use crate::workspace::{Workspace, build_program};

pub(crate) const TASK: Task = Task {
    name: "chaos",
    arguments: "[--kills N] [--seed S]",
    summary: "Kills the daemon again and again, loses nothing",
    details: "\
Builds the program with failpoints and the harness, and runs it: several processes send numbered
events, three receivers count them and misbehave, and the daemon is killed with SIGKILL at random
moments and at named places in the code, while the disk is full, the database locked, the clock
set and the configuration broken. In the end everything must have arrived: docs/concepts/chaos.md
says which laws are checked. The exit code is 1 when one of them is broken.

  --kills N   how often; 30 when nothing is said, about a second each
  --seed S    what is done follows from it; a random one is taken and printed
  --break answer-before-commit
              makes the spool answer before its commit: the harness must report a loss

examples:
  cargo xtask chaos --kills 500
  cargo xtask chaos --kills 30 --seed 7",
    run,
};

fn run(arguments: &[String]) -> Outcome<ExitCode> {
    let workspace = Workspace::read()?;
    // The test needs both programs. Built with it, they are made of what the tests are made of.
    let harness = build_program(&["--workspace", "--test", "chaos"], "chaos-harness")?;
    let status = Command::new(&harness)
        .args(arguments)
        .current_dir(&workspace.root)
        .status()
        .map_err(|error| Failed::at(&harness, error))?;
    // None when a signal ended it.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
