//! How many events each user sends: a bucket that fills with time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The buckets of all users who sent lately.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    buckets: HashMap<u32, Bucket>,
}

/// When the bucket was looked at, and how full it was then.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    seen: Instant,
    events: f64,
}

/// So many users are kept in mind before those whose bucket is full are forgotten.
const MANY: usize = 256;

impl Rates {
    /// Takes one event of a user at `now`.
    ///
    /// # Errors
    /// How long to wait until there is room for one.
    pub(crate) fn take(
        &mut self,
        uid: u32,
        (rate, burst): (u32, u32),
        now: Instant,
    ) -> Result<(), Duration> {
        let rate = f64::from(rate.max(1));
        let most = f64::from(burst.max(1));
        if self.buckets.len() >= MANY && !self.buckets.contains_key(&uid) {
            // A full bucket is as good as none.
            self.buckets
                .retain(|_, bucket| bucket.at(now, rate, most).events < most);
        }
        let full = Bucket {
            seen: now,
            events: most,
        };
        let bucket = self.buckets.entry(uid).or_insert(full);
        *bucket = bucket.at(now, rate, most);
        if bucket.events >= 1.0 {
            bucket.events -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.events) / rate))
    }
}

impl Bucket {
    fn at(self, now: Instant, rate: f64, most: f64) -> Self {
        let seconds = now.saturating_duration_since(self.seen).as_secs_f64();
        Bucket {
            seen: now.max(self.seen),
            events: (self.events + seconds * rate).min(most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MANY, Rates};
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    #[test]
    fn who_waits_as_long_as_told_is_let_in() {
        let now = Instant::now();
        let mut rates = Rates::default();
        for _ in 0..3 {
            assert_eq!(rates.take(7, (10, 3), now), Ok(()));
        }
        let wait = rates
            .take(7, (10, 3), now)
            .expect_err("the bucket is empty");
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(rates.take(8, (10, 3), now), Ok(()), "another user");
        assert!(rates.take(7, (10, 3), now + wait / 2).is_err());
        assert_eq!(rates.take(7, (10, 3), now + wait), Ok(()));
    }

    #[test]
    fn users_are_forgotten() {
        let now = Instant::now();
        let mut rates = Rates::default();
        for uid in 0..10_000 {
            let now = now + Duration::from_millis(10 * u64::from(uid));
            assert_eq!(rates.take(uid, (10, 3), now), Ok(()));
        }
        assert!(rates.buckets.len() <= MANY, "{}", rates.buckets.len());
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_rate(
            pauses in prop::collection::vec(0_u64..400, 1..200),
            rate in 1_u32..50,
            burst in 1_u32..20,
        ) {
            let start = Instant::now();
            let mut now = start;
            let mut rates = Rates::default();
            let mut taken = 0_u32;
            for pause in pauses {
                now += Duration::from_millis(pause);
                taken += u32::from(rates.take(1, (rate, burst), now).is_ok());
                let most = f64::from(burst) + (now - start).as_secs_f64() * f64::from(rate);
                prop_assert!(f64::from(taken) <= most + 1e-6, "{taken} > {most}");
            }
        }
    }
}
