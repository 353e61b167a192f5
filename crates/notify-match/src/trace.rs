//! Why a matcher said what it said.

use serde::Serialize;

use crate::Mode;

/// What one matcher made of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Trace {
    /// Its name.
    pub name: String,
    /// Whether its targets are notified.
    pub matched: bool,
    /// Whether it is switched off: then it does not match, whatever its rules say.
    pub disabled: bool,
    /// How its rules combine.
    pub mode: Mode,
    /// Whether the result of the rules is inverted.
    pub invert: bool,
    /// Why it cannot be used; then it does not match, and `rules` is empty.
    pub error: Option<String>,
    /// Its rules, in file order.
    pub rules: Vec<RuleTrace>,
}

/// What one rule made of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RuleTrace {
    /// The property, as `match-field`.
    pub key: &'static str,
    /// The rule, in the form in which Proxmox VE shows it.
    pub rule: String,
    /// The value that it looked at; none when the event has none.
    pub saw: Option<String>,
    /// Whether it is fulfilled.
    pub verdict: bool,
}
