//! All measurements in one table, against what is aimed for.

use std::process::{Command, ExitCode, Stdio};
use std::time::SystemTime;

use crate::Task;
use crate::failed::{Failed, Outcome};
use crate::workspace::{Workspace, build_program, cargo};

mod figure;
mod goals;
mod machine;
mod table;

use figure::Figure;

pub(crate) const TASK: Task = Task {
    name: "bench",
    arguments: "[--json] [NAME]",
    summary: "Measures speed and size, beside what is aimed for",
    details: "\
Runs the benches of all crates whose id contains NAME, or all of them, and prints a Markdown table
of name, median, aim and verdict, with the machine it ran on: what docs/performance.md shows.
A slow figure prints `over` and fails nothing, because it depends on the machine; a bench that does
not run fails, and so does an aim that nothing measured. The aims are in xtask/src/bench/goals.rs.

A bench is one of criterion's, or prints lines of JSON:
  {\"name\": \"send/gotify\", \"value\": 6.1, \"unit\": \"ms\"}
The unit is ns, us, ms, s, B, kB, MB, or x for a ratio or a count.
Such a bench finds the program, built for release, in NOTIFY_BIN.

  --json   prints {\"machine\": {..}, \"figures\": [..]} instead of the table",
    run,
};

fn run(arguments: &[String]) -> Outcome<ExitCode> {
    let as_json = arguments.iter().any(|argument| argument == "--json");
    let names: Vec<_> = arguments.iter().filter(|word| *word != "--json").collect();
    let name = match names[..] {
        [] => None,
        [name] if !name.starts_with('-') => Some(name.as_str()),
        _ => {
            return Err(Failed::new(
                "bench takes one name; see `cargo xtask help bench`",
            ));
        }
    };
    let figures = measure(&Workspace::read()?, name)?;
    if figures.is_empty() {
        let wanted = name.unwrap_or("any name");
        return Err(Failed::new(format!(
            "no bench measured anything for `{wanted}`"
        )));
    }
    let machine = machine::Machine::here();
    match as_json {
        true => println!("{}", table::json(&figures, &machine)),
        false => print!("{}", table::markdown(&figures, &machine)),
    }
    let missing = goals::unmeasured(&figures);
    if name.is_none() && !missing.is_empty() {
        return Err(Failed::new(format!("not measured: {}", missing.join(", "))));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the benches and collects what they measured, sorted by name.
fn measure(workspace: &Workspace, name: Option<&str>) -> Outcome<Vec<Figure>> {
    let program = build_program(&["--release", "--package", "notify-bin"], "notify")?;
    let mut figures = vec![figure::size_of("binary/size", &program)?];
    figures.retain(|figure| name.is_none_or(|name| figure.name.contains(name)));
    let started = SystemTime::now();
    for package in &workspace.packages {
        for bench in &package.benches {
            let mut command = cargo();
            command.args(["bench", "--package", &package.name, "--bench", bench, "--"]);
            command.args(name).env("NOTIFY_BIN", &program);
            let printed = printed(command.current_dir(&workspace.root))?;
            figures.extend(figure::printed_lines(&printed));
        }
    }
    figures.extend(figure::of_criterion(
        &workspace.target.join("criterion"),
        started,
    )?);
    figures.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(figures)
}

/// What a bench prints; it is shown as progress on standard error too.
fn printed(command: &mut Command) -> Outcome<String> {
    let words: Vec<_> = command
        .get_args()
        .map(|word| word.to_string_lossy())
        .collect();
    let call = format!("cargo {}", words.join(" "));
    eprintln!("$ {call}");
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failed::new(format!("{call}: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    eprint!("{text}");
    if output.status.success() {
        return Ok(text);
    }
    Err(Failed::new(format!("{call}: {}", output.status)))
}
