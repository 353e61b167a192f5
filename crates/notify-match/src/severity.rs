//! Which severities: `match-severity warning,error`.

use std::fmt;

use notify_core::{Severity, Zone};

use crate::{Event, Finding, Index, Rule, RuleError};

/// A set of severities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Severities(u8);

impl Severities {
    /// Every severity.
    pub const ALL: Severities = Severities(0b1_1111);

    /// Whether a severity is in it.
    pub const fn contains(self, severity: Severity) -> bool {
        self.0 & (1 << severity as u8) != 0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Severities) -> Severities {
        Severities(self.0 & other.0)
    }

    /// Those that are in either.
    #[must_use]
    pub const fn or(self, other: Severities) -> Severities {
        Severities(self.0 | other.0)
    }

    /// Whether there is none in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Severity> for Severities {
    fn from_iter<I: IntoIterator<Item = Severity>>(severities: I) -> Self {
        let bits = severities
            .into_iter()
            .fold(0, |bits, severity| bits | 1 << severity as u8);
        Severities(bits)
    }
}

/// A list of severities, of which the event's must be one.
///
/// There is no order among them: `warning` does not include `error`.
///
/// ```
/// use notify_match::SeverityRule;
/// let rule = SeverityRule::parse("warning , error")?;
/// assert_eq!(rule.to_string(), "warning,error");
/// # Ok::<(), notify_match::RuleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeverityRule {
    listed: Vec<Severity>,
}

impl SeverityRule {
    /// Reads names between commas; blanks around them do not count.
    ///
    /// # Errors
    /// [`RuleError`] for a name that is no severity, the empty one included.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let listed = text
            .split(',')
            .map(|name| name.trim().parse())
            .collect::<Result<_, _>>()
            .map_err(|unknown: notify_core::UnknownSeverity| RuleError::new(unknown.to_string()))?;
        Ok(SeverityRule { listed })
    }

    /// The severities as a set.
    pub fn severities(&self) -> Severities {
        self.listed.iter().copied().collect()
    }
}

impl fmt::Display for SeverityRule {
    /// The list without blanks, as Proxmox VE shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, severity) in self.listed.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{severity}")?;
        }
        Ok(())
    }
}

impl Rule for SeverityRule {
    fn evaluate(&self, event: &Event<'_>, _: Zone) -> Finding {
        Finding {
            saw: Some(event.severity.name().to_owned()),
            verdict: self.severities().contains(event.severity),
        }
    }

    fn holds(&self, event: &Event<'_>, _: Zone) -> bool {
        self.listed.contains(&event.severity)
    }

    fn normalized(&self) -> String {
        self.to_string()
    }

    fn index(&self) -> Index<'_> {
        Index::Severities(self.severities())
    }

    fn is_always(&self) -> bool {
        self.severities() == Severities::ALL
    }
}
