//! Changes to a configuration: which line goes into which file.

use notify_schema::{Fault, Kind, Property, Schema, Secret, Source, Value};

use crate::configuration::{Configuration, Documents};
use crate::draft::{FileDraft, SectionDraft};
use crate::error::{StoreError, StoreErrorKind};
use crate::quote::{label, quoted};
use crate::schemas::has_secrets;
use crate::{Files, Schemas, origin};

/// A property and its new values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The property.
    pub key: String,
    /// All its values: exactly one, unless the property is repeated.
    pub values: Vec<Value>,
}

impl Setting {
    /// One value.
    pub fn text(key: impl Into<String>, value: &str) -> Self {
        Setting {
            key: key.into(),
            values: vec![Value::Text(value.into())],
        }
    }

    /// One value that must not be shown.
    pub fn secret(key: impl Into<String>, value: Secret) -> Self {
        Setting {
            key: key.into(),
            values: vec![Value::Secret(value)],
        }
    }

    /// All values of a repeated property.
    pub fn list<'a>(key: impl Into<String>, values: impl IntoIterator<Item = &'a str>) -> Self {
        let values = values
            .into_iter()
            .map(|value| Value::Text(value.into()))
            .collect();
        Setting {
            key: key.into(),
            values,
        }
    }
}

/// One change to one section.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A new section, which comes after all others.
    Add {
        /// Its type.
        kind: String,
        /// Its name, which nothing else may have.
        name: String,
        /// Its properties.
        settings: Vec<Setting>,
    },
    /// Properties of a section that is there, or of a built-in, which thereby gets into the file.
    Set {
        /// The section.
        name: String,
        /// The properties to set; all values of each are replaced.
        settings: Vec<Setting>,
        /// The properties to take out, done first.
        unset: Vec<String>,
    },
    /// Takes a section out of all files. A built-in comes back with its own values.
    Remove {
        /// The section.
        name: String,
    },
    /// Gives a built-in its own values back.
    Reset {
        /// The built-in section.
        name: String,
    },
}

impl Change {
    fn name(&self) -> &str {
        match self {
            Change::Add { name, .. }
            | Change::Set { name, .. }
            | Change::Remove { name }
            | Change::Reset { name } => name,
        }
    }
}

/// Changes that are made together or not at all.
///
/// Each property goes into the file in which it belongs: a secret into the
/// private one, a property of ours into `notify.cfg` if that has the section
/// already, everything else into `notifications.cfg`. What is written is in the
/// form in which Proxmox VE writes: keys sorted, `true` for `yes`. Bytes outside
/// of the changed sections stay as they are; a file with CR LF keeps them.
///
/// ```
/// use notify_config::{Changes, Files, Schemas, Setting};
/// use notify_schema::{Kind, Property, Schema, Secret};
///
/// static SERVER: Property = Property::required("server", Kind::text(), "Where.").example("a");
/// static TOKEN: Property = Property::required("token", Kind::text(), "Key.").secret();
/// let schemas = Schemas::new([Schema::new("push", [&SERVER, &TOKEN])]);
///
/// let settings = vec![Setting::text("server", "b"), Setting::secret("token", Secret::new("x"))];
/// let files = Changes::new()
///     .add("push", "dev", settings)
///     .apply(&Files::of("push: ops\n\tserver a\n", "", ""), &schemas)?;
///
/// assert_eq!(files.public.bytes(), b"push: ops\n\tserver a\n\npush: dev\n\tserver b\n");
/// assert_eq!(files.private.bytes(), b"push: dev\n\ttoken x\n");
/// # Ok::<(), notify_config::StoreError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    changes: Vec<Change>,
    not_for_pve: bool,
}

impl Changes {
    /// None yet.
    pub fn new() -> Self {
        Changes::default()
    }

    /// With a new section.
    #[must_use]
    pub fn add(self, kind: &str, name: &str, settings: Vec<Setting>) -> Self {
        self.with(Change::Add {
            kind: kind.to_owned(),
            name: name.to_owned(),
            settings,
        })
    }

    /// With properties set and taken out.
    #[must_use]
    pub fn set(self, name: &str, settings: Vec<Setting>, unset: Vec<String>) -> Self {
        self.with(Change::Set {
            name: name.to_owned(),
            settings,
            unset,
        })
    }

    /// With a section taken out.
    #[must_use]
    pub fn remove(self, name: &str) -> Self {
        self.with(Change::Remove {
            name: name.to_owned(),
        })
    }

    /// With a built-in given its own values back.
    #[must_use]
    pub fn reset(self, name: &str) -> Self {
        self.with(Change::Reset {
            name: name.to_owned(),
        })
    }

    /// With one more change, made after the others.
    #[must_use]
    pub fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// Writes what Proxmox VE refuses even into a folder of Proxmox VE.
    #[must_use]
    pub fn not_for_pve(mut self) -> Self {
        self.not_for_pve = true;
        self
    }

    /// The files as they are after the changes. Nothing is read or written.
    ///
    /// # Errors
    /// [`StoreErrorKind::Taken`], [`Unknown`](StoreErrorKind::Unknown) or
    /// [`Invalid`](StoreErrorKind::Invalid): a bad value, a control character, or
    /// a section that was usable or is new and would not be usable.
    pub fn apply(&self, files: &Files, schemas: &Schemas) -> Result<Files, StoreError> {
        self.apply_in(files, schemas, false)
    }

    /// As [`Changes::apply`], in a folder that may be one of Proxmox VE.
    pub(crate) fn apply_in(
        &self,
        files: &Files,
        schemas: &Schemas,
        pve: bool,
    ) -> Result<Files, StoreError> {
        let documents = Documents::parse(files);
        let mut edit = Edit {
            schemas,
            for_pve: pve && !self.not_for_pve,
            public: FileDraft::of(&documents.public, schemas),
            private: FileDraft::of(&documents.private, schemas),
            overlay: FileDraft::of(&documents.overlay, schemas),
        };
        for change in &self.changes {
            edit.change(change)?;
        }
        let after = edit.files(files)?;
        self.judge(files, &after, schemas)?;
        Ok(after)
    }

    /// The same without what takes something away, so that a secret can be
    /// written before the section that needs it.
    pub(crate) fn additions(&self) -> Changes {
        let additions = self.changes.iter().filter_map(|change| match change {
            Change::Add { .. } => Some(change.clone()),
            Change::Set { name, settings, .. } => Some(Change::Set {
                name: name.clone(),
                settings: settings.clone(),
                unset: Vec::new(),
            }),
            Change::Remove { .. } | Change::Reset { .. } => None,
        });
        Changes {
            changes: additions.collect(),
            not_for_pve: self.not_for_pve,
        }
    }

    /// No change makes a section unusable. One that was so before may stay so.
    fn judge(&self, before: &Files, after: &Files, schemas: &Schemas) -> Result<(), StoreError> {
        let before = Configuration::assemble(before, schemas);
        let after = Configuration::assemble(after, schemas);
        for change in &self.changes {
            let Some(section) = after
                .section(change.name())
                .filter(|section| section.fields.is_none())
            else {
                continue;
            };
            let is_new = matches!(change, Change::Add { .. });
            if is_new
                || before
                    .section(change.name())
                    .is_some_and(|section| section.fields.is_some())
            {
                let label = label(&section.kind, &section.name);
                let reason = section.unusable.as_deref().unwrap_or("unusable");
                let error = StoreError::invalid(format!("{label}: {reason}"));
                return Err(error.with_faults(faults_of(&after, &label)));
            }
        }
        Ok(())
    }
}

fn faults_of(configuration: &Configuration, section: &str) -> Vec<Fault> {
    let of_it = |fault: &&Fault| fault.section.as_deref() == Some(section);
    configuration
        .faults()
        .iter()
        .filter(of_it)
        .cloned()
        .collect()
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
        let section = label(schema.kind(), name);
        let values = values_of(property, &setting.values).map_err(|reason| {
            StoreError::invalid(format!("{section}: property `{}`: {reason}", property.name))
        })?;
        let source = self.destination(schema, name, property);
        if self.for_pve && source == Source::Public && !property.in_pve {
            return Err(property_refused_by_pve(schema, name, property));
        }
        let draft = self.section_in(source, schema, name);
        let mut draft = draft.unwrap_or_else(|| SectionDraft::new(schema.kind(), name));
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

fn no_section(name: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Unknown,
        format!("no section {}", quoted(name)),
    )
}

fn unknown_property(schema: &Schema, name: &str, key: &str) -> StoreError {
    let section = label(schema.kind(), name);
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
