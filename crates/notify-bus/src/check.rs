//! Faults that show only when the whole configuration is known.

use std::collections::{BTreeMap, BTreeSet};

use notify_config::{Configuration, Origin, Section};
use notify_core::Host;
use notify_match::{MATCHER, RuleKind, TARGET};
use notify_schema::{Fault, Level, Position, RawProperty, SectionName, Value};

use crate::Engine;

/// Everything that is wrong: with the files, the sections, the rules, the templates and what connects them.
///
/// Sorted by file, line and column. Those for Proxmox VE only are among them.
pub fn check(configuration: &Configuration, engine: &Engine) -> Vec<Fault> {
    let faulty = Faulty::of(configuration);
    let named = named_targets(configuration, engine, &faulty);
    let reached: BTreeSet<&str> = named
        .iter()
        .filter(|(_, places)| places.iter().any(|place| place.counts))
        .map(|(name, _)| *name)
        .collect();
    let mut faults = configuration.faults().to_vec();
    faults.extend_from_slice(engine.faults());
    for matcher in engine.matchers().usable() {
        faults.extend(matcher.remarks());
        faults.extend(matcher.pve_faults());
    }
    faults.extend(rules_of_unusable(configuration, &faulty));
    faults.extend(unknown_targets(engine, &named));
    faults.extend(settings_of_others(configuration));
    for section in targets(configuration) {
        faults.extend(prepared(
            section,
            engine,
            reached.contains(section.name.as_str()),
        ));
        faults.extend(unreached(section, &reached));
    }
    faults.extend(engine.templates().check());
    Fault::sort(&mut faults);
    faults
}

/// The targets that matchers in use name and that are not there: what such a matcher chooses arrives nowhere.
pub fn missing_targets(configuration: &Configuration, engine: &Engine) -> Vec<Fault> {
    let faulty = Faulty::of(configuration);
    let mut named = named_targets(configuration, engine, &faulty);
    for places in named.values_mut() {
        places.retain(|place| place.counts);
    }
    unknown_targets(engine, &named)
}

/// A line of a matcher that names a target.
struct Place {
    at: Position,
    matcher: String,
    /// Whether the matcher is in use.
    counts: bool,
}

fn named_targets<'a>(
    configuration: &'a Configuration,
    engine: &Engine,
    faulty: &Faulty<'_>,
) -> BTreeMap<&'a str, Vec<Place>> {
    let in_use = engine.matchers().usable();
    let in_use: BTreeSet<&str> = in_use
        .filter(|matcher| !matcher.is_disabled())
        .map(notify_match::Matcher::name)
        .collect();
    let mut named: BTreeMap<_, Vec<Place>> = BTreeMap::new();
    for matcher in configuration.of_kind(MATCHER) {
        for (name, at) in targets_of(matcher, configuration, faulty) {
            let place = Place {
                at,
                matcher: matcher.name.clone(),
                counts: in_use.contains(matcher.name.as_str()),
            };
            named.entry(name).or_default().push(place);
        }
    }
    named
}

/// The targets that a matcher names, also when its form has a fault.
fn targets_of<'a>(
    matcher: &'a Section,
    configuration: &'a Configuration,
    faulty: &Faulty<'_>,
) -> Vec<(&'a str, Position)> {
    let Some(fields) = &matcher.fields else {
        let lines = faulty.other_lines(matcher, configuration);
        return lines
            .into_iter()
            .filter(|line| line.key == TARGET)
            .map(|line| (line.value, line.at))
            .collect();
    };
    let entries = fields.all(TARGET);
    entries
        .filter_map(|entry| match &entry.value {
            Value::Text(name) => Some((&**name, entry.at)),
            _ => None,
        })
        .collect()
}

/// What is wrong with the rules of matchers whose form has a fault: those are
/// not compiled, and who repairs the form should not meet the next fault only then.
fn rules_of_unusable(configuration: &Configuration, faulty: &Faulty<'_>) -> Vec<Fault> {
    let kinds = RuleKind::linked().unwrap_or_default();
    let mut faults = Vec::new();
    for matcher in configuration.of_kind(MATCHER) {
        if matcher.fields.is_some() {
            continue;
        }
        for line in faulty.other_lines(matcher, configuration) {
            let kind = kinds.iter().find(|kind| kind.key() == line.key);
            if let Some(error) = kind.and_then(|kind| kind.compile(line.value).err()) {
                let message = format!("property `{}`: {error}", line.key);
                let fault = Fault::error(line.at, message);
                faults.push(fault.in_section(matcher.label()));
            }
        }
    }
    faults
}

/// Where the files have faults: file and line.
struct Faulty<'a>(BTreeSet<(&'a str, u32)>);

impl<'a> Faulty<'a> {
    fn of(configuration: &'a Configuration) -> Self {
        let faults = configuration.faults().iter();
        Faulty(
            faults
                .filter_map(|fault| fault.file.as_deref().zip(fault.line))
                .collect(),
        )
    }

    /// The lines of a section, without those that have a fault already.
    fn other_lines<'s>(
        &self,
        section: &'s Section,
        configuration: &'s Configuration,
    ) -> Vec<RawProperty<'s>> {
        let mut lines = configuration.lines(section);
        lines.retain(|line| match line.at.source.path() {
            Some(file) => !self.0.contains(&(file, line.at.line)),
            None => true,
        });
        lines
    }
}

fn targets(configuration: &Configuration) -> impl Iterator<Item = &Section> {
    configuration
        .sections()
        .iter()
        .filter(|section| section.kind != MATCHER)
}

/// Settings that nobody reads.
fn settings_of_others(configuration: &Configuration) -> Vec<Fault> {
    let others = configuration.settings().iter();
    others
        .filter(|section| !crate::system_mail::is_local(section))
        .map(|section| {
            Fault::warning(section.at, "nothing uses it: settings are named `local`")
                .in_section(section.label())
                .with_hint(format!("make it `{}: local`", section.kind))
        })
        .collect()
}

fn unknown_targets(engine: &Engine, named: &BTreeMap<&str, Vec<Place>>) -> Vec<Fault> {
    let unknown = named
        .iter()
        .filter(|(name, _)| !engine.targets.contains_key(**name));
    unknown
        .flat_map(|(name, places)| {
            places.iter().map(move |place| {
                Fault::error(place.at, format!("there is no target `{name}`"))
                    .in_section(SectionName::new(MATCHER, &place.matcher))
                    .with_hint(
                        "add it, or remove this line: `notify target list` shows what there is",
                    )
            })
        })
        .collect()
}

/// What a target finds wrong on this host.
///
/// An error of a target that nothing reaches is a warning. An untouched built-in is not blamed.
fn prepared(section: &Section, engine: &Engine, reached: bool) -> Vec<Fault> {
    let built = engine
        .targets
        .get(&section.name)
        .and_then(|slot| slot.target.as_ref().ok());
    let Some(target) = built.filter(|_| section.origin != Origin::Builtin && !section.disabled)
    else {
        return Vec::new();
    };
    let host: &dyn Host = engine.host();
    let placed = |mut fault: Fault| {
        if fault.file.is_none() {
            let bare = Fault::at(section.at, fault.level, "");
            (fault.file, fault.line, fault.column) = (bare.file, bare.line, bare.column);
        }
        if fault.section.is_none() {
            fault.section = Some(section.label());
        }
        if fault.level == Level::Error && !reached {
            fault.level = Level::Warning;
        }
        fault
    };
    target.prepare(host).into_iter().map(placed).collect()
}

fn unreached(section: &Section, reached: &BTreeSet<&str>) -> Option<Fault> {
    if reached.contains(section.name.as_str())
        || section.origin == Origin::Builtin
        || section.disabled
    {
        return None;
    }
    let fault =
        Fault::info(section.at, "no matcher reaches this target").in_section(section.label());
    Some(fault.with_hint(format!("name it in a matcher: `target {}`", section.name)))
}
