//! What is stored of a decision.

use notify_core::{Millis, Severity};
use serde_json::{Value, json};

use super::{engine, event};

/// What is stored of an event of the type `a`.
fn trace(matchers: &str) -> Value {
    let (_, engine) = engine(matchers);
    let event = event(Severity::Info, "a");
    let entry = notify_bus::entry(&engine, event, Millis(0));
    serde_json::from_str(&entry.trace).expect("a trace is JSON")
}

fn matcher(name: &str, kind: &str) -> String {
    format!("matcher: {name}\n\tmatch-field exact:type={kind}\n\ttarget one\n\ttarget {name}\n\n")
}

#[test]
fn where_each_matcher_leads_is_stored() {
    let trace = trace(&(matcher("yes", "a") + &matcher("no", "b") + "matcher: bad\n\tx y\n"));
    let leads = json!({
        "default-matcher": ["mail-to-root"],
        "no": ["one", "no"],
        "yes": ["one", "yes"],
    });
    assert_eq!(trace["leads"], leads);
    assert_eq!(trace["matchers"].as_array().map(Vec::len), Some(4));
    assert_eq!(trace.get("left-out"), None);
}

#[test]
fn of_many_matchers_only_those_that_matched_are_stored() {
    let many = 300;
    let others: String = (0..many)
        .map(|number| matcher(&format!("other-{number}"), "b"))
        .collect();
    let trace = trace(&(matcher("yes", "a") + &others));
    assert_eq!(trace["left-out"], many);
    let leads = json!({"default-matcher": ["mail-to-root"], "yes": ["one", "yes"]});
    assert_eq!(trace["leads"], leads);
}
