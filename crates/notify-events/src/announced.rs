//! Which updates people were told of already.
//!
//! The state folder has a file `announced-updates.json`:
//!
//! ```json
//! {"version": 1, "packages": {"bash": "5.2.15-2+b13"}}
//! ```
//!
//! For each package it holds the version that was told last. It is read and
//! replaced under an exclusive lock on `announced-updates.lock`, which whoever
//! announces holds until the event was taken or not: so two runs at once tell
//! people once. A reader sees the old content or the new one, also after a
//! power loss. A file that is damaged counts as empty, and that is said.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::data::package_updates::PackageUpdate;
use crate::error::{EventError, EventErrorKind};

const FILE: &str = "announced-updates.json";
const LOCK: &str = "announced-updates.lock";
/// Written under the lock and renamed, so that one name is enough.
const DRAFT: &str = ".announced-updates.new";

const VERSION: u32 = 1;
/// The largest file that is read, in bytes.
const LARGEST: u64 = 16 << 20;

#[derive(Default, Serialize, Deserialize)]
struct Content {
    version: u32,
    packages: BTreeMap<String, String>,
}

/// What people were told, locked.
#[derive(Debug)]
pub(crate) struct Announced {
    folder: PathBuf,
    /// The lock lasts as long as this is open.
    lock: File,
    packages: BTreeMap<String, String>,
    /// What became of a file that could not be used.
    pub(crate) lost: Option<String>,
}

/// What people are being told: remembered once the event was taken.
#[derive(Debug)]
pub(crate) struct Announcement {
    announced: Announced,
}

impl Announced {
    /// Waits for the lock and reads the file. The folder is made when it is missing.
    pub(crate) fn open(folder: &Path) -> Result<Self, EventError> {
        let cannot = |what: &Path, error: io::Error| {
            let message = format!("cannot use {}", what.display());
            EventError::new(EventErrorKind::State, message).caused_by(error)
        };
        create(folder).map_err(|error| cannot(folder, error))?;
        let lock = folder.join(LOCK);
        let lock = locked(&lock).map_err(|error| cannot(&lock, error))?;
        let file = folder.join(FILE);
        let bytes = read(&file).map_err(|error| cannot(&file, error))?;
        let (packages, lost) = match bytes.map(|bytes| parse(&bytes)) {
            None => (BTreeMap::new(), None),
            Some(Ok(packages)) => (packages, None),
            Some(Err(reason)) => {
                let file = file.display();
                let lost = format!("{file}: {reason}; all updates count as new");
                (BTreeMap::new(), Some(lost))
            }
        };
        Ok(Announced {
            folder: folder.to_owned(),
            lock,
            packages,
            lost,
        })
    }

    /// Whether this version was not told yet.
    pub(crate) fn is_new(&self, update: &PackageUpdate) -> bool {
        self.packages.get(&update.package_name) != Some(&update.available_version)
    }

    /// To be remembered: these updates as well.
    pub(crate) fn announcing(mut self, updates: &[PackageUpdate]) -> Announcement {
        let told = updates.iter().map(|update| {
            (
                update.package_name.clone(),
                update.available_version.clone(),
            )
        });
        self.packages.extend(told);
        Announcement { announced: self }
    }
}

impl Announcement {
    /// Writes it down, and lets the lock go.
    pub(crate) fn keep(self) -> Result<(), EventError> {
        let Announced {
            folder,
            lock,
            packages,
            ..
        } = self.announced;
        let content = Content {
            version: VERSION,
            packages,
        };
        let written = serde_json::to_vec(&content)
            .map_err(io::Error::other)
            .and_then(|bytes| replace(&folder, &bytes));
        drop(lock);
        written.map_err(|error| {
            let message = format!("cannot write {}", folder.join(FILE).display());
            EventError::new(EventErrorKind::State, message).caused_by(error)
        })
    }
}

fn create(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        fs::create_dir_all(above)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn locked(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    loop {
        match flock(&file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// None when there is no file.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(bytes: &[u8]) -> Result<BTreeMap<String, String>, String> {
    if bytes.len() as u64 > LARGEST {
        return Err(format!("larger than {LARGEST} bytes"));
    }
    let content: Content = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if content.version != VERSION {
        return Err(format!("its version is {}, not {VERSION}", content.version));
    }
    Ok(content.packages)
}

fn replace(folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = folder.join(DRAFT);
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, folder.join(FILE))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{Announced, DRAFT, FILE};
    use crate::data::package_updates::PackageUpdate;
    use std::fs;
    use std::path::Path;
    use std::slice::from_ref;

    fn update(name: &str, version: &str) -> PackageUpdate {
        PackageUpdate {
            package_name: name.to_owned(),
            installed_version: None,
            available_version: version.to_owned(),
            other: serde_json::Map::new(),
        }
    }

    fn new_ones(folder: &Path, updates: &[PackageUpdate]) -> Vec<String> {
        let announced = Announced::open(folder).expect("a folder of our own");
        let new = updates.iter().filter(|update| announced.is_new(update));
        new.map(|update| update.package_name.clone()).collect()
    }

    fn announce(folder: &Path, updates: &[PackageUpdate]) {
        let announced = Announced::open(folder).expect("a folder of our own");
        announced.announcing(updates).keep().expect("written");
    }

    #[test]
    fn a_version_is_new_until_it_was_announced() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let folder = root.path().join("a/state");
        let (a1, a2, b1) = (update("a", "1"), update("a", "2"), update("b", "1"));
        assert_eq!(new_ones(&folder, &[a1.clone(), b1.clone()]), ["a", "b"]);
        // To look at them announces nothing.
        assert_eq!(new_ones(&folder, &[a1.clone(), b1.clone()]), ["a", "b"]);
        announce(&folder, from_ref(&a1));
        assert_eq!(new_ones(&folder, &[a1.clone(), b1.clone()]), ["b"]);
        announce(&folder, from_ref(&b1));
        assert_eq!(new_ones(&folder, &[a1, b1.clone()]), [""; 0]);
        assert_eq!(new_ones(&folder, &[a2, b1]), ["a"], "a later version");
    }

    #[test]
    fn a_damaged_file_counts_as_empty_and_that_is_said() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let a1 = update("a", "1");
        for damaged in [
            "",
            "{",
            "[]",
            r#"{"version":2,"packages":{}}"#,
            r#"{"version":1,"packages":[]}"#,
        ] {
            announce(root.path(), from_ref(&a1));
            fs::write(root.path().join(FILE), damaged).expect("written");
            let announced = Announced::open(root.path()).expect("it counts as empty");
            assert!(announced.is_new(&a1), "{damaged}");
            let lost = announced.lost.clone().expect("it is said");
            assert!(lost.contains(FILE), "{lost}");
            announced.announcing(from_ref(&a1)).keep().expect("written");
            assert_eq!(new_ones(root.path(), from_ref(&a1)), [""; 0]);
        }
    }

    #[test]
    fn a_draft_that_was_left_behind_is_no_obstacle() {
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::write(root.path().join(DRAFT), "x".repeat(1000)).expect("written");
        announce(root.path(), &[update("a", "1")]);
        let text = fs::read_to_string(root.path().join(FILE)).expect("a file");
        assert_eq!(text, r#"{"version":1,"packages":{"a":"1"}}"#);
        assert!(!root.path().join(DRAFT).exists());
    }

    #[test]
    fn who_announces_at_the_same_time_waits() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let a1 = update("a", "1");
        let told: Vec<bool> = std::thread::scope(|scope| {
            let announce = || {
                let announced = Announced::open(root.path()).expect("a folder of our own");
                let new = announced.is_new(&a1);
                announced.announcing(from_ref(&a1)).keep().expect("written");
                new
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(announce)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"))
                .collect()
        });
        assert_eq!(told.iter().filter(|told| **told).count(), 1, "{told:?}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let file = root.path().join("file");
        fs::write(&file, "").expect("written");
        let error = Announced::open(&file.join("state")).expect_err("below a file");
        assert_eq!(error.kind(), crate::EventErrorKind::State);
        assert!(error.to_string().starts_with("cannot use "), "{error}");
    }
}
