//! Arguments of the commands that look into the spool.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{ArgGroup, Args, Subcommand};
use notify_core::{JobState, Severity, Zone};

use crate::args::Global;
use crate::console::Console;
use crate::seeing::store;
use crate::seeing::view::View;

const EXIT_CODES: &str = "\
Exit codes:
  0  answered   1  the spool is damaged   2  wrong usage, no such event or target, or a spool that
  is not there or may not be read   75 somebody else holds the spool: try again";

const HISTORY: &str = "\
Examples:
  notify history --since '2024-01-08 00:00' --type vzdump
  notify history --state dead --target ops-mail --json";

const SHOW: &str = "\
Examples:
  notify show 018ce7c1
  notify show last";

const EXPLAIN: &str = "\
What matchers and rules saw and said was stored when the event was accepted; the configuration of
today is only compared with it.

Example:
  notify explain 018ce7c1 --target ops-mail";

const QUEUE: &str = "\
Examples:
  notify queue
  notify queue --state dead --target ops-mail";

const RETRY: &str = "\
Waiting and dead deliveries are due at once, and their age counts anew. What is under way, arrived
or was dropped stays as it is.

Exit codes:
  0  done   1  one of those named cannot be tried again   2  wrong usage, no such event, delivery
  or target, or a spool that may not be written   75 somebody else holds the spool: try again

Examples:
  notify retry 018ce7c1
  notify retry 018ce7c1.ops-mail
  notify retry --target ops-mail";

const DROP: &str = "\
Waiting and dead deliveries are cancelled: they stay in the history and do not go out. An attempt
that is under way goes on and is recorded; when it arrives, the delivery counts as delivered.

Exit codes:
  0  done   1  one of those named cannot be dropped, or the answer was no   2  wrong usage, no such
  event, delivery or target, or a spool that may not be written   75 somebody else holds the spool:
  try again

Examples:
  notify drop 018ce7c1.ops-mail
  notify drop --all --yes";

const WATCH: &str = "\
What is accepted, each attempt, what `notify retry` and `notify drop` do, the breakers, and whether
the daemon runs. Without a daemon it follows what the spool records. Ends with Ctrl-C.

Example:
  notify watch --until-idle --json";

const STATUS: &str = "\
Breakers are known to the daemon alone: without one, no breaker is shown.";

const CHECK: &str = "\
Exit codes:
  0  nothing found   1  something found   2  a spool that is not there or may not be read";

const BACKUP: &str = "\
The file is a whole spool and belongs to its owner only. To go back to it, stop the daemon and put
it in the place of the spool's file.

Exit codes:
  0  written   1  not written   2  a spool that is not there or may not be read

Example:
  notify spool backup /root/notify-spool.db";

const AUDIT: &str = "\
The law: accepted = delivered + pending + dead + cancelled, for all deliveries and for those of each
event. The promises: what `notify spool check` looks for.

Exit codes:
  0  all holds   1  the law or a promise is broken   2  a spool that is not there or may not be read";

/// How times are read and shown, and the form of the answer.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Form {
    /// The zone of times, as Europe/Vienna; this machine's when not given.
    #[arg(long, value_name = "ZONE")]
    pub(crate) tz: Option<Zone>,

    /// Answer in JSON; times then are milliseconds since 1970.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Form {
    /// How a text for people reads now.
    pub(crate) fn view<'a>(&self, global: &Global, console: &'a Console) -> View<'a> {
        View {
            console,
            zone: self.tz.unwrap_or_default(),
            now: store::now(global),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = format!("{EXIT_CODES}\n\n{HISTORY}"))]
pub(crate) struct History {
    /// Accepted at this time or later: epoch seconds, RFC 3339 or YYYY-MM-DD HH:MM[:SS].
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) since: Option<String>,

    /// Accepted before this time.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) until: Option<String>,

    /// Of this type: the field `type`.
    #[arg(long = "type", value_name = "T", allow_hyphen_values = true)]
    pub(crate) kind: Option<String>,

    /// info, notice, warning, error or unknown.
    #[arg(long, value_name = "S")]
    pub(crate) severity: Option<Severity>,

    /// With a delivery to this target.
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub(crate) target: Option<String>,

    /// With a delivery in this state; with --target the one to it.
    #[arg(long, value_name = "STATE", value_parser = states(JobState::ALL.to_vec()))]
    pub(crate) state: Option<JobState>,

    /// At most so many, the newest; 0 means all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,

    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
#[command(after_help = format!("{EXIT_CODES}\n\n{SHOW}"))]
pub(crate) struct Show {
    /// The event: its id, so much of its beginning that no other begins with it, or `last`.
    pub(crate) event: String,

    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
#[command(after_help = format!("{EXPLAIN}\n\n{EXIT_CODES}"))]
pub(crate) struct Explain {
    /// The event: its id, so much of its beginning that no other begins with it, or `last`.
    pub(crate) event: String,

    /// Only this target, and the matchers that lead to it.
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub(crate) target: Option<String>,

    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
#[command(after_help = format!("{EXIT_CODES}\n\n{QUEUE}"))]
pub(crate) struct Queue {
    /// Only deliveries to this target.
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub(crate) target: Option<String>,

    /// Only those that wait, or only those that were given up; both when not given.
    #[arg(long, value_name = "STATE", value_parser = states(vec![JobState::Pending, JobState::Dead]))]
    pub(crate) state: Option<JobState>,

    /// At most so many, the oldest; 0 means all.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) limit: usize,

    #[command(flatten)]
    pub(crate) form: Form,
}

/// Deliveries that a person means.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").args(["ids", "target", "all"]).required(true)))]
pub(crate) struct Which {
    /// Events, or deliveries as EVENT.TARGET; an event as `notify show` takes it.
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,

    /// All that go to this target.
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub(crate) target: Option<String>,

    /// All.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
#[command(after_help = RETRY)]
pub(crate) struct Retry {
    #[command(flatten)]
    pub(crate) which: Which,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = DROP)]
pub(crate) struct Drop {
    #[command(flatten)]
    pub(crate) which: Which,

    /// Do not ask before all are dropped.
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = format!("{WATCH}\n\n{EXIT_CODES}"))]
pub(crate) struct Watch {
    /// End when no delivery waits.
    #[arg(long)]
    pub(crate) until_idle: bool,

    /// End after so many lines.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,

    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
#[command(after_help = format!("{STATUS}\n\n{EXIT_CODES}"))]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Spool {
    /// Look for damage and for broken promises. Nothing is changed.
    #[command(after_help = CHECK)]
    Check {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Copy the spool to a new file while it is in use.
    #[command(after_help = BACKUP)]
    Backup {
        /// The new file; it must not be there.
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
#[command(after_help = AUDIT)]
pub(crate) struct Audit {
    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// One of these states, by its name.
fn states(states: Vec<JobState>) -> impl clap::builder::TypedValueParser<Value = JobState> {
    let names: Vec<&'static str> = states.iter().map(|state| state.name()).collect();
    PossibleValuesParser::new(names).try_map(move |name| {
        let mut states = states.iter().copied();
        states
            .find(|state| state.name() == name)
            .ok_or("no state has this name")
    })
}
