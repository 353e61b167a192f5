//! How the files become one configuration: order, names, what belongs together.

use std::collections::HashMap;

use notify_schema::{Fault, Position, Schema, Source};

use crate::configuration::{Configuration, Documents, Places, Section};
use crate::document::{Document, RawSection};
use crate::quote::quoted;
use crate::schemas::has_secrets;
use crate::{Files, Schemas, check, discreet, origin, pve};

pub(crate) fn assemble(files: &Files, schemas: &Schemas) -> Configuration {
    let documents = Documents::parse(files);
    let mut faults = file_faults(files);
    faults.extend(syntax_faults(&documents));
    let mut assembly = Assembly {
        schemas,
        documents: &documents,
        private_unreadable: files.private.unreadable(),
        private: Winners::of(&documents.private, |_| true, &mut faults),
        overlay: Winners::of(
            &documents.overlay,
            |kind| schemas.setting(kind).is_none(),
            &mut faults,
        ),
        sections: Vec::with_capacity(documents.public.sections.len()),
        settings: Vec::new(),
        faults,
    };
    assembly.public_sections();
    assembly.builtins();
    assembly.settings();
    assembly.orphans();
    let Assembly {
        sections,
        settings,
        mut faults,
        ..
    } = assembly;
    discreet::hide_foreign_names(&documents.private, schemas, &mut faults);
    Fault::sort(&mut faults);
    let mut by_name: Vec<usize> = (0..sections.len()).collect();
    by_name.sort_unstable_by_key(|index| sections[*index].name.as_str());
    let unreadable = files.public.unreadable().map(str::to_owned);
    Configuration {
        sections,
        settings,
        by_name,
        faults,
        unreadable,
        documents,
    }
}

/// The place of a file as a whole.
pub(crate) fn whole(source: Source) -> Position {
    Position::new(source, 0, 0)
}

fn file_faults(files: &Files) -> Vec<Fault> {
    let mut faults = pve::too_large(files);
    for source in [Source::Public, Source::Private, Source::Overlay] {
        if let Some(reason) = files.content(source).unreadable() {
            faults.push(Fault::error(
                whole(source),
                format!("cannot be read: {reason}"),
            ));
        }
    }
    if files.private_is_exposed {
        let fault = Fault::error(
            whole(Source::Private),
            "holds secrets and every user can read it",
        );
        faults.push(fault.with_hint("chmod 600 priv/notifications.cfg"));
    }
    faults
}

fn syntax_faults(documents: &Documents) -> Vec<Fault> {
    let Documents {
        public,
        private,
        overlay,
    } = documents;
    let mut faults = Vec::new();
    for document in [public, private, overlay] {
        faults.extend_from_slice(document.faults());
    }
    // Proxmox VE never reads notify.cfg.
    for document in [public, private] {
        faults.extend(document.refusals());
    }
    faults
}

struct Assembly<'d> {
    schemas: &'d Schemas,
    documents: &'d Documents,
    private_unreadable: Option<&'d str>,
    private: Winners<'d>,
    overlay: Winners<'d>,
    sections: Vec<Section>,
    settings: Vec<Section>,
    faults: Vec<Fault>,
}

impl<'d> Assembly<'d> {
    fn public_sections(&mut self) {
        let document = &self.documents.public;
        let winners = Winners::of(document, |_| true, &mut self.faults);
        for (index, raw) in document.sections().enumerate() {
            if !raw.is_sound() {
                continue;
            }
            if !winners.is_last(raw.name(), index) {
                self.faults.extend(pve::of_unused(&raw, self.schemas));
            } else if let Some(schema) = self.schemas.get(raw.kind()) {
                self.known(schema, raw, index);
            } else if let Some(schema) = self.schemas.setting(raw.kind()) {
                self.setting(schema, raw, index);
            } else {
                self.unknown(raw, index);
            }
        }
    }

    fn known(&mut self, schema: &'d Schema, raw: RawSection<'d>, index: usize) {
        let places = Places {
            public: Some(index),
            ..Places::default()
        };
        let origin = origin::of(self.schemas, &raw);
        let mut section = check::Candidate::new(schema, raw.name(), raw.header());
        section.join(self.documents, places);
        section.stray_line(&self.documents.public, index, self.schemas);
        self.finish(section, origin, places);
    }

    /// Adds the overlay and the secrets, then checks.
    fn finish(
        &mut self,
        mut section: check::Candidate<'d>,
        origin: origin::Origin,
        mut places: Places,
    ) {
        places.overlay = self.overlay_of(&section);
        places.private = self.private_of(&mut section);
        section.join(
            self.documents,
            Places {
                public: None,
                builtin: None,
                ..places
            },
        );
        if places.private.is_none() {
            section.without_private(self.private_unreadable);
        }
        let checked = section.finish(origin, places, &mut self.faults);
        self.sections.push(checked);
    }

    fn overlay_of(&mut self, section: &check::Candidate<'d>) -> Option<usize> {
        let index = self.overlay.take(section.name)?;
        let raw = self.documents.overlay.section(index);
        if raw.kind() == section.schema.kind() {
            return Some(index);
        }
        let message = format!(
            "{} is of type {}, so this is not used",
            quoted(section.name),
            quoted(section.schema.kind())
        );
        self.faults
            .push(Fault::error(raw.header(), message).in_section(raw.label()));
        None
    }

    fn private_of(&mut self, section: &mut check::Candidate<'d>) -> Option<usize> {
        // A type without secrets never looks there; what stands there is an orphan.
        if !has_secrets(section.schema) {
            return None;
        }
        let index = self.private.take(section.name)?;
        let raw = self.documents.private.section(index);
        if raw.kind() == section.schema.kind() {
            return Some(index);
        }
        section.private_of_another_type(&raw);
        None
    }

    fn unknown(&mut self, raw: RawSection<'d>, index: usize) {
        let known: Vec<_> = self.schemas.iter().map(Schema::kind).collect();
        self.faults.push(
            Fault::error(
                raw.header(),
                format!("unknown section type {}", quoted(raw.kind())),
            )
            .in_section(raw.label())
            .with_hint(format!("known are {}", known.join(", "))),
        );
        let same_kind =
            |document: &'d Document, index: usize| document.section(index).kind() == raw.kind();
        let private = self.private.take(raw.name());
        let overlay = self.overlay.take(raw.name());
        let places = Places {
            public: Some(index),
            private: private.filter(|index| same_kind(&self.documents.private, *index)),
            overlay: overlay.filter(|index| same_kind(&self.documents.overlay, *index)),
            builtin: None,
        };
        let origin = origin::of(self.schemas, &raw);
        self.sections
            .push(check::unknown_type(&raw, origin, places));
    }

    fn builtins(&mut self) {
        let present: std::collections::HashSet<String> = self
            .sections
            .iter()
            .map(|section| section.name.clone())
            .collect();
        for schema in self.schemas.iter() {
            for builtin in schema.builtins() {
                if present.contains(builtin.name) {
                    continue;
                }
                let places = Places {
                    builtin: Some(builtin),
                    ..Places::default()
                };
                let mut section = check::Candidate::new(schema, builtin.name, Position::NOWHERE);
                section.join(self.documents, places);
                self.finish(section, origin::Origin::Builtin, places);
            }
        }
    }

    /// The settings of `notify.cfg`; those of the public file have been seen already.
    fn settings(&mut self) {
        let document = &self.documents.overlay;
        for (index, raw) in document.sections().enumerate() {
            if let Some(schema) = self.schemas.setting(raw.kind()).filter(|_| raw.is_sound()) {
                self.setting(schema, raw, index);
            }
        }
    }

    /// Of several settings with one type and name the last counts, `notify.cfg` after the public file.
    fn setting(&mut self, schema: &'d Schema, raw: RawSection<'d>, index: usize) {
        let mut section = check::Candidate::new(schema, raw.name(), raw.header());
        let places = match raw.header().source {
            Source::Overlay => Places {
                overlay: Some(index),
                ..Places::default()
            },
            _ => Places {
                public: Some(index),
                ..Places::default()
            },
        };
        section.join(self.documents, places);
        let checked = section.finish(origin::Origin::UserCreated, places, &mut self.faults);
        let same = |known: &Section| known.kind == checked.kind && known.name == checked.name;
        match self.settings.iter().position(same) {
            Some(first) => {
                let before = self.settings[first].at;
                self.faults.push(duplicate(&raw, before));
                self.settings[first] = checked;
            }
            None => self.settings.push(checked),
        }
    }

    /// Sections of the private file and of `notify.cfg` that belong to nothing.
    fn orphans(&mut self) {
        for index in self.private.left() {
            let raw = self.documents.private.section(index);
            self.faults.extend(pve::of_unused(&raw, self.schemas));
            self.faults.push(match self.schemas.get(raw.kind()) {
                Some(schema) if !has_secrets(schema) => no_place_in_private(&raw),
                _ => orphan(&raw),
            });
        }
        for index in self.overlay.left() {
            self.faults
                .push(orphan(&self.documents.overlay.section(index)));
        }
    }
}

fn no_place_in_private(raw: &RawSection<'_>) -> Fault {
    Fault::error(
        raw.header(),
        format!("sections of type {} have no secrets", quoted(raw.kind())),
    )
    .in_section(raw.label())
    .with_hint("remove it from the private file")
}

fn orphan(raw: &RawSection<'_>) -> Fault {
    Fault::warning(
        raw.header(),
        "nothing uses it: notifications.cfg has no such section",
    )
    .in_section(raw.label())
    .with_hint("remove it if it was left behind")
}

fn duplicate(raw: &RawSection<'_>, before: Position) -> Fault {
    let place = match before.source.path() {
        Some(path) if before.source != raw.header().source => format!("{path}:{}", before.line),
        _ => format!("line {}", before.line),
    };
    let name = match raw.header().source {
        // It may be a secret that stands in the wrong place.
        Source::Private => String::new(),
        _ => format!(" {}", quoted(raw.name())),
    };
    Fault::warning(
        raw.header(),
        format!("duplicate name{name}, also on {place}"),
    )
    .in_section(raw.label())
    .with_hint("the last section of a name is used, the others are not; remove them")
}

/// The last section of each name in one file.
struct Winners<'d> {
    last: HashMap<&'d str, Winner>,
}

#[derive(Clone, Copy)]
struct Winner {
    index: usize,
    taken: bool,
}

impl<'d> Winners<'d> {
    fn of(document: &'d Document, counts: impl Fn(&str) -> bool, faults: &mut Vec<Fault>) -> Self {
        let mut last = HashMap::with_capacity(document.sections.len());
        for (index, raw) in document.sections().enumerate() {
            if !raw.is_sound() || !counts(raw.kind()) {
                continue;
            }
            if let Some(Winner { index: before, .. }) = last.insert(
                raw.name(),
                Winner {
                    index,
                    taken: false,
                },
            ) {
                faults.push(duplicate(&raw, document.section(before).header()));
            }
        }
        Winners { last }
    }

    fn is_last(&self, name: &str, index: usize) -> bool {
        self.last
            .get(name)
            .is_some_and(|winner| winner.index == index)
    }

    fn take(&mut self, name: &str) -> Option<usize> {
        let winner = self.last.get_mut(name)?;
        winner.taken = true;
        Some(winner.index)
    }

    fn left(&self) -> Vec<usize> {
        let mut left: Vec<usize> = self
            .last
            .values()
            .filter(|winner| !winner.taken)
            .map(|winner| winner.index)
            .collect();
        left.sort_unstable();
        left
    }
}
