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

/// Lines that any program may print do not make a log of vzdump.
#[test]
fn lines_of_any_program_are_no_log_of_vzdump() {
    for text in [
        "ERROR: relation \"users\" does not exist\n",
        "INFO: Backup started at 2024-01-08 01:00:02\nERROR: no space\n",
        "INFO: archive file size: 1.00GB\n",
        "TASK OK\n",
        "TASK ERROR: command 'apt-get update' failed: exit code 100\n",
    ] {
        let error = vzdump_log::read(text).expect_err(text);
        assert_eq!(error.to_string(), "no line of it is of a log of vzdump");
    }
    for line in [
        "INFO: starting new backup job: vzdump 100",
        "INFO: trying to get global lock - waiting...",
        "ERROR: can't acquire lock '/var/run/vzdump.lock' - got timeout",
        "INFO: skip external VMs: 101",
        "INFO: Starting Backup of VM 100 (qemu)",
        "100: INFO: Finished Backup of VM 100 (00:00:11)",
        "ERROR: Backup of VM 100 failed - no space",
        "INFO: creating vzdump archive '/a'",
        "INFO: Backup job finished with errors",
        "ERROR: Backup job failed - no such storage",
    ] {
        assert!(vzdump_log::read(line).is_ok(), "{line}");
    }
}

/// A hundred thousand of anything takes no longer than a hundred thousand times one of it.
#[test]
fn logs_of_very_many_lines_are_read_and_told_in_short() {
    const MANY: u64 = 100_000;
    let mut log = String::from("INFO: starting new backup job: vzdump");
    for vmid in 0..MANY {
        log += &format!(" {vmid}");
    }
    log += "\n";
    for number in 0..MANY {
        log += &format!("ERROR: a disk of the storage has the fault {number}\n");
    }
    log += &format!("INFO: skip external VMs: {}\n", MANY - 1);
    for vmid in 0..MANY - 2 {
        log += &format!("ERROR: Backup of VM {vmid} failed - no space\n");
    }
    let report = vzdump_log::read(&log).expect("a log of vzdump");
    let guests: Vec<u64> = report.guest_table.iter().map(|guest| guest.vmid).collect();
    assert_eq!(guests, (0..MANY - 1).collect::<Vec<_>>());
    let error = report.error.expect("many");
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[19], "a disk of the storage has the fault 19");
    assert_eq!(lines[20], "and 99980 more");
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
