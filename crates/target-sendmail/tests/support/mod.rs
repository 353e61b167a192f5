//! What the tests of this crate share: a host with a sendmail program that does as it is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify_core::{Failure, PlainHost, Receipt, Target};
use notify_testkit::{Delivery, Section};
use target_sendmail::SENDMAIL;
use tempfile::TempDir;

/// A folder with a sendmail program.
pub(crate) struct Peer {
    folder: TempDir,
    pub(crate) host: PlainHost,
}

impl Peer {
    /// A program that runs these lines of a shell script; `$here` is its folder.
    pub(crate) fn that(act: &str) -> Self {
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        let program = folder.path().join("sendmail");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/sendmail");
        std::os::unix::fs::symlink(script, &program).expect("the folder is new");
        let host = PlainHost {
            fqdn: "pve1.example.com".to_owned(),
            instance: "5a1f".to_owned(),
            sendmail: program,
            ..PlainHost::named("pve1")
        };
        let peer = Peer {
            folder,
            host: host.with_user("root@pam", "admin@example.com"),
        };
        peer.write("act", act);
        peer
    }

    /// A program that keeps its arguments and its input.
    pub(crate) fn that_takes_mail() -> Self {
        Peer::that("printf '%s\\n' \"$@\" > \"$here/arguments\"\ncat > \"$here/message\"\n")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("the folder is ours");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("the program wrote it")
    }

    pub(crate) fn read_bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("the program wrote it")
    }

    /// A pipe that someone else opens too.
    pub(crate) fn pipe(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("coreutils are there").success());
        path
    }

    /// A mail with this text from this host.
    pub(crate) fn mail(&self, text: &str) -> Delivery {
        Delivery::new("Subject of the mail", text)
            .target("ops")
            .host(self.host.clone())
    }

    /// Delivers a mail with this text to the recipients of this section, in time.
    pub(crate) async fn deliver(
        &self,
        section: &[(&str, &str)],
        text: &str,
    ) -> Result<Receipt, Failure> {
        self.mail(text).to(&*target(section)).await
    }
}

/// A target of a section with these lines, the bad ones of them left out.
pub(crate) fn target(section: &[(&str, &str)]) -> Arc<dyn Target> {
    let section = section
        .iter()
        .fold(Section::new("ops"), |section, (key, value)| {
            section.public(key, *value)
        });
    let fields = section.checked(&SENDMAIL).fields;
    (SENDMAIL.build)(&fields.expect("a usable section")).expect("a usable target")
}
