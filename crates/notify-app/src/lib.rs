//! The command line put together: [`run`] reads the arguments, does the work and returns the exit code.
//!
//! A program of its own needs this crate, the plugins it wants, and three lines:
//!
//! ```no_run
//! // use target_gotify as _;
//! fn main() -> std::process::ExitCode {
//!     notify_app::run()
//! }
//! ```
//!
//! The plugins are found through the registry of `notify-core`; this crate names none.

mod args;
mod backup_report;
mod calendar;
mod check;
mod completions;
mod config;
mod console;
mod daemon;
#[cfg(feature = "demo")]
mod demo;
mod event;
mod exit;
#[cfg(feature = "failpoints")]
pub mod failpoints;
mod flags;
mod folders;
mod forward;
mod handover;
mod input;
mod kinds;
mod logs;
mod manual;
mod meant;
mod prompt;
mod render;
mod route;
mod sections;
mod seeing;
mod send;
mod setup;
mod shapes;
mod spools;
mod state_files;
mod time;
mod version;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::args::{Command, CommandLine};
use crate::console::Console;
use crate::exit::Answer;
pub use crate::exit::Exit;
use crate::shapes::Noun;

/// Reads the command line of this process, does what it says, and returns the exit code.
pub fn run() -> ExitCode {
    match CommandLine::try_parse() {
        Ok(line) => execute(&line).into(),
        Err(error) => {
            // Help and usage; nobody is left to tell when they cannot be written.
            let _ = error.print();
            if error.use_stderr() {
                forward::usage_exit(std::env::args_os().skip(1)).into()
            } else {
                Exit::Done.into()
            }
        }
    }
}

fn execute(line: &CommandLine) -> Exit {
    let console = Console::new(line.global.color, line.global.quiet, line.global.verbose);
    let exit = dispatch(line, &console).unwrap_or_else(|stop| {
        console.stop(&stop);
        stop.exit
    });
    // What was delivered stays delivered, whether or not somebody reads of it.
    let delivers = matches!(
        &line.command,
        Some(
            Command::Send(_)
                | Command::Test(_)
                | Command::BackupReport(_)
                | Command::ForwardMail(_)
        )
    ) || matches!(&line.command, Some(Command::Event(args)) if kinds::sends(args));
    if exit == Exit::Done && console.is_broken() && !delivers {
        Exit::Failed
    } else {
        exit
    }
}

fn dispatch(line: &CommandLine, console: &Console) -> Answer {
    if line.version {
        return version::version(console);
    }
    let global = &line.global;
    match &line.command {
        Some(Command::Send(args)) => send::send(global, args, console),
        Some(Command::Event(args)) => kinds::event(global, args, console),
        Some(Command::Test(args)) => send::test(global, args, console),
        Some(Command::BackupReport(args)) => backup_report::backup_report(global, args, console),
        Some(Command::Route(args)) => route::route(global, args, console),
        Some(Command::History(args)) => seeing::history(global, args, console),
        Some(Command::Show(args)) => seeing::show(global, args, console),
        Some(Command::Explain(args)) => seeing::explain(global, args, console),
        Some(Command::Queue(args)) => seeing::queue(global, args, console),
        Some(Command::Retry(args)) => seeing::retry(global, args, console),
        Some(Command::Drop(args)) => seeing::drop(global, args, console),
        Some(Command::Watch(args)) => seeing::watch(global, args, console),
        Some(Command::Status(args)) => seeing::status(global, args, console),
        Some(Command::Spool(args)) => seeing::spool(global, args, console),
        Some(Command::Audit(args)) => seeing::audit(global, args, console),
        Some(Command::Calendar(args)) => calendar::calendar(args, console),
        Some(Command::Check(args)) => check::check(global, args, console),
        Some(Command::Config(args)) => config::config(global, args, console),
        Some(Command::Target(args)) => sections::sections(global, Noun::Target, args, console),
        Some(Command::Matcher(args)) => sections::sections(global, Noun::Matcher, args, console),
        Some(Command::ForwardMail(args)) => Ok(forward::forward(global, args, console)),
        Some(Command::Daemon(args)) => daemon::daemon(global, args),
        Some(Command::Render(args)) => render::render(global, args, console),
        Some(Command::Manual(args)) => manual::manual(args, console),
        Some(Command::Schema(args)) => manual::schema(args, console),
        Some(Command::Completions(args)) => completions::completions(args, console),
        #[cfg(feature = "demo")]
        Some(Command::Demo(args)) => demo::demo(args, console),
        None => {
            let help = CommandLine::command().render_help();
            console.raw(help.to_string().as_bytes());
            Ok(Exit::Usage)
        }
    }
}
