//! The laws that must hold when all is over, as a pure function of what was seen.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use notify_core::{EventId, JobRecord, JobState, Outcome};

use super::ledger::{Answer, Sent};
use super::mood::Fate;
use super::sink::Arrival;

/// All that was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    /// What senders were told.
    pub(super) sent: Vec<Sent>,
    /// The title of each event that the spool has.
    pub(super) events: BTreeMap<EventId, String>,
    /// All deliveries that the spool has.
    pub(super) deliveries: Vec<JobRecord>,
    /// What came to the receivers.
    pub(super) arrivals: Vec<Arrival>,
    /// The recipients of each target, by its name.
    pub(super) targets: BTreeMap<&'static str, Vec<String>>,
    /// The target of which nothing is sent again that may have arrived.
    pub(super) held: &'static str,
}

/// A law that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Broken {
    /// Its name.
    pub law: &'static str,
    /// What was found.
    pub detail: String,
}

impl Broken {
    /// A law, and what was found.
    pub(super) fn new(law: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Broken { law, detail }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.detail)
    }
}

/// What came to the receivers, by its key.
type ByKey<'a> = HashMap<&'a str, Vec<&'a Arrival>>;

/// The title of a numbered event.
pub(super) fn title(number: u64) -> String {
    format!("chaos {number}")
}

/// The number in a title; none for an event that nobody of ours sent.
fn number(title: &str) -> Option<u64> {
    title.strip_prefix("chaos ")?.parse().ok()
}

impl Evidence {
    /// Every law that does not hold.
    pub(super) fn broken(&self) -> Vec<Broken> {
        let mut by_key: ByKey<'_> = HashMap::new();
        for arrival in &self.arrivals {
            by_key.entry(&arrival.key).or_default().push(arrival);
        }
        let mut broken = self.of_senders();
        for job in &self.deliveries {
            let seen = by_key.get(job.key.as_str()).map_or(&[][..], Vec::as_slice);
            broken.extend(self.of_delivery(job, seen));
        }
        broken.extend(self.of_copies());
        broken
    }

    /// What was accepted is there, once, and what was refused is not.
    fn of_senders(&self) -> Vec<Broken> {
        let mut broken = Vec::new();
        let mut of_number: BTreeMap<u64, Vec<EventId>> = BTreeMap::new();
        for (id, title) in &self.events {
            if let Some(number) = number(title) {
                of_number.entry(number).or_default().push(*id);
            }
        }
        let targets_of: BTreeSet<(EventId, &str)> = self
            .deliveries
            .iter()
            .map(|job| (job.event, job.target.as_str()))
            .collect();
        let mut known = BTreeSet::new();
        for Sent {
            number,
            answer,
            in_rubbish,
        } in &self.sent
        {
            known.insert(*number);
            let there = of_number.get(number).map_or(&[][..], Vec::as_slice);
            match answer {
                Answer::Accepted(id) | Answer::Stored(id) | Answer::Kept(id)
                    if !there.contains(id) =>
                {
                    let detail =
                        format!("{} was accepted as {id} and is not there", title(*number));
                    broken.push(Broken::new("lost", detail));
                }
                Answer::Dropped if there.is_empty() => {
                    let detail = format!("{} was left and is not there", title(*number));
                    broken.push(Broken::new("lost", detail));
                }
                Answer::Refused(why) if !there.is_empty() => {
                    let detail = format!("{} was refused ({why}) and is there", title(*number));
                    broken.push(Broken::new("refused", detail));
                }
                Answer::Wrong(what) => {
                    let detail = format!("{}: {what}", title(*number));
                    broken.push(Broken::new("wrong-answer", detail));
                }
                _ => {}
            }
            if there.len() > 1 {
                let detail = format!("{} is there as {there:?}", title(*number));
                broken.push(Broken::new("accepted-twice", detail));
            }
            for id in there {
                // Without a daemon nobody knows the last good configuration: the built-in target has it.
                let mut targets = targets_of.range((*id, "")..).take_while(|(of, _)| of == id);
                let has_built_in = targets.any(|(_, name)| !self.targets.contains_key(name));
                if *in_rubbish && matches!(answer, Answer::Stored(_)) && has_built_in {
                    continue;
                }
                let missing = |target: &&&str| !targets_of.contains(&(*id, **target));
                for target in self.targets.keys().filter(missing) {
                    let detail = format!("{id} has no delivery to {target}");
                    broken.push(Broken::new("lost", detail));
                }
            }
        }
        for number in of_number.keys().filter(|number| !known.contains(number)) {
            broken.push(Broken::new("invented", title(*number)));
        }
        broken
    }

    /// Each delivery has ended, and as its receiver says.
    fn of_delivery(&self, job: &JobRecord, seen: &[&Arrival]) -> Vec<Broken> {
        let key = &job.key;
        let mut broken = Vec::new();
        let mut found = |law, detail: String| broken.push(Broken::new(law, detail));
        match job.state {
            JobState::Pending => found("pending", format!("{key} is still pending: {job:?}")),
            JobState::Cancelled => found("cancelled", format!("nobody cancelled {key}")),
            JobState::Dead => {
                let rejected = seen.iter().any(|it| it.fate == Fate::Reject);
                let is_held = job.target == self.held && ends(job).1 > 0;
                if !rejected && !is_held {
                    let reason = job.reason.as_deref().unwrap_or("no reason");
                    found("dead", format!("{key}: {reason}: {:?}", job.attempts));
                }
                if job.reason.as_deref().is_none_or(str::is_empty) {
                    found("dead", format!("{key} is dead for no stated reason"));
                }
            }
            JobState::Delivered => {
                let recipients = self.targets.get(job.target.as_str());
                for recipient in recipients.into_iter().flatten() {
                    let mut taken = seen.iter().filter(|it| it.fate.takes());
                    if !taken.any(|it| it.recipient == *recipient) {
                        let detail = format!("{key} is delivered and {recipient} has nothing");
                        found("undelivered", detail);
                    }
                }
            }
        }
        broken
    }

    /// Every copy has its reason in the record.
    fn of_copies(&self) -> Vec<Broken> {
        let jobs: BTreeMap<&str, &JobRecord> = self
            .deliveries
            .iter()
            .map(|job| (job.key.as_str(), job))
            .collect();
        let mut broken = Vec::new();
        let mut copies: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for arrival in &self.arrivals {
            let Some(job) = jobs.get(arrival.key.as_str()) else {
                let detail = format!("{} got an unknown key: {arrival:?}", arrival.target);
                broken.push(Broken::new("invented", detail));
                continue;
            };
            let title = self.events.get(&job.event).map(String::as_str);
            let is_numbered = title.and_then(number).is_some();
            if job.target != arrival.target || is_numbered && title != Some(&arrival.title) {
                let detail = format!("{} is {title:?} and not {arrival:?}", job.key);
                broken.push(Broken::new("mixed-up", detail));
            }
            if arrival.fate.takes() {
                let copy = (arrival.key.as_str(), arrival.recipient.as_str());
                *copies.entry(copy).or_default() += 1;
            }
        }
        for ((key, recipient), copies) in copies {
            let (clear, unclear) = ends(jobs[key]);
            let explained = unclear + usize::from(clear > 0);
            let allowed = if jobs[key].target == self.held {
                explained.min(1)
            } else {
                explained
            };
            if copies > allowed {
                let attempts = &jobs[key].attempts;
                let detail = format!("{recipient} has {copies} copies of {key}: {attempts:?}");
                broken.push(Broken::new("doubled", detail));
            }
        }
        broken
    }

    /// Copies beyond the first, and attempts of which nobody knows whether they arrived.
    pub(super) fn doubles(&self) -> (usize, usize) {
        let taken = self.arrivals.iter().filter(|it| it.fate.takes());
        let all = taken.clone().count();
        let distinct: BTreeSet<_> = taken.map(|it| (&it.key, &it.recipient)).collect();
        let unclear = self.deliveries.iter().map(|job| ends(job).1).sum();
        (all - distinct.len(), unclear)
    }
}

/// How many attempts are known to have arrived, and of how many nobody knows.
fn ends(job: &JobRecord) -> (usize, usize) {
    let count = |wanted: fn(Outcome) -> bool| {
        let ends = job.attempts.iter().map(|attempt| attempt.outcome);
        ends.filter(|outcome| wanted(*outcome)).count()
    };
    let clear = count(|it| matches!(it, Outcome::Delivered | Outcome::Partial));
    let unclear = count(|it| {
        let uncertain = Outcome::Failed(notify_core::FailureKind::Uncertain);
        it == Outcome::CutOff || it == uncertain
    });
    (clear, unclear)
}

#[cfg(test)]
mod tests {
    use super::{Evidence, title};
    use crate::chaos::ledger::{Answer, Sent};
    use crate::chaos::mood::Fate;
    use crate::chaos::sink::Arrival;
    use notify_core::{AttemptRecord, EventId, FailureKind, JobRecord, JobState, Millis, Outcome};
    use std::collections::BTreeMap;

    const UNCERTAIN: Outcome = Outcome::Failed(FailureKind::Uncertain);
    const UNAVAILABLE: Outcome = Outcome::Failed(FailureKind::Unavailable);

    fn id(number: u8) -> EventId {
        EventId::from_bytes([number; 16])
    }

    fn job(number: u8, state: JobState, outcomes: &[Outcome]) -> JobRecord {
        let attempts = outcomes
            .iter()
            .zip(1..)
            .map(|(outcome, number)| AttemptRecord {
                number,
                started: Millis(0),
                ended: Millis(0),
                outcome: *outcome,
                detail: None,
                reference: None,
                refused: Vec::new(),
            });
        JobRecord {
            key: format!("{}.hook", id(number)),
            event: id(number),
            target: "hook".to_owned(),
            state,
            since: Millis(0),
            due: None,
            is_leased: false,
            recipients: None,
            reason: (state == JobState::Dead).then(|| "rejected".to_owned()),
            changed: Millis(0),
            attempts: attempts.collect(),
        }
    }

    fn arrival(number: u8, fate: Fate) -> Arrival {
        Arrival {
            target: "hook",
            key: format!("{}.hook", id(number)),
            recipient: "hook".to_owned(),
            title: title(number.into()),
            fate,
        }
    }

    /// One event, number 1, that was accepted, with this delivery and these arrivals.
    fn one(state: JobState, outcomes: &[Outcome], fates: &[Fate]) -> Evidence {
        let answer = Answer::Accepted(id(1));
        Evidence {
            sent: vec![Sent {
                number: 1,
                answer,
                in_rubbish: false,
            }],
            events: BTreeMap::from([(id(1), title(1))]),
            deliveries: vec![job(1, state, outcomes)],
            arrivals: fates.iter().map(|fate| arrival(1, *fate)).collect(),
            targets: BTreeMap::from([("hook", vec!["hook".to_owned()])]),
            held: "none",
        }
    }

    #[track_caller]
    fn check(evidence: &Evidence, laws: &[&str]) {
        let broken = evidence.broken();
        let found: Vec<&str> = broken.iter().map(|broken| broken.law).collect();
        assert_eq!(found, laws, "{broken:?}");
    }

    #[test]
    fn what_arrived_is_well() {
        use JobState::{Dead, Delivered};
        check(&one(Delivered, &[Outcome::Delivered], &[Fate::Take]), &[]);
        let again = [UNAVAILABLE, UNCERTAIN, Outcome::CutOff, Outcome::Delivered];
        let fates = [Fate::Defer, Fate::Silent, Fate::Take, Fate::Take];
        check(&one(Delivered, &again, &fates), &[]);
        let rejected = [Outcome::Failed(FailureKind::Rejected)];
        check(&one(Dead, &rejected, &[Fate::Reject]), &[]);
    }

    #[test]
    fn what_was_accepted_must_be_there() {
        let mut evidence = one(JobState::Delivered, &[Outcome::Delivered], &[Fate::Take]);
        evidence.sent[0].answer = Answer::Accepted(id(2));
        check(&evidence, &["lost"]);
        evidence.events.clear();
        evidence.deliveries.clear();
        evidence.arrivals.clear();
        check(&evidence, &["lost"]);
        let mut evidence = one(JobState::Delivered, &[Outcome::Delivered], &[Fate::Take]);
        evidence.targets.insert("mail", vec!["a@b.c".to_owned()]);
        check(&evidence, &["lost"]);
        evidence.sent[0].in_rubbish = true;
        check(&evidence, &["lost"]);
        evidence.sent[0].answer = Answer::Stored(id(1));
        check(&evidence, &["lost"]);
        let mut built_in = job(1, JobState::Delivered, &[Outcome::Delivered]);
        built_in.target = "mail-to-root".to_owned();
        built_in.key = format!("{}.mail-to-root", id(1));
        evidence.deliveries.push(built_in);
        check(&evidence, &[]);
    }

    #[test]
    fn a_mail_that_was_taken_must_come_out_of_its_folder() {
        let mut evidence = one(JobState::Delivered, &[Outcome::Delivered], &[Fate::Take]);
        for answer in [Answer::Dropped, Answer::Kept(id(1))] {
            evidence.sent[0].answer = answer;
            check(&evidence, &[]);
        }
        evidence.sent[0].answer = Answer::Kept(id(2));
        check(&evidence, &["lost"]);
        evidence.events.clear();
        evidence.deliveries.clear();
        evidence.arrivals.clear();
        for answer in [Answer::Dropped, Answer::Kept(id(1))] {
            evidence.sent[0].answer = answer;
            check(&evidence, &["lost"]);
        }
    }

    #[test]
    fn what_was_not_accepted_may_be_there_unless_it_was_refused() {
        let mut evidence = one(JobState::Delivered, &[Outcome::Delivered], &[Fate::Take]);
        evidence.sent[0].answer = Answer::Open("killed".to_owned());
        check(&evidence, &[]);
        evidence.sent[0].answer = Answer::Refused("full".to_owned());
        check(&evidence, &["refused"]);
        evidence.sent[0].answer = Answer::Wrong("hung".to_owned());
        check(&evidence, &["wrong-answer"]);
        evidence.sent.clear();
        check(&evidence, &["invented"]);
    }

    #[test]
    fn everything_has_ended_for_a_reason() {
        use JobState::{Cancelled, Dead, Delivered, Pending};
        check(&one(Pending, &[UNAVAILABLE], &[]), &["pending"]);
        check(&one(Cancelled, &[UNAVAILABLE], &[]), &["cancelled"]);
        check(&one(Dead, &[UNAVAILABLE], &[Fate::Defer]), &["dead"]);
        check(
            &one(Delivered, &[Outcome::Delivered], &[Fate::Defer]),
            &["undelivered"],
        );
    }

    #[test]
    fn every_copy_has_its_attempt() {
        let twice = [Fate::Reset, Fate::Take];
        let delivered = |outcomes: &[Outcome]| one(JobState::Delivered, outcomes, &twice);
        check(&delivered(&[UNAVAILABLE, Outcome::Delivered]), &["doubled"]);
        check(&delivered(&[UNCERTAIN, Outcome::Delivered]), &[]);
        check(
            &delivered(&[Outcome::Delivered, Outcome::Delivered]),
            &["doubled"],
        );
        assert_eq!(
            delivered(&[UNCERTAIN, Outcome::Delivered]).doubles(),
            (1, 1)
        );
    }

    #[test]
    fn what_is_held_comes_once_or_is_dead() {
        let check = |state, outcomes: &[Outcome], fates: &[Fate], laws: &[&str]| {
            let mut evidence = one(state, outcomes, fates);
            evidence.held = "hook";
            check(&evidence, laws);
        };
        check(JobState::Dead, &[UNCERTAIN], &[Fate::Silent], &[]);
        check(JobState::Dead, &[Outcome::CutOff], &[], &[]);
        check(JobState::Dead, &[UNAVAILABLE], &[], &["dead"]);
        let again = [UNCERTAIN, Outcome::Delivered];
        let twice = [Fate::Silent, Fate::Take];
        check(JobState::Delivered, &again, &twice, &["doubled"]);
    }

    #[test]
    fn a_number_is_one_event_and_keeps_its_content() {
        let mut evidence = one(JobState::Delivered, &[Outcome::Delivered], &[Fate::Take]);
        evidence.arrivals[0].title = title(7);
        check(&evidence, &["mixed-up"]);
        evidence.arrivals[0].title = title(1);
        evidence.events.insert(id(2), title(1));
        evidence
            .deliveries
            .push(job(2, JobState::Delivered, &[Outcome::Delivered]));
        evidence.arrivals.push(arrival(2, Fate::Take));
        evidence.arrivals[1].title = title(1);
        check(&evidence, &["accepted-twice"]);
        evidence.arrivals[1].key = "else.hook".to_owned();
        check(&evidence, &["accepted-twice", "undelivered", "invented"]);
    }
}
