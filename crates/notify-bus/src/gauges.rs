//! What a worker counts since its start.

use std::time::Duration;

use notify_core::Outcome;

use crate::SpoolTrouble;

/// The upper bounds of the classes of durations, in seconds.
pub const SECONDS: [f64; 10] = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// What targets are called together that are not in the configuration. No section can have it.
pub const OTHERS: &str = "(other)";

/// Everything that is counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gauges {
    /// Events that were accepted.
    pub accepted: u64,
    /// Events that had been accepted before.
    pub known: u64,
    /// Deliveries that were accepted.
    pub jobs: u64,
    /// Deliveries that are under way now.
    pub in_flight: usize,
    /// Events that could not be accepted.
    pub refused: u64,
    /// That the spool fails at the moment.
    pub spool_trouble: Option<SpoolTrouble>,
    /// The targets of the configuration and the [own lanes](crate::OwnLane), by name.
    pub targets: Vec<TargetGauges>,
    /// All others together, as [`OTHERS`].
    pub others: TargetGauges,
}

/// What is counted for one target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetGauges {
    /// The target.
    pub name: String,
    /// Attempts that ended in each way.
    pub attempts: Vec<(Outcome, u64)>,
    /// Deliveries that arrived.
    pub delivered: u64,
    /// Deliveries that were given up.
    pub dead: u64,
    /// How long attempts took.
    pub durations: Durations,
}

/// How long things took, in classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durations {
    /// How many took at most so long as [`SECONDS`] says at the same place, and not less than the one before; the last
    /// are those above all bounds.
    pub classes: [u64; SECONDS.len() + 1],
    /// All of them together, in seconds.
    pub sum: f64,
}

/// The counters of one target.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    attempts: [u64; Outcome::ALL.len()],
    delivered: u64,
    dead: u64,
    durations: Durations,
}

impl Durations {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.classes.iter().sum()
    }

    fn add(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let class = SECONDS.iter().position(|bound| seconds <= *bound);
        self.classes[class.unwrap_or(SECONDS.len())] += 1;
        self.sum += seconds;
    }
}

impl Tally {
    pub(crate) fn attempted(&mut self, outcome: Outcome, took: Duration) {
        if let Some(place) = Outcome::ALL.iter().position(|known| *known == outcome) {
            self.attempts[place] += 1;
        }
        self.durations.add(took);
    }

    pub(crate) fn delivered(&mut self) {
        self.delivered += 1;
    }

    pub(crate) fn died(&mut self) {
        self.dead += 1;
    }

    pub(crate) fn gauges(&self, name: &str) -> TargetGauges {
        TargetGauges {
            name: name.to_owned(),
            attempts: Outcome::ALL.into_iter().zip(self.attempts).collect(),
            delivered: self.delivered,
            dead: self.dead,
            durations: self.durations.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Durations, SECONDS};
    use std::time::Duration;

    #[test]
    fn durations_fall_into_classes() {
        let mut durations = Durations::default();
        for millis in [0, 5, 6, 30_000, 30_001] {
            durations.add(Duration::from_millis(millis));
        }
        assert_eq!((durations.classes[0], durations.classes[1]), (2, 1));
        let last = SECONDS.len();
        assert_eq!(
            (durations.classes[last - 1], durations.classes[last]),
            (1, 1)
        );
        assert_eq!(durations.count(), 5);
    }
}
