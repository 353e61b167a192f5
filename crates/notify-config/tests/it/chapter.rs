//! Every configuration block of Proxmox VE's own documentation, as it stands there.

use notify_config::{Configuration, Files};
use notify_schema::{Audience, Secret};

use crate::pve_types::{faults, schemas};

const SENDMAIL: &str = "\
sendmail: example
        mailto-user root@pam
        mailto-user admin@pve
        mailto max@example.com
        from-address pve1@example.com
        comment Send to multiple users/addresses
";

const SMTP: &str = "\
smtp: example
        mailto-user root@pam
        mailto-user admin@pve
        mailto max@example.com
        from-address pve1@example.com
        username pve1
        server mail.example.com
        mode starttls
";

const SMTP_PRIVATE: &str = "smtp: example\n        password somepassword\n";

const GOTIFY: &str = "\
gotify: example
        server http://gotify.example.com:8888
        comment Send to multiple users/addresses
";

const GOTIFY_PRIVATE: &str = "gotify: example\n        token somesecrettoken\n";

const ALWAYS: &str = "\
matcher: always-matches
        target admin
        comment This matcher always matches
";

/// Two blocks of the documentation, one right under the other as there.
const MATCHERS: &str = "\
matcher: workday
        match-calendar mon-fri 9-17
        target admin
        comment Notify admins during working hours

matcher: night-and-weekend
        match-calendar mon-fri 9-17
        invert-match true
        target on-call-admins
        comment Separate target for non-working hours
matcher: backup-failures
        match-field exact:type=vzdump
        match-severity error
        target backup-admins
        comment Send notifications about backup failures to one group of admins

matcher: cluster-failures
        match-field exact:type=replication
        match-field exact:type=fencing
        mode any
        target cluster-admins
        comment Send cluster-related notifications to other group of admins
";

const CLUSTER_REGEX: &str = "\
matcher: cluster-failures
        match-field regex:type=^(replication|fencing)$
        target cluster-admins
        comment Send cluster-related notifications to other group of admins
";

/// No fault, and these sections besides the built-ins, all used.
fn check(public: &str, private: &str, expected: &[&str]) -> Configuration {
    let configuration = Configuration::assemble(&Files::of(public, private, ""), &schemas());
    assert_eq!(faults(&configuration, Audience::Everyone), "");
    let names: Vec<_> = configuration
        .sections()
        .iter()
        .inspect(|section| assert!(section.fields.is_some(), "{section:?}"))
        .map(|section| section.name.as_str())
        .collect();
    assert_eq!(
        names,
        [expected, &["mail-to-root", "default-matcher"]].concat()
    );
    configuration
}

#[test]
fn sendmail() {
    let configuration = check(SENDMAIL, "", &["example"]);
    let fields = configuration
        .section("example")
        .and_then(|one| one.fields.as_ref())
        .expect("used");
    assert_eq!(
        fields.texts("mailto-user").collect::<Vec<_>>(),
        ["root@pam", "admin@pve"]
    );
    assert_eq!(
        fields.text("comment"),
        Some("Send to multiple users/addresses")
    );
    assert_eq!(fields.text("author"), Some("Proxmox VE"));
}

#[test]
fn smtp_with_its_password() {
    let configuration = check(SMTP, SMTP_PRIVATE, &["example"]);
    let fields = configuration
        .section("example")
        .and_then(|one| one.fields.as_ref())
        .expect("used");
    assert_eq!(
        fields.secret("password").map(Secret::expose),
        Some("somepassword")
    );
    assert_eq!(fields.text("mode"), Some("starttls"));
}

#[test]
fn gotify_with_its_token() {
    let configuration = check(GOTIFY, GOTIFY_PRIVATE, &["example"]);
    let fields = configuration
        .section("example")
        .and_then(|one| one.fields.as_ref())
        .expect("used");
    assert_eq!(
        fields.secret("token").map(Secret::expose),
        Some("somesecrettoken")
    );
}

#[test]
fn matchers() {
    check(ALWAYS, "", &["always-matches"]);
    check(CLUSTER_REGEX, "", &["cluster-failures"]);
    let four = [
        "workday",
        "night-and-weekend",
        "backup-failures",
        "cluster-failures",
    ];
    let configuration = check(MATCHERS, "", &four);
    let fields = configuration
        .section("night-and-weekend")
        .and_then(|one| one.fields.as_ref())
        .expect("used");
    assert!(fields.flag("invert-match"));
    assert_eq!(fields.text("match-calendar"), Some("mon-fri 9-17"));
    // The two blocks that stand right under each other are one thing less for Proxmox VE.
    assert_eq!(
        faults(&configuration, Audience::Pve),
        "notifications.cfg:11:1: error: matcher `backup-failures`: Proxmox VE refuses a header without a blank line before it -> put a blank line before it\n"
    );
}
