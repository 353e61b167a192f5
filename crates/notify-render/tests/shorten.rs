//! Texts for targets with limits: what is kept, and that the limit always is.

use std::collections::{BTreeSet, HashSet};

use notify_core::{Limit, Limits, Message as _, TemplateSet, Unit, Zone};
use notify_render::{Templates, Texts, Verbatim};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Value, json};

/// A report of a backup, as templates of Proxmox VE and of ours show it.
static REPORT: TemplateSet = TemplateSet::new(
    "report",
    "vzdump backup status ({{fqdn}}): {{status-text}}",
    "{{status-text}}\n\nDetails\n=======\n{{table guest-table}}\nTotal running time: {{duration total-time}}\n\nLogs\n====\n{{logs}}\n",
)
.html("<html><body><h1>{{status-text}}</h1>{{table guest-table}}<pre>{{logs}}</pre></body></html>");

fn guest(vmid: usize, status: &str) -> Value {
    json!({
        "vmid": vmid,
        "name": format!("guest-{vmid}"),
        "status": status,
        "time": 11,
        "size": if status == "ok" { 1 << 30 } else { 0 },
        "filename": (status == "ok").then(|| format!("/var/lib/vz/dump/vzdump-qemu-{vmid}-2024_01_08.vma.zst")),
    })
}

fn report(guests: &[Value], logs: &str) -> Value {
    json!({
        "fqdn": "pve1.example.com",
        "status-text": "backup failed",
        "total-time": 3661,
        "logs": logs,
        "guest-table": {"schema": {"columns": [
            {"label": "VMID", "id": "vmid"},
            {"label": "Name", "id": "name"},
            {"label": "Status", "id": "status"},
            {"label": "Time", "id": "time", "renderer": "duration"},
            {"label": "Size", "id": "size", "renderer": "human-bytes"},
            {"label": "Filename", "id": "filename"},
        ]}, "data": guests},
    })
}

/// 1,000 guests, three of which failed, with a log as vzdump writes it.
fn thousand() -> Value {
    let failed = [217, 500, 998];
    let status = |vmid: &usize| {
        if failed.contains(vmid) { "err" } else { "ok" }
    };
    let guests: Vec<_> = (0..1000).map(|vmid| guest(vmid, status(&vmid))).collect();
    let mut logs = String::from("vzdump --all 1 --mode snapshot\n\n");
    for vmid in 0..1000 {
        logs.push_str(&format!(
            "{vmid}: INFO: Starting Backup of VM {vmid} (qemu)\n"
        ));
        if failed.contains(&vmid) {
            logs.push_str(&format!(
                "{vmid}: ERROR: Backup of VM {vmid} failed - out of space\n"
            ));
        }
        logs.push('\n');
    }
    report(&guests, &logs)
}

fn texts(data: Value) -> Texts {
    let templates = Templates::new([&REPORT]);
    Texts::from(templates.message("report", data, Zone::Local))
}

fn body(max: usize, unit: Unit) -> Limits {
    Limits {
        body: Some(Limit::new(max, unit)),
        ..Limits::NONE
    }
}

#[test]
fn a_report_of_a_thousand_guests_names_all_that_failed_in_4096_characters() {
    let texts = texts(thousand());
    let shortened = texts.within(body(4096, Unit::Characters));
    let text = shortened.text().expect("the template is good");
    insta::assert_snapshot!(text);
    assert!(text.chars().count() <= 4096);
    for vmid in [217, 500, 998] {
        assert!(text.contains(&format!("guest-{vmid} ")), "{vmid}");
        assert!(text.contains(&format!("Backup of VM {vmid} failed - out of space")));
    }
    assert_eq!(
        texts.within(Limits::NONE).text().expect("good").len(),
        texts
            .within(body(usize::MAX, Unit::Bytes))
            .text()
            .expect("good")
            .len()
    );
}

#[test]
fn a_document_stays_one() {
    let texts = texts(thousand());
    let shortened = texts.within(body(4096, Unit::Bytes));
    let html = shortened.html().expect("the template is good");
    assert!(html.len() <= 4096);
    assert!(html.contains("<td>guest-998</td>"));
    assert!(html.ends_with("left out]</p>\n</body></html>"), "{html}");
    assert_eq!(html.matches("<tr>").count(), html.matches("</tr>").count());
    let tiny = texts.within(body(150, Unit::Bytes));
    let html = tiny.html().expect("the template is good");
    assert!(
        html.starts_with("<html><body><pre>backup failed")
            && html.ends_with("</pre></body></html>"),
        "{html}"
    );
}

#[test]
fn a_forwarded_mail_keeps_its_trouble() {
    let log = format!(
        "{}md0: Failure of sdb\n{}",
        "calm\n".repeat(500),
        "calm\n".repeat(500)
    );
    let texts = Texts::from(Verbatim::new("mdadm", &log));
    let text = texts.within(body(300, Unit::Bytes));
    let text = text.text().expect("it is there");
    assert!(text.len() <= 300);
    assert!(text.contains("[…]\nmd0: Failure of sdb\n[…]"), "{text}");
    assert!(text.contains(" of 1001 lines left out]"), "{text}");
}

#[test]
fn a_log_that_begins_like_markup_is_a_log() {
    let lines: Vec<_> = (0..100)
        .map(|n| format!("<13>Jan  8 01:00:00 pve1 kernel: line {n}"))
        .collect();
    for texts in [
        Texts::from(Verbatim::new("kernel", &lines.join("\n"))),
        texts(report(&[], &lines.join("\n"))),
    ] {
        let text = texts.within(body(1000, Unit::Characters));
        let text = text.text().expect("it is there");
        assert!(text.contains("kernel: line 0\n"), "{text}");
    }
}

#[test]
fn the_reason_stays_and_so_do_guests_that_were_not_tried() {
    let mut data = thousand();
    let reason = "storage nas0 is not online, its mount point is gone";
    data["status-text"] = format!("backup failed: {}", [reason; 6].join(", ")).into();
    for vmid in [3, 4] {
        data["guest-table"]["data"][vmid]["status"] = "todo".into();
    }
    let texts = texts(data);
    let text = texts.within(body(2048, Unit::Characters));
    let text = text.text().expect("it is there");
    assert!(
        text.starts_with(&format!("backup failed: {reason}")),
        "{text}"
    );
    for vmid in [3, 4, 217, 500, 998] {
        assert!(text.contains(&format!("guest-{vmid} ")), "{vmid} in {text}");
    }
}

#[test]
fn data_of_many_keys_are_shortened_in_one_walk_each() {
    let mut data = thousand();
    let object = data.as_object_mut().expect("an object");
    for key in 0..20_000 {
        object.insert(format!("key-{key}"), "x".repeat(250).into());
    }
    let texts = texts(data);
    let text = texts.within(body(4096, Unit::Characters));
    assert!(text.text().expect("it is there").contains("guest-998 "));
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ]{0,30}",
        "\\PC{0,20}",
        Just("```".to_owned()),
        Just("ERROR: x".to_owned()),
        Just("x".repeat(700)),
    ]
}

fn unit() -> impl Strategy<Value = Unit> {
    proptest::sample::select(Unit::ALL.to_vec())
}

fn collapsed(text: &str) -> HashSet<String> {
    let blanks = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(blanks).collect()
}

proptest! {
    #[test]
    fn a_report_keeps_its_limit_and_its_meaning(
        failed in vec(any::<bool>(), 0..120), logs in vec(word(), 0..60), max in 0usize..6000, unit in unit()
    ) {
        let guests: Vec<_> = failed.iter().enumerate()
            .map(|(vmid, failed)| guest(vmid, if *failed { "err" } else { "ok" }))
            .collect();
        let texts = texts(report(&guests, &logs.join("\n")));
        let limits = body(max, unit);
        let whole = texts.within(Limits::NONE).text().expect("good").into_owned();
        let short = texts.within(limits).text().expect("good").into_owned();
        let limit = limits.body.expect("set");
        prop_assert!(limit.holds(&short), "{}", unit.length(&short));
        if limit.holds(&whole) {
            prop_assert_eq!(short, whole);
            return Ok(());
        }
        // A row is whole or it is not there.
        let all = collapsed(&whole);
        let rows: Vec<_> = short.lines().filter(|line| line.contains(" guest-")).collect();
        if short.contains("left out]") {
            prop_assert!(rows.iter().all(|row| collapsed(row).is_subset(&all)), "{short}");
        }
        // No good row takes the place of a failed one.
        let shown: BTreeSet<_> = rows.iter().filter_map(|row| row.split_whitespace().next()).collect();
        if rows.iter().any(|row| row.contains(" ok ")) {
            let missing = failed.iter().enumerate().find(|(vmid, failed)| **failed && !shown.contains(&*vmid.to_string()));
            prop_assert!(missing.is_none(), "{missing:?} in {short}");
        }
        // What was left out is said, where there is room for a word.
        prop_assert!(max < 40 || short.contains("[shortened"), "{short}");
    }

    #[test]
    fn any_text_keeps_its_limit_with_blocks_of_code_ended(
        lines in vec(word(), 0..80), max in 0usize..2000, unit in unit()
    ) {
        let texts = Texts::from(Verbatim::new("s", &lines.join("\n")));
        let limits = body(max, unit);
        let limit = limits.body.expect("set");
        let shortened = texts.within(limits);
        let (text, html) = (shortened.text().expect("there"), shortened.html().expect("there"));
        prop_assert!(limit.holds(&text) && limit.holds(&html));
        let fences = text.lines().filter(|line| line.trim_start().starts_with("```")).count();
        let whole = lines.join("\n");
        let even = whole.lines().filter(|line| line.trim_start().starts_with("```")).count() % 2 == 0;
        if max > 40 && (even || !limit.holds(&whole)) {
            prop_assert!(fences % 2 == 0, "{text}");
        }
        prop_assert_eq!(html.matches("<pre>").count(), html.matches("</pre>").count());
    }
}
