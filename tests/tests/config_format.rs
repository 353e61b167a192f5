//! `notify config format` and `config show`: the files in Proxmox VE's form, and merged.

use notify_tests::{Notify, Run};
use serde_json::{Value, json};

fn format(text: impl AsRef<[u8]>) -> Run {
    Notify::new()
        .file("notifications.cfg", text)
        .run(&["config", "format"])
}

/// The formatted file, whole: nothing was left out.
fn formatted(text: &str) -> String {
    let run = format(text).expect_code(0);
    assert_eq!(run.stderr, "", "nothing is left out of {text:?}");
    assert_eq!(
        format(&run.stdout).expect_code(0).stdout,
        run.stdout,
        "formatted twice"
    );
    run.stdout
}

#[test]
fn a_file_in_proxmox_ves_form_stays_as_it_is() {
    let text = "sendmail: example\n\
                \tcomment Send to multiple users/addresses\n\
                \tfrom-address pve1@example.com\n\
                \tmailto max@example.com\n\
                \tmailto-user root@pam\n\
                \tmailto-user admin@pve\n\
                \n\
                matcher: m1\n\
                \tmatch-field exact:type=vzdump\n\
                \ttarget example\n";
    assert_eq!(formatted(text), text);
}

#[test]
fn keys_are_sorted_and_repeated_ones_keep_their_order() {
    let text = "sendmail: example\n  mailto-user root@pam\n  mailto z@example.com\n\n\n\
                matcher :  m1  \n \t mode any\n\tmatch-severity error\n\tmatch-field exact:b=1\n\
                \tmatch-field exact:a=1\n\tmatch-calendar 8-12\n\n\n\n";
    assert_eq!(
        formatted(text),
        "sendmail: example\n\tmailto z@example.com\n\tmailto-user root@pam\n\n\
         matcher: m1\n\tmatch-calendar 8-12\n\tmatch-field exact:b=1\n\tmatch-field exact:a=1\n\
         \tmatch-severity error\n\tmode any\n"
    );
}

#[test]
fn sections_stand_in_file_order_without_built_ins() {
    assert_eq!(formatted(""), "");
    assert_eq!(formatted("\n\n \t\n"), "");
    let text = "matcher: zz\n\tmode all\n\nmatcher: aa\n\tmode any\n";
    assert_eq!(formatted(text), text);
    // No line end at the end, CRLF, blank lines in front.
    assert_eq!(
        formatted("\n\nmatcher: zz\r\n\tmode all"),
        "matcher: zz\n\tmode all\n"
    );
    // A section without keys.
    assert_eq!(formatted("matcher: m1"), "matcher: m1\n");
    let missing = Notify::new().run(&["config", "format"]).expect_code(0);
    assert_eq!(missing.stdout, "");
}

#[test]
fn values_are_normalised_by_their_kind() {
    for (line, expected) in [
        ("disable 1", "disable true"),
        ("disable ON", "disable true"),
        ("disable Yes", "disable true"),
        ("disable true", "disable true"),
        ("disable 0", "disable false"),
        ("disable oFF", "disable false"),
        ("disable no", "disable false"),
        ("port 0587", "port 587"),
        ("port +25", "port 25"),
        ("author   A   B  ", "author A   B"),
        ("comment  # no comment # x", "comment # no comment # x"),
        ("username p  w", "username p  w"),
    ] {
        let head = "smtp: s1\n";
        let fixed = "\tfrom-address a@example.com\n\tserver mail.example.com\n";
        let run = format(format!("{head}{fixed}\t{line}\n")).expect_code(0);
        assert!(
            run.stdout.contains(&format!("\t{expected}\n")),
            "{line}: {}",
            run.stdout
        );
    }
    // An empty value keeps the blank after its key.
    assert_eq!(
        formatted("matcher: m1\n\tcomment \n"),
        "matcher: m1\n\tcomment \n"
    );
}

#[test]
fn rules_stay_verbatim() {
    let text = "matcher: m1\n\
                \tmatch-calendar mon..fri   8:5 -  12\n\
                \tmatch-field exact:type=b ,  a,\n\
                \tmatch-field regex:x=^(a|b) $\n\
                \tmatch-severity warning , error\n";
    assert_eq!(formatted(text), text);
}

/// Formats text of which something is left out; each of `told` is named with its line.
fn check_left_out(text: &str, expected: &str, told: &[(u32, &str)]) {
    let run = format(text).expect_code(1);
    assert_eq!(run.stdout, expected, "{text}\n{}", run.stderr);
    let told_in = |line: u32, word: &str| {
        let place = format!("notifications.cfg:{line}:");
        run.stderr
            .lines()
            .any(|text| text.contains(&place) && text.contains(word))
    };
    for (line, word) in told {
        assert!(told_in(*line, word), "line {line}, {word}:\n{}", run.stderr);
    }
    let again = format(&run.stdout).expect_code(0);
    assert_eq!(
        again.stdout, run.stdout,
        "formatting its own output changes nothing"
    );
}

#[test]
fn what_proxmox_ve_would_refuse_is_left_out_and_named() {
    let matcher = "matcher: m1\n\tmode all\n";
    let smtp = "smtp: s1\n\tfrom-address a@example.com\n\tserver mail.example.com\n";
    let with = |line: &str| format!("{smtp}\t{line}\n");
    for (text, expected, line, told) in [
        (
            "# a comment\nmatcher: m1\n\tmode all\n",
            matcher,
            1,
            "comment",
        ),
        (
            "matcher: m1\n\t# a comment\n\tmode all\n",
            matcher,
            2,
            "comment",
        ),
        (
            "matcher: m1\n\torigin builtin\n\tmode all\n",
            matcher,
            2,
            "origin",
        ),
        (
            "group: g1\n\ttarget t1\n\nmatcher: m1\n\tmode all\n",
            matcher,
            1,
            "group",
        ),
        ("no header\n\nmatcher: m1\n\tmode all\n", matcher, 1, ""),
        ("  matcher: m2\n\nmatcher: m1\n\tmode all\n", matcher, 1, ""),
        // Of a target the line: the target is used without it.
        (&with("colour red"), smtp, 4, "colour"),
        (&with("port 70000"), smtp, 4, "70000"),
        (&with("mode ssl"), smtp, 4, "ssl"),
        (&with("ca-file /etc/ssl/own.pem"), smtp, 4, "ca-file"),
        (
            "sendmail: x1\n\tmailto a\n\tmailto bb\n",
            "sendmail: x1\n\tmailto bb\n",
            2,
            "mailto",
        ),
        // Of a matcher the section: without a rule it would match what it should not.
        (
            "matcher: m1\n\tmode all\n\nmatcher: m2\n\tcolour red\n",
            matcher,
            5,
            "colour",
        ),
        (
            "matcher: m1\n\tmode all\n\nmatcher: m2\n\tmode some\n",
            matcher,
            5,
            "some",
        ),
        // Nothing is left that says what it should be.
        (
            "smtp: s1\n\tserver mail.example.com\n",
            "",
            1,
            "from-address",
        ),
        ("gotify: g1\n\tserver aa\n\tserver bb\n", "", 3, "server"),
    ] {
        check_left_out(text, expected, &[(line, told)]);
    }
}

#[test]
fn calendars_stay_verbatim_although_proxmox_ve_cannot_read_them() {
    // It reads the file; `check --pve` tells what it makes of the rule.
    let text = "matcher: m1\n\tmatch-calendar mon-fri 9-17\n";
    assert_eq!(formatted(text), text);
}

#[test]
fn the_last_of_duplicates_stands_once() {
    let text = "sendmail: x1\n\tmailto a@example.com\n\nmatcher: m1\n\tmode all\n\n\
                sendmail: x1\n\tmailto b@example.com\n";
    let run = format(text);
    let sections: Vec<&str> = run.stdout.split("\n\n").collect();
    assert_eq!(sections.len(), 2, "{}", run.stdout);
    assert!(
        run.stdout.contains("\tmailto b@example.com\n"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("a@example.com"), "{}", run.stdout);
    // Targets and matchers share one namespace.
    let text = "sendmail: x1\n\tmailto a@example.com\n\nmatcher: x1\n\tmode all\n";
    assert_eq!(format(text).stdout, "matcher: x1\n\tmode all\n");
}

#[test]
fn the_private_file_is_shown_only_when_asked_twice() {
    let private = "smtp: s1\n\tpassword  p w  x \n\n\n gotify : g1\n";
    let private = private.replace(" gotify : g1", "gotify : g1\n  token abc");
    let notify = Notify::new()
        .file(
            "notifications.cfg",
            "gotify: g1\n\tserver http://127.0.0.1:1\n",
        )
        .file("priv/notifications.cfg", private);
    for words in [
        &["config", "format", "--private"][..],
        &["config", "format", "--show-secrets"],
    ] {
        let run = notify.run(words);
        let _ = run.clone().expect_code(2);
        assert!(!(run.stdout + &run.stderr).contains("abc"), "{words:?}");
    }
    let run = notify.run(&["config", "format", "--private", "--show-secrets"]);
    assert_eq!(
        run.stdout,
        "smtp: s1\n\tpassword p w  x\n\ngotify: g1\n\ttoken abc\n"
    );
}

#[test]
fn a_merged_configuration_shows_that_secrets_are_set() {
    let notify = Notify::new()
        .file(
            "notifications.cfg",
            "gotify: g1\n\tserver http://127.0.0.1:1\n\nmatcher: m1\n\ttarget g1\n",
        )
        .file("priv/notifications.cfg", "gotify: g1\n\ttoken abc-secret\n");
    let run = notify.run(&["config", "show", "--json"]).expect_code(0);
    let text = run.json().to_string();
    assert!(text.contains(r#""token":"set""#), "{text}");
    for word in [
        "g1",
        "m1",
        "mail-to-root",
        "default-matcher",
        "http://127.0.0.1:1",
    ] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    assert!(!text.contains("abc-secret"));
    let run = notify.run(&["config", "show"]).expect_code(0);
    assert!(
        !run.stdout.contains("abc-secret") && run.stdout.contains("g1"),
        "{}",
        run.stdout
    );
    assert!(
        serde_json::from_str::<Value>(&run.stdout).is_err(),
        "people get text"
    );
}

#[test]
fn formatting_writes_no_file() {
    let text = "matcher: m1\r\n  mode all\r\n# kept\n";
    let notify = Notify::new().file("notifications.cfg", text);
    let _ = notify.run(&["config", "format"]).expect_code(1);
    assert_eq!(notify.read("notifications.cfg"), text);
    let entries = std::fs::read_dir(notify.config())
        .expect("a folder")
        .count();
    assert_eq!(json!(entries), json!(2), "the public file and priv/");
}
