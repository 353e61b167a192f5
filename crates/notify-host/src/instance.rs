//! The id of this installation, by which it knows its own mail again.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::read;

/// The id in `STATE/instance`, which is made when it is missing: 32 hexadecimal digits.
///
/// Where the state folder cannot be written, the id is derived from
/// `/etc/machine-id`, or from the host's name, so that it stays the same from
/// one run to the next. It is a digest, because a machine's id is confidential
/// (machine-id(5)). This never fails.
pub(crate) fn id(state: &Path, machine_id: &Path, name: &str) -> String {
    let file = state.join("instance");
    kept(&file)
        .or_else(|| made(state, &file).ok())
        .or_else(|| kept(&file))
        .unwrap_or_else(|| derived(machine_id, name))
}

/// The id that a file holds; none when it is missing, unreadable or damaged.
fn kept(file: &Path) -> Option<String> {
    let bytes = read::bytes(file, "instance").ok()?;
    let id = std::str::from_utf8(&bytes).ok()?.trim();
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| id.to_ascii_lowercase())
}

/// Makes an id, and the file at once with its whole content: of two processes
/// that do so, the second takes the id of the first.
fn made(state: &Path, file: &Path) -> io::Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let id = hex(&random);
    create_folder(state)?;
    let draft = state.join(format!(".instance.{id}"));
    let written = write(&draft, &id).and_then(|()| put(&draft, file));
    // When this fails, a file of a name that nobody asks for is left.
    let _ = fs::remove_file(&draft);
    written?;
    kept(file).ok_or_else(|| io::Error::other("the file does not hold what was written"))
}

/// The folder is its owner's alone; those above it, if they are missing, as usual.
fn create_folder(state: &Path) -> io::Result<()> {
    if state.is_dir() {
        return Ok(());
    }
    if let Some(above) = state.parent() {
        fs::create_dir_all(above)?;
    }
    match DirBuilder::new().mode(0o700).create(state) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn write(draft: &Path, id: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut draft = options
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(draft)?;
    draft.write_all(format!("{id}\n").as_bytes())?;
    draft.sync_all()
}

/// A link refuses where there is a file already; only a damaged one is replaced.
fn put(draft: &Path, file: &Path) -> io::Result<()> {
    match fs::hard_link(draft, file) {
        Err(_) if kept(file).is_some() => Ok(()),
        Err(_) => fs::rename(draft, file),
        Ok(()) => Ok(()),
    }
}

fn derived(machine_id: &Path, name: &str) -> String {
    let bytes = read::bytes(machine_id, "machine-id").unwrap_or_default();
    let seed = match bytes.trim_ascii() {
        b"" | b"uninitialized" => name.as_bytes(),
        machine => machine,
    };
    let digest = Sha256::new_with_prefix(b"notify instance\0").chain_update(seed);
    hex(&digest.finalize()[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::id;
    use std::fs;
    use std::path::Path;

    const NOWHERE: &str = "/nonexistent/machine-id";

    #[test]
    fn it_is_made_once_and_kept() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let state = root.path().join("a/state");
        let made = id(&state, Path::new(NOWHERE), "pve1");
        assert_eq!(made.len(), 32);
        assert_eq!(id(&state, Path::new(NOWHERE), "pve2"), made);
        let files: Vec<_> = fs::read_dir(&state)
            .expect("the folder was made")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(files, ["instance"]);
    }

    #[test]
    fn two_installations_differ() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let of = |name: &str| id(&root.path().join(name), Path::new(NOWHERE), "pve1");
        assert_ne!(of("a"), of("b"));
    }

    #[test]
    fn a_damaged_file_is_replaced() {
        let root = tempfile::tempdir().expect("a temporary folder");
        for damaged in ["", "x\r\nBcc: y", "zz"] {
            fs::write(root.path().join("instance"), damaged).expect("written");
            let made = id(root.path(), Path::new(NOWHERE), "pve1");
            assert_eq!(id(root.path(), Path::new(NOWHERE), "pve1"), made);
            assert_eq!(made.len(), 32);
        }
    }

    #[test]
    fn many_at_once_agree() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let state = root.path().join("state");
        let ids: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| id(&state, Path::new(NOWHERE), "pve1")))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"))
                .collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }

    #[test]
    fn without_a_folder_it_is_derived_and_stable() {
        let root = tempfile::tempdir().expect("a temporary folder");
        // A file where the folder should be: nobody can write below it, not even root.
        let state = root.path().join("file");
        fs::write(&state, "").expect("written");
        let machine_id = root.path().join("machine-id");
        let of = |name: &str| id(&state, &machine_id, name);
        assert_eq!(of("pve1"), of("pve1"));
        assert_ne!(of("pve1"), of("pve2"));
        fs::write(&machine_id, "0123456789abcdef0123456789abcdef\n").expect("written");
        assert_eq!(of("pve1"), of("pve2"));
        assert_ne!(of("pve1"), "0123456789abcdef0123456789abcdef");
    }
}
