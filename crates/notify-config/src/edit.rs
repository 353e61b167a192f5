//! Which line of a change goes into which file.

use std::collections::HashSet;

use notify_schema::{Kind, Pair, Property, Schema, SectionName, Source, Value};

use crate::changes::{Change, Setting};
use crate::configuration::Documents;
use crate::draft::{FileDraft, SectionDraft};
use crate::error::{StoreError, StoreErrorKind};
use crate::quote::quoted;
use crate::schemas::has_secrets;
use crate::{Files, Schemas, origin};

/// The files after the changes; `for_pve` refuses what Proxmox VE refuses.
pub(crate) fn applied(
    changes: &[Change],
    files: &Files,
    schemas: &Schemas,
    for_pve: bool,
) -> Result<Files, StoreError> {
    let documents = Documents::parse(files);
    let mut edit = Edit {
        schemas,
        for_pve,
        public: FileDraft::of(&documents.public, schemas),
        private: FileDraft::of(&documents.private, schemas),
        overlay: FileDraft::of(&documents.overlay, schemas),
    };
    changes.iter().try_for_each(|change| edit.change(change))?;
    edit.files(files)
}

struct Edit<'d> {
    schemas: &'d Schemas,
    /// Whether to refuse what Proxmox VE refuses.
    for_pve: bool,
    public: FileDraft<'d>,
    private: FileDraft<'d>,
    overlay: FileDraft<'d>,
}

impl<'d> Edit<'d> {
    fn change(&mut self, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::Add {
                kind,
                name,
                settings,
            } => self.add(kind, name, settings),
            Change::Set {
                name,
                settings,
                unset,
            } => self.set(name, settings, unset),
            Change::Remove { name } => self.remove(name),
            Change::Reset { name } => self.reset(name),
        }
    }

    fn add(&mut self, kind: &str, name: &str, settings: &[Setting]) -> Result<(), StoreError> {
        let schema = self.schema(kind)?;
        Kind::Name.normalized(name).map_err(|refused| {
            StoreError::invalid(format!("section name: {}", refused.reason()))
        })?;
        if self.public.section(name).is_some() || origin::builtin(self.schemas, name).is_some() {
            return Err(StoreError::new(
                StoreErrorKind::Taken,
                format!("the name {} is taken", quoted(name)),
            ));
        }
        if self.for_pve && !schema.in_pve() {
            return Err(type_refused_by_pve(kind));
        }
        self.public.put(SectionDraft::new(kind, name));
        if has_secrets(schema) {
            // Proxmox VE drops a target whose private section is missing, even where no secret is needed.
            self.private.put(SectionDraft::new(kind, name));
        }
        settings
            .iter()
            .try_for_each(|setting| self.place(schema, name, setting))
    }

    fn set(
        &mut self,
        name: &str,
        settings: &[Setting],
        unset: &[String],
    ) -> Result<(), StoreError> {
        let section = self.materialized(name)?;
        let schema = self.schema(section.kind())?;
        for key in unset {
            self.unset(schema, name, key)?;
        }
        settings
            .iter()
            .try_for_each(|setting| self.place(schema, name, setting))
    }

    fn unset(&mut self, schema: &Schema, name: &str, key: &str) -> Result<(), StoreError> {
        let mut found = schema.property(key).is_some();
        for source in [Source::Public, Source::Private, Source::Overlay] {
            let Some(mut draft) = self
                .section_in(source, schema, name)
                .filter(|draft| draft.has(key))
            else {
                continue;
            };
            found = true;
            draft.set(key, &[]);
            let leftover = source == Source::Overlay && draft.is_empty();
            match leftover {
                true => self.file(source).remove(name),
                false => self.file(source).put(draft),
            }
        }
        if found {
            Ok(())
        } else {
            Err(unknown_property(schema, name, key))
        }
    }

    fn remove(&mut self, name: &str) -> Result<(), StoreError> {
        if let Some(section) = self.public.section(name) {
            self.take_out(name, section.kind());
            return Ok(());
        }
        match origin::builtin(self.schemas, name) {
            Some((schema, _)) => {
                self.take_out(name, schema.kind());
                Ok(())
            }
            None => Err(no_section(name)),
        }
    }

    fn reset(&mut self, name: &str) -> Result<(), StoreError> {
        match origin::builtin(self.schemas, name) {
            Some(_) => self.remove(name),
            None if self.public.section(name).is_some() => Err(StoreError::invalid(format!(
                "{} is no built-in section, so there is nothing to reset it to",
                quoted(name)
            ))),
            None => Err(no_section(name)),
        }
    }

    fn take_out(&mut self, name: &str, kind: &str) {
        self.public.remove(name);
        if self.schemas.get(kind).is_none_or(has_secrets) {
            self.private.remove(name);
        }
        self.overlay.remove(name);
    }

    /// The section in the public file; that of a built-in is put there first.
    fn materialized(&mut self, name: &str) -> Result<SectionDraft, StoreError> {
        if let Some(section) = self.public.section(name) {
            return Ok(section);
        }
        let (schema, builtin) =
            origin::builtin(self.schemas, name).ok_or_else(|| no_section(name))?;
        let mut section = SectionDraft::new(schema.kind(), name);
        for (key, value) in builtin.properties {
            section.push(key, value);
        }
        self.public.put(section.clone());
        Ok(section)
    }

    fn place(&mut self, schema: &Schema, name: &str, setting: &Setting) -> Result<(), StoreError> {
        let property = schema
            .property(&setting.key)
            .ok_or_else(|| unknown_property(schema, name, &setting.key))?;
        let section = SectionName::new(schema.kind(), name);
        let values = values_of(property, &setting.values).map_err(|reason| {
            StoreError::invalid(format!("{section}: property `{}`: {reason}", property.name))
        })?;
        let source = self.destination(schema, name, property);
        if self.for_pve && source == Source::Public && !property.in_pve {
            return Err(property_refused_by_pve(schema, name, property));
        }
        let draft = self.section_in(source, schema, name);
        let mut draft = draft.unwrap_or_else(|| SectionDraft::new(schema.kind(), name));
        let values = with_kept_secrets(property, values, &draft).map_err(|reason| {
            StoreError::invalid(format!("{section}: property `{}`: {reason}", property.name))
        })?;
        draft.set(
            property.name,
            &values.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        self.file(source).put(draft);
        Ok(())
    }

    fn destination(&self, schema: &Schema, name: &str, property: &Property) -> Source {
        let overlaid = |draft: SectionDraft| draft.kind() == schema.kind();
        if property.is_secret() {
            Source::Private
        } else if !property.in_pve && self.overlay.section(name).is_some_and(overlaid) {
            Source::Overlay
        } else {
            Source::Public
        }
    }

    /// The lines of a section in one file; one of another type in a file beside the public one is none of it.
    fn section_in(&mut self, source: Source, schema: &Schema, name: &str) -> Option<SectionDraft> {
        self.file(source)
            .section(name)
            .filter(|draft| draft.kind() == schema.kind())
    }

    fn file(&mut self, source: Source) -> &mut FileDraft<'d> {
        match source {
            Source::Private => &mut self.private,
            Source::Overlay => &mut self.overlay,
            _ => &mut self.public,
        }
    }

    fn schema(&self, kind: &str) -> Result<&'d Schema, StoreError> {
        self.schemas.get(kind).ok_or_else(|| {
            StoreError::new(
                StoreErrorKind::Unknown,
                format!("unknown section type {}", quoted(kind)),
            )
        })
    }

    fn files(&mut self, before: &Files) -> Result<Files, StoreError> {
        let mut after = before.clone();
        for source in [Source::Public, Source::Private, Source::Overlay] {
            let bytes = self.file(source).render();
            let content = after.content_mut(source);
            if content.bytes() == bytes {
                continue;
            }
            if let Some(reason) = content.unreadable() {
                let path = source.path().unwrap_or_default();
                let error = std::io::Error::other(reason.to_owned());
                return Err(StoreError::io(format!("cannot read {path}"), error));
            }
            *content = bytes.into();
        }
        Ok(after)
    }
}

/// The values in the form of the file, or why one is refused; never with a secret in it.
fn values_of(property: &Property, values: &[Value]) -> Result<Vec<String>, String> {
    if values.len() != 1 && !property.is_repeated() {
        return Err(format!("expected one value, not {}", values.len()));
    }
    values
        .iter()
        .map(|value| value_of(property, value))
        .collect()
}

fn value_of(property: &Property, value: &Value) -> Result<String, String> {
    let (text, is_secret) = match value {
        Value::Text(text) => (&**text, property.is_secret()),
        Value::Secret(secret) => (secret.expose(), true),
    };
    if is_secret && !property.is_secret() {
        return Err("a secret value has no place in a public property".to_owned());
    }
    let trimmed = text.trim();
    if is_secret && trimmed != text {
        return Err("begins or ends with a blank, which the file cannot hold".to_owned());
    }
    property.kind.normalized(trimmed).map_err(|refused| {
        let reason = if is_secret {
            refused.reason_without_value()
        } else {
            refused.reason()
        };
        reason.to_owned()
    })
}

/// A secret that is given by its name alone keeps the value that the file has, as in Proxmox VE's API.
fn with_kept_secrets(
    property: &Property,
    values: Vec<String>,
    draft: &SectionDraft,
) -> Result<Vec<String>, String> {
    if !property.is_secret() || !matches!(property.kind, Kind::Pair) {
        return Ok(values);
    }
    let mut names = HashSet::new();
    let mut kept = Vec::with_capacity(values.len());
    for value in &values {
        let pair =
            Pair::parse(value).map_err(|refused| refused.reason_without_value().to_owned())?;
        if !names.insert(pair.name) {
            return Err(format!("secret {} is given twice", quoted(pair.name)));
        }
        let of_name = |old: &&str| Pair::parse(old).is_ok_and(|old| old.name == pair.name);
        kept.push(match pair.value {
            Some(_) => value.clone(),
            None => draft
                .values(property.name)
                // The last of a name is the one that is used.
                .filter(of_name)
                .last()
                .map(str::to_owned)
                .ok_or_else(|| format!("secret {} is not known", quoted(pair.name)))?,
        });
    }
    Ok(kept)
}

fn no_section(name: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Unknown,
        format!("no section {}", quoted(name)),
    )
}

fn unknown_property(schema: &Schema, name: &str, key: &str) -> StoreError {
    let section = SectionName::new(schema.kind(), name);
    StoreError::invalid(format!("{section}: unknown property {}", quoted(key)))
}

fn type_refused_by_pve(kind: &str) -> StoreError {
    let message = format!(
        "section type {} is unknown to Proxmox VE, which would refuse the whole file",
        quoted(kind)
    );
    StoreError::new(StoreErrorKind::RefusedByPve, message)
        .with_hint("--not-for-pve writes it nevertheless; notify.cfg cannot hold it, only add properties of ours to sections")
}

fn property_refused_by_pve(schema: &Schema, name: &str, property: &Property) -> StoreError {
    let message = format!(
        "property `{}` is unknown to Proxmox VE, which would refuse the whole file",
        property.name
    );
    StoreError::new(StoreErrorKind::RefusedByPve, message).with_hint(format!(
        "put it into the section `{}: {name}` of notify.cfg; --not-for-pve writes it nevertheless",
        schema.kind()
    ))
}
