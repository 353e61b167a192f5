//! `notify explain`: why something reached somebody, or did not.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use notify_bus::Decision;
use notify_core::{EventRecord, JobRecord, Zone};
use serde_json::{Value, json};

use crate::args::Global;
use crate::console::Console;
use crate::exit::{Answer, Exit, Stop};
use crate::seeing::name::Name;
use crate::seeing::standing::{AtTarget, Choice, Standing};
use crate::seeing::trace::{StoredDecision, StoredMatcher, matcher_text};
use crate::seeing::view::{View, count};
use crate::seeing::{args, shapes, show};
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
    let record = show::record(global, &name)?;
    let decision = StoredDecision::read(&record.trace).unwrap_or_else(|| {
        console.remark("the decision was stored in a form that this version does not know");
        StoredDecision::default()
    });
    let today = match today(global, &record) {
        Ok(today) => Some(today),
        Err(stop) => {
            console.remark(format!("what would be decided today is not known: {stop}"));
            None
        }
    };
    let explanation = Explanation::of(&record, &decision, today.as_ref(), args.target.as_deref())?;
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

/// Asks the configuration as it is now.
fn today(global: &Global, record: &EventRecord) -> Result<Today, Stop> {
    let ready = Setup::new(global)?.ready(Zone::Local)?;
    let sections = ready.configuration.sections().iter();
    Ok(Today {
        decision: ready.engine.decide(&record.event),
        targets: sections
            .filter(|section| ready.engine.has_target(&section.name))
            .map(|section| section.name.clone())
            .collect(),
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
    ) -> Result<Self, Stop> {
        let mut names: BTreeSet<&str> = decision.known_targets().into_iter().collect();
        names.extend(record.jobs.iter().map(|job| job.target.as_str()));
        if let Some(today) = today {
            names.extend(today.targets.iter().map(String::as_str));
            names.extend(today.decision.targets.iter().map(String::as_str));
        }
        if let Some(only) = only {
            if today.is_some() && !names.contains(only) {
                return Err(Stop::usage(format!(
                    "there is no target `{}`, nor was there one for this event",
                    only.escape_debug()
                ))
                .with_hint("`notify target list` shows what there is"));
            }
            names = BTreeSet::from([only]);
        }
        let leads = |matcher: &&StoredMatcher| {
            only.is_none_or(|target| decision.leads(matcher, target).unwrap_or(true))
        };
        let matchers: Vec<_> = decision.matchers.iter().filter(leads).collect();
        // Without a stored decision, as of a mail past the matchers, there is nothing to compare.
        let today = today.filter(|_| !decision.matchers.is_empty());
        let at = |name| AtTarget::of(name, record, decision, today.map(|today| &today.decision));
        Ok(Explanation {
            record,
            decision,
            left_out: decision.matchers.len() - matchers.len(),
            matchers,
            targets: names.into_iter().map(at).collect(),
        })
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
            return match at.standing {
                Standing::Disabled => format!("{}: nothing was sent", doubtful("was disabled")),
                Standing::Elsewhere => format!(
                    "{}, and was settled before the event came to the spool",
                    doubtful("was chosen")
                ),
                _ => format!("{}: {}", bad("was not chosen"), self.why_not(at.name)),
            };
        };
        let attempts = count(job.attempts.len(), "attempt");
        let waits = || {
            let since = view.moment(job.since);
            format!("waits since {since}, {attempts}, {}", view.next(job))
        };
        let changed = view.moment(job.changed);
        match at.standing {
            Standing::Delivered => format!("{} at {changed}, {attempts}", good("delivered")),
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
                format!(
                    "{} by a person at {changed}, {attempts}",
                    doubtful("dropped")
                )
            }
            Standing::Missing => format!("{}; {}", bad("there was no such target"), waits()),
            Standing::Unusable => format!("{}; {}", bad("could not be used"), waits()),
            Standing::Retrying => format!("{}; {}", doubtful("is tried again"), waits()),
            _ => waits(),
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

/// The last attempt, and what would be decided today.
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
    use serde_json::json;

    fn text(only: Option<&str>, today: Option<&Today>) -> Result<String, String> {
        let record = fixtures::record();
        let decision = StoredDecision::read(&record.trace).expect("a decision");
        let explanation = Explanation::of(&record, &decision, today, only);
        let fixed = Fixed::new();
        let text = explanation.map(|explanation| explanation.text(&fixed.view()));
        let text = text.map_err(|stop| stop.message)?;
        let (_, rest) = text.split_once("\n\n").expect("the event and a blank line");
        Ok(rest.to_owned())
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
        insta::assert_snapshot!(text(None, None).expect("all targets"), @r"
        backups matches (mode all)
          yes: match-field exact:type=vzdump, saw `vzdump`
          yes: match-severity error, saw `error`
        fencing does not match (mode any)
          no: match-field exact:type=fencing, saw `vzdump`

        broken: could not be used; waits since 2024-01-08 08:00:00, 0 attempts, due now
        gone: there was no such target; waits since 2024-01-08 08:00:00, 1 attempt, next attempt at 2024-01-08 09:00:00
          attempt 1 at 2024-01-08 08:00:00, 400ms: misconfigured: there is no such target
        mail: delivered in part at 2024-01-08 08:00:12, 2 attempts; not all recipients took it
          attempt 2 at 2024-01-08 08:00:12, 400ms: partial: queued as 7
            refused b@example.com: 550 unknown (rejected)
        nightly: dropped by a person at 2024-01-08 08:00:30, 0 attempts
        off: was disabled: nothing was sent
        push: dead since 2024-01-08 08:00:01, 1 attempt: rejected
          attempt 1 at 2024-01-08 08:00:00, 400ms: rejected: 401 no such token
        relay: waits since 2024-01-08 08:00:00, 1 attempt, an attempt is under way
          attempt 1 at 2024-01-08 08:00:00, 400ms: cut-off
        not chosen: pager
        ");
    }

    #[test]
    fn one_target_is_explained_by_its_matchers() {
        insta::assert_snapshot!(text(Some("pager"), None).expect("a target"), @r"
        fencing does not match (mode any)
          no: match-field exact:type=fencing, saw `vzdump`
        (1 of 2 matchers do not lead to it)

        pager: was not chosen: `fencing`, which leads to it, did not match
        ");
    }

    #[test]
    fn what_today_would_decide_is_told_where_it_differs() {
        let now = ["broken", "mail", "off", "pager", "push", "relay", "nightly"];
        let text = text(None, Some(&today(&now))).expect("all targets");
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

    #[test]
    fn an_unknown_target_is_refused_when_all_are_known() {
        let known = today(&[]);
        let refused = text(Some("typo"), Some(&known)).expect_err("no such target");
        assert!(refused.contains("no target `typo`"), "{refused}");
        let unknown = text(Some("typo"), None).expect("nobody knows");
        assert!(unknown.contains("typo: was not chosen: no matcher led to it"));
        assert!(text(Some("spare"), Some(&known)).is_ok());
    }

    #[test]
    fn scripts_get_the_same() {
        let record = fixtures::record();
        let decision = StoredDecision::read(&record.trace).expect("a decision");
        let today = today(&["mail", "pager"]);
        let explanation = Explanation::of(&record, &decision, Some(&today), Some("push"));
        let answer = explanation.expect("a target").json();
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
