//! Mails that this installation has sent and that came back: written down, not sent again.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use rustix::fs::FlockOperation;
use serde_json::json;

use super::post::Post;
use crate::state_files::StateFolder;

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
    let folder = StateFolder::open(state)?;
    let mut stamp = folder.keep_open(WARNED, 0o600)?;
    // Of several processes one writes, or an aside would be lost.
    rustix::fs::flock(&stamp, FlockOperation::LockExclusive)?;
    let mut log = folder.keep_open(FILE, 0o600)?;
    if log.metadata()?.len() >= LARGEST {
        folder.rename(FILE, &format!("{FILE}.1"))?;
        log = folder.keep_open(FILE, 0o600)?;
    }
    log.seek(io::SeekFrom::End(0))?;
    log.write_all(line.as_bytes())?;
    let text = told(&mut stamp)?;
    let last = text.trim().parse::<i64>().ok();
    // A time in the future is that of a clock that was put right since.
    let silent = last.is_some_and(|last| (0..SILENCE).contains(&now.saturating_sub(last)));
    if !silent {
        stamp.set_len(0)?;
        stamp.rewind()?;
        stamp.write_all(format!("{now}\n").as_bytes())?;
    }
    Ok(!silent)
}

/// When it was told the last time, as text that need not be a time.
fn told(stamp: &mut File) -> io::Result<String> {
    let mut text = Vec::new();
    stamp.take(100).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
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
    fn no_link_is_followed() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let state = root.path().join("state");
        fs::create_dir(&state).expect("a folder");
        let victim = root.path().join("victim");
        fs::write(&victim, "precious").expect("a file");
        for name in [super::WARNED, FILE] {
            for link in [std::os::unix::fs::symlink::<_, _>, fs::hard_link] {
                link(&victim, state.join(name)).expect("a link");
                append(&state, "a line\n", 1000).expect_err("a link");
                let kept = fs::read_to_string(&victim).expect("a file");
                assert_eq!(kept, "precious", "{name}");
                fs::remove_file(state.join(name)).expect("removed");
            }
        }
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
