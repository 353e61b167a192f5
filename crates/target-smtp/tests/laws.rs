//! The laws of every target, against an SMTP server and against what may stand in its place.

use std::net::SocketAddr;
use std::time::Instant;

use mail_parser::{MessageParser, MimeHeaders as _};
use notify_core::async_trait;
use notify_testkit::Section;
use notify_testkit::canary::PASSWORD;
use notify_testkit::laws::{
    self, Arrival, Nowhere, Peer, Probe, Situation, Stage, Staged, Unbuildable,
};
use notify_testkit::misbehaving::{self, Act};
use notify_testkit::smtp::{Mechanism, Message, Options, Server, Step};
use notify_testkit::tls::Authority;
use target_smtp::SMTP;

const NO_DELAY: &str = "SMTP has no way to name a delay";
const NO_PROXY: &str = "SMTP does not go through an HTTP proxy";

#[tokio::test]
async fn smtp_obeys_the_laws() {
    let report = laws::check(&SMTP, &Servers).await;
    let declared = [
        format!("TryLaterAfter(77s): {NO_DELAY}"),
        format!("BehindProxy: {NO_PROXY}"),
    ];
    assert_eq!(report.declared, declared);
}

struct Servers;

#[async_trait]
impl Peer for Servers {
    async fn stage(&self, situation: Situation) -> Staged {
        match situation {
            Situation::TryLaterAfter(_) => Staged::Declared(NO_DELAY),
            Situation::BehindProxy => Staged::Declared(NO_PROXY),
            Situation::Accepts => taking(options()),
            Situation::RefusesForGood => {
                taking(options().at(Step::Mail, (550, "5.7.1 no. Never.")))
            }
            Situation::RefusesOneRecipient => {
                taking(options().to_recipient("b@example.com", (550, "5.1.1 unknown")))
            }
            Situation::BadCredentials => {
                taking(Options::plain().auth(&[Mechanism::Plain], "pve1", "another"))
            }
            Situation::TryLater => taking(options().at(Step::Rcpt, (451, "4.7.1 greylisted"))),
            Situation::SilentBeforeSending => taking(options().at(Step::Data, Act::Hang)),
            Situation::SilentAfterSending => taking(options().at(Step::EndOfData, Act::Hang)),
            Situation::DroppedBeforeSending => taking(options().at(Step::Data, Act::Close)),
            Situation::DroppedAfterSending => taking(options().at(Step::EndOfData, Act::Reset)),
            Situation::QuotesSecrets => taking(options().at(Step::Mail, (554, quotes().as_str()))),
            Situation::Untrusted => untrusted(),
            Situation::NotReached => Stage::new(section(misbehaving::refusing()), Nowhere).into(),
            Situation::Garbage => odd(misbehaving::garbage()),
            Situation::Endless => odd(vec![Act::Flood(b"220-hello, hello ".to_vec(), 1 << 40)]),
            other => panic!("{other} is not known"),
        }
    }

    fn unbuildable(&self) -> Vec<Unbuildable> {
        let section = section(misbehaving::refusing()).without("password");
        vec![Unbuildable {
            section,
            properties: vec!["username"],
        }]
    }
}

fn options() -> Options {
    Options::plain().auth(&[Mechanism::Plain], "pve1", PASSWORD)
}

fn section(addr: SocketAddr) -> Section {
    Section::new("relay")
        .public("server", addr.ip().to_string())
        .public("port", addr.port().to_string())
        .public("mode", "insecure")
        .public("from-address", "pve1@example.com")
        .public("mailto", "a@example.com")
        .public("mailto", "b@example.com")
        .public("username", "pve1")
        .secret("password", PASSWORD)
}

/// As a server that writes what it got into its answers.
fn quotes() -> String {
    use base64::Engine as _;
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let forms = [
        PASSWORD.to_owned(),
        base64(PASSWORD),
        format!("AUTH PLAIN {}", base64(&format!("\0pve1\0{PASSWORD}"))),
        format!("{PASSWORD:?}").replace("\\'", "'"),
    ];
    forms.join(" or ")
}

fn taking(options: Options) -> Staged {
    let server = Server::start(options);
    Stage::new(section(server.addr()), Taken(server, None)).into()
}

/// The section trusts one authority, the server's certificate is of another.
fn untrusted() -> Staged {
    let (ours, other) = (Authority::new(), Authority::new());
    let options = Options::implicit_tls(other.localhost());
    let server = Server::start(options.auth(&[Mechanism::Plain], "pve1", PASSWORD));
    let path = ours.pem_file().display().to_string();
    let section = section(server.addr())
        .without("mode")
        .public("ca-file", path);
    Stage::new(section, Taken(server, Some(ours))).into()
}

fn odd(acts: Vec<Act>) -> Staged {
    let server = misbehaving::Server::start(acts);
    Stage::new(section(server.addr()), Odd(server)).into()
}

/// What a server took. The file that the section names lives as long as its authority.
struct Taken(
    Server,
    #[expect(dead_code, reason = "it only has to live")] Option<Authority>,
);

#[async_trait]
impl Probe for Taken {
    async fn arrivals(&self, count: usize, deadline: Instant) -> Vec<Arrival> {
        let messages = self.0.received().wait_for(count, deadline).await;
        assert_eq!(self.0.violations(), [""; 0]);
        messages.iter().map(arrival).collect()
    }

    async fn attachments(&self) -> Vec<(String, Vec<u8>)> {
        let messages = self.0.received().wait_for(1, Instant::now()).await;
        let message = &messages.last().expect("something arrived").data;
        let mail = MessageParser::new().parse(message).expect("it is a mail");
        let file = |part: &mail_parser::MessagePart<'_>| {
            let name = part.attachment_name().unwrap_or_default();
            (name.to_owned(), part.contents().to_vec())
        };
        mail.attachments().map(file).collect()
    }

    fn contacts(&self) -> Option<usize> {
        Some(self.0.connections())
    }
}

fn arrival(message: &Message) -> Arrival {
    let mail = MessageParser::new()
        .parse(&message.data)
        .expect("it is a mail");
    Arrival {
        subject: mail.subject().unwrap_or_default().to_owned(),
        text: mail.body_text(0).unwrap_or_default().into_owned(),
        headers: mail
            .headers_raw()
            .map(|(name, _)| name.to_owned())
            .collect(),
        recipients: message.recipients.clone(),
        key: mail.message_id().map(str::to_owned),
    }
}

/// A server that takes nothing.
struct Odd(misbehaving::Server);

#[async_trait]
impl Probe for Odd {
    async fn arrivals(&self, _: usize, _: Instant) -> Vec<Arrival> {
        Vec::new()
    }

    fn contacts(&self) -> Option<usize> {
        Some(self.0.connections())
    }
}
