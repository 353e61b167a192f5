//! The sections of all files put together, checked, with every fault.

use notify_schema::{
    Builtin, Fault, Fields, Kind, Pair, Position, Property, RawProperty, SectionName, Source,
};

use crate::assembly;
use crate::{Document, Files, Schemas};

/// Where a section comes from, as Proxmox VE's answers say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody wrote it.
    UserCreated,
    /// It is a built-in, or stands in the file with the content of one.
    Builtin,
    /// It has the name of a built-in, and another type or content.
    ModifiedBuiltin,
}

impl Origin {
    /// `user-created`, `builtin` or `modified-builtin`.
    pub const fn name(self) -> &'static str {
        match self {
            Origin::UserCreated => "user-created",
            Origin::Builtin => "builtin",
            Origin::ModifiedBuiltin => "modified-builtin",
        }
    }
}

/// One section, its lines of all files together.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Section {
    /// Its type, which may be unknown.
    pub kind: String,
    /// Its name; no two sections of a configuration have the same.
    pub name: String,
    /// User-created or built in.
    pub origin: Origin,
    /// Where its header stands; nowhere for a built-in that is in no file.
    pub at: Position,
    /// The checked values; none when it is unusable.
    pub fields: Option<Fields>,
    /// Why it is unusable, in a few words; the faults say more.
    pub unusable: Option<String>,
    /// Whether it says `disable true`, even when it is unusable otherwise.
    pub disabled: bool,
    /// The secret properties that it has, sorted.
    pub(crate) secrets: Vec<&'static str>,
    pub(crate) places: Places,
}

impl Section {
    /// How faults name it: ``smtp `example` ``.
    pub fn label(&self) -> SectionName {
        SectionName::new(&self.kind, &self.name)
    }
}

/// Where the lines of a section stand: indexes into the sections of each file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Places {
    pub(crate) public: Option<usize>,
    pub(crate) private: Option<usize>,
    pub(crate) overlay: Option<usize>,
    pub(crate) builtin: Option<&'static Builtin>,
}

/// What the files of a folder say together.
///
/// - Sections stand in file order; built-ins that no file has come last.
/// - Of several sections with one name the last counts, whatever its type and
///   even when it is faulty; targets and matchers share one set of names.
/// - The lines of `notify.cfg` and of the private file belong to the section of
///   the same type and name.
///
/// ```
/// use notify_config::{Configuration, Files, Schemas};
/// use notify_schema::{Kind, Property, Schema};
///
/// static SERVER: Property = Property::required("server", Kind::text(), "Where.").example("a");
/// static TOKEN: Property = Property::required("token", Kind::text(), "Key.").secret();
/// let schemas = Schemas::new([Schema::new("push", [&SERVER, &TOKEN])]);
///
/// let files = Files::of("push: ops\n\tserver a\n\npush: dev\n\tserver b\n", "push: ops\n\ttoken x\n", "");
/// let configuration = Configuration::assemble(&files, &schemas);
///
/// let ops = configuration.section("ops").and_then(|ops| ops.fields.as_ref()).expect("usable");
/// assert_eq!(ops.secret("token").map(|token| token.expose()), Some("x"));
/// let dev = configuration.section("dev").expect("kept, though unusable");
/// assert_eq!(dev.unusable.as_deref(), Some("no private section"));
/// ```
#[derive(Clone, Debug)]
pub struct Configuration {
    pub(crate) sections: Vec<Section>,
    pub(crate) settings: Vec<Section>,
    /// Indexes into `sections`, sorted by name.
    pub(crate) by_name: Vec<usize>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) unreadable: Option<String>,
    pub(crate) documents: Documents,
}

/// The parsed text of the three files.
#[derive(Clone, Debug)]
pub(crate) struct Documents {
    pub(crate) public: Document,
    pub(crate) private: Document,
    pub(crate) overlay: Document,
}

impl Documents {
    pub(crate) fn parse(files: &Files) -> Self {
        let parsed = |source| Document::parse(source, files.content(source).bytes());
        Documents {
            public: parsed(Source::Public),
            private: parsed(Source::Private),
            overlay: parsed(Source::Overlay),
        }
    }

    pub(crate) fn of(&self, source: Source) -> &Document {
        match source {
            Source::Private => &self.private,
            Source::Overlay => &self.overlay,
            _ => &self.public,
        }
    }
}

impl Configuration {
    /// Puts the files together and checks every section. Never fails.
    pub fn assemble(files: &Files, schemas: &Schemas) -> Configuration {
        assembly::assemble(files, schemas)
    }

    /// All targets and matchers, unusable ones and unknown types included.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The section of this name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        let name_at = |index: &usize| self.sections[*index].name.as_str();
        let found = self
            .by_name
            .binary_search_by(|index| name_at(index).cmp(name));
        found.ok().map(|found| &self.sections[self.by_name[found]])
    }

    /// The sections of one type, in file order.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Section> {
        self.sections
            .iter()
            .filter(move |section| section.kind == kind)
    }

    /// The sections of our own settings.
    pub fn settings(&self) -> &[Section] {
        &self.settings
    }

    /// Everything that is wrong, sorted by file, line and column.
    ///
    /// Those for [`Audience::Pve`](notify_schema::Audience::Pve) are among them.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Why the configuration as a whole could not be read: the public file is there and cannot be read.
    pub fn unreadable(&self) -> Option<&str> {
        self.unreadable.as_deref()
    }

    /// The lines of a section as they stand in `notifications.cfg` and `notify.cfg`,
    /// or those of its built-in; secrets that stand there by mistake included.
    pub fn lines(&self, section: &Section) -> Vec<RawProperty<'_>> {
        let places = section.places;
        let public = places
            .public
            .map(|index| self.documents.public.section(index));
        let overlay = places
            .overlay
            .map(|index| self.documents.overlay.section(index));
        let builtin = places.builtin.map_or(&[][..], |builtin| builtin.properties);
        let mut lines: Vec<_> = builtin
            .iter()
            .map(|(key, value)| RawProperty::new(key, value, Position::NOWHERE))
            .collect();
        for section in public.into_iter().chain(overlay) {
            lines.extend(section.properties());
        }
        lines
    }

    /// The secrets that a section has in the private file, each once, sorted.
    ///
    /// Other keys there are left out: one may be a secret whose own key was forgotten.
    pub fn secret_keys(&self, section: &Section) -> Vec<&'static str> {
        section.secrets.clone()
    }

    /// The names that the secrets of one property have in the private file, in file order.
    ///
    /// Only pairs have names; other secrets have none, and neither has a line that is no pair.
    pub fn secret_names(&self, section: &Section, property: &Property) -> Vec<&str> {
        let is_named = property.is_secret() && matches!(property.kind, Kind::Pair);
        let Some(index) = section.places.private.filter(|_| is_named) else {
            return Vec::new();
        };
        let lines = self.documents.private.section(index).properties();
        lines
            .filter(|line| line.key == property.name)
            .filter_map(|line| Some(Pair::parse(line.value).ok()?.name))
            .collect()
    }

    /// The parsed text of one file.
    pub fn document(&self, source: Source) -> &Document {
        self.documents.of(source)
    }
}
