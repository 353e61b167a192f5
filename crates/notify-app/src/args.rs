//! The command line: every command, option and its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use notify_config::{MailNotification, NotificationMode};
use notify_core::{Severity, Zone, check_field};
use notify_events::EventKind;

use crate::logs::LogFormat;
use crate::seeing::args as seeing;

const FOLDERS: &str = "\
Folders:
  Configuration: --config-dir, else NOTIFY_CONFIG_DIR, else for root /etc/pve if it is there,
  else /etc/notify; for users $XDG_CONFIG_HOME/notify if it is there, else the system's.
  State: NOTIFY_STATE_DIR, else /var/lib/notify; for users $XDG_STATE_HOME/notify.
  Socket of the daemon: NOTIFY_DAEMON_SOCKET; else notify.sock in NOTIFY_STATE_DIR if that is set,
  else /run/notify/notify.sock; for users $XDG_RUNTIME_DIR/notify/notify.sock, then the system's.

Environment:
  NOTIFY_SENDMAIL   the program that takes mail; /usr/sbin/sendmail when not set
  NOTIFY_VZDUMP_CONF
                    the defaults of this host's backups; /etc/vzdump.conf when not set
  NOTIFY_TEMPLATES  a folder of templates that are used before the built-in ones,
                    and after those in notification-templates/default/ of the configuration

Exit codes:
  0  done, or handed to the daemon: it will arrive
  1  something was not done, or not yet when --wait ended   2  wrong usage or unreadable configuration
  75 nothing was taken anywhere, a repeat doubles nothing";

const BACKUP_REPORT: &str = "\
Options on the command line win over those of the job, these over /etc/vzdump.conf, these over
the built-in ones: auto, no address, always.

Example:
  notify backup-report --job backup-1a2b --data result.json --explain";

/// Sends events to the people who should hear of them.
///
/// Matchers choose the targets of an event by its severity, fields and time. Both are configured
/// in the files of Proxmox VE: notifications.cfg and priv/notifications.cfg.
#[derive(Debug, Parser)]
#[command(name = "notify", after_help = FOLDERS, disable_version_flag = true, max_term_width = 100)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) global: Global,

    /// Print the version; with --verbose also the linked target types.
    #[arg(long, short = 'V')]
    pub(crate) version: bool,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// The configuration folder.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub(crate) config_dir: Option<PathBuf>,

    /// Say only what went wrong.
    #[arg(
        long,
        short,
        global = true,
        help_heading = "Global options",
        conflicts_with = "verbose"
    )]
    pub(crate) quiet: bool,

    /// Say more.
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(crate) verbose: bool,

    /// Colour on a terminal, always, or never.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Global options"
    )]
    pub(crate) color: Color,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send an event through the matchers to the targets they choose.
    #[command(
        after_help = "Example:\n  notify send --severity error --type vzdump --title 'Backup failed' --message 'disk full'"
    )]
    Send(Send),
    /// Send an event of a kind that the system knows, made of its data.
    #[command(after_help = kinds())]
    Event(KindOfEvent),
    /// Send a test notification to one target, or through the matchers.
    Test(Test),
    /// Send the report of a backup, as an event or as a legacy mail.
    #[command(after_help = BACKUP_REPORT)]
    BackupReport(BackupReport),
    /// Show which targets an event would reach. Nothing is sent.
    #[command(
        after_help = "Example:\n  notify route --severity error --field type=vzdump --explain"
    )]
    Route(Route),
    /// List what was accepted, the newest first.
    History(seeing::History),
    /// Show all that is known of an event: the decision, every attempt, the receipts.
    Show(seeing::Show),
    /// Say why an event reached a target, or did not.
    Explain(seeing::Explain),
    /// List the deliveries that wait, and those that were given up.
    Queue(seeing::Queue),
    /// Try deliveries again at once.
    Retry(seeing::Retry),
    /// Cancel deliveries: they do not go out.
    Drop(seeing::Drop),
    /// Show what happens, as it happens.
    Watch(seeing::Watch),
    /// Show how the targets, the queue and the daemon stand.
    Status(seeing::Status),
    /// Check or copy the spool.
    #[command(subcommand)]
    Spool(seeing::Spool),
    /// Check that nothing that was accepted is lost.
    Audit(seeing::Audit),
    /// Read a calendar expression: does it match, and when next?
    #[command(
        after_help = "Example:\n  notify calendar 'mon-fri 9-17' --at '2024-01-08 10:00' --tz Europe/Vienna --next 3"
    )]
    Calendar(Calendar),
    /// Report everything that is wrong with the configuration.
    Check(Check),
    /// Show or format the configuration.
    #[command(subcommand)]
    Config(Config),
    /// List, show and change targets.
    #[command(subcommand)]
    Target(Sections),
    /// List, show and change matchers.
    #[command(subcommand)]
    Matcher(Sections),
    /// Fill a template with data and print the result.
    Render(Render),
    /// Take events, keep them, and deliver them until they arrive. Runs in the foreground.
    #[command(after_help = DAEMON)]
    Daemon(Daemon),
    /// Pass on a mail for root, from standard input. For the MTA, which --install tells.
    #[command(after_help = FORWARDING)]
    ForwardMail(ForwardMail),
    /// Show the manual of a section type, or write all man pages.
    #[command(
        after_help = "Examples:\n  notify manual\n  notify manual matcher\n  notify manual matcher --man | man -l -\n  notify manual --write /usr/local/share/man"
    )]
    Manual(Manual),
    /// Print the JSON Schema of a section type, or of the whole configuration.
    #[command(
        after_help = "The schema of a type describes a section as it is written, with its secrets; that of the\n\
configuration describes what `notify config show --json` prints when nothing is wrong with it."
    )]
    Schema(JsonSchema),
    /// Print what a shell needs to complete this command line.
    #[command(after_help = "Example:\n  notify completions bash >/etc/bash_completion.d/notify")]
    Completions(Completions),
    /// Watch events travel to receivers on this machine. Nothing leaves it.
    #[cfg(feature = "demo")]
    Demo(Demo),
}

const DAEMON: &str = "\
One daemon works in a state folder. It ends at SIGTERM or SIGINT, when what is under way has ended;
at a second one at once. SIGHUP has it read the configuration, which it does by itself when a file
of it changes. It tells a service manager how it fares, as sd_notify(3) says, and takes over a
socket on which that listens.

Exit codes:
  0  it was told to end   2  the configuration or the spool cannot be used
  73 a file cannot be made   75 another daemon works here   77 not permitted

Example:
  notify daemon --verbose";

const FORWARDING: &str = "\
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

/// What an event is, as far as matchers look at it.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct EventArgs {
    /// info, notice, warning, error or unknown; info when not given.
    #[arg(long, value_name = "S")]
    pub(crate) severity: Option<Severity>,

    /// The type of the event, as vzdump; short for --field type=T.
    #[arg(long = "type", value_name = "T", allow_hyphen_values = true)]
    pub(crate) kind: Option<String>,

    /// A field that matchers can look at; repeatable.
    #[arg(long = "field", value_name = "K=V", value_parser = field)]
    pub(crate) fields: Vec<(String, String)>,
}

/// How an event goes out.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Way {
    /// Wait until it has arrived everywhere or was given up; at most so many seconds, then exit 1.
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        conflicts_with = "direct"
    )]
    pub(crate) wait: Option<Option<u64>>,

    /// Send in this process, past the daemon and its spool.
    #[arg(long)]
    pub(crate) direct: bool,
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

#[derive(Debug, Args)]
pub(crate) struct Send {
    #[command(flatten)]
    pub(crate) event: EventArgs,

    /// The subject. Required without --template.
    #[arg(
        long,
        value_name = "TEXT",
        conflicts_with = "template",
        required_unless_present = "template",
        allow_hyphen_values = true
    )]
    pub(crate) title: Option<String>,

    /// The text.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["message_file", "template"], allow_hyphen_values = true)]
    pub(crate) message: Option<String>,

    /// Read the text from a file; - is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "template")]
    pub(crate) message_file: Option<PathBuf>,

    /// Read an HTML version of the text from a file; - is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "template")]
    pub(crate) html_file: Option<PathBuf>,

    /// Fill this template instead of giving title and text.
    #[arg(long, value_name = "NAME", requires = "data")]
    pub(crate) template: Option<String>,

    /// The data of the template, JSON; - is standard input.
    #[arg(
        long,
        value_name = "FILE",
        requires = "template",
        conflicts_with = "title"
    )]
    pub(crate) data: Option<PathBuf>,

    /// When it happened: epoch seconds, RFC 3339 or YYYY-MM-DD HH:MM[:SS]; now when not given.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) timestamp: Option<String>,

    #[command(flatten)]
    pub(crate) way: Way,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("origin").args(["data", "from_apt", "from_log", "example", "schema", "list"]).required(true)))]
pub(crate) struct KindOfEvent {
    /// The kind.
    #[arg(value_name = "KIND", value_parser = kind, required_unless_present = "list", conflicts_with = "list")]
    pub(crate) kind: Option<&'static EventKind>,

    /// What happened, JSON; - is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,

    /// package-updates: ask this machine's apt.
    #[arg(long)]
    pub(crate) from_apt: bool,

    /// vzdump: read the log of a backup job; - is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) from_log: Option<PathBuf>,

    /// Print example data. Nothing is sent.
    #[arg(long, conflicts_with_all = ["job_id", "fields", "timestamp", "force", "json"])]
    pub(crate) example: bool,

    /// Print the JSON Schema of the data. Nothing is sent.
    #[arg(long, conflicts_with_all = ["job_id", "fields", "timestamp", "force", "json"])]
    pub(crate) schema: bool,

    /// List the kinds with their severities and fields. Nothing is sent.
    #[arg(long, conflicts_with_all = ["job_id", "fields", "timestamp", "force"])]
    pub(crate) list: bool,

    /// vzdump: the job that it is of, when it was scheduled; becomes the field `job-id`.
    #[arg(long, value_name = "ID", value_parser = job_id)]
    pub(crate) job_id: Option<String>,

    /// A field that matchers can look at; repeatable. It wins over the field of the kind.
    #[arg(long = "field", value_name = "K=V", value_parser = field)]
    pub(crate) fields: Vec<(String, String)>,

    /// When it happened: epoch seconds, RFC 3339 or YYYY-MM-DD HH:MM[:SS]; now when not given.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) timestamp: Option<String>,

    /// Send it even where the rules of the kind say not to; nothing is remembered.
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) way: Way,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A test goes past matchers and past `disable`, and prints the answer of the far side.\n\
With --route it goes through the matchers, as an event of the given severity, type and fields would."
)]
pub(crate) struct Test {
    /// The target.
    #[arg(required_unless_present = "route", conflicts_with = "route")]
    pub(crate) target: Option<String>,

    /// Go through the matchers.
    #[arg(long)]
    pub(crate) route: bool,

    #[command(flatten)]
    pub(crate) event: EventArgs,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BackupReport {
    /// The backup job in jobs.cfg whose options count, and the field `job-id` of the event.
    #[arg(long, value_name = "ID")]
    pub(crate) job: Option<String>,

    /// auto, legacy-sendmail or notification-system.
    #[arg(long, value_name = "M")]
    pub(crate) mode: Option<NotificationMode>,

    /// Who gets a legacy mail, a list; repeatable. '' means nobody, whatever files say.
    #[arg(long, value_name = "LIST")]
    pub(crate) mailto: Vec<String>,

    /// always or failure: when a legacy mail is sent.
    #[arg(long, value_name = "P")]
    pub(crate) mailnotification: Option<MailNotification>,

    /// The result of the backup, JSON as of the event `vzdump`; - is standard input.
    #[arg(long, value_name = "FILE", required_unless_present = "from_log")]
    pub(crate) data: Option<PathBuf>,

    /// The log of the backup in place of its result; - is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub(crate) from_log: Option<PathBuf>,

    /// When the backup ended: epoch seconds, RFC 3339 or YYYY-MM-DD HH:MM[:SS]; now when not given.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) timestamp: Option<String>,

    /// The defaults of this host's backups.
    #[arg(long, value_name = "FILE")]
    pub(crate) vzdump_conf: Option<PathBuf>,

    /// Show which way the report goes and why, each value with its origin.
    #[arg(long)]
    pub(crate) explain: bool,

    /// Decide and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) way: Way,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Route {
    #[command(flatten)]
    pub(crate) event: EventArgs,

    /// Read events from a file, one JSON object a line: severity, timestamp, fields; - is standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["severity", "kind", "fields"])]
    pub(crate) events: Option<PathBuf>,

    /// The time at which to look; wins over the events' own.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) at: Option<String>,

    /// The zone of calendars that name none, as Europe/Vienna; this machine's when not given.
    #[arg(long, value_name = "ZONE")]
    pub(crate) tz: Option<Zone>,

    /// Show every matcher and rule, what it saw and what it said.
    #[arg(long)]
    pub(crate) explain: bool,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

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

/// A kind by its name.
fn kind(name: &str) -> Result<&'static EventKind, String> {
    EventKind::named(name).ok_or_else(|| {
        let known = EventKind::all().map(|kind| kind.name).join(", ");
        format!("there are {known}")
    })
}

/// The kinds and examples, for help.
fn kinds() -> String {
    let kinds = EventKind::all().map(|kind| format!("  {:16} {}\n", kind.name, kind.title));
    format!(
        "Kinds:\n{}\n\
         Some kinds have a rule by which an event is not sent; then a line says why, and the exit code is 0.\n\n\
         Examples:\n  \
         notify event package-updates --from-apt\n  \
         notify event vzdump --from-log backup.log --job-id nightly\n  \
         notify event fencing --example | notify event fencing --data -",
        kinds.concat()
    )
}

/// `K=V`; the name as fields are named, the value without control characters.
fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    check_field(name, value).map_err(|error| error.to_string())?;
    Ok((name.to_owned(), value.to_owned()))
}

/// `\S{1,50}`, as the ids of jobs are in jobs.cfg.
fn job_id(text: &str) -> Result<String, String> {
    const MOST: usize = 50;
    let is_bad = |c: char| c.is_whitespace() || c.is_control();
    if !(1..=MOST).contains(&text.chars().count()) || text.contains(is_bad) {
        return Err(format!(
            "expected 1 to {MOST} characters without blanks and control characters"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::CommandLine;
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    fn check(line: &str, good: bool) {
        let parsed = CommandLine::try_parse_from(line.split(' '));
        assert_eq!(
            parsed.is_ok(),
            good,
            "{line}: {:?}",
            parsed.err().map(|error| error.to_string())
        );
    }

    #[test]
    fn send_wants_a_title_or_a_template_and_not_both() {
        check("notify send --title x", true);
        check("notify send", false);
        check("notify send --template t --data -", true);
        check("notify send --template t", false);
        check("notify send --template t --data - --title x", false);
        check("notify send --title x --severity bad", false);
        check("notify send --title x --field a=b=c", true);
        check("notify send --title x --field -a=b", false);
        check("notify send --title x --field a", false);
        check("notify send --title x --timestamp -1800", true);
    }

    #[test]
    fn a_backup_report_has_data_and_known_words() {
        check("notify backup-report --data -", true);
        check("notify backup-report --job a", false);
        check("notify backup-report --from-log -", true);
        check("notify backup-report --from-log - --data -", false);
        check("notify backup-report --data - --job a --mode auto", true);
        check("notify backup-report --data - --mode sendmail", false);
        check(
            "notify backup-report --data - --mailto a@x --mailto b@x",
            true,
        );
        check(
            "notify backup-report --data - --mailnotification never",
            false,
        );
    }

    #[test]
    fn global_options_stand_anywhere() {
        check("notify --config-dir /x check --json", true);
        check("notify check --json --config-dir /x", true);
        check("notify check --quiet --verbose", false);
    }

    #[test]
    fn an_event_has_a_kind_and_one_origin() {
        check("notify event", false);
        check("notify event vzdump", false);
        check("notify event backup --data -", false);
        check("notify event vzdump --data -", true);
        check("notify event vzdump --data - --from-log -", false);
        check("notify event vzdump --example --schema", false);
        check("notify event vzdump --example", true);
        check("notify event --example", false);
        check("notify event --list", true);
        check("notify event --list --json", true);
        check("notify event vzdump --list", false);
        check(
            "notify event vzdump --data - --field a=b --json --force",
            true,
        );
        check("notify event vzdump --example --field a=b", false);
    }

    #[test]
    fn a_job_id_is_one_word() {
        let check = |id: &str, good: bool| {
            let words = ["notify", "event", "vzdump", "--data", "-", "--job-id", id];
            let parsed = CommandLine::try_parse_from(words);
            assert_eq!(parsed.is_ok(), good, "{id:?}");
        };
        check("backup-1a2b:c", true);
        check(&"ä".repeat(50), true);
        check(&"x".repeat(51), false);
        for bad in ["", " ", "a b", "a\n", "a\u{a0}", "a\u{7f}", "\u{1}"] {
            check(bad, false);
        }
    }

    #[test]
    fn a_test_has_a_target_or_a_route() {
        check("notify test", false);
        check("notify test mail", true);
        check("notify test --route --severity error", true);
        check("notify test mail --route", false);
    }
}
