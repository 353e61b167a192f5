//! apt with a root of its own: packages that are installed, and a repository of others.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{folder, program, write};

const FOLDERS: [&str; 8] = [
    "etc/apt/apt.conf.d",
    "etc/apt/preferences.d",
    "etc/apt/sources.list.d",
    "etc/apt/trusted.gpg.d",
    "repository",
    "var/cache/apt/archives/partial",
    "var/lib/apt/lists/partial",
    "var/lib/dpkg",
];

/// The machine's own apt, which knows only the packages of a test. It asks no network.
#[derive(Debug)]
pub struct Apt {
    root: TempDir,
}

/// A package of a test.
#[derive(Clone, Copy, Debug)]
pub struct Package<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// More lines of its description, as `Depends: b\n`.
    pub more: &'a str,
}

impl<'a> Package<'a> {
    /// A package of which no more is known.
    pub const fn new(name: &'a str, version: &'a str) -> Self {
        Package {
            name,
            version,
            more: "",
        }
    }

    /// With one more line of its description.
    #[must_use]
    pub const fn with(mut self, line: &'a str) -> Self {
        self.more = line;
        self
    }

    fn text(&self, more: &str) -> String {
        let Package {
            name,
            version,
            more: own,
        } = self;
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: a <a@example.com>\n\
             Description: a\n{own}{more}\n"
        )
    }
}

impl Apt {
    /// One that knows these packages; `held` are installed and not to be changed.
    ///
    /// # Panics
    /// When `apt-get` is missing, or cannot read its repository.
    pub fn knowing(
        installed: &[Package<'_>],
        held: &[Package<'_>],
        available: &[Package<'_>],
    ) -> Self {
        let apt = Apt {
            root: folder("notify-apt-"),
        };
        apt.lay_out(installed, held, available);
        let mut update = Command::new(program("apt-get"));
        update.args(["-q", "update"]);
        let output = update
            .env("APT_CONFIG", apt.settings())
            .output()
            .expect("apt-get starts");
        assert!(output.status.success(), "{output:?}");
        apt
    }

    /// The file to name in `APT_CONFIG`.
    pub fn settings(&self) -> PathBuf {
        self.root().join("apt.conf")
    }

    /// Its root.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    fn lay_out(&self, installed: &[Package<'_>], held: &[Package<'_>], available: &[Package<'_>]) {
        for name in FOLDERS {
            std::fs::create_dir_all(self.root().join(name)).expect("a new folder");
        }
        let root = self.root().display();
        let status = |wish: &str| format!("Status: {wish} ok installed\n");
        let [install, hold] = ["install", "hold"].map(status);
        let mut all: String = installed.iter().map(|one| one.text(&install)).collect();
        all.extend(held.iter().map(|one| one.text(&hold)));
        // There are no files: nobody installs them.
        let file = format!("Filename: ./a.deb\nSize: 1\nSHA256: {}\n", "0".repeat(64));
        let index: String = available.iter().map(|one| one.text(&file)).collect();
        for (name, text) in [
            ("var/lib/dpkg/status", all),
            ("repository/Packages", index),
            (
                "etc/apt/sources.list",
                format!("deb [trusted=yes] file:{root}/repository ./\n"),
            ),
            (
                "apt.conf",
                format!(
                    "Dir \"{root}\";\nDir::State::status \"{root}/var/lib/dpkg/status\";\n\
                     Dir::Bin::methods \"/usr/lib/apt/methods\";\nDir::Bin::dpkg \"/usr/bin/dpkg\";\n\
                     APT::Architecture \"amd64\";\nAPT::Architectures {{ \"amd64\"; }};\n\
                     APT::Sandbox::User \"root\";\n"
                ),
            ),
        ] {
            write(&self.root().join(name), &text);
        }
    }
}
