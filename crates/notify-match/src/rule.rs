//! What a rule is, and how kinds of rules are found.

use std::fmt;
use std::sync::Arc;

use notify_core::Zone;
use notify_schema::{Kind, Property};

use crate::{Calendar, CalendarError, Event, Pattern, Severities};

/// One condition of a matcher. It is total: it has a verdict for every event.
pub trait Rule: fmt::Debug + Send + Sync {
    /// What it saw of the event, and what it makes of that. `zone` is the zone of
    /// wall clocks where the rule names none.
    fn evaluate(&self, event: &Event<'_>, zone: Zone) -> Finding;

    /// The verdict alone.
    fn holds(&self, event: &Event<'_>, zone: Zone) -> bool {
        self.evaluate(event, zone).verdict
    }

    /// The rule as people should see it, as Proxmox VE would show it.
    fn normalized(&self) -> String;

    /// How the router may find it without evaluating it. It must say the same as [`Rule::holds`].
    fn index(&self) -> Index<'_> {
        Index::Unindexed
    }

    /// Whether no event fulfils it. False when that is not certain.
    fn is_never(&self) -> bool {
        false
    }

    /// Whether every event fulfils it. False when that is not certain.
    fn is_always(&self) -> bool {
        false
    }

    /// Roughly how many bytes it takes, when that could be many.
    fn weight(&self) -> usize {
        0
    }

    /// What a person should know who wrote it, for `check`.
    fn remark(&self) -> Option<String> {
        None
    }

    /// Whether Proxmox VE, which knows the property, would refuse this value.
    fn pve_refusal(&self) -> Option<PveRefusal> {
        None
    }
}

/// What a rule made of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The value that it looked at; none when the event has none.
    pub saw: Option<String>,
    /// Whether the rule is fulfilled.
    pub verdict: bool,
}

/// Why Proxmox VE refuses a rule that is accepted here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PveRefusal {
    /// The rule with the same meaning that it accepts, if there is one.
    pub strict: Option<String>,
}

/// What a verdict depends on, so that the router need not ask each rule.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Index<'a> {
    /// Anything. The rule is asked for each event.
    Unindexed,
    /// The field is there and is one of these values.
    Values {
        /// Name of the field.
        field: &'a str,
        /// Accepted values.
        values: &'a [Box<str>],
    },
    /// The field is there and the pattern finds something in it.
    Pattern {
        /// Name of the field.
        field: &'a str,
        /// What is searched for.
        pattern: &'a Pattern,
    },
    /// Only the value of this field; without the field the verdict is no.
    Field {
        /// Name of the field.
        field: &'a str,
    },
    /// The severity is one of these.
    Severities(Severities),
    /// The calendar matches the time of the event.
    Calendar(&'a Calendar),
}

/// Makes a rule from the value of a property. Pure: the same text, the same rule.
pub type CompileRule = fn(&str) -> Result<Arc<dyn Rule>, RuleError>;

/// A kind of rule: a property of matchers that may stand any number of times.
///
/// Register a `static` one with [`register_rule!`](crate::register_rule).
#[derive(Debug)]
pub struct RuleKind {
    property: Property,
    compile: CompileRule,
}

impl RuleKind {
    /// A kind that Proxmox VE does not know.
    ///
    /// `key` is the name of the property, kebab-case; `doc` is what people read
    /// in the help, full sentences; `example` is a value that is accepted.
    pub const fn new(
        key: &'static str,
        doc: &'static str,
        example: &'static str,
        compile: CompileRule,
    ) -> Self {
        RuleKind {
            property: Property::repeated(key, Kind::text(), doc)
                .example(example)
                .ours(),
            compile,
        }
    }

    pub(crate) const fn known_to_pve(mut self) -> Self {
        self.property.in_pve = true;
        self
    }

    /// The name of its property.
    pub const fn key(&self) -> &'static str {
        self.property.name
    }

    /// Its property.
    pub const fn property(&'static self) -> &'static Property {
        &self.property
    }

    /// Makes a rule.
    ///
    /// # Errors
    /// [`RuleError`] says what is wrong with the text.
    pub fn compile(&self, text: &str) -> Result<Arc<dyn Rule>, RuleError> {
        (self.compile)(text)
    }

    /// All kinds that are linked into this program, sorted by key.
    ///
    /// # Errors
    /// [`RuleKindError`] when two have one key, or one has the key of a matcher's
    /// own property.
    pub fn linked() -> Result<Vec<&'static RuleKind>, RuleKindError> {
        let kinds = all_linked();
        let own = |kind: &&RuleKind| crate::schema::OWN.iter().any(|own| own.name == kind.key());
        let twice = kinds.windows(2).find(|pair| pair[0].key() == pair[1].key());
        match twice
            .map(|pair| pair[0])
            .or(kinds.iter().copied().find(own))
        {
            Some(kind) => Err(RuleKindError { key: kind.key() }),
            None => Ok(kinds),
        }
    }
}

/// Two kinds of rules that cannot live in one program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two properties of matchers are named `{key}`; link only one of them")]
pub struct RuleKindError {
    /// The name.
    pub key: &'static str,
}

/// Sorted, because `inventory` visits in link order and no output may differ
/// from one build to the next.
fn all_linked() -> Vec<&'static RuleKind> {
    let mut kinds: Vec<_> = inventory::iter::<Linked>().map(|linked| linked.0).collect();
    kinds.sort_by_key(|kind| (kind.key(), kind.property.doc));
    kinds
}

/// The kinds of rules that take effect: of one key, the first.
pub(crate) fn effective() -> Vec<&'static RuleKind> {
    let mut kinds = all_linked();
    kinds.dedup_by_key(|kind| kind.key());
    kinds.retain(|kind| crate::schema::OWN.iter().all(|own| own.name != kind.key()));
    kinds
}

/// A linked kind of rule. Made by [`register_rule!`](crate::register_rule).
#[doc(hidden)]
#[derive(Debug)]
pub struct Linked(pub &'static RuleKind);

inventory::collect!(Linked);

/// Registers a `static` [`RuleKind`], so that matchers may have such rules.
///
/// ```
/// use std::sync::Arc;
/// use notify_core::Zone;
/// use notify_match::{Event, Finding, Rule, RuleError, RuleKind, register_rule};
///
/// /// Events with at least this many fields.
/// #[derive(Debug)]
/// struct FieldCount(usize);
///
/// impl Rule for FieldCount {
///     fn evaluate(&self, event: &Event<'_>, _: Zone) -> Finding {
///         let count = event.fields.len();
///         Finding { saw: Some(count.to_string()), verdict: count >= self.0 }
///     }
///     fn normalized(&self) -> String {
///         self.0.to_string()
///     }
/// }
///
/// fn compile(text: &str) -> Result<Arc<dyn Rule>, RuleError> {
///     let count = text.parse().map_err(|_| RuleError::new(format!("expected a number, not `{text}`")))?;
///     Ok(Arc::new(FieldCount(count)))
/// }
///
/// static FIELD_COUNT: RuleKind =
///     RuleKind::new("match-field-count", "Only events with that many fields.", "2", compile);
/// register_rule!(FIELD_COUNT);
///
/// assert!(RuleKind::linked()?.iter().any(|kind| kind.key() == "match-field-count"));
/// # Ok::<(), notify_match::RuleKindError>(())
/// ```
#[macro_export]
macro_rules! register_rule {
    ($kind:path) => {
        $crate::export::inventory::submit! { $crate::LinkedRule(&$kind) }
    };
}

/// Why the text of a rule is not accepted: lower case, no full stop, ends with the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RuleError {
    message: String,
    too_large: bool,
}

impl RuleError {
    /// An error with this message.
    pub fn new(message: impl Into<String>) -> Self {
        RuleError {
            message: message.into(),
            too_large: false,
        }
    }

    /// An error of size: the rule is well formed and over a bound.
    pub fn too_large(message: impl Into<String>) -> Self {
        RuleError {
            too_large: true,
            ..RuleError::new(message)
        }
    }

    /// Whether the rule is well formed and only too large.
    pub fn is_too_large(&self) -> bool {
        self.too_large
    }
}

impl From<CalendarError> for RuleError {
    fn from(error: CalendarError) -> Self {
        RuleError::new(error.to_string())
    }
}
