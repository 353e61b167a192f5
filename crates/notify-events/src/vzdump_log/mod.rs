//! A backup report read from the log that vzdump wrote.
//!
//! The task log, what `vzdump` prints, and the block of logs in an older report
//! are all understood. Lines that are not known are kept and tell nothing.

mod line;

use std::collections::HashSet;
use std::fmt::Write as _;

use chrono::NaiveDateTime;

use crate::data::vzdump::{Guest, GuestStatus, Vzdump, in_short};
use crate::error::{EventError, EventErrorKind};
use crate::logs::JobLogs;
use line::Told;

/// Of a guest whose log ends in the middle.
const INTERRUPTED: &str = "the log ends before the job does";

/// Reads the log of one job.
///
/// # Errors
/// [`EventErrorKind::Origin`] when no line of it is of vzdump, or when it holds
/// several jobs.
pub fn read(log: &str) -> Result<Vzdump, EventError> {
    let mut reader = Reader::default();
    for text in log.lines() {
        let (shown, told) = line::read(text);
        reader.known |= !reader.known && line::is_certain(text, &told);
        reader.line(shown, &told)?;
    }
    reader.report()
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    /// Whether any line was certainly of vzdump.
    known: bool,
    command: Option<String>,
    elsewhere: Vec<u64>,
    /// The lines in their order: those of the job, and those of a guest with its number.
    blocks: Vec<(Option<u64>, String)>,
    guests: Vec<Reading>,
    /// The numbers of the guests, to find one among many.
    begun: HashSet<u64>,
    /// Whether the last guest still runs, so that lines are its own.
    in_guest: bool,
    /// Each once, in their order.
    errors: Vec<String>,
    known_errors: HashSet<String>,
    /// How the job ended, where the log tells.
    failed: Option<bool>,
}

/// What was read of a guest.
struct Reading {
    row: Guest,
    began: Option<NaiveDateTime>,
    ended: Option<NaiveDateTime>,
    kept: Option<u64>,
    settled: bool,
}

impl Reader {
    fn line(&mut self, shown: &str, told: &Told<'_>) -> Result<(), EventError> {
        match told {
            Told::JobBegins(command) => return self.begin(command),
            Told::GuestBegins(vmid) => self.begin_guest(*vmid),
            Told::JobEnds { failed } => {
                self.in_guest = false;
                self.failed = Some(*failed || self.failed == Some(true));
                return Ok(());
            }
            Told::Elsewhere(guests) => self.elsewhere.extend(guests),
            Told::JobError(text) => self.job_error(text),
            Told::GuestFails(vmid) if !self.begun.contains(vmid) => self.begin_guest(*vmid),
            _ => {}
        }
        self.keep(shown);
        if let Some(guest) = self.guests.last_mut() {
            guest.note(told);
            // What follows the last line of a guest is the job's.
            self.in_guest &= !(guest.settled && matches!(told, Told::EndedAt(_)));
        }
        Ok(())
    }

    fn begin(&mut self, command: &str) -> Result<(), EventError> {
        if self.command.is_some() {
            return Err(origin("the log holds several jobs: give the log of one"));
        }
        self.command = Some(command.to_owned());
        Ok(())
    }

    fn begin_guest(&mut self, vmid: u64) {
        self.in_guest = true;
        self.begun.insert(vmid);
        self.guests.push(Reading {
            row: Guest::new(vmid, GuestStatus::Err),
            began: None,
            ended: None,
            kept: None,
            settled: false,
        });
    }

    /// An error in the middle of a guest is followed by that of the guest.
    fn job_error(&mut self, text: &str) {
        let of_guest = self.in_guest && self.guests.last().is_some_and(|guest| !guest.settled);
        if !of_guest && self.known_errors.insert(text.to_owned()) {
            self.errors.push(text.to_owned());
        }
    }

    fn keep(&mut self, shown: &str) {
        let guest = self.guests.last().filter(|_| self.in_guest);
        let owner = guest.map(|guest| guest.row.vmid);
        if self.blocks.last().is_none_or(|(of, _)| *of != owner) {
            self.blocks.push((owner, String::new()));
        }
        if let Some((_, lines)) = self.blocks.last_mut() {
            let _ = writeln!(lines, "{shown}");
        }
    }

    fn report(mut self) -> Result<Vzdump, EventError> {
        if !self.known {
            return Err(origin("no line of it is of a log of vzdump"));
        }
        let unsettled = self.guests.iter().any(|guest| !guest.settled);
        if self.errors.is_empty() && (self.failed.is_none() || unsettled) {
            self.errors.push(INTERRUPTED.to_owned());
        }
        let logs = self.logs();
        let total_time = self.total_time();
        let waiting = self.waiting();
        let mut rows: Vec<Guest> = self.guests.into_iter().map(Reading::row).collect();
        rows.extend(
            waiting
                .into_iter()
                .map(|vmid| Guest::new(vmid, GuestStatus::Todo)),
        );
        let any_failed = rows.iter().any(|row| !row.succeeded());
        if self.failed == Some(true) && self.errors.is_empty() && !any_failed {
            self.errors.push("the job finished with errors".to_owned());
        }
        let error = (!self.errors.is_empty()).then(|| in_short(&self.errors.join("\n")));
        Ok(Vzdump {
            error,
            logs: Some(logs),
            total_time,
            ..Vzdump::finished(rows)
        })
    }

    fn logs(&self) -> String {
        let mut logs = JobLogs::of(self.command.as_deref().unwrap_or("vzdump"));
        for (owner, lines) in &self.blocks {
            match owner {
                Some(vmid) => logs.guest(*vmid, Some(lines)),
                None => logs.job(lines),
            }
        }
        logs.text().to_owned()
    }

    /// From the beginning of the first guest to the end of the last.
    fn total_time(&self) -> Option<u64> {
        let began = self.guests.iter().filter_map(|guest| guest.began).min();
        let ended = self.guests.iter().filter_map(|guest| guest.ended).max();
        seconds(began?, ended?)
    }

    /// The guests that the command line names and whose turn did not come; none
    /// of a job that did not begin with any: its table is empty.
    fn waiting(&self) -> Vec<u64> {
        if self.guests.is_empty() {
            return Vec::new();
        }
        let command = self.command.as_deref().unwrap_or_default();
        let named = command
            .split_whitespace()
            .skip(1)
            .map_while(|word| word.parse().ok());
        let elsewhere: HashSet<u64> = self.elsewhere.iter().copied().collect();
        named
            .filter(|vmid| !self.begun.contains(vmid) && !elsewhere.contains(vmid))
            .collect()
    }
}

impl Reading {
    fn note(&mut self, told: &Told<'_>) {
        match told {
            Told::BeganAt(at) => self.began = Some(*at),
            Told::EndedAt(at) => self.ended = Some(*at),
            Told::Name(name) => self.row.name = Some((*name).to_owned()),
            Told::Archive(archive) => self.row.filename = Some((*archive).to_owned()),
            Told::Size(size) => self.row.size = Some(*size),
            Told::SizeSoFar(size) => self.kept = self.kept.max(Some(*size)),
            Told::GuestEnds(vmid, time) if *vmid == self.row.vmid => {
                self.row.status = GuestStatus::Ok;
                self.row.time = *time;
                self.settled = true;
            }
            Told::GuestFails(vmid) if *vmid == self.row.vmid => self.settled = true,
            _ => {}
        }
    }

    fn row(self) -> Guest {
        let measured = || seconds(self.began?, self.ended?);
        let time = self.row.time.or_else(measured);
        let ok = self.row.succeeded();
        Guest {
            time,
            size: self.row.size.or(self.kept).filter(|_| ok),
            filename: self.row.filename.filter(|_| ok),
            ..self.row
        }
    }
}

fn seconds(began: NaiveDateTime, ended: NaiveDateTime) -> Option<u64> {
    u64::try_from((ended - began).num_seconds()).ok()
}

fn origin(message: &str) -> EventError {
    EventError::new(EventErrorKind::Origin, message)
}
