//! `jobs.cfg`: the jobs of a cluster, as far as they concern reports of backups.

use std::collections::HashMap;

use notify_schema::{Fault, Level, SectionName};

use crate::backup_options::BackupOptions;
use crate::line::{column_of, without_mark};
use crate::quote::quoted;

const FILE: &str = "jobs.cfg";

/// The type of the sections that are backup jobs.
const BACKUP: &str = "vzdump";

/// The most characters of a job's id.
const ID_MAX: usize = 50;

/// The backup jobs of a `jobs.cfg`.
///
/// A section has a header `vzdump: ID` and indented lines `KEY VALUE`. Comments,
/// sections of other types and options that do not concern reports are passed
/// over. Within a section the first line of a key counts, as in Proxmox VE; of
/// several sections with one id the last. What is wrong costs its line, or a
/// section whose header is wrong.
///
/// ```
/// use notify_config::{JobsCfg, NotificationMode};
///
/// let jobs = JobsCfg::parse(b"vzdump: backup-1a2b\n\tschedule 21:00\n\tnotification-mode legacy-sendmail\n");
/// let job = jobs.job("backup-1a2b").expect("it is there");
/// let mode = job.options.mode.as_ref().expect("it is set");
/// assert_eq!((mode.value, mode.line), (NotificationMode::LegacySendmail, 3));
/// ```
#[derive(Clone, Debug, Default)]
pub struct JobsCfg {
    jobs: Vec<BackupJob>,
    faults: Vec<Fault>,
}

/// A backup job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupJob {
    /// Its id, as written.
    pub id: String,
    /// The line of its header, from 1.
    pub line: u32,
    /// What it says about reports.
    pub options: BackupOptions,
}

/// The section that a line belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// None yet.
    Nothing,
    /// One that is not read: of another type, or with a faulty header.
    Skipped,
    /// The last job.
    Job,
}

impl JobsCfg {
    /// Reads what can be read. Never fails.
    pub fn parse(bytes: &[u8]) -> JobsCfg {
        let mut parsed = JobsCfg::default();
        let mut open = Open::Nothing;
        for (line, number) in without_mark(bytes).split(|byte| *byte == b'\n').zip(1..) {
            match std::str::from_utf8(line) {
                Ok(text) => parsed.line(text, number, &mut open),
                // The comment of a job that is not ours may be written as it likes.
                Err(_) if open == Open::Skipped && is_indented(line) => {}
                Err(_) => parsed.fault(number, 1, open, "not UTF-8, so the line is not used"),
            }
        }
        parsed.keep_last();
        parsed
    }

    /// All jobs in file order, no two with one id.
    pub fn jobs(&self) -> &[BackupJob] {
        &self.jobs
    }

    /// The job of this id.
    pub fn job(&self, id: &str) -> Option<&BackupJob> {
        self.jobs.iter().find(|job| job.id == id)
    }

    /// Everything that is wrong, in the order of the lines.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn line(&mut self, text: &str, number: u32, open: &mut Open) {
        let start = text.trim_start();
        if start.is_empty() || start.starts_with('#') {
            return;
        }
        if is_indented(text.as_bytes()) {
            self.property(text, number, *open);
        } else {
            *open = self.header(text.trim_end(), number);
        }
    }

    fn header(&mut self, text: &str, number: u32) -> Open {
        let named = text
            .split_once(':')
            .map(|(kind, id)| (kind, id.trim_start()))
            .filter(|(kind, _)| !kind.is_empty() && !kind.contains(char::is_whitespace));
        let Some((kind, id)) = named else {
            let first = text.split_whitespace().next().unwrap_or_default();
            let message = format!("expected a header `TYPE: ID`, not {}", quoted(first));
            self.fault(number, 1, Open::Nothing, message);
            return Open::Skipped;
        };
        if kind != BACKUP {
            return Open::Skipped;
        }
        if id.is_empty() || id.contains(char::is_whitespace) || id.chars().count() > ID_MAX {
            let column = column_of(text, text.len() - id.len());
            let expected = format!("expected an id of 1 to {ID_MAX} characters without blanks");
            let message = format!("{expected}, not {}", quoted(id));
            self.fault(number, column, Open::Nothing, message);
            return Open::Skipped;
        }
        self.jobs.push(BackupJob {
            id: id.to_owned(),
            line: number,
            options: BackupOptions::default(),
        });
        Open::Job
    }

    fn property(&mut self, text: &str, number: u32, open: Open) {
        let start = text.trim_start();
        let indent = text.len() - start.len();
        let (key, rest) = start.split_once(char::is_whitespace).unwrap_or((start, ""));
        let job = match open {
            Open::Skipped => return,
            Open::Job => self.jobs.last_mut(),
            Open::Nothing => None,
        };
        let Some(job) = job else {
            let message = "stands before any section, so the line is not used";
            return self.fault(number, column_of(text, indent), open, message);
        };
        if !BackupOptions::knows(key) {
            return;
        }
        let value = rest.trim();
        let (at, message) = if value.is_empty() {
            let message = format!("`{key}` has no value, so the line is not used");
            (indent, message)
        } else if let Some(earlier) = job.options.line_of(key) {
            let message = format!("`{key}` is already set on line {earlier}, which counts");
            (indent, message)
        } else if let Err(error) = job.options.set(key, value, number) {
            let message = format!("`{key}`: {error}, so the line is not used");
            (text.len() - rest.trim_start().len(), message)
        } else {
            return;
        };
        self.fault(number, column_of(text, at), open, message);
    }

    /// Of several jobs with one id the last counts.
    fn keep_last(&mut self) {
        let numbered = self.jobs.iter().map(|job| (job.id.clone(), job.line));
        // Collected in file order, so that the last line stays.
        let last: HashMap<String, u32> = numbered.collect();
        let (kept, earlier): (Vec<_>, Vec<_>) = std::mem::take(&mut self.jobs)
            .into_iter()
            .partition(|job| last[&job.id] == job.line);
        self.jobs = kept;
        self.faults.extend(earlier.iter().map(|job| {
            let message = format!("is also on line {}, which counts", last[&job.id]);
            let fault = Fault::in_file(FILE, Level::Warning, message).on_line(job.line, 1);
            fault.in_section(SectionName::new(BACKUP, &job.id))
        }));
        Fault::sort(&mut self.faults);
    }

    fn fault(&mut self, line: u32, column: u32, open: Open, message: impl Into<String>) {
        let fault = Fault::in_file(FILE, Level::Warning, message).on_line(line, column);
        let job = self.jobs.last().filter(|_| open == Open::Job);
        self.faults.push(match job {
            Some(job) => fault.in_section(SectionName::new(BACKUP, &job.id)),
            None => fault,
        });
    }
}

fn is_indented(line: &[u8]) -> bool {
    line.first().is_some_and(u8::is_ascii_whitespace)
}
