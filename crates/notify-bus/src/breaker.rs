//! A breaker: a target that keeps failing is left alone for a while.
//!
//! Closed lets all through. Five failures in a row open it, and nothing goes
//! out; when its time is over, one delivery is the probe that closes it or opens
//! it for twice as long. A pure state machine: the time is an argument.

use notify_core::Millis;
use serde::Serialize;

use crate::RetryPolicy;

/// So many failures in a row open it.
pub(crate) const THRESHOLD: u32 = 5;

/// How a breaker stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum BreakerState {
    /// Everything goes out.
    #[default]
    Closed,
    /// Nothing goes out.
    Open {
        /// Until then.
        until: Millis,
    },
    /// One delivery goes out as a probe.
    HalfOpen,
}

/// The breaker of one target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    state: BreakerState,
    /// Failures in a row.
    failures: u32,
    /// How often it opened without closing.
    openings: u32,
}

impl Breaker {
    /// Failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// How it stands at `now`: an open one whose time is over is half open.
    pub(crate) fn look(&mut self, now: Millis) -> BreakerState {
        if let BreakerState::Open { until } = self.state
            && until <= now
        {
            self.state = BreakerState::HalfOpen;
        }
        self.state
    }

    /// The target took something, or at least answered. Says whether this closed it.
    pub(crate) fn succeeded(&mut self) -> bool {
        let closed = self.state != BreakerState::Closed;
        *self = Breaker::default();
        closed
    }

    /// An attempt failed. Says until when, if this opened it.
    pub(crate) fn failed(&mut self, policy: &RetryPolicy, now: Millis) -> Option<Millis> {
        self.failures = self.failures.saturating_add(1);
        let opens = match self.state {
            BreakerState::Closed => self.failures >= THRESHOLD,
            BreakerState::HalfOpen => true,
            // Of an attempt that had begun before it opened.
            BreakerState::Open { .. } => false,
        };
        if !opens {
            return None;
        }
        self.openings = self.openings.saturating_add(1);
        let until = now.plus(policy.ceiling(self.openings));
        self.state = BreakerState::Open { until };
        Some(until)
    }

    /// Somebody asks for another attempt: an open one is half open at once.
    pub(crate) fn probe(&mut self) {
        if matches!(self.state, BreakerState::Open { .. }) {
            self.state = BreakerState::HalfOpen;
        }
    }

    /// The probe failed, and its delivery was given up: the next one may be the probe at once.
    ///
    /// Else of a queue that is past its age only one delivery would be given up an hour.
    pub(crate) fn gave_up(&mut self) {
        if self.openings > 1 {
            self.state = BreakerState::HalfOpen;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Breaker, BreakerState, THRESHOLD};
    use crate::RetryPolicy;
    use notify_core::Millis;
    use std::time::Duration;

    const POLICY: RetryPolicy = RetryPolicy {
        min_interval: Duration::from_secs(10),
        max_interval: Duration::from_secs(60),
        max_age: Duration::from_secs(3600),
        uncertain: crate::WhenUncertain::Resend,
    };

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for number in 1..THRESHOLD {
            assert_eq!(breaker.failed(&POLICY, Millis(0)), None, "after {number}");
            assert_eq!(breaker.look(Millis(0)), BreakerState::Closed);
        }
        assert_eq!(breaker.failed(&POLICY, Millis(0)), Some(Millis(10_000)));
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it() {
        let mut breaker = opened();
        let until = Millis(10_000);
        assert_eq!(breaker.look(Millis(9_999)), BreakerState::Open { until });
        assert_eq!(breaker.look(until), BreakerState::HalfOpen);
    }

    #[test]
    fn who_asks_gets_a_probe_and_no_more() {
        let mut breaker = opened();
        breaker.probe();
        assert_eq!(breaker.look(Millis(1)), BreakerState::HalfOpen);
        let until = Millis(20_001);
        assert_eq!(
            breaker.failed(&POLICY, Millis(1)),
            Some(until),
            "twice as long"
        );
        let mut closed = Breaker::default();
        closed.probe();
        assert_eq!(closed, Breaker::default());
    }

    #[test]
    fn a_success_between_them_does_not() {
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            for _ in 1..THRESHOLD {
                assert_eq!(breaker.failed(&POLICY, Millis(0)), None);
            }
            assert!(!breaker.succeeded());
        }
    }

    #[test]
    fn a_probe_decides() {
        let mut breaker = opened();
        breaker.look(Millis(10_000));
        assert_eq!(
            breaker.failed(&POLICY, Millis(10_000)),
            Some(Millis(30_000))
        );
        breaker.look(Millis(30_000));
        assert!(breaker.succeeded());
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn its_times_are_bounded() {
        let mut breaker = opened();
        let mut now = Millis(10_000);
        for _ in 0..1000 {
            breaker.look(now);
            let until = breaker.failed(&POLICY, now).expect("a failed probe");
            assert!(until.since(now) <= POLICY.max_interval);
            now = until;
        }
        assert_eq!(breaker.failures(), THRESHOLD + 1000);
    }

    #[test]
    fn late_failures_do_not_prolong_it() {
        let mut breaker = opened();
        let state = breaker.look(Millis(5_000));
        assert_eq!(breaker.failed(&POLICY, Millis(5_000)), None);
        assert_eq!(breaker.look(Millis(5_000)), state);
    }

    #[test]
    fn a_queue_past_its_age_is_given_up_probe_by_probe() {
        let mut breaker = opened();
        breaker.gave_up();
        assert!(
            matches!(breaker.look(Millis(0)), BreakerState::Open { .. }),
            "it has just opened"
        );
        breaker.look(Millis(10_000));
        breaker.failed(&POLICY, Millis(10_000));
        breaker.gave_up();
        assert_eq!(breaker.look(Millis(10_000)), BreakerState::HalfOpen);
    }
}
