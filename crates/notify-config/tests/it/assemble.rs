//! What the files say together: merge, origin, faults.

use notify_config::{Configuration, Content, Document, Files, Origin, format};
use notify_schema::{Audience, Source};

use crate::pve_types::{faults, report, schemas};

fn check(public: &str, private: &str, overlay: &str, expected: &str) {
    let report = report(&Files::of(public, private, overlay));
    assert_eq!(
        report.trim_end(),
        expected.trim_end(),
        "{public:?} {private:?} {overlay:?}"
    );
}

const SMTP: &str = "smtp: ops\n\tserver a\n\tfrom-address b@c\n";
const GOTIFY: &str = "gotify: ops\n\tserver a\n";

#[test]
fn empty_files_hold_the_built_ins() {
    let configuration = Configuration::assemble(&Files::default(), &schemas());
    let all: Vec<_> = configuration
        .sections()
        .iter()
        .map(|one| (one.name.as_str(), one.origin))
        .collect();
    assert_eq!(
        all,
        [
            ("mail-to-root", Origin::Builtin),
            ("default-matcher", Origin::Builtin)
        ]
    );
    assert_eq!(faults(&configuration, Audience::Everyone), "");
    assert_eq!(faults(&configuration, Audience::Pve), "");
    let root = configuration
        .section("mail-to-root")
        .and_then(|one| one.fields.as_ref())
        .expect("used");
    assert_eq!(root.texts("mailto-user").collect::<Vec<_>>(), ["root@pam"]);
}

#[test]
fn secrets_join_their_section() {
    check(SMTP, "", "", "smtp ops (user-created): used");
    check(
        SMTP,
        "smtp: ops\n\tpassword x\n",
        "",
        "smtp ops (user-created): used",
    );
    check(SMTP, "smtp: ops\n", "", "smtp ops (user-created): used");
    check(
        GOTIFY,
        "gotify: ops\n\ttoken x\n",
        "",
        "gotify ops (user-created): used",
    );
}

#[test]
fn a_missing_secret_is_shown() {
    check(
        GOTIFY,
        "",
        "",
        "gotify ops (user-created): no private section\n\
         notifications.cfg:1:1: error: gotify `ops`: no section of this name in priv/notifications.cfg -> add `gotify: ops` with `token` there",
    );
    check(
        GOTIFY,
        "gotify: ops\n",
        "",
        "gotify ops (user-created): property `token` is missing in priv/notifications.cfg\n\
         notifications.cfg:1:1: error: gotify `ops`: property `token` is missing in priv/notifications.cfg",
    );
}

#[test]
fn a_private_section_of_another_type_makes_it_unusable() {
    check(
        SMTP,
        "gotify: ops\n\ttoken x\n",
        "",
        "smtp ops (user-created): its private section is of type `gotify`\n\
         priv/notifications.cfg:1:1: error: smtp `ops`: its private section is of type `gotify` -> make it `smtp: ops`",
    );
    check(
        GOTIFY,
        "smtp: ops\n\tpassword x\n",
        "",
        "gotify ops (user-created): its private section is of type `smtp`\n\
         priv/notifications.cfg:1:1: error: gotify `ops`: its private section is of type `smtp` -> make it `gotify: ops`",
    );
}

#[test]
fn private_sections_that_nothing_uses_are_named() {
    check(
        "",
        "gotify: old\n\ttoken x\n\nmatcher: m1\n\tpassword x\n\nsendmail: s1\n",
        "",
        "priv/notifications.cfg:1:1: warning: gotify `old`: nothing uses it: notifications.cfg has no such section -> remove it if it was left behind\n\
         priv/notifications.cfg:4:1: error: matcher `m1`: sections of type `matcher` have no secrets -> remove it from the private file\n\
         priv/notifications.cfg:7:1: error: sendmail `s1`: sections of type `sendmail` have no secrets -> remove it from the private file",
    );
    // Mail through the local program has no secrets and never looks there.
    check(
        "sendmail: ops\n\tmailto a@b\n",
        "gotify: ops\n\ttoken x\n",
        "",
        "sendmail ops (user-created): used\n\
         priv/notifications.cfg:1:1: warning: gotify `ops`: nothing uses it: notifications.cfg has no such section -> remove it if it was left behind",
    );
}

#[test]
fn secrets_in_the_wrong_file_are_not_used_and_not_shown() {
    let files = Files::of("gotify: ops\n\tserver a\n\ttoken hunter2\n", "", "");
    let report = report(&files);
    assert!(!report.contains("hunter2"));
    assert!(report.contains("notifications.cfg:3:2: error: gotify `ops`: property `token`: a secret in a file that others can read"), "{report}");
    let debug = format!("{:?}", Configuration::assemble(&files, &schemas()));
    assert!(!debug.contains("hunter2"), "{debug}");
}

#[test]
fn no_fault_of_the_private_file_shows_what_may_be_a_secret() {
    let public = "gotify: ops\n\tserver a\n\nsmtp: mail\n\tserver a\n\tfrom-address b@c\n";
    for private in [
        "hunter2\n",
        "token hunter2\n",
        "token=hunter2\n",
        "token: hunter2\n",
        "token: hunter2\n\tx y\n\tx\n\t# x\n\ntoken: hunter2\n",
        "token: hunter2!\n",
        "gotify: ops\n\thunter2\n",
        "gotify: ops\n\thunter2 \n",
        "gotify: ops\n\ttoken=hunter2\n",
        "gotify: ops\n\ttoken=hunter2 x\n",
        "gotify: ops\ntoken hunter2\n",
        "gotify: ops\n\ttoken hun\tter2\n",
        "gotify: ops\n\tserver hunter2\n",
        "gotify: ops\n\ttoken x\n\torigin hunter2\n",
        "smtp: ops\n\thunter2 x\n\nmatcher: m1\n\thunter2 x\n\ngotify: gone\n\thunter2 x\n\tx hunter2\n",
    ] {
        let files = Files::of(public, private, "");
        let configuration = Configuration::assemble(&files, &schemas());
        let document = Document::parse(Source::Private, private.as_bytes());
        let formatted = format(&document, &schemas());
        let lists = configuration
            .sections()
            .iter()
            .map(|one| configuration.secret_keys(one));
        let lists: Vec<_> = lists.collect();
        let said = format!("{configuration:?} {formatted:?} {document:?} {lists:?}");
        assert!(!said.contains("hunter2"), "{private:?}: {said}");
        assert!(!configuration.faults().is_empty(), "{private:?}");
    }
}

#[test]
fn an_unreadable_private_file_costs_those_that_need_a_secret() {
    let files = Files {
        private: Content::Unreadable("permission denied".into()),
        ..Files::of(&format!("{SMTP}\ngotify: g1\n\tserver a\n"), "", "")
    };
    assert_eq!(
        report(&files),
        "smtp ops (user-created): used\n\
         gotify g1 (user-created): permission denied\n\
         priv/notifications.cfg: error: cannot be read: permission denied\n"
    );
}

#[test]
fn an_unreadable_public_file_makes_the_whole_unreadable() {
    let files = Files {
        public: Content::Unreadable("permission denied".into()),
        ..Files::default()
    };
    let configuration = Configuration::assemble(&files, &schemas());
    assert_eq!(configuration.unreadable(), Some("permission denied"));
    assert_eq!(
        report(&files),
        "notifications.cfg: error: cannot be read: permission denied\n"
    );
}

#[test]
fn a_private_file_that_others_can_read_is_an_error() {
    let files = Files {
        private_is_exposed: true,
        ..Files::of("", "smtp: ops\n", "")
    };
    assert!(report(&files).starts_with(
        "priv/notifications.cfg: error: holds secrets and every user can read it -> chmod 600 priv/notifications.cfg\n"
    ));
}

#[test]
fn the_last_section_of_a_name_counts_even_when_faulty() {
    check(
        "smtp: ops\n\tserver a\n\tfrom-address b@c\n\nmatcher: ops\n\ttarget aa\n",
        "",
        "",
        "matcher ops (user-created): used\n\
         notifications.cfg:5:1: warning: matcher `ops`: duplicate name `ops`, also on line 1 -> the last section of a name is used, the others are not; remove them",
    );
    check(
        "smtp: ops\n\tserver a\n\tfrom-address b@c\n\nsmtp: ops\n\tserver a\n",
        "",
        "",
        "smtp ops (user-created): property `from-address` is missing\n\
         notifications.cfg:5:1: warning: smtp `ops`: duplicate name `ops`, also on line 1 -> the last section of a name is used, the others are not; remove them\n\
         notifications.cfg:5:1: error: smtp `ops`: property `from-address` is missing",
    );
    check(
        "smtp: ops\n\tserver a\n\tfrom-address b@c\n\nfilter: ops\n\tmode and\n",
        "",
        "",
        "filter ops (user-created): unknown section type\n\
         notifications.cfg:5:1: warning: filter `ops`: duplicate name `ops`, also on line 1 -> the last section of a name is used, the others are not; remove them\n\
         notifications.cfg:5:1: error: filter `ops`: unknown section type `filter` -> known are sendmail, smtp, gotify, echo, matcher",
    );
}

#[test]
fn built_ins_are_known_by_their_content() {
    let builtin = "sendmail: mail-to-root\n\tmailto-user root@pam\n\tcomment Send mails to root@pam's email address\n";
    check(builtin, "", "", "sendmail mail-to-root (builtin): used");
    let with_origin = format!("{builtin}\torigin user-created\n");
    check(
        &with_origin,
        "",
        "",
        "sendmail mail-to-root (builtin): used",
    );
    let disabled = format!("{builtin}\tdisable true\n");
    check(
        &disabled,
        "",
        "",
        "sendmail mail-to-root (modified-builtin, disabled): used",
    );
    check(
        "matcher: default-matcher\n\tcomment Route all notifications to mail-to-root\n\tmode all\n\ttarget mail-to-root\n",
        "",
        "",
        "matcher default-matcher (builtin): used",
    );
    check(
        "gotify: mail-to-root\n\tserver a\n",
        "gotify: mail-to-root\n\ttoken x\n",
        "",
        "gotify mail-to-root (modified-builtin): used",
    );
}

#[test]
fn a_faulty_override_does_not_bring_the_built_in_back() {
    let files = Files::of(
        "matcher: default-matcher\n\tmode none\n\ttarget aa\n",
        "",
        "",
    );
    let configuration = Configuration::assemble(&files, &schemas());
    let matcher = configuration.section("default-matcher").expect("kept");
    assert_eq!(
        (matcher.fields.is_none(), matcher.origin),
        (true, Origin::ModifiedBuiltin)
    );
    assert_eq!(configuration.of_kind("matcher").count(), 1);
}

#[test]
fn a_matcher_forgives_nothing_and_a_target_what_has_a_default() {
    check(
        "matcher: m1\n\ttarget aa\n\tmatch-feild exact:type=x\n\nmatcher: m2\n\ttarget aa\n\tmatch-severity\n\n\
         smtp: ops\n\tserver a\n\tfrom-address b@c\n\tprot 1\n\tmode ssl\n\tauthor\n\n\
         smtp: dev\n\tserver a\n\tfrom-address b@c\n\tusername\n\tport 1\n\tport 2\n\tdisable 1\n",
        "",
        "",
        "matcher m1 (user-created): unknown property `match-feild`\n\
         matcher m2 (user-created): property `match-severity` has no value\n\
         smtp ops (user-created): used\n\
         smtp dev (user-created, disabled): property `username` has no value\n\
         notifications.cfg:3:2: error: matcher `m1`: unknown property `match-feild` -> did you mean `match-field`?\n\
         notifications.cfg:7:2: error: matcher `m2`: property `match-severity` has no value -> write a blank and the value after it, or remove the line\n\
         notifications.cfg:12:2: warning: smtp `ops`: unknown property `prot`\n\
         notifications.cfg:13:2: warning: smtp `ops`: property `mode`: expected one of insecure, starttls, tls, not `ssl` -> `tls` is used instead\n\
         notifications.cfg:14:2: error: smtp `ops`: property `author` has no value -> write a blank and the value after it, or remove the line\n\
         notifications.cfg:19:2: error: smtp `dev`: property `username` has no value -> write a blank and the value after it, or remove the line\n\
         notifications.cfg:21:2: error: smtp `dev`: duplicate property `port`, first on line 20 -> remove one of the two lines",
    );
}

#[test]
fn a_matcher_is_not_used_when_one_of_its_rules_may_have_lost_its_indent() {
    let lost = "matcher: m1\n\ttarget aa\nmatch-field exact:type=x\n";
    let files = Files::of(lost, "", "");
    assert!(
        report(&files)
            .starts_with("matcher m1 (user-created): line 3 may be one of its properties\n"),
        "{}",
        report(&files)
    );
    // A broken header of a known type, or one after a blank line, costs only itself.
    for harmless in [
        "matcher: m1\n\ttarget aa\nsmtp: a b\n",
        "matcher: m1\n\ttarget aa\n\nmatch-field x\n",
    ] {
        let report = report(&Files::of(harmless, "", ""));
        assert!(
            report.starts_with("matcher m1 (user-created): used\n"),
            "{report}"
        );
    }
}

#[test]
fn an_indented_header_belongs_to_the_section_above_and_is_hinted_at() {
    check(
        "sendmail: s1\n\tmailto a@b\n sendmail: s2\n",
        "",
        "",
        "sendmail s1 (user-created): used\n\
         notifications.cfg:3:2: warning: sendmail `s1`: unknown property `sendmail:` -> a header starts at the first column",
    );
}

#[test]
fn bad_utf8_costs_its_section_and_no_other() {
    let mut files = Files::of("", "", "");
    files.public = b"smtp: ops\n\tserver a\n\tfrom-address b@c\n\tcomment \xff\n\nsendmail: s1\n\tmailto a@b\n".to_vec().into();
    assert_eq!(
        report(&files),
        "smtp ops (user-created): not UTF-8\n\
         sendmail s1 (user-created): used\n\
         notifications.cfg:4:10: error: smtp `ops`: byte 0xff is not UTF-8 -> this section is not used until the file is UTF-8\n"
    );
}

#[test]
fn overlays_add_our_properties() {
    let files = Files::of(
        SMTP,
        "",
        "# ours\nsmtp: ops\n\tca-file /etc/ca.pem\n\nspool: local\n\tlimit 5\n",
    );
    let configuration = Configuration::assemble(&files, &schemas());
    let fields = configuration
        .section("ops")
        .and_then(|one| one.fields.as_ref())
        .expect("used");
    assert_eq!(fields.text("ca-file"), Some("/etc/ca.pem"));
    assert_eq!(
        configuration.settings()[0]
            .fields
            .as_ref()
            .and_then(|fields| fields.integer("limit")),
        Some(5)
    );
    assert_eq!(faults(&configuration, Audience::Everyone), "");
    assert_eq!(faults(&configuration, Audience::Pve), "");
}

#[test]
fn overlays_of_nothing_or_of_another_type_are_named() {
    check(
        SMTP,
        "",
        "gotify: ops\n\nsmtp: gone\n\tca-file x\n",
        "smtp ops (user-created): used\n\
         notify.cfg:1:1: error: gotify `ops`: `ops` is of type `smtp`, so this is not used\n\
         notify.cfg:3:1: warning: smtp `gone`: nothing uses it: notifications.cfg has no such section -> remove it if it was left behind",
    );
    check(
        SMTP,
        "",
        "smtp: ops\n\tport 25\n",
        "smtp ops (user-created): used\n\
         notify.cfg:2:2: error: smtp `ops`: property `port`: a property of Proxmox VE has no place in notify.cfg -> move it to the section of the same name in notifications.cfg",
    );
}

#[test]
fn a_built_in_can_have_an_overlay_without_standing_in_the_file() {
    let files = Files::of("", "", "sendmail: mail-to-root\n");
    assert_eq!(report(&files), "");
}

#[test]
fn a_file_over_one_mebibyte_does_not_fit_on_pmxcfs() {
    let files = Files::of(&"\n".repeat(1024 * 1024 + 1), "", "");
    let configuration = Configuration::assemble(&files, &schemas());
    assert_eq!(
        faults(&configuration, Audience::Pve),
        "notifications.cfg: error: the file system of Proxmox VE holds at most 1048576 bytes of it, this has 1048577\n"
    );
    let fits = Files::of(&"\n".repeat(1024 * 1024), "", "");
    assert_eq!(
        faults(&Configuration::assemble(&fits, &schemas()), Audience::Pve),
        ""
    );
}

#[test]
fn lines_and_secret_keys_show_a_section_as_it_stands() {
    let files = Files::of(
        "smtp: ops\n\tserver a\n\tbogus b\n",
        "smtp: ops\n\tpassword x\n",
        "smtp: ops\n\tca-file /x\n",
    );
    let configuration = Configuration::assemble(&files, &schemas());
    let ops = configuration.section("ops").expect("listed");
    let lines: Vec<_> = configuration
        .lines(ops)
        .into_iter()
        .map(|line| (line.key, line.value))
        .collect();
    assert_eq!(lines, [("server", "a"), ("bogus", "b"), ("ca-file", "/x")]);
    assert_eq!(configuration.secret_keys(ops), ["password"]);
}
