//! Mails that this installation has sent and that came back: written down, not sent again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::FlockOperation;
use serde_json::json;

use super::post::Post;

/// The record is put aside at this size, in bytes; the one before it is then gone.
const LARGEST: u64 = 1 << 20;
/// The shortest time between two warnings, in seconds.
const SILENCE: i64 = 3600;

/// Writes a dead loop down; answers what to tell of it, at most once an hour.
pub(crate) fn record(state: &Path, post: &Post, now: i64) -> Option<String> {
    let entry = json!({
        "time": now,
        "id": post.event.id.to_string(),
        "fields": post.event.fields,
        "title": post.title(),
    });
    match append(state, &format!("{entry}\n"), now) {
        Ok(false) => None,
        Ok(true) => Some(format!(
            "a mail that this host sent came back to root and goes no further: a target sends to \
             an address that ends here; see {}",
            state.join(FILE).display()
        )),
        Err(error) => Some(format!(
            "a mail that this host sent came back to root; cannot write {}: {error}",
            state.join(FILE).display()
        )),
    }
}

const FILE: &str = "dead-loops.log";
const WARNED: &str = "dead-loops.warned";

/// Adds a line, and says whether the last warning is long ago.
fn append(state: &Path, line: &str, now: i64) -> io::Result<bool> {
    fs::create_dir_all(state)?;
    let stamp = open(&state.join(WARNED), false)?;
    // Of several processes one writes, or an aside would be lost.
    rustix::fs::flock(&stamp, FlockOperation::LockExclusive)?;
    let path = state.join(FILE);
    if fs::metadata(&path).is_ok_and(|found| found.len() >= LARGEST) {
        fs::rename(&path, state.join(format!("{FILE}.1")))?;
    }
    open(&path, true)?.write_all(line.as_bytes())?;
    let text = fs::read_to_string(state.join(WARNED))?;
    let last = text.trim().parse::<i64>().ok();
    // A time in the future is that of a clock that was put right since.
    let silent = last.is_some_and(|last| (0..SILENCE).contains(&now.saturating_sub(last)));
    if !silent {
        stamp.set_len(0)?;
        (&stamp).write_all(format!("{now}\n").as_bytes())?;
    }
    Ok(!silent)
}

fn open(path: &Path, append: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600).append(append).write(true);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::{FILE, LARGEST, append};
    use std::fs;

    #[test]
    fn each_is_written_down_and_one_an_hour_is_told() {
        let state = tempfile::tempdir().expect("a temporary folder");
        let state = state.path().join("state");
        let times = [1000, 1001, 4599, 4600, 4601, 10, 20];
        let told: Vec<_> = times
            .iter()
            .map(|now| append(&state, &format!("{now}\n"), *now).expect("written"))
            .collect();
        assert_eq!(told, [true, false, false, true, false, true, false]);
        let written = fs::read_to_string(state.join(FILE)).expect("a record");
        assert_eq!(written, "1000\n1001\n4599\n4600\n4601\n10\n20\n");
    }

    #[test]
    fn the_record_is_bounded() {
        let state = tempfile::tempdir().expect("a temporary folder");
        let line = format!("{}\n", "x".repeat(99_999));
        for now in 0..40 {
            append(state.path(), &line, now).expect("written");
        }
        let size = |name: &str| fs::metadata(state.path().join(name)).expect("a file").len();
        assert!(size(FILE) <= LARGEST + 100_000);
        assert!(size("dead-loops.log.1") <= LARGEST + 100_000);
        assert_eq!(fs::read_dir(state.path()).expect("a folder").count(), 3);
    }
}
