//! A target put into a situation, and the list of what was wrong with it.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify_core::{Failure, Receipt, Target, TargetType};
use notify_schema::Secret;

use super::Report;
use super::peer::{Arrival, Peer, Situation, Stage, Staged};
use crate::canary::{self, Form};
use crate::{Delivery, Section};

/// A target that has not answered then never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// The suite at work.
pub(super) struct Findings<'p> {
    pub(super) kind: &'static TargetType,
    pub(super) peer: &'p dyn Peer,
    report: Report,
    /// Events are told apart by number.
    events: u16,
}

impl<'p> Findings<'p> {
    pub(super) fn new(kind: &'static TargetType, peer: &'p dyn Peer) -> Self {
        Findings {
            kind,
            peer,
            report: Report::default(),
            events: 0,
        }
    }

    pub(super) fn report(self) -> Report {
        self.report
    }

    /// The situations that the transport cannot have, so far, each with its reason.
    pub(super) fn declared(&self) -> &[String] {
        &self.report.declared
    }

    /// Notes a broken law.
    pub(super) fn broken(&mut self, law: &str, seen: impl std::fmt::Display) {
        self.report.violations.push(format!("{law}: {seen}"));
    }

    /// Notes a broken law unless `holds`.
    pub(super) fn law(&mut self, law: &str, holds: bool, seen: impl FnOnce() -> String) {
        if !holds {
            self.broken(law, seen());
        }
    }

    /// A delivery of an event that no other has.
    pub(super) fn delivery(&mut self, subject: &str, text: &str) -> Delivery {
        self.events += 1;
        Delivery::new(subject, text).event(self.events)
    }

    /// A delivery of the mail of another program.
    pub(super) fn mail(&mut self, raw: &[u8], subject: &str, text: &str) -> Delivery {
        self.events += 1;
        Delivery::mail(raw, subject, text).event(self.events)
    }

    /// The situation with a target built for it; none when the transport cannot have it.
    pub(super) async fn arrange(&mut self, situation: Situation) -> Option<Trial> {
        self.arrange_with(situation, |section| section).await
    }

    /// The same with a section that is changed first.
    pub(super) async fn arrange_with(
        &mut self,
        situation: Situation,
        amend: impl FnOnce(Section) -> Section,
    ) -> Option<Trial> {
        let stage = match self.peer.stage(situation).await {
            Staged::Ready(stage) => *stage,
            Staged::Declared(reason) => {
                let line = format!("{situation}: {reason}");
                if !self.report.declared.contains(&line) {
                    self.report.declared.push(line);
                }
                return None;
            }
        };
        let name = situation.to_string();
        if !self.report.arranged.contains(&name) {
            self.report.arranged.push(name);
        }
        let stage = Stage {
            section: amend(stage.section),
            ..stage
        };
        self.build(situation, stage)
    }

    fn build(&mut self, situation: Situation, stage: Stage) -> Option<Trial> {
        let (kind, section) = (self.kind, &stage.section);
        for secret in section.secrets() {
            self.law(
                "a secret of a test is a canary",
                canary::is_canary(&secret),
                || format!("{situation}: another one was staged"),
            );
        }
        // On a thread of its own, where there is no runtime: `build` needs none.
        let built = std::thread::scope(|scope| scope.spawn(|| section.build(kind)).join());
        let target = match built {
            Ok(Ok(target)) => target,
            Ok(Err(faults)) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                self.broken(
                    "a good section is built",
                    format!("{situation}: {}", faults.join("; ")),
                );
                return None;
            }
            Err(_) => {
                self.broken("build needs no runtime and does not panic", situation);
                return None;
            }
        };
        let trial = Trial {
            situation,
            forms: secrets(section)
                .iter()
                .flat_map(canary::forms_of)
                .chain(canary::forms())
                .collect(),
            stage,
            target,
        };
        self.is_discreet(&trial, "Debug of the target", &trial.target);
        Some(trial)
    }

    /// Looks for secrets in the `Debug` of something.
    pub(super) fn is_discreet(&mut self, trial: &Trial, place: &str, thing: &impl Debug) {
        self.holds_no_secret(trial, place, &format!("{thing:?}\n{thing:#?}"));
    }

    /// Looks for secrets in a text.
    pub(super) fn holds_no_secret(&mut self, trial: &Trial, place: &str, text: &str) {
        if let Some(found) = canary::find_any(text.as_bytes(), &trial.forms) {
            let seen = format!("{}: {place} holds one, {}", trial.situation, found.form);
            self.broken("no secret in any text", seen);
        }
    }

    /// One attempt. What it says is searched for secrets.
    pub(super) async fn attempt(
        &mut self,
        trial: &Trial,
        delivery: &Delivery,
    ) -> Option<Result<Receipt, Failure>> {
        let result = tokio::time::timeout(PATIENCE, delivery.to(trial.target.as_ref())).await;
        let Ok(result) = result else {
            let seen = format!("{}: no answer after {PATIENCE:?}", trial.situation);
            self.broken("an attempt ends", seen);
            return None;
        };
        match &result {
            Ok(receipt) => {
                self.is_discreet(trial, "the receipt", receipt);
                for (_, failure) in &receipt.refused {
                    self.inspect(trial, failure);
                }
            }
            Err(failure) => self.inspect(trial, failure),
        }
        Some(result)
    }

    fn inspect(&mut self, trial: &Trial, failure: &Failure) {
        self.holds_no_secret(trial, "the failure's report", &failure.report());
        self.is_discreet(trial, "Debug of the failure", failure);
        let situation = trial.situation;
        let detail = failure.detail();
        let form = !detail.is_empty() && !detail.ends_with('.') && !detail.contains(['\r', '\n']);
        self.law(
            "a failure's text is one line without full stop",
            form,
            || format!("{situation}: {detail:?}"),
        );
    }
}

fn secrets(section: &Section) -> Vec<Secret> {
    section.secrets().collect()
}

/// A target in a situation.
pub(super) struct Trial {
    pub(super) situation: Situation,
    pub(super) stage: Stage,
    pub(super) target: Arc<dyn Target>,
    forms: Vec<Form>,
}

impl Trial {
    /// What has arrived, once it is at least `count` or the time for it is over.
    pub(super) async fn arrivals(&self, count: usize) -> Vec<Arrival> {
        let probe = &self.stage.probe;
        let deadline = Instant::now() + probe.transit();
        probe.arrivals(count, deadline).await
    }

    /// What has arrived by now.
    pub(super) async fn arrived(&self) -> Vec<Arrival> {
        self.stage.probe.arrivals(0, Instant::now()).await
    }
}

/// A result in words, for a violation.
pub(super) fn said(result: &Result<Receipt, Failure>) -> String {
    match result {
        Ok(receipt) => format!("it says delivered, reference {:?}", receipt.reference),
        Err(failure) => format!("it says {}: {}", failure.kind(), failure.report()),
    }
}
