//! The table of events of the specification, row by row, through the program.

use notify_tests::Notify;
use serde_json::{Value, json};

/// No target, so that nothing is sent: the answer says what the event is.
fn host() -> Notify {
    Notify::new().file(
        "notifications.cfg",
        "matcher: default-matcher\n\tdisable true\n",
    )
}

#[track_caller]
fn check(kind: &str, data: &Value, severity: &str, fields: &[(&str, &str)]) {
    let run = host().run_with(
        &["event", kind, "--data", "-", "--json"],
        data.to_string().as_bytes(),
    );
    let answer = run.expect_code(0).json();
    assert_eq!(answer["severity"], severity, "{kind}");
    assert_eq!(answer["fields"]["type"], kind);
    for (name, value) in fields {
        assert_eq!(answer["fields"][name], *value, "{kind}");
    }
}

#[test]
fn updates_are_info_with_the_host() {
    let row = json!({"package-name": "pve-manager", "installed-version": "9.1.1", "available-version": "9.1.2"});
    let data = json!({"hostname": "pve1", "available-updates": [row]});
    check("package-updates", &data, "info", &[("hostname", "pve1")]);
}

#[test]
fn fencing_is_an_error_with_the_node_that_was_fenced() {
    let data = json!({"hostname": "pve1", "failed-node": "pve2", "master-node": "pve1"});
    check("fencing", &data, "error", &[("hostname", "pve2")]);
}

#[test]
fn failed_replication_is_an_error() {
    let data = json!({
        "hostname": "pve1", "job-id": "100-0", "job-target": "pve2", "failure-count": 1,
        "last-sync": 0, "error": "no route to host",
    });
    let fields = [("hostname", "pve1"), ("job-id", "100-0")];
    check("replication", &data, "error", &fields);
}

#[test]
fn a_backup_is_info_and_an_error_when_it_failed() {
    let report = |status: &str| {
        let guest = json!({"vmid": 100, "name": "web", "status": status, "time": 11, "size": 0});
        json!({"hostname": "pve1", "guest-table": [guest], "total-time": 11})
    };
    let fields = [("hostname", "pve1")];
    check("vzdump", &report("ok"), "info", &fields);
    check("vzdump", &report("err"), "error", &fields);
}

#[test]
fn a_mail_for_root_is_of_unknown_severity() {
    let notify = host().file(
        "notifications.cfg",
        "matcher: unknown\n\tmatch-severity unknown\n\tmatch-field exact:type=system-mail\n\ttarget mail-to-root\n",
    );
    let run = notify.run_with(
        &["forward-mail", "--dry-run", "--json"],
        b"From: root\nSubject: SMART error (Health) detected on host: pve1\n\nsda\n",
    );
    let answer = run.expect_code(0).json();
    assert_eq!(answer["fields"]["type"], "system-mail");
    assert_eq!(answer["targets"], json!(["mail-to-root"]));
}
