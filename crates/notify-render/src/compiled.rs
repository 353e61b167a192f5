//! A template that has been parsed, and its rendering.

use std::fmt::Display;
use std::sync::{LazyLock, Mutex, PoisonError};

use handlebars::{
    Context, Handlebars, RenderContext, RenderError, RenderErrorReason, Renderable as _, Template,
    TemplateError, TemplateErrorReason, no_escape,
};
use notify_core::Zone;
use notify_schema::{Fault, Level, Position};

use crate::escape::escaped;
use crate::lint::{Finding, findings};
use crate::nesting;
use crate::part::Part;
use crate::vocabulary::{Format, Remarks, begin, teach};

/// Where a template comes from, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file: the path as reports show it.
    File(String),
    /// Linked into the program.
    BuiltIn {
        /// The template.
        name: &'static str,
        /// Its part.
        part: Part,
    },
}

impl Origin {
    /// A fault of this template as a whole.
    pub(crate) fn fault(&self, level: Level, message: impl Display) -> Fault {
        match self {
            Origin::File(path) => Fault::in_file(path.clone(), level, message.to_string()),
            Origin::BuiltIn { name, part } => {
                let message = format!("built-in template `{name}`, {}: {message}", part.name());
                Fault::at(Position::NOWHERE, level, message)
            }
        }
    }

    /// A fault at a line and a column, both counted from 1.
    ///
    /// What is in no file has its place in the message, because a report shows
    /// lines only with a file.
    pub(crate) fn fault_at(&self, level: Level, at: (u32, u32), message: impl Display) -> Fault {
        let (line, column) = at;
        match self {
            Origin::File(_) => self.fault(level, message).on_line(line, column),
            Origin::BuiltIn { .. } => self.fault(
                level,
                format_args!("{message} (line {line}, column {column})"),
            ),
        }
    }
}

/// A parsed template.
#[derive(Debug)]
pub(crate) struct Compiled {
    template: Template,
    format: Format,
    origin: Origin,
    lints: Vec<Finding>,
}

/// A rendered text, and what there is to say about it.
#[derive(Debug)]
pub(crate) struct Rendering {
    pub(crate) text: String,
    pub(crate) faults: Vec<Fault>,
}

static PLAIN: LazyLock<Handlebars<'static>> = LazyLock::new(|| engine(Format::Plain));
static HTML: LazyLock<Handlebars<'static>> = LazyLock::new(|| engine(Format::Html));

fn engine(format: Format) -> Handlebars<'static> {
    let mut engine = Handlebars::new();
    match format {
        Format::Plain => engine.register_escape_fn(no_escape),
        Format::Html => engine.register_escape_fn(escaped),
    }
    teach(&mut engine);
    engine
}

impl Compiled {
    /// Parses a template.
    ///
    /// # Errors
    /// The fault that makes it unusable, with line and column.
    pub(crate) fn parse(text: &str, part: Part, origin: Origin) -> Result<Self, Fault> {
        if !nesting::is_safe(text) {
            return Err(origin.fault(Level::Error, "the template nests too deep"));
        }
        let template = Template::compile(text).map_err(|error| unparsed(text, &origin, &error))?;
        let found = findings(&template);
        if let Some(endless) = found.endless {
            return Err(origin.fault_at(Level::Error, endless.at, endless.message));
        }
        Ok(Compiled {
            template,
            format: match part {
                Part::Subject | Part::Text => Format::Plain,
                Part::Html => Format::Html,
            },
            origin,
            lints: found.calls,
        })
    }

    /// What would fail if a rendering came to it.
    pub(crate) fn lints(&self) -> impl Iterator<Item = Fault> {
        self.lints.iter().map(|finding| {
            self.origin
                .fault_at(Level::Error, finding.at, &finding.message)
        })
    }

    /// Renders it.
    ///
    /// # Errors
    /// The fault that ended it, with line and column.
    pub(crate) fn render(&self, context: &Context, zone: Zone) -> Result<Rendering, Fault> {
        let remarks: Remarks = Mutex::default();
        let text = self
            .text(context, zone, &remarks)
            .map_err(|error| self.failed(&error))?;
        let remarks = remarks.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Rendering {
            text,
            faults: remarks
                .into_iter()
                .map(|remark| self.origin.fault(Level::Warning, remark))
                .collect(),
        })
    }

    fn text(
        &self,
        context: &Context,
        zone: Zone,
        remarks: &Remarks,
    ) -> Result<String, RenderError> {
        let engine: &'static Handlebars<'static> = match self.format {
            Format::Plain => &PLAIN,
            Format::Html => &HTML,
        };
        let mut state = RenderContext::new(None);
        begin(&mut state, self.format, zone, remarks);
        self.template.renders(engine, context, &mut state)
    }

    fn failed(&self, error: &RenderError) -> Fault {
        let reason = match error.reason() {
            RenderErrorReason::HelperNotFound(name) => format!("unknown helper `{name}`"),
            RenderErrorReason::PartialNotFound(name) => format!("unknown partial `{name}`"),
            other => sentence(&other.to_string()),
        };
        let message = format!("cannot be rendered: {reason}");
        match (error.line_no, error.column_no) {
            (Some(line), Some(column)) => {
                self.origin
                    .fault_at(Level::Error, place((line, column)), message)
            }
            _ => self.origin.fault(Level::Error, message),
        }
    }
}

/// The fault of a text that is no template.
fn unparsed(text: &str, origin: &Origin, error: &TemplateError) -> Fault {
    let at = error.pos().map(place);
    let reason = match (error.reason(), at) {
        // The parser lists the names of its grammar's rules, which help nobody.
        (TemplateErrorReason::InvalidSyntax(_), Some(at)) => match excerpt(text, at) {
            "" => "ends before every tag and block is closed".to_owned(),
            rest => format!("not Handlebars syntax from `{}`", rest.escape_debug()),
        },
        (reason, _) => sentence(&reason.to_string()),
    };
    match at {
        Some(at) => origin.fault_at(Level::Error, at, reason),
        None => origin.fault(Level::Error, reason),
    }
}

/// At most 20 characters from a place on; empty only at the end of the text.
fn excerpt(text: &str, (line, column): (u32, u32)) -> &str {
    let index = |number: u32| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(line) = text.split_inclusive('\n').nth(index(line)) else {
        return "";
    };
    let nth = |from: &str, count: usize| {
        let place = from.char_indices().nth(count);
        place.map_or(from.len(), |(at, _)| at)
    };
    let rest = &line[nth(line, index(column))..];
    &rest[..nth(rest, 20)]
}

fn place((line, column): (usize, usize)) -> (u32, u32) {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (number(line), number(column))
}

/// A message of the engine as one line that begins in lower case.
fn sentence(message: &str) -> String {
    let mut line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(first) = line.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    line
}
