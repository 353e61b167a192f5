//! The clock that a spool is worked by: it never goes back, and it does not leap.
//!
//! Leases, waits and ages are counted in time that really passed. When the wall
//! clock is set, forward or back, the steady clock says so, and the difference
//! goes into a correction. [`Reckoning`] is that as a pure function of two
//! readings; [`SpoolClock`] asks the clocks.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use notify_core::{Millis, Zone};
use serde::{Deserialize, Serialize};

use crate::Moment;

/// What the wall clock may differ from the steady one between two looks before it was set.
///
/// Clocks that are kept right by small steps stay far below.
const TOLERANCE: Duration = Duration::from_secs(2);

/// Says what time it is.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time by which the spool is worked. Never before an earlier answer.
    fn now(&self) -> Millis;

    /// This moment by the steady clock and by the wall clock, for deadlines and headers.
    fn moment(&self) -> Moment;
}

/// Both clocks of a machine, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock, which may be set.
    pub wall: Millis,
    /// Since the machine was started, by a clock that nobody sets.
    pub steady: Duration,
}

/// What is kept over a restart of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KeptClock {
    /// Which start of the machine the steady clock counts from, in the system's own form.
    pub boot: String,
    /// The steady clock then, in milliseconds.
    pub steady_ms: u64,
    /// The time by which the spool was worked then.
    pub now: Millis,
    /// By how much it is behind the wall clock, in milliseconds; less than 0 when it is ahead.
    pub correction_ms: i64,
}

/// The time that really passed, reckoned from one reading to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reckoning {
    now: Millis,
    last: Reading,
    correction: i64,
}

impl Reckoning {
    /// From the beginning, or from what was kept.
    ///
    /// Within one start of the machine the steady clock says how much time has
    /// passed since. After another start only the wall clock can say it.
    pub fn begin(kept: Option<&KeptClock>, boot: &str, reading: Reading) -> Self {
        let Some(kept) = kept else {
            return Reckoning {
                now: reading.wall,
                last: reading,
                correction: 0,
            };
        };
        let steady = Duration::from_millis(kept.steady_ms);
        if kept.boot == boot && steady <= reading.steady {
            let wall = Millis(kept.now.0.saturating_add(kept.correction_ms));
            let then = Reckoning {
                now: kept.now,
                last: Reading { wall, steady },
                correction: kept.correction_ms,
            };
            return then.at(reading);
        }
        let now = Millis(reading.wall.0.saturating_sub(kept.correction_ms)).max(kept.now);
        Reckoning {
            now,
            last: reading,
            correction: reading.wall.0.saturating_sub(now.0),
        }
    }

    /// The same at a later reading.
    #[must_use]
    pub fn at(self, reading: Reading) -> Self {
        let passed = reading.steady.saturating_sub(self.last.steady);
        let by_wall = Millis(reading.wall.0.saturating_sub(self.correction));
        let by_steady = self.now.plus(passed);
        let apart = by_wall.since(by_steady).max(by_steady.since(by_wall));
        let now = if apart > TOLERANCE {
            by_steady
        } else {
            by_wall
        };
        let now = now.max(self.now);
        let correction = if apart > TOLERANCE {
            reading.wall.0.saturating_sub(now.0)
        } else {
            self.correction
        };
        Reckoning {
            now,
            last: reading,
            correction,
        }
    }

    /// The time.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// By how many milliseconds it is behind the wall clock.
    pub fn correction_ms(&self) -> i64 {
        self.correction
    }
}

/// Reads both clocks of the machine.
pub type ReadClocks = Box<dyn Fn() -> Reading + Send + Sync>;

/// The clock of a daemon.
pub struct SpoolClock {
    read: ReadClocks,
    boot: String,
    zone: Zone,
    reckoning: Mutex<Reckoning>,
}

impl SpoolClock {
    /// A clock that goes on from what was kept. `boot` tells one start of the machine from another.
    pub fn new(
        kept: Option<&KeptClock>,
        boot: impl Into<String>,
        zone: Zone,
        read: ReadClocks,
    ) -> Self {
        let boot = boot.into();
        let reckoning = Mutex::new(Reckoning::begin(kept, &boot, read()));
        SpoolClock {
            read,
            boot,
            zone,
            reckoning,
        }
    }

    /// A clock for one run, which keeps nothing: the process's own clocks.
    pub fn of_process(zone: Zone) -> Self {
        let started = Instant::now();
        let read = move || Reading {
            wall: Millis::of(SystemTime::now()),
            steady: started.elapsed(),
        };
        SpoolClock::new(None, "", zone, Box::new(read))
    }

    /// What to keep over a restart. Within one start of the machine it does not matter how old it is.
    pub fn kept(&self) -> KeptClock {
        let reckoning = self.look();
        KeptClock {
            boot: self.boot.clone(),
            steady_ms: u64::try_from(reckoning.last.steady.as_millis()).unwrap_or(u64::MAX),
            now: reckoning.now,
            correction_ms: reckoning.correction,
        }
    }

    fn look(&self) -> Reckoning {
        let mut reckoning = self
            .reckoning
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: readings are reckoned in the order in which they were made.
        *reckoning = reckoning.at((self.read)());
        *reckoning
    }
}

impl Clock for SpoolClock {
    fn now(&self) -> Millis {
        self.look().now
    }

    fn moment(&self) -> Moment {
        let wall = self.look().last.wall;
        Moment {
            instant: Instant::now(),
            wall: self.zone.at(wall.seconds()),
        }
    }
}

impl fmt::Debug for SpoolClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpoolClock")
            .field("boot", &self.boot)
            .field("reckoning", &self.reckoning)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock as _, KeptClock, Reading, Reckoning, SpoolClock};
    use notify_core::{Millis, Zone};
    use proptest::prelude::*;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    const HOUR: i64 = 3_600_000;

    fn reading(wall: i64, steady: u64) -> Reading {
        Reading {
            wall: Millis(wall),
            steady: Duration::from_millis(steady),
        }
    }

    #[test]
    fn a_leap_forward_is_no_time() {
        let clock = Reckoning::begin(None, "a", reading(0, 0));
        let leapt = clock.at(reading(HOUR, 1_000));
        assert_eq!(
            (leapt.now(), leapt.correction_ms()),
            (Millis(1_000), HOUR - 1_000)
        );
        assert_eq!(leapt.at(reading(HOUR + 500, 1_500)).now(), Millis(1_500));
    }

    #[test]
    fn a_leap_back_is_no_time_either() {
        let clock = Reckoning::begin(None, "a", reading(HOUR, 0));
        let leapt = clock.at(reading(0, 1_000));
        assert_eq!(leapt.now(), Millis(HOUR + 1_000));
        assert_eq!(leapt.at(reading(500, 1_500)).now(), Millis(HOUR + 1_500));
    }

    #[test]
    fn small_steps_of_the_wall_clock_are_followed() {
        let clock = Reckoning::begin(None, "a", reading(0, 0));
        let stepped = clock.at(reading(2_500, 1_000));
        assert_eq!((stepped.now(), stepped.correction_ms()), (Millis(2_500), 0));
        let back = stepped.at(reading(2_000, 1_100));
        assert_eq!((back.now(), back.correction_ms()), (Millis(2_500), 0));
    }

    #[test]
    fn a_restart_of_the_process_loses_no_time() {
        let kept = KeptClock {
            boot: "a".to_owned(),
            steady_ms: 1_000,
            now: Millis(5_000),
            correction_ms: 7,
        };
        // The wall clock leapt by an hour while nobody looked.
        let again = Reckoning::begin(Some(&kept), "a", reading(HOUR, 61_000));
        assert_eq!(again.now(), Millis(65_000));
        // After another start of the machine only the wall clock is left.
        let other = Reckoning::begin(Some(&kept), "b", reading(HOUR, 2_000));
        assert_eq!(other.now(), Millis(HOUR - 7));
        // One whose battery is empty says 1970.
        let empty = Reckoning::begin(Some(&kept), "b", reading(0, 2_000));
        assert_eq!(empty.now(), Millis(5_000));
        assert_eq!(empty.at(reading(1_000, 3_000)).now(), Millis(6_000));
    }

    #[test]
    fn what_is_kept_is_taken_up() {
        let clocks = Arc::new(Mutex::new(reading(0, 0)));
        let clock = |kept: Option<&KeptClock>| {
            let clocks = Arc::clone(&clocks);
            let read = move || *clocks.lock().expect("one thread");
            SpoolClock::new(
                kept,
                "a",
                "UTC".parse::<Zone>().expect("a zone"),
                Box::new(read),
            )
        };
        let first = clock(None);
        *clocks.lock().expect("one thread") = reading(HOUR, 1_000);
        assert_eq!(first.now(), Millis(1_000));
        assert_eq!(
            first.moment().wall.timestamp(),
            HOUR / 1000,
            "headers show the wall clock"
        );
        let kept = first.kept();
        *clocks.lock().expect("one thread") = reading(HOUR + 2_000, 3_000);
        assert_eq!(clock(Some(&kept)).now(), Millis(3_000));
    }

    proptest! {
        /// Whatever the wall clock does, time goes on as the steady clock says, within the tolerance a look.
        #[test]
        fn never_back_and_never_far(
            steps in proptest::collection::vec((0_u64..5_000, -10_000_000_i64..10_000_000), 1..50),
        ) {
            let mut clock = Reckoning::begin(None, "a", reading(0, 0));
            let mut steady = 0;
            for (passed, wall) in steps {
                steady += passed;
                let before = clock.now();
                clock = clock.at(reading(wall, steady));
                let went = clock.now().since(before);
                prop_assert!(clock.now() >= before);
                let passed = Duration::from_millis(passed);
                prop_assert!(went <= passed + super::TOLERANCE);
                prop_assert!(went + super::TOLERANCE >= passed);
            }
        }
    }
}
