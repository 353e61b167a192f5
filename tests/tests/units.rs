//! The units of systemd in `docs/examples`: every line is understood, and what they say of the program is so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use notify_tests::Notify;

/// The keys that stand in our units, by section (systemd.unit(5), systemd.service(5),
/// systemd.exec(5), systemd.socket(5), systemd.timer(5)).
const KNOWN: [(&str, &[&str]); 5] = [
    (
        "Unit",
        &[
            "Description",
            "Documentation",
            "After",
            "StartLimitIntervalSec",
        ],
    ),
    ("Install", &["WantedBy", "Also"]),
    (
        "Socket",
        &[
            "ListenStream",
            "SocketUser",
            "SocketGroup",
            "SocketMode",
            "DirectoryMode",
        ],
    ),
    ("Timer", &["OnBootSec", "OnUnitInactiveSec", "AccuracySec"]),
    (
        "Service",
        &[
            "Type",
            "NotifyAccess",
            "ExecStart",
            "ExecReload",
            "User",
            "Group",
            "Environment",
            "StateDirectory",
            "StateDirectoryMode",
            "RuntimeDirectory",
            "RuntimeDirectoryPreserve",
            "LoadCredential",
            "Restart",
            "RestartSec",
            "WatchdogSec",
            "TimeoutStartSec",
            "TimeoutStopSec",
            "SuccessExitStatus",
            "LimitNOFILE",
            "UMask",
            "CapabilityBoundingSet",
            "NoNewPrivileges",
            "ProtectSystem",
            "ProtectHome",
            "PrivateTmp",
            "PrivateDevices",
            "ProtectClock",
            "ProtectControlGroups",
            "ProtectHostname",
            "ProtectKernelLogs",
            "ProtectKernelModules",
            "ProtectKernelTunables",
            "ProtectProc",
            "RestrictAddressFamilies",
            "RestrictNamespaces",
            "RestrictRealtime",
            "RestrictSUIDSGID",
            "LockPersonality",
            "MemoryDenyWriteExecute",
            "RemoveIPC",
            "SystemCallArchitectures",
            "SystemCallFilter",
            "SystemCallErrorNumber",
        ],
    ),
];

/// What a daemon that talks to strangers goes without.
const HARDENED: [(&str, &str); 10] = [
    ("CapabilityBoundingSet", ""),
    ("NoNewPrivileges", "yes"),
    ("ProtectSystem", "strict"),
    ("ProtectHome", "yes"),
    ("PrivateTmp", "yes"),
    ("PrivateDevices", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("MemoryDenyWriteExecute", "yes"),
    ("SystemCallArchitectures", "native"),
    ("UMask", "0077"),
];

type Unit = BTreeMap<(String, String), Vec<String>>;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples")
}

fn units() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(examples()).expect("the examples");
    let paths = entries.map(|entry| entry.expect("an example").path());
    let is_unit = |path: &PathBuf| {
        let end = path.extension().and_then(|end| end.to_str());
        matches!(end, Some("service" | "socket" | "timer" | "path"))
    };
    paths.filter(is_unit).collect()
}

/// The values of a unit by section and key, and what is no line of one.
fn read(path: &Path) -> (Unit, Vec<String>) {
    let text = std::fs::read_to_string(path).expect("a unit");
    let (mut unit, mut strange, mut section) = (Unit::new(), Vec::new(), String::new());
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            name.clone_into(&mut section);
            continue;
        }
        let known = KNOWN.iter().find(|(name, _)| *name == section);
        match line.split_once('=') {
            Some((key, value)) if known.is_some_and(|(_, keys)| keys.contains(&key)) => {
                let place = (section.clone(), key.to_owned());
                unit.entry(place).or_default().push(value.to_owned());
            }
            _ => strange.push(format!("{}: [{section}] {line}", path.display())),
        }
    }
    (unit, strange)
}

fn value<'u>(unit: &'u Unit, section: &str, key: &str) -> &'u str {
    let found = unit.get(&(section.to_owned(), key.to_owned()));
    found
        .and_then(|values| values.last())
        .unwrap_or_else(|| panic!("no {key} in [{section}]"))
}

fn daemon() -> Unit {
    read(&examples().join("notify.service")).0
}

#[test]
fn every_line_is_understood() {
    let units = units();
    assert!(units.len() >= 4, "{units:?}");
    let strange: Vec<_> = units.iter().flat_map(|path| read(path).1).collect();
    assert_eq!(strange, Vec::<String>::new());
}

#[test]
fn a_line_that_is_not_understood_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bad.service");
    std::fs::write(&path, "[Service]\nExecStrat=/bin/true\nrubbish\n").expect("a file");
    assert_eq!(read(&path).1.len(), 2);
}

#[test]
fn the_daemon_is_hardened() {
    let unit = daemon();
    for (key, expected) in HARDENED {
        assert_eq!(value(&unit, "Service", key), expected, "{key}");
    }
    assert_eq!(value(&unit, "Service", "User"), "notify");
}

#[test]
fn the_programs_and_their_flags_are_there() {
    let notify = Notify::new();
    for path in units() {
        let (unit, _) = read(&path);
        let Some(lines) = unit.get(&("Service".to_owned(), "ExecStart".to_owned())) else {
            continue;
        };
        let words: Vec<&str> = lines[0].split(' ').collect();
        let (program, command) = (words[0], words[1]);
        assert_eq!(program, "/usr/bin/notify", "{}", path.display());
        let help = notify.run(&[command, "--help"]).expect_code(0).stdout;
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "{}: {flag}", path.display());
        }
    }
}

#[test]
fn service_and_socket_mean_the_same_place() {
    let (socket, _) = read(&examples().join("notify.socket"));
    let path = value(&socket, "Socket", "ListenStream");
    let unit = daemon();
    assert!(value(&unit, "Service", "ExecStart").ends_with(path));
    assert_eq!(path, "/run/notify/notify.sock");
    assert_eq!(value(&unit, "Service", "RuntimeDirectory"), "notify");
    let state = format!("/var/lib/{}", value(&unit, "Service", "StateDirectory"));
    assert_eq!(
        value(&unit, "Service", "Environment"),
        format!("NOTIFY_STATE_DIR={state}")
    );
    assert_eq!(
        value(&socket, "Socket", "SocketUser"),
        value(&unit, "Service", "User")
    );
}

#[test]
fn the_manual_that_they_name_is_written() {
    let notify = Notify::new();
    let folder = notify.scratch().join("man");
    let words = ["manual", "--write", folder.to_str().expect("a path")];
    let _ = notify.run(&words).expect_code(0);
    let named: BTreeSet<String> = units()
        .iter()
        .filter_map(|path| {
            let (unit, _) = read(path);
            let found = unit.get(&("Unit".to_owned(), "Documentation".to_owned()))?;
            Some(found[0].clone())
        })
        .collect();
    assert!(!named.is_empty());
    for name in named {
        let page = name
            .strip_prefix("man:")
            .and_then(|name| name.strip_suffix("(1)"));
        let page = page.unwrap_or_else(|| panic!("{name}"));
        let file = folder.join(format!("man1/{page}.1"));
        assert!(file.is_file(), "{}", file.display());
    }
}
