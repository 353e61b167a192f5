//! What `cargo xtask help` prints.

use std::process::ExitCode;

use crate::{TASKS, Task};

/// All tasks, a line each.
pub(crate) fn overview() -> ExitCode {
    print!("{}", overview_text());
    ExitCode::SUCCESS
}

/// One task in full.
pub(crate) fn of(task: &Task) -> ExitCode {
    print!("{}", task_text(task));
    ExitCode::SUCCESS
}

/// Answers `help [TASK]`; any other word is no task.
pub(crate) fn asked_or_unknown(word: &str, rest: &[String]) -> ExitCode {
    let asks = matches!(word, "help" | "--help" | "-h");
    match (asks, rest.first()) {
        (true, None) => overview(),
        (true, Some(name)) => match TASKS.iter().find(|task| task.name == name) {
            Some(task) => of(task),
            None => unknown(name),
        },
        (false, _) => unknown(word),
    }
}

fn unknown(word: &str) -> ExitCode {
    let names: Vec<_> = TASKS.iter().map(|task| task.name).collect();
    eprintln!("error: no task `{word}`; there are {}", names.join(", "));
    ExitCode::from(2)
}

fn overview_text() -> String {
    let mut text = String::from("usage: cargo xtask TASK [ARGUMENTS]\n\n");
    for task in TASKS {
        let call = format!("{} {}", task.name, task.arguments);
        text.push_str(&format!("  {call:<36}{}\n", task.summary));
    }
    text.push_str(&format!("  {:<36}Says what a task does\n", "help [TASK]"));
    text
}

fn task_text(task: &Task) -> String {
    let call = format!("{} {}", task.name, task.arguments);
    let (summary, call) = (task.summary, call.trim_end());
    format!(
        "{summary}\n\nusage: cargo xtask {call}\n\n{}\n",
        task.details
    )
}

#[cfg(test)]
mod tests {
    use super::{TASKS, overview_text, task_text};

    #[test]
    fn every_task_is_listed_and_explained() {
        for task in TASKS {
            assert!(overview_text().contains(&format!("  {} ", task.name)));
            assert!(task_text(task).len() > 200, "{} says too little", task.name);
            assert!(!task.summary.ends_with('.'), "{}", task.name);
        }
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let mut texts = vec![overview_text()];
        texts.extend(TASKS.iter().map(|task| task_text(task)));
        for line in texts.iter().flat_map(|text| text.lines()) {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}
