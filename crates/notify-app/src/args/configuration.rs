//! Arguments of the commands about the configuration.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use notify_core::Zone;

#[derive(Debug, Args)]
pub(crate) struct Calendar {
    /// The expression, as 'mon-fri 9-17'.
    #[arg(
        value_name = "EXPR",
        required_unless_present = "batch",
        conflicts_with = "batch",
        allow_hyphen_values = true
    )]
    pub(crate) expression: Option<String>,

    /// The time at which to look; now when not given.
    #[arg(
        long,
        value_name = "TIME",
        conflicts_with = "batch",
        allow_hyphen_values = true
    )]
    pub(crate) at: Option<String>,

    /// The zone, where the expression names none; this machine's when not given.
    #[arg(long, value_name = "ZONE", conflicts_with = "batch")]
    pub(crate) tz: Option<Zone>,

    /// How many spans to list that end after the time.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "batch")]
    pub(crate) next: usize,

    /// Read lines ZONE<TAB>EXPR<TAB>EPOCH from a file and answer true, false or an error for each.
    #[arg(long, value_name = "FILE")]
    pub(crate) batch: Option<PathBuf>,

    /// Answer in JSON.
    #[arg(long, conflicts_with = "batch")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Report also what Proxmox VE would refuse.
    #[arg(long)]
    pub(crate) pve: bool,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Show the merged configuration; secrets only as "set".
    Show {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the file in the form in which Proxmox VE writes it. Nothing is changed.
    Format {
        /// The private file instead of the public one.
        #[arg(long, requires = "show_secrets")]
        private: bool,
        /// Say that the secrets may be printed.
        #[arg(long, requires = "private")]
        show_secrets: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sections {
    /// List all.
    List {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one.
    Show {
        /// Its name.
        name: String,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Add one. The flags depend on the type: `add TYPE --help` lists them.
    #[command(disable_help_flag = true, arg_required_else_help = false)]
    Add(Rest),
    /// Change one. The flags depend on its type: `set NAME --help` lists them.
    #[command(disable_help_flag = true, arg_required_else_help = false)]
    Set(Rest),
    /// Remove one, and its secrets.
    Remove {
        /// Its name.
        name: String,
        #[command(flatten)]
        guard: Guard,
    },
    /// Bring a built-in one back to its default.
    Reset {
        /// Its name.
        name: String,
        #[command(flatten)]
        guard: Guard,
    },
}

/// Words that are read once the type of the section is known.
#[derive(Debug, Args)]
pub(crate) struct Rest {
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGS"
    )]
    pub(crate) words: Vec<String>,
}

/// Guards against overwriting someone else's change.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Guard {
    /// Change nothing unless the configuration still has this digest or revision.
    #[arg(long, value_name = "DIGEST")]
    pub(crate) digest: Option<String>,

    /// Write lines that Proxmox VE would refuse, even into its folder.
    #[arg(long)]
    pub(crate) not_for_pve: bool,
}
