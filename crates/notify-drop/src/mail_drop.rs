//! The folder itself.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode};
use rustix::io::Errno;

use crate::files;
use crate::{DropError, DropErrorKind};

/// An open drop.
#[derive(Debug)]
pub struct MailDrop {
    pub(crate) path: PathBuf,
    pub(crate) folder: OwnedFd,
}

impl MailDrop {
    /// Opens a drop and looks whether it is one.
    ///
    /// # Errors
    /// `Missing`, or `Unsafe` when others than root and this user could remove what lies there.
    pub fn open(path: &Path) -> Result<Self, DropError> {
        let cannot = |error: Errno| match error {
            Errno::NOENT => DropError::new(
                DropErrorKind::Missing,
                format!("the mail drop {} is not there", path.display()),
            ),
            Errno::NOTDIR | Errno::LOOP => strange(path, "it is not a folder"),
            other => DropError::io(
                format!("cannot open the mail drop {}", path.display()),
                other,
            ),
        };
        let folder = files::folder(path).map_err(cannot)?;
        let found = rustix::fs::fstat(&folder).map_err(cannot)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::Directory {
            return Err(strange(path, "it is not a folder"));
        }
        let mode = Mode::from_raw_mode(found.st_mode);
        let own = rustix::process::geteuid().as_raw();
        if found.st_uid != 0 && found.st_uid != own {
            return Err(strange(path, "it belongs to another user than root"));
        }
        if mode.intersects(Mode::WGRP | Mode::WOTH) && !mode.contains(Mode::SVTX) {
            return Err(strange(
                path,
                "everybody may remove what lies there: chmod +t",
            ));
        }
        Ok(MailDrop {
            path: path.to_owned(),
            folder,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn strange(path: &Path, why: &str) -> DropError {
    let message = format!("the mail drop {} is not used: {why}", path.display());
    DropError::new(DropErrorKind::Unsafe, message)
}
