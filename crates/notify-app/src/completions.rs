//! `notify completions`: what a shell needs to complete the command line.

use clap::CommandFactory as _;

use crate::args::{CommandLine, Completions};
use crate::console::Console;
use crate::exit::{Answer, Exit};

/// `notify completions`.
pub(crate) fn completions(args: &Completions, console: &Console) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut CommandLine::command(),
        "notify",
        &mut script,
    );
    console.raw(&script);
    Ok(Exit::Done)
}
