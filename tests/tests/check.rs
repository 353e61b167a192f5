//! `notify check`: every fault with its place, in order.

use notify_tests::Notify;
use notify_tests::sections::token;
use serde_json::{Value, json};

/// The faults of a folder whose built-in matcher is off, and the exit code.
fn check(text: &str, more: &[&str]) -> (Vec<Value>, i32) {
    faults(&Notify::new().file("notifications.cfg", text), more)
}

fn faults(notify: &Notify, more: &[&str]) -> (Vec<Value>, i32) {
    let run = notify.run(&[&["check", "--json"], more].concat());
    (run.json().as_array().expect("a list").clone(), run.code)
}

/// Looks for one fault of this severity at this line that has these words.
#[track_caller]
fn expect(found: &[Value], severity: &str, line: u64, words: &[&str]) -> Value {
    let fits = |fault: &&Value| {
        let told = fault.to_string();
        fault["severity"] == severity
            && fault["line"] == line
            && words.iter().all(|word| told.contains(word))
    };
    let hits: Vec<&Value> = found.iter().filter(fits).collect();
    assert_eq!(
        hits.len(),
        1,
        "{severity} on line {line} with {words:?} in {found:#?}"
    );
    hits[0].clone()
}

/// A target that nothing is wrong with, and a matcher for it.
const SOUND: &str = "sendmail: local\n\tmailto a@example.com\n\nmatcher: m1\n\ttarget local\n";

#[test]
fn a_sound_configuration_has_no_fault() {
    assert_eq!(check(SOUND, &[]), (vec![], 0));
    assert_eq!(check(SOUND, &["--pve"]), (vec![], 0));
    assert_eq!(check("", &[]), (vec![], 0));
}

#[test]
fn a_fault_has_seven_keys() {
    let (found, code) = check("matcher: m1\n\ttarget nowhere\n", &[]);
    assert_eq!((found.len(), code), (1, 1), "{found:#?}");
    let object = found[0].as_object().expect("an object");
    let keys: Vec<&str> = object.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "column", "file", "hint", "line", "message", "section", "severity"
        ]
    );
    assert_eq!(found[0]["file"], "notifications.cfg");
    assert_eq!(
        (&found[0]["line"], &found[0]["severity"]),
        (&json!(2), &json!("error"))
    );
    assert!(
        found[0]["section"]
            .as_str()
            .expect("a section")
            .contains("m1")
    );
    assert!(
        found[0]["message"]
            .as_str()
            .expect("a message")
            .contains("nowhere")
    );
}

#[test]
fn columns_count_characters() {
    for (line, column) in [("\tpört 1", 2), ("    pört 1", 5), ("\u{a0}pört 1", 2)] {
        let (found, _) = check(
            &format!("{SOUND}\nsmtp: s1\n{line}\n\tserver x\n\tfrom-address y\n"),
            &[],
        );
        let fault = expect(&found, "warning", 8, &["pört"]);
        assert_eq!(fault["column"], column, "{line:?}");
    }
    // A value after wide characters.
    let (found, _) = check("matcher: m1\n\tcomment äöü\n\tmatch-severity fatal\n", &[]);
    assert!(expect(&found, "error", 3, &["fatal"])["column"].is_number());
}

#[test]
fn every_fault_of_a_file_is_told_sorted_by_place() {
    let text = "matcher: m1\n\tmatch-severity fatal\n\tmode some\n\tcolour red\n\tmatch-calendar daily\n\
                \tmatch-field type=x\n\nwhat\n\nsmtp: s1\n\tport 70000\n\tmode ssl\n";
    let (found, code) = check(text, &[]);
    assert_eq!(code, 1);
    let places: Vec<(u64, u64)> = found
        .iter()
        .map(|fault| {
            (
                fault["line"].as_u64().unwrap_or(0),
                fault["column"].as_u64().unwrap_or(0),
            )
        })
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    for line in [2, 3, 4, 5, 6, 8, 11, 12] {
        assert!(
            places.iter().any(|(told, _)| *told == line),
            "line {line} in {found:#?}"
        );
    }
    expect(&found, "error", 2, &["fatal"]);
    expect(&found, "error", 3, &["some"]);
    expect(&found, "error", 4, &["colour"]);
    expect(&found, "error", 5, &["daily"]);
    expect(&found, "error", 6, &["type=x"]);
}

#[test]
fn files_are_sorted_too() {
    let notify = Notify::new()
        .file("notifications.cfg", "matcher: m1\n\ttarget nowhere\n")
        .file("priv/notifications.cfg", "gotify: orphan\n\ttoken a\n")
        .file("notify.cfg", "what\n");
    let (found, _) = faults(&notify, &[]);
    let files: Vec<&str> = found
        .iter()
        .filter_map(|fault| fault["file"].as_str())
        .collect();
    assert_eq!(
        files,
        ["notifications.cfg", "notify.cfg", "priv/notifications.cfg"],
        "{found:#?}"
    );
}

#[test]
fn what_is_not_used_as_written_is_an_error() {
    for (text, line, words) in [
        // Syntax.
        ("what\n", 1, &[][..]),
        ("\tmode all\n", 1, &[]),
        ("matcher:\n\tmode all\n", 1, &[]),
        (": m1\n", 1, &[]),
        ("matcher: m\n", 1, &["2"]),
        ("matcher: a b\n", 1, &[]),
        ("matcher: m1\n\tmode\n", 2, &["mode"]),
        // Types, keys and values.
        ("group: g1\n\ttarget t1\n", 1, &["group"]),
        ("matcher: m1\n\tmode some\n", 2, &["some"]),
        ("matcher: m1\n\tmode all\n\tmode all\n", 3, &["mode"]),
        ("matcher: m1\n\tinvert-match maybe\n", 2, &["maybe"]),
        ("matcher: m1\n\tdisable maybe\n", 2, &["maybe"]),
        (
            "matcher: m1\n\tmatch-feild exact:type=x\n",
            2,
            &["match-feild"],
        ),
        ("smtp: s1\n\tserver x\n", 1, &["from-address"]),
        (
            "smtp: s1\n\tserver x\n\tserver y\n\tfrom-address z\n",
            3,
            &["server"],
        ),
        ("gotify: g1\n\tcomment no server\n", 1, &["server"]),
        ("sendmail: s1\n\tmailto a\n\tmailto bb\n", 2, &["mailto"]),
        // Rules.
        ("matcher: m1\n\tmatch-severity error,\n", 2, &[]),
        ("matcher: m1\n\tmatch-field regex:type=(\n", 2, &[]),
        ("matcher: m1\n\tmatch-field exact:a b=x\n", 2, &[]),
        ("matcher: m1\n\tmatch-calendar 8-25\n", 2, &["8-25"]),
        // Targets.
        (
            "matcher: m1\n\ttarget t1\n\ttarget mail-to-root\n",
            2,
            &["t1"],
        ),
        ("matcher: m1\n\ttarget m2\n\nmatcher: m2\n", 2, &["m2"]),
    ] {
        let (found, code) = check(text, &[]);
        assert_eq!(code, 1, "{text}: {found:#?}");
        expect(&found, "error", line, words);
    }
}

#[test]
fn what_works_although_it_is_not_as_meant_is_a_warning() {
    let target = |line: &str| {
        format!(
            "smtp: s1\n\tserver x\n\tfrom-address yy\n\tmailto a@example.com\n\t{line}\n\nmatcher: m1\n\ttarget s1\n"
        )
    };
    for (text, line, words) in [
        // Of a target an unknown key and a bad value that has a default.
        (target("colour red"), 5, &["colour"][..]),
        (target("port 70000"), 5, &["70000"]),
        (target("mode ssl"), 5, &["ssl"]),
        // A matcher that can never match.
        (
            format!("{SOUND}\tmatch-severity error\n\tmatch-severity warning\n"),
            0,
            &["never"],
        ),
        (format!("{SOUND}\tmatch-calendar 8-8\n"), 0, &["never"]),
        (
            format!("{SOUND}\tmatch-field exact:type=a\n\tmatch-field exact:type=b\n"),
            0,
            &["never"],
        ),
        // Of two sections of one name.
        (
            format!("sendmail: local\n\tmailto b@example.com\n\n{SOUND}"),
            0,
            &["local"],
        ),
    ] {
        let (found, code) = check(&text, &[]);
        let warnings: Vec<&Value> = found
            .iter()
            .filter(|fault| fault["severity"] == "warning")
            .collect();
        assert_eq!((warnings.len(), code), (1, 0), "{text}\n{found:#?}");
        let told = warnings[0]["message"].as_str().unwrap_or_default();
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
        if line > 0 {
            assert_eq!(warnings[0]["line"], line, "{text}");
        }
        assert_eq!(warnings[0]["file"], "notifications.cfg");
    }
}

#[test]
fn what_can_match_has_no_warning() {
    for lines in [
        "mode any\n\tmatch-severity error\n\tmatch-severity warning",
        "mode any\n\tmatch-field exact:type=a\n\tmatch-field exact:type=b",
        "match-field exact:type=a,b\n\tmatch-field exact:type=b,c",
        "match-severity error,warning\n\tmatch-severity error",
        "match-severity error\n\tmatch-severity warning\n\tinvert-match true",
        "match-calendar 8-8\n\tinvert-match true",
    ] {
        assert_eq!(
            check(&format!("{SOUND}\t{lines}\n"), &[]),
            (vec![], 0),
            "{lines}"
        );
    }
}

#[test]
fn a_target_that_no_matcher_reaches_is_worth_knowing() {
    let (found, code) = check("sendmail: idle\n\tmailto a@example.com\n", &[]);
    assert_eq!((found.len(), code), (1, 0), "{found:#?}");
    expect(&found, "info", 1, &["idle"]);
    // A matcher that is off reaches nothing.
    let off = format!("{SOUND}\tdisable true\n");
    expect(&check(&off, &[]).0, "info", 1, &["local"]);
    // A target that is off is meant to be unreached.
    let (_, code) = check(
        "sendmail: idle\n\tmailto a@example.com\n\tdisable true\n",
        &[],
    );
    assert_eq!(code, 0);
}

#[test]
fn users_without_address_are_a_warning_and_nobody_left_is_an_error() {
    let section = |lines: &str| format!("sendmail: local\n{lines}\nmatcher: m1\n\ttarget local\n");
    let users = "user:root@pam:1:0:::admin@example.com:::\nuser:nobody@pam:1:0::::::\n";
    let judge = |lines: &str| {
        let notify = Notify::new()
            .file("notifications.cfg", section(lines))
            .file("user.cfg", users);
        faults(&notify, &[])
    };
    assert_eq!(judge("\tmailto-user root@pam\n"), (vec![], 0));
    let (found, code) = judge("\tmailto-user root@pam\n\tmailto-user nobody@pam\n");
    assert_eq!((found.len(), code), (1, 0), "{found:#?}");
    expect(&found, "warning", 3, &["nobody@pam"]);
    let (found, code) = judge("\tmailto a@example.com\n\tmailto-user nosuch@pve\n");
    assert_eq!((found.len(), code), (1, 0), "{found:#?}");
    expect(&found, "warning", 3, &["nosuch@pve"]);
    let (found, code) = judge("\tmailto-user nobody@pam\n");
    assert_eq!(code, 1, "{found:#?}");
    assert!(
        found.iter().any(|fault| fault["severity"] == "error"),
        "{found:#?}"
    );
    // Where no matcher reaches it, nobody misses the mail.
    let unreached = section("\tmailto-user nobody@pam\n").replace("\ttarget local\n", "");
    let notify = Notify::new()
        .file("notifications.cfg", unreached)
        .file("user.cfg", users);
    assert_eq!(faults(&notify, &[]).1, 0);
}

#[test]
fn secrets_and_their_places() {
    let gotify = "gotify: push\n\tserver http://127.0.0.1:1\n\nmatcher: m1\n\ttarget push\n";
    // In the public file.
    let public = gotify.replace("\n\nmatcher", "\n\ttoken A.secret\n\nmatcher");
    let notify = Notify::new()
        .file("notifications.cfg", &public)
        .file("priv/notifications.cfg", token("push", "A.token"));
    let (found, code) = faults(&notify, &[]);
    assert_eq!(code, 1);
    let fault = expect(&found, "error", 3, &["token"]);
    assert!(!fault.to_string().contains("A.secret"), "{fault}");
    // None where one is needed; one of another type; one for a target that is not there.
    for (private, severity, file, word) in [
        ("", "error", "notifications.cfg", "token"),
        (
            "smtp: push\n\tpassword x\n",
            "error",
            "priv/notifications.cfg",
            "smtp",
        ),
        (
            "gotify: push\n\ttoken a\n\ngotify: orphan\n\ttoken a\n",
            "warning",
            "priv/notifications.cfg",
            "orphan",
        ),
        (
            // The key is not named: it may be a part of a secret.
            "gotify: push\n\ttoken a\n\tsecret b\n",
            "warning",
            "priv/notifications.cfg",
            "unknown property",
        ),
        (
            "gotify: push\n\ttoken a\n\ttoken b\n",
            "error",
            "priv/notifications.cfg",
            "token",
        ),
    ] {
        let notify = Notify::new()
            .file("notifications.cfg", gotify)
            .file("priv/notifications.cfg", private);
        let (found, code) = faults(&notify, &[]);
        assert_eq!(
            code,
            i32::from(severity == "error"),
            "{private}: {found:#?}"
        );
        let hit = found.iter().any(|fault| {
            fault["severity"] == severity
                && fault["file"] == file
                && fault.to_string().contains(word)
        });
        assert!(hit, "{private}: {found:#?}");
    }
}

#[test]
fn a_template_that_does_not_compile_is_an_error() {
    let name = "notification-templates/default/test-body.txt.hbs";
    let notify = Notify::new()
        .file("notifications.cfg", SOUND)
        .file(name, "fine\nstill {{#if x}} fine\n");
    let (found, code) = faults(&notify, &[]);
    assert_eq!((found.len(), code), (1, 1), "{found:#?}");
    assert_eq!(
        (&found[0]["file"], &found[0]["severity"]),
        (&json!(name), &json!("error"))
    );
    assert!(
        found[0]["line"].is_number() && found[0]["column"].is_number(),
        "{found:#?}"
    );
    let notify = notify.file(name, "{{no-such-helper 1}}\n");
    let (found, code) = faults(&notify, &[]);
    assert_eq!((found.len(), code), (1, 1), "{found:#?}");
    assert_eq!(found[0]["line"], 1);
}

#[test]
fn a_proxy_that_cannot_be_used_is_told() {
    let notify = Notify::new().file("notifications.cfg", SOUND).file(
        "datacenter.cfg",
        "keyboard: de\nhttp_proxy: https://user:pw@proxy:3128\n",
    );
    let (found, _) = faults(&notify, &[]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["file"], "datacenter.cfg");
    assert!(!found[0].to_string().contains("user:pw"), "{found:#?}");
}

#[test]
fn a_rule_for_a_domain_gets_a_hint() {
    let text = format!("{SOUND}\tmatch-field regex:hostname=^.+\\.example\\.com$\n");
    let (found, code) = check(&text, &[]);
    assert_eq!(code, 0, "a hint is no error");
    let told = found
        .iter()
        .any(|fault| fault["line"] == 6 && fault.to_string().contains("short"));
    assert!(told, "{found:#?}");
}

#[test]
fn what_only_proxmox_ve_refuses_is_told_when_asked() {
    for (text, line, word) in [
        (format!("# a comment\n{SOUND}"), 1, "comment"),
        (
            SOUND.replace("\tmailto", "\t# a comment\n\tmailto"),
            2,
            "comment",
        ),
        (SOUND.replace("\n\nmatcher", "\nmatcher"), 3, "blank line"),
        (SOUND.replace("\n\tmailto", "\n\n\tmailto"), 3, "blank line"),
        (
            format!("{SOUND}\tmatch-calendar mon-fri 9-17\n"),
            6,
            "mon..fri 9-17",
        ),
        (format!("{SOUND}\tmatch-calendar 22-6\n"), 6, ""),
        (format!("{SOUND}\tmatch-calendar mon 8-12 UTC\n"), 6, ""),
        (format!("{SOUND}\tmatch-calendar 8-24\n"), 6, ""),
        (format!("{SOUND}\tmatch-calendar mon\n"), 6, ""),
    ] {
        let (found, code) = check(&text, &[]);
        assert_eq!((found, code), (vec![], 0), "{text}");
        let (found, code) = check(&text, &["--pve"]);
        assert_eq!((found.len(), code), (1, 1), "{text}\n{found:#?}");
        assert_eq!(
            (&found[0]["line"], &found[0]["severity"]),
            (&json!(line), &json!("error")),
            "{text}"
        );
        assert!(found[0].to_string().contains(word), "{text}\n{found:#?}");
    }
    // Unknown keys and bad values are a warning here, and refused there.
    let text =
        format!("{SOUND}\nsmtp: s1\n\tserver x\n\tfrom-address yy\n\tmailto zz\n\tport 70000\n");
    assert_eq!(check(&text, &[]).1, 0);
    assert_eq!(check(&text, &["--pve"]).1, 1);
    let ca_file = "/etc/ssl/certs/ca-certificates.crt";
    let text = text.replace("port 70000", &format!("ca-file {ca_file}"));
    let (found, code) = check(&text, &["--pve"]);
    assert_eq!(code, 1, "{found:#?}");
    assert!(
        found
            .iter()
            .any(|fault| fault["severity"] == "error" && fault["line"] == 11),
        "{found:#?}"
    );
}

#[test]
fn people_get_a_line_a_fault_and_a_summary() {
    let notify = Notify::new().file("notifications.cfg", "matcher: m1\n\ttarget nowhere\n");
    let run = notify.run(&["check"]).expect_code(1);
    let told = |line: &str| {
        line.contains("notifications.cfg:2:") && line.contains("m1") && line.contains("nowhere")
    };
    assert!(run.stdout.lines().any(told), "{}", run.stdout);
    let _ = notify.run(&["check", "unexpected"]).expect_code(2);
}
