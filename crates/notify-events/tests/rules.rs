//! Whether an event is sent at all.

use std::path::Path;

use notify_config::PackageUpdates as Told;
use notify_core::Content;
use notify_events::{Circumstances, Emission, EventKind, Rules};
use serde_json::{Value, json};

fn emission(kind: &str, data: Value, state: &Path, told: Told) -> Emission {
    let kind = EventKind::named(kind).expect("a kind");
    let rules = Rules {
        state,
        package_updates: told,
    };
    let here = Circumstances::new("pve1", 1_704_700_000);
    kind.emission(data, &here, &rules).expect("good data")
}

fn verdict(kind: &str, data: Value) -> Result<Value, String> {
    let nowhere = Path::new("/nonexistent");
    emission(kind, data, nowhere, Told::Auto)
        .verdict
        .map(data_of)
}

fn data_of(event: notify_events::Event) -> Value {
    match event.content {
        Content::Template { data, .. } => data,
        other => panic!("not a template: {other:?}"),
    }
}

#[test]
fn kinds_without_a_rule_are_always_sent() {
    for name in ["fencing", "test", "vzdump"] {
        let example = EventKind::named(name).and_then(EventKind::example);
        let data = serde_json::from_str(example.expect("an example")).expect("JSON");
        assert!(verdict(name, data).is_ok(), "{name}");
    }
}

/// Every example can be sent: no rule holds it back.
#[test]
fn every_example_is_sent() {
    for kind in EventKind::all() {
        let Some(example) = kind.example() else {
            continue;
        };
        let state = tempfile::tempdir().expect("a temporary folder");
        let data = serde_json::from_str(example).expect("JSON");
        let emission = emission(kind.name, data, state.path(), Told::Auto);
        assert_eq!(emission.verdict.err(), None, "{}", kind.name);
    }
}

#[test]
fn replication_backs_off() {
    let job = |count: u64| json!({"job-id": "100-0", "job-target": "pve2", "failure-count": count, "error": "x"});
    let told: Vec<u64> = (0..400)
        .filter(|count| verdict("replication", job(*count)).is_ok())
        .collect();
    assert_eq!(told, [1, 2, 3, 48, 96, 192, 384]);
    assert_eq!(
        verdict("replication", job(4)),
        Err("failure 4 in a row: people are told of 1, 2, 3, 48, 96, 192 and so on".to_owned())
    );
    assert_eq!(
        verdict("replication", job(0)),
        Err("the job did not fail".to_owned())
    );
    // In the fourth year of a failure each quarter of an hour it is still told.
    assert!(verdict("replication", job(48 << 11)).is_ok());
}

fn updates(packages: &[(&str, &str)]) -> Value {
    let rows = packages.iter().map(|(name, version)| {
        json!({"package-name": name, "installed-version": "0", "available-version": version})
    });
    json!({"available-updates": rows.collect::<Vec<_>>()})
}

/// The packages that people are told of, or why none; taken or not.
fn tell(packages: &[(&str, &str)], state: &Path, taken: bool) -> Result<Vec<String>, String> {
    let emission = emission("package-updates", updates(packages), state, Told::Auto);
    assert_eq!(emission.remarks, [""; 0]);
    let names = emission.verdict.clone().map(|event| {
        let data = data_of(event);
        let rows = data["available-updates"]["data"].as_array().expect("rows");
        let name = |row: &Value| row["package-name"].as_str().expect("a name").to_owned();
        rows.iter().map(name).collect()
    });
    if taken {
        emission.taken().expect("written");
    }
    names
}

#[test]
fn updates_are_told_once_and_only_when_they_were_taken() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let tell = |packages: &[(&str, &str)], taken| tell(packages, state.path(), taken);
    let known = Err("people were told of all updates already".to_owned());
    let both = [("a", "1"), ("b", "1")];
    assert_eq!(tell(&both, false), Ok(vec!["a".into(), "b".into()]));
    assert_eq!(
        tell(&both, true),
        Ok(vec!["a".into(), "b".into()]),
        "not taken before"
    );
    assert_eq!(tell(&both, true), known);
    assert_eq!(
        tell(&[("a", "1"), ("b", "2"), ("c", "1")], true),
        Ok(vec!["b".into(), "c".into()])
    );
    assert_eq!(tell(&[("a", "1"), ("b", "2"), ("c", "1")], true), known);
    assert_eq!(tell(&[], true), Err("there are no updates".to_owned()));
    // What was told stays told after it was gone for a while.
    assert_eq!(tell(&both[..1], true), known);
}

#[test]
fn never_is_never_and_looks_at_no_state() {
    let nowhere = Path::new("/nonexistent");
    let told = |told| emission("package-updates", updates(&[("a", "1")]), nowhere, told).verdict;
    assert_eq!(
        told(Told::Never).err().as_deref(),
        Some("datacenter.cfg has `notify: package-updates=never`")
    );
    let state = tempfile::tempdir().expect("a temporary folder");
    for always in [Told::Auto, Told::Always] {
        let updates = updates(&[("a", "1")]);
        assert!(
            emission("package-updates", updates, state.path(), always)
                .verdict
                .is_ok()
        );
    }
}

#[test]
fn a_damaged_memory_is_said_and_begun_anew() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let file = state.path().join("announced-updates.json");
    std::fs::write(&file, "{\"version\":1,").expect("written");
    let emission = emission(
        "package-updates",
        updates(&[("a", "1")]),
        state.path(),
        Told::Auto,
    );
    assert!(emission.verdict.is_ok());
    let [remark] = &emission.remarks[..] else {
        panic!("one remark: {:?}", emission.remarks)
    };
    assert!(remark.starts_with(&file.display().to_string()), "{remark}");
    assert!(remark.ends_with("; all updates count as new"), "{remark}");
    emission.taken().expect("written");
    assert!(tell(&[("a", "1")], state.path(), true).is_err());
}
