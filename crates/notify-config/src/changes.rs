//! Changes to a configuration, as a caller states them.

use notify_schema::{Fault, Secret, SectionName, Value};

use crate::configuration::Configuration;
use crate::edit;
use crate::error::StoreError;
use crate::{Files, Schemas};

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
    /// [`Taken`](crate::StoreErrorKind::Taken), [`Unknown`](crate::StoreErrorKind::Unknown) or
    /// [`Invalid`](crate::StoreErrorKind::Invalid): a bad value, a control character, or
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
        let for_pve = pve && !self.not_for_pve;
        let after = edit::applied(&self.changes, files, schemas, for_pve)?;
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
                let label = section.label();
                let reason = section.unusable.as_deref().unwrap_or("unusable");
                let error = StoreError::invalid(format!("{label}: {reason}"));
                return Err(error.with_faults(faults_of(&after, &label)));
            }
        }
        Ok(())
    }
}

fn faults_of(configuration: &Configuration, section: &SectionName) -> Vec<Fault> {
    let of_it = |fault: &&Fault| fault.section.as_ref() == Some(section);
    configuration
        .faults()
        .iter()
        .filter(of_it)
        .cloned()
        .collect()
}
