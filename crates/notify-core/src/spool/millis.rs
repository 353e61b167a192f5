//! A moment of the spool's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 UTC, by the clock of whoever works the spool.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// The same moment of the wall clock. A time before 1970 counts as 1970.
    pub fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Later by `delay`, at most the end of time.
    #[must_use]
    pub fn plus(self, delay: Duration) -> Self {
        let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        Millis(self.0.saturating_add(delay))
    }

    /// Earlier by `delay`, at least the beginning of time.
    #[must_use]
    pub fn minus(self, delay: Duration) -> Self {
        let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        Millis(self.0.saturating_sub(delay))
    }

    /// How long after `earlier` this is; nothing when it is before.
    pub fn since(self, earlier: Millis) -> Duration {
        let millis = self.0.saturating_sub(earlier.0).max(0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    /// Whole seconds since 1970, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::Millis;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn nothing_overflows() {
        assert_eq!(Millis(i64::MAX).plus(Duration::MAX), Millis(i64::MAX));
        assert_eq!(Millis(i64::MIN).minus(Duration::MAX), Millis(i64::MIN));
        assert_eq!(Millis(i64::MIN).since(Millis(i64::MAX)), Duration::ZERO);
    }

    #[test]
    fn times_are_counted_in_milliseconds() {
        let second = Millis::of(UNIX_EPOCH + Duration::from_secs(1));
        assert_eq!(second, Millis(1000));
        assert_eq!(
            second.plus(Duration::from_millis(5)).since(second),
            Duration::from_millis(5)
        );
        assert_eq!((Millis(1999).seconds(), Millis(-1).seconds()), (1, -1));
    }
}
