//! `notify manual`, `notify schema`, `notify completions`: what the program says of itself.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use notify_tests::{Notify, Run, sections};
use serde_json::{Value, json};

/// The section types of the program.
fn types() -> Vec<String> {
    let list = Notify::new().run(&["manual"]).expect_code(0).stdout;
    let first = |line: &str| line.split_whitespace().next().map(str::to_owned);
    list.lines().filter_map(first).collect()
}

/// What groff complains of, but for lines that it cannot break because they are shown as they are.
fn complaints(page: &Path) -> String {
    let mut groff = Command::new("groff");
    groff
        .args(["-t", "-man", "-ww", "-Wbreak", "-Tutf8", "-z"])
        .arg(page);
    Run::of(groff, b"").expect_code(0).stderr
}

/// Whether an instance is valid.
fn is_valid(schema: &Value, instance: &Value) -> bool {
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    let place = "https://example.com/schema.json";
    compiler
        .add_resource(place, schema.clone())
        .expect("a schema is a resource");
    let index = compiler
        .compile(place, &mut schemas)
        .unwrap_or_else(|error| panic!("{error:#}"));
    schemas.validate(instance, index).is_ok()
}

#[test]
fn every_linked_type_has_a_manual_and_a_schema() {
    let notify = Notify::new();
    let version = notify
        .run(&["--version", "--verbose"])
        .expect_code(0)
        .stdout;
    let linked = version.lines().filter_map(|line| line.strip_prefix("  "));
    let linked: Vec<&str> = linked.filter_map(|line| line.split(' ').next()).collect();
    let types = types();
    assert!(linked.len() >= 3, "{version}");
    for kind in linked.iter().copied().chain(["matcher"]) {
        assert!(types.iter().any(|known| known == kind), "{kind}: {types:?}");
        let manual = notify.run(&["manual", kind]).expect_code(0).stdout;
        assert!(manual.starts_with("# "), "{kind}: {manual}");
        assert!(manual.contains("\n## Properties\n"), "{kind}: {manual}");
        let schema = notify.run(&["schema", kind]).expect_code(0).json();
        for property in schema["properties"].as_object().expect("an object").keys() {
            let answered = ["name", "type", "origin", "unusable", "digest", "revision"];
            let told = manual.contains(&format!("`{property}`"));
            assert!(
                told || answered.contains(&property.as_str()),
                "{kind}: {property}"
            );
        }
    }
    assert_eq!(types.len(), linked.len() + 1, "{types:?}");
}

#[test]
fn an_unknown_type_is_told_with_the_known_ones() {
    for command in ["manual", "schema"] {
        Notify::new()
            .run(&[command, "pigeon"])
            .expect_code(2)
            .expect_error_line(&["there is no section type `pigeon`"])
            .expect_error_line(&["known types:", "gotify", "matcher"]);
    }
}

#[test]
fn man_pages_are_written_for_every_command_and_type() {
    let notify = Notify::new();
    let folder = notify.scratch().join("man");
    let name = folder.to_str().expect("a path in UTF-8");
    let _ = notify.run(&["manual", "--write", name]).expect_code(0);
    let pages = |section: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder.join(section)).expect("a folder of pages");
        let names = entries.map(|entry| entry.expect("a page").file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    };
    for section in ["man1", "man7"] {
        for page in pages(section) {
            assert_eq!(complaints(&folder.join(section).join(&page)), "", "{page}");
        }
    }
    let help = notify.run(&["--help"]).expect_code(0).stdout;
    let (_, commands) = help.split_once("Commands:\n").expect("a list of commands");
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let commands: Vec<&str> = commands
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|word| !word.is_empty() && *word != "help")
        .collect();
    assert!(commands.len() > 9, "{help}");
    let found = pages("man1");
    for command in commands {
        assert!(found.contains(&format!("notify-{command}.1")), "{command}");
    }
    assert!(found.contains("notify.1") && found.contains("notify-target-add.1"));
    let of_types = types().into_iter().map(|kind| format!("notify-{kind}.7"));
    assert_eq!(pages("man7"), of_types.collect());
}

#[test]
fn one_man_page_is_printed() {
    let notify = Notify::new();
    for kind in types() {
        let page = notify
            .run(&["manual", &kind, "--man"])
            .expect_code(0)
            .stdout;
        let path = notify.scratch().join("page.7");
        std::fs::write(&path, page).expect("a page");
        assert_eq!(complaints(&path), "", "{kind}");
    }
}

#[test]
fn pages_that_cannot_be_written_are_told() {
    let notify = Notify::new().file("file", "");
    let path = notify.config().join("file");
    let run = notify.run(&["manual", "--write", path.to_str().expect("a path in UTF-8")]);
    run.expect_code(1).expect_error_line(&["cannot write"]);
}

/// One target of each type, and a matcher.
fn sample() -> Notify {
    let url = "http://127.0.0.1:9";
    let public = sections::gotify("push", url)
        + &sections::smtp("relay", 9, &["a@example.com", "b@example.com"])
        + &sections::sendmail("local", &["ops@example.com"])
        + "matcher: nights\n\tmatch-calendar 0-8\n\tinvert-match yes\n\ttarget push\n\ttarget relay\n";
    Notify::new()
        .file("notifications.cfg", public)
        .file("priv/notifications.cfg", sections::token("push", "A.token"))
}

#[test]
fn a_configuration_without_faults_is_valid() {
    let notify = sample();
    let schema = notify.run(&["schema"]).expect_code(0).json();
    let shown = notify
        .run(&["config", "show", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(shown["sections"].as_array().map(Vec::len), Some(6));
    assert!(is_valid(&schema, &shown), "{shown:#}");
    let bad = sample().file(
        "notifications.cfg",
        "gotify: push\n\tserver x\n\tservre y\n",
    );
    let shown = bad.run(&["config", "show", "--json"]).expect_code(0).json();
    assert!(!is_valid(&schema, &shown), "{shown:#}");
}

#[test]
fn a_section_with_its_secrets_is_valid() {
    let notify = sample();
    let schema = notify.run(&["schema", "gotify"]).expect_code(0).json();
    let mut section = notify
        .run(&["target", "show", "push", "--json"])
        .expect_code(0)
        .json();
    assert!(!is_valid(&schema, &section), "without its token");
    section["token"] = json!("A.token");
    assert!(is_valid(&schema, &section), "{section:#}");
}

#[test]
fn a_shell_reads_its_completions() {
    let notify = Notify::new();
    let script = notify.run(&["completions", "bash"]).expect_code(0).stdout;
    let mut bash = Command::new("bash");
    bash.args(["-c", "source /dev/stdin && complete -p notify"]);
    let run = Run::of(bash, script.as_bytes()).expect_code(0);
    assert!(run.stdout.contains("_notify"), "{}", run.stdout);
    let _ = notify.run(&["completions", "cmd"]).expect_code(2);
}
