//! A breaker: a target that keeps failing is left alone for a while.
//!
//! Closed lets all through. Five failures in a row open it, and nothing goes
//! out; when its time is over, one delivery is the probe that closes it or opens
//! it for twice as long. A target that says how long it wants to be left alone
//! rests for that time, after which one delivery is the probe, too. A pure state
//! machine: the time is an argument.

use std::time::Duration;

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
    /// Nothing goes out, because the target asked for it.
    Resting {
        /// Until then.
        until: Millis,
    },
    /// One delivery goes out as a probe.
    HalfOpen,
}

/// What an attempt changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    Opened(Millis),
    Rests(Millis),
    Closed,
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

    /// How it stands at `now`: when its time is over, one that is open or rests is half open.
    pub(crate) fn look(&mut self, now: Millis) -> BreakerState {
        if let BreakerState::Open { until } | BreakerState::Resting { until } = self.state
            && until <= now
        {
            self.state = BreakerState::HalfOpen;
        }
        self.state
    }

    /// The target took something, or at least answered.
    pub(crate) fn succeeded(&mut self) -> Change {
        // Of an attempt that had begun before it asked to be left alone.
        if let BreakerState::Resting { .. } = self.state {
            *self = Breaker {
                state: self.state,
                ..Breaker::default()
            };
            return Change::Nothing;
        }
        match self.reset() {
            true => Change::Closed,
            false => Change::Nothing,
        }
    }

    /// A new beginning. Says whether it was not closed.
    pub(crate) fn reset(&mut self) -> bool {
        let closed = self.state != BreakerState::Closed;
        *self = Breaker::default();
        closed
    }

    /// An attempt failed; `rest` is how long the target asked to be left alone.
    pub(crate) fn failed(
        &mut self,
        policy: &RetryPolicy,
        now: Millis,
        rest: Option<Duration>,
    ) -> Change {
        let asked = rest.map(|rest| now.plus(rest));
        match &mut self.state {
            // Of attempts that had begun before.
            BreakerState::Open { until } => {
                self.failures = self.failures.saturating_add(1);
                *until = (*until).max(asked.unwrap_or(*until));
                return Change::Nothing;
            }
            // They were sent at the same time as the one that it answered: that is no row.
            BreakerState::Resting { until } => {
                *until = (*until).max(asked.unwrap_or(*until));
                return Change::Nothing;
            }
            BreakerState::Closed | BreakerState::HalfOpen => {}
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= THRESHOLD {
            self.openings = self.openings.saturating_add(1);
            let until = now.plus(policy.ceiling(self.openings));
            let until = until.max(asked.unwrap_or(until));
            self.state = BreakerState::Open { until };
            return Change::Opened(until);
        }
        let Some(until) = asked else {
            self.state = BreakerState::Closed;
            return Change::Nothing;
        };
        self.state = BreakerState::Resting { until };
        Change::Rests(until)
    }

    /// Somebody asks for another attempt: one delivery may go out at once.
    pub(crate) fn probe(&mut self) {
        if self.state != BreakerState::Closed {
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
    use super::{Breaker, BreakerState, Change, THRESHOLD};
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
            let change = breaker.failed(&POLICY, Millis(0), None);
            assert_eq!(change, Change::Nothing, "after {number}");
            assert_eq!(breaker.look(Millis(0)), BreakerState::Closed);
        }
        let change = breaker.failed(&POLICY, Millis(0), None);
        assert_eq!(change, Change::Opened(Millis(10_000)));
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
        let change = breaker.failed(&POLICY, Millis(1), None);
        assert_eq!(change, Change::Opened(Millis(20_001)), "twice as long");
        let mut closed = Breaker::default();
        closed.probe();
        assert_eq!(closed, Breaker::default());
    }

    #[test]
    fn a_success_between_them_does_not() {
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            for _ in 1..THRESHOLD {
                let change = breaker.failed(&POLICY, Millis(0), None);
                assert_eq!(change, Change::Nothing);
            }
            assert_eq!(breaker.succeeded(), Change::Nothing);
        }
    }

    #[test]
    fn a_probe_decides() {
        let mut breaker = opened();
        breaker.look(Millis(10_000));
        let change = breaker.failed(&POLICY, Millis(10_000), None);
        assert_eq!(change, Change::Opened(Millis(30_000)));
        breaker.look(Millis(30_000));
        assert_eq!(breaker.succeeded(), Change::Closed);
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn its_times_are_bounded() {
        let mut breaker = opened();
        let mut now = Millis(10_000);
        for _ in 0..1000 {
            breaker.look(now);
            let Change::Opened(until) = breaker.failed(&POLICY, now, None) else {
                panic!("a failed probe")
            };
            assert!(until.since(now) <= POLICY.max_interval);
            now = until;
        }
        assert_eq!(breaker.failures(), THRESHOLD + 1000);
    }

    #[test]
    fn late_failures_do_not_prolong_it() {
        let mut breaker = opened();
        let state = breaker.look(Millis(5_000));
        let change = breaker.failed(&POLICY, Millis(5_000), None);
        assert_eq!(change, Change::Nothing);
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
        breaker.failed(&POLICY, Millis(10_000), None);
        breaker.gave_up();
        assert_eq!(breaker.look(Millis(10_000)), BreakerState::HalfOpen);
    }

    const REST: Duration = Duration::from_secs(30);
    const RESTED: Millis = Millis(30_000);

    fn resting() -> Breaker {
        let mut breaker = Breaker::default();
        let change = breaker.failed(&POLICY, Millis(0), Some(REST));
        assert_eq!(change, Change::Rests(RESTED));
        breaker
    }

    #[test]
    fn who_asks_to_be_left_alone_is_and_then_gets_a_probe() {
        let mut breaker = resting();
        let state = BreakerState::Resting { until: RESTED };
        assert_eq!(breaker.look(Millis(29_999)), state);
        assert_eq!(breaker.look(RESTED), BreakerState::HalfOpen);
        assert_eq!(breaker.succeeded(), Change::Closed);
    }

    #[test]
    fn what_was_under_way_when_it_asked_ends_no_rest_and_counts_as_no_row() {
        let mut breaker = resting();
        for _ in 0..THRESHOLD {
            let change = breaker.failed(&POLICY, Millis(1), Some(REST));
            assert_eq!(change, Change::Nothing);
        }
        assert_eq!(breaker.failures(), 1);
        assert_eq!(breaker.succeeded(), Change::Nothing);
        let until = Millis(30_001);
        assert_eq!(breaker.look(RESTED), BreakerState::Resting { until });
    }

    #[test]
    fn five_rests_in_a_row_open_it() {
        let mut breaker = resting();
        let mut now = RESTED;
        for _ in 2..THRESHOLD {
            breaker.look(now);
            let until = now.plus(REST);
            let change = breaker.failed(&POLICY, now, Some(REST));
            assert_eq!(change, Change::Rests(until));
            now = until;
        }
        breaker.look(now);
        let change = breaker.failed(&POLICY, now, Some(REST));
        assert_eq!(
            change,
            Change::Opened(now.plus(REST)),
            "not before it asked"
        );
    }

    #[test]
    fn a_rest_goes_on_in_an_open_one() {
        let mut breaker = opened();
        breaker.failed(&POLICY, Millis(1), Some(REST));
        let until = Millis(30_001);
        assert_eq!(breaker.look(RESTED), BreakerState::Open { until });
    }

    #[test]
    fn after_a_rest_one_failure_of_another_kind_is_only_one() {
        let mut breaker = resting();
        breaker.look(RESTED);
        let change = breaker.failed(&POLICY, RESTED, None);
        assert_eq!(change, Change::Nothing);
        assert_eq!(breaker.look(RESTED), BreakerState::Closed);
    }
}
