//! What a run has shown.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::verdict::Broken;

/// What a run has shown.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How often the daemon ended in which way.
    pub endings: BTreeMap<String, usize>,
    /// How many of them were kills.
    pub kills: usize,
    /// How often which trouble was made.
    pub troubles: BTreeMap<&'static str, usize>,
    /// Events that the daemon accepted.
    pub accepted: usize,
    /// Events that a program put into the spool while there was no daemon.
    pub stored: usize,
    /// Mails that a program kept in the queue of mails.
    pub kept: usize,
    /// Mails that were left in the mail drop.
    pub dropped: usize,
    /// Events that were refused.
    pub refused: usize,
    /// Events of which nobody said anything.
    pub open: usize,
    /// Messages that came whole to a receiver.
    pub arrivals: usize,
    /// Copies beyond the first.
    pub doubles: usize,
    /// Attempts that are recorded as uncertain or cut off.
    pub unclear: usize,
    /// Deliveries that were given up: the receiver said never, or they are held.
    pub dead: usize,
    /// How long it took.
    pub took: Duration,
    /// What could not be tried here.
    pub left_out: Vec<String>,
    /// What senders said that got no answer, in short.
    pub remarks: BTreeMap<String, usize>,
    /// The laws that do not hold.
    pub broken: Vec<Broken>,
}

/// At most so many broken laws are shown of each kind.
const SHOWN: usize = 5;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.took.as_secs_f64();
        writeln!(f, "{} kills in {took:.1} s", self.kills)?;
        for (ending, count) in &self.endings {
            writeln!(f, "  {count:>5}  {ending}")?;
        }
        writeln!(f, "troubles")?;
        for (trouble, count) in &self.troubles {
            writeln!(f, "  {count:>5}  {trouble}")?;
        }
        writeln!(f, "events")?;
        let events = [
            (self.accepted, "accepted by the daemon"),
            (
                self.stored,
                "put into the spool by their sender, without a daemon",
            ),
            (self.kept, "mails kept in the queue of mails"),
            (self.dropped, "mails left in the mail drop"),
            (self.refused, "refused: they are nowhere"),
            (self.open, "without an answer: they may have arrived"),
        ];
        for (count, what) in events {
            writeln!(f, "  {count:>5}  {what}")?;
        }
        writeln!(f, "deliveries")?;
        let deliveries = [
            (self.arrivals, "messages at the receivers"),
            (self.doubles, "of them second copies"),
            (self.unclear, "attempts recorded as uncertain or cut off"),
            (
                self.dead,
                "given up: the receiver said never, or it may have arrived and is held",
            ),
        ];
        for (count, what) in deliveries {
            writeln!(f, "  {count:>5}  {what}")?;
        }
        for (remark, count) in &self.remarks {
            writeln!(f, "remark ({count} times): {remark}")?;
        }
        for what in &self.left_out {
            writeln!(f, "NOT TRIED: {what}")?;
        }
        self.verdict(f)
    }
}

impl Report {
    fn verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.broken.is_empty() {
            return writeln!(f, "every law holds");
        }
        let mut by_law: BTreeMap<&str, Vec<&Broken>> = BTreeMap::new();
        for broken in &self.broken {
            by_law.entry(broken.law).or_default().push(broken);
        }
        for (law, found) in by_law {
            writeln!(f, "BROKEN {law}: {} times", found.len())?;
            for broken in found.iter().take(SHOWN) {
                writeln!(f, "  {}", broken.detail)?;
            }
        }
        Ok(())
    }
}
