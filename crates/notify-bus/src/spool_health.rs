//! Whether the spool can be written, since when it cannot, and when it is tried again.

use std::time::Duration;

use notify_core::Millis;

use crate::lanes::Backoff;

/// How often it is said again that the spool still fails.
const AGAIN: Duration = Duration::from_secs(600);

/// What a call of the spool was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// To read, or to write nothing: that a full disk can be read says nothing.
    Look,
    Change,
    /// A change that takes an event.
    Accept,
}

/// That the spool fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolTrouble {
    /// Since when.
    pub since: Millis,
    /// Why it failed the last time.
    pub reason: String,
    /// Events that were refused since.
    pub refused: u64,
    /// Whether it is only known that it cannot be read.
    pub only_looks: bool,
}

/// How the spool fares.
#[derive(Debug, Default)]
pub(crate) struct SpoolHealth {
    backoff: Backoff,
    trouble: Option<SpoolTrouble>,
    /// When it was said.
    told: Millis,
    /// No claim before this.
    pub(crate) held_until: Option<Millis>,
    /// Attempts whose result could not yet be recorded.
    pub(crate) unrecorded: usize,
    /// Whether it is being tried out if something can be written.
    is_tried_out: bool,
}

impl SpoolHealth {
    /// A call failed: no other is made for a while. Says what is to be told, now and then.
    pub(crate) fn failed(&mut self, call: Call, reason: &str, now: Millis) -> Option<SpoolTrouble> {
        let is_first = self.trouble.is_none();
        let trouble = self.trouble.get_or_insert(SpoolTrouble {
            since: now,
            reason: String::new(),
            refused: 0,
            only_looks: true,
        });
        trouble.only_looks &= call == Call::Look;
        reason.clone_into(&mut trouble.reason);
        let is_refusal = call == Call::Accept;
        trouble.refused += u64::from(is_refusal);
        let is_first_refusal = is_refusal && trouble.refused == 1;
        // Calls that were on their way at the same time have failed for the same reason.
        if self.held_until.is_none_or(|until| until <= now) {
            self.held_until = Some(now.plus(self.backoff.next()));
        }
        let tells = is_first || is_first_refusal || now >= self.told.plus(AGAIN);
        if !tells {
            return None;
        }
        self.told = now;
        Some(trouble.clone())
    }

    /// A call succeeded. Says what has come to its end by that.
    pub(crate) fn succeeded(&mut self, call: Call) -> Option<SpoolTrouble> {
        let trouble = self.trouble.as_ref()?;
        if self.unrecorded > 0 || (call == Call::Look && !trouble.only_looks) {
            return None;
        }
        self.held_until = None;
        self.backoff.end();
        self.trouble.take()
    }

    /// Why it fails; none when it does not.
    pub(crate) fn trouble(&self) -> Option<&SpoolTrouble> {
        self.trouble.as_ref()
    }

    /// Whether nothing may be claimed now.
    pub(crate) fn is_held(&self, now: Millis) -> bool {
        let is_early = self.held_until.is_some_and(|until| now < until);
        self.is_waited_for() || is_early
    }

    /// Whether somebody is at it who wakes the worker when that has ended.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.unrecorded > 0 || self.is_tried_out
    }

    /// Whether it must be tried out before anything is claimed. Then [`SpoolHealth::tried_out`]
    /// is to follow.
    pub(crate) fn try_out(&mut self) -> bool {
        let cannot_write = |trouble: &SpoolTrouble| !trouble.only_looks;
        self.is_tried_out = self.trouble.as_ref().is_some_and(cannot_write);
        self.is_tried_out
    }

    /// It was tried out, with whatever result.
    pub(crate) fn tried_out(&mut self) {
        self.is_tried_out = false;
    }
}

#[cfg(test)]
mod tests {
    use super::{AGAIN, Call, SpoolHealth};
    use notify_core::Millis;

    #[test]
    fn trouble_is_told_at_its_beginning_and_now_and_then() {
        let mut health = SpoolHealth::default();
        let told = health
            .failed(Call::Change, "full", Millis(5))
            .expect("told");
        assert_eq!((told.since, told.refused), (Millis(5), 0));
        assert_eq!(health.failed(Call::Change, "full", Millis(6)), None);
        let told = health.failed(Call::Accept, "full", Millis(7));
        assert_eq!(told.expect("the first refusal").refused, 1);
        assert_eq!(health.failed(Call::Accept, "full", Millis(8)), None);
        let later = Millis(7).plus(AGAIN);
        let told = health.failed(Call::Accept, "other", later).expect("again");
        assert_eq!(
            (told.since, told.refused, &*told.reason),
            (Millis(5), 3, "other")
        );
        let over = health.succeeded(Call::Accept).expect("an end");
        assert_eq!((over.since, over.refused), (Millis(5), 3));
        assert_eq!(health.succeeded(Call::Accept), None, "said once");
    }

    #[test]
    fn that_it_can_be_read_says_nothing_of_writing() {
        let mut health = SpoolHealth::default();
        health.failed(Call::Accept, "full", Millis(0));
        health.failed(Call::Look, "odd", Millis(0));
        assert_eq!(health.succeeded(Call::Look), None);
        assert!(health.trouble().is_some());
        assert!(health.try_out() && health.is_held(Millis(i64::MAX)));
        health.tried_out();
        assert!(health.succeeded(Call::Change).is_some());
        assert!(!health.try_out() && !health.is_held(Millis(0)));
    }

    #[test]
    fn a_look_that_failed_is_ended_by_one_that_does_not() {
        let mut health = SpoolHealth::default();
        health.failed(Call::Look, "odd", Millis(0));
        assert!(!health.try_out(), "it is looked at anyway");
        assert!(health.succeeded(Call::Look).is_some());
    }

    #[test]
    fn what_waits_to_be_recorded_keeps_the_trouble() {
        let mut health = SpoolHealth::default();
        health.failed(Call::Change, "full", Millis(0));
        health.unrecorded = 1;
        assert_eq!(health.succeeded(Call::Accept), None);
        health.unrecorded = 0;
        assert!(health.succeeded(Call::Change).is_some());
    }
}
