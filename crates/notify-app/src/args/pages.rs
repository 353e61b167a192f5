//! Arguments of the commands that print texts.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(crate) struct Render {
    /// Name of the template, as test or message.
    pub(crate) template: String,

    /// The data, JSON; - is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,

    /// Only this part.
    #[arg(long, value_name = "PART")]
    pub(crate) part: Option<Part>,
}

#[derive(Debug, Args)]
pub(crate) struct Manual {
    /// The section type, as matcher. Without it all types are listed.
    #[arg(value_name = "TYPE")]
    pub(crate) kind: Option<String>,

    /// As a man page instead of Markdown.
    #[arg(long, requires = "kind")]
    pub(crate) man: bool,

    /// Write the man pages of all commands and all section types below a folder, into man1 and man7.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["kind", "man"])]
    pub(crate) write: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct JsonSchema {
    /// The section type, as matcher. Without it the schema is that of the configuration.
    #[arg(value_name = "TYPE")]
    pub(crate) kind: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    pub(crate) shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Subject,
    Text,
    Html,
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Stop when the events have been shown; exit 0 only when every expected one arrived.
    #[arg(long)]
    pub(crate) once: bool,
}
