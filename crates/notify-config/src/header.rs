//! Header lines: `TYPE: NAME`.

use notify_schema::{Kind, Refused};

use crate::document::Span;
use crate::line::{column_of, offset};

/// What stands on a line at whose start no blank is.
pub(crate) struct Header<'a> {
    pub(crate) kind: Span,
    pub(crate) name: Span,
    pub(crate) fault: Option<HeaderFault<'a>>,
}

/// Why it is no header.
pub(crate) enum HeaderFault<'a> {
    NotAHeader,
    Name {
        kind: &'a str,
        name: &'a str,
        column: u32,
        refused: Refused,
    },
}

/// The first colon parts type and name, blanks around both are dropped.
pub(crate) fn split(text: &str, start: u32) -> Header<'_> {
    let span = |from: usize, length: usize| Span {
        start: start + offset(from),
        end: start + offset(from + length),
    };
    let Some((before, after)) = text.split_once(':') else {
        let (kind, name) = (span(0, text.len()), span(text.len(), 0));
        return Header {
            kind,
            name,
            fault: Some(HeaderFault::NotAHeader),
        };
    };
    let (kind, name) = (before.trim_end(), after.trim());
    let name_from = text.len() - after.trim_start().len();
    let bad_name = || {
        let refused = Kind::Name.accepts(name).err()?;
        let column = column_of(text, name_from);
        Some(HeaderFault::Name {
            kind,
            name,
            column,
            refused,
        })
    };
    let fault = if is_type(kind) {
        bad_name()
    } else {
        Some(HeaderFault::NotAHeader)
    };
    Header {
        kind: span(0, kind.len()),
        name: span(name_from, name.len()),
        fault,
    }
}

/// A word that starts with a letter. With a blank in it, it is rather a
/// property whose indent was lost.
fn is_type(kind: &str) -> bool {
    kind.starts_with(char::is_alphabetic)
        && !kind.contains(|character: char| character.is_whitespace() || character.is_control())
}
