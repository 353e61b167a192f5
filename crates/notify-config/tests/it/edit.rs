//! What a change does to the bytes of each file.

use notify_config::{Changes, Configuration, Content, Files, Schemas, Setting, StoreErrorKind};
use notify_schema::{Kind, Property, Schema, Secret, Value};

use crate::pve_types::{lines, schemas};

fn text(content: &Content) -> &str {
    std::str::from_utf8(content.bytes()).expect("tests are text")
}

/// The public file after the change.
fn check(before: &str, changes: &Changes, expected: &str) {
    let after = changes
        .apply(&Files::of(before, "", ""), &schemas())
        .expect("a good change");
    assert_eq!(text(&after.public), expected);
}

fn refused(files: &Files, changes: &Changes) -> (StoreErrorKind, String) {
    let error = changes.apply(files, &schemas()).expect_err("a bad change");
    (error.kind(), error.to_string())
}

fn comment(name: &str, text: &str) -> Changes {
    Changes::new().set(name, vec![Setting::text("comment", text)], Vec::new())
}

#[test]
fn a_new_section_has_the_form_of_proxmox_ve() {
    let settings = vec![
        Setting::list("mailto-user", ["root@pam", "admin@pve"]),
        Setting::list("mailto", ["max@example.com"]),
        Setting::text("from-address", "pve1@example.com"),
        Setting::text("comment", "Send to multiple users/addresses"),
    ];
    let expected = "\
sendmail: example
\tcomment Send to multiple users/addresses
\tfrom-address pve1@example.com
\tmailto max@example.com
\tmailto-user root@pam
\tmailto-user admin@pve
";
    check(
        "",
        &Changes::new().add("sendmail", "example", settings),
        expected,
    );
}

#[test]
fn new_sections_come_last_in_the_order_of_their_making() {
    let add = |changes: Changes, name| changes.add("echo", name, Vec::new());
    let two = add(add(Changes::new(), "zz"), "aa");
    check("", &two, "echo: zz\n\necho: aa\n");
    check("echo: mm", &two, "echo: mm\n\necho: zz\n\necho: aa\n");
    check("echo: mm\n\n", &two, "echo: mm\n\necho: zz\n\necho: aa\n");
    check(
        "# only a remark\n",
        &two,
        "# only a remark\n\necho: zz\n\necho: aa\n",
    );
    check(
        "echo: mm\r\n",
        &two,
        "echo: mm\r\n\r\necho: zz\r\n\r\necho: aa\r\n",
    );
}

#[test]
fn a_changed_section_is_rewritten_and_nothing_else() {
    check(
        "# top\n\nsmtp:  one\n  server a\n  from-address  b@c\n\n\n# two\nsmtp:two\n  server a\n  port 025\n  from-address b@c\n  disable YES\nsmtp: three\n\tserver a\n\tfrom-address b@c",
        &comment("two", "new"),
        "# top\n\nsmtp:  one\n  server a\n  from-address  b@c\n\n\n# two\nsmtp: two\n\tcomment new\n\tdisable true\n\tfrom-address b@c\n\tport 25\n\tserver a\nsmtp: three\n\tserver a\n\tfrom-address b@c",
    );
}

#[test]
fn comments_stay_above_their_line() {
    check(
        "sendmail: ops\n\t# first to\n\tmailto b@b\n# second to\n\tmailto a@a\n\t# who\n\tauthor x\n\t# last\n# outside\n",
        &comment("ops", "new"),
        "sendmail: ops\n\t# who\n\tauthor x\n\tcomment new\n\t# first to\n\tmailto b@b\n# second to\n\tmailto a@a\n\t# last\n# outside\n",
    );
    // The line of the same value keeps its comment, the comment of one that went goes to the first, or to the end.
    check(
        "sendmail: ops\n\t# for b\n\tmailto b@b\n\t# for a\n\tmailto a@a\n\t# why\n\tauthor x\n",
        &Changes::new().set(
            "ops",
            vec![Setting::list("mailto", ["c@c", "a@a"])],
            vec!["author".into()],
        ),
        "sendmail: ops\n\t# for b\n\tmailto c@c\n\t# for a\n\tmailto a@a\n\t# why\n",
    );
}

#[test]
fn a_comment_that_ends_with_cr_is_written_once_and_for_all() {
    let once = "sendmail: ops\n\tcomment new\n\t# x\n";
    check("sendmail: ops\n\t# x\r\r\n", &comment("ops", "new"), once);
    check(once, &comment("ops", "new"), once);
}

#[test]
fn unknown_keys_and_bare_keys_survive_and_origin_does_not() {
    check(
        "sendmail: ops\n\tzebra  two  blanks\n\tmailto a@b\n\tauthor\n\torigin builtin\n\tfilter f1\n",
        &comment("ops", "new"),
        "sendmail: ops\n\tauthor\n\tcomment new\n\tfilter f1\n\tmailto a@b\n\tzebra two  blanks\n",
    );
}

#[test]
fn bytes_that_are_not_utf8_survive_a_write_of_their_section() {
    let before = Files {
        public: b"sendmail: ops\n\tmailto a@b\n\tauthor \xff\n\nsendmail: s2\n\tauthor \xfe\n"
            .to_vec()
            .into(),
        ..Files::default()
    };
    let after = comment("ops", "new")
        .apply(&before, &schemas())
        .expect("a good change");
    assert_eq!(after.public.bytes(), b"sendmail: ops\n\tauthor \xff\n\tcomment new\n\tmailto a@b\n\nsendmail: s2\n\tauthor \xfe\n");
}

#[test]
fn duplicates_of_the_touched_name_are_written_once() {
    check(
        "echo: aa\n\tcomment one\n\nsendmail: mm\n\techo aa\n\necho: aa\n\tcomment two\n\necho: zz\n\necho: zz\n",
        &comment("aa", "three"),
        "sendmail: mm\n\techo aa\n\necho: aa\n\tcomment three\n\necho: zz\n\necho: zz\n",
    );
}

#[test]
fn a_removed_section_takes_one_blank_line_with_it() {
    let remove = |name: &str| Changes::new().remove(name);
    check(
        "echo: aa\n\necho: bb\n\necho: cc\n",
        &remove("aa"),
        "echo: bb\n\necho: cc\n",
    );
    check(
        "echo: aa\n\necho: bb\n\necho: cc\n",
        &remove("bb"),
        "echo: aa\n\necho: cc\n",
    );
    check(
        "echo: aa\n\necho: bb\n\necho: cc\n",
        &remove("cc"),
        "echo: aa\n\necho: bb\n",
    );
    check("echo: aa\n", &remove("aa"), "");
    check(
        "echo: aa\necho: bb\n\necho: cc\n",
        &remove("bb"),
        "echo: aa\n\necho: cc\n",
    );
    check(
        "# top\n\necho: aa\n# end\n",
        &remove("aa"),
        "# top\n\n# end\n",
    );
}

#[test]
fn adding_and_removing_gives_the_bytes_back() {
    let before = Files::of("# x\necho: aa\n", "gotify: old\n", "");
    let settings = vec![
        Setting::text("server", "a"),
        Setting::secret("token", Secret::new("x")),
    ];
    let between = Changes::new()
        .add("gotify", "new", settings)
        .apply(&before, &schemas())
        .expect("good");
    assert_eq!(
        text(&between.private),
        "gotify: old\n\ngotify: new\n\ttoken x\n"
    );
    let after = Changes::new()
        .remove("new")
        .apply(&between, &schemas())
        .expect("good");
    assert_eq!(after, before);
}

#[test]
fn each_property_goes_into_its_file() {
    let before = Files::of("smtp: ops\n\tserver a\n\tfrom-address b@c\n", "", "");
    let ca_file = Changes::new().set("ops", vec![Setting::text("ca-file", "/x")], Vec::new());
    let password = Changes::new().set(
        "ops",
        vec![Setting::secret("password", Secret::new("p w"))],
        Vec::new(),
    );

    let after = password.apply(&before, &schemas()).expect("good");
    assert_eq!(
        (text(&after.public), text(&after.private)),
        (text(&before.public), "smtp: ops\n\tpassword p w\n")
    );

    let after = ca_file.apply(&before, &schemas()).expect("good");
    assert_eq!(
        text(&after.public),
        "smtp: ops\n\tca-file /x\n\tfrom-address b@c\n\tserver a\n"
    );

    // Where an overlay is, our properties belong there.
    let before = Files {
        overlay: "spool: ops\n\nsmtp: ops\n".into(),
        ..before
    };
    let after = ca_file.apply(&before, &schemas()).expect("good");
    assert_eq!(
        (text(&after.public), text(&after.overlay)),
        (
            text(&before.public),
            "spool: ops\n\nsmtp: ops\n\tca-file /x\n"
        )
    );
    let unset = Changes::new().set("ops", Vec::new(), vec!["ca-file".into()]);
    let after = unset.apply(&after, &schemas()).expect("good");
    assert_eq!(text(&after.overlay), "spool: ops\n");
}

#[test]
fn a_target_with_secrets_always_gets_a_private_section() {
    // Proxmox VE drops a target without one.
    let settings = vec![
        Setting::text("server", "a"),
        Setting::text("from-address", "b@c"),
    ];
    let after = Changes::new()
        .add("smtp", "ops", settings)
        .apply(&Files::default(), &schemas())
        .expect("good");
    assert_eq!(text(&after.private), "smtp: ops\n");
}

#[test]
fn a_built_in_gets_into_the_file_when_changed_and_out_when_reset() {
    let changed = Changes::new().set(
        "mail-to-root",
        vec![Setting::text("disable", "yes")],
        Vec::new(),
    );
    let expected = "\
sendmail: mail-to-root
\tcomment Send mails to root@pam's email address
\tdisable true
\tmailto-user root@pam
";
    check("", &changed, expected);
    check("", &Changes::new().reset("mail-to-root"), "");
    check("", &Changes::new().remove("mail-to-root"), "");
    check(
        &format!("{expected}\necho: aa\n"),
        &Changes::new().reset("mail-to-root"),
        "echo: aa\n",
    );
    assert_eq!(
        refused(
            &Files::of("echo: aa\n", "", ""),
            &Changes::new().reset("aa")
        ),
        (
            StoreErrorKind::Invalid,
            "`aa` is no built-in section, so there is nothing to reset it to".into()
        )
    );
}

#[test]
fn names_must_be_free_and_good_and_there() {
    let files = Files::of("echo: aa\n\nfilter: old\n", "", "");
    let add = |kind: &str, name: &str| Changes::new().add(kind, name, Vec::new());
    let taken = |name: &str| (StoreErrorKind::Taken, format!("the name `{name}` is taken"));
    assert_eq!(refused(&files, &add("echo", "aa")), taken("aa"));
    assert_eq!(refused(&files, &add("matcher", "aa")), taken("aa"));
    assert_eq!(refused(&files, &add("echo", "old")), taken("old"));
    assert_eq!(
        refused(&files, &add("echo", "mail-to-root")),
        taken("mail-to-root")
    );
    assert_eq!(
        refused(&files, &add("fax", "bb")),
        (StoreErrorKind::Unknown, "unknown section type `fax`".into())
    );
    assert_eq!(
        refused(&files, &add("echo", "b\nc: d")).0,
        StoreErrorKind::Invalid
    );
    for changes in [
        comment("bb", "x"),
        Changes::new().remove("bb"),
        Changes::new().reset("bb"),
    ] {
        assert_eq!(
            refused(&files, &changes),
            (StoreErrorKind::Unknown, "no section `bb`".into())
        );
    }
    assert_eq!(
        refused(&files, &comment("old", "x")),
        (
            StoreErrorKind::Unknown,
            "unknown section type `filter`".into()
        )
    );
}

#[test]
fn bad_values_are_refused_by_name_and_secrets_not_quoted() {
    let files = Files::of("smtp: ops\n\tserver a\n\tfrom-address b@c\n", "", "");
    let set = |setting: Setting| Changes::new().set("ops", vec![setting], Vec::new());
    let reason = |setting: Setting| {
        let (kind, message) = refused(&files, &set(setting));
        assert_eq!(kind, StoreErrorKind::Invalid);
        message
            .strip_prefix("smtp `ops`: ")
            .expect("names the section")
            .to_owned()
    };
    assert_eq!(
        reason(Setting::text("comment", "a\nsmtp: b")),
        "property `comment`: contains the control character U+000A"
    );
    assert_eq!(
        reason(Setting::text("author", "a\rb")),
        "property `author`: contains the control character U+000D"
    );
    assert_eq!(
        reason(Setting::text("port", "70000")),
        "property `port`: 70000 is above 65535"
    );
    assert_eq!(
        reason(Setting::text("prot", "1")),
        "unknown property `prot`"
    );
    assert_eq!(
        reason(Setting::list("port", ["1", "2"])),
        "property `port`: expected one value, not 2"
    );
    assert_eq!(
        reason(Setting::secret("password", Secret::new("hunter2 "))),
        "property `password`: begins or ends with a blank, which the file cannot hold"
    );
    assert_eq!(
        reason(Setting::secret("password", Secret::new("hun\tter2"))),
        "property `password`: contains the control character U+0009"
    );
    assert_eq!(
        reason(Setting::secret("author", Secret::new("hunter2"))),
        "property `author`: a secret value has no place in a public property"
    );
    let debug = format!(
        "{:?}",
        set(Setting::secret("password", Secret::new("hunter2")))
    );
    assert!(!debug.contains("hunter2"), "{debug}");
}

#[test]
fn a_change_that_would_make_a_section_unusable_is_refused_with_its_faults() {
    let files = Files::of("smtp: ops\n\tserver a\n\tfrom-address b@c\n", "", "");
    let unset = Changes::new().set("ops", Vec::new(), vec!["server".into()]);
    let error = unset.apply(&files, &schemas()).expect_err("it is required");
    assert_eq!(
        error.to_string(),
        "smtp `ops`: property `server` is missing"
    );
    assert_eq!(
        lines(error.faults()),
        "notifications.cfg:1:1: error: smtp `ops`: property `server` is missing\n"
    );
    assert_eq!(
        refused(
            &Files::default(),
            &Changes::new().add("gotify", "gg", vec![Setting::text("server", "a")])
        )
        .1,
        "gotify `gg`: property `token` is missing in priv/notifications.cfg"
    );
    // What was unusable before may be mended step by step.
    let broken = Files::of("smtp: ops\n\tserver a\n\tport x\n\tport 2\n", "", "");
    assert!(comment("ops", "x").apply(&broken, &schemas()).is_ok());
}

#[test]
fn a_file_that_cannot_be_read_is_not_overwritten() {
    let files = Files {
        private: Content::Unreadable("permission denied".into()),
        ..Files::of("smtp: ops\n\tserver a\n\tfrom-address b@c\n", "", "")
    };
    let set = Changes::new().set(
        "ops",
        vec![Setting::secret("password", Secret::new("x"))],
        Vec::new(),
    );
    assert_eq!(
        refused(&files, &set),
        (
            StoreErrorKind::Io,
            "cannot read priv/notifications.cfg".into()
        )
    );
    assert!(comment("ops", "x").apply(&files, &schemas()).is_ok());
}

static SECRET: Property = Property::repeated("secret", Kind::Pair, "Secrets.").secret();

fn hooks() -> Schemas {
    Schemas::new([Schema::new("hook", [&SECRET])])
}

fn secrets(values: &[&str]) -> Changes {
    let setting = Setting {
        key: "secret".to_owned(),
        values: values
            .iter()
            .map(|value| Value::Secret(Secret::new(*value)))
            .collect(),
    };
    Changes::new().set("h1", vec![setting], Vec::new())
}

#[test]
fn of_a_repeated_name_the_last_secret_is_kept() {
    let private = "hook: h1\n\tsecret name=a,value=MQ==\n\tsecret name=b,value=Mg==\n\tsecret name=a,value=Mw==\n";
    let before = Files::of("hook: h1\n", private, "");
    let after = secrets(&["name=a", "name=b,value=OQ=="])
        .apply(&before, &hooks())
        .expect("both are known");
    assert_eq!(
        text(&after.private),
        "hook: h1\n\tsecret name=a,value=Mw==\n\tsecret name=b,value=OQ==\n"
    );
}

#[test]
fn a_named_secret_without_value_keeps_what_the_file_has() {
    let before = "hook: h1\n\tsecret name=a,value=MQ==\n\tsecret name=b,value=Mg==\n";
    let before = Files::of("hook: h1\n", before, "");
    let check = |values: &[&str], expected: Result<&str, &str>| {
        let after = secrets(values).apply(&before, &hooks());
        let after = after.map(|after| text(&after.private).to_owned());
        let after = after.map_err(|error| error.to_string());
        assert_eq!(
            after.as_deref().map_err(String::as_str),
            expected,
            "{values:?}"
        );
    };
    check(
        &["name=b", "name=c,value=Mw=="],
        Ok("hook: h1\n\tsecret name=b,value=Mg==\n\tsecret name=c,value=Mw==\n"),
    );
    check(
        &["name=a,value=OQ=="],
        Ok("hook: h1\n\tsecret name=a,value=OQ==\n"),
    );
    check(
        &["name=c"],
        Err("hook `h1`: property `secret`: secret `c` is not known"),
    );
    check(
        &["name=a", "name=a,value=MQ=="],
        Err("hook `h1`: property `secret`: secret `a` is given twice"),
    );
}

#[test]
fn the_names_of_secrets_are_no_secrets() {
    let private = "hook: h1\n\tsecret name=b,value=Mg==\n\tsecret hunter2\n\tsecret name=a\n";
    let files = Files::of("hook: h1\n\tsecret name=public\n", private, "");
    let configuration = Configuration::assemble(&files, &hooks());
    let h1 = configuration.section("h1").expect("there");
    assert_eq!(configuration.secret_names(h1, &SECRET), ["b", "a"]);
}
