//! From the host name to a server that takes mail from us.

use std::net::{Ipv4Addr, SocketAddr};

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Noop, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension};
use lettre::transport::smtp::response::Severity;
use notify_core::{Failure, Host};
use notify_mail::mail_domain;
use tokio::net::{TcpStream, lookup_host};

use crate::answer::{Talk, Trouble};
use crate::config::{Config, Login, Mode};
use crate::request::Abilities;
use crate::socket::Socket;
use crate::wire::{Encrypted, Wire};

/// A server that waits for MAIL. Dropped, it is told so.
pub(crate) struct Connection {
    pub(crate) smtp: AsyncSmtpConnection,
    pub(crate) wire: Wire,
    /// Whether QUIT would be understood: not within a mail.
    pub(crate) polite: bool,
}

impl Connection {
    /// Connects, encrypts and logs in, as the section says.
    ///
    /// # Errors
    /// `Unavailable` when the server cannot be reached or does not want to now,
    /// `Rejected` when it does not want us, `Misconfigured` when it lacks what
    /// the section asks for or does not accept the login or we its certificate.
    pub(crate) async fn open(
        config: &Config,
        host: &dyn Host,
        talk: &Talk<'_>,
    ) -> Result<Self, Failure> {
        let stream = dial(config, talk).await?;
        let hello = hello(host, stream.local_addr());
        let peer = stream.peer_addr();
        let wire = match config.mode {
            Mode::Insecure | Mode::StartTls => Wire::plain(stream),
            Mode::Tls => Wire::encrypted(encrypted(config, stream, talk).await?, peer),
        };
        let mut connection = Connection::greeted(wire, &hello, talk).await?;
        if config.mode == Mode::StartTls {
            connection = connection.upgraded(config, &hello, talk).await?;
        }
        if let Some(login) = &config.login {
            connection.log_in(config, login, talk).await?;
        }
        Ok(connection)
    }

    /// Whether the server still listens. Asked before a kept connection is used again.
    pub(crate) async fn is_alive(&mut self, talk: &Talk<'_>) -> bool {
        let outcome = talk.step(self.smtp.command(Noop)).await;
        let answer = talk.judged(outcome, Severity::PositiveCompletion, &self.wire);
        answer.is_ok()
    }

    /// What the server can do with a mail.
    pub(crate) fn abilities(&self) -> Abilities {
        Abilities {
            smtputf8: self.offers(Extension::SmtpUtfEight),
            eight_bit: self.offers(Extension::EightBitMime),
            max_size: self.wire.size().and_then(|size| size.max),
        }
    }

    pub(crate) fn offers(&self, extension: Extension) -> bool {
        self.smtp.server_info().supports_feature(extension)
    }

    /// Greeting and EHLO.
    async fn greeted(wire: Wire, hello: &ClientId, talk: &Talk<'_>) -> Result<Self, Failure> {
        let stream = Box::new(wire.clone());
        let greeting = AsyncSmtpConnection::connect_with_transport(stream, hello);
        let step = "the connection and EHLO";
        match talk.steps(2, greeting).await {
            Some(Ok(smtp)) => Ok(Connection {
                smtp,
                wire,
                polite: true,
            }),
            Some(Err(error)) => Err(talk.failure(step, &talk.trouble(&error, &wire))),
            None => Err(talk.failure(step, &Trouble::Silent)),
        }
    }

    /// STARTTLS, which must succeed.
    ///
    /// Nothing of the plain conversation is kept (RFC 3207 4.2), neither what
    /// the server offered nor what it, or someone between, sent in advance:
    /// lettre's own upgrade keeps its read buffer.
    async fn upgraded(
        mut self,
        config: &Config,
        hello: &ClientId,
        talk: &Talk<'_>,
    ) -> Result<Self, Failure> {
        if !self.offers(Extension::StartTls) {
            return Err(Failure::misconfigured(format!(
                "{} does not offer STARTTLS",
                config.server
            )));
        }
        let outcome = talk.step(self.smtp.command(Starttls)).await;
        talk.judged(outcome, Severity::PositiveCompletion, &self.wire)
            .map_err(|trouble| talk.setup_failure("STARTTLS", &trouble))?;
        let stream = self.wire.take_plain();
        let stream = stream.expect("the wire was plain, and nobody else takes it");
        let peer = stream.peer_addr();
        let wire = Wire::upgraded(encrypted(config, stream, talk).await?, peer);
        Connection::greeted(wire, hello, talk).await
    }

    async fn log_in(
        &mut self,
        config: &Config,
        login: &Login,
        talk: &Talk<'_>,
    ) -> Result<(), Failure> {
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        let offered = self.smtp.server_info().get_auth_mechanism(&mechanisms);
        if offered.is_none() {
            return Err(Failure::misconfigured(no_login(config)));
        }
        let password = login.password.expose().to_owned();
        let credentials = Credentials::new(login.user.clone(), password);
        // LOGIN takes three.
        let outcome = talk
            .steps(3, self.smtp.auth(&mechanisms, &credentials))
            .await;
        talk.judged(outcome, Severity::PositiveCompletion, &self.wire)
            .map(drop)
            .map_err(|trouble| talk.setup_failure("the login", &trouble))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.polite && !self.wire.is_closed() {
            self.wire.say_in_passing(b"QUIT\r\n");
        }
    }
}

fn no_login(config: &Config) -> String {
    let when = match config.mode {
        Mode::Insecure => " without encryption",
        Mode::StartTls | Mode::Tls => "",
    };
    format!(
        "{} offers no login with PLAIN or LOGIN{when}",
        config.server
    )
}

/// The first address of the server that takes a connection.
async fn dial(config: &Config, talk: &Talk<'_>) -> Result<Socket, Failure> {
    let Config { server, port, .. } = config;
    let cannot = |what: &str, to: &dyn std::fmt::Display, why: Option<std::io::Error>| {
        let failure = Failure::unavailable(format!("cannot {what} {to}"));
        failure.caused_by(why.unwrap_or_else(|| std::io::ErrorKind::TimedOut.into()))
    };
    let addresses: Vec<SocketAddr> = match talk.step(lookup_host((server.as_str(), *port))).await {
        Some(Ok(addresses)) => addresses.collect(),
        Some(Err(error)) => return Err(cannot("find the address of", server, Some(error))),
        None => return Err(cannot("find the address of", server, None)),
    };
    let mut failure = Failure::unavailable(format!("there is no address of {server}"));
    for address in addresses {
        match talk.step(TcpStream::connect(address)).await {
            Some(Ok(stream)) => {
                // Otherwise the final dot waits for an acknowledgement, which
                // servers delay by 40 ms. Without it, it only takes longer.
                let _ = stream.set_nodelay(true);
                return Ok(Socket::new(stream));
            }
            Some(Err(error)) => failure = cannot("connect to", &address, Some(error)),
            None => failure = cannot("connect to", &address, None),
        }
    }
    Err(failure)
}

/// The TLS handshake. The certificate has been accepted when it returns.
async fn encrypted(
    config: &Config,
    stream: Socket,
    talk: &Talk<'_>,
) -> Result<impl Encrypted + use<>, Failure> {
    let handshake = notify_tls::connect(&config.tls, &config.server, stream);
    match talk.step(handshake).await {
        Some(stream) => stream.map_err(Failure::from),
        None => Err(Failure::unavailable(format!(
            "{} did not answer to the TLS handshake in time",
            config.server
        ))),
    }
}

/// How we call ourselves: by name, or by address where the name is no domain (RFC 5321 4.1.4).
fn hello(host: &dyn Host, local: Option<SocketAddr>) -> ClientId {
    match (mail_domain(host), local) {
        (Some(domain), _) => ClientId::Domain(domain),
        (None, Some(SocketAddr::V4(local))) => ClientId::Ipv4(*local.ip()),
        (None, Some(SocketAddr::V6(local))) => ClientId::Ipv6(*local.ip()),
        (None, None) => ClientId::Ipv4(Ipv4Addr::LOCALHOST),
    }
}
