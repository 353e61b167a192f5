//! What templates may call, beside what Handlebars brings.

use std::sync::LazyLock;

use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason, no_escape,
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

/// What `url-encode` escapes beside controls and what is not ASCII, as in Proxmox VE.
const URL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b':')
    .add(b'/')
    .add(b'?')
    .add(b'#')
    .add(b'[')
    .add(b']')
    .add(b'@')
    .add(b'!')
    .add(b'$')
    .add(b'&')
    .add(b'\'')
    .add(b'(')
    .add(b')')
    .add(b'*')
    .add(b'+')
    .add(b',')
    .add(b';')
    .add(b'=')
    .add(b'%');

/// The helpers of Handlebars that Proxmox VE has too.
const GENERAL: [&str; 17] = [
    "if", "unless", "each", "with", "lookup", "raw", "log", "eq", "ne", "gt", "gte", "lt", "lte",
    "and", "or", "not", "len",
];

/// Our own that take a text and nothing else.
pub(crate) const OF_TEXT: [&str; 2] = ["url-encode", "escape"];
/// Our own that take any value.
const OF_ANY: &str = "json";

/// Whether there is a helper of this name.
pub(crate) fn is_helper(name: &str) -> bool {
    GENERAL.contains(&name) || is_own(name)
}

/// Whether it is one of those that need a value.
pub(crate) fn is_own(name: &str) -> bool {
    OF_TEXT.contains(&name) || name == OF_ANY
}

/// The engine with all helpers. Nothing is escaped unless a template asks for it; a missing value is empty.
pub(crate) static ENGINE: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut engine = Handlebars::new();
    engine.register_escape_fn(no_escape);
    engine.register_helper("url-encode", Box::new(url_encode));
    engine.register_helper("escape", Box::new(escape));
    engine.register_helper("json", Box::new(json));
    // The one that Handlebars brings would write what it is given, a secret too, into a log.
    engine.register_helper("log", Box::new(nothing));
    engine
});

fn url_encode(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let encoded = utf8_percent_encode(text(helper)?, URL).to_string();
    Ok(out.write(&encoded)?)
}

/// A text as it stands between the quotes of a JSON string.
fn escape(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let quoted = Value::from(text(helper)?).to_string();
    Ok(out.write(&quoted[1..quoted.len() - 1])?)
}

/// Any value as compact JSON; the keys of objects are sorted.
fn json(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let value = helper.param(0).ok_or_else(|| missing(helper))?;
    Ok(out.write(&value.value().to_string())?)
}

fn nothing(
    _: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    _: &mut dyn Output,
) -> HelperResult {
    Ok(())
}

/// The first value, which must be a text. The error names it and does not quote it.
fn text<'a>(helper: &'a Helper<'_>) -> Result<&'a str, RenderErrorReason> {
    let given = helper.param(0).ok_or_else(|| missing(helper))?;
    given.value().as_str().ok_or_else(|| {
        let what = match given.value() {
            Value::Null => "missing",
            Value::Bool(_) => "a flag",
            Value::Number(_) => "a number",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
            Value::String(_) => "a text",
        };
        let name = helper.name();
        let reason = match given.relative_path() {
            Some(path) => format!("`{name}` needs a text, and `{path}` is {what}"),
            None => format!("`{name}` needs a text, not {what}"),
        };
        RenderErrorReason::Other(reason)
    })
}

fn missing(helper: &Helper<'_>) -> RenderErrorReason {
    RenderErrorReason::Other(format!("`{}` needs a value", helper.name()))
}
