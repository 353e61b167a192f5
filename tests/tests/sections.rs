//! `notify target` and `notify matcher`: lists, and edits that touch only what they change.

use std::os::unix::fs::PermissionsExt as _;

use notify_tests::{Notify, Run};
use serde_json::{Value, json};

const EMPTY_DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn mode(notify: &Notify, name: &str) -> u32 {
    let metadata = std::fs::metadata(notify.config().join(name)).expect("a file");
    metadata.permissions().mode() & 0o7777
}

fn read(notify: &Notify, name: &str) -> Option<String> {
    std::fs::read_to_string(notify.config().join(name)).ok()
}

/// Runs what must be refused with exit 2, and looks that no file has changed.
fn refused(notify: &Notify, words: &[&str]) -> Run {
    refused_with(notify, words, b"")
}

fn refused_with(notify: &Notify, words: &[&str], input: &[u8]) -> Run {
    let files = ["notifications.cfg", "priv/notifications.cfg", "notify.cfg"];
    let state = |notify: &Notify| files.map(|name| read(notify, name));
    let before = state(notify);
    let run = notify.run_with(words, input);
    let _ = run.clone().expect_code(2);
    assert!(!run.stderr.is_empty(), "{words:?} says why");
    assert_eq!(state(notify), before, "{words:?} changes nothing");
    run
}

/// Keys and values that are in `found`, and no key of `absent`.
#[track_caller]
fn assert_has(found: &Value, expected: &Value, absent: &[&str]) {
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(&found[key], value, "`{key}` in {found:#}");
    }
    for key in absent {
        assert!(found.get(key).is_none(), "`{key}` in {found:#}");
    }
}

const SAMPLE: &str = "\
sendmail: sm1
	mailto a@b.c
	author X
	disable no

smtp: s1
	server h
	port 2525
	mode starttls
	username u
	mailto a@b.c
	from-address f@x

gotify: g1
	server http://h

sendmail: ab2
	mailto a@b.c
	disable 1

matcher: m1
	match-field exact:type=a , b
	match-severity warning , error
	target sm1
	target g1

matcher: m0
	invert-match on
	mode any
	match-calendar  mon..fri  8-12
";

fn sample() -> Notify {
    Notify::new().file("notifications.cfg", SAMPLE).file(
        "priv/notifications.cfg",
        "gotify: g1\n\ttoken very-secret\n\nsmtp: s1\n\tpassword very-secret\n",
    )
}

#[test]
fn targets_are_listed_in_the_shape_of_the_api() {
    let list = sample()
        .run(&["target", "list", "--json"])
        .expect_code(0)
        .json();
    let list = list.as_array().expect("a list");
    let names: Vec<&str> = list.iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["ab2", "g1", "mail-to-root", "s1", "sm1"]);
    assert_has(
        &list[0],
        &json!({"type": "sendmail", "origin": "user-created", "disable": true}),
        &["comment"],
    );
    assert_has(
        &list[1],
        &json!({"type": "gotify", "origin": "user-created"}),
        &["comment", "disable"],
    );
    assert_has(
        &list[2],
        &json!({"type": "sendmail", "origin": "builtin", "comment": "Send mails to root@pam's email address"}),
        &["disable"],
    );
}

#[test]
fn a_target_is_shown_in_the_shape_of_the_api_with_a_digest() {
    let notify = sample();
    let show = |name: &str| {
        notify
            .run(&["target", "show", name, "--json"])
            .expect_code(0)
            .json()
    };
    assert_has(
        &show("sm1"),
        &json!({"name": "sm1", "mailto": ["a@b.c"], "author": "X", "disable": false, "origin": "user-created"}),
        &["comment", "mailto-user", "from-address"],
    );
    assert_has(
        &show("s1"),
        &json!({"name": "s1", "server": "h", "port": 2525, "mode": "starttls", "username": "u",
                "mailto": ["a@b.c"], "from-address": "f@x", "origin": "user-created"}),
        &["password", "disable"],
    );
    assert_has(
        &show("g1"),
        &json!({"name": "g1", "server": "http://h", "origin": "user-created"}),
        &["token"],
    );
    let root = show("mail-to-root");
    assert_has(
        &root,
        &json!({"mailto-user": ["root@pam"], "origin": "builtin"}),
        &["mailto"],
    );
    // SHA-256 of the public file; the other one covers both files.
    let digest = show("g1")["digest"].as_str().expect("a digest").to_owned();
    assert_eq!((digest.len(), &show("sm1")["digest"]), (64, &json!(digest)));
    let empty = Notify::new();
    let root = empty
        .run(&["target", "show", "mail-to-root", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(root["digest"], EMPTY_DIGEST);
}

#[test]
fn matchers_are_listed_and_shown_normalised() {
    let notify = sample();
    let list = notify
        .run(&["matcher", "list", "--json"])
        .expect_code(0)
        .json();
    let list = list.as_array().expect("a list");
    let names: Vec<&str> = list.iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["default-matcher", "m0", "m1"]);
    let m1 = json!({"name": "m1", "match-field": ["exact:type=a,b"], "match-severity": ["warning,error"],
                    "target": ["sm1", "g1"], "origin": "user-created"});
    assert_has(
        &list[2],
        &m1,
        &[
            "mode",
            "invert-match",
            "disable",
            "match-calendar",
            "comment",
        ],
    );
    let m0 = json!({"match-calendar": ["mon..fri  8-12"], "mode": "any", "invert-match": true});
    assert_has(&list[1], &m0, &["target", "match-field"]);
    assert_has(
        &list[0],
        &json!({"target": ["mail-to-root"], "mode": "all", "origin": "builtin"}),
        &[],
    );
    let shown = notify
        .run(&["matcher", "show", "m1", "--json"])
        .expect_code(0)
        .json();
    assert_has(&shown, &m1, &[]);
    assert_eq!(shown["digest"].as_str().map(str::len), Some(64));
}

#[test]
fn origins_say_what_was_changed() {
    let origins = |text: &str| {
        let notify = Notify::new().file("notifications.cfg", text);
        let of = |kind: &str, name: &str| {
            let shown = notify
                .run(&[kind, "show", name, "--json"])
                .expect_code(0)
                .json();
            shown["origin"].as_str().expect("an origin").to_owned()
        };
        [
            of("target", "mail-to-root"),
            of("matcher", "default-matcher"),
        ]
    };
    let same = "sendmail: mail-to-root\n\tmailto-user root@pam\n\tcomment Send mails to root@pam's email address\n\n\
                matcher: default-matcher\n\ttarget mail-to-root\n\tcomment Route all notifications to mail-to-root\n\
                \tmode all\n";
    assert_eq!(origins(""), ["builtin", "builtin"]);
    assert_eq!(origins(same), ["builtin", "builtin"]);
    assert_eq!(
        origins(&same.replace("root@pam\n", "max@pam\n")),
        ["modified-builtin", "builtin"]
    );
    assert_eq!(
        origins("matcher: default-matcher\n\tdisable true\n"),
        ["builtin", "modified-builtin"]
    );
    // What the file says of it means nothing.
    let lied = "matcher: default-matcher\n\torigin builtin\n\tdisable true\n";
    assert_eq!(origins(lied), ["builtin", "modified-builtin"]);
}

#[test]
fn unknown_names_exit_2() {
    let notify = sample();
    for words in [
        &["target", "show", "nowhere"][..],
        &["target", "show", "m1"],
        &["matcher", "show", "g1"],
        &["target", "set", "nowhere", "--comment", "x"],
        &["target", "set", "m1", "--comment", "x"],
        &["matcher", "set", "nowhere", "--comment", "x"],
        &["target", "remove", "nowhere"],
        &["target", "remove", "m1"],
        &["matcher", "remove", "g1"],
        &["target", "reset", "nowhere"],
        &["target", "reset", "default-matcher"],
        &["target", "add", "telegraph", "new"],
        &["target", "add", "matcher", "new"],
    ] {
        let name = words[words.len().min(4) - 1];
        let run = refused(&notify, words);
        assert!(run.stdout.is_empty(), "{words:?} {name}");
    }
}

#[test]
fn a_new_section_is_appended_and_everything_else_keeps_its_bytes() {
    for before in [
        "",
        SAMPLE,
        "# a comment\r\n\r\nmatcher :x1\r\n   mode   any\r\n",
        "matcher: x1\n\tmode any",
        "matcher: x1\n\tmode any\n\n\n",
        "what is this\n\nfilter: f1\n\tunknown  kept\n",
    ] {
        let notify = Notify::new().file("notifications.cfg", before);
        let words = [
            "target", "add", "sendmail", "new", "--mailto", "b@b.c", "--author", "Me", "--mailto",
            "a@b.c",
        ];
        let _ = notify.run(&words).expect_code(0);
        let after = notify.read("notifications.cfg");
        let kept = after
            .strip_prefix(before)
            .unwrap_or_else(|| panic!("kept: {before:?} in {after:?}"));
        let section = "sendmail: new\n\tauthor Me\n\tmailto b@b.c\n\tmailto a@b.c\n";
        let unix = kept.replace("\r\n", "\n");
        let separator = unix
            .strip_suffix(section)
            .unwrap_or_else(|| panic!("the section at the end: {kept:?}"));
        assert!(separator.chars().all(|c| c == '\n'), "{separator:?}");
        let blank = before.is_empty()
            || format!("{}{separator}", before.replace("\r\n", "\n")).ends_with("\n\n");
        assert!(blank, "one blank line between sections: {after:?}");
        let listed = notify
            .run(&["target", "show", "new", "--json"])
            .expect_code(0)
            .json();
        assert_eq!(listed["mailto"], json!(["b@b.c", "a@b.c"]));
    }
}

#[test]
fn built_ins_are_not_written_with_the_rest() {
    let notify = Notify::new();
    let _ = notify
        .run(&["matcher", "add", "m1", "--target", "mail-to-root"])
        .expect_code(0);
    assert_eq!(
        notify.read("notifications.cfg"),
        "matcher: m1\n\ttarget mail-to-root\n"
    );
    assert_eq!(
        read(&notify, "priv/notifications.cfg"),
        None,
        "no secret, no file"
    );
}

#[test]
fn new_sections_come_in_the_order_of_their_creation() {
    let notify = Notify::new();
    for name in ["zz", "aa", "mm"] {
        let _ = notify
            .run(&["matcher", "add", name, "--target", "mail-to-root"])
            .expect_code(0);
    }
    let text = notify.read("notifications.cfg");
    let headers: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("matcher"))
        .collect();
    assert_eq!(headers, ["matcher: zz", "matcher: aa", "matcher: mm"]);
}

#[test]
fn a_changed_section_is_rewritten_in_proxmox_ves_form() {
    let before = "# top\nmatcher: other\n  mode   any\n\n\
                  gotify:g1\n  server http://h\n  # why it is off\n  disable  yes\n  zeal unknown  value\n  # last\n\n\
                  matcher: after\n";
    let notify = Notify::new()
        .file("notifications.cfg", before)
        .file("priv/notifications.cfg", "gotify: g1\n\ttoken t\n");
    let _ = notify
        .run(&["target", "set", "g1", "--comment", "A remark"])
        .expect_code(0);
    let section = "gotify: g1\n\tcomment A remark\n\t# why it is off\n\tdisable true\n\tserver http://h\n\tzeal unknown  value\n\t# last\n";
    let after = notify.read("notifications.cfg");
    let lines: Vec<&str> = after.lines().map(str::trim).collect();
    let wanted: Vec<&str> = section.lines().map(str::trim).collect();
    let at = lines
        .iter()
        .position(|line| *line == "gotify: g1")
        .expect("the section");
    assert_eq!(lines[at..at + wanted.len()], wanted, "{after}");
    assert!(
        after.starts_with("# top\nmatcher: other\n  mode   any\n\n"),
        "{after}"
    );
    assert!(after.ends_with("\n\nmatcher: after\n"), "{after}");
    assert_eq!(
        notify.read("priv/notifications.cfg"),
        "gotify: g1\n\ttoken t\n"
    );
}

#[test]
fn properties_are_set_replaced_and_unset() {
    let notify = Notify::new().file(
        "notifications.cfg",
        "sendmail: sm1\n\tcomment c\n\tmailto a@b.c\n\tmailto b@b.c\n",
    );
    for (words, expected) in [
        // A repeated property is replaced as a whole.
        (
            &["--mailto", "x@b.c"][..],
            "sendmail: sm1\n\tcomment c\n\tmailto x@b.c\n",
        ),
        (
            &["--mailto", "y@b.c", "--mailto", "x@b.c"],
            "sendmail: sm1\n\tcomment c\n\tmailto y@b.c\n\tmailto x@b.c\n",
        ),
        (
            &["--unset", "comment"],
            "sendmail: sm1\n\tmailto y@b.c\n\tmailto x@b.c\n",
        ),
        (
            &["--unset", "comment"],
            "sendmail: sm1\n\tmailto y@b.c\n\tmailto x@b.c\n",
        ),
        (
            &["--unset", "mailto", "--mailto-user", "root@pam"],
            "sendmail: sm1\n\tmailto-user root@pam\n",
        ),
        (
            &["--disable", "true"],
            "sendmail: sm1\n\tdisable true\n\tmailto-user root@pam\n",
        ),
        (
            &["--unset", "disable", "--author", "A  B"],
            "sendmail: sm1\n\tauthor A  B\n\tmailto-user root@pam\n",
        ),
    ] {
        let _ = notify
            .run(&[&["target", "set", "sm1"], words].concat())
            .expect_code(0);
        assert_eq!(notify.read("notifications.cfg"), expected, "{words:?}");
    }
    for words in [
        &["target", "set", "sm1", "--unset", "colour"][..],
        &["target", "set", "sm1", "--colour", "red"],
        &["target", "set", "sm1", "--server", "http://h"],
        &["target", "set", "sm1", "--disable", "maybe"],
        &["target", "set", "sm1", "--mailto", "a"],
        &["target", "set", "sm1", "--comment", "a\nb"],
        &["target", "set", "sm1", "--author", "a", "--author", "b"],
        &["target", "set", "sm1", "extra"],
    ] {
        let _ = refused(&notify, words);
    }
}

#[test]
fn values_are_checked_before_they_are_written() {
    let notify = sample();
    let long = "n".repeat(33);
    for words in [
        &["target", "add", "smtp", "new", "--server", "h"][..],
        // Proxmox VE refuses to make a mail target without recipient.
        &[
            "target",
            "add",
            "smtp",
            "new",
            "--server",
            "h",
            "--from-address",
            "f@x",
        ],
        &[
            "target",
            "add",
            "smtp",
            "new",
            "--server",
            "h",
            "--from-address",
            "f@x",
            "--mailto",
            "a@x",
            "--port",
            "70000",
        ],
        &[
            "target",
            "add",
            "smtp",
            "new",
            "--server",
            "h",
            "--from-address",
            "f@x",
            "--mailto",
            "a@x",
            "--mode",
            "ssl",
        ],
        &["target", "add", "sendmail", "n", "--mailto", "a@b.c"],
        &["target", "add", "sendmail", &long, "--mailto", "a@b.c"],
        &["target", "add", "sendmail", "a b", "--mailto", "a@b.c"],
        &["target", "add", "sendmail", "-x1", "--mailto", "a@b.c"],
        &["target", "add", "sendmail"],
        &["target", "add"],
        &["matcher", "add", "new", "--match-severity", "fatal"],
        &["matcher", "add", "new", "--match-field", "type=x"],
        &["matcher", "add", "new", "--match-field", "regex:type=("],
        &["matcher", "add", "new", "--match-calendar", "daily"],
        &["matcher", "add", "new", "--mode", "some"],
        &["matcher", "add", "new", "--target", "nowhere"],
        &["matcher", "set", "m1", "--target", "m0"],
    ] {
        let _ = refused(&notify, words);
    }
}

#[test]
fn a_name_can_be_used_once() {
    let notify = sample();
    for words in [
        &["target", "add", "sendmail", "sm1", "--mailto", "a@b.c"][..],
        &["target", "add", "sendmail", "m1", "--mailto", "a@b.c"],
        &[
            "target",
            "add",
            "sendmail",
            "mail-to-root",
            "--mailto",
            "a@b.c",
        ],
        &["matcher", "add", "m1", "--target", "sm1"],
        &["matcher", "add", "g1", "--target", "sm1"],
        &["matcher", "add", "default-matcher", "--target", "sm1"],
    ] {
        let name = words.iter().find(|word| {
            SAMPLE.contains(&format!(": {word}\n"))
                || word.contains("-to-root")
                || word.starts_with("default-")
        });
        let run = refused(&notify, words);
        assert!(
            run.stderr.contains(name.expect("a name that is taken")),
            "{words:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn what_a_matcher_names_cannot_be_removed() {
    let notify = sample();
    let run = notify.run(&["target", "remove", "sm1"]).expect_code(1);
    assert_eq!(notify.read("notifications.cfg"), SAMPLE);
    assert!(
        run.stderr.contains("sm1") && run.stderr.contains("m1"),
        "{}",
        run.stderr
    );
    let _ = notify
        .run(&["matcher", "set", "m1", "--target", "g1"])
        .expect_code(0);
    let _ = notify.run(&["target", "remove", "sm1"]).expect_code(0);
    assert!(!notify.read("notifications.cfg").contains("sm1"));
}

#[test]
fn removing_takes_the_section_and_its_secret_and_nothing_else() {
    let public = "# top\nsendmail: a1\n\tmailto a@b.c\n\ngotify: g1\n\tserver http://h\n\nsendmail: z1\n  mailto z@b.c\n";
    let notify = Notify::new().file("notifications.cfg", public).file(
        "priv/notifications.cfg",
        "gotify: g1\n\ttoken t\n\nsmtp: orphan\n\tpassword p\n",
    );
    let _ = notify.run(&["target", "remove", "g1"]).expect_code(0);
    assert_eq!(
        notify.read("notifications.cfg"),
        "# top\nsendmail: a1\n\tmailto a@b.c\n\nsendmail: z1\n  mailto z@b.c\n"
    );
    assert_eq!(
        notify.read("priv/notifications.cfg"),
        "smtp: orphan\n\tpassword p\n"
    );
    let _ = notify.run(&["target", "remove", "z1"]).expect_code(0);
    assert_eq!(
        notify.read("notifications.cfg"),
        "# top\nsendmail: a1\n\tmailto a@b.c\n"
    );
}

#[test]
fn built_ins_are_changed_and_reset() {
    let notify = Notify::new();
    let _ = notify
        .run(&["target", "set", "mail-to-root", "--mailto", "a@b.c"])
        .expect_code(0);
    let text = notify.read("notifications.cfg");
    assert_eq!(
        text,
        "sendmail: mail-to-root\n\tcomment Send mails to root@pam's email address\n\tmailto a@b.c\n\tmailto-user root@pam\n"
    );
    let shown = notify
        .run(&["target", "show", "mail-to-root", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(shown["origin"], "modified-builtin");
    let _ = notify
        .run(&["matcher", "set", "default-matcher", "--disable", "true"])
        .expect_code(0);
    // A reset is allowed although a matcher names it.
    let _ = notify
        .run(&["target", "reset", "mail-to-root"])
        .expect_code(0);
    let shown = notify
        .run(&["target", "show", "mail-to-root", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(
        (&shown["origin"], shown.get("mailto")),
        (&json!("builtin"), None)
    );
    let _ = notify
        .run(&["matcher", "reset", "default-matcher"])
        .expect_code(0);
    assert_eq!(notify.read("notifications.cfg"), "");
    // There is nothing to reset a section of one's own to.
    let _ = refused(&sample(), &["target", "reset", "sm1"]);
    let _ = refused(&sample(), &["matcher", "reset", "m1"]);
}

#[test]
fn secrets_come_from_a_file_and_go_to_the_private_one() {
    let notify = Notify::new().file("secret", "s3cr3t with blanks\n");
    let path = notify.config().join("secret");
    let path = path.to_str().expect("a path of ASCII");
    let add = [
        "target",
        "add",
        "gotify",
        "push",
        "--server",
        "http://h",
        "--token-file",
        path,
    ];
    let run = notify.run(&add).expect_code(0);
    assert!(!(run.stdout + &run.stderr).contains("s3cr3t"));
    assert_eq!(
        notify.read("notifications.cfg"),
        "gotify: push\n\tserver http://h\n"
    );
    assert_eq!(
        notify.read("priv/notifications.cfg"),
        "gotify: push\n\ttoken s3cr3t with blanks\n"
    );
    assert_eq!(mode(&notify, "priv/notifications.cfg"), 0o600);
    // From standard input, and replaced.
    let words = ["target", "set", "push", "--token-file", "-"];
    let _ = notify.run_with(&words, b"another\n").expect_code(0);
    assert_eq!(
        notify.read("priv/notifications.cfg"),
        "gotify: push\n\ttoken another\n"
    );
    assert_eq!(
        notify.read("notifications.cfg"),
        "gotify: push\n\tserver http://h\n"
    );
    // A change of something else keeps it.
    let _ = notify
        .run(&["target", "set", "push", "--comment", "c"])
        .expect_code(0);
    assert_eq!(
        notify.read("priv/notifications.cfg"),
        "gotify: push\n\ttoken another\n"
    );
    // An optional one can be taken away.
    let words = [
        "target",
        "add",
        "smtp",
        "relay",
        "--server",
        "h",
        "--from-address",
        "f@x",
        "--mailto",
        "a@x",
        "--username",
        "u",
        "--password-file",
        path,
    ];
    let _ = notify.run(&words).expect_code(0);
    assert!(
        notify
            .read("priv/notifications.cfg")
            .contains("smtp: relay\n\tpassword s3cr3t with blanks\n")
    );
    let _ = notify
        .run(&[
            "target", "set", "relay", "--unset", "password", "--unset", "username",
        ])
        .expect_code(0);
    assert!(!notify.read("priv/notifications.cfg").contains("s3cr3t"));
}

#[test]
fn a_new_private_file_is_for_its_owner_whatever_the_umask() {
    let notify = Notify::new().file("secret", "abc\n");
    let path = notify.config().join("secret");
    let script = "umask 000; exec \"$0\" \"$@\"";
    let inner = notify.command(&[
        "target",
        "add",
        "gotify",
        "push",
        "--server",
        "http://h",
        "--token-file",
        path.to_str().expect("a path of ASCII"),
    ]);
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", script])
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let _ = Run::of(command, b"").expect_code(0);
    assert_eq!(mode(&notify, "priv/notifications.cfg"), 0o600);
}

#[test]
fn permissions_of_existing_files_are_kept() {
    let notify = sample()
        .mode("notifications.cfg", 0o640)
        .mode("priv/notifications.cfg", 0o400);
    let words = ["target", "set", "g1", "--comment", "c", "--token-file", "-"];
    let _ = notify.run_with(&words, b"new\n").expect_code(0);
    assert_eq!(mode(&notify, "notifications.cfg"), 0o640);
    assert_eq!(mode(&notify, "priv/notifications.cfg"), 0o400);
}

#[test]
fn a_secret_is_not_taken_from_the_command_line() {
    let notify = sample();
    for words in [
        &["target", "set", "g1", "--token", "hunter2"][..],
        &["target", "set", "g1", "--token=hunter2"],
        &["target", "set", "s1", "--password", "hunter2"],
        &[
            "target", "add", "gotify", "new", "--server", "http://h", "--token", "hunter2",
        ],
    ] {
        let run = refused(&notify, words);
        assert!(
            run.stderr.contains("-file"),
            "the way is named: {}",
            run.stderr
        );
        assert!(!(run.stdout + &run.stderr).contains("hunter2"), "{words:?}");
    }
    // A required one is asked for on a terminal only.
    let run = refused(
        &notify,
        &["target", "add", "gotify", "new", "--server", "http://h"],
    );
    assert!(run.stderr.contains("token"), "{}", run.stderr);
    for secret in [&b""[..], b"\n", b"two\nlines\n", b"nul\0\n", b"\xff\n"] {
        let words = ["target", "set", "g1", "--token-file", "-"];
        let run = refused_with(&notify, &words, secret);
        assert!(!run.stderr.contains("two"), "{}", run.stderr);
    }
    let _ = refused(
        &notify,
        &["target", "set", "g1", "--token-file", "/nonexistent/file"],
    );
}

#[test]
fn edits_are_made_against_a_digest_or_a_revision() {
    let notify = sample();
    let shown = |key: &str| {
        let shown = notify
            .run(&["target", "show", "g1", "--json"])
            .expect_code(0)
            .json();
        shown[key]
            .as_str()
            .unwrap_or_else(|| panic!("`{key}` in {shown}"))
            .to_owned()
    };
    let (digest, revision) = (shown("digest"), shown("revision"));
    assert_ne!(digest, revision);
    // A new secret changes the revision, not the digest.
    let words = [
        "target",
        "set",
        "g1",
        "--token-file",
        "-",
        "--digest",
        &revision,
    ];
    let _ = notify.run_with(&words, b"new\n").expect_code(0);
    assert_eq!(shown("digest"), digest);
    assert_ne!(shown("revision"), revision);
    let before = notify.read("notifications.cfg");
    for words in [
        &[
            "target",
            "set",
            "g1",
            "--comment",
            "c",
            "--digest",
            &revision,
        ][..],
        &[
            "matcher",
            "set",
            "m1",
            "--comment",
            "c",
            "--digest",
            &revision,
        ],
        &["target", "remove", "ab2", "--digest", &revision],
        &["matcher", "remove", "m1", "--digest", EMPTY_DIGEST],
        &["matcher", "add", "new", "--digest", EMPTY_DIGEST],
        &[
            "target",
            "set",
            "g1",
            "--comment",
            "c",
            "--digest",
            "no hex",
        ],
    ] {
        let run = notify.run(words);
        assert!(run.code == 1 || run.code == 2, "{words:?}: {}", run.code);
        assert!(!run.stderr.is_empty(), "{words:?}");
        assert_eq!(notify.read("notifications.cfg"), before, "{words:?}");
    }
    let _ = notify
        .run(&["target", "set", "g1", "--comment", "c", "--digest", &digest])
        .expect_code(0);
    assert_ne!(shown("digest"), digest);
    let now = shown("digest");
    let _ = notify
        .run(&["matcher", "remove", "m1", "--digest", &now])
        .expect_code(0);
}

#[test]
fn a_file_whose_bytes_do_not_change_is_not_written() {
    use std::os::unix::fs::MetadataExt as _;
    let text = "gotify: g1\n\tcomment c\n\tserver http://h\n";
    let notify = Notify::new()
        .file("notifications.cfg", text)
        .file("priv/notifications.cfg", "gotify: g1\n\ttoken t\n");
    let identity = || {
        ["notifications.cfg", "priv/notifications.cfg"].map(|name| {
            let metadata = std::fs::metadata(notify.config().join(name)).expect("a file");
            (metadata.ino(), metadata.mtime_nsec())
        })
    };
    let before = identity();
    let _ = notify
        .run(&["target", "set", "g1", "--comment", "c"])
        .expect_code(0);
    assert_eq!(identity(), before);
    let _ = notify
        .run_with(&["target", "set", "g1", "--token-file", "-"], b"t2\n")
        .expect_code(0);
    assert_eq!(identity()[0], before[0], "only the private file");
    assert_ne!(
        identity()[1].0,
        before[1].0,
        "another file was put in its place"
    );
}

#[test]
fn a_duplicate_is_written_once() {
    let text = "gotify: g1\n\tserver http://old\n\nmatcher: m1\n\tmode any\n\ngotify: g1\n\tserver http://h\n";
    let notify = Notify::new()
        .file("notifications.cfg", text)
        .file("priv/notifications.cfg", "gotify: g1\n\ttoken t\n");
    let _ = notify
        .run(&["target", "set", "g1", "--comment", "c"])
        .expect_code(0);
    let after = notify.read("notifications.cfg");
    assert_eq!(after.matches("gotify: g1").count(), 1, "{after}");
    assert!(
        after.contains("\tserver http://h\n") && !after.contains("old"),
        "{after}"
    );
}

#[test]
fn what_cannot_be_read_survives_a_write() {
    let text = b"# \xff\xfe comment\n\nmatcher: broken\n\tcomment \xff\n\ngroup: g0\n\tx y\n\nmatcher: m1\n\tmode any\n".to_vec();
    let notify = Notify::new().file("notifications.cfg", &text);
    let _ = notify
        .run(&["matcher", "set", "m1", "--comment", "c"])
        .expect_code(0);
    let after = std::fs::read(notify.config().join("notifications.cfg")).expect("a file");
    let end = b"matcher: m1\n\tmode any\n".len();
    let kept = &text[..text.len() - end];
    assert!(
        after.starts_with(kept),
        "{}",
        String::from_utf8_lossy(&after)
    );
    assert!(after.ends_with(b"matcher: m1\n\tcomment c\n\tmode any\n"));
}

/// A folder as pmxcfs has it: locks are folders in `priv/lock`.
fn cluster() -> Notify {
    let notify = sample();
    std::fs::create_dir(notify.config().join("priv/lock")).expect("a folder");
    notify
}

#[test]
fn proxmox_ve_is_not_silenced_by_what_it_does_not_know() {
    let notify = cluster();
    for words in [
        &["target", "set", "s1", "--ca-file", "/etc/ssl/own.pem"][..],
        &[
            "target",
            "add",
            "smtp",
            "new",
            "--server",
            "h",
            "--from-address",
            "f@x",
            "--mailto",
            "a@x",
            "--ca-file",
            "/etc/ssl/own.pem",
        ],
        &["matcher", "set", "m1", "--match-calendar", "mon-fri 9-17"],
        &["matcher", "add", "new", "--match-calendar", "22-6"],
    ] {
        let run = refused(&notify, words);
        assert!(
            run.stderr.contains("--not-for-pve"),
            "{words:?}: {}",
            run.stderr
        );
        if words.contains(&"--ca-file") {
            assert!(
                run.stderr.contains("notify.cfg"),
                "the overlay is named: {}",
                run.stderr
            );
        }
    }
    let words = [
        "target",
        "set",
        "s1",
        "--ca-file",
        "/etc/ssl/own.pem",
        "--not-for-pve",
    ];
    let _ = notify.run(&words).expect_code(0);
    assert!(
        notify
            .read("notifications.cfg")
            .contains("\tca-file /etc/ssl/own.pem\n")
    );
    let words = [
        "matcher",
        "set",
        "m1",
        "--match-calendar",
        "mon-fri 9-17",
        "--not-for-pve",
    ];
    let _ = notify.run(&words).expect_code(0);
    // What is there already stays.
    let _ = notify
        .run(&["matcher", "set", "m1", "--comment", "c"])
        .expect_code(0);
    assert!(
        notify
            .read("notifications.cfg")
            .contains("\tmatch-calendar mon-fri 9-17\n")
    );
    let _ = refused(
        &notify,
        &["matcher", "set", "m1", "--match-calendar", "mon-fri 9-18"],
    );
    // What it knows may be written, and no lock stays behind.
    let _ = cluster()
        .run(&["target", "set", "s1", "--comment", "c"])
        .expect_code(0);
    let left = std::fs::read_dir(notify.config().join("priv/lock"))
        .expect("a folder")
        .count();
    assert_eq!(left, 0);
}

#[test]
fn elsewhere_our_own_properties_may_stand_in_the_file() {
    let notify = sample();
    let _ = notify
        .run(&["target", "set", "s1", "--ca-file", "/etc/ssl/own.pem"])
        .expect_code(0);
    assert!(
        notify
            .read("notifications.cfg")
            .contains("\tca-file /etc/ssl/own.pem\n")
    );
    let _ = notify
        .run(&["matcher", "set", "m1", "--match-calendar", "mon-fri 9-17"])
        .expect_code(0);
    assert!(
        notify
            .read("notifications.cfg")
            .contains("\tmatch-calendar mon-fri 9-17\n")
    );
}

#[test]
fn an_overlay_adds_our_properties_to_a_target() {
    let notify = sample().file("notify.cfg", "smtp: s1\n\tca-file /etc/ssl/own.pem\n");
    let shown = notify
        .run(&["target", "show", "s1", "--json"])
        .expect_code(0)
        .json();
    assert_has(
        &shown,
        &json!({"ca-file": "/etc/ssl/own.pem", "server": "h"}),
        &[],
    );
}

#[test]
fn help_of_a_type_names_its_properties() {
    let notify = sample();
    for words in [
        &["target", "add", "smtp", "--help"][..],
        &["target", "add", "smtp", "new", "--help"],
        &["target", "set", "s1", "--help"],
    ] {
        let run = notify.run(words).expect_code(0);
        for flag in [
            "--server",
            "--from-address",
            "--port",
            "--mode",
            "--mailto-user",
            "--password-file",
            "--digest",
        ] {
            assert!(
                run.stdout.contains(flag),
                "{flag} is not in\n{}",
                run.stdout
            );
        }
        assert!(!run.stdout.contains("--token-file"), "{words:?}");
    }
    let run = notify.run(&["matcher", "add", "--help"]).expect_code(0);
    for flag in [
        "--match-field",
        "--match-severity",
        "--match-calendar",
        "--mode",
        "--invert-match",
        "--target",
    ] {
        assert!(
            run.stdout.contains(flag),
            "{flag} is not in\n{}",
            run.stdout
        );
    }
}

#[test]
fn people_get_text() {
    let notify = sample();
    for (words, expected) in [
        (
            &["target", "list"][..],
            &["ab2", "g1", "mail-to-root", "sendmail", "gotify"][..],
        ),
        (
            &["target", "show", "s1"],
            &["s1", "starttls", "2525", "f@x"],
        ),
        (&["matcher", "list"], &["m0", "m1", "default-matcher"]),
        (&["matcher", "show", "m1"], &["m1", "sm1", "g1", "warning"]),
    ] {
        let run = notify.run(words).expect_code(0);
        for word in expected {
            assert!(
                run.stdout.contains(word),
                "{word} is not in\n{}",
                run.stdout
            );
        }
        assert!(!run.stdout.contains("very-secret"), "{words:?}");
    }
}
