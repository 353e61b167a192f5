//! Mails as programs and people really write them, and what is read of each.

#[expect(dead_code, reason = "the other tests use the rest of it")]
mod cases;

use std::fmt::Write as _;

use cases::cases;
use notify_mail::read;

/// A reading as a page.
fn shown(raw: &[u8]) -> String {
    let reading = read(raw);
    let mut page = format!("title: {}\n", reading.title);
    for (name, value) in reading.fields() {
        let _ = writeln!(page, "{name}: {value}");
    }
    if !reading.instances.is_empty() {
        let _ = writeln!(page, "instances: {}", reading.instances.join(" "));
    }
    for line in reading.text.lines() {
        // A snapshot of a line of 1,500 letters helps nobody.
        let begin: String = line.chars().take(160).collect();
        let cut = line.chars().count() - begin.chars().count();
        let note = if cut > 0 {
            format!(" [{cut} more]")
        } else {
            String::new()
        };
        let _ = writeln!(page, "| {begin}{note}");
    }
    page
}

#[test]
fn each_mail_reads_as_its_page_says() {
    let mails = cases();
    assert!(mails.len() >= 50, "only {} mails", mails.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../../tests/cases/mail");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for path in mails {
            let raw = std::fs::read(&path).expect("it can be read");
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            insta::assert_snapshot!(name.as_ref(), shown(&raw));
        }
    });
}

/// A mail means the same with the line ends of Windows.
#[test]
fn line_ends_make_no_difference() {
    for path in cases() {
        let raw = std::fs::read(&path).expect("it can be read");
        let lone_cr = raw
            .windows(2)
            .any(|pair| pair[0] == b'\r' && pair[1] != b'\n');
        if lone_cr || raw.iter().filter(|byte| **byte > 127).count() > 100 {
            continue;
        }
        let bare: Vec<u8> = raw.iter().copied().filter(|byte| *byte != b'\r').collect();
        let text = bare
            .split(|byte| *byte == b'\n')
            .collect::<Vec<_>>()
            .join(&b"\r\n"[..]);
        assert_eq!(shown(&bare), shown(&raw), "{}", path.display());
        assert_eq!(shown(&text), shown(&raw), "{}", path.display());
    }
}
