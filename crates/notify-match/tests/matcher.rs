//! When a matcher matches. The table was seen by running Proxmox VE's own program.

mod happening;
mod section;

use happening::Happening;
use notify_core::Zone;
use notify_match::{Compiler, Matcher, MatcherSet, Router};

/// A matcher that must be good.
fn matcher(lines: &str) -> Matcher {
    section::compile(&mut Compiler::new(), "m1", lines)
        .unwrap_or_else(|faults| panic!("{lines}: {faults:?}"))
}

fn vienna() -> Zone {
    "Europe/Vienna".parse().expect("a zone")
}

/// Lines separated by `;`. Plain evaluator, trace and router must all say so.
fn check(lines: &str, event: &str, expected: bool) {
    check_at(lines, &Happening::parse(event), expected);
}

fn check_at(lines: &str, happening: &Happening, expected: bool) {
    let lines = format!("target tt\n{}", lines.replace("; ", "\n"));
    let matcher = matcher(&lines);
    let event = happening.event();
    assert_eq!(
        matcher.matches(&event, vienna()),
        expected,
        "{lines} of {happening:?}"
    );
    let set = MatcherSet::new([("m1".to_owned(), Ok(matcher))]);
    assert_eq!(
        set.evaluate(&event, vienna())[0].matched,
        expected,
        "{lines}"
    );
    let targets: &[&str] = if expected { &["tt"] } else { &[] };
    assert_eq!(set.route(&event, vienna()).targets(), targets, "{lines}");
    assert_eq!(
        Router::new(&set).route(&event, vienna()).targets(),
        targets,
        "{lines}"
    );
}

#[test]
fn without_rules_it_matches_whatever_else_is_said() {
    for lines in [
        "",
        "invert-match true",
        "mode any",
        "mode any; invert-match true",
        "mode all",
    ] {
        check(lines, "info", true);
        check(lines, "unknown type=vzdump", true);
    }
}

#[test]
fn exact_values_are_compared_whole_and_by_case() {
    check("match-field exact:type=vzdump", "info type=vzdump", true);
    check("match-field exact:type=vzdump", "info type=fencing", false);
    check("match-field exact:type=vzdump", "info", false);
    check("match-field exact:type=VZDUMP", "info type=vzdump", false);
    check(
        "match-field exact:type=replication,fencing",
        "info type=fencing",
        true,
    );
    check(
        "match-field exact:type= replication , fencing",
        "info type=fencing",
        true,
    );
    check("match-field exact:type=", "info type=", true);
    check("match-field exact:type=", "info", false);
    check("match-field exact:a=b=c", "info a=b=c", true);
    check("match-field exact:a=b,c", "info a=b,c", false);
}

#[test]
fn a_pattern_is_searched_for_in_a_field_that_is_there() {
    check("match-field regex:hostname=.*", "info hostname=", true);
    check("match-field regex:hostname=.*", "info", false);
    let domain = r"match-field regex:hostname=^.+\.example\.com$";
    check(domain, "info hostname=pve1.example.com", true);
    check(domain, "info hostname=pve1", false);
    check("match-field regex:type=dump", "info type=vzdump", true);
    check(
        "match-field regex:type=^(replication|fencing)$",
        "info type=fencing",
        true,
    );
    check(
        "match-field regex:type=^(replication|fencing)$",
        "info type=vzdump",
        false,
    );
    check("match-field regex:type=(?i)VZ", "info type=vzdump", true);
    check("match-field regex:type=", "info type=vzdump", true);
    check("match-field regex:type=", "info", false);
}

#[test]
fn lines_combine_by_mode_and_invert() {
    let types = "match-field exact:type=vzdump; match-field exact:type=fencing";
    check(types, "info type=vzdump", false);
    check(&format!("mode any; {types}"), "info type=vzdump", true);
    let both = "match-field exact:type=vzdump; match-severity error";
    check(&format!("mode any; {both}"), "error type=fencing", true);
    check(both, "error type=fencing", false);
    check(both, "error type=vzdump", true);
    check(
        &format!("invert-match true; {both}"),
        "info type=vzdump",
        true,
    );
    check(
        &format!("mode any; invert-match true; {both}"),
        "info type=vzdump",
        false,
    );
    check(
        &format!("mode any; invert-match true; {both}"),
        "info type=fencing",
        true,
    );
}

#[test]
fn severities_have_no_order() {
    check("match-severity error", "error", true);
    check("match-severity error", "warning", false);
    check("match-severity warning , error", "error", true);
    check("match-severity warning,error", "warning", true);
    let lines = "match-severity warning; match-severity error";
    check(lines, "error", false);
    check(&format!("mode any; {lines}"), "error", true);
    check("match-severity info,notice,warning,error", "unknown", false);
}

#[test]
fn a_disabled_matcher_never_matches() {
    check("disable true", "info", false);
    check("disable true; invert-match true", "info", false);
    check(
        "disable true; invert-match true; match-severity error",
        "info",
        false,
    );
    check("disable false", "info", true);
}

#[test]
fn calendars_combine_as_the_others_do() {
    let lines = "match-calendar 0-23:59; match-calendar 0-0";
    check(lines, "info", false);
    check(&format!("mode any; {lines}"), "info", true);
    check("match-calendar 0-0; invert-match true", "info", true);
}

#[test]
fn the_rules_of_the_manual() {
    // Monday 10:00 in Vienna.
    check("match-calendar 8-12", "info", true);
    check("match-calendar 8:00-15:30", "info", true);
    check("match-calendar mon-fri 9:00-17:00", "info", true);
    check("match-calendar sun,tue-wed,fri 9-17", "info", false);
    check("match-severity warning,error", "error", true);
}

#[test]
fn the_matchers_of_the_manual() {
    check("comment This matcher always matches", "unknown", true);
    let workday = "match-calendar mon-fri 9-17; comment Notify admins during working hours";
    let night = "match-calendar mon-fri 9-17; invert-match true; comment Separate target";
    let saturday = Happening {
        timestamp: 1_705_136_400,
        ..Happening::parse("info")
    };
    check(workday, "info", true);
    check(night, "info", false);
    check_at(workday, &saturday, false);
    check_at(night, &saturday, true);
    let backup = "match-field exact:type=vzdump; match-severity error";
    check(backup, "error type=vzdump hostname=pve1", true);
    check(backup, "info type=vzdump hostname=pve1", false);
    for cluster in [
        "match-field exact:type=replication; match-field exact:type=fencing; mode any",
        "match-field regex:type=^(replication|fencing)$",
    ] {
        check(cluster, "error type=replication", true);
        check(cluster, "error type=fencing hostname=pve1", true);
        check(cluster, "error type=vzdump", false);
    }
}

#[test]
fn rules_are_shown_as_proxmox_shows_them() {
    let shown = |lines| matcher(lines).rules()[0].rule().normalized();
    assert_eq!(shown("match-field exact:type=a , b"), "exact:type=a,b");
    assert_eq!(shown("match-field regex:type= a , b"), "regex:type= a , b");
    assert_eq!(shown("match-severity warning , error"), "warning,error");
    assert_eq!(shown("match-calendar mon-fri   9 - 17"), "mon-fri   9 - 17");
}

#[test]
fn a_trace_says_what_each_rule_saw() {
    let mut compiler = Compiler::new();
    let mut entry = |name: &str, lines: &str| -> (String, Result<Matcher, String>) {
        let compiled = section::compile(&mut compiler, name, lines);
        (
            name.to_owned(),
            compiled.map_err(|faults| faults[0].message.clone()),
        )
    };
    let set = MatcherSet::new([
        entry("night", "match-calendar 22-6\ninvert-match yes\ntarget t1"),
        entry("typo", "match-feild exact:type=vzdump"),
        entry(
            "errors",
            "mode any\nmatch-severity error , warning\nmatch-field regex:job-id=^backup\ntarget t2",
        ),
        entry("off", "disable 1\nmatch-calendar mon UTC\ntarget t3"),
        entry("default", "target t0"),
    ]);
    let happening = Happening::parse("warning type=vzdump");
    let trace = set.evaluate(&happening.event(), vienna());
    insta::assert_snapshot!(serde_json::to_string_pretty(&trace).expect("text"));
    assert_eq!(
        set.faulty().collect::<Vec<_>>(),
        [("typo", "unknown property `match-feild`")]
    );
    assert_eq!(set.usable().count(), 4);
}

#[test]
fn routing_names_each_target_once_and_in_order() {
    let mut compiler = Compiler::new();
    let mut entry = |name: &str, lines: &str| {
        let compiled = section::compile(&mut compiler, name, lines);
        (name.to_owned(), Ok(compiled.expect("good")))
    };
    let set = MatcherSet::new([
        entry("m2", "target zz\ntarget b1\ntarget zz"),
        entry("m1", "target b1\ntarget B1"),
        entry("m0", "target never\nmatch-severity info"),
    ]);
    let happening = Happening::parse("error");
    let router = Router::new(&set);
    for routing in [
        set.route(&happening.event(), vienna()),
        router.route(&happening.event(), vienna()),
    ] {
        assert_eq!(routing.targets(), ["B1", "b1", "zz"]);
        assert_eq!(routing.matchers().collect::<Vec<_>>(), ["m2", "m1"]);
        assert_eq!(routing.indices().collect::<Vec<_>>(), [0, 1]);
    }
}

#[test]
fn an_empty_set_routes_nowhere() {
    let set = MatcherSet::new([]);
    assert!(set.is_empty());
    let happening = Happening::parse("error");
    assert!(
        Router::new(&set)
            .route(&happening.event(), vienna())
            .targets()
            .is_empty()
    );
}
