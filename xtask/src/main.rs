//! The workspace's own tasks. `cargo xtask help` lists them.
//!
//! Nothing here depends on a crate of the workspace: a task must run while
//! they do not compile, and `tidy` must not be bound by the rules it checks.

use std::process::ExitCode;

mod bench;
mod chaos;
mod failed;
mod help;
mod new_target;
mod screenshots;
mod test;
mod tidy;
mod workspace;

use failed::Outcome;

/// A task: what it is called, what is said of it, what it does.
struct Task {
    name: &'static str,
    arguments: &'static str,
    summary: &'static str,
    /// The whole help text below the summary.
    details: &'static str,
    run: fn(&[String]) -> Outcome<ExitCode>,
}

const TASKS: [&Task; 6] = [
    &tidy::TASK,
    &test::TASK,
    &bench::TASK,
    &chaos::TASK,
    &new_target::TASK,
    &screenshots::TASK,
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        None => help::overview(),
        Some((word, rest)) => match TASKS.iter().find(|task| task.name == word) {
            Some(task) => start(task, rest),
            None => help::asked_or_unknown(word, rest),
        },
    }
}

fn start(task: &Task, arguments: &[String]) -> ExitCode {
    let ours = arguments.iter().take_while(|argument| *argument != "--");
    if ours
        .into_iter()
        .any(|word| word == "--help" || word == "-h")
    {
        return help::of(task);
    }
    (task.run)(arguments).unwrap_or_else(|failed| {
        eprintln!("error: {failed}");
        ExitCode::FAILURE
    })
}
