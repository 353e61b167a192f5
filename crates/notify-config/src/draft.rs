//! One file that is being rewritten: only touched sections change, in Proxmox VE's form.

use std::collections::{HashMap, HashSet};

use notify_schema::{RawProperty, Schema, Source};

use crate::Schemas;
use crate::document::{Document, Line, LineRecord, RawSection, SectionRecord};
use crate::origin::normalized;

/// A section as it will be written.
#[derive(Clone)]
pub(crate) struct SectionDraft {
    kind: String,
    name: String,
    lines: Vec<DraftLine>,
    /// Comments that no line follows.
    tail: Vec<Vec<u8>>,
}

#[derive(Clone)]
struct DraftLine {
    /// Comment lines right above it.
    comments: Vec<Vec<u8>>,
    key: String,
    /// The line without its end, indent included.
    text: Vec<u8>,
}

impl SectionDraft {
    pub(crate) fn new(kind: &str, name: &str) -> Self {
        SectionDraft {
            kind: kind.to_owned(),
            name: name.to_owned(),
            lines: Vec::new(),
            tail: Vec::new(),
        }
    }

    /// The section as the file has it, its values in Proxmox VE's form.
    pub(crate) fn of(raw: &RawSection<'_>, bytes: &[u8], schema: Option<&Schema>) -> Self {
        let mut draft = SectionDraft::new(raw.kind(), raw.name());
        let mut keyed = raw.properties();
        for record in raw.records() {
            let content = without_returns(&bytes[record.content.range()]);
            match record.what {
                Line::Comment => draft.tail.push(content.to_owned()),
                Line::Property => {
                    if let Some(property) = keyed.next() {
                        draft.line_of(&property, schema);
                    }
                }
                Line::Bare | Line::Broken => draft.verbatim(record, content),
            }
        }
        draft
    }

    fn line_of(&mut self, property: &RawProperty<'_>, schema: Option<&Schema>) {
        // Proxmox VE writes it into answers, never into files.
        if property.key == "origin" {
            return;
        }
        let value = match schema {
            Some(schema) => normalized(schema, property.key, property.value),
            None => property.value.to_owned(),
        };
        self.push(property.key, &value);
    }

    fn verbatim(&mut self, record: &LineRecord, content: &[u8]) {
        let key = match record.what {
            Line::Bare => content.trim_ascii(),
            _ => content
                .trim_ascii_start()
                .split(u8::is_ascii_whitespace)
                .next()
                .unwrap_or_default(),
        };
        let text = if record.what == Line::Bare {
            [b"\t", key].concat()
        } else {
            content.to_owned()
        };
        let key = String::from_utf8_lossy(key).into_owned();
        self.lines.push(DraftLine {
            comments: std::mem::take(&mut self.tail),
            key,
            text,
        });
    }

    /// Adds a line; the comments that wait for one now stand above it.
    pub(crate) fn push(&mut self, key: &str, value: &str) {
        let text = format!("\t{key} {value}").into_bytes();
        let comments = std::mem::take(&mut self.tail);
        self.lines.push(DraftLine {
            comments,
            key: key.to_owned(),
            text,
        });
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.lines.iter().any(|line| line.key == key)
    }

    /// The values of a key, in order.
    pub(crate) fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.lines.iter().filter(move |line| line.key == key);
        lines.filter_map(move |line| {
            let text = std::str::from_utf8(&line.text).ok()?;
            Some(text.trim_start().strip_prefix(key)?.trim())
        })
    }

    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.tail.is_empty()
    }

    /// Replaces all lines of a key. A comment stays above the line of the same
    /// value, or else the first line of the key, or else goes to the end.
    pub(crate) fn set(&mut self, key: &str, values: &[&str]) {
        let tail = std::mem::take(&mut self.tail);
        let lines = std::mem::take(&mut self.lines);
        let (old, others): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.key == key);
        self.lines = others;
        let first = self.lines.len();
        for value in values {
            self.push(key, value);
        }
        let mut homeless = Vec::new();
        for DraftLine { comments, text, .. } in old {
            let new = &mut self.lines[first..];
            let home = new.iter().position(|line| line.text == text).unwrap_or(0);
            match new.get_mut(home) {
                Some(line) => line.comments.extend(comments),
                None => homeless.extend(comments),
            }
        }
        self.tail = homeless;
        self.tail.extend(tail);
    }

    /// Header, then the lines sorted by key; equal keys keep their order.
    fn render(&self, end: &str, out: &mut Vec<u8>) {
        let mut lines: Vec<&DraftLine> = self.lines.iter().collect();
        lines.sort_by(|a, b| a.key.cmp(&b.key));
        let header = format!("{}: {}", self.kind, self.name).into_bytes();
        let texts = lines
            .iter()
            .flat_map(|line| line.comments.iter().chain([&line.text]));
        for text in [&header].into_iter().chain(texts).chain(&self.tail) {
            out.extend_from_slice(text);
            out.extend_from_slice(end.as_bytes());
        }
    }
}

/// One file and what changes in it.
pub(crate) struct FileDraft<'d> {
    document: &'d Document,
    schemas: &'d Schemas,
    /// Name to what it becomes; none when it goes. In the order of the changes.
    changed: Vec<(String, Option<SectionDraft>)>,
}

impl<'d> FileDraft<'d> {
    pub(crate) fn of(document: &'d Document, schemas: &'d Schemas) -> Self {
        FileDraft {
            document,
            schemas,
            changed: Vec::new(),
        }
    }

    /// The section of this name as it is by now.
    pub(crate) fn section(&self, name: &str) -> Option<SectionDraft> {
        if let Some((_, draft)) = self.changed.iter().find(|(changed, _)| changed == name) {
            return draft.clone();
        }
        let raw = self.raw(name)?;
        let schema = self.schemas.get(raw.kind());
        Some(SectionDraft::of(&raw, self.document.to_bytes(), schema))
    }

    pub(crate) fn put(&mut self, draft: SectionDraft) {
        let name = draft.name.clone();
        self.change(&name, Some(draft));
    }

    /// Takes the section out; nothing happens when there is none.
    pub(crate) fn remove(&mut self, name: &str) {
        self.change(name, None);
    }

    fn change(&mut self, name: &str, draft: Option<SectionDraft>) {
        match self.changed.iter_mut().find(|(changed, _)| changed == name) {
            Some((_, known)) => *known = draft,
            None => self.changed.push((name.to_owned(), draft)),
        }
    }

    /// The last section of a name, which is the one that counts.
    fn raw(&self, name: &str) -> Option<RawSection<'d>> {
        let last = (0..self.document.sections.len()).rev().find(|index| {
            let raw = self.document.section(*index);
            self.counts(&raw) && raw.name() == name
        });
        last.map(|index| self.document.section(index))
    }

    /// The settings of `notify.cfg` have names of their own.
    fn counts(&self, raw: &RawSection<'_>) -> bool {
        let overlay = self.document.source() == Source::Overlay;
        raw.is_sound() && !(overlay && self.schemas.setting(raw.kind()).is_some())
    }

    /// The bytes of the new file: those outside of changed sections are the old ones.
    pub(crate) fn render(&self) -> Vec<u8> {
        let bytes = self.document.to_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut position = 0;
        for (index, last) in self.places() {
            let record = &self.document.sections[index];
            out.extend_from_slice(&bytes[position..record.extent.range().start]);
            position = match last {
                Some(draft) => {
                    draft.render(line_end(record.crlf), &mut out);
                    record.extent.range().end
                }
                None => skip_blank_line(bytes, record, &mut out),
            };
        }
        out.extend_from_slice(&bytes[position..]);
        self.append(&mut out);
        out
    }

    /// Every section of a changed name, and what stands there from now on: only the last one stays.
    fn places(&self) -> Vec<(usize, Option<&SectionDraft>)> {
        let changed: HashMap<&str, Option<&SectionDraft>> = self
            .changed
            .iter()
            .map(|(name, draft)| (name.as_str(), draft.as_ref()))
            .collect();
        let mut seen = HashSet::new();
        let mut places = Vec::new();
        for index in (0..self.document.sections.len()).rev() {
            let raw = self.document.section(index);
            if let Some(draft) = changed.get(raw.name()).filter(|_| self.counts(&raw)) {
                let is_last = seen.insert(raw.name());
                places.push((index, draft.filter(|_| is_last)));
            }
        }
        places.reverse();
        places
    }

    /// New sections in the order in which they were made, each after a blank line.
    fn append(&self, out: &mut Vec<u8>) {
        let crlf = out
            .iter()
            .position(|byte| *byte == b'\n')
            .is_some_and(|at| out[..at].ends_with(b"\r"));
        let end = line_end(crlf);
        for (name, draft) in &self.changed {
            let Some(draft) = draft.as_ref().filter(|_| self.raw(name).is_none()) else {
                continue;
            };
            if !out.is_empty() && !out.ends_with(b"\n") {
                out.extend_from_slice(end.as_bytes());
            }
            if !ends_with_blank_line(out) {
                out.extend_from_slice(end.as_bytes());
            }
            draft.render(end, out);
        }
    }
}

/// A CR before the line's end would be taken for a part of it.
fn without_returns(content: &[u8]) -> &[u8] {
    let end = content.iter().rposition(|byte| *byte != b'\r');
    &content[..end.map_or(0, |end| end + 1)]
}

fn line_end(crlf: bool) -> &'static str {
    if crlf { "\r\n" } else { "\n" }
}

/// With a section goes one of the blank lines around it, as long as one is left
/// between its neighbours. Answers where to go on.
fn skip_blank_line(bytes: &[u8], record: &SectionRecord, out: &mut Vec<u8>) -> usize {
    let end = record.extent.range().end;
    let rest = &bytes[end..];
    let next = rest.split_inclusive(|byte| *byte == b'\n').next();
    let next_is_blank = next.is_some_and(|line| line.trim_ascii().is_empty());
    match (ends_with_blank_line(out), next) {
        (true, None) => drop_blank_line(out),
        (true, Some(line)) if next_is_blank => return end + line.len(),
        // Or what follows would belong to the section before.
        (false, Some(_)) if !next_is_blank => {
            out.extend_from_slice(line_end(record.crlf).as_bytes());
        }
        _ => {}
    }
    end
}

/// Whether the last line is blank; true at the start of a file too.
fn ends_with_blank_line(out: &[u8]) -> bool {
    last_line(out).trim_ascii().is_empty()
}

fn drop_blank_line(out: &mut Vec<u8>) {
    let length = last_line(out).len();
    out.truncate(out.len() - length);
}

/// The last line with its end.
fn last_line(out: &[u8]) -> &[u8] {
    let without_end = out.strip_suffix(b"\n").unwrap_or(out);
    let start = without_end
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    &out[start..]
}
