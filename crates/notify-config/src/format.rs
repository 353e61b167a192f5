//! A file in the form in which Proxmox VE writes it.

use std::collections::HashMap;
use std::fmt;

use notify_schema::{
    Fault, Kind, Level, Position, Presence, Property, RawProperty, Schema, Source, Strictness,
};

use crate::document::{Document, RawSection};
use crate::quote::{no_value, quoted};
use crate::schemas::has_secrets;
use crate::{Schemas, discreet};

/// A formatted file.
#[derive(Clone)]
pub struct Formatted {
    /// Sections in file order, keys sorted, values normalised; formatting it again changes nothing.
    pub text: String,
    /// What is not in it because Proxmox VE would refuse it: comments, `origin`,
    /// unknown keys and types, bad values. Sorted by place.
    pub left_out: Vec<Fault>,
    /// Sections that are not in it because a later one of the same name counts. Sorted by place.
    pub superseded: Vec<Fault>,
}

impl fmt::Debug for Formatted {
    /// Says nothing of the text, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Formatted")
            .field("bytes", &self.text.len())
            .field("left_out", &self.left_out)
            .field("superseded", &self.superseded)
            .finish()
    }
}

/// Formats `notifications.cfg` or `priv/notifications.cfg`.
///
/// A line that Proxmox VE refuses is left out where its section means the same
/// without it, as far as this crate uses it; otherwise the whole section is, as
/// is a matcher without one of its rules.
///
/// ```
/// use notify_config::{Document, Schemas, format};
/// use notify_schema::{Kind, Property, Schema, Source};
///
/// static PORT: Property = Property::fallback("port", Kind::PORT, "25", "Port.").example("25");
/// static HOST: Property = Property::required("host", Kind::text(), "Host.").example("a");
/// let schemas = Schemas::new([Schema::new("relay", [&PORT, &HOST])]);
///
/// let document = Document::parse(Source::Public, b"relay:ops\n # the old one\n  port 025\n  host a\n");
/// let formatted = format(&document, &schemas);
/// assert_eq!(formatted.text, "relay: ops\n\thost a\n\tport 25\n");
/// assert_eq!(
///     formatted.left_out[0].to_string(),
///     "notifications.cfg:2:2: warning: relay `ops`: left out: a comment",
/// );
/// ```
pub fn format(document: &Document, schemas: &Schemas) -> Formatted {
    let mut format = Format {
        source: document.source(),
        schemas,
        sections: Vec::new(),
        left_out: comments(document).chain(before_any(document)).collect(),
    };
    let mut last = HashMap::new();
    for raw in document.sections().filter(RawSection::is_sound) {
        last.insert(raw.name(), raw.header());
    }
    let mut superseded = Vec::new();
    for raw in document.sections() {
        match last.get(raw.name()) {
            Some(at) if raw.is_sound() && *at != raw.header() => {
                superseded.push(later_one_counts(&raw, *at));
            }
            _ => format.section(&raw),
        }
    }
    discreet::hide_foreign_names(document, schemas, &mut format.left_out);
    discreet::hide_foreign_names(document, schemas, &mut superseded);
    Fault::sort(&mut format.left_out);
    Formatted {
        text: format.sections.join("\n"),
        left_out: format.left_out,
        superseded,
    }
}

fn comments(document: &Document) -> impl Iterator<Item = Fault> {
    document.all_comments().map(|(at, section)| {
        let fault = Fault::warning(at, "left out: a comment");
        match section {
            Some(section) => fault.in_section(section.label()),
            None => fault,
        }
    })
}

/// What stands before the first header belongs to no section and is a fault.
fn before_any(document: &Document) -> impl Iterator<Item = Fault> {
    let first = document.sections().next();
    let end = first.map_or(u32::MAX, |section| section.header().line);
    let faults = document.faults().iter();
    faults
        .filter(move |fault| fault.line.is_some_and(|line| line < end))
        .map(|fault| Fault {
            message: format!("left out: {}", fault.message),
            level: Level::Warning,
            ..fault.clone()
        })
}

fn later_one_counts(raw: &RawSection<'_>, last: Position) -> Fault {
    let message = format!(
        "left out: the section of the same name on line {} counts",
        last.line
    );
    Fault::info(raw.header(), message).in_section(raw.label())
}

struct Format<'a> {
    source: Source,
    schemas: &'a Schemas,
    sections: Vec<String>,
    left_out: Vec<Fault>,
}

/// What becomes of a line.
enum Verdict {
    Kept(String),
    /// The section means the same without it.
    Dropped(String),
    /// Without it the section would mean something else.
    Fatal(String),
}

impl<'a> Format<'a> {
    fn section(&mut self, raw: &RawSection<'_>) {
        if !raw.is_sound() {
            let fault = Fault::warning(
                raw.header(),
                "left out: no header `TYPE: NAME`, and the lines up to the next",
            );
            return self.left_out.push(fault);
        }
        match self.lines(raw) {
            Ok(mut lines) => {
                // Stable: the order of equal keys means something.
                lines.sort_by(|a, b| a.0.cmp(b.0));
                let lines: String = lines
                    .iter()
                    .map(|(key, value)| format!("\t{key} {value}\n"))
                    .collect();
                self.sections
                    .push(format!("{}: {}\n{lines}", raw.kind(), raw.name()));
            }
            Err(fault) => {
                let message = format!("left out with its whole section: {}", fault.message);
                self.left_out
                    .push(Fault { message, ..fault }.in_section(raw.label()));
            }
        }
    }

    /// The lines that stay, or the fault for which none does.
    fn lines<'r>(&mut self, raw: &RawSection<'r>) -> Result<Vec<(&'r str, String)>, Fault> {
        let schema = self.schema(raw)?;
        let fatal = |at, reason| Err(Fault::warning(at, reason));
        let (mut lines, mut dropped) = (Vec::new(), Vec::new());
        for line in raw.properties() {
            match self.verdict(schema, &line) {
                Verdict::Kept(_) if is_second(schema, &lines, line.key) => {
                    return fatal(line.at, format!("duplicate property `{}`", line.key));
                }
                Verdict::Kept(value) => lines.push((line.key, value)),
                Verdict::Dropped(reason) => dropped.push((line.at, reason)),
                Verdict::Fatal(reason) => return fatal(line.at, reason),
            }
        }
        for line in raw.bare_keys() {
            let reason = no_value(self.source, line.key);
            match schema.strictness() {
                Strictness::Strict => return fatal(line.at, reason),
                Strictness::Lenient => dropped.push((line.at, reason)),
            }
        }
        if let Some(missing) = self.missing(schema, &lines) {
            return fatal(raw.header(), format!("property `{missing}` is missing"));
        }
        for (at, reason) in dropped {
            self.left_out
                .push(Fault::warning(at, format!("left out: {reason}")).in_section(raw.label()));
        }
        Ok(lines)
    }

    fn schema(&self, raw: &RawSection<'_>) -> Result<&'a Schema, Fault> {
        let refused = |reason: String| Fault::warning(raw.header(), reason);
        if raw.is_broken_text() {
            return Err(refused("not UTF-8".to_owned()));
        }
        let schema = self
            .schemas
            .get(raw.kind())
            .filter(|schema| schema.in_pve());
        let schema = schema.ok_or_else(|| {
            refused(format!(
                "section type {} is unknown to Proxmox VE",
                quoted(raw.kind())
            ))
        })?;
        if self.is_private() && !has_secrets(schema) {
            return Err(refused("sections of this type have no secrets".to_owned()));
        }
        Ok(schema)
    }

    fn verdict(&self, schema: &Schema, line: &RawProperty<'_>) -> Verdict {
        if line.key == "origin" {
            return Verdict::Dropped("`origin`, which is not for files".to_owned());
        }
        let property = schema.property(line.key).filter(|property| {
            let named = self.source == Source::Public && property.is_mention(line.value);
            named || property.is_secret() == self.is_private()
        });
        let kind = match property {
            Some(property) if property.in_pve => &property.kind,
            None if self.is_ignored(schema, line.key) => &Kind::text(),
            _ => {
                let name = match schema.property(line.key) {
                    // It may be a secret whose key was forgotten.
                    None if self.is_private() => String::new(),
                    _ => format!(" {}", quoted(line.key)),
                };
                let reason = format!("property{name} is unknown to Proxmox VE");
                return refused(schema, None, reason);
            }
        };
        match kind.normalized(line.value) {
            Ok(value) => Verdict::Kept(value),
            Err(why) => {
                let is_secret = property.is_some_and(Property::is_secret);
                let why = if is_secret {
                    why.reason_without_value()
                } else {
                    why.reason()
                };
                let reason = format!("property `{}`: {why}", line.key);
                refused(schema, property.map(|property| property.presence), reason)
            }
        }
    }

    fn is_ignored(&self, schema: &Schema, key: &str) -> bool {
        !self.is_private() && schema.ignored().contains(&key)
    }

    /// A required property of this file that is not among the lines.
    fn missing(&self, schema: &Schema, lines: &[(&str, String)]) -> Option<&'static str> {
        let required = schema.properties().iter().filter(|property| {
            property.is_required() && property.in_pve && property.is_secret() == self.is_private()
        });
        required
            .map(|property| property.name)
            .find(|name| lines.iter().all(|(key, _)| key != name))
    }

    fn is_private(&self) -> bool {
        self.source == Source::Private
    }
}

/// As the check of a section forgives: a matcher nothing, a target what has something else in its place.
fn refused(schema: &Schema, presence: Option<Presence>, reason: String) -> Verdict {
    let matters = matches!(presence, Some(Presence::Required | Presence::Optional));
    if schema.strictness() == Strictness::Strict || matters {
        Verdict::Fatal(reason)
    } else {
        Verdict::Dropped(reason)
    }
}

fn is_second(schema: &Schema, lines: &[(&str, String)], key: &str) -> bool {
    schema
        .property(key)
        .is_some_and(|property| !property.is_repeated())
        && lines.iter().any(|(known, _)| *known == key)
}
