//! `notify explain`: why something reached somebody, or did not.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use notify_bus::{Decision, LEGACY_MAIL};
use notify_core::{EventRecord, JobRecord, OpenFor, Zone};
use serde_json::{Value, json};

use crate::args::Global;
use crate::console::Console;
use crate::event::block_on;
use crate::exit::{Answer, Exit, Stop};
use crate::seeing::name::Name;
use crate::seeing::standing::{AtTarget, Choice, Standing};
use crate::seeing::trace::{StoredDecision, StoredMatcher, matcher_text};
use crate::seeing::view::{View, count};
use crate::seeing::{args, known, next, shapes, show, store};
use crate::setup::Setup;
use crate::shapes::printable;

/// The most targets that were not chosen and are named in the text.
const UNMATCHED: usize = 20;

/// What the configuration of today says of an event, and which targets it has.
#[derive(Debug)]
struct Today {
    decision: Decision,
    targets: Vec<String>,
}

/// `notify explain`.
pub(crate) fn explain(global: &Global, args: &args::Explain, console: &Console) -> Answer {
    let name = Name::of_event(&args.event)?;
    let opened = store::open(global, OpenFor::Read)?;
    let record = block_on(show::record(&opened, &name))??;
    let decision = StoredDecision::read(&record.trace).unwrap_or_else(|| {
        console.remark("the decision was stored in a form that this version does not know");
        StoredDecision::default()
    });
    let only = args.target.as_deref();
    let unknown = only.filter(|only| !names(&record, &decision).contains(only));
    block_on(known::require(global, &opened, unknown))??;
    let today = match today(global, &record) {
        Ok(today) => Some(today),
        Err(stop) => {
            console.remark(format!("what would be decided today is not known: {stop}"));
            None
        }
    };
    let explanation = Explanation::of(&record, &decision, today.as_ref(), only);
    if args.form.json {
        console.json(&explanation.json());
    } else {
        console.raw(
            explanation
                .text(&args.form.view(global, console))
                .as_bytes(),
        );
    }
    Ok(Exit::Done)
}

/// The targets that the event had anything to do with.
fn names<'a>(record: &'a EventRecord, decision: &'a StoredDecision) -> BTreeSet<&'a str> {
    let jobs = record.jobs.iter().map(|job| job.target.as_str());
    decision.known_targets().into_iter().chain(jobs).collect()
}

/// Asks the configuration as it is now.
fn today(global: &Global, record: &EventRecord) -> Result<Today, Stop> {
    let ready = Setup::new(global)?.ready(Zone::Local)?;
    let targets = ready.targets().map(|section| section.name.clone());
    Ok(Today {
        decision: ready.engine.decide(&record.event),
        targets: targets.collect(),
    })
}

/// Why an event came where it came.
#[derive(Debug)]
struct Explanation<'a> {
    record: &'a EventRecord,
    decision: &'a StoredDecision,
    matchers: Vec<&'a StoredMatcher>,
    /// How many matchers are left out, because they do not lead to the target that was asked for.
    left_out: usize,
    targets: Vec<AtTarget<'a>>,
}

impl<'a> Explanation<'a> {
    fn of(
        record: &'a EventRecord,
        decision: &'a StoredDecision,
        today: Option<&'a Today>,
        only: Option<&'a str>,
    ) -> Self {
        let mut names = names(record, decision);
        if let Some(today) = today {
            names.extend(today.targets.iter().map(String::as_str));
            names.extend(today.decision.targets.iter().map(String::as_str));
        }
        if let Some(only) = only {
            names = BTreeSet::from([only]);
        }
        let leads = |matcher: &&StoredMatcher| {
            only.is_none_or(|target| decision.leads(matcher, target).unwrap_or(true))
        };
        let matchers: Vec<_> = decision.matchers.iter().filter(leads).collect();
        // Without a stored decision, as of a mail past the matchers, there is nothing to compare.
        let today = today.filter(|_| !decision.matchers.is_empty());
        let at = |name| AtTarget::of(name, record, decision, today.map(|today| &today.decision));
        Explanation {
            record,
            decision,
            left_out: decision.matchers.len() - matchers.len(),
            matchers,
            targets: names.into_iter().map(at).collect(),
        }
    }

    fn json(&self) -> Value {
        let mut object = shapes::head(self.record);
        object["matchers"] = json!(self.matchers);
        object["matchers-left-out"] = json!(self.decision.left_out);
        object["leads"] = json!(self.decision.leads);
        object["targets"] = self.targets.iter().map(target_json).collect();
        object["today-differs"] = json!(self.targets.iter().any(AtTarget::differs));
        object
    }

    fn text(&self, view: &View<'_>) -> String {
        let mut text = show::head(self.record, view);
        text.push('\n');
        for matcher in &self.matchers {
            text.push_str(&matcher_text(matcher, view.console));
        }
        if self.targets.iter().any(|at| at.name == LEGACY_MAIL) && self.matchers.is_empty() {
            text.push_str("(it went past the matchers: its backup job names the addresses)\n\n");
        }
        if self.left_out > 0 {
            let _ = writeln!(
                text,
                "({} of {} matchers do not lead to it)",
                self.left_out,
                self.left_out + self.matchers.len()
            );
        }
        if self.decision.left_out > 0 {
            let _ = writeln!(
                text,
                "({} more did not match, and what they saw was not kept)",
                count(self.decision.left_out, "matcher")
            );
        }
        if !self.decision.matchers.is_empty() {
            text.push('\n');
        }
        let is_told = |at: &&AtTarget<'_>| {
            at.standing != Standing::Unmatched || at.differs() || self.targets.len() == 1
        };
        for at in self.targets.iter().filter(is_told) {
            let _ = writeln!(text, "{}: {}", printable(at.name), self.sentence(at, view));
            for line in beneath(at, view) {
                let _ = writeln!(text, "  {line}");
            }
        }
        let quiet: Vec<_> = self.targets.iter().filter(|at| !is_told(at)).collect();
        text.push_str(&unmatched(&quiet));
        text
    }

    fn sentence(&self, at: &AtTarget<'_>, view: &View<'_>) -> String {
        let good = |text: &str| view.console.good(text);
        let bad = |text: &str| view.console.bad(text);
        let doubtful = |text: &str| view.console.doubtful(text);
        let Some(job) = at.job else {
            return self.without_delivery(at, view);
        };
        let attempts = count(job.attempts.len(), "attempt");
        let waits = || {
            let since = view.moment(job.since);
            format!("waits since {since}, {attempts}, {}", view.next(job))
        };
        let changed = view.moment(job.changed);
        match at.standing {
            Standing::Delivered => format!("{} at {changed}, {attempts}", good("delivered")),
            Standing::RoutedAnew => format!(
                "{} at {changed}, as the event {}",
                good("was routed anew"),
                next::anew(at.job).unwrap_or_else(|| "?".to_owned())
            ),
            Standing::Undecided => {
                let why = self.decision.undecided.as_deref().map(printable);
                let why = why.map_or_else(String::new, |why| format!(", as then {why}"));
                let waits = doubtful("waits for a matcher to be mended");
                format!("{waits} since {}{why}", view.moment(job.since))
            }
            Standing::Partial => format!(
                "{} at {changed}, {attempts}; not all recipients took it",
                doubtful("delivered in part")
            ),
            Standing::Dead => {
                let reason = job.reason.as_deref().map(printable);
                let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
                format!("{} since {changed}, {attempts}{reason}", bad("dead"))
            }
            Standing::Cancelled => {
                let dropped = doubtful("dropped");
                format!("{dropped} by a person at {changed}, {attempts}")
            }
            Standing::Missing => format!("{}; {}", bad("there was no such target"), waits()),
            Standing::Unusable => format!("{}; {}", bad("could not be used"), waits()),
            Standing::Retrying => format!("{}; {}", doubtful("is tried again"), waits()),
            _ => waits(),
        }
    }

    /// Why there is no delivery to a target.
    fn without_delivery(&self, at: &AtTarget<'_>, view: &View<'_>) -> String {
        let console = view.console;
        match at.standing {
            Standing::Disabled => {
                format!("{}: nothing was sent", console.doubtful("was disabled"))
            }
            Standing::Elsewhere => format!(
                "{}, and was settled before the event came to the spool",
                console.doubtful("was chosen")
            ),
            _ => {
                let not = console.bad("was not chosen");
                format!("{not}: {}", self.why_not(at.name))
            }
        }
    }

    /// Why no matcher chose a target.
    fn why_not(&self, target: &str) -> String {
        let mut named = Vec::new();
        for matcher in &self.matchers {
            match self.decision.leads(matcher, target) {
                None => return "no matcher that matched leads to it".to_owned(),
                Some(true) => named.push(printable(&matcher.name)),
                Some(false) => {}
            }
        }
        match &named[..] {
            [] if self.decision.left_out > 0 => "no matcher that matched leads to it".to_owned(),
            [] => "no matcher led to it".to_owned(),
            [one] => format!("`{one}`, which leads to it, did not match"),
            several => format!(
                "{}, which lead to it, did not match",
                several
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        }
    }
}

/// The last attempt, what would be decided today, and what to do.
fn beneath(at: &AtTarget<'_>, view: &View<'_>) -> Vec<String> {
    let last = at.job.and_then(|job| job.attempts.last());
    let mut lines = last.map_or_else(Vec::new, |attempt| view.attempt(attempt));
    if at.differs() {
        let today = match at.today {
            Some(Choice::NotChosen) | None => "it would not be chosen",
            Some(Choice::Disabled) => "it is disabled",
            Some(Choice::Missing) => "there is no such target",
            Some(Choice::Unusable) => "it cannot be used",
            Some(Choice::Chosen) if at.then == Choice::NotChosen => "it would be chosen",
            Some(Choice::Chosen) => "it would be sent",
        };
        lines.push(format!(
            "with the configuration of today {}",
            view.console.doubtful(today)
        ));
    }
    lines.extend(next::step(at).map(|step| format!("next: {step}")));
    lines
}

fn unmatched(targets: &[&AtTarget<'_>]) -> String {
    if targets.is_empty() {
        return String::new();
    }
    let names = targets.iter().take(UNMATCHED).map(|at| printable(at.name));
    let more = match targets.len().checked_sub(UNMATCHED) {
        None | Some(0) => String::new(),
        Some(more) => format!(" and {more} more"),
    };
    format!(
        "not chosen: {}{more}\n",
        names.collect::<Vec<_>>().join(", ")
    )
}

fn target_json(at: &AtTarget<'_>) -> Value {
    let job = |of: &dyn Fn(&JobRecord) -> Value| at.job.map_or(Value::Null, of);
    json!({
        "name": at.name,
        "standing": at.standing,
        "since-ms": job(&|job| json!(job.since.0)),
        "changed-ms": job(&|job| json!(job.changed.0)),
        "due-ms": job(&|job| json!(job.due.map(|due| due.0))),
        "reason": job(&|job| json!(job.reason)),
        "attempts": at.job.map_or(0, |job| job.attempts.len()),
        "last": at
            .job
            .and_then(|job| job.attempts.last())
            .map(shapes::attempt),
        "decided": at.then,
        "today": at.today,
    })
}

#[cfg(test)]
mod tests {
    use super::{Explanation, Today};
    use crate::seeing::fixtures::{self, Fixed};
    use crate::seeing::trace::StoredDecision;
    use notify_bus::Decision;
    use notify_core::{EventRecord, JobState, Outcome};
    use serde_json::json;

    fn text(only: Option<&str>, today: Option<&Today>) -> String {
        let record = fixtures::record();
        let decision = StoredDecision::read(&record.trace).expect("a decision");
        let explanation = Explanation::of(&record, &decision, today, only);
        let fixed = Fixed::new();
        let text = explanation.text(&fixed.view());
        let (_, rest) = text.split_once("\n\n").expect("the event and a blank line");
        rest.to_owned()
    }

    fn today(targets: &[&str]) -> Today {
        let targets: Vec<String> = targets.iter().map(|name| (*name).to_owned()).collect();
        Today {
            decision: Decision {
                targets: targets.clone(),
                missing: Vec::new(),
                disabled: Vec::new(),
                unusable: Vec::new(),
                matchers: Vec::new(),
            },
            targets: targets.into_iter().chain(["spare".to_owned()]).collect(),
        }
    }

    #[test]
    fn every_target_is_explained() {
        insta::assert_snapshot!(text(None, None), @r"
        backups matches (mode all)
          yes: match-field exact:type=vzdump, saw `vzdump`
          yes: match-severity error, saw `error`
        fencing does not match (mode any)
          no: match-field exact:type=fencing, saw `vzdump`

        broken: could not be used; waits since 2024-01-08 08:00:00, 0 attempts, due now
          next: `notify check` shows the fault; when it is mended, the event goes out
        gone: there was no such target; waits since 2024-01-08 08:00:00, 1 attempt, next attempt at 2024-01-08 09:00:00
          attempt 1 at 2024-01-08 08:00:00, 400ms: misconfigured: there is no such target
          next: `notify target add TYPE gone` makes it and the event goes out; or `notify drop 018ce800-3680-7000-8000-000000000001.gone`
        mail: delivered in part at 2024-01-08 08:00:12, 2 attempts; not all recipients took it
          attempt 2 at 2024-01-08 08:00:12, 400ms: partial: queued as 7
            refused b@example.com: 550 unknown (rejected)
          next: correct the addresses; to these it is not sent again by itself
        nightly: dropped by a person at 2024-01-08 08:00:30, 0 attempts
        off: was disabled: nothing was sent
          next: `notify target set off --unset disable` switches it on, for events to come
        push: dead since 2024-01-08 08:00:01, 1 attempt: rejected
          attempt 1 at 2024-01-08 08:00:00, 400ms: rejected: 401 no such token
          next: mend the cause, then `notify retry 018ce800-3680-7000-8000-000000000001.push`
        relay: waits since 2024-01-08 08:00:00, 1 attempt, an attempt is under way
          attempt 1 at 2024-01-08 08:00:00, 400ms: cut-off
        not chosen: pager
        ");
    }

    #[test]
    fn one_target_is_explained_by_its_matchers() {
        insta::assert_snapshot!(text(Some("pager"), None), @r"
        fencing does not match (mode any)
          no: match-field exact:type=fencing, saw `vzdump`
        (1 of 2 matchers do not lead to it)

        pager: was not chosen: `fencing`, which leads to it, did not match
          next: `notify matcher set` changes which events go there, for events to come
        ");
    }

    #[test]
    fn what_today_would_decide_is_told_where_it_differs() {
        let now = ["broken", "mail", "off", "pager", "push", "relay", "nightly"];
        let text = text(None, Some(&today(&now)));
        let told: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("today") || line.starts_with("not chosen"))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
          with the configuration of today it would be sent
          with the configuration of today it would not be chosen
          with the configuration of today it would be sent
          with the configuration of today it would be chosen
        not chosen: spare
        ");
    }

    /// What is said beneath the event, without a word of today.
    fn told(record: &EventRecord) -> String {
        let decision = StoredDecision::read(&record.trace).expect("a decision");
        let explanation = Explanation::of(record, &decision, None, None);
        let text = explanation.text(&Fixed::new().view());
        text.split_once("\n\n").expect("a blank line").1.to_owned()
    }

    #[test]
    fn an_event_that_waits_for_a_matcher_says_for_which() {
        let mut record = fixtures::undecided();
        insta::assert_snapshot!(told(&record), @r"
        night has a fault: no rule (mode all)

        @undecided: waits for a matcher to be mended since 2024-01-08 08:00:00, as then matcher `night` cannot be used: no rule
          attempt 1 at 2024-01-08 08:00:00, 400ms: misconfigured: matcher `night` cannot be used: no rule
          next: `notify check` shows the fault; when it is mended, the event goes out
        ");
        let anew = fixtures::attempt(2, 60, (Outcome::Delivered, None, Some("018ce900")));
        record.jobs[0].attempts.push(anew);
        record.jobs[0].state = JobState::Delivered;
        let told = told(&record);
        assert!(told.contains("as the event 018ce900"), "{told}");
        assert!(told.contains("next: `notify explain 018ce900`"), "{told}");
    }

    #[test]
    fn a_mail_past_the_matchers_says_so() {
        let mut record = fixtures::record();
        record.trace = "{}".to_owned();
        record.jobs.retain(|job| job.target == "mail");
        record.jobs[0].target = "legacy-mail".to_owned();
        let told = told(&record);
        assert!(told.starts_with("(it went past the matchers"), "{told}");
        assert!(told.contains("legacy-mail: delivered in part"), "{told}");
    }

    #[test]
    fn a_target_that_no_matcher_named_was_not_chosen() {
        let text = text(Some("spare"), Some(&today(&[])));
        assert!(text.contains("spare: was not chosen: no matcher led to it"));
    }

    #[test]
    fn scripts_get_the_same() {
        let record = fixtures::record();
        let decision = StoredDecision::read(&record.trace).expect("a decision");
        let today = today(&["mail", "pager"]);
        let explanation = Explanation::of(&record, &decision, Some(&today), Some("push"));
        let answer = explanation.json();
        assert_eq!(answer["today-differs"], true);
        assert_eq!(answer["matchers"][0]["rules"][0]["saw"], "vzdump");
        let push = &answer["targets"][0];
        assert_eq!(push["standing"], "dead");
        assert_eq!(push["reason"], "rejected");
        assert_eq!(push["last"]["detail"], "401 no such token");
        assert_eq!(push["decided"], "chosen");
        assert_eq!(push["today"], "not-chosen");
        assert_eq!(answer["targets"].as_array().map(Vec::len), Some(1));
        assert_eq!(push["attempts"], json!(1));
    }
}
