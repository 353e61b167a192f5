//! Arguments of the commands that send events, and of those that only ask where one would go.

use std::path::PathBuf;

use clap::Args;
use notify_config::{MailNotification, NotificationMode};
use notify_core::{Severity, Zone, check_field};
use notify_events::EventKind;

pub(super) const BACKUP_REPORT: &str = "\
Options on the command line win over those of the job, these over /etc/vzdump.conf, these over
the built-in ones: auto, no address, always.

Example:
  notify backup-report --job backup-1a2b --data result.json --explain";

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

/// A kind by its name.
fn kind(name: &str) -> Result<&'static EventKind, String> {
    EventKind::named(name).ok_or_else(|| {
        let known = EventKind::all().map(|kind| kind.name).join(", ");
        format!("there are {known}")
    })
}

/// The kinds and examples, for help.
pub(super) fn kinds() -> String {
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
