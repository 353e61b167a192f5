//! The socket's file: made so that nobody is in doubt who listens.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _,
    PermissionsExt as _,
};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::client::dial;
use crate::{ApiError, ApiErrorKind};

/// How long to wait for whoever may listen in our place.
const PATIENCE: Duration = Duration::from_secs(1);

/// A socket in the file system. The file goes when this is dropped.
///
/// `PATH.lock` is held while it exists, so of two daemons one is refused, and
/// what a killed one left is known as such. The lock file stays.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode: another's socket in our place is not removed.
    identity: (u64, u64),
    _lock: File,
}

impl SocketFile {
    /// Makes the socket, and its folder when that is missing, with these permissions.
    ///
    /// The name appears when somebody listens behind it and it has its permissions.
    ///
    /// # Errors
    /// [`InUse`](ApiErrorKind::InUse) when another process listens there; when the
    /// place is taken by a file that is no socket; when the folder cannot be written.
    pub fn bind(path: &Path, mode: u32) -> Result<(SocketFile, UnixListener), ApiError> {
        let shown = path.display();
        let cannot = |what: String| move |error: io::Error| trouble(&error, what).caused_by(error);
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create(folder)
                .map_err(cannot(format!("make {}", folder.display())))?;
        }
        let lock = lock(path)?;
        refuse_if_taken(path)?;
        let draft = beside(path, ".new");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(cannot(format!("remove {}", draft.display()))(error));
            }
            _ => {}
        }
        let listener = UnixListener::bind(&draft).map_err(cannot(format!("make {shown}")))?;
        let made = fs::set_permissions(&draft, Permissions::from_mode(mode))
            .and_then(|()| fs::symlink_metadata(&draft))
            .and_then(|metadata| fs::rename(&draft, path).map(|()| metadata))
            .map_err(cannot(format!("make {shown}")))?;
        let file = SocketFile {
            path: path.to_owned(),
            identity: (made.dev(), made.ino()),
            _lock: lock,
        };
        Ok((file, listener))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.identity);
        if is_ours {
            // One that stays says that its daemon is dead, as after a kill.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The lock beside the socket.
fn lock(path: &Path) -> Result<File, ApiError> {
    let place = beside(path, ".lock");
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(&place);
    let file = opened
        .map_err(|error| trouble(&error, format!("open {}", place.display())).caused_by(error))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(in_use(path)),
        Err(error) => {
            let error = io::Error::from(error);
            Err(trouble(&error, format!("lock {}", place.display())).caused_by(error))
        }
    }
}

/// Whoever listens without our lock was started in another way, as by systemd.
fn refuse_if_taken(path: &Path) -> Result<(), ApiError> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !metadata.file_type().is_socket() {
        let detail = format!("{} is there and is no socket", path.display());
        return Err(ApiError::new(ApiErrorKind::Broken, detail));
    }
    match dial(path, PATIENCE) {
        Err(error) if matches!(error.kind(), ApiErrorKind::Dead | ApiErrorKind::Missing) => Ok(()),
        Err(error) if error.kind() == ApiErrorKind::Denied => Err(error),
        _ => Err(in_use(path)),
    }
}

fn in_use(path: &Path) -> ApiError {
    let detail = format!("another daemon listens on {}", path.display());
    ApiError::new(ApiErrorKind::InUse, detail)
}

fn trouble(error: &io::Error, what: String) -> ApiError {
    let kind = match error.kind() {
        ErrorKind::PermissionDenied => ApiErrorKind::Denied,
        _ => ApiErrorKind::Broken,
    };
    ApiError::new(kind, what)
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::SocketFile;
    use crate::ApiErrorKind;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn a_second_daemon_is_refused_and_a_dead_one_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run/notify.sock");
        let (file, listener) = SocketFile::bind(&path, 0o600).expect("a socket");
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = SocketFile::bind(&path, 0o600).expect_err("one is enough");
        assert_eq!(second.kind(), ApiErrorKind::InUse);
        assert!(UnixStream::connect(&path).is_ok(), "the first is untouched");

        // As after a kill: the file is there, nobody listens, nobody has the lock.
        drop(listener);
        fs::rename(&path, folder.path().join("kept")).expect("one folder");
        drop(file);
        fs::rename(folder.path().join("kept"), &path).expect("back again");
        assert!(UnixStream::connect(&path).is_err());
        let (file, _listener) = SocketFile::bind(&path, 0o666).expect("a socket");
        assert!(UnixStream::connect(&path).is_ok());
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_not_ours_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify.sock");
        fs::write(&path, "precious").expect("room");
        let error = SocketFile::bind(&path, 0o600).expect_err("a file is there");
        assert!(error.to_string().ends_with("is no socket"), "{error}");
        assert_eq!(fs::read(&path).expect("still there"), b"precious");
        fs::remove_file(&path).expect("ours");

        let other = UnixListener::bind(&path).expect("a socket");
        let error = SocketFile::bind(&path, 0o600).expect_err("somebody listens");
        assert_eq!(error.kind(), ApiErrorKind::InUse);
        drop(other);
    }
}
