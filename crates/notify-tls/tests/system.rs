//! The trust roots of the system, read in a process of their own with an environment of its own.

use std::path::Path;
use std::process::Command;

use notify_testkit::tls::Authority;
use notify_tls::{TlsOptions, client_config, prepare, system_roots, trusted_roots};

/// Set in the child: what it should find.
const EXPECTED: &str = "NOTIFY_TLS_EXPECTED";

/// What the child does: reports how many roots there are, or why there is no configuration,
/// and what `prepare` says of them.
#[test]
fn the_roots_are_as_expected() {
    let Ok(expected) = std::env::var(EXPECTED) else {
        // On its own, in the environment of the test run: it may find any number.
        assert_eq!(system_roots().as_ptr(), system_roots().as_ptr());
        return;
    };
    let options = TlsOptions::default();
    let mut found = match client_config(&options) {
        Ok(_) => format!(
            "{} roots",
            trusted_roots(&options).map_or(0, |roots| roots.len())
        ),
        Err(error) => error.report(),
    };
    for fault in prepare(&options, None) {
        found.push_str(&format!("; {}: {}", fault.level.name(), fault.message));
    }
    assert_eq!(found, expected);
}

fn check(file: &Path, folder: Option<&Path>, expected: &str) {
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child
        .args(["--exact", "the_roots_are_as_expected"])
        .env(EXPECTED, expected)
        .env("SSL_CERT_FILE", file)
        .env_remove("SSL_CERT_DIR");
    if let Some(folder) = folder {
        child.env("SSL_CERT_DIR", folder);
    }
    let output = child.output().expect("it can run again");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn the_environment_names_file_and_folder() {
    let (one, two) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("two.pem"), two.pem()).expect("writable");
    std::fs::write(folder.path().join("same.pem"), one.pem()).expect("writable");
    check(one.pem_file(), None, "1 roots");
    check(one.pem_file(), Some(folder.path()), "2 roots");
}

#[test]
fn what_cannot_be_read_does_not_spoil_the_rest() {
    let one = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("one.pem"), one.pem()).expect("writable");
    std::fs::write(
        folder.path().join("bad.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .expect("writable");
    check(
        Path::new("/nowhere/ca.pem"),
        Some(folder.path()),
        "1 roots; \
         warning: trust roots of the system: failed to read PEM from file: \
         No such file or directory (os error 2) at '/nowhere/ca.pem'; \
         warning: trust roots of the system: certificates that cannot be used: 1",
    );
}

#[test]
fn no_roots_at_all_is_an_error_that_says_what_to_do() {
    let advice = "this system has no trusted certificates: install the package ca-certificates, or set `ca-file` or `tls-fingerprint`";
    let expected = format!("{advice}; error: {advice}");
    check(Path::new("/dev/null"), None, &expected);
}
