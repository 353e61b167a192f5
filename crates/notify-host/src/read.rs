//! Reading a file that may be missing.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use notify_schema::{Fault, Level};

/// The largest file that is read, in bytes; pmxcfs keeps none above 1 MiB.
const LARGEST: u64 = 16 << 20;

/// The bytes of a file; empty when it is missing.
///
/// `shown` is the file's name in a fault.
///
/// # Errors
/// The fault of a file that is there and cannot be read.
pub(crate) fn bytes(path: &Path, shown: &str) -> Result<Vec<u8>, Fault> {
    match regular(path) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => {
            let reason = match error.kind() {
                io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
                _ => error.to_string(),
            };
            let message = format!("cannot be read: {reason}");
            Err(Fault::in_file(shown.to_owned(), Level::Error, message))
        }
    }
}

/// Looks before it opens: to open a pipe would wait for its other end.
fn regular(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
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
