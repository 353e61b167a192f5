//! Time as the store sees it, so that tests need not sleep.

use std::fmt::Debug;
use std::time::{Duration, SystemTime};

/// What tells the time and waits.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock.
    fn now(&self) -> SystemTime;

    /// Returns when the time has passed.
    fn wait(&self, time: Duration);
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn wait(&self, time: Duration) {
        std::thread::sleep(time);
    }
}
