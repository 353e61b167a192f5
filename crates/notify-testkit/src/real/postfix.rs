//! A private Postfix: listeners of every kind, mailboxes to look into, `sendmail`.
//!
//! Mail for any address at `example.com` arrives in a mailbox, except for
//! addresses that begin with `nosuch`, which are refused. Mail for a bare
//! name is that of a local user at `mail.example.com`; the aliases hold for those.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::process::Pid;
use tempfile::TempDir;

use super::daemon::Daemon;
use super::{Dovecot, INSTALL, ask_until, folder, free_port, loopback, program, write};
use crate::smtp::Mechanism;
use crate::tls::Identity;

/// The listeners of a Postfix. Those with `Auth` take mail only after AUTH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// Without encryption.
    Plain,
    /// STARTTLS required.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Without encryption, AUTH required.
    PlainAuth,
    /// STARTTLS and AUTH required.
    StartTlsAuth,
    /// TLS from the first byte, AUTH required.
    TlsAuth,
}

impl Port {
    const ALL: [Port; 6] = [
        Port::Plain,
        Port::StartTls,
        Port::Tls,
        Port::PlainAuth,
        Port::StartTlsAuth,
        Port::TlsAuth,
    ];

    fn needs_tls(self) -> bool {
        !matches!(self, Port::Plain | Port::PlainAuth)
    }

    fn needs_auth(self) -> bool {
        matches!(self, Port::PlainAuth | Port::StartTlsAuth | Port::TlsAuth)
    }

    /// The options of its line in master.cf.
    fn options(self) -> String {
        let mut options = String::new();
        if self.needs_tls() {
            options.push_str(match self {
                Port::Tls | Port::TlsAuth => " -o smtpd_tls_wrappermode=yes",
                _ => " -o smtpd_tls_security_level=encrypt",
            });
        }
        if self.needs_auth() {
            options.push_str(" -o smtpd_sasl_auth_enable=yes");
            options.push_str(" -o smtpd_relay_restrictions=permit_sasl_authenticated,reject");
        }
        options
    }
}

/// How a Postfix is set up.
#[derive(Default)]
pub struct PostfixOptions {
    identity: Option<Identity>,
    login: Option<(Vec<Mechanism>, String, String)>,
    aliases: String,
    settings: String,
}

impl PostfixOptions {
    /// The listener without encryption, `sendmail`, no aliases.
    pub fn plain() -> Self {
        PostfixOptions::default()
    }

    /// With the encrypted listeners, and this certificate.
    #[must_use]
    pub fn tls(mut self, identity: &Identity) -> Self {
        self.identity = Some(identity.clone());
        self
    }

    /// With the listeners that want AUTH, checked by a Dovecot that knows this user.
    #[must_use]
    pub fn auth(mut self, mechanisms: &[Mechanism], user: &str, password: &str) -> Self {
        self.login = Some((mechanisms.to_vec(), user.to_owned(), password.to_owned()));
        self
    }

    /// Mail for this local name goes to that address instead.
    #[must_use]
    pub fn alias(mut self, name: &str, address: &str) -> Self {
        self.aliases.push_str(&format!("{name}: {address}\n"));
        self
    }

    /// With one more line of main.cf, which wins over the usual one.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push_str(&format!("{name} = {value}\n"));
        self
    }
}

impl std::fmt::Debug for PostfixOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostfixOptions")
            .field("identity", &self.identity)
            .field("auth", &self.login.is_some())
            .field("aliases", &self.aliases)
            .field("settings", &self.settings)
            .finish()
    }
}

/// A mail in a mailbox.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail(pub Vec<u8>);

impl Mail {
    /// All of it as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// The first header of this name, unfolded, not decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = self.text();
        let head = text
            .split("\n\n")
            .next()?
            .replace("\n ", " ")
            .replace("\n\t", " ");
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    }
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mail({:?})", self.text())
    }
}

/// A running Postfix.
#[derive(Debug)]
pub struct Postfix {
    // In this order they end: the process, its password checker, its folder.
    _daemon: Daemon,
    _dovecot: Option<Dovecot>,
    folder: TempDir,
    ports: Vec<(Port, u16)>,
}

impl Postfix {
    /// Starts it.
    ///
    /// # Panics
    /// When it is not installed, not run as root, or does not come up.
    pub fn start(options: &PostfixOptions) -> Self {
        let postfix = program("postfix");
        assert!(rustix::process::geteuid().is_root(), "postfix needs root");
        let dovecot = options
            .login
            .as_ref()
            .map(|(mechanisms, user, password)| Dovecot::start(mechanisms, user, password));
        let folder = folder("notify-postfix-");
        // Someone else may take a free port before it does.
        let mut said = String::new();
        for _ in 0..5 {
            let ports = ports(options);
            lay_out(folder.path(), options, dovecot.as_ref(), &ports);
            let started = run(Command::new(&postfix)
                .arg("-c")
                .arg(conf(folder.path()))
                .arg("start"));
            match started {
                Ok(()) => {
                    return Postfix {
                        _daemon: Daemon::adopt(master(folder.path()), folder.path()),
                        _dovecot: dovecot,
                        folder,
                        ports,
                    };
                }
                Err(error) => said = error,
            }
        }
        let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        panic!("postfix does not come up: {said}\n{log}");
    }

    /// Where a listener is.
    ///
    /// # Panics
    /// When the options did not ask for it.
    pub fn addr(&self, port: Port) -> SocketAddr {
        let found = self.ports.iter().find(|(known, _)| *known == port);
        loopback(
            found
                .unwrap_or_else(|| panic!("{port:?} was not asked for"))
                .1,
        )
    }

    /// Its `sendmail`: a program that calls the system's with [`Self::mail_config`] in its environment.
    pub fn sendmail(&self) -> PathBuf {
        self.folder.path().join("sendmail")
    }

    /// The folder that `MAIL_CONFIG` must name for the system's `sendmail`.
    pub fn mail_config(&self) -> PathBuf {
        conf(self.folder.path())
    }

    /// The home folder of a local user, whose `.forward` is obeyed. Made when it is missing.
    ///
    /// A command in it is run as the user, for root as nobody.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn home(&self, user: &str) -> PathBuf {
        let home = self.folder.path().join("home").join(user);
        fs::create_dir_all(&home).expect("the folder is ours");
        home
    }

    /// What `postqueue -p` says of the mails that have not been delivered.
    ///
    /// # Panics
    /// When it does not run.
    pub fn queue(&self) -> String {
        let mut command = Command::new(program("postqueue"));
        let output = command.arg("-c").arg(self.mail_config()).arg("-p").output();
        let output = output.expect("postqueue runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Makes it try again what it could not deliver.
    ///
    /// # Panics
    /// When it does not run.
    pub fn flush(&self) {
        let mut command = Command::new(program("postqueue"));
        let command = command.arg("-c").arg(self.mail_config()).arg("-f");
        run(command).expect("postqueue runs");
    }

    /// The mails of a mailbox, in the order of their arrival: of `admin` for
    /// `admin@example.com`, or of a local user.
    pub fn mailbox(&self, name: &str) -> Vec<Mail> {
        let folder = self.folder.path();
        let here = format!("{name}@example.com");
        let virtual_mails = maildir(&folder.join("virtual/all/new"))
            .into_iter()
            .filter(|mail| mail.header("Delivered-To").as_ref() == Some(&here));
        let local = maildir(&folder.join("local").join(name).join("new"));
        virtual_mails.chain(local).collect()
    }

    /// The mails of a mailbox as soon as there are `count`, or those that came
    /// until `deadline`. Blocks the thread.
    pub fn wait_for(&self, name: &str, count: usize, deadline: Instant) -> Vec<Mail> {
        ask_until(deadline, || {
            let mails = self.mailbox(name);
            (mails.len() >= count).then_some(mails)
        })
        .unwrap_or_else(|| self.mailbox(name))
    }

    /// What it has written into its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

fn conf(folder: &Path) -> PathBuf {
    folder.join("conf")
}

fn ports(options: &PostfixOptions) -> Vec<(Port, u16)> {
    Port::ALL
        .into_iter()
        .filter(|port| options.identity.is_some() || !port.needs_tls())
        .filter(|port| options.login.is_some() || !port.needs_auth())
        .map(|port| (port, free_port()))
        .collect()
}

/// Writes everything that Postfix reads.
fn lay_out(
    folder: &Path,
    options: &PostfixOptions,
    dovecot: Option<&Dovecot>,
    ports: &[(Port, u16)],
) {
    let conf = conf(folder);
    for (name, owner) in [
        ("conf", "root"),
        ("spool", "root"),
        ("data", "postfix"),
        ("virtual", "nobody"),
        ("local", "root"),
    ] {
        let path = folder.join(name);
        fs::create_dir_all(&path).expect("the folder is ours");
        run(Command::new("chown").arg(owner).arg(&path)).expect("the owner exists");
    }
    // `local` delivers as the user, root's mail as nobody.
    run(Command::new("chmod").arg("1777").arg(folder.join("local"))).expect("the folder is ours");
    for name in ["postfix-files", "dynamicmaps.cf"] {
        fs::copy(Path::new("/etc/postfix").join(name), conf.join(name))
            .unwrap_or_else(|error| panic!("copy {name}: {error}; run: {INSTALL}"));
    }
    if let Some(identity) = &options.identity {
        let chain = format!("{}{}", identity.key_pem(), identity.pem());
        write(&conf.join("chain.pem"), &chain);
    }
    write(&conf.join("mailboxes"), MAILBOXES);
    write(&conf.join("aliases"), &options.aliases);
    write(&conf.join("main.cf"), &main_cf(folder, options, dovecot));
    write(&conf.join("master.cf"), &master_cf(ports));
    run(Command::new(program("postalias"))
        .arg("-c")
        .arg(&conf)
        .arg(format!("hash:{}/aliases", conf.display())))
    .expect("the aliases are well formed");
    sendmail(folder);
}

/// Every address at example.com is good, but not those that begin with `nosuch`.
/// All share one folder, because Postfix allows no part of an address in a path;
/// the header `Delivered-To` tells them apart.
const MAILBOXES: &str = "if !/^nosuch/\n/@example\\.com$/ all/\nendif\n";

/// The mails of a folder, oldest first.
fn maildir(folder: &Path) -> Vec<Mail> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map(|entries| {
            entries
                .filter_map(|entry| entry.ok().map(|entry| entry.path()))
                .collect()
        })
        .unwrap_or_default();
    files.sort_by_key(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok());
    files
        .iter()
        .filter_map(|path| fs::read(path).ok())
        .map(Mail)
        .collect()
}

fn main_cf(folder: &Path, options: &PostfixOptions, dovecot: Option<&Dovecot>) -> String {
    let folder = folder.display();
    let mut text = format!(
        "compatibility_level = 3.6\n\
         queue_directory = {folder}/spool\n\
         data_directory = {folder}/data\n\
         maillog_file = {folder}/log\n\
         maillog_file_prefixes = {folder}\n\
         multi_instance_enable = no\n\
         inet_interfaces = 127.0.0.1\n\
         inet_protocols = ipv4\n\
         smtp_host_lookup = native\n\
         smtpd_peername_lookup = no\n\
         smtpd_error_sleep_time = 0\n\
         myhostname = mail.example.com\n\
         myorigin = $myhostname\n\
         mydestination = $myhostname, localhost\n\
         mynetworks = 127.0.0.0/8\n\
         biff = no\n\
         notify_classes =\n\
         alias_maps = hash:{folder}/conf/aliases\n\
         alias_database = hash:{folder}/conf/aliases\n\
         mail_spool_directory = {folder}/local/\n\
         forward_path = {folder}/home/$user/.forward\n\
         virtual_mailbox_domains = example.com\n\
         virtual_mailbox_base = {folder}/virtual\n\
         virtual_mailbox_maps = regexp:{folder}/conf/mailboxes\n\
         virtual_uid_maps = static:65534\n\
         virtual_gid_maps = static:65534\n\
         default_transport = error:no mail leaves this machine\n"
    );
    if options.identity.is_some() {
        text.push_str(&format!(
            "smtpd_tls_chain_files = {folder}/conf/chain.pem\n"
        ));
    }
    if let Some(dovecot) = dovecot {
        let socket = dovecot.socket();
        text.push_str("smtpd_sasl_type = dovecot\nsmtpd_sasl_security_options = noanonymous\n");
        text.push_str(&format!("smtpd_sasl_path = unix:{}\n", socket.display()));
    }
    text + &options.settings
}

fn master_cf(ports: &[(Port, u16)]) -> String {
    let mut text = String::new();
    for (port, number) in ports {
        let options = port.options();
        text.push_str(&format!(
            "127.0.0.1:{number} inet n - n - - smtpd{options}\n"
        ));
    }
    text + SERVICES
}

/// The services that Postfix needs besides its listeners, none of them in a chroot.
const SERVICES: &str = "\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";

/// Writes the `sendmail` of this instance.
///
/// A child writes it: a program that this process has open for writing cannot
/// be run, and another thread's fork may keep it open for a moment.
fn sendmail(folder: &Path) {
    let script = format!(
        "#!/bin/sh\nMAIL_CONFIG='{}' exec '{}' \"$@\"\n",
        conf(folder).display(),
        program("sendmail").display()
    );
    let mut child = Command::new("/bin/sh")
        .args(["-c", r#"cat > "$1" && chmod 755 "$1""#, "writer"])
        .arg(folder.join("sendmail"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("there is a shell");
    let input = child.stdin.take().expect("it was piped");
    let written = { input }.write_all(script.as_bytes());
    let done = child.wait().is_ok_and(|status| status.success());
    assert!(
        written.is_ok() && done,
        "cannot write a script into {}",
        folder.display()
    );
}

/// The process that `postfix start` has left behind.
fn master(folder: &Path) -> Pid {
    let text = fs::read_to_string(folder.join("spool/pid/master.pid")).unwrap_or_default();
    let pid = text.trim().parse().ok().and_then(Pid::from_raw);
    pid.expect("a started Postfix has written its process id")
}

/// Runs a program to its end; the error holds what it wrote.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{command:?}: {}: {said}", output.status))
}
