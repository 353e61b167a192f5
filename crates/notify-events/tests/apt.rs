//! Updates from apt: what it prints, the real program, and programs that misbehave.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use notify_events::apt::{self, Apt};
use notify_events::{EventErrorKind, PackageUpdate};
use notify_testkit::real::{self, Package};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");

fn shown(updates: &[PackageUpdate]) -> String {
    let line = |update: &PackageUpdate| {
        let installed = update.installed_version.as_deref().unwrap_or("-");
        let (name, available) = (&update.package_name, &update.available_version);
        format!("{name} {installed} -> {available}\n")
    };
    updates.iter().map(line).collect()
}

fn program(name: &str) -> Apt {
    Apt {
        program: PathBuf::from(format!("{CASES}/programs/{name}")),
        limit: Duration::from_secs(60),
    }
}

#[test]
fn plans_of_upgrades_are_read() {
    for name in ["debian-12", "proxmox", "up-to-date"] {
        let path = format!("{CASES}/apt/{name}.txt");
        let plan = std::fs::read_to_string(path).expect("a plan");
        insta::assert_snapshot!(format!("plan_{name}"), shown(&apt::parse(&plan)));
    }
}

/// The real apt, with packages of our own; it asks no network.
#[test]
fn the_real_apt_knows_of_updates() {
    let real = real::Apt::knowing(
        &[
            Package::new("web-server", "1:9.9"),
            Package::new("current", "1"),
        ],
        &[Package::new("held-back", "1")],
        &[
            Package::new("web-server", "2:1.0+deb12u1~rc1").with("Depends: new-library\n"),
            Package::new("new-library", "6.5.11-8"),
            Package::new("held-back", "2"),
            Package::new("current", "1"),
        ],
    );
    // The program is asked as it is in use; only its surroundings are others.
    let link = real.root().join("apt-get");
    let script = format!("{CASES}/programs/apt-of-folder");
    std::os::unix::fs::symlink(script, &link).expect("a new link");
    let apt = Apt {
        program: link,
        limit: Duration::from_secs(60),
    };
    let updates = apt.updates().expect("an answer");
    assert_eq!(
        shown(&updates.available_updates),
        "new-library - -> 6.5.11-8\nweb-server 1:9.9 -> 2:1.0+deb12u1~rc1\n"
    );
}

#[test]
fn it_is_asked_in_one_language() {
    let updates = program("apt-echoes").updates().expect("an answer");
    assert_eq!(shown(&updates.available_updates), "C - -> -s\n");
}

fn refused(apt: &Apt) -> String {
    let error = apt.updates().expect_err("no answer");
    assert_eq!(error.kind(), EventErrorKind::Origin);
    error.to_string()
}

#[test]
fn a_failure_says_what_the_program_said() {
    let apt = program("apt-fails");
    assert_eq!(
        refused(&apt),
        format!(
            "{}: exit status: 100: dpkg was interrupted, you must manually run 'dpkg --configure -a' \
             to correct the problem",
            apt.program.display()
        )
    );
}

#[test]
fn a_missing_program_is_named() {
    let apt = Apt {
        program: PathBuf::from("no-such-apt-get"),
        ..Apt::default()
    };
    assert_eq!(refused(&apt), "no-such-apt-get: it is not installed");
}

#[test]
fn a_program_that_hangs_is_stopped() {
    let apt = Apt {
        limit: Duration::from_millis(200),
        ..program("apt-hangs")
    };
    let begin = Instant::now();
    let said = refused(&apt);
    assert!(said.ends_with(": no answer within 0.2 s"), "{said}");
    assert!(begin.elapsed() < Duration::from_secs(60));
}
