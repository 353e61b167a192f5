//! Reports from logs of vzdump.

use notify_events::{Circumstances, EventData as _, EventErrorKind, vzdump_log};
use proptest::prelude::*;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/logs");

fn log(name: &str) -> String {
    std::fs::read_to_string(format!("{CASES}/{name}.log")).expect("a log")
}

/// Severity, and the data as templates get them; the logs for themselves, as people read them.
fn report(name: &str) -> String {
    let report = vzdump_log::read(&log(name)).expect("a log of vzdump");
    let event = report.event(&Circumstances::new("pve1", 0));
    let notify_core::Content::Template { mut data, .. } = event.content else {
        panic!("not a template");
    };
    let object = data.as_object_mut().expect("an object");
    let logs = object.remove("logs").expect("logs");
    let table = object.remove("guest-table").expect("a table");
    let rows = table["data"].as_array().expect("rows");
    let rows: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let logs = logs.as_str().expect("a text").to_owned();
    format!("{} {data}\n{rows}\n{logs}", event.severity)
}

#[test]
fn every_log_gives_its_report() {
    let mut names: Vec<String> = std::fs::read_dir(CASES)
        .expect("logs")
        .map(|entry| entry.expect("a log").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    assert_eq!(names.len(), 7);
    for name in names {
        insta::assert_snapshot!(format!("log_{name}"), report(&name));
    }
}

/// Every prefix of a log, and every log with a line left out, is a report or refused in order.
#[test]
fn a_log_may_end_anywhere() {
    let log = log("one-fails");
    let lines: Vec<&str> = log.lines().collect();
    for end in 1..lines.len() - 1 {
        let report = vzdump_log::read(&lines[..end].join("\n")).expect("its first line is known");
        let over = lines[..end]
            .iter()
            .any(|line| line.contains("Backup job finished"));
        assert_eq!(report.error.is_some(), !over, "{end}: {report:?}");
        assert!(report.failed(), "one guest failed, or is missing");
    }
}

#[test]
fn other_texts_are_refused() {
    for text in [
        "",
        "\n\n",
        "Reading package lists...\nDone\n",
        "{\"guest-table\": []}",
    ] {
        let error = vzdump_log::read(text).expect_err("no log");
        assert_eq!(error.kind(), EventErrorKind::Origin);
        assert_eq!(error.to_string(), "no line of it is of a log of vzdump");
    }
    let twice = log("one-fails").repeat(2);
    let error = vzdump_log::read(&twice).expect_err("two jobs");
    assert_eq!(
        error.to_string(),
        "the log holds several jobs: give the log of one"
    );
}

#[test]
fn a_guest_of_another_node_is_not_missed() {
    let log = "INFO: starting new backup job: vzdump 100 101 102 --quiet 1\n\
               INFO: skip external VMs: 101\n\
               INFO: Starting Backup of VM 100 (qemu)\n";
    let report = vzdump_log::read(log).expect("a log of vzdump");
    let guests: Vec<_> = report.guest_table.iter().map(|guest| guest.vmid).collect();
    assert_eq!(guests, [100, 102]);
}

/// Some line that may stand in a log.
fn any_line() -> impl Strategy<Value = String> {
    let known = std::fs::read_dir(CASES)
        .expect("logs")
        .flat_map(|entry| {
            let path = entry.expect("a log").path();
            let log = std::fs::read_to_string(path).expect("a log");
            log.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect::<Vec<_>>();
    prop_oneof![
        4 => prop::sample::select(known),
        1 => "(INFO|ERROR|TASK ERROR|WARN): \\PC{0,30}",
        1 => "\\PC{0,30}",
    ]
}

proptest! {
    /// Whatever the lines are: it is read, and the report makes an event whose data are good.
    #[test]
    fn any_lines_are_read(lines in prop::collection::vec(any_line(), 0..20)) {
        if let Ok(report) = vzdump_log::read(&lines.join("\n")) {
            let event = report.event(&Circumstances::new("pve1", 0));
            let notify_core::Content::Template { data, .. } = event.content else {
                panic!("not a template");
            };
            let read = notify_events::Vzdump::read(data).expect("good data");
            prop_assert_eq!(read.failed(), event.severity == notify_core::Severity::Error);
        }
    }
}
