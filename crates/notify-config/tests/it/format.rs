//! `config format`.

use notify_config::{Document, Schemas, format};
use notify_schema::{Kind, Property, Schema, Source};

use crate::pve_types::{lines, schemas};

fn check(source: Source, input: &str, expected: &str, left_out: &str) {
    let formatted = format(&Document::parse(source, input.as_bytes()), &schemas());
    assert_eq!(formatted.text, expected);
    assert_eq!(lines(&formatted.left_out).trim_end(), left_out.trim_end());
}

#[test]
fn sections_stay_in_order_and_keys_are_sorted() {
    check(
        Source::Public,
        "\n\nsmtp:zz\n  server a\n  port 025\n  disable YES\n  mailto b@b\n  from-address b@c\n  mailto a@a\n\n\n\nsendmail: aa\n\tfilter f1\n\tcomment \n\n",
        "smtp: zz\n\tdisable true\n\tfrom-address b@c\n\tmailto b@b\n\tmailto a@a\n\tport 25\n\tserver a\n\nsendmail: aa\n\tcomment \n\tfilter f1\n",
        "",
    );
    check(Source::Public, "", "", "");
}

#[test]
fn match_rules_are_verbatim() {
    check(
        Source::Public,
        "matcher: m1\n\tmatch-severity warning , error\n\tmatch-field exact:type=a , b\n\tmatch-calendar mon-fri  9-17\n\tinvert-match on\n",
        "matcher: m1\n\tinvert-match true\n\tmatch-calendar mon-fri  9-17\n\tmatch-field exact:type=a , b\n\tmatch-severity warning , error\n",
        "",
    );
}

#[test]
fn what_proxmox_ve_refuses_is_left_out_and_named() {
    check(
        Source::Public,
        "# top\nsmtp: ops\n\t# in\n\tserver a\n\tfrom-address b@c\n\torigin builtin\n\tbogus 1\n\tca-file /x\n\tmode ssl\n\tpassword geheim\n\tmailto x\n\n\
         echo: e1\n\nfilter: f1\n\nsmtp: no-sender\n\tserver a\n\nsmtp ops\n\tserver b\n",
        "smtp: ops\n\tfrom-address b@c\n\tserver a\n",
        "notifications.cfg:1:1: warning: left out: a comment\n\
         notifications.cfg:3:2: warning: smtp `ops`: left out: a comment\n\
         notifications.cfg:6:2: warning: smtp `ops`: left out: `origin`, which is not for files\n\
         notifications.cfg:7:2: warning: smtp `ops`: left out: property `bogus` is unknown to Proxmox VE\n\
         notifications.cfg:8:2: warning: smtp `ops`: left out: property `ca-file` is unknown to Proxmox VE\n\
         notifications.cfg:9:2: warning: smtp `ops`: left out: property `mode`: expected one of insecure, starttls, tls, not `ssl`\n\
         notifications.cfg:10:2: warning: smtp `ops`: left out: property `password` is unknown to Proxmox VE\n\
         notifications.cfg:11:2: warning: smtp `ops`: left out: property `mailto`: shorter than 2 characters\n\
         notifications.cfg:13:1: warning: echo `e1`: left out with its whole section: section type `echo` is unknown to Proxmox VE\n\
         notifications.cfg:15:1: warning: filter `f1`: left out with its whole section: section type `filter` is unknown to Proxmox VE\n\
         notifications.cfg:17:1: warning: smtp `no-sender`: left out with its whole section: property `from-address` is missing\n\
         notifications.cfg:20:1: warning: left out: no header `TYPE: NAME`, and the lines up to the next",
    );
}

#[test]
fn the_name_of_a_secret_stays_in_the_public_file() {
    static SECRET: Property = Property::repeated("secret", Kind::Pair, "Secrets.").secret();
    let hooks = Schemas::new([Schema::new("hook", [&SECRET])]);
    let input = "hook: h1\n\tsecret name=a\n\tsecret name=b,value=Mg==\n";
    let formatted = format(&Document::parse(Source::Public, input.as_bytes()), &hooks);
    assert_eq!(formatted.text, "hook: h1\n\tsecret name=a\n");
    assert_eq!(formatted.left_out.len(), 1);
}

#[test]
fn a_matcher_without_one_of_its_lines_would_match_more() {
    check(
        Source::Public,
        "matcher: m1\n\ttarget aa\n\tmatch-feild x\n\nmatcher: m2\n\ttarget aa\n\tmode none\n\nmatcher: m3\n\tmode any\n\tmode all\n",
        "",
        "notifications.cfg:3:2: warning: matcher `m1`: left out with its whole section: property `match-feild` is unknown to Proxmox VE\n\
         notifications.cfg:7:2: warning: matcher `m2`: left out with its whole section: property `mode`: expected one of all, any, not `none`\n\
         notifications.cfg:11:2: warning: matcher `m3`: left out with its whole section: duplicate property `mode`",
    );
}

#[test]
fn of_duplicates_the_last_is_written() {
    let document = Document::parse(
        Source::Public,
        b"sendmail: aa\n\tcomment 1\n\nsendmail: bb\n\nmatcher: aa\n\ttarget bb\n",
    );
    let formatted = format(&document, &schemas());
    assert_eq!(formatted.text, "sendmail: bb\n\nmatcher: aa\n\ttarget bb\n");
    assert!(formatted.left_out.is_empty());
    assert_eq!(
        lines(&formatted.superseded),
        "notifications.cfg:1:1: info: sendmail `aa`: left out: the section of the same name on line 6 counts\n"
    );
}

#[test]
fn the_private_file_holds_secrets_only() {
    check(
        Source::Private,
        "smtp:ops\n  password  p w  x\n\ngotify: g1\n\tserver a\n\nmatcher: m1\n\ngotify: g2\n\ttoken x\n\tcomment y\n",
        "smtp: ops\n\tpassword p w  x\n\ngotify: g2\n\ttoken x\n",
        "priv/notifications.cfg:4:1: warning: gotify `g1`: left out with its whole section: property `token` is missing\n\
         priv/notifications.cfg:7:1: warning: matcher `m1`: left out with its whole section: sections of this type have no secrets\n\
         priv/notifications.cfg:11:2: warning: gotify `g2`: left out: property `comment` is unknown to Proxmox VE",
    );
    let formatted = format(
        &Document::parse(Source::Private, b"gotify: g1\n\ttoken hunter2\n"),
        &schemas(),
    );
    assert!(formatted.text.contains("hunter2") && !format!("{formatted:?}").contains("hunter2"));
}
