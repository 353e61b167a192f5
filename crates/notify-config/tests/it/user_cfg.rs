//! `user.cfg` and `datacenter.cfg`.

use notify_config::{DatacenterCfg, PackageUpdates, UserCfg};

use crate::pve_types::lines;

fn check(text: &[u8], id: &str, expected: Option<&str>) {
    let parsed = UserCfg::parse(text);
    assert_eq!(
        parsed.address_of(id),
        expected,
        "{}",
        String::from_utf8_lossy(text)
    );
}

#[test]
fn addresses_are_those_of_the_first_record() {
    check(
        b"user:root@pam:1:0:::admin@example.com::\n",
        "root@pam",
        Some("admin@example.com"),
    );
    check(
        b"user:root@pam:1:0:::  admin@example.com  ::\n",
        "root@pam",
        Some("admin@example.com"),
    );
    check(
        b"  user : root@pam :1:0:::admin@example.com::\r\n",
        "root@pam",
        Some("admin@example.com"),
    );
    check(
        b"user:root@pam:1:0:::a@b::\nuser:root@pam:1:0:::c@d::\n",
        "root@pam",
        Some("a@b"),
    );
    check(
        b"user:root@pam:1:0:::::\nuser:root@pam:1:0:::c@d::\n",
        "root@pam",
        None,
    );
    check(b"user:root@pam:1:0:::a@b", "root@pam", Some("a@b"));
    check(b"user:root@pam:1:0\n", "root@pam", None);
    check(b"user:max@pve:1:0:::a@b::\n", "root@pam", None);
    check(b"", "root@pam", None);
}

#[test]
fn a_user_who_may_not_log_in_still_gets_mail() {
    check(b"user:max@pve:0:1:::a@b::\n", "max@pve", Some("a@b"));
}

#[test]
fn text_fields_are_percent_encoded() {
    check(
        b"user:max@pve:1:0:::m%C3%BCller@example.com::\n",
        "max@pve",
        Some("müller@example.com"),
    );
    check(b"user:max@pve:1:0:::a%25b@c::\n", "max@pve", Some("a%b@c"));
    check(b"user:max@pve:1:0:::a%zz@c::\n", "max@pve", Some("a%zz@c"));
    check(b"user:max@pve:1:0:::a@b%0d%0aBcc: x@y::\n", "max@pve", None);
    let parsed = UserCfg::parse(b"user:max@pve:1:1700000000:M%3Aax:M\xc3\xbcller:a@b:Chef%3A:x:\n");
    let max = parsed.user("max@pve").expect("read");
    assert_eq!(
        (
            max.first_name.as_str(),
            max.last_name.as_str(),
            max.comment.as_str()
        ),
        ("M:ax", "Müller", "Chef:")
    );
    assert_eq!(
        (max.enabled, max.expires, max.line),
        (true, 1_700_000_000, 1)
    );
}

#[test]
fn faults_have_a_place_and_cost_only_their_line() {
    let text = b"user:max@pve:yes:0:::a@b::\nbogus:x\n\n# note\ngroup:ops:max@pve::\nuser: nobody :1:0:::c@d::\nuser:u\xff@pve:1\nuser:eve@pve:1:0:::%ff::\nuser:tom@pve:1:0:::x%0Ay::\n";
    let parsed = UserCfg::parse(text);
    assert_eq!(
        lines(parsed.faults()),
        "user.cfg:1:14: warning: expected a number, not `yes`\n\
         user.cfg:2:1: warning: unknown record `bogus`\n\
         user.cfg:6:7: warning: `nobody` is not a user id `NAME@REALM`\n\
         user.cfg:7:7: error: not UTF-8, so the line is not used\n\
         user.cfg:8:20: warning: its escapes are not UTF-8, so the field is not used\n\
         user.cfg:9:20: warning: holds control characters, so the field is not used\n"
    );
    assert_eq!(parsed.address_of("max@pve"), Some("a@b"));
    assert_eq!(parsed.users().len(), 4);
}

#[test]
fn datacenter_options_are_the_first_of_their_key() {
    let parsed = DatacenterCfg::parse(
        b"keyboard: de\n email_from: no@indent\nemail_from:   pve@example.com \r\nemail_from: late@example.com\n\
          http_proxy:\nnotify: fencing=always,package-updates=never\nbad \xff\n",
    );
    assert_eq!(parsed.email_from(), Some("pve@example.com"));
    assert_eq!(parsed.http_proxy(), None);
    assert_eq!(parsed.option("keyboard"), Some("de"));
    assert_eq!(parsed.package_updates(), PackageUpdates::Never);
    assert_eq!(
        lines(parsed.faults()),
        "datacenter.cfg:7:1: warning: not UTF-8, so the line is not used\n"
    );
    assert_eq!(
        DatacenterCfg::parse(b"notify: x\n").package_updates(),
        PackageUpdates::Auto
    );
    assert_eq!(
        DatacenterCfg::parse(b"http_proxy:\nhttp_proxy: http://p:1\n").http_proxy(),
        None
    );
    assert_eq!(
        DatacenterCfg::parse(b"email_from_x: a\n").email_from(),
        None
    );
}

#[test]
fn when_to_tell_of_updates_is_one_of_three_words() {
    let check = |line: &str, expected: PackageUpdates, faults: &str| {
        let parsed = DatacenterCfg::parse(line.as_bytes());
        assert_eq!(parsed.package_updates(), expected, "{line}");
        assert_eq!(lines(parsed.faults()), faults, "{line}");
    };
    check(
        "notify: package-updates=always\n",
        PackageUpdates::Always,
        "",
    );
    check(
        "notify: a=b, package-updates = never\n",
        PackageUpdates::Never,
        "",
    );
    check("notify: package-updates=auto\n", PackageUpdates::Auto, "");
    check("notify: fencing=always\n", PackageUpdates::Auto, "");
    check("keyboard: de\n", PackageUpdates::Auto, "");
    check(
        "keyboard: de\nnotify: package-updates=Never\n",
        PackageUpdates::Auto,
        "datacenter.cfg:2:1: warning: `notify`: expected package-updates to be auto, always or never, \
         not `Never`; auto is used\n",
    );
}
