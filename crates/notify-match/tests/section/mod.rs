//! Matchers from a few lines.

use notify_match::{Compiler, Matcher, schema};
use notify_schema::{Fault, Position, RawProperty, Source};

/// Checks and compiles the lines `key value` of a section that begins on line 1.
pub(crate) fn compile(
    compiler: &mut Compiler,
    name: &str,
    lines: &str,
) -> Result<Matcher, Vec<Fault>> {
    let raw: Vec<_> = lines
        .lines()
        .zip(2..)
        .map(|(line, number)| {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            RawProperty::new(key, value.trim(), Position::new(Source::Public, number, 2))
        })
        .collect();
    let checked = schema().check(name, Position::new(Source::Public, 1, 1), &raw);
    match checked.fields {
        Some(fields) => compiler.matcher(&fields),
        None => Err(checked.faults),
    }
}
