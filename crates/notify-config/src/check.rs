//! One section against its schema: used, or unusable and why.

use notify_schema::{
    Fault, FaultCode, Level, Position, Presence, RawProperty, Schema, SectionName, Source,
    Strictness,
};

use crate::configuration::{Documents, Origin, Places, Section};
use crate::document::{Document, RawSection};
use crate::quote::{no_value, quoted};
use crate::{Schemas, pve};

/// A section whose lines are being gathered from the files.
pub(crate) struct Candidate<'d> {
    pub(crate) schema: &'d Schema,
    pub(crate) name: &'d str,
    header: Position,
    lines: Vec<RawProperty<'d>>,
    bare: Vec<RawProperty<'d>>,
    broken_text: bool,
    private_is_missing: bool,
    /// Why it is unusable, as far as it is known before the check.
    reason: Option<String>,
    faults: Vec<Fault>,
}

impl<'d> Candidate<'d> {
    pub(crate) fn new(schema: &'d Schema, name: &'d str, header: Position) -> Self {
        Candidate {
            schema,
            name,
            header,
            lines: Vec::new(),
            bare: Vec::new(),
            broken_text: false,
            private_is_missing: false,
            reason: None,
            faults: Vec::new(),
        }
    }

    /// Adds the lines that stand there: public, `notify.cfg`, private, as the schema's check wants them.
    pub(crate) fn join(&mut self, documents: &'d Documents, places: Places) {
        if let Some(builtin) = places.builtin {
            let line = |(key, value): &(&'static str, &'static str)| {
                RawProperty::new(key, value, Position::NOWHERE)
            };
            self.lines.extend(builtin.properties.iter().map(line));
        }
        self.add(places.public.map(|index| documents.public.section(index)));
        self.add(places.overlay.map(|index| documents.overlay.section(index)));
        self.add(places.private.map(|index| documents.private.section(index)));
    }

    fn add(&mut self, raw: Option<RawSection<'d>>) {
        if let Some(raw) = raw {
            self.lines.reserve(raw.records().len());
            self.lines.extend(raw.properties());
            self.bare.extend(raw.bare_keys());
            self.broken_text |= raw.is_broken_text();
        }
    }

    /// A matcher must not lose a rule: a line right after it that is no header,
    /// and does not begin with a known type, may be one that lost its indent.
    pub(crate) fn stray_line(&mut self, document: &Document, index: usize, schemas: &Schemas) {
        if self.schema.strictness() != Strictness::Strict {
            return;
        }
        let Some(next) = document
            .sections
            .get(index + 1)
            .filter(|next| next.glued && !next.sound)
        else {
            return;
        };
        let text = document.text.slice(next.header);
        let word = text
            .split(|character: char| character == ':' || character.is_whitespace())
            .next();
        if word.is_some_and(|word| schemas.get(word).is_some()) {
            return;
        }
        let reason = format!("line {} may be one of its properties", next.number);
        let fault = Fault::error(self.header, format!("not used, because {reason}"));
        self.faults
            .push(fault.with_hint("indent that line, or put a blank line before it"));
        self.reason = Some(reason);
    }

    pub(crate) fn private_of_another_type(&mut self, raw: &RawSection<'_>) {
        let message = format!("its private section is of type {}", quoted(raw.kind()));
        self.faults.push(
            Fault::error(raw.header(), message.clone()).with_hint(format!(
                "make it `{}: {}`",
                self.schema.kind(),
                self.name
            )),
        );
        self.private_is_missing = true;
        self.reason = Some(message);
    }

    pub(crate) fn without_private(&mut self, unreadable: Option<&str>) {
        if !self.schema.needs_secret() || self.reason.is_some() {
            return;
        }
        self.private_is_missing = true;
        self.reason = Some(unreadable.unwrap_or("no private section").to_owned());
        if unreadable.is_some() {
            // The file's own fault says it once for all sections.
            return;
        }
        let secrets: Vec<_> = self
            .schema
            .properties()
            .iter()
            .filter(|property| property.is_secret() && property.is_required())
            .map(|property| format!("`{}`", property.name))
            .collect();
        self.faults.push(
            Fault::error(
                self.header,
                "no section of this name in priv/notifications.cfg",
            )
            .with_hint(format!(
                "add `{}: {}` with {} there",
                self.schema.kind(),
                self.name,
                secrets.join(", ")
            )),
        );
    }

    /// Checks it and puts its faults to the others.
    pub(crate) fn finish(
        mut self,
        origin: Origin,
        places: Places,
        faults: &mut Vec<Fault>,
    ) -> Section {
        let disabled = self
            .lines
            .iter()
            .any(|line| line.key == "disable" && is_true(line.value));
        let secrets = self.secrets();
        let fields = if self.broken_text {
            self.reason = Some("not UTF-8".to_owned());
            None
        } else {
            self.checked()
        };
        let mut label = None;
        for fault in self.faults {
            faults.push(match fault.section {
                Some(_) => fault,
                None => {
                    let label = label
                        .get_or_insert_with(|| SectionName::new(self.schema.kind(), self.name));
                    fault.in_section(label.clone())
                }
            });
        }
        Section {
            kind: self.schema.kind().to_owned(),
            name: self.name.to_owned(),
            origin,
            at: self.header,
            fields,
            unusable: self.reason,
            disabled,
            secrets,
            places,
        }
    }

    fn secrets(&self) -> Vec<&'static str> {
        let private = self
            .lines
            .iter()
            .filter(|line| line.at.source == Source::Private);
        let mut secrets: Vec<_> = private
            .filter_map(|line| self.schema.property(line.key))
            .filter(|property| property.is_secret())
            .map(|property| property.name)
            .collect();
        secrets.sort_unstable();
        secrets.dedup();
        secrets
    }

    fn checked(&mut self) -> Option<notify_schema::Fields> {
        let mut checked = self.schema.check(self.name, self.header, &self.lines);
        pve::add_twins(self.schema, self.header, &self.lines, &mut checked.faults);
        checked.faults.retain(|fault| !self.is_said_already(fault));
        checked.faults.iter_mut().for_each(hint_at_header);
        self.judge_bare_keys();
        if checked.fields.is_none() && self.reason.is_none() {
            let first = checked
                .faults
                .iter()
                .find(|fault| fault.level == Level::Error);
            let reason = first.map_or("a required property is missing", |fault| &fault.message);
            self.reason = Some(reason.to_owned());
        }
        self.faults.append(&mut checked.faults);
        checked.fields.filter(|_| self.reason.is_none())
    }

    /// A missing property whose key stands there without value, or whose whole section is missing.
    fn is_said_already(&self, fault: &Fault) -> bool {
        let FaultCode::MissingProperty { property, secret } = fault.code else {
            return false;
        };
        (secret && self.private_is_missing) || self.bare.iter().any(|line| line.key == property)
    }

    /// A key without value counts as a bad value: harmless where something else holds then.
    fn judge_bare_keys(&mut self) {
        let strict = self.schema.strictness() == Strictness::Strict;
        let fatal = self.bare.iter().find(|line| {
            let presence = self
                .schema
                .property(line.key)
                .map(|property| property.presence);
            strict || matches!(presence, Some(Presence::Required | Presence::Optional))
        });
        if let (Some(line), None) = (fatal, &self.reason) {
            self.reason = Some(no_value(line.at.source, line.key));
        }
    }
}

/// An indented line belongs to the section above, also when it was meant as a header.
fn hint_at_header(fault: &mut Fault) {
    if fault.code == FaultCode::IndentedHeader {
        fault.hint = Some("a header starts at the first column".into());
    }
}

/// A section of a type that nobody declared: kept, listed, not used.
pub(crate) fn unknown_type(raw: &RawSection<'_>, origin: Origin, places: Places) -> Section {
    Section {
        kind: raw.kind().to_owned(),
        name: raw.name().to_owned(),
        origin,
        at: raw.header(),
        fields: None,
        unusable: Some("unknown section type".to_owned()),
        disabled: raw
            .properties()
            .any(|line| line.key == "disable" && is_true(line.value)),
        secrets: Vec::new(),
        places,
    }
}

fn is_true(value: &str) -> bool {
    notify_schema::Kind::Boolean.normalized(value).as_deref() == Ok("true")
}
