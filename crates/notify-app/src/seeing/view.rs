//! How moments, durations, sizes and deliveries read for people.

use std::time::Duration;

use notify_core::{AttemptRecord, JobRecord, JobState, Millis, Outcome, Zone};

use crate::console::Console;
use crate::shapes::printable;

/// What a text for people depends on besides its subject.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) console: &'a Console,
    pub(crate) zone: Zone,
    pub(crate) now: Millis,
}

impl View<'_> {
    /// `2024-01-08 08:00:00`.
    pub(crate) fn moment(&self, at: Millis) -> String {
        self.second(at.seconds())
    }

    /// The same for seconds.
    pub(crate) fn second(&self, seconds: i64) -> String {
        let at = self.zone.at(seconds);
        at.format("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// How long ago it was.
    pub(crate) fn age(&self, at: Millis) -> String {
        duration(self.now.since(at))
    }

    /// The name of a state, in its colour.
    pub(crate) fn state(&self, state: JobState) -> String {
        match state {
            JobState::Pending | JobState::Cancelled => self.console.doubtful(state.name()),
            JobState::Delivered => self.console.good(state.name()),
            JobState::Dead => self.console.bad(state.name()),
        }
    }

    fn outcome(&self, outcome: Outcome) -> String {
        match outcome {
            Outcome::Delivered => self.console.good(outcome.name()),
            Outcome::Partial | Outcome::CutOff => self.console.doubtful(outcome.name()),
            Outcome::Failed(_) => self.console.bad(outcome.name()),
        }
    }

    /// `unavailable: connection refused`, or `delivered: queued as 7`.
    pub(crate) fn ending(&self, attempt: &AttemptRecord) -> String {
        let mut text = self.outcome(attempt.outcome);
        for said in [&attempt.reference, &attempt.detail].into_iter().flatten() {
            text.push_str(": ");
            text.push_str(&printable(said));
        }
        text
    }

    /// An attempt in a line, and a line for each recipient that refused.
    pub(crate) fn attempt(&self, attempt: &AttemptRecord) -> Vec<String> {
        let took = attempt.ended.since(attempt.started);
        let mut lines = vec![format!(
            "attempt {} at {}, {}: {}",
            attempt.number,
            self.moment(attempt.started),
            short(took),
            self.ending(attempt)
        )];
        lines.extend(attempt.refused.iter().map(|refused| {
            format!(
                "  refused {}: {} ({})",
                printable(&refused.recipient),
                printable(&refused.message),
                printable(&refused.kind)
            )
        }));
        lines
    }

    /// What comes next for a delivery that waits.
    pub(crate) fn next(&self, job: &JobRecord) -> String {
        match job.due {
            _ if job.is_leased => "an attempt is under way".to_owned(),
            Some(due) if due <= self.now => "due now".to_owned(),
            Some(due) => format!("next attempt at {}", self.moment(due)),
            None => "no attempt is due".to_owned(),
        }
    }
}

/// `1 attempt`, `2 attempts`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let (one, more) = match noun {
        "delivery" => ("delivery", "deliveries"),
        other => return format!("{number} {other}{}", if number == 1 { "" } else { "s" }),
    };
    format!("{number} {}", if number == 1 { one } else { more })
}

/// In its two greatest units: `3d 4h`, `1m 30s`, `0s`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let greatest = units.iter().position(|(unit, _)| seconds >= *unit);
    let Some(at) = greatest else {
        return "0s".to_owned();
    };
    let (unit, name) = units[at];
    let mut text = format!("{}{name}", seconds / unit);
    if let Some((below, name)) = units.get(at + 1) {
        let rest = seconds % unit / below;
        if rest > 0 {
            text.push_str(&format!(" {rest}{name}"));
        }
    }
    text
}

/// A short one with its fraction: `40ms`, `5.2s`; a long one as [`duration`] has it.
fn short(took: Duration) -> String {
    match took.as_millis() {
        millis @ 0..1000 => format!("{millis}ms"),
        millis @ 1000..60_000 => format!("{}.{}s", millis / 1000, millis % 1000 / 100),
        _ => duration(took),
    }
}

/// `17 bytes`, `1.2 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut unit = 1_u64 << 40;
    for name in ["TiB", "GiB", "MiB", "KiB"] {
        if bytes >= unit {
            return format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit);
        }
        unit >>= 10;
    }
    format!("{bytes} bytes")
}

/// At most so many characters in one line, fit for a terminal; what is cut off ends in `…`.
pub(crate) fn excerpt(text: &str, most: usize) -> String {
    let shown = printable(text);
    if shown.chars().count() <= most {
        return shown;
    }
    let kept: String = shown.chars().take(most - 1).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{count, duration, excerpt, short, size};
    use std::time::Duration;

    #[test]
    fn durations_have_two_units() {
        let check = |seconds, expected| {
            assert_eq!(duration(Duration::from_secs(seconds)), expected);
        };
        check(0, "0s");
        check(59, "59s");
        check(90, "1m 30s");
        check(3600, "1h");
        check(3601, "1h");
        check(8000, "2h 13m");
        check(273_600, "3d 4h");
    }

    #[test]
    fn an_attempts_length_has_its_fraction() {
        let check = |millis, expected| {
            assert_eq!(short(Duration::from_millis(millis)), expected);
        };
        check(0, "0ms");
        check(999, "999ms");
        check(5240, "5.2s");
        check(59_999, "59.9s");
        check(60_000, "1m");
    }

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(1024), "1.0 KiB");
        assert_eq!(size(1_300_000), "1.2 MiB");
        assert_eq!(size(u64::MAX), "16777215.9 TiB");
    }

    #[test]
    fn an_excerpt_is_one_line() {
        assert_eq!(excerpt("a\nb", 10), "a\\nb");
        assert_eq!(excerpt("0123456789", 10), "0123456789");
        assert_eq!(excerpt("012345678 tail", 11), "012345678…");
    }

    #[test]
    fn nouns_are_counted() {
        assert_eq!(count(1, "attempt"), "1 attempt");
        assert_eq!(count(0, "attempt"), "0 attempts");
        assert_eq!(count(2, "delivery"), "2 deliveries");
    }
}
