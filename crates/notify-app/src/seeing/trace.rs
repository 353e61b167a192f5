//! The decision as it was stored with the event: what every matcher and every rule saw and said.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use notify_match::{Mode, Trace};
use serde::{Deserialize, Serialize};

use crate::console::Console;
use crate::shapes::printable;

/// A stored decision. Older versions leave keys out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct StoredDecision {
    /// The targets that were chosen, whether or not they existed.
    pub(crate) targets: Vec<String>,
    /// Chosen, and there was no such target.
    pub(crate) missing: Vec<String>,
    /// Chosen, and switched off.
    pub(crate) disabled: Vec<String>,
    /// Chosen, and its section had a fault.
    pub(crate) unusable: Vec<String>,
    /// The matchers in file order, built-ins last.
    pub(crate) matchers: Vec<StoredMatcher>,
    /// How many matchers did not match and are not among them.
    pub(crate) left_out: usize,
    /// The targets that each of the matchers names, where they were stored.
    pub(crate) leads: Option<BTreeMap<String, Vec<String>>>,
    /// Why no target could be chosen yet.
    pub(crate) undecided: Option<String>,
}

/// What one matcher made of the event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct StoredMatcher {
    pub(crate) name: String,
    pub(crate) matched: bool,
    pub(crate) disabled: bool,
    pub(crate) mode: String,
    pub(crate) invert: bool,
    pub(crate) error: Option<String>,
    pub(crate) rules: Vec<StoredRule>,
}

/// What one rule made of the event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct StoredRule {
    pub(crate) key: String,
    pub(crate) rule: String,
    pub(crate) saw: Option<String>,
    pub(crate) verdict: bool,
}

impl StoredDecision {
    /// Reads what was stored; none when it has another form.
    pub(crate) fn read(trace: &str) -> Option<Self> {
        serde_json::from_str(trace).ok()
    }

    /// Whether a target was chosen.
    pub(crate) fn chose(&self, target: &str) -> bool {
        self.targets.iter().any(|chosen| chosen == target)
    }

    /// Whether a matcher leads to a target; none when that was not stored.
    pub(crate) fn leads(&self, matcher: &StoredMatcher, target: &str) -> Option<bool> {
        let targets = self.leads.as_ref()?.get(&matcher.name)?;
        Some(targets.iter().any(|named| named == target))
    }

    /// The targets that are named by matchers or were chosen, sorted.
    pub(crate) fn known_targets(&self) -> Vec<&str> {
        let named = self.leads.iter().flat_map(BTreeMap::values);
        let all = named.flatten().chain(&self.targets);
        let mut all: Vec<&str> = all.map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl From<&Trace> for StoredMatcher {
    fn from(trace: &Trace) -> Self {
        let rules = trace.rules.iter().map(|rule| StoredRule {
            key: rule.key.to_owned(),
            rule: rule.rule.clone(),
            saw: rule.saw.clone(),
            verdict: rule.verdict,
        });
        let mode = match trace.mode {
            Mode::All => "all",
            Mode::Any => "any",
        };
        StoredMatcher {
            name: trace.name.clone(),
            matched: trace.matched,
            disabled: trace.disabled,
            mode: mode.to_owned(),
            invert: trace.invert,
            error: trace.error.clone(),
            rules: rules.collect(),
        }
    }
}

/// A matcher and its rules, a line each.
pub(crate) fn matcher_text(matcher: &StoredMatcher, console: &Console) -> String {
    let verdict = match (&matcher.error, matcher.disabled, matcher.matched) {
        (Some(error), ..) => console.bad(&format!("has a fault: {}", printable(error))),
        (None, true, _) => console.doubtful("is disabled"),
        (None, false, true) => console.good("matches"),
        (None, false, false) => console.bad("does not match"),
    };
    let inverted = if matcher.invert { ", inverted" } else { "" };
    let (name, mode) = (printable(&matcher.name), printable(&matcher.mode));
    let mut text = format!("{name} {verdict} (mode {mode}{inverted})\n");
    for rule in &matcher.rules {
        let saw = rule.saw.as_deref();
        let saw = saw.map_or_else(
            || "nothing".to_owned(),
            |saw| format!("`{}`", printable(saw)),
        );
        let said = if rule.verdict {
            console.good("yes")
        } else {
            console.bad("no")
        };
        let (key, rule) = (printable(&rule.key), printable(&rule.rule));
        let _ = writeln!(text, "  {said}: {key} {rule}, saw {saw}");
    }
    if matcher.rules.is_empty() && matcher.error.is_none() {
        text.push_str("  no rule: it matches every event\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{StoredDecision, StoredMatcher, matcher_text};
    use crate::args::Color;
    use crate::console::Console;

    #[test]
    fn what_an_older_version_left_out_is_empty() {
        let read = StoredDecision::read(r#"{"targets":["a"],"matchers":[{"name":"m"}]}"#);
        let decision = read.expect("a decision");
        assert!(decision.chose("a") && !decision.chose("b"));
        assert_eq!(decision.leads(&decision.matchers[0], "a"), None);
        assert_eq!(StoredDecision::read("sent by hand"), None);
        assert_eq!(StoredDecision::read("{}"), Some(StoredDecision::default()));
    }

    #[test]
    fn targets_are_known_from_matchers_and_choice() {
        let stored = r#"{"targets":["b","a"],"matchers":[{"name":"m"}],"leads":{"m":["c","a"]}}"#;
        let decision = StoredDecision::read(stored).expect("a decision");
        assert_eq!(decision.known_targets(), ["a", "b", "c"]);
        let leads = ["a", "b"].map(|it| decision.leads(&decision.matchers[0], it));
        assert_eq!(leads, [Some(true), Some(false)]);
    }

    #[test]
    fn a_terminal_gets_no_control_character() {
        let matcher = StoredMatcher {
            name: "m".to_owned(),
            mode: "all".to_owned(),
            error: Some("\u{1b}[2J".to_owned()),
            ..StoredMatcher::default()
        };
        let text = matcher_text(&matcher, &Console::new(Color::Never, false, false));
        assert_eq!(text, "m has a fault: \\u{1b}[2J (mode all)\n");
    }
}
