//! Updates from apt: what it prints, the real program, and programs that misbehave.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use notify_events::apt::{self, Apt};
use notify_events::{EventErrorKind, PackageUpdate};

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

/// A root of its own for apt, with a repository of one index.
fn root_of_apt(folder: &Path) -> PathBuf {
    for below in [
        "etc/apt/apt.conf.d",
        "etc/apt/preferences.d",
        "etc/apt/sources.list.d",
        "etc/apt/trusted.gpg.d",
        "var/lib/apt/lists/partial",
        "var/cache/apt/archives/partial",
        "var/lib/dpkg",
        "repository",
    ] {
        std::fs::create_dir_all(folder.join(below)).expect("a new folder");
    }
    let root = folder.display();
    let write = |name: &str, text: String| {
        std::fs::write(folder.join(name), text).expect("a new file");
    };
    let source = format!("deb [trusted=yes] file:{root}/repository ./\n");
    write("etc/apt/sources.list", source);
    let package = |name: &str, version: &str, more: &str| {
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: a <a@example.com>\n\
             Description: a\n{more}\n"
        )
    };
    let available = |name: &str, version: &str, more: &str| {
        let file = format!(
            "Filename: ./{name}.deb\nSize: 1\nSHA256: {}\n{more}",
            "0".repeat(64)
        );
        package(name, version, &file)
    };
    let repository = [
        available("web-server", "2:1.0+deb12u1~rc1", "Depends: new-library\n"),
        available("new-library", "6.5.11-8", ""),
        available("held-back", "2", ""),
        available("current", "1", ""),
    ];
    write("repository/Packages", repository.concat());
    let installed = |name: &str, version: &str, wish: &str| {
        package(name, version, &format!("Status: {wish} ok installed\n"))
    };
    let status = [
        installed("web-server", "1:9.9", "install"),
        installed("held-back", "1", "hold"),
        installed("current", "1", "install"),
    ];
    write("var/lib/dpkg/status", status.concat());
    let settings = format!(
        "Dir \"{root}\";\nDir::State::status \"{root}/var/lib/dpkg/status\";\n\
         Dir::Bin::methods \"/usr/lib/apt/methods\";\nDir::Bin::dpkg \"/usr/bin/dpkg\";\n\
         APT::Architecture \"amd64\";\nAPT::Architectures {{ \"amd64\"; }};\n\
         APT::Sandbox::User \"root\";\n"
    );
    write("apt.conf", settings);
    folder.join("apt.conf")
}

/// The real apt, with packages of our own; it asks no network.
#[test]
fn the_real_apt_knows_of_updates() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = root_of_apt(folder.path());
    let update = Command::new("apt-get")
        .args(["-q", "update"])
        .env("APT_CONFIG", &settings)
        .output()
        .expect("this test needs apt-get: it is of Debian and what comes of it");
    assert!(update.status.success(), "{update:?}");
    // The program is asked as it is in use; only its surroundings are others.
    let script = folder.path().join("asked");
    std::os::unix::fs::symlink(format!("{CASES}/programs/apt-of-folder"), &script)
        .expect("a new link");
    let apt = Apt {
        program: script,
        ..program("")
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
