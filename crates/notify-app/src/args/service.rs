//! Arguments of the daemon and of what brings it the mails of this machine.

use std::path::PathBuf;

use clap::Args;

use crate::logs::LogFormat;

pub(super) const DAEMON: &str = "\
One daemon works in a state folder. It ends at SIGTERM or SIGINT, when what is under way has ended;
at a second one at once. SIGHUP has it read the configuration, which it does by itself when a file
of it changes. It tells a service manager how it fares, as sd_notify(3) says, and takes over a
socket on which that listens.

Exit codes:
  0  it was told to end   2  the configuration or the spool cannot be used
  73 a file cannot be made   75 another daemon works here   77 not permitted

Example:
  notify daemon --verbose";

pub(super) const FORWARDING: &str = "\
The mail goes to the daemon, or into its spool. Where no daemon ever was, it goes through the matchers
at once, as root. Who may do neither leaves it in the mail drop: a daemon that runs as root takes it
from there, and so does `notify forward-mail --drain` as root, from a timer.

Exit codes, as in sysexits.h:
  0  taken, or kept for later   64 wrong usage
  75 not taken: the MTA keeps the mail; with --drain also: some mails stay for the next time
  69 with --drain: a mail that no target takes was set aside
  73 cannot be made   77 not permitted   78 unreadable configuration

Examples:
  notify forward-mail --install
  notify forward-mail --dry-run --json <mail.txt
  notify forward-mail --drain";

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("task").args(["dry_run", "drain", "install", "uninstall"])))]
pub(crate) struct ForwardMail {
    /// Show what would be sent, and where. Nothing is sent.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Send the mails of the mail drop, and those that are still on their way; to the daemon, where one was started.
    #[arg(long)]
    pub(crate) drain: bool,

    /// Make the mail drop and write the MTA's command into root's .forward, beside what stands there.
    #[arg(long)]
    pub(crate) install: bool,

    /// Take back what --install did.
    #[arg(long)]
    pub(crate) uninstall: bool,

    /// The home folder with .forward; root's when not given.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["dry_run", "drain"])]
    pub(crate) home: Option<PathBuf>,

    /// The mail drop; `incoming` in the system's state folder when not given.
    #[arg(long = "drop", value_name = "DIR", conflicts_with = "dry_run")]
    pub(crate) mail_drop: Option<PathBuf>,

    /// The most bytes of a mail that are kept; the text then says that there was more.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20, value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    pub(crate) max_size: u64,

    /// Send in this process, past the daemon and its spool.
    #[arg(long, conflicts_with_all = ["dry_run", "install", "uninstall"])]
    pub(crate) direct: bool,

    /// Answer in JSON, with --dry-run or --drain.
    #[arg(long, conflicts_with_all = ["install", "uninstall"], requires = "task")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Daemon {
    /// Where to listen; NOTIFY_DAEMON_SOCKET or the usual place when not given.
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,

    /// How the log looks; for the journal when standard error leads there, else text.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
}
