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
const RARELY: Duration = Duration::from_secs(5 * 60);
/// File systems that may change on another host, by which no event is told of here (statfs(2)):
/// NFS, SMB, CIFS, SMB2, FUSE, Ceph, 9P, AFS, GFS2, OCFS2, Lustre.
const SHARED: [u32; 11] = [
    0x6969,
    0x517b,
    0xff53_4d42,
    0xfe53_4d42,
    0x6573_5546,
    0x00c3_6400,
    0x0102_1997,
    0x5346_414f,
    0x0116_1970,
    0x7461_636f,
    0x0bd0_0bd0,
];
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
            let longest = match stir.sees() && !self.is_shared() {
                true => RARELY,
                false => LOOK,
            };
            stir.wait(longest, SETTLE, |_| true).await;
        }
    }

    /// Whether the files may change on another host, as those of Proxmox VE do. A folder that
    /// is not there may come with such a file system.
    fn is_shared(&self) -> bool {
        let folder = self.store.folder();
        self.store.is_pve_folder()
            || !folder.is_dir()
            || self.files.iter().any(|file| lies_on_shared(file))
    }

    /// As [`Sources::print`]; the file system of a cluster may take its time.
    pub(super) async fn look(&self) -> Print {
        let sources = self.clone();
        let looked = tokio::task::spawn_blocking(move || sources.print()).await;
        looked.unwrap_or_else(|_| self.print())
    }
}

/// The private file may lie elsewhere than the others.
fn lies_on_shared(file: &Path) -> bool {
    rustix::fs::statfs(file)
        .is_ok_and(|found| u32::try_from(found.f_type).is_ok_and(|kind| SHARED.contains(&kind)))
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

    #[test]
    fn files_of_this_host_are_not_shared() {
        let folder = tempfile::tempdir().expect("a folder");
        let sources = |path: &std::path::Path| Sources::of(&Store::open(path));
        assert!(!sources(folder.path()).is_shared());
        assert!(sources(&folder.path().join("missing")).is_shared());
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
