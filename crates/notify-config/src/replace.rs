//! A file's content replaced at one stroke.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// How a file is replaced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// The mode of a file that is new, before the umask.
    pub(crate) new_mode: u32,
    /// Whether the file system may refuse chown, chmod and fsync, as pmxcfs does.
    pub(crate) forgiving: bool,
}

/// Replaces the content: a reader sees the old bytes or the new ones, also after a power loss.
///
/// Owner, group and mode of an existing file are kept. A link stays a link: the
/// file that it names is replaced.
pub(crate) fn replace(path: &Path, bytes: &[u8], manner: Manner) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (folder, name) = parts(&path)?;
    sweep(folder, name);
    let old = fs::metadata(&path).ok();
    let mode = if old.is_some() {
        0o600
    } else {
        manner.new_mode
    };
    let (temporary, file) = create(folder, name, mode)?;
    let done = fill(file, bytes, old.as_ref(), manner)
        .and_then(|()| fs::rename(&temporary, &path))
        .and_then(|()| {
            forgive(
                manner,
                File::open(folder).and_then(|folder| folder.sync_all()),
            )
        });
    if done.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    done
}

fn fill(
    mut file: File,
    bytes: &[u8],
    old: Option<&fs::Metadata>,
    manner: Manner,
) -> io::Result<()> {
    file.write_all(bytes)?;
    if let Some(old) = old {
        forgive(manner, keep_owner(&file, old))?;
        let mode = fs::Permissions::from_mode(old.mode() & 0o7777);
        forgive(manner, file.set_permissions(mode))?;
    }
    forgive(manner, file.sync_all())
}

fn keep_owner(file: &File, old: &fs::Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(file, Some(old.uid()), Some(old.gid()))
}

/// A refusal is forgiven, a failure such as a full disk is not.
fn forgive(manner: Manner, result: io::Result<()>) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    match result {
        Err(error)
            if manner.forgiving
                && [InvalidInput, PermissionDenied, Unsupported].contains(&error.kind()) =>
        {
            Ok(())
        }
        other => other,
    }
}

fn parts(path: &Path) -> io::Result<(&Path, &str)> {
    let name = path.file_name().and_then(|name| name.to_str());
    match (path.parent(), name) {
        (Some(folder), Some(name)) => Ok((folder, name)),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a path of a file",
        )),
    }
}

fn create(folder: &Path, name: &str, mode: u32) -> io::Result<(PathBuf, File)> {
    let mut number = 0_u32;
    loop {
        let path = folder.join(format!("{}{}-{number}", prefix(name), std::process::id()));
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)
        {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => {
                number += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

fn prefix(name: &str) -> String {
    format!(".{name}.notify-")
}

/// Removes what writers that were killed left behind. Whoever calls holds the
/// lock, so none of them is alive.
fn sweep(folder: &Path, name: &str) {
    let prefix = prefix(name);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry
            .file_name()
            .to_str()
            .is_some_and(|found| found.starts_with(&prefix))
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}
