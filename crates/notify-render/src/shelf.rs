//! All candidates for a template, in the order in which they are tried.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use handlebars::Context;
use notify_core::{TemplateSet, Zone};
use notify_schema::{Fault, Level, Position};

use crate::compiled::{Compiled, Origin};
use crate::folder::{Folder, Found};
use crate::part::{Part, is_template_name};

/// The folders, the first one first, and what is built in.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) folders: Vec<Folder>,
    pub(crate) builtins: Arc<Builtins>,
}

impl Shelf {
    /// The first candidate that can be rendered; what is passed over leaves its fault.
    pub(crate) fn render(
        &self,
        template: &str,
        part: Part,
        context: &Context,
        zone: Zone,
        faults: &mut Vec<Fault>,
    ) -> Option<String> {
        for found in self.candidates(template, part) {
            match found.and_then(|compiled| compiled.render(context, zone)) {
                Ok(rendering) => {
                    faults.extend(rendering.faults);
                    return Some(rendering.text);
                }
                Err(fault) => faults.push(fault),
            }
        }
        None
    }

    /// Whether there is any candidate for a text.
    pub(crate) fn contains(&self, template: &str) -> bool {
        let parts = [Part::Subject, Part::Text];
        is_template_name(template)
            && (self.builtins.sets.contains_key(template)
                || self
                    .folders
                    .iter()
                    .any(|folder| parts.iter().any(|part| folder.has(template, *part))))
    }

    /// Lazily, so that no file behind a good candidate is opened.
    fn candidates<'a>(
        &'a self,
        template: &'a str,
        part: Part,
    ) -> impl Iterator<Item = Found> + use<'a> {
        let named = is_template_name(template);
        let files = self.folders.iter().filter(move |_| named);
        files
            .filter_map(move |folder| folder.find(template, part))
            .chain(self.builtins.find(template, part))
    }
}

/// The templates that are linked into the program, parsed when first used.
#[derive(Debug)]
pub(crate) struct Builtins {
    sets: BTreeMap<&'static str, Builtin>,
    doubles: Vec<&'static str>,
}

#[derive(Debug)]
struct Builtin {
    set: &'static TemplateSet,
    parsed: [OnceLock<Found>; 3],
}

impl Builtins {
    pub(crate) fn new(sets: impl IntoIterator<Item = &'static TemplateSet>) -> Self {
        let mut builtins = Builtins {
            sets: BTreeMap::new(),
            doubles: Vec::new(),
        };
        for set in sets {
            let builtin = Builtin {
                set,
                parsed: Default::default(),
            };
            if builtins.sets.insert(set.name, builtin).is_some() {
                builtins.doubles.push(set.name);
            }
        }
        builtins
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.sets.keys().copied()
    }

    pub(crate) fn check(&self) -> Vec<Fault> {
        let doubles = self.doubles.iter().map(|name| {
            let message = format!("two template sets are named `{name}`; link only one of them");
            Fault::at(Position::NOWHERE, Level::Error, message)
        });
        let parts = self.sets.values().flat_map(|builtin| {
            Part::ALL
                .into_iter()
                .flat_map(|part| match builtin.find(part) {
                    Some(Ok(compiled)) => compiled.lints().collect(),
                    Some(Err(fault)) => vec![fault],
                    None => Vec::new(),
                })
        });
        doubles.chain(parts).collect()
    }

    fn find(&self, template: &str, part: Part) -> Option<Found> {
        self.sets.get(template)?.find(part)
    }
}

impl Builtin {
    fn find(&self, part: Part) -> Option<Found> {
        let (at, text) = match part {
            Part::Subject => (0, self.set.subject),
            Part::Text => (1, self.set.text),
            Part::Html => (2, self.set.html?),
        };
        let origin = || Origin::BuiltIn {
            name: self.set.name,
            part,
        };
        let found =
            self.parsed[at].get_or_init(|| Compiled::parse(text, part, origin()).map(Arc::new));
        Some(found.clone())
    }
}
