//! What a metadata field must be: `match-field exact:type=vzdump`.

use std::collections::BTreeMap;
use std::fmt;

use notify_core::{Zone, field_name_is_valid};
use notify_schema::excerpt;

use crate::{Event, Finding, Index, Pattern, Rule, RuleError};

/// A condition on one metadata field. An event without the field never fulfils it.
///
/// ```
/// use notify_match::FieldRule;
/// let rule = FieldRule::parse("exact:type= replication , fencing")?;
/// assert_eq!(rule.to_string(), "exact:type=replication,fencing");
/// # Ok::<(), notify_match::RuleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRule {
    field: Box<str>,
    test: FieldTest,
}

/// What a [`FieldRule`] asks of the value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldTest {
    /// It is one of these.
    Exact(Vec<Box<str>>),
    /// This finds something in it.
    Regex(Pattern),
}

impl FieldRule {
    /// Reads `exact:FIELD=VALUE[,VALUE…]` or `regex:FIELD=PATTERN`.
    ///
    /// Blanks around each value do not count; a value cannot hold a comma. A
    /// pattern is searched for, so it matches a whole value only with `^` and `$`.
    ///
    /// # Errors
    /// [`RuleError`] when the form, the field's name or the pattern is wrong.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let (exact, rest) = match (text.strip_prefix("exact:"), text.strip_prefix("regex:")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(form_error(text)),
        };
        let (field, rest) = rest.split_once('=').ok_or_else(|| form_error(text))?;
        if !field_name_is_valid(field) {
            return Err(RuleError::new(format!(
                "expected the name of a field: letters, digits, `_`, and after the first `.` or `-`, not `{}`",
                excerpt(field)
            )));
        }
        let test = if exact {
            FieldTest::Exact(rest.split(',').map(|value| value.trim().into()).collect())
        } else {
            FieldTest::Regex(Pattern::parse(rest)?)
        };
        let field = field.into();
        Ok(FieldRule { field, test })
    }

    /// The field that it looks at.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What it asks of the value.
    pub fn test(&self) -> &FieldTest {
        &self.test
    }

    /// Whether these fields fulfil it.
    pub fn matches(&self, fields: &BTreeMap<String, String>) -> bool {
        fields
            .get(&*self.field)
            .is_some_and(|value| self.test.accepts(value))
    }

    /// Why it never fits where `hostname` is the short name of a node, if so.
    fn expects_a_domain(&self) -> bool {
        let every_value_has_a_dot = match &self.test {
            FieldTest::Exact(values) => values.iter().all(|value| value.contains('.')),
            FieldTest::Regex(pattern) => pattern.needs_dot(),
        };
        &*self.field == "hostname" && every_value_has_a_dot
    }
}

impl FieldTest {
    /// Whether a value passes.
    pub fn accepts(&self, value: &str) -> bool {
        match self {
            FieldTest::Exact(values) => values.iter().any(|known| **known == *value),
            FieldTest::Regex(pattern) => pattern.finds(value),
        }
    }
}

fn form_error(text: &str) -> RuleError {
    RuleError::new(format!(
        "expected exact:FIELD=VALUES or regex:FIELD=PATTERN, not `{}`",
        excerpt(text)
    ))
}

impl fmt::Display for FieldRule {
    /// The form in which Proxmox VE shows it: no blanks around the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.test {
            FieldTest::Exact(values) => {
                write!(f, "exact:{}={}", self.field, values.join(","))
            }
            FieldTest::Regex(pattern) => {
                write!(f, "regex:{}={}", self.field, pattern.as_str())
            }
        }
    }
}

impl Rule for FieldRule {
    fn evaluate(&self, event: &Event<'_>, _: Zone) -> Finding {
        let saw = event.fields.get(&*self.field);
        Finding {
            saw: saw.cloned(),
            verdict: saw.is_some_and(|value| self.test.accepts(value)),
        }
    }

    fn holds(&self, event: &Event<'_>, _: Zone) -> bool {
        self.matches(event.fields)
    }

    fn normalized(&self) -> String {
        self.to_string()
    }

    fn index(&self) -> Index<'_> {
        let field = &*self.field;
        match &self.test {
            FieldTest::Exact(values) => Index::Values { field, values },
            FieldTest::Regex(pattern) => Index::Pattern { field, pattern },
        }
    }

    fn weight(&self) -> usize {
        match &self.test {
            FieldTest::Exact(_) => 0,
            FieldTest::Regex(pattern) => pattern.weight(),
        }
    }

    fn remark(&self) -> Option<String> {
        self.expects_a_domain().then(|| {
            "`hostname` holds the short name of a node, as `pve1`, and this expects a domain"
                .to_owned()
        })
    }
}
