//! Faults of a configuration, each with its place.

use std::borrow::Cow;
use std::fmt;

use crate::SectionName;

/// Which file of a configuration folder something stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Source {
    /// `notifications.cfg`.
    Public,
    /// `priv/notifications.cfg`.
    Private,
    /// `notify.cfg`, our own settings.
    Overlay,
    /// In no file: a built-in section, or values given to a program.
    Nowhere,
}

impl Source {
    /// The path inside the configuration folder; none for [`Source::Nowhere`].
    pub const fn path(self) -> Option<&'static str> {
        match self {
            Source::Public => Some("notifications.cfg"),
            Source::Private => Some("priv/notifications.cfg"),
            Source::Overlay => Some("notify.cfg"),
            Source::Nowhere => None,
        }
    }
}

/// A place in a configuration file. Line and column count from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The file.
    pub source: Source,
    /// 1-based; 0 when there is no place.
    pub line: u32,
    /// 1-based, in characters; 0 when there is no place.
    pub column: u32,
}

impl Position {
    /// The place of what stands in no file.
    pub const NOWHERE: Position = Position::new(Source::Nowhere, 0, 0);

    /// A place; `line` and `column` count from 1.
    pub const fn new(source: Source, line: u32, column: u32) -> Self {
        Position {
            source,
            line,
            column,
        }
    }
}

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Something is not used as written.
    Error,
    /// It works, but perhaps not as meant.
    Warning,
    /// Worth knowing.
    Info,
}

impl Level {
    /// `error`, `warning` or `info`.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Info => "info",
        }
    }
}

/// Whom a fault concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Audience {
    /// This program.
    #[default]
    Everyone,
    /// Only Proxmox VE, which would refuse what this program accepts (`check --pve`).
    Pve,
}

/// What a fault is, for code that decides by it. The message is for people, its words may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultCode {
    /// Nothing that anybody decides by.
    #[default]
    Other,
    /// A required property has no line, good or bad.
    MissingProperty {
        /// The property.
        property: &'static str,
        /// Whether it belongs into the private file.
        secret: bool,
    },
    /// An unknown property whose key ends with a colon, as if it were a header.
    /// Not in the private file, where nothing is told of an unknown line.
    IndentedHeader,
    /// An indented line before the first header.
    BeforeAnySection,
}

/// One thing that is wrong with a configuration, and where.
///
/// Its text never holds a secret: values of secret properties are not quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path relative to the configuration folder; none when it stands in no file.
    pub file: Option<Cow<'static, str>>,
    /// 1-based.
    pub line: Option<u32>,
    /// 1-based, in characters.
    pub column: Option<u32>,
    /// What it is, as far as somebody decides by it.
    pub code: FaultCode,
    /// How bad it is.
    pub level: Level,
    /// Whom it concerns.
    pub audience: Audience,
    /// The section in which it is.
    pub section: Option<SectionName>,
    /// Lower case, no full stop, names the thing.
    pub message: String,
    /// What to do about it.
    pub hint: Option<Box<str>>,
}

impl Fault {
    /// A fault at a place.
    pub fn at(position: Position, level: Level, message: impl Into<String>) -> Self {
        let some = |number| (number > 0).then_some(number);
        Fault {
            file: position.source.path().map(Cow::Borrowed),
            line: some(position.line),
            column: some(position.column),
            code: FaultCode::Other,
            level,
            audience: Audience::Everyone,
            section: None,
            message: message.into(),
            hint: None,
        }
    }

    /// An error at a place.
    pub fn error(position: Position, message: impl Into<String>) -> Self {
        Fault::at(position, Level::Error, message)
    }

    /// A warning at a place.
    pub fn warning(position: Position, message: impl Into<String>) -> Self {
        Fault::at(position, Level::Warning, message)
    }

    /// A remark at a place.
    pub fn info(position: Position, message: impl Into<String>) -> Self {
        Fault::at(position, Level::Info, message)
    }

    /// A fault of a file that is not one of [`Source`], as a template or `user.cfg`.
    pub fn in_file(
        file: impl Into<Cow<'static, str>>,
        level: Level,
        message: impl Into<String>,
    ) -> Self {
        Fault {
            file: Some(file.into()),
            ..Fault::at(Position::NOWHERE, level, message)
        }
    }

    /// With a line and a column, both counted from 1.
    #[must_use]
    pub fn on_line(mut self, line: u32, column: u32) -> Self {
        (self.line, self.column) = (Some(line), Some(column));
        self
    }

    /// In a section.
    #[must_use]
    pub fn in_section(mut self, section: SectionName) -> Self {
        self.section = Some(section);
        self
    }

    /// With what code decides by.
    #[must_use]
    pub fn with_code(mut self, code: FaultCode) -> Self {
        self.code = code;
        self
    }

    /// With advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Box<str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Only for `check --pve`.
    #[must_use]
    pub fn for_pve(mut self) -> Self {
        self.audience = Audience::Pve;
        self
    }

    /// The order of a report: file, line, column; what has no place comes first.
    pub fn sort(faults: &mut [Fault]) {
        faults.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    }

    /// The part before the level: `notifications.cfg:14:2: `, or nothing.
    pub fn place(&self) -> String {
        let Some(file) = &self.file else {
            return String::new();
        };
        let numbers = [self.line, self.column].into_iter().flatten();
        let numbers: String = numbers.map(|number| format!("{number}:")).collect();
        format!("{file}:{numbers} ")
    }

    /// The part after the level: the section, where there is one, and the message.
    pub fn statement(&self) -> String {
        match &self.section {
            Some(section) => format!("{section}: {}", self.message),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for Fault {
    /// ``notifications.cfg:14:2: error: smtp `ops`: property `port`: 70000 is above 65535``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}: {}",
            self.place(),
            self.level.name(),
            self.statement()
        )
    }
}
