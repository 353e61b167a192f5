//! The text of a section-config file: every byte kept, every fault found.

use std::fmt;
use std::ops::Range;

use notify_schema::{Fault, Position, RawProperty, SectionName, Source};

use crate::parser;

/// A file of sections, as parsed.
///
/// Parsing never fails: what can be read is read, everything else is a
/// [`Fault`] with its place, and [`Document::to_bytes`] gives back exactly the
/// bytes that came in. The time is linear in their number.
///
/// Accepted beyond Proxmox VE, whose parser refuses the whole file for each of
/// them (see [`Document::refusals`]): comments (`#` first on a line, or first
/// after the indent), a header without a blank line before it, and indented
/// lines after a blank line, which still belong to the section above.
///
/// ```
/// use notify_config::Document;
/// use notify_schema::Source;
///
/// let text = "smtp: ops\n\tserver mail.example.com\n# one more\n\tport\n";
/// let document = Document::parse(Source::Public, text.as_bytes());
///
/// let ops = document.sections().next().expect("one section");
/// assert_eq!((ops.kind(), ops.name()), ("smtp", "ops"));
/// assert_eq!(ops.properties().next().map(|line| line.value), Some("mail.example.com"));
/// assert_eq!(
///     document.faults()[0].to_string(),
///     "notifications.cfg:4:2: error: smtp `ops`: property `port` has no value",
/// );
/// assert_eq!(document.to_bytes(), text.as_bytes());
/// ```
#[derive(Clone)]
pub struct Document {
    pub(crate) source: Source,
    pub(crate) text: Text,
    pub(crate) sections: Vec<SectionRecord>,
    pub(crate) lines: Vec<LineRecord>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) refusals: Vec<Refusal>,
}

/// The bytes of a file, which are nearly always UTF-8 as a whole.
#[derive(Clone)]
pub(crate) enum Text {
    Sound(String),
    Broken(Vec<u8>),
}

impl Text {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Text::Sound(text) => text.as_bytes(),
            Text::Broken(bytes) => bytes,
        }
    }

    /// The text of a range; empty when it is not UTF-8.
    pub(crate) fn slice(&self, range: Span) -> &str {
        match self {
            Text::Sound(text) => text.get(range.range()).unwrap_or_default(),
            Text::Broken(bytes) => std::str::from_utf8(&bytes[range.range()]).unwrap_or_default(),
        }
    }
}

/// A range of bytes. Half the size of what `usize` would take: there is one for
/// every line, and a file of 4 GiB is not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One line inside a section.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineRecord {
    pub(crate) what: Line,
    pub(crate) number: u32,
    /// Where the key stands, in characters from 1.
    pub(crate) column: u32,
    /// The line without its end.
    pub(crate) content: Span,
    pub(crate) key: Span,
    pub(crate) value: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A key, a blank, a value.
    Property,
    /// A key and nothing after it, not even a blank.
    Bare,
    Comment,
    /// Not UTF-8.
    Broken,
}

#[derive(Clone, Debug)]
pub(crate) struct SectionRecord {
    pub(crate) kind: Span,
    pub(crate) name: Span,
    /// The header line without its end.
    pub(crate) header: Span,
    pub(crate) number: u32,
    /// Indexes into the document's lines.
    pub(crate) lines: Range<usize>,
    /// From the header to the end of the last line, line end included.
    pub(crate) extent: Span,
    /// Whether the header has a type and a name.
    pub(crate) sound: bool,
    /// Whether one of its lines is not UTF-8.
    pub(crate) broken_text: bool,
    /// Whether the header follows the line before it without a blank line.
    pub(crate) glued: bool,
    /// Whether the header ends with CR LF.
    pub(crate) crlf: bool,
}

/// Something that this crate accepts and Proxmox VE does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) what: Refused,
    pub(crate) number: u32,
    pub(crate) column: u32,
    pub(crate) section: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Comment,
    NoBlankLine,
    AfterBlankLine,
}

impl Document {
    /// Reads the text of one file; `source` only says where faults stand.
    pub fn parse(source: Source, bytes: &[u8]) -> Document {
        parser::parse(source, bytes)
    }

    /// Which file it is.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The syntax faults, in the order of the lines.
    ///
    /// In the private file a line `token: …` without indent looks like a header,
    /// and its faults name it. [`Configuration`](crate::Configuration), which
    /// knows the types, takes such names out of its own list; show that one.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// All sections in file order, those with a faulty header too.
    pub fn sections(&self) -> impl ExactSizeIterator<Item = RawSection<'_>> {
        (0..self.sections.len()).map(|index| self.section(index))
    }

    /// Exactly the bytes that were parsed.
    pub fn to_bytes(&self) -> &[u8] {
        self.text.bytes()
    }

    /// What Proxmox VE refuses in the syntax although it is accepted here, as
    /// faults for [`Audience::Pve`](notify_schema::Audience::Pve), in the order of the lines.
    pub fn refusals(&self) -> Vec<Fault> {
        self.refusals
            .iter()
            .map(|refusal| self.refusal(refusal))
            .collect()
    }

    pub(crate) fn section(&self, index: usize) -> RawSection<'_> {
        RawSection {
            document: self,
            record: &self.sections[index],
        }
    }

    pub(crate) fn at(&self, number: u32, column: u32) -> Position {
        Position::new(self.source, number, column)
    }

    fn refusal(&self, refusal: &Refusal) -> Fault {
        let (message, hint) = match refusal.what {
            Refused::Comment => (
                "Proxmox VE knows no comments and refuses the whole file",
                "write the remark as a `comment` property",
            ),
            Refused::NoBlankLine => (
                "Proxmox VE refuses a header without a blank line before it",
                "put a blank line before it",
            ),
            Refused::AfterBlankLine => (
                "Proxmox VE ends a section at a blank line and refuses what follows",
                "remove the blank line",
            ),
        };
        let fault = Fault::error(self.at(refusal.number, refusal.column), message)
            .with_hint(hint)
            .for_pve();
        match self.section_around(refusal) {
            Some(section) => fault.in_section(section.label()),
            None => fault,
        }
    }

    /// Every comment with the section in which it stands, if any, in the order of the lines.
    pub(crate) fn all_comments(&self) -> impl Iterator<Item = (Position, Option<RawSection<'_>>)> {
        let comments = self
            .refusals
            .iter()
            .filter(|refusal| refusal.what == Refused::Comment);
        comments.map(|comment| {
            (
                self.at(comment.number, comment.column),
                self.section_around(comment),
            )
        })
    }

    /// The section of a line: a comment after its last line stands outside of it.
    fn section_around(&self, refusal: &Refusal) -> Option<RawSection<'_>> {
        let record = &self.sections[refusal.section?];
        let last = self.lines[record.lines.clone()]
            .last()
            .map_or(record.number, |line| line.number);
        (record.sound && refusal.number <= last).then_some(RawSection {
            document: self,
            record,
        })
    }
}

impl fmt::Debug for Document {
    /// Says nothing of the text, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("source", &self.source)
            .field("bytes", &self.to_bytes().len())
            .field("sections", &self.sections.len())
            .field("faults", &self.faults.len())
            .finish_non_exhaustive()
    }
}

/// One section of a [`Document`].
#[derive(Clone, Copy, Debug)]
pub struct RawSection<'a> {
    document: &'a Document,
    record: &'a SectionRecord,
}

impl<'a> RawSection<'a> {
    /// Its type as written, or what stands there instead.
    pub fn kind(&self) -> &'a str {
        self.document.text.slice(self.record.kind)
    }

    /// Its name as written, or what stands there instead.
    pub fn name(&self) -> &'a str {
        self.document.text.slice(self.record.name)
    }

    /// Whether its header has a type and a name; without, there is a fault and it is not used.
    pub fn is_sound(&self) -> bool {
        self.record.sound
    }

    /// Whether one of its lines is not UTF-8: there is a fault and it is not used.
    pub fn is_broken_text(&self) -> bool {
        self.record.broken_text
    }

    /// Where its header stands.
    pub fn header(&self) -> Position {
        self.document.at(self.record.number, 1)
    }

    /// How faults name it: ``smtp `example` ``.
    pub fn label(&self) -> SectionName {
        SectionName::new(self.kind(), self.name())
    }

    /// Keys and values in file order, the unknown ones too.
    pub fn properties(&self) -> impl Iterator<Item = RawProperty<'a>> + use<'a> {
        self.keyed(Line::Property)
    }

    /// Keys that stand alone on their line, with an empty value. Each is a fault.
    pub fn bare_keys(&self) -> impl Iterator<Item = RawProperty<'a>> + use<'a> {
        self.keyed(Line::Bare)
    }

    /// The comments inside it, as they stand, in file order.
    pub fn comments(&self) -> impl Iterator<Item = (Position, &'a str)> + use<'a> {
        let document = self.document;
        self.records()
            .filter(|line| line.what == Line::Comment)
            .map(move |line| {
                let at = document.at(line.number, line.column);
                (at, document.text.slice(line.content))
            })
    }

    pub(crate) fn records(&self) -> impl ExactSizeIterator<Item = &'a LineRecord> + use<'a> {
        self.document.lines[self.record.lines.clone()].iter()
    }

    fn keyed(&self, what: Line) -> impl Iterator<Item = RawProperty<'a>> + use<'a> {
        let document = self.document;
        self.records()
            .filter(move |line| line.what == what)
            .map(move |line| {
                RawProperty::new(
                    document.text.slice(line.key),
                    document.text.slice(line.value),
                    document.at(line.number, line.column),
                )
            })
    }
}
