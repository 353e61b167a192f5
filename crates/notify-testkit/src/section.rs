//! A section of a target, written in a test instead of a file.

use std::sync::Arc;

use notify_core::{Target, TargetType};
use notify_schema::{Checked, Fault, Pair, Position, RawProperty, Secret, Source};

/// A section: its name and its lines. `Debug` shows no secret.
///
/// ```
/// use notify_testkit::Section;
/// # use notify_core::{TargetType, Failure, Receipt};
/// # static ECHO: TargetType = TargetType::new("echo", "Echo", |_| Err(Vec::new()));
/// let section = Section::new("ops").public("comment", "on call").secret("token", "A.tok");
/// let faults = section.build(&ECHO).expect_err("this type has no token");
/// assert_eq!(faults[0].to_string(), "priv/notifications.cfg:3:2: warning: echo `ops`: unknown property");
/// ```
#[derive(Clone, Debug)]
pub struct Section {
    name: String,
    public: Vec<(String, String)>,
    secret: Vec<(String, Secret)>,
}

impl Section {
    /// An empty section of this name.
    pub fn new(name: &str) -> Self {
        Section {
            name: name.to_owned(),
            public: Vec::new(),
            secret: Vec::new(),
        }
    }

    /// With one more line of the public file.
    #[must_use]
    pub fn public(mut self, key: &str, value: impl Into<String>) -> Self {
        self.public.push((key.to_owned(), value.into()));
        self
    }

    /// With one more line of the private file.
    #[must_use]
    pub fn secret(mut self, key: &str, value: impl Into<Secret>) -> Self {
        self.secret.push((key.to_owned(), value.into()));
        self
    }

    /// Without any line of this key.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.public.retain(|(known, _)| known != key);
        self.secret.retain(|(known, _)| known != key);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether there is a line of this key.
    pub fn has(&self, key: &str) -> bool {
        self.public.iter().any(|(known, _)| known == key)
            || self.secret.iter().any(|(known, _)| known == key)
    }

    /// Whether a line of the public file has this value.
    pub fn has_value(&self, value: &str) -> bool {
        self.public.iter().any(|(_, known)| known == value)
    }

    /// The secrets in it. Of a property string with a name, that is the text which its base64 holds.
    pub fn secrets(&self) -> impl Iterator<Item = Secret> {
        self.secret.iter().map(|(_, secret)| {
            let pair = Pair::parse(secret.expose()).ok();
            let held = pair.and_then(|pair| pair.decoded().ok());
            held.map_or_else(|| secret.clone(), Secret::new)
        })
    }

    /// What the schema of a type says of it. The header is on line 1, the lines follow.
    pub fn checked(&self, kind: &TargetType) -> Checked {
        let public = self
            .public
            .iter()
            .map(|(key, value)| (key, value.as_str(), Source::Public));
        let secret = self
            .secret
            .iter()
            .map(|(key, value)| (key, value.expose(), Source::Private));
        let raw: Vec<_> = public
            .chain(secret)
            .zip(2..)
            .map(|((key, value, source), line)| {
                RawProperty::new(key, value, Position::new(source, line, 2))
            })
            .collect();
        let header = Position::new(Source::Public, 1, 1);
        kind.schema().check(&self.name, header, &raw)
    }

    /// The target that a type makes of it.
    ///
    /// # Errors
    /// All faults, of the schema and of the type's `build`. A warning counts
    /// too: a test's section is meant to be a good one.
    pub fn build(&self, kind: &TargetType) -> Result<Arc<dyn Target>, Vec<Fault>> {
        let Checked { fields, faults } = self.checked(kind);
        match fields {
            Some(fields) if faults.is_empty() => (kind.build)(&fields),
            Some(fields) => {
                let own = (kind.build)(&fields).err().unwrap_or_default();
                Err(faults.into_iter().chain(own).collect())
            }
            None => Err(faults),
        }
    }
}
