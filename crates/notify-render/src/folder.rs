//! A folder of template files, each parsed once per change.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use notify_schema::{Fault, Level};

use crate::compiled::{Compiled, Origin};
use crate::part::Part;

/// The largest template, in bytes; pmxcfs keeps no larger file.
const LARGEST: u64 = 1 << 20;

/// A file younger than this may change once more without a new time stamp:
/// pmxcfs keeps whole seconds.
const SETTLED: Duration = Duration::from_secs(2);

/// A template that was found, or the fault that it has.
pub(crate) type Found = Result<Arc<Compiled>, Fault>;

/// A folder of templates.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The path in reports.
    shown: PathBuf,
    files: RwLock<HashMap<String, Arc<Known>>>,
}

/// What is known of a file.
#[derive(Debug)]
struct Known {
    stamp: Stamp,
    /// Whether the stamp alone tells that the file is unchanged.
    settled: bool,
    bytes: Vec<u8>,
    found: Found,
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    fn is_settled(&self, now: SystemTime) -> bool {
        let seconds = u64::try_from(self.modified.0.max(self.changed.0)).unwrap_or(0);
        now.duration_since(UNIX_EPOCH + Duration::from_secs(seconds))
            .is_ok_and(|age| age > SETTLED)
    }
}

impl Folder {
    /// A folder that reports name as it is.
    pub(crate) fn new(path: PathBuf) -> Self {
        Folder::shown_as(path.clone(), path)
    }

    /// A folder that reports name so.
    pub(crate) fn shown_as(shown: impl Into<PathBuf>, path: PathBuf) -> Self {
        Folder {
            path,
            shown: shown.into(),
            files: RwLock::default(),
        }
    }

    /// One part of a template; none when there is no such file.
    pub(crate) fn find(&self, template: &str, part: Part) -> Option<Found> {
        let name = part.file_name(template);
        match self.current(&name, part) {
            Ok(known) => Some(known.found.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(Err(unreadable(&self.origin(&name), &error))),
        }
    }

    /// Whether there is such a file.
    pub(crate) fn has(&self, template: &str, part: Part) -> bool {
        self.path.join(part.file_name(template)).is_file()
    }

    /// The faults of all files in it.
    pub(crate) fn check(&self) -> Vec<Fault> {
        let names = match self.names() {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                let path = self.shown.to_string_lossy();
                return vec![unreadable(&Origin::File(path.into_owned()), &error)];
            }
        };
        names
            .iter()
            .flat_map(|name| self.check_file(name))
            .collect()
    }

    fn check_file(&self, name: &str) -> Vec<Fault> {
        let Some((template, part)) = Part::of_file(name) else {
            let message = "not the name of a template, so it is never used";
            let hint =
                "templates are NAME-subject.txt.hbs, NAME-body.txt.hbs and NAME-body.html.hbs";
            return vec![
                self.origin(name)
                    .fault(Level::Info, message)
                    .with_hint(hint),
            ];
        };
        match self.find(template, part) {
            Some(Ok(compiled)) => compiled.lints().collect(),
            Some(Err(fault)) => vec![fault],
            None => Vec::new(),
        }
    }

    /// Sorted, because a folder has no order of its own.
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = fs::read_dir(&self.path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    /// What is known of a file, read again when it may have changed.
    fn current(&self, name: &str, part: Part) -> io::Result<Arc<Known>> {
        let path = self.path.join(name);
        let metadata = fs::metadata(&path)?;
        let stamp = Stamp::of(&metadata);
        let known = self
            .files
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned();
        if let Some(known) = &known
            && known.settled
            && known.stamp == stamp
        {
            return Ok(Arc::clone(known));
        }
        let bytes = read(&path, &metadata)?;
        let found = match known {
            Some(known) if known.bytes == bytes => known.found.clone(),
            _ => self.parse(name, part, &bytes),
        };
        let known = Arc::new(Known {
            stamp,
            settled: stamp.is_settled(SystemTime::now()),
            bytes,
            found,
        });
        self.files
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), Arc::clone(&known));
        Ok(known)
    }

    fn parse(&self, name: &str, part: Part, bytes: &[u8]) -> Found {
        let origin = self.origin(name);
        match std::str::from_utf8(bytes) {
            Ok(text) => Compiled::parse(text, part, origin).map(Arc::new),
            Err(error) => {
                let at = place(&bytes[..error.valid_up_to()]);
                Err(origin.fault_at(Level::Error, at, "not UTF-8"))
            }
        }
    }

    fn origin(&self, name: &str) -> Origin {
        Origin::File(self.shown.join(name).to_string_lossy().into_owned())
    }
}

/// The line and column, from 1, that follow after these bytes, which are UTF-8.
fn place(before: &[u8]) -> (u32, u32) {
    let before = String::from_utf8_lossy(before);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (number(line), number(column))
}

/// Reads a regular file of a bearable size: a pipe in the folder would never end.
fn read(path: &Path, metadata: &Metadata) -> io::Result<Vec<u8>> {
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("larger than {LARGEST} bytes")));
    }
    Ok(bytes)
}

fn unreadable(origin: &Origin, error: &io::Error) -> Fault {
    let reason = match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    origin.fault(Level::Error, format!("cannot be read: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::{Folder, SETTLED, Stamp};
    use crate::compiled::Compiled;
    use crate::part::Part;
    use std::fs;
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    fn parsed(folder: &Folder) -> Arc<Compiled> {
        let found = folder.find("case", Part::Text).expect("there is a file");
        found.expect("it is a template")
    }

    #[test]
    fn a_file_is_parsed_once_for_each_content() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let file = root.path().join("case-body.txt.hbs");
        let folder = Folder::new(root.path().to_owned());
        fs::write(&file, "a").expect("written");
        let first = parsed(&folder);
        assert!(Arc::ptr_eq(&first, &parsed(&folder)), "unchanged");
        fs::write(&file, "a").expect("written");
        assert!(Arc::ptr_eq(&first, &parsed(&folder)), "same content");
        fs::write(&file, "b").expect("written");
        assert!(!Arc::ptr_eq(&first, &parsed(&folder)), "other content");
    }

    #[test]
    fn a_folder_is_reported_by_the_name_it_was_given() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let path = root.path().join("notification-templates/default");
        fs::create_dir_all(&path).expect("a folder");
        fs::write(path.join("stray"), "").expect("written");
        let file = |folder: Folder| folder.check().remove(0).file.expect("a file");
        assert_eq!(file(Folder::shown_as("etc", path.clone())), "etc/stray");
        let whole = path.join("stray").to_string_lossy().into_owned();
        assert_eq!(file(Folder::new(path)), whole);
    }

    #[test]
    fn a_young_file_is_read_again() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let metadata = fs::metadata(root.path()).expect("it was made");
        let stamp = Stamp::of(&metadata);
        let changed = metadata.modified().expect("Linux keeps it");
        assert!(!stamp.is_settled(changed));
        assert!(!stamp.is_settled(SystemTime::UNIX_EPOCH));
        assert!(stamp.is_settled(changed + SETTLED + Duration::from_secs(1)));
    }
}
