//! The folders, the configuration and the receivers of the demonstration.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use notify_host::{HostFacts, Places};
use notify_testkit::{gotify, smtp, tls};
use tempfile::TempDir;

use super::ZONE;
use super::arrivals::{Arrival, recorded};
use crate::exit::Stop;
use crate::setup::Setup;

const TOKEN: &str = "somesecrettoken";
const PASSWORD: &str = "somepassword";

/// Nobody wants to watch for ten seconds how a target is down.
const SETTINGS: &str = "daemon: local\n\tretry-min-interval 1s\n\tretry-max-interval 1s\n";

/// Everything that the demonstration needs; it is gone when this is dropped.
pub(super) struct Stage {
    folder: TempDir,
    relay: smtp::Server,
    push: gotify::Server,
}

impl Stage {
    /// Starts the receivers and writes the folders.
    pub(super) fn set() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("notify-demo-").tempdir()?;
        let authority = tls::Authority::new();
        let options = smtp::Options::starttls(authority.localhost());
        let stage = Stage {
            relay: smtp::Server::start(options.auth(&[smtp::Mechanism::Plain], "pve1", PASSWORD)),
            push: gotify::Server::start(gotify::Options::token(TOKEN)),
            folder,
        };
        for folder in [stage.config().join("priv"), stage.state(), stage.mailbox()] {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(stage.authority(), authority.pem())?;
        std::fs::write(
            stage.config().join("notifications.cfg"),
            stage.public_text(),
        )?;
        let private = stage.config().join("priv/notifications.cfg");
        std::fs::write(&private, private_text())?;
        std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o600))?;
        std::fs::write(stage.config().join("user.cfg"), users())?;
        std::fs::write(stage.config().join("notify.cfg"), SETTINGS)?;
        std::fs::write(stage.recorder(), recorder_text(&stage.mailbox()))?;
        std::fs::set_permissions(stage.recorder(), std::fs::Permissions::from_mode(0o700))?;
        Ok(stage)
    }

    pub(super) fn config(&self) -> PathBuf {
        self.folder.path().join("etc")
    }

    /// Where its daemon listens.
    pub(super) fn socket(&self) -> PathBuf {
        self.state().join("notify.sock")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn mailbox(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    fn recorder(&self) -> PathBuf {
        self.folder.path().join("sendmail")
    }

    fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// What a command in another terminal needs to use this configuration.
    pub(super) fn environment(&self) -> String {
        let variables = self.variables();
        let variables = variables.map(|(name, value)| format!("{name}={}", value.display()));
        variables.join(" ")
    }

    /// The same as variables.
    pub(super) fn variables(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("NOTIFY_CONFIG_DIR", self.config()),
            ("NOTIFY_STATE_DIR", self.state()),
            ("NOTIFY_SENDMAIL", self.recorder()),
        ]
    }

    /// A file for what the daemon says.
    pub(super) fn log(&self) -> io::Result<File> {
        File::create(self.folder.path().join("daemon.log"))
    }

    /// What it said.
    pub(super) fn logged(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("daemon.log")).unwrap_or_default()
    }

    /// The mail server takes no mail for a while, as when its disk is full.
    pub(super) fn relay_goes_down(&self) {
        let busy = (451, "4.3.1 no room for mails");
        self.relay.answer(smtp::Step::Mail, busy);
    }

    /// The mail server takes mails again.
    pub(super) fn relay_comes_up(&self) {
        self.relay.answer_properly(smtp::Step::Mail);
    }

    /// The documentation's examples: names made distinct, servers and recipients on this machine.
    pub(super) fn public_text(&self) -> String {
        format!(
            "\
sendmail: backup-admins
	mailto-user root@pam
	mailto-user admin@pve
	mailto max@localhost
	from-address pve1@localhost
	comment Send to multiple users/addresses

smtp: admin
	mailto-user root@pam
	mailto-user admin@pve
	mailto max@localhost
	from-address pve1@localhost
	username pve1
	server 127.0.0.1
	port {port}
	mode starttls
	ca-file {authority}

smtp: cluster-admins
	mailto cluster@localhost
	from-address pve1@localhost
	username pve1
	server 127.0.0.1
	port {port}
	mode starttls
	ca-file {authority}

gotify: on-call-admins
	server {gotify}
	comment Send to multiple users/addresses

matcher: always-matches
	target admin
	comment This matcher always matches

matcher: workday
	match-calendar mon-fri 9-17
	target admin
	comment Notify admins during working hours

matcher: night-and-weekend
	match-calendar mon-fri 9-17
	invert-match true
	target on-call-admins
	comment Separate target for non-working hours

matcher: backup-failures
	match-field exact:type=vzdump
	match-severity error
	target backup-admins
	comment Send notifications about backup failures to one group of admins

matcher: cluster-failures
	match-field exact:type=replication
	match-field exact:type=fencing
	mode any
	target cluster-admins
	comment Send cluster-related notifications to other group of admins

matcher: cluster-failures-by-regex
	match-field regex:type=^(replication|fencing)$
	target cluster-admins
	comment Send cluster-related notifications to other group of admins
",
            port = self.relay.port(),
            authority = self.authority().display(),
            gotify = self.push.url(),
        )
    }

    /// Its configuration has no fault.
    pub(super) fn check(&self) -> Result<(), Stop> {
        let setup = Setup::at(self.config(), self.state())?;
        let root = self.folder.path();
        let places = Places {
            config: self.config(),
            sendmail: Some(self.recorder()),
            node_name: "pve1.example.com".to_owned(),
            ..Places::below(root)
        };
        let ready = setup.ready_on(HostFacts::read_at(&places), ZONE)?;
        if let Some(fault) = ready.faults().next() {
            let message = format!("a fault of the demonstration: {fault}");
            return Err(Stop::failed(message));
        }
        Ok(())
    }

    /// Everything that has arrived: by `sendmail`, at the relay, at the Gotify server, each in its order.
    ///
    /// A receiver keeps a message before it says that it took it.
    pub(super) fn arrivals(&self) -> [Vec<Arrival>; 3] {
        let relayed = self.relay.messages();
        let relayed = relayed
            .iter()
            .map(|message| Arrival::mail("smtp", &message.text()));
        let pushed = self.push.messages();
        let pushed = pushed.iter().map(Arrival::push);
        [
            recorded(&self.mailbox()),
            relayed.collect(),
            pushed.collect(),
        ]
    }
}

fn private_text() -> String {
    let relay = |name: &str| format!("smtp: {name}\n\tpassword {PASSWORD}\n\n");
    format!(
        "{}{}gotify: on-call-admins\n\ttoken {TOKEN}\n",
        relay("admin"),
        relay("cluster-admins")
    )
}

fn users() -> &'static str {
    "user:root@pam:1:0:::root@localhost:::\nuser:admin@pve:1:0:::admin@localhost:::\n"
}

/// In place of the machine's sendmail: keeps each mail as a file, complete or not at all.
fn recorder_text(mailbox: &Path) -> String {
    let mailbox = mailbox.display();
    format!(
        "#!/bin/sh\nset -e\nname=\"{mailbox}/$(date +%s%N)-$$\"\ncat >\"$name.part\"\nmv \"$name.part\" \"$name.eml\"\n"
    )
}
