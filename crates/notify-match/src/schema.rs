//! The properties of a matcher, and the kinds of rules that are built in.

use std::sync::Arc;

use notify_core::TargetType;
use notify_schema::{Builtin, Kind, Property, Schema};

use crate::{Calendar, FieldRule, RuleKind, SeverityRule, register_rule};

/// The section type of matchers.
pub const MATCHER: &str = "matcher";

/// The manual of matchers, in Markdown.
pub const MANUAL: &str = include_str!("../manual.md");

/// The property that names the targets of a matcher.
pub const TARGET: &str = "target";

static TARGETS: Property = Property::repeated(
    TARGET,
    Kind::Name,
    "Target to notify when the matcher matches. Can be given several times.",
)
.example("mail-to-root");

static MODE: Property = Property::default(
    "mode",
    Kind::Choice(&["all", "any"]),
    "all",
    "Whether all rules must match, or any one of them.",
)
.example("any");

static INVERT: Property = Property::default(
    "invert-match",
    Kind::Boolean,
    "false",
    "Inverts the result of the whole matcher. A matcher without rules matches all the same.",
)
.example("true");

/// A matcher's own properties.
pub(crate) static OWN: [&Property; 5] = [
    TargetType::COMMON[0],
    TargetType::COMMON[1],
    &TARGETS,
    &MODE,
    &INVERT,
];

static BUILTINS: [Builtin; 1] = [Builtin {
    name: "default-matcher",
    properties: &[
        ("mode", "all"),
        (TARGET, "mail-to-root"),
        ("comment", "Route all notifications to mail-to-root"),
    ],
}];

/// The schema of matcher sections: a matcher's own properties, then one for each
/// linked kind of rule, sorted by name. Strict: a rule that were ignored could
/// make the matcher match everything.
pub fn schema() -> Schema {
    let rules = crate::rule::effective();
    let properties = OWN
        .into_iter()
        .chain(rules.into_iter().map(RuleKind::property));
    Schema::new(MATCHER, properties)
        .strict()
        .with_builtins(&BUILTINS)
}

static MATCH_FIELD: RuleKind = RuleKind::new(
    "match-field",
    "Match a metadata field: `exact:FIELD=VALUE,VALUE` or `regex:FIELD=PATTERN`. \
     An event without the field does not match.",
    "exact:type=vzdump",
    |text| Ok(Arc::new(FieldRule::parse(text)?)),
)
.known_to_pve();

static MATCH_SEVERITY: RuleKind = RuleKind::new(
    "match-severity",
    "Match one of these severities, comma-separated: info, notice, warning, error, unknown.",
    "warning,error",
    |text| Ok(Arc::new(SeverityRule::parse(text)?)),
)
.known_to_pve();

static MATCH_CALENDAR: RuleKind = RuleKind::new(
    "match-calendar",
    "Match the time of the event: days, a span of the day, or both, as `mon-fri 9-17`.",
    "mon-fri 9-17",
    |text| Ok(Arc::new(Calendar::parse(text)?)),
)
.known_to_pve();

register_rule!(MATCH_FIELD);
register_rule!(MATCH_SEVERITY);
register_rule!(MATCH_CALENDAR);
