//! What only plugins and rules can judge of a change, before it is written.

use std::sync::Arc;

use notify_bus::Engine;
use notify_config::{Configuration, Files, Section};
use notify_core::Zone;
use notify_match::{MATCHER, MatcherRule, TARGET};
use notify_schema::{Audience, Fault, RawProperty, Schema};

use crate::exit::Stop;
use crate::setup::Setup;

/// The configuration as it would be after a change to one section.
pub(super) struct Outcome<'a> {
    setup: &'a Setup,
    before: &'a Configuration,
    after: Configuration,
    engine: Engine,
    name: &'a str,
}

impl<'a> Outcome<'a> {
    pub(super) fn of(
        setup: &'a Setup,
        files: &Files,
        before: &'a Configuration,
        name: &'a str,
    ) -> Self {
        let after = Configuration::assemble(files, &setup.schemas);
        let (host, _) = setup.host();
        let engine = Engine::assemble(
            &after,
            &setup.registry,
            Arc::new(host),
            setup.templates(),
            Zone::Local,
        );
        Outcome {
            setup,
            before,
            after,
            engine,
            name,
        }
    }

    /// What is doubtful about the section, once nothing is wrong with it.
    pub(super) fn judged(&self, for_pve: bool) -> Result<Vec<Fault>, Stop> {
        let Some(section) = self.after.section(self.name) else {
            return Ok(Vec::new());
        };
        let label = section.label();
        let of_section = |fault: &&Fault| fault.section.as_ref() == Some(&label);
        self.refuse_unusable(self.engine.faults().iter().filter(of_section))?;
        if for_pve {
            self.refuse_rules_of_ours()?;
        }
        self.refuse_without_any(section)?;
        self.refuse_unknown_targets(section)?;
        let faults = notify_bus::check(&self.after, &self.engine);
        let told = |fault: &Fault| of_section(&fault) && fault.audience == Audience::Everyone;
        Ok(faults.into_iter().filter(told).collect())
    }

    /// What was unusable before may stay so.
    fn refuse_unusable<'f>(&self, faults: impl Iterator<Item = &'f Fault>) -> Result<(), Stop> {
        let before = self.before.section(self.name);
        let was_usable = before.is_none_or(|section| section.fields.is_some());
        let bad: Vec<&str> = faults.map(|fault| fault.message.as_str()).collect();
        if was_usable && !bad.is_empty() {
            return Err(Stop::usage(bad.join("\n")));
        }
        Ok(())
    }

    /// As Proxmox VE: a mail target that is written has a recipient.
    fn refuse_without_any(&self, section: &Section) -> Result<(), Stop> {
        let schema = self.setup.schemas.get(&section.kind);
        let wanted = schema.map_or(&[][..], Schema::at_least_one);
        let has_any =
            |fields: &notify_schema::Fields| wanted.iter().any(|property| fields.has(property));
        if wanted.is_empty() || section.fields.as_ref().is_none_or(has_any) {
            return Ok(());
        }
        Err(Stop::usage(format!(
            "give at least one of --{}",
            wanted.join(", --")
        )))
    }

    /// A target that the matcher did not name before must exist.
    fn refuse_unknown_targets(&self, section: &Section) -> Result<(), Stop> {
        if section.kind != MATCHER {
            return Ok(());
        }
        let known = named(self.before, &section.name);
        let is_unknown = |name: &String| !known.contains(name) && !self.engine.has_target(name);
        let unknown: Vec<String> = named(&self.after, &section.name)
            .into_iter()
            .filter(is_unknown)
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(
            Stop::usage(format!("there is no target `{}`", unknown.join("`, `")))
                .with_hint("`notify target list` shows what there is"),
        )
    }

    /// A new rule that Proxmox VE reads and cannot use makes it notify nobody of anything.
    fn refuse_rules_of_ours(&self) -> Result<(), Stop> {
        let old = self
            .before
            .section(self.name)
            .map(|section| self.before.lines(section));
        let is_old = |rule: &MatcherRule| {
            let mut lines = old.iter().flatten();
            lines.any(|line| line.key == rule.key() && line.value == rule.text())
        };
        let mut matchers = self.engine.matchers().usable();
        let rules = matchers.find(|matcher| matcher.name() == self.name);
        for rule in rules.iter().flat_map(|matcher| matcher.rules()) {
            let Some(refusal) = rule.rule().pve_refusal().filter(|_| !is_old(rule)) else {
                continue;
            };
            let message = format!(
                "property `{}`: Proxmox VE does not accept `{}`, and would notify nobody",
                rule.key(),
                rule.text()
            );
            let way = refusal
                .strict
                .map_or_else(String::new, |strict| format!("it accepts `{strict}`; "));
            return Err(Stop::usage(message)
                .with_hint(format!("{way}--not-for-pve writes it nevertheless")));
        }
        Ok(())
    }
}

/// The targets that a matcher names, also when it has a fault.
fn named(configuration: &Configuration, matcher: &str) -> Vec<String> {
    let found = configuration.section(matcher);
    let lines = found.map_or_else(Vec::new, |found| configuration.lines(found));
    let targets = lines.iter().filter(|line| line.key == TARGET);
    targets.map(|line| line.value.to_owned()).collect()
}

/// As Proxmox VE: a target that a matcher names stays.
pub(super) fn refuse_while_named(configuration: &Configuration, name: &str) -> Result<(), Stop> {
    let names_it = |line: &RawProperty<'_>| line.key == TARGET && line.value == name;
    let by: Vec<&str> = configuration
        .of_kind(MATCHER)
        .filter(|matcher| configuration.lines(matcher).iter().any(names_it))
        .map(|matcher| matcher.name.as_str())
        .collect();
    if by.is_empty() {
        return Ok(());
    }
    Err(Stop::failed(format!(
        "cannot remove `{name}`, matchers name it: {}",
        by.join(", ")
    ))
    .with_hint("take it out of them first: `notify matcher set NAME --target …`"))
}
