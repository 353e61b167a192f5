//! Lines to sections: the two states of section-config, and what is forgiven.

use notify_schema::{Fault, FaultCode, SectionName, Source};

use crate::document::{Document, Line, LineRecord, Refusal, Refused, SectionRecord, Span, Text};
use crate::header::{self, Header, HeaderFault};
use crate::line::{Raw, column_after_indent, column_of, comment, property, without_end};
use crate::quote::{no_header, no_value};

/// A file of nothing but faults must not fill the memory with their texts.
const MOST_FAULTS: usize = 100_000;

/// Places in a file are 32 bits wide.
const MOST_BYTES: usize = u32::MAX as usize;

pub(crate) fn parse(source: Source, bytes: &[u8]) -> Document {
    if bytes.len() > MOST_BYTES {
        return unread(source, bytes);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Text::Sound(text.to_owned()),
        Err(_) => Text::Broken(bytes.to_owned()),
    };
    let mut parser = Parser {
        text: &text,
        document: empty(source),
        after_blank: true,
        pending: 0,
        unlisted: 0,
    };
    parser.run();
    let mut document = parser.finish();
    document.text = text;
    document
}

fn empty(source: Source) -> Document {
    Document {
        source,
        text: Text::Broken(Vec::new()),
        sections: Vec::new(),
        lines: Vec::new(),
        faults: Vec::new(),
        refusals: Vec::new(),
    }
}

fn unread(source: Source, bytes: &[u8]) -> Document {
    let mut document = empty(source);
    document.text = Text::Broken(bytes.to_owned());
    let message = format!(
        "not read: at most {MOST_BYTES} bytes are, this has {}",
        bytes.len()
    );
    document
        .faults
        .push(Fault::error(document.at(0, 0), message));
    document
}

struct Parser<'a> {
    text: &'a Text,
    document: Document,
    /// Whether the line before was blank; true at the start of the file.
    after_blank: bool,
    /// Comments at the line's start since the last line of the open section:
    /// they belong to it only when another line of it follows.
    pending: usize,
    unlisted: usize,
}

impl<'a> Parser<'a> {
    fn run(&mut self) {
        match self.text {
            Text::Sound(text) => {
                let mut raw = Raw::START;
                for line in text.split_inclusive('\n') {
                    raw = raw.next(line.as_bytes());
                    self.line(raw, without_end(line));
                }
            }
            Text::Broken(bytes) => {
                let mut raw = Raw::START;
                for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                    raw = raw.next(line);
                    match std::str::from_utf8(line) {
                        Ok(line) => self.line(raw, without_end(line)),
                        Err(_) => {
                            self.not_utf8(raw, &bytes[raw.content.range()]);
                            self.after_blank = false;
                        }
                    }
                }
            }
        }
    }

    fn finish(mut self) -> Document {
        self.close();
        if self.unlisted > 0 {
            let message = format!("{} more faults are not listed", self.unlisted);
            let at = self.document.at(0, 0);
            self.document.faults.push(Fault::error(at, message));
        }
        self.document
    }

    fn line(&mut self, raw: Raw, text: &str) {
        self.after_blank = match text.chars().next() {
            Some(first) if first.is_whitespace() => {
                let trimmed = text.trim_start();
                if !trimmed.is_empty() {
                    self.indented(raw, text, trimmed);
                }
                trimmed.is_empty()
            }
            Some('#') => {
                self.comment_at_start(raw);
                false
            }
            Some(_) => {
                self.header(raw, text);
                false
            }
            None => true,
        };
    }

    fn indented(&mut self, raw: Raw, text: &str, trimmed: &str) {
        let indent = text.len() - trimmed.len();
        let column = column_of(text, indent);
        if trimmed.starts_with('#') {
            return self.indented_comment(raw, column);
        }
        if self.document.sections.is_empty() {
            if self
                .document
                .faults
                .last()
                .is_none_or(|fault| fault.code != FaultCode::BeforeAnySection)
            {
                let at = self.document.at(raw.number, column);
                let fault = Fault::error(at, "an indented line before any section")
                    .with_code(FaultCode::BeforeAnySection)
                    .with_hint("a header starts at the first column");
                self.fault(fault);
            }
            return;
        }
        if self.after_blank {
            self.refuse(Refused::AfterBlankLine, raw.number, column);
        }
        let record = property(raw, indent, trimmed, column);
        if record.what == Line::Bare && self.open_is_sound() {
            self.bare(&record, trimmed);
        }
        self.keep(record, raw);
    }

    fn bare(&mut self, record: &LineRecord, key: &str) {
        let at = self.document.at(record.number, record.column);
        let message = no_value(self.document.source, key);
        let fault = Fault::error(at, message)
            .with_hint("write a blank and the value after it, or remove the line");
        self.fault_in_open(fault);
    }

    fn indented_comment(&mut self, raw: Raw, column: u32) {
        self.refuse(Refused::Comment, raw.number, column);
        if !self.document.sections.is_empty() {
            self.keep(comment(raw, column), raw);
        }
    }

    fn comment_at_start(&mut self, raw: Raw) {
        self.refuse(Refused::Comment, raw.number, 1);
        if !self.document.sections.is_empty() {
            self.document.lines.push(comment(raw, 1));
            self.pending += 1;
        }
    }

    fn header(&mut self, raw: Raw, text: &str) {
        let parts = header::split(text, raw.content.start);
        let glued = !self.after_blank && !self.document.sections.is_empty();
        if parts.fault.is_some() && glued && !self.open_is_sound() {
            // Garbage after garbage: one fault for all of it.
            return self.extend(raw);
        }
        self.open(raw, &parts, glued);
        match parts.fault {
            None if glued => self.refuse(Refused::NoBlankLine, raw.number, 1),
            None => {}
            Some(fault) => self.faulty_header(raw, text, &fault),
        }
    }

    fn faulty_header(&mut self, raw: Raw, text: &str, found: &HeaderFault<'_>) {
        let fault = match found {
            HeaderFault::NotAHeader => {
                let message = no_header(self.document.source, text);
                let hint = if text.starts_with('\u{feff}') {
                    "remove the byte order mark at the start of the file"
                } else {
                    "a property must be indented; the lines up to the next header are not used"
                };
                Fault::error(self.document.at(raw.number, 1), message).with_hint(hint)
            }
            HeaderFault::Name {
                kind,
                name,
                column,
                refused,
            } => {
                // In the private file what stands there may be a secret.
                let reason = match self.document.source {
                    Source::Private => refused.reason_without_value(),
                    _ => refused.reason(),
                };
                let at = self.document.at(raw.number, *column);
                Fault::error(at, format!("section name: {reason}"))
                    .in_section(SectionName::new(kind, name))
                    .with_hint("the lines up to the next header are not used")
            }
        };
        self.fault(fault);
    }

    fn not_utf8(&mut self, raw: Raw, bytes: &[u8]) {
        let good = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let column = column_of(good, good.len());
        let message = format!("byte 0x{:02x} is not UTF-8", bytes[good.len()]);
        let fault = Fault::error(self.document.at(raw.number, column), message);
        let indented = bytes.first().is_some_and(u8::is_ascii_whitespace);
        let is_comment = bytes.trim_ascii_start().starts_with(b"#");
        if !indented && !is_comment {
            return self.broken_header(raw, fault);
        }
        if is_comment {
            self.refuse(Refused::Comment, raw.number, column_after_indent(bytes));
        }
        if !indented || self.document.sections.is_empty() {
            self.fault(fault);
            if !self.document.sections.is_empty() {
                self.document.lines.push(comment(raw, 1));
                self.pending += 1;
            }
            return;
        }
        self.fault_in_open(fault.with_hint("this section is not used until the file is UTF-8"));
        let what = if is_comment {
            Line::Comment
        } else {
            Line::Broken
        };
        self.keep(
            LineRecord {
                what,
                ..comment(raw, 1)
            },
            raw,
        );
        if let Some(open) = self.document.sections.last_mut() {
            open.broken_text = true;
        }
    }

    fn broken_header(&mut self, raw: Raw, fault: Fault) {
        let glued = !self.after_blank && !self.document.sections.is_empty();
        if glued && !self.open_is_sound() {
            return self.extend(raw);
        }
        let nothing = Span {
            start: raw.content.start,
            end: raw.content.start,
        };
        let parts = Header {
            kind: nothing,
            name: nothing,
            fault: Some(HeaderFault::NotAHeader),
        };
        self.open(raw, &parts, glued);
        self.fault(fault.with_hint("the lines up to the next header are not used"));
    }

    fn open(&mut self, raw: Raw, parts: &Header<'_>, glued: bool) {
        self.close();
        let lines = self.document.lines.len();
        let end = self.text.bytes().get(raw.content.range().end);
        self.document.sections.push(SectionRecord {
            kind: parts.kind,
            name: parts.name,
            header: raw.content,
            number: raw.number,
            lines: lines..lines,
            extent: Span {
                start: raw.content.start,
                end: raw.next,
            },
            sound: parts.fault.is_none(),
            broken_text: false,
            glued,
            crlf: end == Some(&b'\r'),
        });
    }

    /// Comments that were not followed by a line of the section stand between sections.
    fn close(&mut self) {
        let kept = self.document.lines.len() - self.pending;
        self.document.lines.truncate(kept);
        self.pending = 0;
    }

    fn keep(&mut self, record: LineRecord, raw: Raw) {
        self.document.lines.push(record);
        self.pending = 0;
        self.extend(raw);
    }

    fn extend(&mut self, raw: Raw) {
        let lines = self.document.lines.len() - self.pending;
        if let Some(open) = self.document.sections.last_mut() {
            open.lines.end = lines.max(open.lines.start);
            open.extent.end = raw.next;
        }
    }

    fn open_is_sound(&self) -> bool {
        self.document.sections.last().is_some_and(|open| open.sound)
    }

    fn refuse(&mut self, what: Refused, number: u32, column: u32) {
        let section = self.document.sections.len().checked_sub(1);
        self.document.refusals.push(Refusal {
            what,
            number,
            column,
            section,
        });
    }

    fn fault_in_open(&mut self, fault: Fault) {
        let open = self.document.sections.last().filter(|open| open.sound);
        let section = open
            .map(|open| SectionName::new(self.text.slice(open.kind), self.text.slice(open.name)));
        self.fault(match section {
            Some(section) => fault.in_section(section),
            None => fault,
        });
    }

    fn fault(&mut self, fault: Fault) {
        if self.document.faults.len() < MOST_FAULTS {
            self.document.faults.push(fault);
        } else {
            self.unlisted += 1;
        }
    }
}
