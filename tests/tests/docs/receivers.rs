//! The receivers that the pages speak of, on loopback.

use notify_testkit::{gotify, smtp, tls};
use notify_tests::{Notify, Sendmail};

// The names that the pages use. Other servers and credentials reach nobody.
const MAIL_SERVER: &str = "mail.example.com";
const SUBMISSION_PORT: u16 = 587;
const PUSH_SERVER: &str = "https://gotify.example.com";
const TOKEN: &str = "AbCdEf.123456";
const USER: &str = "pve1";
const PASSWORD: &str = "somepassword";

/// A Gotify server, a mail server with STARTTLS and login, and a recorder in place of `sendmail`.
pub(crate) struct Receivers {
    authority: tls::Authority,
    push: gotify::Server,
    relay: smtp::Server,
    sendmail: Sendmail,
}

/// What arrived while a page was run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// At the Gotify server.
    pub(crate) messages: usize,
    /// At the mail server.
    pub(crate) mails: usize,
    /// Through `sendmail`.
    pub(crate) local_mails: usize,
}

impl Receivers {
    pub(crate) fn start() -> Self {
        let authority = tls::Authority::new();
        let push = gotify::Options::token(TOKEN).tls(authority.localhost());
        let relay = smtp::Options::starttls(authority.localhost());
        let login = [smtp::Mechanism::Plain];
        Receivers {
            push: gotify::Server::start(push),
            relay: smtp::Server::start(relay.auth(&login, USER, PASSWORD)),
            sendmail: Sendmail::taking(),
            authority,
        }
    }

    /// An instance that trusts them.
    pub(crate) fn installed(&self, notify: Notify) -> Notify {
        self.sendmail
            .installed(notify)
            .variable("SSL_CERT_FILE", self.authority.pem_file())
    }

    /// A text of a page with the addresses of these receivers.
    pub(crate) fn on_loopback(&self, text: &str) -> String {
        // A page may leave the port to the mode; loopback needs one.
        let mode = "\n\tmode starttls";
        let by_mode = format!("server {MAIL_SERVER}{mode}");
        let by_port = format!("server {MAIL_SERVER}\n\tport {SUBMISSION_PORT}{mode}");
        text.replace(&by_mode, &by_port)
            .replace(MAIL_SERVER, "localhost")
            .replace(
                &format!("port {SUBMISSION_PORT}"),
                &format!("port {}", self.relay.port()),
            )
            .replace(PUSH_SERVER, &self.push.url())
    }

    /// What the program prints, with the addresses of the page.
    pub(crate) fn as_documented(&self, text: &str) -> String {
        text.replace(
            &format!("port {}\n", self.relay.port()),
            &format!("port {SUBMISSION_PORT}\n"),
        )
        .replace("server localhost\n", &format!("server {MAIL_SERVER}\n"))
        .replace(&self.push.url(), PUSH_SERVER)
    }

    pub(crate) fn arrived(&self) -> Arrived {
        let mails = self.relay.messages();
        Arrived {
            messages: self.push.messages().len(),
            mails: mails.iter().filter(|mail| mail.accepted).count(),
            local_mails: self.sendmail.calls().len(),
        }
    }
}
