//! The lines of a file, and what stands on one inside a section.

use crate::document::{Line, LineRecord, Span};

/// One line of the file, with its number and its end.
#[derive(Clone, Copy)]
pub(crate) struct Raw {
    pub(crate) number: u32,
    /// Without the line end; one CR before the LF belongs to the end.
    pub(crate) content: Span,
    /// Where the next line starts.
    pub(crate) next: u32,
}

impl Raw {
    pub(crate) const START: Raw = Raw {
        number: 0,
        content: Span { start: 0, end: 0 },
        next: 0,
    };

    /// The line after this one; `line` is its text with its end.
    pub(crate) fn next(self, line: &[u8]) -> Raw {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let start = self.next;
        Raw {
            number: self.number + 1,
            content: Span {
                start,
                end: start + offset(content.len()),
            },
            next: start + offset(line.len()),
        }
    }
}

/// The file without the byte order mark that some editors put before it.
pub(crate) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

pub(crate) fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

pub(crate) fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a longer file is not read")
}

pub(crate) fn comment(raw: Raw, column: u32) -> LineRecord {
    LineRecord {
        what: Line::Comment,
        number: raw.number,
        column,
        content: raw.content,
        key: Span::default(),
        value: Span::default(),
    }
}

pub(crate) fn property(raw: Raw, indent: usize, trimmed: &str, column: u32) -> LineRecord {
    let start = raw.content.start + offset(indent);
    let (what, key, value) = match trimmed.split_once(char::is_whitespace) {
        Some((key, rest)) => {
            let value = rest.trim();
            let from = trimmed.len() - rest.trim_start().len();
            (Line::Property, key.len(), (from, from + value.len()))
        }
        None => (Line::Bare, trimmed.len(), (trimmed.len(), trimmed.len())),
    };
    LineRecord {
        what,
        number: raw.number,
        column,
        content: raw.content,
        key: Span {
            start,
            end: start + offset(key),
        },
        value: Span {
            start: start + offset(value.0),
            end: start + offset(value.1),
        },
    }
}

/// The column of a byte of a line, in characters from 1.
pub(crate) fn column_of(text: &str, byte: usize) -> u32 {
    u32::try_from(text[..byte].chars().count()).map_or(u32::MAX, |column| column.saturating_add(1))
}

pub(crate) fn column_after_indent(bytes: &[u8]) -> u32 {
    let indent = bytes.len() - bytes.trim_ascii_start().len();
    u32::try_from(indent).map_or(u32::MAX, |column| column.saturating_add(1))
}
