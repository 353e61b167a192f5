//! What is said of matchers that cannot be used, cannot match, or would be refused elsewhere.

mod section;

use notify_match::{Compiler, FieldRule, Matcher, Pattern, RuleKind, SeverityRule, schema};
use notify_schema::{Audience, Fault, Strictness};
use section::compile;

/// A matcher that must be good.
fn matcher(lines: &str) -> Matcher {
    section::compile(&mut Compiler::new(), "m1", lines)
        .unwrap_or_else(|faults| panic!("{lines}: {faults:?}"))
}

fn shown(faults: &[Fault]) -> Vec<String> {
    let hint = |fault: &Fault| {
        fault
            .hint
            .as_ref()
            .map_or_else(String::new, |hint| format!(" ({hint})"))
    };
    faults
        .iter()
        .map(|fault| format!("{fault}{}", hint(fault)))
        .collect()
}

#[test]
fn every_unusable_line_is_named() {
    let lines = "match-field type=vzdump\nmatch-severity error,\ntarget ok\nmatch-calendar 8..12\nmatch-field regex:a=[";
    let faults = compile(&mut Compiler::new(), "m1", lines).expect_err("four bad rules");
    let expected = [
        "notifications.cfg:2:2: error: matcher `m1`: property `match-field`: expected exact:FIELD=VALUES or regex:FIELD=PATTERN, not `type=vzdump`",
        "notifications.cfg:3:2: error: matcher `m1`: property `match-severity`: expected one of info, notice, warning, error, unknown, not ``",
        "notifications.cfg:5:2: error: matcher `m1`: property `match-calendar`: expected `-` and the end of the span at column 2 of `8..12`",
        "notifications.cfg:6:2: error: matcher `m1`: property `match-field`: invalid regular expression: unclosed character class, at column 1 of `[`",
    ];
    assert_eq!(shown(&faults), expected);
}

#[test]
fn unknown_keys_bad_modes_and_duplicates_make_it_unusable() {
    for lines in [
        "match-feild exact:a=b",
        "mode some",
        "mode all\nmode any",
        "invert-match maybe",
        "target x",
    ] {
        assert!(
            compile(&mut Compiler::new(), "m1", lines).is_err(),
            "{lines}"
        );
    }
    assert_eq!(schema().strictness(), Strictness::Strict);
}

#[test]
fn refused_rules() {
    for text in [
        "type=vzdump",
        "foo:type=x",
        "exact:ty pe=x",
        "exact:'x=1",
        "exact:type",
        "exact:=x",
        "exact:-x=1",
        "EXACT:type=x",
        "regex:type",
        "",
    ] {
        assert!(FieldRule::parse(text).is_err(), "{text:?}");
    }
    for text in [
        "regex:type=(?=a)b",
        "regex:type=[",
        "regex:type=(a)\\1",
        "regex:type=a{2,1}",
        "regex:type=*",
    ] {
        assert!(FieldRule::parse(text).is_err(), "{text:?}");
    }
    for text in [
        "Error",
        "error,",
        "",
        ",",
        "error;warning",
        "all",
        "warning error",
    ] {
        assert!(SeverityRule::parse(text).is_err(), "{text:?}");
    }
    for text in ["exact:a=b", "exact:0_a.b-c=x", "exact:type=", "regex:a="] {
        assert!(FieldRule::parse(text).is_ok(), "{text:?}");
    }
}

#[test]
fn hostile_patterns_are_refused_by_size() {
    for text in [
        "(a{1000}){1000}".to_owned(),
        r"\w{1000}".to_owned(),
        "((((a{100}){100}){100}){100})".to_owned(),
        "a".repeat(Pattern::MAX_BYTES + 1),
    ] {
        let error = Pattern::parse(&text).expect_err("too large");
        assert!(error.is_too_large(), "{error}");
        assert!(error.to_string().len() < 250, "{error}");
    }
    let nested = "(".repeat(10_000) + &")".repeat(10_000);
    assert!(Pattern::parse(&nested).is_err());
    assert!(!Pattern::parse("[").expect_err("syntax").is_too_large());
}

#[test]
fn patterns_are_bounded_in_sum() {
    let mut compiler = Compiler::new();
    let large = |count| format!(r"match-field regex:type=\w{{100}}{count}");
    let good = (0..1000)
        .take_while(|count| compile(&mut compiler, "m1", &large(*count)).is_ok())
        .count();
    assert!((10..200).contains(&good), "{good}");
    let faults = compile(&mut compiler, "m1", &large(good)).expect_err("too much");
    assert_eq!(
        faults[0].message,
        "property `match-field`: the regular expressions of the configuration are too large together, about 256 MiB are allowed"
    );
    assert!(
        compile(&mut compiler, "m1", &large(0)).is_ok(),
        "known already"
    );
    assert!(compile(&mut compiler, "m1", "match-field exact:type=a").is_ok());
}

#[test]
fn rules_of_equal_text_are_made_once() {
    let mut compiler = Compiler::new();
    let mut rule = |lines: &str| {
        compile(&mut compiler, "m1", lines).expect("good").rules()[0]
            .rule()
            .clone()
    };
    let first = rule("match-field regex:type=a");
    assert!(std::sync::Arc::ptr_eq(
        &first,
        &rule("match-field regex:type=a")
    ));
    assert!(!std::sync::Arc::ptr_eq(
        &first,
        &rule("match-field regex:type=b")
    ));
}

#[test]
fn a_matcher_that_can_never_match_is_named() {
    let check = |lines: &str, expected: Option<&str>| {
        let found = matcher(&lines.replace("; ", "\n")).never_matches();
        assert_eq!(found.as_deref(), expected, "{lines}");
    };
    check(
        "match-severity warning; match-severity error",
        Some("no severity is in all its `match-severity` lines"),
    );
    check("match-severity warning; match-severity error,warning", None);
    check(
        "mode any; match-severity warning; match-severity error",
        None,
    );
    check(
        "match-calendar 8-8; match-severity error",
        Some("`8-8` is never fulfilled"),
    );
    check("mode any; match-calendar 8-8; match-severity error", None);
    check(
        "mode any; match-calendar 8-8; match-calendar mon 0-0",
        Some("none of its rules is ever fulfilled"),
    );
    check("match-calendar 8-8; invert-match true", None);
    check(
        "match-field exact:type=a,b; match-field exact:type=c",
        Some("no value of `type` fulfils all rules on it"),
    );
    check(
        "match-field exact:type=a,b; match-field exact:type=b,c",
        None,
    );
    check(
        "match-field exact:type=a,b; match-field exact:hostname=c",
        None,
    );
    check(
        "match-field exact:type=a,b; match-field regex:type=^c",
        Some("no value of `type` fulfils all rules on it"),
    );
    check(
        "match-field exact:type=a,b; match-field regex:type=^b",
        None,
    );
    check(
        "mode any; match-field exact:type=a; match-field exact:type=c",
        None,
    );
    check(
        "match-calendar mon 8-12; match-calendar tue 8-12",
        Some("no time is in all its `match-calendar` lines"),
    );
    check("match-calendar mon 22-6; match-calendar tue 5-8", None);
    check(
        "match-calendar mon 22-6; match-calendar tue 6-8",
        Some("no time is in all its `match-calendar` lines"),
    );
    check("match-calendar mon 8-12; match-calendar tue 8-12 UTC", None);
    check(
        "match-calendar 0-24; invert-match true",
        Some("its rules are always fulfilled, and it is inverted"),
    );
    check("match-calendar 0-24", None);
    check(
        "mode any; match-severity info,notice,warning; match-severity error,unknown; invert-match true",
        Some("one of its rules is always fulfilled, and it is inverted"),
    );
    check(
        "match-severity info,notice,warning,error,unknown; match-calendar mon; invert-match true",
        None,
    );
    check("invert-match true", None);
    check("disable true; match-calendar 8-8", None);
}

#[test]
fn remarks_have_their_place() {
    let lines = "match-field regex:hostname=^.+\\.example\\.com$\nmatch-calendar 8-8";
    let expected = [
        "notifications.cfg:1:1: warning: matcher `m1`: it can never match: `8-8` is never fulfilled",
        "notifications.cfg:2:2: info: matcher `m1`: property `match-field`: `hostname` holds the short name of a node, as `pve1`, and this expects a domain",
    ];
    assert_eq!(shown(&matcher(lines).remarks()), expected);
}

#[test]
fn only_a_rule_that_needs_a_domain_is_remarked_on() {
    let check = |rule: &str, expected: bool| {
        let found = !matcher(&format!("match-field {rule}")).remarks().is_empty();
        assert_eq!(found, expected, "{rule}");
    };
    check("exact:hostname=pve1.example.com", true);
    check("exact:hostname=pve1.example.com,pve1", false);
    check("exact:type=a.b", false);
    check(r"regex:hostname=^(pve1\.a|pve2\.b)", true);
    check(r"regex:hostname=^(pve1\.a|pve2)", false);
    check(r"regex:hostname=^pve1(\.example\.com)?$", false);
    check(r"regex:hostname=^pve.$", false);
    check(r"regex:hostname=^pve[.]x", true);
}

#[test]
fn what_proxmox_would_refuse_is_marked() {
    let lines = "match-calendar mon-fri 9-17\nmatch-calendar mon..fri 9-17\nmatch-calendar 22-6\nmatch-field exact:type=a\nmatch-severity error";
    let faults = matcher(lines).pve_faults();
    let expected = [
        "notifications.cfg:2:2: error: matcher `m1`: property `match-calendar`: Proxmox VE does not accept `mon-fri 9-17` (it accepts `mon..fri 9-17`)",
        "notifications.cfg:4:2: error: matcher `m1`: property `match-calendar`: Proxmox VE does not accept `22-6` (it has no form of the same meaning on one line)",
    ];
    assert_eq!(shown(&faults), expected);
    assert!(faults.iter().all(|fault| fault.audience == Audience::Pve));
}

#[test]
fn the_built_in_matcher_is_good() {
    let builtin = &schema().builtins()[0];
    assert_eq!(builtin.name, "default-matcher");
    let lines: Vec<_> = builtin
        .properties
        .iter()
        .map(|(key, value)| format!("{key} {value}"))
        .collect();
    let matcher = matcher(&lines.join("\n"));
    assert_eq!(matcher.targets().collect::<Vec<_>>(), ["mail-to-root"]);
    assert!(matcher.remarks().is_empty() && matcher.pve_faults().is_empty());
}

#[test]
fn every_property_has_help_and_an_example_that_is_accepted() {
    let schema = schema();
    let names: Vec<_> = schema
        .properties()
        .iter()
        .map(|property| property.name)
        .collect();
    assert_eq!(
        names,
        [
            "comment",
            "disable",
            "target",
            "mode",
            "invert-match",
            "match-calendar",
            "match-field",
            "match-severity"
        ]
    );
    for property in schema.properties() {
        assert!(property.doc.ends_with('.'), "{}", property.name);
        assert!(property.in_pve, "{}", property.name);
        let line = format!("{} {}", property.name, property.example);
        assert!(compile(&mut Compiler::new(), "m1", &line).is_ok(), "{line}");
    }
    assert_eq!(RuleKind::linked().map(|kinds| kinds.len()), Ok(3));
}
