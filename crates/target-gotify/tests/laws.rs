//! The laws of every target, against a Gotify server and against what may stand in its place.

use std::time::Instant;

use notify_core::{PlainHost, async_trait};
use notify_testkit::http::{Answer, Request, Response};
use notify_testkit::laws::{
    self, Arrival, Nowhere, Peer, Probe, Situation, Stage, Staged, Unbuildable,
};
use notify_testkit::misbehaving::{self, Act};
use notify_testkit::tls::Authority;
use notify_testkit::{Section, gotify, http};
use target_gotify::GOTIFY;

/// A token that betrays itself wherever it is written.
const TOKEN: &str = "A.Rv4JbNy2Hd8P-+/\"\\=";

#[tokio::test]
async fn gotify_obeys_the_laws() {
    let report = laws::check(&GOTIFY, &Servers).await;
    let declared = ["RefusesOneRecipient: a message goes to an application, not to recipients"];
    assert_eq!(report.declared, declared);
}

struct Servers;

#[async_trait]
impl Peer for Servers {
    async fn stage(&self, situation: Situation) -> Staged {
        match situation {
            Situation::RefusesOneRecipient => {
                Staged::Declared("a message goes to an application, not to recipients")
            }
            Situation::Accepts => taking(gotify::Options::token(TOKEN)),
            Situation::BadCredentials => taking(gotify::Options::token("another")),
            Situation::BehindProxy => behind_proxy(),
            Situation::Untrusted => untrusted(),
            Situation::NotReached => {
                let url = format!("http://{}", misbehaving::refusing());
                Stage::new(section(&url), Nowhere).into()
            }
            Situation::SilentBeforeSending => in_the_handshake(misbehaving::silent()),
            Situation::DroppedBeforeSending => in_the_handshake(misbehaving::closes()),
            other => answering(move |request| answer(other, request)),
        }
    }

    fn unbuildable(&self) -> Vec<Unbuildable> {
        let case = |server: &str, token: &str, properties: &[&'static str]| Unbuildable {
            section: Section::new("bad")
                .public("server", server)
                .secret("token", token),
            properties: properties.to_vec(),
        };
        vec![
            case("gotify.example.com", "", &["server", "token"]),
            case(
                "ftp://gotify.example.com",
                "tökén Rv4JbNy2Hd8P",
                &["server", "token"],
            ),
            case(
                "https://u:Rv4JbNy2Hd8P@gotify.example.com",
                TOKEN,
                &["server"],
            ),
            case("https://gotify.example.com/?token=x", TOKEN, &["server"]),
        ]
    }
}

/// What a server in Gotify's place answers.
fn answer(situation: Situation, request: &Request) -> Answer {
    match situation {
        Situation::RefusesForGood => Response::new(400).body("no. Never.").into(),
        Situation::TryLater => Response::new(503).into(),
        Situation::TryLaterAfter(delay) => {
            let seconds = delay.as_secs().to_string();
            Response::new(429).header("Retry-After", &seconds).into()
        }
        Situation::SilentAfterSending => Act::Hang.into(),
        Situation::DroppedAfterSending => Act::Close.into(),
        Situation::Garbage => misbehaving::garbage().into(),
        Situation::Endless => vec![
            Act::send("HTTP/1.1 200 OK\r\n\r\n"),
            Act::Flood(vec![b'{'; 4096], 1 << 40),
        ]
        .into(),
        Situation::QuotesSecrets => Response::new(400).body(quotes(request)).into(),
        other => panic!("{other} is staged elsewhere"),
    }
}

/// All that the request holds, as it came and as JSON in JSON.
fn quotes(request: &Request) -> String {
    let plain = format!("{:?} {TOKEN} Bearer {TOKEN}", request.headers.len());
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value} {value:?}"))
        .collect();
    format!("{plain} {}", headers.join("; "))
}

fn section(server: &str) -> Section {
    Section::new("push")
        .public("server", server)
        .secret("token", TOKEN)
}

fn taking(options: gotify::Options) -> Staged {
    let server = gotify::Server::start(options);
    Stage::new(section(&server.url()), Taken(server, None)).into()
}

fn answering(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Staged {
    let server = http::Server::start(answer);
    Stage::new(section(&server.url()), Seen(server)).into()
}

/// The name cannot be resolved: only the proxy, which is Gotify itself here, answers for it.
fn behind_proxy() -> Staged {
    let server = gotify::Server::start(gotify::Options::token(TOKEN));
    let host = PlainHost {
        http_proxy: Some(format!("http://me:Rv4JbNy2Hd8P@{}", server.addr())),
        ..PlainHost::named("pve1")
    };
    Stage::new(section("http://gotify.invalid"), Taken(server, None))
        .on(host)
        .into()
}

/// The section trusts one authority, the server's certificate is of another.
fn untrusted() -> Staged {
    let (ours, other) = (Authority::new(), Authority::new());
    let options = gotify::Options::token(TOKEN).tls(other.localhost());
    let server = gotify::Server::start(options);
    let path = ours
        .pem_file()
        .to_str()
        .expect("temporary folders are UTF-8");
    let section = section(&server.url()).public("ca-file", path);
    Stage::new(section, Taken(server, Some(ours))).into()
}

/// With `http`, a connection is a request; with `https` there is something before it.
fn in_the_handshake(acts: Vec<Act>) -> Staged {
    let server = misbehaving::Server::start(acts);
    let section =
        section(&format!("https://{}", server.addr())).public("tls-fingerprint", "ab".repeat(32));
    Stage::new(section, Silent(server)).into()
}

fn arrival(request: &Request, title: &str, message: &str) -> Arrival {
    Arrival {
        subject: title.to_owned(),
        text: message.to_owned(),
        headers: request
            .headers
            .iter()
            .map(|(name, _)| name.clone())
            .collect(),
        recipients: Vec::new(),
        key: request.header("idempotency-key").map(str::to_owned),
    }
}

/// What Gotify took. The file that the section names lives as long as its authority.
struct Taken(
    gotify::Server,
    #[expect(dead_code, reason = "it only has to live")] Option<Authority>,
);

#[async_trait]
impl Probe for Taken {
    async fn arrivals(&self, count: usize, deadline: Instant) -> Vec<Arrival> {
        let messages = self.0.wait_for(count, deadline).await;
        assert_eq!(self.0.http().violations(), [""; 0]);
        messages
            .iter()
            .map(|taken| arrival(&taken.request, &taken.title, &taken.message))
            .collect()
    }

    fn contacts(&self) -> Option<usize> {
        Some(self.0.http().connections())
    }

    fn through_proxy(&self) -> usize {
        let requests = self.0.http().requests();
        let through = requests.iter().filter(|request| request.is_absolute_form());
        through.count()
    }
}

/// What came whole, whatever was answered.
struct Seen(http::Server);

#[async_trait]
impl Probe for Seen {
    async fn arrivals(&self, count: usize, deadline: Instant) -> Vec<Arrival> {
        let requests = self.0.wait_for(count, deadline).await;
        requests.iter().map(read).collect()
    }
}

fn read(request: &Request) -> Arrival {
    let json = request.json().expect("a message is JSON");
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    arrival(request, &text("title"), &text("message"))
}

/// Nobody who could read a message.
struct Silent(#[expect(dead_code, reason = "it ends when it is dropped")] misbehaving::Server);

#[async_trait]
impl Probe for Silent {
    async fn arrivals(&self, _: usize, _: Instant) -> Vec<Arrival> {
        Vec::new()
    }
}
