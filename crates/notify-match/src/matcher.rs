//! A matcher: rules, how they combine, and whom it notifies.

use std::collections::HashMap;
use std::sync::Arc;

use notify_core::Zone;
use notify_schema::{Fault, Fields, Position, Value};
use serde::Serialize;

use crate::schema::MATCHER;
use crate::{Event, Rule, RuleError, RuleKind};

/// How the rules of a matcher combine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// All of them must be fulfilled.
    #[default]
    All,
    /// One of them must be fulfilled.
    Any,
}

/// A compiled matcher.
///
/// Without rules it matches every event, even inverted: as Proxmox VE does.
#[derive(Clone, Debug)]
pub struct Matcher {
    name: Box<str>,
    header: Position,
    mode: Mode,
    inverted: bool,
    disabled: bool,
    targets: Vec<Box<str>>,
    rules: Vec<MatcherRule>,
}

/// One rule of a matcher.
#[derive(Clone, Debug)]
pub struct MatcherRule {
    key: &'static str,
    text: Arc<str>,
    rule: Arc<dyn Rule>,
    at: Position,
}

impl MatcherRule {
    /// The property that it stands in, as `match-field`.
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// Its text as the file has it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The rule itself; equal texts share one when one [`Compiler`] made them.
    pub fn rule(&self) -> &Arc<dyn Rule> {
        &self.rule
    }

    /// Where it stands.
    pub fn at(&self) -> Position {
        self.at
    }
}

impl Matcher {
    /// Compiles one matcher by itself. For many use a [`Compiler`], which shares equal rules.
    ///
    /// # Errors
    /// Every unusable rule, each with its place: such a matcher must not be
    /// evaluated, because without the rule it could match everything.
    pub fn compile(fields: &Fields) -> Result<Self, Vec<Fault>> {
        Compiler::new().matcher(fields)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its section begins.
    pub fn header(&self) -> Position {
        self.header
    }

    /// How its rules combine.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether its result is inverted.
    pub fn is_inverted(&self) -> bool {
        self.inverted
    }

    /// Whether it is switched off, so that it never matches.
    pub fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// The targets that it notifies, as the file has them.
    pub fn targets(&self) -> impl ExactSizeIterator<Item = &str> {
        self.targets.iter().map(|target| &**target)
    }

    /// Its rules, in file order.
    pub fn rules(&self) -> &[MatcherRule] {
        &self.rules
    }

    /// Whether it matches an event. `zone` is that of calendars that name none.
    ///
    /// The definition: rules folded by mode, the result inverted if so asked. Rules
    /// of one kind are not folded apart, since that gives the same.
    pub fn matches(&self, event: &Event<'_>, zone: Zone) -> bool {
        if self.disabled || self.rules.is_empty() {
            return !self.disabled;
        }
        let mut verdicts = self.rules.iter().map(|rule| rule.rule.holds(event, zone));
        let result = match self.mode {
            Mode::All => verdicts.all(|verdict| verdict),
            Mode::Any => verdicts.any(|verdict| verdict),
        };
        result != self.inverted
    }
}

/// Compiles the matchers of one configuration; rules of equal text are made once.
///
/// Bounds what they take together: regular expressions of more than
/// [`Compiler::MAX_WEIGHT`] bytes in sum are refused.
#[derive(Debug)]
pub struct Compiler {
    kinds: Vec<&'static RuleKind>,
    made: HashMap<(&'static str, Arc<str>), Made>,
    weight: usize,
}

type Made = Result<Arc<dyn Rule>, RuleError>;

impl Default for Compiler {
    fn default() -> Self {
        Compiler::new()
    }
}

impl Compiler {
    /// The most that all rules together may take, by rough count: some 300,000 usual patterns.
    pub const MAX_WEIGHT: usize = 256 * 1024 * 1024;

    /// A compiler that knows all linked kinds of rules.
    pub fn new() -> Self {
        Compiler {
            kinds: crate::rule::effective(),
            made: HashMap::new(),
            weight: 0,
        }
    }

    /// Compiles one matcher.
    ///
    /// # Errors
    /// Every unusable rule, each with its place.
    pub fn matcher(&mut self, fields: &Fields) -> Result<Matcher, Vec<Fault>> {
        let (mut rules, mut faults) = (Vec::new(), Vec::new());
        for entry in fields.entries() {
            let Value::Text(text) = &entry.value else {
                continue;
            };
            let Some(kind) = self.kind(entry.property.name) else {
                continue;
            };
            match self.rule(kind, text) {
                Ok((text, rule)) => rules.push(MatcherRule {
                    key: kind.key(),
                    text,
                    rule,
                    at: entry.at,
                }),
                Err(error) => {
                    let message = format!("property `{}`: {error}", kind.key());
                    faults.push(fields.fault_at(entry.at, message));
                }
            }
        }
        if faults.is_empty() {
            Ok(assembled(fields, rules))
        } else {
            Err(faults)
        }
    }

    fn kind(&self, key: &str) -> Option<&'static RuleKind> {
        self.kinds.iter().copied().find(|kind| kind.key() == key)
    }

    fn rule(
        &mut self,
        kind: &'static RuleKind,
        text: &str,
    ) -> Result<(Arc<str>, Arc<dyn Rule>), RuleError> {
        let text: Arc<str> = text.into();
        let key = (kind.key(), Arc::clone(&text));
        if let Some((known, made)) = self.made.get_key_value(&key) {
            return made.clone().map(|rule| (Arc::clone(&known.1), rule));
        }
        let made = kind.compile(&text).and_then(|rule| self.weighed(rule));
        self.made.insert(key, made.clone());
        made.map(|rule| (text, rule))
    }

    fn weighed(&mut self, rule: Arc<dyn Rule>) -> Made {
        let weight = self.weight.saturating_add(rule.weight());
        if weight > Self::MAX_WEIGHT {
            return Err(RuleError::too_large(format!(
                "the regular expressions of the configuration are too large together, about {} MiB are allowed",
                Self::MAX_WEIGHT / (1024 * 1024)
            )));
        }
        self.weight = weight;
        Ok(rule)
    }
}

fn assembled(fields: &Fields, rules: Vec<MatcherRule>) -> Matcher {
    debug_assert_eq!(fields.kind(), MATCHER);
    Matcher {
        name: fields.name().into(),
        header: fields.header(),
        mode: match fields.text("mode") {
            Some("any") => Mode::Any,
            _ => Mode::All,
        },
        inverted: fields.flag("invert-match"),
        disabled: fields.flag("disable"),
        targets: fields.texts(crate::TARGET).map(Into::into).collect(),
        rules,
    }
}
