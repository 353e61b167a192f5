//! The helpers that templates may call, and how Handlebars reaches them.

use std::sync::{Mutex, PoisonError};

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, PathAndJson, RenderContext,
    RenderErrorReason, Renderable as _,
};
use notify_core::Zone;
use serde_json::Value;

use crate::page::Page;
use crate::table::{Look, Options, Rows, Table};
use crate::values::{ERROR, Renderer, relative_percentage, shown};
use crate::{document, object};

/// What a text is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Subject and plain text: nothing is escaped.
    Plain,
    /// HTML.
    Html,
}

/// Remarks of helpers about values that they could not show.
pub(crate) type Remarks = Mutex<Vec<String>>;

/// The helpers that Handlebars brings.
pub(crate) const GENERAL: [&str; 17] = [
    "if", "unless", "each", "with", "lookup", "raw", "log", "eq", "ne", "gt", "gte", "lt", "lte",
    "and", "or", "not", "len",
];

#[derive(Clone, Copy, Debug)]
enum Word {
    Show(Renderer),
    RelativePercentage,
    Object,
    Table,
    HtmlDocument,
    HtmlPage,
}

const WORDS: [(&str, Word); 8] = [
    ("human-bytes", Word::Show(Renderer::HumanBytes)),
    ("duration", Word::Show(Renderer::Duration)),
    ("timestamp", Word::Show(Renderer::Timestamp)),
    ("relative-percentage", Word::RelativePercentage),
    ("object", Word::Object),
    ("table", Word::Table),
    ("html-document", Word::HtmlDocument),
    ("html-page", Word::HtmlPage),
];

/// Whether a template may call a helper of this name.
pub(crate) fn is_helper(name: &str) -> bool {
    GENERAL.contains(&name) || WORDS.iter().any(|(word, _)| *word == name)
}

/// The names of our own helpers.
pub(crate) fn own_helpers() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(name, _)| *name)
}

/// Makes the helpers known to all renderings of an engine.
///
/// They are looked up before the data's variables, so a variable of a helper's
/// name cannot be reached, as in proxmox-notify.
pub(crate) fn teach(engine: &mut Handlebars<'_>) {
    for (name, _) in WORDS {
        engine.register_helper(name, Box::new(Shared));
    }
}

/// Says what one rendering does not share with the others.
pub(crate) fn begin<'rc>(
    state: &mut RenderContext<'_, 'rc>,
    format: Format,
    zone: Zone,
    remarks: &'rc Remarks,
) {
    let own = Own {
        format,
        zone,
        remarks,
    };
    state.register_local_helper(OWN, Box::new(own));
}

/// Under this name a rendering keeps what is its own. No template can write it.
const OWN: &str = "own of this rendering";

/// What the engine knows of a helper: that there is one. To register all of them
/// for each rendering costs as much as to write a table.
struct Shared;

impl HelperDef for Shared {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        engine: &'reg Handlebars<'reg>,
        context: &'rc Context,
        state: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let own = state.get_local_helper(OWN);
        let own = own.ok_or_else(|| RenderErrorReason::HelperNotFound(OWN.to_owned()))?;
        own.call(helper, engine, context, state, out)
    }
}

/// What does the work.
struct Own<'r> {
    format: Format,
    zone: Zone,
    remarks: &'r Remarks,
}

impl HelperDef for Own<'_> {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        engine: &'reg Handlebars<'reg>,
        context: &'rc Context,
        state: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let known = WORDS.iter().find(|(name, _)| *name == helper.name());
        let (name, word) =
            *known.ok_or_else(|| RenderErrorReason::HelperNotFound(helper.name().to_owned()))?;
        let value = |at: usize| {
            helper.param(at).map(PathAndJson::value).ok_or_else(|| {
                RenderErrorReason::Other(match word.arity() {
                    1 => format!("helper `{name}` needs 1 value"),
                    arity => format!("helper `{name}` needs {arity} values"),
                })
            })
        };
        let first = value(0)?;
        let text = match word {
            Word::Show(renderer) => self.show(renderer, first),
            Word::RelativePercentage => self.share(name, first, value(1)?),
            Word::Object => self.object(first),
            Word::Table => self.table(first, options(helper)?)?,
            Word::HtmlDocument => document::document(first.as_str().unwrap_or_default()),
            Word::HtmlPage => {
                let page = Page::new(joined(helper.params()), context.data());
                out.write(&page.begin())?;
                if let Some(content) = helper.template() {
                    content.render(engine, context, state, out)?;
                }
                page.end()
            }
        };
        out.write(&text)?;
        Ok(())
    }
}

impl Word {
    fn arity(self) -> usize {
        match self {
            Word::RelativePercentage => 2,
            _ => 1,
        }
    }
}

impl Own<'_> {
    fn show(&self, renderer: Renderer, value: &Value) -> String {
        let mut out = String::new();
        if !renderer.write(value, self.zone, &mut out) {
            self.unfit(renderer.name(), renderer.expects(), value);
            out.push_str(ERROR);
        }
        out
    }

    fn share(&self, name: &str, a: &Value, b: &Value) -> String {
        relative_percentage(a, b).unwrap_or_else(|| {
            let culprit = if relative_percentage(a, &Value::from(1)).is_none() {
                a
            } else {
                b
            };
            self.unfit(name, "a number", culprit);
            ERROR.to_owned()
        })
    }

    fn object(&self, value: &Value) -> String {
        match self.format {
            Format::Plain => object::text(value),
            Format::Html => object::html(value),
        }
    }

    fn table(&self, value: &Value, options: Options<'_>) -> Result<String, RenderErrorReason> {
        let table = Table::read(value, options)
            .map_err(|reason| RenderErrorReason::Other(format!("helper `table`: {reason}")))?;
        let mut unfit = Vec::new();
        let text = match self.format {
            Format::Plain => table.text(self.zone, &mut unfit),
            Format::Html => table.html(self.zone, &mut unfit),
        };
        for cell in unfit {
            self.unfit(cell.renderer.name(), cell.renderer.expects(), &cell.value);
        }
        Ok(text)
    }

    fn unfit(&self, name: &str, expected: &str, value: &Value) {
        /// More remarks help nobody.
        const MOST: usize = 20;
        let mut remarks = self.remarks.lock().unwrap_or_else(PoisonError::into_inner);
        if remarks.len() < MOST {
            let shown = shown(value);
            remarks.push(format!(
                "`{name}` shows {ERROR}: expected {expected}, not {shown}"
            ));
        }
    }
}

/// The options of a call of `table`, which has them as `name="value"`.
fn options<'a>(helper: &'a Helper<'_>) -> Result<Options<'a>, RenderErrorReason> {
    let mut options = Options::default();
    let (mut column, mut is, mut not) = (None, None, None);
    for (name, value) in helper.hash() {
        let text = value.value().as_str();
        match *name {
            "caption" => options.caption = text,
            "columns" => options.columns = text,
            "missing" => options.missing = text.unwrap_or_default(),
            "labels" => options.labels = value.value() != &Value::Bool(false),
            "look" => options.look = look(value.value())?,
            "where" => column = text,
            "is" => is = text,
            "not" => not = text,
            // As in proxmox-notify, which knows none of them.
            _ => {}
        }
    }
    options.rows = match (column, is, not) {
        (Some(column), Some(is), None) => Rows::Where { column, is },
        (Some(column), None, Some(is)) => Rows::WhereNot { column, is },
        (None, None, None) => Rows::All,
        _ => {
            let rule = "helper `table`: `where` needs a column, and with it either `is` or `not`";
            return Err(RenderErrorReason::Other(rule.to_owned()));
        }
    };
    Ok(options)
}

fn look(value: &Value) -> Result<Look, RenderErrorReason> {
    match value.as_str() {
        Some("rows") => Ok(Look::Rows),
        Some("failed") => Ok(Look::Failed),
        _ => Err(RenderErrorReason::Other(format!(
            "helper `table`: expected a look of rows, failed, not {}",
            shown(value)
        ))),
    }
}

/// Values one after the other, as a template shows each.
fn joined(values: &[PathAndJson<'_>]) -> String {
    values.iter().map(PathAndJson::render).collect()
}
