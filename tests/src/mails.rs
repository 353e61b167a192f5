//! HTML mails for whoever looks at them.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::Notify;

/// The kinds of events that have a mail of their own, and a case of each in `tests/cases/events`.
pub const KINDS: [&str; 5] = [
    "fencing",
    "package-updates",
    "replication",
    "test",
    "vzdump",
];

/// The data of a kind's case.
///
/// # Panics
/// When there is none.
pub fn case(kind: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("cases/events/{kind}.json"));
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("a case is JSON")
}

/// The report of a backup of so many guests, of which these failed.
pub fn report(guests: u64, failed: &[u64]) -> Value {
    let rows: Vec<_> = (100..100 + guests)
        .map(|vmid| {
            let name = format!("guest-{vmid}.internal");
            if failed.contains(&vmid) {
                json!({"vmid": vmid, "name": name, "status": "err", "time": 5, "size": 0, "filename": null})
            } else {
                let filename = format!("/mnt/pve/backup-store/dump/vzdump-qemu-{vmid}-2024_01_08-01_00_00.vma.zst");
                json!({
                    "vmid": vmid, "name": name, "status": "ok", "time": vmid * 7, "size": vmid * 123_456_789,
                    "filename": filename,
                })
            }
        })
        .collect();
    let logs: String = (100..100 + guests)
        .map(|vmid| {
            format!("{vmid}: 2024-01-08 01:00:00 INFO: Finished Backup of VM {vmid} (00:00:11)\n")
        })
        .collect();
    let mut report = case("vzdump");
    report["guest-table"]["data"] = rows.into();
    report["logs"] = logs.into();
    report
}

/// The HTML mail that the program makes of an event's data.
///
/// # Panics
/// When it makes none.
pub fn html(kind: &str, data: &Value) -> String {
    let words = ["render", kind, "--data", "-", "--part", "html"];
    let run = Notify::new().run_with(&words, data.to_string().as_bytes());
    run.expect_code(0).stdout
}
