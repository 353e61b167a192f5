//! Which updates people were told of already.
//!
//! The state folder has a file `announced-updates.json`:
//!
//! ```json
//! {"version": 2, "packages": {"bash": ["5.2.15-2+b8", "5.2.15-2+b13"]}}
//! ```
//!
//! For each package it holds the versions that were told last, at least 16 of them:
//! versions that come and go, as of several sources, are not told again. It is read
//! and replaced under an exclusive lock on `announced-updates.lock`, which whoever
//! announces holds until the event was taken or not: so two runs at once tell
//! people once. The new content is written before anybody is told, and renamed
//! when the event was taken: a full disk is found out in time. A reader sees the old content or the new one, also after a
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

const VERSION: u32 = 2;
/// So many versions of a package are kept, or as many as were told at once.
const MOST_VERSIONS: usize = 16;
/// The largest file that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// Versions of packages by name, each once, the one that was told last at the end.
type Packages = BTreeMap<String, Vec<String>>;

#[derive(Default, Serialize, Deserialize)]
struct Content {
    version: u32,
    packages: Packages,
}

/// What people were told, locked.
#[derive(Debug)]
pub(crate) struct Announced {
    folder: PathBuf,
    /// The lock lasts as long as this is open.
    lock: File,
    packages: Packages,
    /// What became of a file that could not be used.
    pub(crate) lost: Option<String>,
}

/// What people are being told, written down but not yet in its place.
///
/// It is remembered once the event was taken, else it is forgotten with this.
#[derive(Debug)]
pub(crate) struct Announcement {
    draft: Draft,
    /// The lock lasts longer than the draft: fields are dropped in their order.
    _lock: File,
}

/// The new content beside the old one; removed when it is dropped.
#[derive(Debug)]
struct Draft {
    folder: PathBuf,
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
        let told = self.packages.get(&update.package_name);
        !told.is_some_and(|versions| versions.contains(&update.available_version))
    }

    /// To be remembered: these updates as well.
    ///
    /// # Errors
    /// [`EventErrorKind::State`] when that cannot be written; then nobody is to be told.
    pub(crate) fn announcing(
        mut self,
        updates: &[PackageUpdate],
    ) -> Result<Announcement, EventError> {
        let mut added: BTreeMap<&str, usize> = BTreeMap::new();
        for update in updates {
            let versions = self.packages.entry(update.package_name.clone());
            let versions = versions.or_default();
            if !versions.contains(&update.available_version) {
                versions.push(update.available_version.clone());
                *added.entry(&update.package_name).or_default() += 1;
            }
        }
        for (name, added) in added {
            if let Some(versions) = self.packages.get_mut(name) {
                let too_many = versions.len().saturating_sub(MOST_VERSIONS.max(added));
                versions.drain(..too_many);
            }
        }
        let content = Content {
            version: VERSION,
            packages: self.packages,
        };
        let draft = serde_json::to_vec(&content)
            .map_err(io::Error::other)
            .and_then(|bytes| Draft::write(&self.folder, &bytes))
            .map_err(|error| cannot_write(&self.folder, error))?;
        Ok(Announcement {
            draft,
            _lock: self.lock,
        })
    }
}

impl Announcement {
    /// Puts it in its place, and lets the lock go.
    ///
    /// # Errors
    /// [`EventErrorKind::State`] when that does not succeed; the old content stays.
    pub(crate) fn keep(self) -> Result<(), EventError> {
        let kept = self.draft.keep();
        kept.map_err(|error| cannot_write(&self.draft.folder, error))
    }
}

impl Draft {
    fn write(folder: &Path, bytes: &[u8]) -> io::Result<Self> {
        // The draft of a process that was killed may be there, or a link of the
        // folder's owner, who need not be this user.
        match fs::remove_file(folder.join(DRAFT)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(folder.join(DRAFT))?;
        let draft = Draft {
            folder: folder.to_owned(),
        };
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(draft)
    }

    fn keep(&self) -> io::Result<()> {
        fs::rename(self.folder.join(DRAFT), self.folder.join(FILE))?;
        File::open(&self.folder)?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is not there when it was kept; one that stays is no obstacle.
        let _ = fs::remove_file(self.folder.join(DRAFT));
    }
}

fn cannot_write(folder: &Path, error: io::Error) -> EventError {
    let message = format!("cannot write {}", folder.join(FILE).display());
    EventError::new(EventErrorKind::State, message).caused_by(error)
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
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
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

fn parse(bytes: &[u8]) -> Result<Packages, String> {
    if bytes.len() as u64 > LARGEST {
        return Err(format!("larger than {LARGEST} bytes"));
    }
    let content: Content = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if content.version != VERSION {
        return Err(format!("its version is {}, not {VERSION}", content.version));
    }
    Ok(content.packages)
}

#[cfg(test)]
mod tests {
    use super::{Announced, DRAFT, FILE, MOST_VERSIONS};
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
        let announcement = announced.announcing(updates).expect("a draft");
        announcement.keep().expect("written");
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
    fn versions_that_take_turns_are_told_once_each() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let told: usize = ["5", "6", "5", "6"]
            .iter()
            .map(|version| {
                let update = update("a", version);
                let new = new_ones(root.path(), from_ref(&update)).len();
                announce(root.path(), from_ref(&update));
                new
            })
            .sum();
        assert_eq!(told, 2);
        let rows = [update("b", "1"), update("b", "2")];
        announce(root.path(), &rows);
        assert_eq!(new_ones(root.path(), &rows), [""; 0]);
    }

    #[test]
    fn of_each_package_the_versions_that_were_told_last_are_kept() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let versions: Vec<_> = (0..MOST_VERSIONS + 2)
            .map(|version| update("a", &version.to_string()))
            .collect();
        for version in &versions {
            announce(root.path(), from_ref(version));
        }
        assert_eq!(new_ones(root.path(), &versions), ["a", "a"]);
        assert_eq!(new_ones(root.path(), &versions[2..]), [""; 0]);
        // However many come at once, they are told once.
        let many: Vec<_> = (0..3 * MOST_VERSIONS)
            .map(|version| update("b", &version.to_string()))
            .collect();
        announce(root.path(), &many);
        assert_eq!(new_ones(root.path(), &many), [""; 0]);
    }

    #[test]
    fn what_cannot_be_written_is_said_before_anything_is_announced() {
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(root.path().join(DRAFT)).expect("a new folder");
        let announced = Announced::open(root.path()).expect("a folder of our own");
        let error = announced
            .announcing(&[update("a", "1")])
            .expect_err("a folder in place of the draft");
        assert_eq!(error.kind(), crate::EventErrorKind::State);
        assert!(error.to_string().starts_with("cannot write "), "{error}");
    }

    #[test]
    fn what_was_not_taken_leaves_nothing_behind() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let announced = Announced::open(root.path()).expect("a folder of our own");
        drop(announced.announcing(&[update("a", "1")]).expect("a draft"));
        assert!(!root.path().join(DRAFT).exists());
        assert!(!root.path().join(FILE).exists());
    }

    #[test]
    fn a_damaged_file_counts_as_empty_and_that_is_said() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let a1 = update("a", "1");
        for damaged in [
            "",
            "{",
            "[]",
            r#"{"version":1,"packages":{"a":"1"}}"#,
            r#"{"version":3,"packages":{}}"#,
            r#"{"version":2,"packages":[]}"#,
        ] {
            announce(root.path(), from_ref(&a1));
            fs::write(root.path().join(FILE), damaged).expect("written");
            let announced = Announced::open(root.path()).expect("it counts as empty");
            assert!(announced.is_new(&a1), "{damaged}");
            let lost = announced.lost.clone().expect("it is said");
            assert!(lost.contains(FILE), "{lost}");
            let announcement = announced.announcing(from_ref(&a1)).expect("a draft");
            announcement.keep().expect("written");
            assert_eq!(new_ones(root.path(), from_ref(&a1)), [""; 0]);
        }
    }

    #[test]
    fn a_draft_that_was_left_behind_is_no_obstacle() {
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::write(root.path().join(DRAFT), "x".repeat(1000)).expect("written");
        announce(root.path(), &[update("a", "1")]);
        let text = fs::read_to_string(root.path().join(FILE)).expect("a file");
        assert_eq!(text, r#"{"version":2,"packages":{"a":["1"]}}"#);
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
                let announcement = announced.announcing(from_ref(&a1)).expect("a draft");
                announcement.keep().expect("written");
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
