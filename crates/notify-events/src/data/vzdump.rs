//! `vzdump`: a backup job has ended, or could not begin.

use notify_core::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::{Circumstances, Common, Event, fields};
use crate::kind::{DataKind, EventData, EventKind, FieldDoc, content};
use crate::number;
use crate::table::{Row, StandardColumn, Table};

/// A backup job has ended.
pub static VZDUMP: EventKind = EventKind {
    name: "vzdump",
    title: "Backup finished",
    doc: "Sent when a backup job has ended on a node, and when it could not begin. \
          A job that runs on several nodes makes one event on each.",
    severities: &[Severity::Info, Severity::Error],
    fields: &[
        FieldDoc::TYPE,
        FieldDoc::HOSTNAME,
        FieldDoc::sometimes("job-id", "The backup job, when it was scheduled."),
    ],
    data: Some(DataKind::of::<Vzdump>(include_str!(
        "../examples/vzdump.json"
    ))),
};

/// Logs of more bytes than this are not sent: 1 MiB.
const MOST_LOGS: usize = 1 << 20;

/// Of an error of more lines than one above this, so many and their number are told.
const MOST_ERRORS: usize = 20;

/// A longer line of an error is cut, in characters.
const LONGEST_ERROR: usize = 1000;

const LEFT_OUT: &str =
    "The logs are longer than 1 MiB and were left out. The task log of this node has them.\n";

const SUCCESSFUL: &str = "backup successful";
const FAILED: &str = "backup failed";

/// A backup job that has ended, or that could not begin: then without guests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Vzdump {
    /// How it ended, as in the subject; worked out of `error` and the guests when it is
    /// missing, or says `backup successful` although they say otherwise.
    #[serde(default)]
    pub status_text: Option<String>,
    /// Why the job as a whole failed; one line of it becomes part of `status-text`,
    /// of many lines the first 20 are told. It did not fail when this is blank.
    #[serde(default)]
    pub error: Option<String>,
    /// The guests of the job.
    pub guest_table: Table<Guest>,
    /// The output of the job: the command line and an empty line, then lines of the
    /// form `VMID: LINE`. More than 1 MiB is replaced by a sentence.
    #[serde(default)]
    pub logs: Option<String>,
    /// The size of all backups that succeeded, in bytes; the sum over the guests when it is missing.
    #[serde(default, deserialize_with = "number::count_or_null")]
    #[schemars(schema_with = "number::count_or_null_schema")]
    pub total_size: Option<u64>,
    /// How long the job took, in seconds; the sum over the guests when it is missing.
    #[serde(default, deserialize_with = "number::count_or_null")]
    #[schemars(schema_with = "number::count_or_null_schema")]
    pub total_time: Option<u64>,
    /// What all kinds may have.
    #[serde(flatten)]
    pub common: Common,
}

/// A guest of a backup job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Guest {
    /// Its number.
    #[serde(deserialize_with = "number::count")]
    #[schemars(schema_with = "number::count_schema")]
    pub vmid: u64,
    /// Its name; `VM` and its number when it is missing.
    #[serde(default)]
    pub name: Option<String>,
    /// How its backup ended.
    pub status: GuestStatus,
    /// How long its backup took, in seconds; 0 when it is missing.
    #[serde(default, deserialize_with = "number::count_or_null")]
    #[schemars(schema_with = "number::count_or_null_schema")]
    pub time: Option<u64>,
    /// The size of the backup, in bytes; 0 when it is missing or failed.
    #[serde(default, deserialize_with = "number::count_or_null")]
    #[schemars(schema_with = "number::count_or_null_schema")]
    pub size: Option<u64>,
    /// Where the backup is: a file, or a snapshot of a backup server; null when it failed.
    #[serde(default)]
    pub filename: Option<String>,
    /// Whatever else stands there.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How the backup of a guest ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GuestStatus {
    /// There is a backup.
    Ok,
    /// It failed.
    Err,
    /// It did not begin.
    Todo,
}

impl Row for Guest {
    const COLUMNS: &'static [StandardColumn] = &[
        StandardColumn::plain("VMID", "vmid"),
        StandardColumn::plain("Name", "name"),
        StandardColumn::plain("Status", "status"),
        StandardColumn::rendered("Time", "time", "duration"),
        StandardColumn::rendered("Size", "size", "human-bytes"),
        StandardColumn::plain("Filename", "filename"),
    ];
}

impl Guest {
    /// A guest of this number, with nothing else known.
    pub fn new(vmid: u64, status: GuestStatus) -> Self {
        Guest {
            vmid,
            name: None,
            status,
            time: None,
            size: None,
            filename: None,
            other: Map::new(),
        }
    }

    /// Whether there is a backup of it.
    pub fn succeeded(&self) -> bool {
        self.status == GuestStatus::Ok
    }

    /// The row as it is shown.
    fn completed(&self) -> Guest {
        let mut row = self.clone();
        row.name.get_or_insert_with(|| format!("VM {}", self.vmid));
        row.time.get_or_insert(0);
        row.size = Some(self.kept_size());
        row.filename = row.filename.filter(|_| self.succeeded());
        row
    }

    fn kept_size(&self) -> u64 {
        self.size.filter(|_| self.succeeded()).unwrap_or(0)
    }
}

impl Vzdump {
    /// A job that ended after it worked on these guests.
    pub fn finished(guests: impl IntoIterator<Item = Guest>) -> Self {
        Vzdump {
            guest_table: Table::of(guests),
            ..Vzdump::default()
        }
    }

    /// A job that failed before it began, as of a bad storage or a lock that was not to be had.
    pub fn not_begun(error: impl Into<String>) -> Self {
        Vzdump {
            error: Some(error.into()),
            ..Vzdump::default()
        }
    }

    /// Whether the job or one of its guests failed; a guest that did not begin counts.
    pub fn failed(&self) -> bool {
        let said = self.status_text.as_deref().unwrap_or_default();
        says(said, FAILED) || self.went_wrong()
    }

    /// Whether the error or the guests say that it failed, whatever the status text says.
    fn went_wrong(&self) -> bool {
        self.told_cause().is_some() || self.guest_table.iter().any(|guest| !guest.succeeded())
    }

    /// The error of the job; a blank one is none.
    fn told_cause(&self) -> Option<&str> {
        let error = self.error.as_deref().map(str::trim);
        error.filter(|error| !error.is_empty())
    }

    /// The status text that is given, unless it says that all went well when it did not.
    fn given_status(&self) -> Option<&str> {
        let text = self.status_text.as_deref();
        text.filter(|text| !(says(text, SUCCESSFUL) && self.went_wrong()))
    }

    /// `backup successful`, or `backup failed` with the reason where there is one
    /// for the whole job and it is one line.
    pub fn status_text(&self) -> String {
        if let Some(text) = self.given_status() {
            return text.to_owned();
        }
        match (self.told_cause(), self.went_wrong()) {
            (Some(error), _) if error.contains('\n') => format!("{FAILED}: multiple problems"),
            (Some(error), _) => format!("{FAILED}: {}", in_short(error)),
            (None, true) => FAILED.to_owned(),
            (None, false) => SUCCESSFUL.to_owned(),
        }
    }

    /// The size of all backups that succeeded, in bytes.
    pub fn total_size(&self) -> u64 {
        let sizes = self.guest_table.iter().map(Guest::kept_size);
        self.total_size
            .unwrap_or_else(|| sizes.fold(0, u64::saturating_add))
    }

    /// How long the job took, in seconds.
    pub fn total_time(&self) -> u64 {
        let times = self.guest_table.iter().filter_map(|guest| guest.time);
        self.total_time
            .unwrap_or_else(|| times.fold(0, u64::saturating_add))
    }

    /// The data as templates get them: nothing is left to be worked out.
    fn completed(&self) -> Vzdump {
        let rows = self.guest_table.iter().map(Guest::completed).collect();
        Vzdump {
            status_text: Some(self.status_text()),
            error: self.told_error().map(in_short),
            guest_table: Table {
                rows,
                schema: self.guest_table.schema.clone(),
            },
            logs: Some(self.told_logs().to_owned()),
            total_size: Some(self.total_size()),
            total_time: Some(self.total_time()),
            common: self.common.clone(),
        }
    }

    /// The error, unless the status text has it already.
    fn told_error(&self) -> Option<&str> {
        let error = self.told_cause()?;
        let is_told = self.given_status().is_none() && !error.contains('\n');
        (!is_told).then_some(error)
    }

    fn told_logs(&self) -> &str {
        match self.logs.as_deref() {
            Some(logs) if logs.len() > MOST_LOGS => LEFT_OUT,
            logs => logs.unwrap_or_default(),
        }
    }
}

/// Whether a status text begins with these words, however they are written.
fn says(text: &str, words: &str) -> bool {
    let begin = text.trim_start().get(..words.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(words))
}

/// An error as people can read it: its first lines, and how many more there are.
///
/// What is short already stays as it is.
pub(crate) fn in_short(error: &str) -> String {
    let count = error.lines().count();
    // A line that says `and 1 more` would take the place of that one.
    let told = if count > MOST_ERRORS + 1 {
        MOST_ERRORS
    } else {
        count
    };
    let mut lines: Vec<String> = error.lines().take(told).map(short_line).collect();
    if told < count {
        lines.push(format!("and {} more", count - told));
    }
    lines.join("\n")
}

fn short_line(line: &str) -> String {
    if line.chars().nth(LONGEST_ERROR).is_none() {
        return line.to_owned();
    }
    let kept = line.chars().take(LONGEST_ERROR - 1);
    kept.chain(['…']).collect()
}

impl EventData for Vzdump {
    const KIND: &'static EventKind = &VZDUMP;

    fn event(&self, circumstances: &Circumstances<'_>) -> Event {
        let hostname = self.common.hostname_or(circumstances.hostname);
        Event {
            severity: if self.failed() {
                Severity::Error
            } else {
                Severity::Info
            },
            fields: fields("vzdump", hostname, [("job-id", circumstances.job_id)]),
            content: content(&self.completed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Guest, GuestStatus, LEFT_OUT, MOST_LOGS, Vzdump};

    fn guest(vmid: u64, status: GuestStatus) -> Guest {
        Guest {
            time: Some(5),
            size: Some(1000),
            filename: Some("/a".to_owned()),
            ..Guest::new(vmid, status)
        }
    }

    fn check(error: Option<&str>, statuses: &[GuestStatus], expected: (&str, Option<&str>, bool)) {
        let guests = statuses.iter().map(|status| guest(100, *status));
        let report = Vzdump {
            error: error.map(str::to_owned),
            ..Vzdump::finished(guests)
        };
        let shown = report.completed();
        let found = (
            shown.status_text.as_deref().unwrap_or_default(),
            shown.error.as_deref(),
            report.failed(),
        );
        assert_eq!(found, expected, "{error:?} {statuses:?}");
        // What is shown is shown again in the same way.
        assert_eq!(shown.completed(), shown);
        assert_eq!(shown.failed(), report.failed());
    }

    #[test]
    fn the_status_says_what_fits_one_line() {
        use GuestStatus::{Err, Ok, Todo};
        check(None, &[], ("backup successful", None, false));
        check(None, &[Ok], ("backup successful", None, false));
        check(None, &[Ok, Err], ("backup failed", None, true));
        check(None, &[Ok, Todo], ("backup failed", None, true));
        check(
            Some("no lock\n"),
            &[],
            ("backup failed: no lock", None, true),
        );
        check(
            Some("no lock"),
            &[Ok],
            ("backup failed: no lock", None, true),
        );
        check(
            Some("no lock\nno space\n"),
            &[Err],
            (
                "backup failed: multiple problems",
                Some("no lock\nno space"),
                true,
            ),
        );
        // Perl's producers say so that there was none.
        for blank in ["", " \n"] {
            check(Some(blank), &[Ok], ("backup successful", None, false));
            check(Some(blank), &[Err], ("backup failed", None, true));
        }
    }

    #[test]
    fn a_status_that_is_given_stays_and_so_does_the_error_beside_it() {
        let report = Vzdump {
            status_text: Some("backup failed: no lock".to_owned()),
            error: Some("no lock".to_owned()),
            ..Vzdump::default()
        };
        assert_eq!(report.completed().error.as_deref(), Some("no lock"));
        assert_eq!(report.status_text(), "backup failed: no lock");
        // Of a one-line error that nothing but the text tells.
        let report = Vzdump {
            error: None,
            ..report
        };
        assert!(report.failed());
    }

    #[test]
    fn a_status_that_contradicts_the_guests_is_replaced() {
        let check = |said: &str, guests: &[GuestStatus], expected: (&str, bool)| {
            let report = Vzdump {
                status_text: Some(said.to_owned()),
                ..Vzdump::finished(guests.iter().map(|status| guest(100, *status)))
            };
            let shown = report.completed();
            let text = shown.status_text.as_deref().unwrap_or_default();
            assert_eq!((text, report.failed()), expected, "{said} {guests:?}");
            assert_eq!(shown.completed(), shown);
        };
        use GuestStatus::{Err, Ok};
        check("backup successful", &[Ok, Err], ("backup failed", true));
        check(" Backup Successful!", &[Err], ("backup failed", true));
        check("Backup successful", &[Ok], ("Backup successful", false));
        check("Backup FAILED", &[Ok], ("Backup FAILED", true));
        check("nightly run", &[Err], ("nightly run", true));
        // The error that the computed text tells is told once.
        let report = Vzdump {
            status_text: Some("backup successful".to_owned()),
            ..Vzdump::not_begun("no lock")
        };
        let shown = report.completed();
        assert_eq!(shown.status_text.as_deref(), Some("backup failed: no lock"));
        assert_eq!(shown.error, None);
    }

    #[test]
    fn of_many_errors_the_first_are_told() {
        let lines = |count: usize| (1..=count).map(|n| format!("error {n}\n"));
        let told = |error: String| {
            let shown = Vzdump::not_begun(error).completed();
            assert_eq!(shown.completed(), shown);
            shown.error.expect("more than one line")
        };
        assert_eq!(told(lines(21).collect()).lines().count(), 21);
        let many = told(lines(22).collect());
        let kept: Vec<_> = many.lines().collect();
        assert_eq!(kept.len(), 21);
        assert_eq!(kept[19..], ["error 20", "and 2 more"]);
        let long = told(format!("{}\nb", "ä".repeat(1001)));
        assert_eq!(long, format!("{}…\nb", "ä".repeat(999)));
        // A single line is told in the subject.
        let shown = Vzdump::not_begun("x".repeat(5000)).completed();
        let text = shown.status_text.expect("a status");
        assert_eq!(text, format!("backup failed: {}…", "x".repeat(999)));
    }

    #[test]
    fn only_what_is_there_has_a_size_and_a_place() {
        let guests = [
            guest(100, GuestStatus::Ok),
            guest(101, GuestStatus::Err),
            Guest::new(102, GuestStatus::Todo),
        ];
        let shown = Vzdump::finished(guests).completed();
        assert_eq!((shown.total_size, shown.total_time), (Some(1000), Some(10)));
        let rows: Vec<_> = shown
            .guest_table
            .iter()
            .map(|row| {
                (
                    row.name.as_deref(),
                    row.time,
                    row.size,
                    row.filename.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                (Some("VM 100"), Some(5), Some(1000), Some("/a")),
                (Some("VM 101"), Some(5), Some(0), None),
                (Some("VM 102"), Some(0), Some(0), None),
            ]
        );
    }

    #[test]
    fn a_job_that_did_not_begin_has_no_guest_and_took_no_time() {
        let shown = Vzdump::not_begun("storage 'nas' does not exist").completed();
        assert!(shown.guest_table.is_empty());
        assert_eq!((shown.total_size, shown.total_time), (Some(0), Some(0)));
        assert_eq!(shown.logs.as_deref(), Some(""));
    }

    #[test]
    fn logs_of_more_than_a_mebibyte_become_a_sentence() {
        let with = |bytes: usize| Vzdump {
            logs: Some("x".repeat(bytes)),
            ..Vzdump::default()
        };
        assert_eq!(with(MOST_LOGS).completed().logs, with(MOST_LOGS).logs);
        assert_eq!(
            with(MOST_LOGS + 1).completed().logs.as_deref(),
            Some(LEFT_OUT)
        );
    }
}
