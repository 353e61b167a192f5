//! The files that a configuration is made of, and whether they have changed.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify_config::Store;
use notify_schema::Source;

use super::stir::Stir;

/// How long nothing may change before files count as whole.
const SETTLE: Duration = Duration::from_millis(200);
/// How often files are looked at of which no event comes, as those of a cluster.
const LOOK: Duration = Duration::from_secs(10);
/// How often the others are looked at, should an event have been missed.
const RARELY: Duration = Duration::from_secs(60);
/// No file of a configuration is larger, in bytes; what follows is not looked at.
const LARGEST: u64 = 64 << 20;

/// The files.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    store: Store,
    files: Vec<PathBuf>,
}

/// The bytes of all files, or why there are none, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print(u64);

impl Sources {
    pub(super) fn of(store: &Store) -> Self {
        let sections = [Source::Public, Source::Private, Source::Overlay];
        let host = ["user.cfg", "datacenter.cfg", "corosync.conf"];
        let files = sections.into_iter().map(|source| store.path(source));
        let host = host.into_iter().map(|name| store.folder().join(name));
        Sources {
            files: files.chain(host).collect(),
            store: store.clone(),
        }
    }

    /// What the files hold now.
    pub(super) fn print(&self) -> Print {
        let mut hasher = DefaultHasher::new();
        for file in &self.files {
            content(file).hash(&mut hasher);
        }
        Print(hasher.finish())
    }

    /// Waits until they may have changed and nobody is writing them any more.
    pub(super) async fn change(&self, since: Print) {
        loop {
            // First the watch, then the look: nothing is missed in between.
            let stir = Stir::over([self.store.folder(), &self.store.folder().join("priv")]);
            if self.look().await != since {
                // It may be half of a change. The rest stirs.
                stir.wait(SETTLE, SETTLE, |_| true).await;
                return;
            }
            stir.wait(self.longest(), SETTLE, |_| true).await;
        }
    }

    /// The files of Proxmox VE change on other hosts, of which no event comes; a folder
    /// that is not there has none either.
    fn longest(&self) -> Duration {
        if self.store.is_pve_folder() || !self.store.folder().is_dir() {
            LOOK
        } else {
            RARELY
        }
    }

    /// As [`Sources::print`]; the file system of a cluster may take its time.
    pub(super) async fn look(&self) -> Print {
        let sources = self.clone();
        let looked = tokio::task::spawn_blocking(move || sources.print()).await;
        looked.unwrap_or_else(|_| self.print())
    }
}

fn content(file: &Path) -> Result<Vec<u8>, io::ErrorKind> {
    let read = || {
        // A pipe would wait for ever.
        if !fs::metadata(file)?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut bytes = Vec::new();
        fs::File::open(file)?
            .take(LARGEST)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error: io::Error| error.kind())
}

#[cfg(test)]
mod tests {
    use super::Sources;
    use notify_config::Store;
    use std::fs;

    #[test]
    fn every_file_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("priv")).expect("a folder");
        let sources = Sources::of(&Store::open(folder.path()));
        let mut before = sources.print();
        for file in [
            "notifications.cfg",
            "priv/notifications.cfg",
            "notify.cfg",
            "user.cfg",
            "datacenter.cfg",
        ] {
            for content in ["", "x"] {
                fs::write(folder.path().join(file), content).expect("a file");
                let after = sources.print();
                assert_ne!(before, after, "{file}: {content:?}");
                before = after;
            }
        }
        fs::write(folder.path().join("other"), "x").expect("a file");
        assert_eq!(sources.print(), before);
    }

    #[tokio::test]
    async fn a_change_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let sources = Sources::of(&Store::open(folder.path()));
        let before = sources.print();
        let written = folder.path().join("notifications.cfg");
        let seen = tokio::spawn(async move { sources.change(before).await });
        fs::write(written, "x").expect("a file");
        seen.await.expect("seen");
    }

    #[tokio::test]
    async fn a_private_file_in_another_place_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let private = folder.path().join("elsewhere");
        let store = Store::open(folder.path().join("etc")).with_private_file(&private);
        let sources = Sources::of(&store);
        let before = sources.look().await;
        fs::write(private, "x").expect("a file");
        assert_ne!(sources.look().await, before);
    }
}
