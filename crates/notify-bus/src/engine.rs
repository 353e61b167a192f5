//! A configuration made ready for events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use notify_config::{Configuration, Schemas, Section};
use notify_core::{Host, Registry, Target, Zone};
use notify_match::{Compiler, MATCHER, Matcher, MatcherSet, Router};
use notify_render::Templates;
use notify_schema::{Entry, Fault, Fields};

use crate::{settings, system_mail};

/// The section types of a program: matchers, the targets of its plugins, and our own settings.
///
/// Targets come first, so that built-in targets stand before built-in matchers.
pub fn schemas(registry: &Registry) -> Schemas {
    let targets = registry.types().iter().map(|known| known.schema());
    let settings = settings::schemas().into_iter();
    Schemas::new(targets.chain([notify_match::schema()]))
        .with_settings(settings.chain([system_mail::schema()]))
}

/// Targets and matchers of one configuration, ready for events.
///
/// What cannot be used is kept with its reason: it costs itself and nothing else.
#[derive(Debug)]
pub struct Engine {
    pub(crate) targets: BTreeMap<String, Slot>,
    pub(crate) matchers: MatcherSet,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) templates: Templates,
    pub(crate) zone: Zone,
    router: OnceLock<Router>,
    faults: Vec<Fault>,
    /// A matcher that is in force and cannot be used.
    undecided: Option<String>,
}

/// One target of the configuration.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) kind: String,
    pub(crate) disabled: bool,
    /// The target, or in a few words why it cannot be used.
    pub(crate) target: Result<Arc<dyn Target>, String>,
    /// What its section says, to compare with a later one.
    pub(crate) fields: Option<Fields>,
}

impl Slot {
    /// Whether a delivery would be made in the same way.
    fn is_as(&self, other: &Slot) -> bool {
        let values = |slot: &Slot| {
            let entries = slot.fields.iter().flat_map(Fields::entries);
            let value = |entry: &Entry| (entry.property.name, entry.value.clone());
            entries.map(value).collect::<Vec<_>>()
        };
        self.kind == other.kind
            && self.disabled == other.disabled
            && self.target.as_ref().err() == other.target.as_ref().err()
            && values(self) == values(other)
    }
}

impl Engine {
    /// Builds every target and compiles every matcher.
    pub fn assemble(
        configuration: &Configuration,
        registry: &Registry,
        host: Arc<dyn Host>,
        templates: Templates,
        zone: Zone,
    ) -> Engine {
        let mut faults = Vec::new();
        let mut targets = BTreeMap::new();
        let mut matchers = Vec::new();
        let mut compiler = Compiler::new();
        let mut undecided = None;
        for section in configuration.sections() {
            if section.kind == MATCHER {
                let matcher = matcher(section, &mut compiler, &mut faults);
                if let Err(reason) = &matcher
                    && undecided.is_none()
                    && !section.disabled
                {
                    let name = &section.name;
                    undecided = Some(format!("matcher `{name}` cannot be used: {reason}"));
                }
                matchers.push((section.name.clone(), matcher));
            } else {
                let target = target(section, registry, &mut faults);
                let slot = Slot {
                    kind: section.kind.clone(),
                    disabled: section.disabled,
                    target,
                    fields: section.fields.clone(),
                };
                targets.insert(section.name.clone(), slot);
            }
        }
        Fault::sort(&mut faults);
        let matchers = MatcherSet::new(matchers);
        Engine {
            targets,
            matchers,
            host,
            templates,
            zone,
            router: OnceLock::new(),
            faults,
            undecided,
        }
    }

    /// What plugins and rules found wrong in sections whose form is good, sorted by place.
    ///
    /// The faults of the form are [`Configuration::faults`].
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The host whose facts the deliveries use.
    pub fn host(&self) -> &dyn Host {
        &*self.host
    }

    /// The templates.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// The matchers, for whoever wants to look at them one by one.
    pub fn matchers(&self) -> &MatcherSet {
        &self.matchers
    }

    /// Whether the configuration has a target of this name, usable or not.
    pub fn has_target(&self, target: &str) -> bool {
        self.targets.contains_key(target)
    }

    /// The type of a target; nothing when there is none of this name.
    pub fn kind(&self, target: &str) -> Option<&str> {
        self.targets.get(target).map(|slot| slot.kind.as_str())
    }

    /// Why a target or a matcher cannot be used; nothing when it can, or when there is none.
    pub fn unusable(&self, section: &str) -> Option<&str> {
        if let Some(slot) = self.targets.get(section) {
            return slot.target.as_ref().err().map(String::as_str);
        }
        let mut faulty = self.matchers.faulty();
        faulty
            .find(|(name, _)| *name == section)
            .map(|(_, reason)| reason)
    }

    /// Why an event for which no target is chosen may nevertheless be meant for one: the first
    /// matcher that is not switched off and cannot be used.
    pub fn undecided(&self) -> Option<String> {
        self.undecided.clone()
    }

    /// The targets that are not as they were in `before`, new and vanished ones among them.
    pub(crate) fn changed_targets(&self, before: &Engine) -> BTreeSet<String> {
        let names = self.targets.keys().chain(before.targets.keys());
        let is_as_before = |name: &str| match (self.targets.get(name), before.targets.get(name)) {
            (Some(now), Some(then)) => now.is_as(then),
            _ => false,
        };
        names.filter(|name| !is_as_before(name)).cloned().collect()
    }

    /// Makes the router, so that every later decision is fast.
    ///
    /// Worth it for more than a few events; a single one is decided by a look at each matcher.
    pub fn prepare_for_many_events(&self) {
        self.router.get_or_init(|| Router::new(&self.matchers));
    }

    pub(crate) fn router(&self) -> Option<&Router> {
        self.router.get()
    }
}

fn target(
    section: &Section,
    registry: &Registry,
    faults: &mut Vec<Fault>,
) -> Result<Arc<dyn Target>, String> {
    let Some(fields) = &section.fields else {
        return Err(reason(section));
    };
    let Some(known) = registry.target(&section.kind) else {
        return Err(format!("unknown type `{}`", section.kind));
    };
    (known.build)(fields).map_err(|found| refused(found, faults))
}

fn matcher(
    section: &Section,
    compiler: &mut Compiler,
    faults: &mut Vec<Fault>,
) -> Result<Matcher, String> {
    let Some(fields) = &section.fields else {
        return Err(reason(section));
    };
    compiler
        .matcher(fields)
        .map_err(|found| refused(found, faults))
}

fn reason(section: &Section) -> String {
    section
        .unusable
        .clone()
        .unwrap_or_else(|| "it has a fault".to_owned())
}

/// The first fault is the reason; all of them are kept.
fn refused(found: Vec<Fault>, faults: &mut Vec<Fault>) -> String {
    let reason = found.first().map_or_else(
        || "it has a fault".to_owned(),
        |fault| fault.message.clone(),
    );
    faults.extend(found);
    reason
}
