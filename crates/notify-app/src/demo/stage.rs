//! The folders, the configuration and the receivers of the demonstration.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use notify_bus::Engine;
use notify_config::Configuration;
use notify_core::{PlainHost, Registry};
use notify_render::Templates;
use notify_testkit::{gotify, smtp, tls};
use tempfile::TempDir;

use super::ZONE;
use super::arrivals::{Arrival, recorded};
use crate::exit::Stop;

const TOKEN: &str = "somesecrettoken";
const PASSWORD: &str = "somepassword";

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
        std::fs::write(stage.recorder(), recorder_text(&stage.mailbox()))?;
        std::fs::set_permissions(stage.recorder(), std::fs::Permissions::from_mode(0o700))?;
        Ok(stage)
    }

    pub(super) fn config(&self) -> PathBuf {
        self.folder.path().join("etc")
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
        format!(
            "NOTIFY_CONFIG_DIR={} NOTIFY_STATE_DIR={} NOTIFY_SENDMAIL={}",
            self.config().display(),
            self.state().display(),
            self.recorder().display()
        )
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

    /// The engine of this configuration.
    pub(super) fn engine(&self) -> Result<Engine, Stop> {
        let registry = Registry::linked().map_err(|error| Stop::usage(error.to_string()))?;
        let schemas = notify_bus::schemas(&registry);
        let snapshot = notify_config::Store::open(self.config()).read();
        let configuration = Configuration::assemble(&snapshot.files, &schemas);
        let host = PlainHost {
            fqdn: "pve1.example.com".to_owned(),
            sendmail: self.recorder(),
            ..PlainHost::named("pve1")
                .with_user("root@pam", "root@localhost")
                .with_user("admin@pve", "admin@localhost")
        };
        Ok(Engine::assemble(
            &configuration,
            &registry,
            Arc::new(host),
            Templates::linked(),
            ZONE,
        ))
    }

    /// What arrived under this key; Gotify messages, which carry none, are known by their title.
    ///
    /// Waits until `deadline` for the first.
    pub(super) fn arrivals(
        &self,
        target: &str,
        key: &str,
        title: &str,
        deadline: Instant,
    ) -> Vec<Arrival> {
        if target == "on-call-admins" {
            let is_it = |message: &gotify::Message| message.title == title;
            self.push.wait_for_blocking(1, deadline);
            return self
                .pushed()
                .into_iter()
                .zip(self.push.messages())
                .filter(|(_, m)| is_it(m))
                .map(|(a, _)| a)
                .collect();
        }
        let of_key = |arrivals: Vec<Arrival>| -> Vec<Arrival> {
            arrivals
                .into_iter()
                .filter(|arrival| arrival.key == key)
                .collect()
        };
        of_key(
            recorded(&self.mailbox())
                .into_iter()
                .chain(self.relayed())
                .collect(),
        )
    }

    /// Everything that arrived anywhere.
    pub(super) fn all_arrivals(&self) -> Vec<Arrival> {
        recorded(&self.mailbox())
            .into_iter()
            .chain(self.relayed())
            .chain(self.pushed())
            .collect()
    }

    fn relayed(&self) -> Vec<Arrival> {
        self.relay
            .messages()
            .iter()
            .map(|message| Arrival::mail("smtp", &message.text()))
            .collect()
    }

    fn pushed(&self) -> Vec<Arrival> {
        let messages = self.push.messages();
        messages
            .iter()
            .map(|message| Arrival {
                receiver: "gotify",
                subject: message.title.clone(),
                detail: format!("priority {}", message.priority),
                key: String::new(),
            })
            .collect()
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
