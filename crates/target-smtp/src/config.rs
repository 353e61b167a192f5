//! What a section says, in types.

use std::net::IpAddr;
use std::time::Duration;

use notify_mail::{AUTHOR, Address, Addressees, MAX_MAIL_SIZE, SENDER, octets};
use notify_schema::{Fault, Fields, Level, Secret, excerpt};
use notify_tls::{CA_FILE, Place, TLS_FINGERPRINT, TlsOptions};

use crate::{MODE, PASSWORD, PORT, SERVER, USERNAME};

/// When a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Never.
    Insecure,
    /// After STARTTLS, which must succeed (RFC 3207).
    StartTls,
    /// From the first byte (RFC 8314 3.3).
    Tls,
}

impl Mode {
    const fn of(word: &str) -> Self {
        match word.as_bytes() {
            b"insecure" => Mode::Insecure,
            b"starttls" => Mode::StartTls,
            _ => Mode::Tls,
        }
    }

    /// The port that servers of this kind listen on.
    const fn port(self) -> u16 {
        match self {
            Mode::Insecure => 25,
            Mode::StartTls => 587,
            Mode::Tls => 465,
        }
    }
}

/// Who we are to the server.
#[derive(Clone, Debug)]
pub struct Login {
    /// Not empty.
    pub user: String,
    /// May be empty, where a server wants it so.
    pub password: Secret,
}

/// A usable section of the type `smtp`.
#[derive(Clone, Debug)]
pub struct Config {
    /// A host name in ASCII, or an IP address without brackets.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// When the connection is encrypted.
    pub mode: Mode,
    /// None: no login.
    pub login: Option<Login>,
    /// Address of the sender, perhaps without a domain.
    pub from: Address,
    /// Name of the sender.
    pub author: String,
    /// Who gets the mail.
    pub addressees: Addressees,
    /// The largest mail in octets that is forwarded whole; none: what the server takes.
    pub max_mail_size: Option<usize>,
    /// How the server proves who it is.
    pub tls: TlsOptions,
    /// Where the section names a CA file.
    pub ca_file: Option<Place>,
    /// How long one step of the conversation may take: 5 s, as in Proxmox VE.
    pub step_limit: Duration,
    /// TLS options of a section that uses no TLS.
    unused: Vec<Fault>,
}

impl Config {
    /// Reads a checked section.
    ///
    /// # Errors
    /// A user without a password.
    pub fn from_fields(fields: &Fields) -> Result<Self, Vec<Fault>> {
        let mode = Mode::of(fields.text(MODE.name).unwrap_or_default());
        let port = fields
            .integer(PORT.name)
            .and_then(|port| u16::try_from(port).ok());
        let server = fields.text(SERVER.name).and_then(|text| server(text).ok());
        let from = fields.text(SENDER.name).and_then(|text| text.parse().ok());
        Ok(Config {
            server: server.expect("the schema has checked the server"),
            port: port.unwrap_or(mode.port()),
            mode,
            login: login(fields).map_err(|fault| vec![fault])?,
            from: from.expect("the schema has checked the sender"),
            author: fields.text(AUTHOR.name).unwrap_or_default().to_owned(),
            addressees: Addressees::of(fields),
            max_mail_size: fields
                .text(MAX_MAIL_SIZE.name)
                .and_then(|text| octets(text).ok()),
            tls: TlsOptions::from_fields(fields),
            ca_file: Place::of(fields),
            step_limit: Duration::from_secs(5),
            unused: unused(fields, mode),
        })
    }

    /// What only this host can know of the section.
    pub(crate) fn prepare(&self, host: &dyn notify_core::Host) -> Vec<Fault> {
        let mut faults = self.addressees.faults(host);
        if self.mode != Mode::Insecure {
            faults.extend(notify_tls::prepare(&self.tls, self.ca_file.as_ref()));
        }
        faults.extend(self.unused.iter().cloned());
        faults
    }
}

fn login(fields: &Fields) -> Result<Option<Login>, Fault> {
    let Some(user) = fields.text(USERNAME.name).filter(|user| !user.is_empty()) else {
        return Ok(None);
    };
    match fields.secret(PASSWORD.name) {
        Some(password) => Ok(Some(Login {
            user: user.to_owned(),
            password: password.clone(),
        })),
        None => Err(fields.fault(
            USERNAME.name,
            "there is no `password` for it in the private file",
        )),
    }
}

/// Who pins a certificate believes that it is checked.
fn unused(fields: &Fields, mode: Mode) -> Vec<Fault> {
    let properties = [CA_FILE.name, TLS_FINGERPRINT.name];
    properties
        .into_iter()
        .filter(|property| mode == Mode::Insecure && fields.has(property))
        .map(|property| Fault {
            level: Level::Warning,
            ..fields.fault(property, "not used, because `mode` is insecure")
        })
        .collect()
}

/// For the schema: whether [`server`] can read it.
pub(crate) fn check_server(text: &str) -> Result<(), String> {
    server(text).map(drop)
}

/// A host name in ASCII, or an IP address; brackets around one are dropped.
fn server(text: &str) -> Result<String, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if bare.parse::<IpAddr>().is_ok() {
        return Ok(bare.to_owned());
    }
    if let Some((_, port)) = text.rsplit_once(':')
        && port.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Err(format!(
            "expected a host name or an IP address, and the port in `port`, not `{}`",
            excerpt(text)
        ));
    }
    let ascii = idna::domain_to_ascii(text).unwrap_or_default();
    let name = ascii.strip_suffix('.').unwrap_or(&ascii);
    let character = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.chars().all(character);
    if name.len() <= 253 && name.split('.').all(label) {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "expected a host name or an IP address, not `{}`",
            excerpt(text)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Mode, server};
    use crate::SMTP;
    use notify_core::PlainHost;
    use notify_testkit::Section;
    use std::time::Duration;

    fn section() -> Section {
        Section::new("relay")
            .public("server", "mail.example.com")
            .public("from-address", "pve1@example.com")
            .public("mailto", "admin@example.com")
    }

    fn config(section: &Section) -> Config {
        let fields = section.checked(&SMTP).fields.expect("a usable section");
        Config::from_fields(&fields).expect("no fault")
    }

    #[test]
    fn the_port_follows_the_mode() {
        let port = |section: Section| config(&section).port;
        assert_eq!(port(section()), 465);
        assert_eq!(port(section().public("mode", "starttls")), 587);
        assert_eq!(port(section().public("mode", "insecure")), 25);
        assert_eq!(port(section().public("mode", "ssl")), 465);
        assert_eq!(port(section().public("port", "2525")), 2525);
        assert_eq!(port(section().public("port", "70000")), 465);
        assert_eq!(config(&section()).mode, Mode::Tls);
        assert_eq!(config(&section()).step_limit, Duration::from_secs(5));
    }

    #[test]
    fn a_login_has_a_user_and_a_password() {
        assert!(config(&section()).login.is_none());
        assert!(
            config(&section().secret("password", "unused"))
                .login
                .is_none()
        );
        assert!(config(&section().public("username", "")).login.is_none());
        let both = section().public("username", "u").secret("password", "");
        assert!(config(&both).login.expect("both").password.is_empty());
        let faults = section().public("username", "u").build(&SMTP);
        let faults: Vec<_> = faults
            .expect_err("no password")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            faults,
            [
                "notifications.cfg:5:2: error: smtp `relay`: property `username`: there is no `password` for it in the private file"
            ]
        );
    }

    #[test]
    fn a_server_is_a_name_or_an_address() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(server(text).ok().as_deref(), expected, "{text:?}");
        };
        check("mail.example.com", Some("mail.example.com"));
        check("mail.example.com.", Some("mail.example.com"));
        check("localhost", Some("localhost"));
        check("my_relay", Some("my_relay"));
        check("192.0.2.1", Some("192.0.2.1"));
        check("2001:db8::1", Some("2001:db8::1"));
        check("[2001:db8::1]", Some("2001:db8::1"));
        check("mail.müller.example", Some("mail.xn--mller-kva.example"));
        for bad in [
            "",
            "a b",
            "mail:25",
            "smtp://mail",
            "a@b",
            "a..b",
            "mail/",
            "[x]",
        ] {
            check(bad, None);
        }
        for long in ["a ".repeat(100_000), format!("{}:25", "a".repeat(200_000))] {
            let reason = server(&long).expect_err("no host name");
            assert!(reason.len() < 200, "{reason}");
        }
    }

    #[test]
    fn a_pin_that_is_not_looked_at_is_a_warning() {
        let host = PlainHost::named("pve1");
        let pin = "ab".repeat(32);
        let pinned = section().public("tls-fingerprint", pin);
        assert!(config(&pinned).prepare(&host).is_empty());
        let faults = config(&pinned.public("mode", "insecure")).prepare(&host);
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "notifications.cfg:5:2: warning: smtp `relay`: property `tls-fingerprint`: not used, because `mode` is insecure"
            ]
        );
    }
}
