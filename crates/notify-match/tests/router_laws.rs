//! The router says what the plain evaluator says, whatever the matchers, events and zones.

mod happening;
mod section;

use std::collections::BTreeMap;
use std::sync::Arc;

use happening::Happening;
use notify_core::{Severity, Zone};
use notify_match::{
    Compiler, Event, Finding, Index, MatcherSet, Router, Rule, RuleError, RuleKind, register_rule,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A kind of rule of which the router knows nothing: at least so many fields.
#[derive(Debug)]
struct FieldCount(usize);

impl Rule for FieldCount {
    fn evaluate(&self, event: &Event<'_>, _: Zone) -> Finding {
        let count = event.fields.len();
        Finding {
            saw: Some(count.to_string()),
            verdict: count >= self.0,
        }
    }

    fn normalized(&self) -> String {
        self.0.to_string()
    }
}

/// A kind of which it knows the field: a value of `t` of that length.
#[derive(Debug)]
struct Length(usize);

impl Rule for Length {
    fn evaluate(&self, event: &Event<'_>, _: Zone) -> Finding {
        let saw = event.fields.get("t").cloned();
        Finding {
            verdict: saw.as_ref().is_some_and(|value| value.len() == self.0),
            saw,
        }
    }

    fn normalized(&self) -> String {
        self.0.to_string()
    }

    fn index(&self) -> Index<'_> {
        Index::Field { field: "t" }
    }
}

fn number(text: &str) -> Result<usize, RuleError> {
    text.parse()
        .map_err(|_| RuleError::new(format!("expected a number, not `{text}`")))
}

static FIELD_COUNT: RuleKind = RuleKind::new(
    "match-field-count",
    "At least so many fields.",
    "2",
    |text| Ok(Arc::new(FieldCount(number(text)?))),
);
static LENGTH: RuleKind = RuleKind::new("match-length", "The length of `t`.", "1", |text| {
    Ok(Arc::new(Length(number(text)?)))
});
register_rule!(FIELD_COUNT);
register_rule!(LENGTH);

#[test]
fn kinds_of_others_are_properties_of_matchers() {
    let keys: Vec<_> = RuleKind::linked()
        .expect("no two of one key")
        .iter()
        .map(|kind| kind.key())
        .collect();
    assert_eq!(
        keys,
        [
            "match-calendar",
            "match-field",
            "match-field-count",
            "match-length",
            "match-severity"
        ]
    );
    let property = notify_match::schema()
        .property("match-length")
        .expect("registered");
    assert!(!property.in_pve && property.is_repeated());
    let faults =
        section::compile(&mut Compiler::new(), "m1", "match-length x").expect_err("no number");
    assert_eq!(
        faults[0].message,
        "property `match-length`: expected a number, not `x`"
    );
}

fn rule() -> impl Strategy<Value = String> {
    let field = select(vec!["t", "h", "x"]);
    let exact = (
        field.clone(),
        vec(select(vec!["a", "b", "ab", "", "a.b"]), 1..3),
    )
        .prop_map(|(field, values)| format!("match-field exact:{field}={}", values.join(",")));
    let patterns = vec![
        "", "a", "^a", "b$", "^a.b$", "(?i)A", "a|b", "^[ab]$", "aa+", "ba", "a\\.b", ".*b.*",
        "(ab)+$", "^$",
    ];
    let regex = (field, select(patterns))
        .prop_map(|(field, pattern)| format!("match-field regex:{field}={pattern}"));
    let severity = select(vec![
        "info",
        "error",
        "info,error",
        "notice,unknown",
        "info,notice,warning,error,unknown",
    ])
    .prop_map(|list| format!("match-severity {list}"));
    let calendar = select(vec![
        "8-12",
        "mon",
        "mon-fri 9-17",
        "22-6",
        "8-8",
        "0-24",
        "sat,sun UTC",
        "fri 22-6 America/New_York",
        "2:30-3:30",
    ])
    .prop_map(|text| format!("match-calendar {text}"));
    let other = select(vec![
        "match-field-count 1",
        "match-field-count 2",
        "match-length 1",
        "match-length 2",
    ])
    .prop_map(str::to_owned);
    prop_oneof![4 => exact, 4 => regex, 2 => severity, 2 => calendar, 1 => other]
}

/// A matcher's lines; some cannot be used.
fn matcher() -> impl Strategy<Value = String> {
    let targets = vec(select(vec!["t1", "t2", "t3", "t4", "t5", "t6"]), 0..3).prop_map(|names| {
        names
            .iter()
            .map(|name| format!("target {name}\n"))
            .collect::<String>()
    });
    let rules =
        prop_oneof![1 => vec(rule(), 0..=0), 4 => vec(rule(), 1..=1), 5 => vec(rule(), 2..5)];
    let flags = vec![
        "",
        "",
        "",
        "",
        "mode all",
        "mode any",
        "mode any",
        "invert-match true",
        "mode any\ninvert-match 1",
        "disable true",
        "disable true\ninvert-match true",
        "mode some",
        "match-calendar 25-26",
    ];
    (targets, rules, select(flags))
        .prop_map(|(targets, rules, flags)| format!("{targets}{}\n{flags}", rules.join("\n")))
}

fn set(matchers: &[String]) -> MatcherSet {
    let mut compiler = Compiler::new();
    let entries = (10..).zip(matchers).map(|(number, lines)| {
        let name = format!("m{number}");
        let compiled = section::compile(&mut compiler, &name, lines.trim());
        (name, compiled.map_err(|faults| faults[0].message.clone()))
    });
    MatcherSet::new(entries)
}

prop_compose! {
    fn happening()(
        severity in select(&Severity::ALL[..]),
        // A fortnight with the end of daylight saving in Vienna.
        timestamp in 1_729_400_000_i64..1_730_600_000,
        fields in proptest::collection::btree_map(select(vec!["t", "h", "x", "y"]), "[ab.]{0,3}", 0..4),
    ) -> Happening {
        let fields: BTreeMap<String, String> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Happening { severity, timestamp, fields }
    }
}

fn zone() -> impl Strategy<Value = Zone> {
    select(vec![
        Zone::Named(chrono_tz::Europe::Vienna),
        Zone::Named(chrono_tz::UTC),
        Zone::Named(chrono_tz::Asia::Tokyo),
    ])
}

fn check(set: &MatcherSet, router: &Router, happening: &Happening, zone: Zone) {
    let event = happening.event();
    let plain = set.route(&event, zone);
    assert_eq!(
        router.route(&event, zone),
        plain,
        "{happening:?} in {zone:?}"
    );
    let traces = set.evaluate(&event, zone);
    let matched = traces
        .iter()
        .filter(|trace| trace.matched)
        .map(|trace| &*trace.name);
    assert!(plain.matchers().eq(matched), "{happening:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_router_is_the_plain_evaluator(
        matchers in vec(matcher(), 0..40),
        happenings in vec((happening(), zone()), 1..60),
    ) {
        let set = set(&matchers);
        let router = Router::new(&set);
        for (happening, zone) in &happenings {
            check(&set, &router, happening, *zone);
        }
    }

    /// More than a machine word of matchers, few targets or many.
    #[test]
    fn large_sets_are_no_different(
        matchers in vec(matcher(), 60..200),
        happenings in vec(happening(), 20),
    ) {
        let set = set(&matchers);
        let router = Router::new(&set);
        for happening in &happenings {
            check(&set, &router, happening, Zone::Named(chrono_tz::UTC));
        }
    }
}

/// More values than are remembered, and some seen again.
#[test]
fn forgetting_changes_no_answer() {
    let lines = [
        "match-field regex:t=7$",
        "match-field regex:t=^1\nmatch-field exact:h=x",
        "match-field regex:t=99\ninvert-match true",
    ];
    let set = set(&lines.map(|line| format!("target tt\n{line}")));
    let router = Router::new(&set);
    for number in 0..10_000 {
        for value in [number, number % 100] {
            let happening = Happening::parse(&format!("info t={value} h=x"));
            check(&set, &router, &happening, Zone::Named(chrono_tz::UTC));
        }
    }
}

#[test]
fn threads_share_a_router() {
    let set = set(&(0..50)
        .map(|number| format!("target t{number}\nmatch-field regex:t={number}"))
        .collect::<Vec<_>>());
    let router = Router::new(&set);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..300 {
                    check(
                        &set,
                        &router,
                        &Happening::parse(&format!("info t={number}")),
                        Zone::Named(chrono_tz::UTC),
                    );
                }
            });
        }
    });
}
