//! What earlier collections saw in the drop, by root's own notes.
//!
//! A file's times are its owner's to renew, with `chmod` for one. How long it has
//! lain there is known only to who has looked before.

use std::collections::BTreeMap;

use rustix::fs::Stat;

use crate::Queue;

/// For each file its number and when it was seen first, in seconds since 1970.
type Files = BTreeMap<String, (u64, i64)>;

/// Their file in the queue.
const FILE: &str = "seen.json";

/// The notes of the last collection, and those of this one.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    before: Files,
    now: Files,
}

impl Seen {
    /// Notes that cannot be read are as good as none: everything is young then.
    pub(crate) fn read(queue: &Queue) -> Self {
        let notes = queue.bytes(FILE).unwrap_or_default();
        Seen {
            before: serde_json::from_slice(&notes).unwrap_or_default(),
            now: Files::new(),
        }
    }

    /// For how long a file is known to lie there, in seconds: since an earlier
    /// collection saw it, or by its own time of change where that is longer ago.
    pub(crate) fn age(&mut self, name: &str, file: &Stat, now: i64) -> i64 {
        let known = self.before.get(name).copied();
        let first = known.filter(|(number, first)| *number == file.st_ino && *first <= now);
        let first = first.map_or(now, |(_, first)| first);
        self.now.insert(name.to_owned(), (file.st_ino, first));
        now.saturating_sub(first.min(file.st_ctime))
    }

    /// Keeps what was seen this time. Notes that cannot be written cost time only.
    pub(crate) fn write(&self, queue: &Queue) {
        if self.now.is_empty() {
            let _ = queue.discard(FILE);
            return;
        }
        let bytes = serde_json::to_vec(&self.now).expect("the keys are strings");
        let _ = queue.replace(FILE, &bytes);
    }
}
