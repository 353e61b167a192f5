//! Regular expressions that cannot hurt.

use std::fmt;
use std::sync::{Arc, OnceLock};

use notify_schema::excerpt;
use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::RuleError;

/// A regular expression in the syntax of the `regex` crate, which searches in linear time.
///
/// Its bounds: a text of at most 64 KiB, a program of at most 10 MiB (the bound of
/// the `regex` crate, so that what Proxmox VE accepts is accepted). The program is
/// made when it is first needed, because most events need few of many patterns.
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    program: Arc<OnceLock<Option<Regex>>>,
    weight: usize,
    needs_dot: bool,
}

impl Pattern {
    /// The longest text, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;
    const MAX_PROGRAM_BYTES: usize = 10 * 1024 * 1024;
    // Below this weight a program is far from the bound, however rough the weight.
    const SURELY_SMALL: usize = 64 * 1024;
    // Searching fills a cache of this size, one a pattern and thread. Over it
    // the search starts the cache anew and stays linear.
    const MAX_CACHE_BYTES: usize = 256 * 1024;

    /// Checks a pattern.
    ///
    /// # Errors
    /// [`RuleError`] when it is not a regular expression, or one over the bounds.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        if text.len() > Self::MAX_BYTES {
            return Err(RuleError::too_large(format!(
                "a regular expression of {} bytes, at most {} are allowed",
                text.len(),
                Self::MAX_BYTES
            )));
        }
        let hir = regex_syntax::parse(text).map_err(|error| syntax_error(&error, text))?;
        let pattern = Pattern {
            text: text.into(),
            program: Arc::default(),
            weight: weight(&hir),
            needs_dot: needs_dot(&hir),
        };
        if pattern.weight > Self::SURELY_SMALL {
            let program = program(text).map_err(|error| build_error(&error, text))?;
            pattern.program.get_or_init(|| Some(program));
        }
        Ok(pattern)
    }

    /// Whether it finds something in a value.
    pub fn finds(&self, value: &str) -> bool {
        // A small program can be made; were there none, nothing would be found.
        let program = self.program.get_or_init(|| program(&self.text).ok());
        program
            .as_ref()
            .is_some_and(|program| program.is_match(value))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A rough size of its program, in bytes: for a bound on many patterns together.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// Whether whatever it finds has a `.` in it. False when that is not certain.
    pub(crate) fn needs_dot(&self) -> bool {
        self.needs_dot
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.as_str()).finish()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

fn program(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text)
        .size_limit(Pattern::MAX_PROGRAM_BYTES)
        .dfa_size_limit(Pattern::MAX_CACHE_BYTES)
        .build()
}

fn syntax_error(error: &regex_syntax::Error, text: &str) -> RuleError {
    let (reason, offset) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), error.span().start.offset),
        regex_syntax::Error::Translate(error) => {
            (error.kind().to_string(), error.span().start.offset)
        }
        other => (excerpt(&other.to_string()), 0),
    };
    let column = text
        .get(..offset)
        .map_or(1, |before| before.chars().count() + 1);
    RuleError::new(format!(
        "invalid regular expression: {reason}, at column {column} of `{}`",
        excerpt(text)
    ))
}

fn build_error(error: &regex::Error, text: &str) -> RuleError {
    let shown = excerpt(text);
    match error {
        regex::Error::CompiledTooBig(limit) => RuleError::too_large(format!(
            "regular expression too large, its program would exceed {limit} bytes: `{shown}`"
        )),
        other => RuleError::new(format!(
            "invalid regular expression: {}: `{shown}`",
            excerpt(&other.to_string())
        )),
    }
}

/// About what the program of an expression takes: 32 bytes a state, repetitions written out.
fn weight(hir: &Hir) -> usize {
    const STATE: usize = 32;
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => STATE,
        HirKind::Literal(literal) => literal.0.len() * STATE,
        HirKind::Class(Class::Unicode(class)) => (1 + class.ranges().len() * 2) * STATE,
        HirKind::Class(Class::Bytes(class)) => (1 + class.ranges().len()) * STATE,
        HirKind::Repetition(repetition) => {
            let copies = repetition.max.unwrap_or(repetition.min + 1).max(1) as usize;
            weight(&repetition.sub)
                .saturating_add(STATE)
                .saturating_mul(copies)
        }
        HirKind::Capture(capture) => weight(&capture.sub) + 2 * STATE,
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts
            .iter()
            .fold(STATE, |sum, part| sum.saturating_add(weight(part))),
    }
}

fn needs_dot(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.contains(&b'.'),
        HirKind::Repetition(repetition) => repetition.min > 0 && needs_dot(&repetition.sub),
        HirKind::Capture(capture) => needs_dot(&capture.sub),
        HirKind::Concat(parts) => parts.iter().any(needs_dot),
        HirKind::Alternation(parts) => parts.iter().all(needs_dot),
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Pattern, program};

    /// Pieces that are heavy for their weight: classes of many byte sequences, in any case.
    const HEAVY: &str = concat!(
        r"((\\w|\\d|\\PL|\.|\(\?s:\.\)|\[\^a\]|\[é-\\x\{10ffff\}\]|\(\?i:ké\)|\\b|\^|\(a\|b\)|a)",
        r"(\*|\+|\{[1-9]\}|\{20\})?){0,12}"
    );

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn a_program_of_small_weight_can_be_made(text in HEAVY) {
            if let Ok(pattern) = Pattern::parse(&text)
                && pattern.weight() <= Pattern::SURELY_SMALL
            {
                prop_assert!(program(&text).is_ok(), "{} weighs {}", text, pattern.weight());
            }
        }
    }
}
