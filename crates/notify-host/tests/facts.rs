//! A host read from a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};

use notify_core::Host as _;
use notify_host::{HostFacts, Places};

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("below the root")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        Folder(root)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn places(&self) -> Places {
        Places {
            node_name: "pve1".to_owned(),
            ..Places::below(self.path())
        }
    }

    /// Reads it; the faults as lines, with the root folder left out.
    fn read(&self) -> (HostFacts, Vec<String>) {
        let (host, faults) = HostFacts::read_at(&self.places());
        let root = self.path().to_string_lossy().into_owned();
        let lines = faults
            .iter()
            .map(|fault| fault.to_string().replace(&root, "ROOT"));
        (host, lines.collect())
    }
}

#[test]
fn all_facts_of_a_cluster_node() {
    let folder = Folder::with(&[
        (
            "user.cfg",
            "user:root@pam:1:0:::admin@example.com:::\n\
             user:max@pve:0:1:Max:M:m%C3%BCx@example.com:::\n\
             user:none@pve:1:0::::::\n\
             user:max@pve:1:0:::second@example.com:::\n\
             user:none@pve:1:0:::second@example.com:::\n\n\
             acl:1:/:max@pve:PVEAuditor:\n",
        ),
        (
            "datacenter.cfg",
            "keyboard: de\nemail_from: pve@example.com\nhttp_proxy: http://max:hunter2@proxy:3128\n",
        ),
        ("corosync.conf", "totem {\n  cluster_name: prod\n}\n"),
        ("etc/hosts", "192.0.2.7 pve1.example.com pve1\n"),
        ("etc/resolv.conf", "search other.org\n"),
    ]);
    let (host, faults) = folder.read();
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(host.name(), "pve1");
    assert_eq!(host.fqdn(), "pve1.example.com");
    assert_eq!(host.cluster_name(), Some("prod"));
    assert_eq!(host.address_of("root@pam"), Some("admin@example.com"));
    assert_eq!(host.address_of("max@pve"), Some("müx@example.com"));
    assert_eq!(host.address_of("none@pve"), None, "the first record counts");
    assert_eq!(host.email_from(), Some("pve@example.com"));
    assert_eq!(host.http_proxy(), Some("http://max:hunter2@proxy:3128"));
    assert_eq!(host.sendmail(), Path::new("/usr/sbin/sendmail"));
    assert_eq!(
        host.template_folder(),
        folder.path().join("notification-templates/default")
    );
    assert!(!format!("{host:?}").contains("hunter2"));
}

#[test]
fn an_empty_folder_is_a_host_without_facts() {
    let (host, faults) = Folder::with(&[]).read();
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!((host.name(), host.fqdn()), ("pve1", "pve1"));
    assert_eq!(host.cluster_name(), None);
    assert_eq!(host.address_of("root@pam"), None);
    assert_eq!((host.email_from(), host.http_proxy()), (None, None));
    assert_eq!(host.instance().len(), 32);
}

#[test]
fn the_instance_is_the_same_in_the_next_run() {
    let folder = Folder::with(&[]);
    assert_eq!(folder.read().0.instance(), folder.read().0.instance());
}

#[test]
fn a_program_for_mail_can_be_named() {
    let folder = Folder::with(&[]);
    let places = Places {
        sendmail: Some(PathBuf::from("/opt/sendmail")),
        ..folder.places()
    };
    let (host, _) = HostFacts::read_at(&places);
    assert_eq!(host.sendmail(), Path::new("/opt/sendmail"));
}

#[test]
fn what_cannot_be_read_is_a_fault() {
    // Folders in place of files cannot be read by anybody, not even by root.
    let folder = Folder::with(&[
        ("user.cfg/x", ""),
        ("datacenter.cfg/x", ""),
        ("corosync.conf/x", ""),
        ("etc/hosts/x", ""),
        ("etc/resolv.conf/x", ""),
        ("etc/machine-id/x", ""),
        ("state", "a file in place of a folder"),
    ]);
    let (host, faults) = folder.read();
    assert_eq!(
        faults,
        [
            "ROOT/etc/hosts: error: cannot be read: not a regular file",
            "ROOT/etc/resolv.conf: error: cannot be read: not a regular file",
            "corosync.conf: error: cannot be read: not a regular file",
            "datacenter.cfg: error: cannot be read: not a regular file",
            "user.cfg: error: cannot be read: not a regular file",
        ]
    );
    assert_eq!((host.name(), host.fqdn()), ("pve1", "pve1"));
    assert_eq!(host.instance().len(), 32);
}

#[test]
fn a_faulty_line_costs_only_itself() {
    let folder = Folder::with(&[
        (
            "user.cfg",
            "user:a@pve:1:0:::a@example.com:::\nuser:b@pve:1:0:::b%0AX@example.com:::\nnonsense\n",
        ),
        (
            "datacenter.cfg",
            "http_proxy: https://max:hunter2@proxy\nemail_from: pve@example.com\n",
        ),
    ]);
    let (host, faults) = folder.read();
    assert_eq!(
        faults,
        [
            "datacenter.cfg:1:13: error: `http_proxy`: expected the scheme http, not `https`",
            "user.cfg:2:18: warning: holds control characters, so the field is not used",
            "user.cfg:3:1: warning: unknown record `nonsense`",
        ]
    );
    assert_eq!(host.address_of("a@pve"), Some("a@example.com"));
    assert_eq!(host.address_of("b@pve"), None);
    assert_eq!(host.email_from(), Some("pve@example.com"));
}

#[test]
fn this_machine_has_a_name() {
    let folder = Folder::with(&[]);
    let (host, _) = HostFacts::read(folder.path(), &folder.path().join("state"));
    assert!(!host.name().is_empty() && !host.name().contains('.'));
}
