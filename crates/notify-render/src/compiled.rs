//! A template that has been parsed, and its rendering.

use std::sync::{LazyLock, Mutex, PoisonError};

use handlebars::{
    Context, Handlebars, RenderContext, RenderError, RenderErrorReason, Renderable as _, Template,
    no_escape,
};
use notify_core::Zone;
use notify_schema::{Fault, Level};

use crate::escape::escaped;
use crate::lint::{Finding, findings};
use crate::nesting;
use crate::part::Part;
use crate::vocabulary::{Format, Remarks, teach};

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
    /// A fault of this template.
    pub(crate) fn fault(&self, level: Level, message: impl Into<String>) -> Fault {
        match self {
            Origin::File(path) => Fault::in_file(path.clone(), level, message),
            Origin::BuiltIn { name, part } => Fault::at(
                notify_schema::Position::NOWHERE,
                level,
                format!(
                    "built-in template `{name}`, {}: {}",
                    part.name(),
                    message.into()
                ),
            ),
        }
    }

    /// A fault at a place of this template. What is built in has lines, too.
    fn fault_at(&self, level: Level, finding: &Finding) -> Fault {
        self.fault(level, finding.message.clone())
            .on_line(finding.line, finding.column)
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
        let template = Template::compile(text).map_err(|error| {
            let fault = origin.fault(Level::Error, sentence(&error.reason().to_string()));
            match error.pos() {
                Some((line, column)) => fault.on_line(number(line), number(column)),
                None => fault,
            }
        })?;
        let found = findings(&template);
        if let Some(endless) = found.endless {
            return Err(origin.fault_at(Level::Error, &endless));
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
        self.lints
            .iter()
            .map(|finding| self.origin.fault_at(Level::Error, finding))
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
        teach(&mut state, self.format, zone, remarks);
        self.template.renders(engine, context, &mut state)
    }

    fn failed(&self, error: &RenderError) -> Fault {
        let reason = match error.reason() {
            RenderErrorReason::HelperNotFound(name) => format!("unknown helper `{name}`"),
            RenderErrorReason::PartialNotFound(name) => format!("unknown partial `{name}`"),
            other => sentence(&other.to_string()),
        };
        let fault = self
            .origin
            .fault(Level::Error, format!("cannot be rendered: {reason}"));
        match (error.line_no, error.column_no) {
            (Some(line), Some(column)) => fault.on_line(number(line), number(column)),
            _ => fault,
        }
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A message of the engine as one line that begins in lower case.
fn sentence(message: &str) -> String {
    let mut line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(first) = line.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    line
}
