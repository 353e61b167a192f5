//! The command line: every command, and its help. The arguments stand by groups of commands.

mod configuration;
mod pages;
mod sending;
mod service;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::configuration::{Calendar, Check, Config, Guard, Sections};
#[cfg(feature = "demo")]
pub(crate) use self::pages::Demo;
pub(crate) use self::pages::{Completions, JsonSchema, Manual, Part, Render};
use self::sending::{BACKUP_REPORT, kinds};
pub(crate) use self::sending::{BackupReport, EventArgs, KindOfEvent, Route, Send, Test, Way};
use self::service::{DAEMON, FORWARDING};
pub(crate) use self::service::{Daemon, ForwardMail};
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
