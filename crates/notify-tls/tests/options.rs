//! What a section may say, and what `check` finds out about its CA file.

use notify_schema::{Position, RawProperty, Schema, Source};
use notify_testkit::tls::Authority;
use notify_tls::{CA_FILE, Place, TLS_FINGERPRINT, TlsOptions, client_config, prepare};

/// The faults of a section, those of the schema and those of the file; `FILE` stands for its path.
fn check(contents: Option<&[u8]>, more: &[(&str, &str)], expected: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ca.pem");
    let path = path.to_str().expect("temporary folders are UTF-8");
    if let Some(contents) = contents {
        std::fs::write(path, contents).expect("writable");
    }
    let at = |line| Position::new(Source::Overlay, line, 2);
    let mut lines = vec![RawProperty::new("ca-file", path, at(2))];
    lines.extend(
        more.iter()
            .map(|(key, value)| RawProperty::new(key, value, at(3))),
    );
    let checked = Schema::new("smtp", [&CA_FILE, &TLS_FINGERPRINT]).check("ops", at(1), &lines);
    let mut faults = checked.faults;
    if let Some(fields) = &checked.fields {
        let options = TlsOptions::from_fields(fields);
        let found = prepare(&options, Place::of(fields).as_ref());
        let unusable = found
            .iter()
            .any(|fault| fault.level == notify_schema::Level::Error);
        assert_eq!(client_config(&options).is_err(), unusable, "{found:?}");
        faults.extend(found);
    }
    let faults: Vec<_> = faults
        .iter()
        .map(|fault| fault.to_string().replace(path, "FILE"))
        .collect();
    assert_eq!(faults, expected);
}

#[test]
fn a_file_with_a_certificate_is_fine() {
    let pem = Authority::new().pem();
    check(Some(pem.as_bytes()), &[], &[]);
    let two = format!("our authorities\n{pem}\n# and\n{}", Authority::new().pem());
    check(Some(two.replace('\n', "\r\n").as_bytes()), &[], &[]);
}

#[test]
fn a_file_that_cannot_be_used_is_a_fault_at_its_line() {
    let fault =
        |reason: &str| format!("notify.cfg:2:2: error: smtp `ops`: property `ca-file`: {reason}");
    check(
        None,
        &[],
        &[&fault(
            "cannot read `FILE`: No such file or directory (os error 2)",
        )],
    );
    check(Some(b""), &[], &[&fault("no PEM certificate in `FILE`")]);
    let der = b"\x30\x82\x01\x0a\x00\xff";
    check(Some(der), &[], &[&fault("no PEM certificate in `FILE`")]);
    let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    check(Some(key), &[], &[&fault("no PEM certificate in `FILE`")]);
    let short = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    check(
        Some(short),
        &[],
        &[&fault(
            "`FILE`: certificate 1 cannot be used: invalid peer certificate: BadEncoding",
        )],
    );
    let pem = Authority::new().pem();
    let cut = &pem.as_bytes()[..pem.len() / 2];
    check(
        Some(cut),
        &[],
        &[&fault(
            "certificate 1 in `FILE` is damaged: its last line is missing",
        )],
    );
}

#[test]
fn one_bad_certificate_does_not_spoil_the_others() {
    let pem = Authority::new().pem();
    let mixed = format!("{pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    check(
        Some(mixed.as_bytes()),
        &[],
        &[
            "notify.cfg:2:2: warning: smtp `ops`: property `ca-file`: certificate 2 cannot be used: invalid peer certificate: BadEncoding",
        ],
    );
}

#[test]
fn a_file_beside_a_fingerprint_is_not_used() {
    check(
        None,
        &[("tls-fingerprint", &"Ab".repeat(32))],
        &[
            "notify.cfg:2:2: info: smtp `ops`: property `ca-file`: not used, `tls-fingerprint` decides alone",
        ],
    );
}

#[test]
fn examples_are_accepted_and_bad_values_make_the_section_unusable() {
    for property in [&CA_FILE, &TLS_FINGERPRINT] {
        property
            .kind
            .normalized(property.example)
            .expect("an example");
        assert!(!property.in_pve);
    }
    check(
        None,
        &[("tls-fingerprint", "sha1")],
        &[
            "notify.cfg:3:2: error: smtp `ops`: property `tls-fingerprint`: expected hex digits and colons, not `s`",
        ],
    );
}
