//! Where an event stands with one target: what was decided, and what came of it.

use notify_bus::{Decision, OwnLane};
use notify_core::{EventRecord, JobRecord, JobState};
use serde::Serialize;

use crate::seeing::trace::StoredDecision;

/// What became of an event at a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Standing {
    /// No matcher that leads to it matched.
    Unmatched,
    /// It was chosen, and it was switched off.
    Disabled,
    /// It was chosen, and waits for there to be such a target.
    Missing,
    /// It was chosen, and waits for its section to be healed.
    Unusable,
    /// No target was chosen, and it waits for a matcher to be mended.
    Undecided,
    /// It was routed anew, as an event of its own.
    RoutedAnew,
    /// The first attempt is to come.
    Waiting,
    /// An attempt is being made.
    UnderWay,
    /// An attempt failed, and another is to come.
    Retrying,
    /// It arrived.
    Delivered,
    /// It arrived for some recipients; the others refused.
    Partial,
    /// It was given up.
    Dead,
    /// A person dropped it.
    Cancelled,
    /// It was chosen, and the event came to the spool without a delivery to it.
    Elsewhere,
}

/// What a decision means for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Choice {
    /// It is not chosen.
    NotChosen,
    /// It is chosen and switched off.
    Disabled,
    /// It is chosen, and there is no such target.
    Missing,
    /// It is chosen, and its section has a fault.
    Unusable,
    /// It is chosen.
    Chosen,
}

/// A target of an event.
#[derive(Clone, Debug)]
pub(crate) struct AtTarget<'a> {
    pub(crate) name: &'a str,
    pub(crate) standing: Standing,
    pub(crate) job: Option<&'a JobRecord>,
    /// What was decided.
    pub(crate) then: Choice,
    /// What the configuration of today would decide, where it can be asked.
    pub(crate) today: Option<Choice>,
}

impl<'a> AtTarget<'a> {
    /// How `record` stands with the target `name`.
    pub(crate) fn of(
        name: &'a str,
        record: &'a EventRecord,
        decision: &StoredDecision,
        today: Option<&Decision>,
    ) -> Self {
        let job = record.jobs.iter().find(|job| job.target == name);
        let then = Choice::stored(decision, name);
        AtTarget {
            name,
            standing: standing(then, job, OwnLane::of(name)),
            job,
            then,
            today: today.map(|today| Choice::of(today, name)),
        }
    }

    /// Whether the configuration of today would decide otherwise.
    pub(crate) fn differs(&self) -> bool {
        self.today.is_some_and(|today| today != self.then)
    }
}

impl Choice {
    fn stored(decision: &StoredDecision, target: &str) -> Self {
        let has = |names: &[String]| names.iter().any(|name| name == target);
        match () {
            () if !decision.chose(target) => Choice::NotChosen,
            () if has(&decision.disabled) => Choice::Disabled,
            () if has(&decision.missing) => Choice::Missing,
            () if has(&decision.unusable) => Choice::Unusable,
            () => Choice::Chosen,
        }
    }

    fn of(decision: &Decision, target: &str) -> Self {
        let has = |names: &[String]| names.iter().any(|name| name == target);
        match () {
            () if !has(&decision.targets) => Choice::NotChosen,
            () if has(&decision.disabled) => Choice::Disabled,
            () if has(&decision.missing) => Choice::Missing,
            () if has(&decision.unusable) => Choice::Unusable,
            () => Choice::Chosen,
        }
    }
}

fn standing(then: Choice, job: Option<&JobRecord>, own: Option<OwnLane>) -> Standing {
    let is_undecided = own == Some(OwnLane::Undecided);
    let Some(job) = job else {
        return match then {
            Choice::NotChosen => Standing::Unmatched,
            Choice::Disabled => Standing::Disabled,
            Choice::Missing | Choice::Unusable | Choice::Chosen => Standing::Elsewhere,
        };
    };
    match job.state {
        JobState::Dead => Standing::Dead,
        JobState::Cancelled => Standing::Cancelled,
        JobState::Delivered if is_undecided => Standing::RoutedAnew,
        JobState::Delivered if has_refusals(job) => Standing::Partial,
        JobState::Delivered => Standing::Delivered,
        JobState::Pending if job.is_leased => Standing::UnderWay,
        JobState::Pending if is_undecided => Standing::Undecided,
        JobState::Pending if then == Choice::Missing => Standing::Missing,
        JobState::Pending if then == Choice::Unusable => Standing::Unusable,
        JobState::Pending if job.attempts.is_empty() => Standing::Waiting,
        JobState::Pending => Standing::Retrying,
    }
}

/// Whether a recipient refused to the end: in the last attempt.
fn has_refusals(job: &JobRecord) -> bool {
    let last = job.attempts.last();
    last.is_some_and(|attempt| !attempt.refused.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{AtTarget, Choice, Standing};
    use crate::seeing::fixtures;
    use crate::seeing::trace::StoredDecision;
    use notify_bus::Decision;
    use notify_core::{EventRecord, JobState};

    #[test]
    fn every_target_has_a_standing() {
        let record = fixtures::record();
        let decision = StoredDecision::read(&record.trace).expect("a decision");
        for (name, standing) in [
            ("broken", Standing::Unusable),
            ("gone", Standing::Missing),
            ("mail", Standing::Partial),
            ("nightly", Standing::Cancelled),
            ("off", Standing::Disabled),
            ("pager", Standing::Unmatched),
            ("push", Standing::Dead),
            ("relay", Standing::UnderWay),
        ] {
            let found = AtTarget::of(name, &record, &decision, None);
            assert_eq!(found.standing, standing, "{name}");
            assert!(!found.differs(), "{name}: nobody knows");
        }
        let mut other = record.clone();
        other.jobs.retain(|job| job.target != "mail");
        let found = AtTarget::of("mail", &other, &decision, None);
        assert_eq!(found.standing, Standing::Elsewhere);
    }

    #[test]
    fn an_event_without_a_decision_waits_for_its_matcher() {
        let record = fixtures::undecided();
        let decision = StoredDecision::read(&record.trace).expect("a decision");
        let standing =
            |record: &EventRecord| AtTarget::of("@undecided", record, &decision, None).standing;
        assert_eq!(standing(&record), Standing::Undecided);
        let mut later = record;
        later.jobs[0].state = JobState::Delivered;
        assert_eq!(standing(&later), Standing::RoutedAnew);
        later.jobs[0].state = JobState::Dead;
        assert_eq!(standing(&later), Standing::Dead);
    }

    #[test]
    fn a_retry_is_told_from_a_first_attempt() {
        let mut record = fixtures::record();
        let decision = StoredDecision::read(&record.trace).expect("a decision");
        let relay = record.jobs.iter_mut().find(|job| job.target == "relay");
        let relay = relay.expect("a delivery");
        relay.is_leased = false;
        let attempts = std::mem::take(&mut relay.attempts);
        let found = AtTarget::of("relay", &record, &decision, None);
        assert_eq!(found.standing, Standing::Waiting);
        let relay = record.jobs.iter_mut().find(|job| job.target == "relay");
        relay.expect("a delivery").attempts = attempts;
        let found = AtTarget::of("relay", &record, &decision, None);
        assert_eq!(found.standing, Standing::Retrying);
    }

    #[test]
    fn today_is_compared_with_what_was_decided() {
        let record = fixtures::record();
        let decision = StoredDecision::read(&record.trace).expect("a decision");
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let today = Decision {
            targets: names(&["mail", "off", "pager"]),
            missing: names(&[]),
            disabled: names(&["mail"]),
            unusable: names(&["pager"]),
            matchers: names(&[]),
        };
        for (name, choice, differs) in [
            ("mail", Choice::Disabled, true),
            ("off", Choice::Chosen, true),
            ("pager", Choice::Unusable, true),
            ("push", Choice::NotChosen, true),
            ("other", Choice::NotChosen, false),
        ] {
            let found = AtTarget::of(name, &record, &decision, Some(&today));
            assert_eq!(found.today, Some(choice), "{name}");
            assert_eq!(found.differs(), differs, "{name}");
        }
    }
}
