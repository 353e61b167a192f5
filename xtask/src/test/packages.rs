//! The Debian packages whose programs tests start.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failed::{Failed, Outcome};

/// A mail server, its authentication, an HTTP proxy, a receiver of alerts, daemons that send mail,
/// a reader of man pages, certificates, trusted roots, signatures, and a browser with a font.
const NEEDED: [&str; 15] = [
    "bsd-mailx",
    "ca-certificates",
    "chromium",
    "cron",
    "dovecot-core",
    "fonts-liberation",
    "gpg",
    "gpg-agent",
    "groff-base",
    "mdadm",
    "openssl",
    "postfix",
    "prometheus-alertmanager",
    "smartmontools",
    "tinyproxy",
];

/// So that Postfix asks nothing and sends no mail beyond this machine.
const ANSWERS: &str = "\
postfix postfix/main_mailer_type select Local only
postfix postfix/mailname string localhost
";

/// Installs what is missing, as root on Debian; elsewhere says what to install.
pub(super) fn provide() -> Outcome {
    if !Path::new("/etc/debian_version").exists() {
        eprintln!(
            "note: not Debian; tests need the programs of {}",
            NEEDED.join(", ")
        );
        return Ok(());
    }
    let missing = missing_of(&installed()?);
    match (missing.is_empty(), is_root()) {
        (true, _) => Ok(()),
        (false, true) => install(&missing),
        (false, false) => {
            let list = missing.join(" ");
            eprintln!(
                "note: some tests will fail; as root: apt-get install --no-install-recommends {list}"
            );
            Ok(())
        }
    }
}

/// What dpkg says of the needed packages: `NAME STATUS` in lines.
fn installed() -> Outcome<String> {
    let answer = Command::new("dpkg-query")
        .args(["--show", "--showformat", "${Package} ${db:Status-Status}\n"])
        .args(NEEDED)
        // It also complains of each package that it never heard of.
        .stderr(Stdio::null())
        .output()
        .map_err(|error| Failed::new(format!("dpkg-query: {error}")))?;
    Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
}

fn missing_of(installed: &str) -> Vec<&'static str> {
    let there = |name: &&str| {
        installed
            .lines()
            .any(|line| line == format!("{name} installed"))
    };
    NEEDED.into_iter().filter(|name| !there(name)).collect()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn install(missing: &[&str]) -> Outcome {
    eprintln!("installing {}", missing.join(", "));
    if missing.contains(&"postfix") {
        preseed()?;
    }
    apt_get(&["update"])?;
    let install = ["install", "--yes", "--no-install-recommends"];
    apt_get(&[&install, missing].concat())
}

fn preseed() -> Outcome {
    let said = |error| Failed::new(format!("debconf-set-selections: {error}"));
    let mut child = Command::new("debconf-set-selections")
        .stdin(Stdio::piped())
        .spawn()
        .map_err(said)?;
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(ANSWERS.as_bytes()).map_err(said)?;
    drop(stdin);
    match child.wait().map_err(said)? {
        status if status.success() => Ok(()),
        status => Err(Failed::new(format!("debconf-set-selections: {status}"))),
    }
}

fn apt_get(arguments: &[&str]) -> Outcome {
    let status = Command::new("apt-get")
        // Another installation may be going on.
        .args(["-q", "-o", "DPkg::Lock::Timeout=300"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .map_err(|error| Failed::new(format!("apt-get: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Failed::new(format!(
        "apt-get {}: {status}",
        arguments.join(" ")
    )))
}

#[cfg(test)]
mod tests {
    use super::{ANSWERS, NEEDED, missing_of};

    #[test]
    fn what_is_not_installed_is_missing() {
        let all: String = NEEDED
            .iter()
            .map(|name| format!("{name} installed\n"))
            .collect();
        assert_eq!(missing_of(&all), [""; 0]);
        let some = all.replace("postfix installed", "postfix config-files");
        assert_eq!(missing_of(&some), ["postfix"]);
        assert_eq!(missing_of(""), NEEDED);
    }

    /// The testkit names them too, when a test finds that one is missing.
    #[test]
    fn what_the_testkit_asks_for_is_installed() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let path = format!("{root}/crates/notify-testkit/src/real/mod.rs");
        let testkit = std::fs::read_to_string(path).expect("the testkit has this file");
        let command = testkit.split_once("--no-install-recommends ");
        let (_, packages) = command.expect("the testkit names a command");
        let (packages, _) = packages.split_once('"').expect("a string ends");
        for package in packages.split(' ') {
            assert!(NEEDED.contains(&package), "{package}");
        }
    }

    #[test]
    fn each_answer_is_of_a_package_that_is_needed() {
        for line in ANSWERS.lines() {
            let package = line.split(' ').next().unwrap_or_default();
            assert!(NEEDED.contains(&package), "{line}");
        }
    }
}
