//! The commands of a page, run in order by one shell, in a folder of its own.

use std::process::Command;

use notify_tests::{Notify, Run};

use crate::page::{Block, Content, Page};
use crate::receivers::{Arrived, Receivers};

/// Programs that a page may call.
const PROGRAMS: [&str; 8] = [
    "notify", "cargo", "export", "mkdir", "umask", "printf", "cat", "rm",
];
/// Programs of others that a page may name; they are not run.
const OTHERS: [&str; 2] = ["journalctl", "socat"];
/// And `df`, at the beginning of a pipe.
const SOURCES: [&str; 1] = ["df"];

/// What a page writes to have a daemon from there on; it ends with the page.
const DAEMON: &str = "notify daemon &";

/// A command as a page shows it.
pub(crate) struct Shown {
    pub(crate) line: usize,
    pub(crate) text: String,
    pub(crate) exit: i32,
    /// What it prints, where the page shows that.
    pub(crate) output: Option<Vec<String>>,
}

/// Something that a page does, in its order.
enum Step {
    Run(Shown),
    /// Adds to a file of the configuration folder.
    Write(&'static str, String),
}

/// All commands of a page, whether the test runs them or not.
pub(crate) fn commands(page: &Page) -> Vec<Shown> {
    let steps = steps(page).into_iter();
    steps
        .filter_map(|step| match step {
            Step::Run(shown) => Some(shown),
            Step::Write(..) => None,
        })
        .collect()
}

/// Runs a page. Every difference from what it says, and what arrived.
pub(crate) fn run(page: &Page) -> (Vec<String>, Arrived) {
    let receivers = Receivers::start();
    let notify = receivers.installed(Notify::new());
    let steps = steps(page);
    let numbered = || steps.iter().zip(0..);
    let script: String = numbered()
        .map(|(step, number)| shell_text(step, number, &receivers))
        .chain([END_OF_DAEMON.to_owned()])
        .collect();
    let outcome = Run::of(shell(&notify, &script), b"");
    let mut wrong = Vec::new();
    for (step, number) in numbered() {
        let Step::Run(shown) = step else { continue };
        if !is_run(shown) {
            continue;
        }
        let found = match result(&notify, number) {
            Some((code, output)) => differences(shown, code, &receivers.as_documented(&output)),
            None => vec![format!("did not run: {}", outcome.stderr)],
        };
        let place = format!("{}:{}: `{}`", page.path, shown.line, shown.text);
        wrong.extend(found.into_iter().map(|found| format!("{place}: {found}")));
    }
    (wrong, receivers.arrived())
}

/// Cargo's commands are looked at elsewhere; those of the program itself run here.
fn is_run(shown: &Shown) -> bool {
    let mut parts = shown.text.split(" | ");
    let is_other = |part: &str| {
        OTHERS
            .iter()
            .any(|other| Some(*other) == part.split(' ').next())
    };
    !parts.any(is_other) && !is_of_cargo(shown)
}

fn is_of_cargo(shown: &Shown) -> bool {
    shown.text.starts_with("cargo ") && of_cargo_run(&shown.text).is_none()
}

/// The arguments of the program in `cargo run … -- ARGUMENTS`; none for that of another workspace.
fn of_cargo_run(text: &str) -> Option<&str> {
    let is_ours = text.starts_with("cargo run ") && !text.contains(" --manifest-path ");
    is_ours
        .then(|| text.split_once(" -- "))?
        .map(|(_, arguments)| arguments)
}

fn steps(page: &Page) -> Vec<Step> {
    let mut steps = Vec::new();
    for block in &page.blocks {
        match block.content() {
            Content::File(file) => steps.push(Step::Write(file, block.text())),
            Content::Commands => {
                let lines = block.lines.iter().zip(block.line + 1..);
                steps.extend(lines.map(|(text, line)| Step::Run(Shown::new(page, line, text))));
            }
            Content::Session => steps.extend(session(page, block).into_iter().map(Step::Run)),
            _ => {}
        }
    }
    steps
}

/// The commands after `$ `, each with the lines below it.
fn session(page: &Page, block: &Block) -> Vec<Shown> {
    let mut commands: Vec<Shown> = Vec::new();
    for (text, line) in block.lines.iter().zip(block.line + 1..) {
        if let Some(command) = text.strip_prefix("$ ") {
            commands.push(Shown {
                output: Some(Vec::new()),
                ..Shown::new(page, line, command)
            });
        } else {
            let output = commands.last_mut().and_then(|shown| shown.output.as_mut());
            output
                .unwrap_or_else(|| panic!("{}:{line}: output of no command", page.path))
                .push(text.clone());
        }
    }
    commands
}

impl Shown {
    /// A line of a page; a comment `# exits N` at its end says the exit code.
    fn new(page: &Page, line: usize, text: &str) -> Self {
        let (text, exit) = match text.split_once(" # exits ") {
            Some((text, code)) => (text, code.parse().expect("a number after `# exits`")),
            None => (text, 0),
        };
        let program = text.split_whitespace().next().unwrap_or_default();
        assert!(
            PROGRAMS.contains(&program)
                || OTHERS.contains(&program)
                || SOURCES.contains(&program) && text.contains(" | notify "),
            "{}:{line}: this test does not know how to run `{text}`",
            page.path
        );
        Shown {
            line,
            text: text.to_owned(),
            exit,
            output: None,
        }
    }
}

/// A step for the shell. What a command prints, and its exit code, end up in files of its number.
fn shell_text(step: &Step, number: usize, receivers: &Receivers) -> String {
    match step {
        Step::Write(file, text) => format!(
            "mkdir -p \"$NOTIFY_CONFIG_DIR/priv\"\n\
             cat >>\"$NOTIFY_CONFIG_DIR/{file}\" <<'END'\n{}\nEND\n\
             chmod 600 \"$NOTIFY_CONFIG_DIR/{file}\"\n",
            receivers.on_loopback(text)
        ),
        Step::Run(shown) if shown.text == DAEMON => format!(
            "notify daemon >\"$OUT/{number}\" 2>&1 </dev/null &\n\
             DAEMON=$!\n\
             until test -S \"$NOTIFY_STATE_DIR/notify.sock\" || ! kill -0 $DAEMON; do :; done\n\
             kill -0 $DAEMON\n\
             echo $? >\"$OUT/{number}.code\"\n"
        ),
        Step::Run(shown) if is_run(shown) => {
            let call = of_cargo_run(&shown.text).map(|arguments| format!("notify {arguments}"));
            let text = receivers.on_loopback(call.as_ref().unwrap_or(&shown.text));
            format!(
                "{{ {text}\n}} >\"$OUT/{number}\" 2>&1 </dev/null\n\
                 echo $? >\"$OUT/{number}.code\"\n"
            )
        }
        Step::Run(_) => String::new(),
    }
}

/// Ends the daemon, where the page started one.
const END_OF_DAEMON: &str = "if test \"$DAEMON\"; then kill $DAEMON; wait $DAEMON; fi\n";

/// In a home of its own, with the program on the path.
fn shell(notify: &Notify, script: &str) -> Command {
    let home = notify.scratch().join("home");
    let programs = notify.scratch().join("bin");
    for folder in [&home, &programs, &notify.scratch().join("out")] {
        std::fs::create_dir(folder).expect("a new folder");
    }
    let program = std::path::absolute(notify_tests::program()).expect("a path");
    std::os::unix::fs::symlink(program, programs.join("notify")).expect("a new link");
    let path = std::env::var("PATH").expect("a path");
    let mut command = Command::new("sh");
    for (name, value) in notify.command(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .args(["-c", script])
        .current_dir(&home)
        .env("HOME", &home)
        .env("OUT", notify.scratch().join("out"))
        .env("PATH", format!("{}:{path}", programs.display()));
    command
}

/// Exit code and output of a command; none when the shell did not come to it.
fn result(notify: &Notify, number: usize) -> Option<(i32, String)> {
    let read = |suffix: &str| {
        std::fs::read_to_string(notify.scratch().join(format!("out/{number}{suffix}"))).ok()
    };
    Some((read(".code")?.trim().parse().ok()?, read("")?))
}

fn differences(shown: &Shown, code: i32, output: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if code != shown.exit {
        wrong.push(format!("exit code {code}, not {}\n{output}", shown.exit));
    }
    if let Some(expected) = &shown.output {
        let lines: Vec<&str> = output.lines().collect();
        let same = lines.len() == expected.len()
            && lines
                .iter()
                .zip(expected)
                .all(|(line, expected)| reads_as(line, expected));
        if !same {
            wrong.push(format!("it prints\n{output}"));
        }
    }
    wrong
}

/// Whether a line is the expected one, in which `…` stands for anything.
fn reads_as(line: &str, expected: &str) -> bool {
    let Some((start, rest)) = expected.split_once('…') else {
        return line == expected;
    };
    let Some(after) = line.strip_prefix(start) else {
        return false;
    };
    let mut ends = after.char_indices().map(|(at, _)| at).chain([after.len()]);
    ends.any(|at| reads_as(&after[at..], rest))
}
