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
  {\"name\": \"program/send-http\", \"value\": 6.1, \"unit\": \"ms\"}
The unit is ns, us, ms, s, B, kB, MB, /s for a
rate, or x for a ratio or a count.
A bench of the crate notify-tests finds the program, built for release, in NOTIFY_BIN, and names
its figures `program/…`.

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

/// The crate whose benches run the program.
const PROGRAM_BENCHES: &str = "notify-tests";

/// Runs the benches and collects what they measured, sorted by name.
fn measure(workspace: &Workspace, name: Option<&str>) -> Outcome<Vec<Figure>> {
    let program = match name.is_none_or(is_of_program) {
        true => Some(build_program(
            &["--release", "--package", "notify-bin"],
            "notify",
        )?),
        false => None,
    };
    let only_program = name.is_some_and(|name| name.starts_with("program"));
    let started = SystemTime::now();
    let mut figures = Vec::new();
    for package in &workspace.packages {
        let is_of_program = package.name == PROGRAM_BENCHES;
        if is_of_program && program.is_none() || !is_of_program && only_program {
            continue;
        }
        for bench in &package.benches {
            let mut command = cargo();
            command.args(["bench", "--package", &package.name, "--bench", bench, "--"]);
            command
                .args(name)
                .envs(program.as_ref().map(|path| ("NOTIFY_BIN", path)));
            let printed = printed(command.current_dir(&workspace.root))?;
            figures.extend(figure::printed_lines(&printed));
        }
    }
    figures.extend(figure::of_criterion(
        &workspace.target.join("criterion"),
        started,
    )?);
    if let Some(program) = program {
        figures.push(figure::size_of("program/size", &program)?);
    }
    figures.retain(|figure| name.is_none_or(|name| figure.name.contains(name)));
    figures.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(figures)
}

/// Figures of the program are named `program/…`.
fn is_of_program(name: &str) -> bool {
    name.starts_with("program") || "program/".contains(name)
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
