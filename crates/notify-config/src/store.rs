//! The files of a configuration folder: read as they are, written under a lock.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify_schema::Source;

use crate::clock::{Clock, SystemClock};
use crate::error::{StoreError, StoreErrorKind};
use crate::lock::{self, Lock};
use crate::replace::{Manner, replace};
use crate::{Changes, Content, Files, Schemas, pve};

/// A configuration folder in Proxmox VE's layout.
///
/// ```
/// use notify_config::{Changes, Schemas, Setting, Store, StoreErrorKind};
/// use notify_schema::{Kind, Property, Schema};
///
/// static SERVER: Property = Property::required("server", Kind::text(), "Where.").example("a");
/// let schemas = Schemas::new([Schema::new("relay", [&SERVER])]);
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path());
///
/// let before = store.read();
/// let add = Changes::new().add("relay", "ops", vec![Setting::text("server", "a")]);
/// let after = store.update(Some(&before.revision), &schemas, &add)?;
/// assert_eq!(after.files.public.bytes(), b"relay: ops\n\tserver a\n");
///
/// let late = store.update(Some(&before.revision), &schemas, &Changes::new().remove("ops"));
/// assert_eq!(late.map_err(|error| error.kind()), Err(StoreErrorKind::Changed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    private: Option<PathBuf>,
    clock: Arc<dyn Clock>,
}

/// The files as they were read at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Their bytes.
    pub files: Files,
    /// See [`Files::digest`].
    pub digest: String,
    /// See [`Files::revision`].
    pub revision: String,
}

impl Snapshot {
    fn of(files: Files) -> Self {
        let (digest, revision) = (files.digest(), files.revision());
        Snapshot {
            files,
            digest,
            revision,
        }
    }
}

impl Store {
    /// The store of a folder, which need not be there yet. Nothing is read.
    pub fn open(folder: impl Into<PathBuf>) -> Store {
        Store {
            folder: folder.into(),
            private: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// With the private file in another place, as where a service manager hands over secrets.
    ///
    /// Faults still name it `priv/notifications.cfg`: that is where it is written.
    #[must_use]
    pub fn with_private_file(mut self, path: impl Into<PathBuf>) -> Store {
        self.private = Some(path.into());
        self
    }

    /// With another clock for waiting and for the age of locks.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Store {
        self.clock = clock;
        self
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a file of the folder is, whether it exists or not; the folder for [`Source::Nowhere`].
    pub fn path(&self, source: Source) -> PathBuf {
        if let (Source::Private, Some(private)) = (source, &self.private) {
            return private.clone();
        }
        match source.path() {
            Some(path) => self.folder.join(path),
            None => self.folder.clone(),
        }
    }

    /// Whether it is a folder of Proxmox VE, which has `priv/lock`.
    pub fn is_pve_folder(&self) -> bool {
        lock::pve_locks(&self.folder).is_some()
    }

    /// Reads the three files. What is missing or cannot be read is said in the [`Content`].
    pub fn read(&self) -> Snapshot {
        let private = self.path(Source::Private);
        let mode = fs::metadata(&private).map(|metadata| metadata.mode());
        Snapshot::of(Files {
            public: content(&self.path(Source::Public)),
            private: content(&private),
            overlay: content(&self.path(Source::Overlay)),
            private_is_exposed: mode.is_ok_and(|mode| mode & 0o004 != 0),
        })
    }

    /// Makes the changes under the lock, on the files as they then are.
    ///
    /// `expected` is the digest or the revision of the state that the caller saw;
    /// without it the changes are made on whatever is there. A file whose bytes
    /// do not change is not written. A secret is written before the section that
    /// needs it and removed after it, so that at no moment, and after no kill, a
    /// section lacks its secret. A missing folder is made, `priv` for its owner alone.
    ///
    /// # Errors
    /// [`StoreError`]; see [`StoreErrorKind`].
    pub fn update(
        &self,
        expected: Option<&str>,
        schemas: &Schemas,
        changes: &Changes,
    ) -> Result<Snapshot, StoreError> {
        self.update_judged(expected, schemas, changes, |_, _| Ok(()))
    }

    /// As [`Store::update`], when `judge` has nothing against the outcome.
    ///
    /// It sees the files as they are and as they would be, under the lock:
    /// nobody changes them before they are written.
    ///
    /// # Errors
    /// Those of [`Store::update`], and what `judge` says; then nothing was written.
    pub fn update_judged<E: From<StoreError>>(
        &self,
        expected: Option<&str>,
        schemas: &Schemas,
        changes: &Changes,
        judge: impl FnOnce(&Snapshot, &Files) -> Result<(), E>,
    ) -> Result<Snapshot, E> {
        self.make_folder(&self.folder, 0o755)?;
        let _lock = Lock::acquire(&self.folder, &*self.clock)?;
        let before = self.read();
        check_expected(&before, expected)?;
        if let Some(reason) = before.files.public.unreadable() {
            let error = io::Error::other(reason.to_owned());
            return Err(StoreError::io("cannot read notifications.cfg", error).into());
        }
        let after = changes.apply_in(&before.files, schemas, self.is_pve_folder())?;
        self.check_size(&after)?;
        judge(&before, &after)?;
        // What the additions alone make of the private file; when they make no
        // sense alone, one step does all.
        let additions = changes
            .additions()
            .apply_in(&before.files, schemas, self.is_pve_folder());
        self.write_all(&before.files, additions.as_ref().unwrap_or(&after), &after)?;
        Ok(Snapshot::of(Files {
            private_is_exposed: self.read().files.private_is_exposed,
            ..after
        }))
    }

    fn write_all(
        &self,
        before: &Files,
        additions: &Files,
        after: &Files,
    ) -> Result<(), StoreError> {
        let steps = [
            (Source::Private, before, additions),
            (Source::Overlay, before, additions),
            (Source::Public, before, after),
            (Source::Overlay, additions, after),
            (Source::Private, additions, after),
        ];
        for (source, old, new) in steps {
            if old.content(source) != new.content(source) {
                self.write(source, new.content(source).bytes())?;
            }
        }
        Ok(())
    }

    fn write(&self, source: Source, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path(source);
        let new_mode = if source == Source::Private {
            0o600
        } else {
            0o644
        };
        if let Some(folder) = path.parent().filter(|_| source == Source::Private) {
            self.make_folder(folder, 0o700)?;
        }
        let manner = Manner {
            new_mode,
            forgiving: self.is_pve_folder(),
        };
        replace(&path, bytes, manner)
            .map_err(|error| StoreError::io(format!("cannot write {}", path.display()), error))
    }

    fn make_folder(&self, folder: &Path, mode: u32) -> Result<(), StoreError> {
        if folder.is_dir() {
            return Ok(());
        }
        DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(folder)
            .map_err(|error| {
                StoreError::io(
                    format!("cannot make the folder {}", folder.display()),
                    error,
                )
            })
    }

    fn check_size(&self, after: &Files) -> Result<(), StoreError> {
        match pve::too_large(after).first() {
            Some(fault) if self.is_pve_folder() => Err(StoreError::new(
                StoreErrorKind::RefusedByPve,
                fault.message.clone(),
            )),
            _ => Ok(()),
        }
    }
}

fn check_expected(before: &Snapshot, expected: Option<&str>) -> Result<(), StoreError> {
    match expected {
        Some(expected) if expected != before.digest && expected != before.revision => {
            let message = "the configuration was changed by somebody else";
            Err(StoreError::new(StoreErrorKind::Changed, message)
                .with_hint("read it again and repeat the change"))
        }
        _ => Ok(()),
    }
}

fn content(path: &Path) -> Content {
    match fs::metadata(path).and_then(|metadata| read(path, &metadata)) {
        Ok(bytes) => Content::Read(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Content::Missing,
        Err(error) => Content::Unreadable(reason(&error)),
    }
}

/// Only a regular file: a pipe would wait for ever.
fn read(path: &Path, metadata: &fs::Metadata) -> io::Result<Vec<u8>> {
    if metadata.is_file() {
        fs::read(path)
    } else {
        Err(io::Error::other("not a regular file"))
    }
}

/// `permission denied` rather than `Permission denied (os error 13)`.
fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => error.kind().to_string(),
        None => error.to_string(),
    }
}
