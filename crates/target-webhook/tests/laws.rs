//! The laws of every target, against a service that takes JSON and against what may stand in its place.
//!
//! The section has a secret in the path and in the query of its URL, in a header and in the body.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::{PlainHost, async_trait};
use notify_testkit::canary::{PASSWORD, TOKEN};
use notify_testkit::http::{Answer, Request, Response};
use notify_testkit::laws::{
    self, Arrival, Nowhere, Peer, Probe, Situation, Stage, Staged, Unbuildable,
};
use notify_testkit::misbehaving::{self, Act};
use notify_testkit::tls::Authority;
use notify_testkit::{Section, http};
use target_webhook::WEBHOOK;

/// A secret that a header can carry, and that betrays itself wherever it is written.
const KEY: &str = "A.Rv4JbNy2Hd8P-+/\"\\={}";

const BODY: &str = r#"{"title":"{{ escape title }}","message":{{ json message }},"token":{{ json secrets.token }}}"#;

#[tokio::test]
async fn webhook_obeys_the_laws() {
    let report = laws::check(&WEBHOOK, &Services).await;
    let declared = ["RefusesOneRecipient: a request goes to a service, not to recipients"];
    assert_eq!(report.declared, declared);
}

struct Services;

#[async_trait]
impl Peer for Services {
    async fn stage(&self, situation: Situation) -> Staged {
        match situation {
            Situation::RefusesOneRecipient => {
                Staged::Declared("a request goes to a service, not to recipients")
            }
            Situation::Accepts => taking(KEY),
            Situation::BadCredentials => taking("another"),
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
        let case = |section: Section, properties: &[&'static str]| Unbuildable {
            section,
            properties: properties.to_vec(),
        };
        let broken = Section::new("bad")
            .public("method", "post")
            .public("url", "https://chat.example.com:99999/{{ nohelper title }}")
            .public("header", pair("X Y", "a"))
            .public("header", pair("X-Z", "{{#if title}}"))
            .public("body", "not base64")
            .secret("secret", "name=token,value=Rv4JbNy2Hd8P!");
        let binary = Section::new("bad")
            .public("method", "post")
            .public("url", "https://chat.example.com")
            .public("body", STANDARD.encode([0xff, 0xfe]))
            .secret(
                "secret",
                format!("name=token,value={}", STANDARD.encode([0xff])),
            );
        vec![
            case(broken, &["url", "header", "X Y", "X-Z", "body", "secret"]),
            case(binary, &["body", "secret"]),
        ]
    }
}

/// What a service that takes nothing answers.
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

/// All that the request holds, as it came, as JSON, as JSON in JSON and as HTML.
fn quotes(request: &Request) -> String {
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value} {value:?}"))
        .collect();
    let html = TOKEN.replace('"', "&quot;").replace('/', "&#x2F;");
    let (target, body) = (&request.target, request.text());
    format!("{target} {html} {body} {body:?} {}", headers.join("; "))
}

fn pair(name: &str, text: &str) -> String {
    format!("name={name},value={}", STANDARD.encode(text))
}

fn section(server: &str) -> Section {
    // The path is escaped by the URL parser alone, the query by the template too.
    let url = format!(
        "{server}/{{{{ secrets.path }}}}?t={{{{ url-encode title }}}}&s={{{{ url-encode secrets.token }}}}"
    );
    Section::new("chat")
        .public("method", "post")
        .public("url", url)
        .public("header", pair("Content-Type", "application/json"))
        .public("header", pair("X-Key", "Key {{ secrets.key }}"))
        .public("body", STANDARD.encode(BODY))
        .secret("secret", pair("key", KEY))
        .secret("secret", pair("path", PASSWORD))
        .secret("secret", pair("token", TOKEN))
}

/// Takes what comes with this key.
fn taking(key: &str) -> Staged {
    let expected = format!("Key {key}");
    let trusts = move |request: &Request| request.header("x-key") == Some(expected.as_str());
    let server = http::Server::start({
        let trusts = trusts.clone();
        move |request| take(&trusts, request)
    });
    let taken = Taken {
        trusts: Box::new(trusts),
        ..Taken::by(server)
    };
    Stage::new(section(&taken.server.url()), taken).into()
}

/// Takes a request that holds every secret where it belongs, and quotes what it refuses.
fn take(trusts: &impl Fn(&Request) -> bool, request: &Request) -> Answer {
    if !trusts(request) {
        return Response::new(401).body(quotes(request)).into();
    }
    let token = request.json().map(|json| json["token"] == TOKEN);
    Response::new(if token.is_ok_and(|whole| whole) {
        200
    } else {
        400
    })
    .into()
}

fn answering(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Staged {
    let taken = Taken::by(http::Server::start(answer));
    Stage::new(section(&taken.server.url()), taken).into()
}

/// The name cannot be resolved: only the proxy, which is the service itself here, answers for it.
fn behind_proxy() -> Staged {
    let server = http::Server::start(|request| take(&|_: &Request| true, request));
    let host = PlainHost {
        http_proxy: Some(format!("http://me:Rv4JbNy2Hd8P@{}", server.addr())),
        ..PlainHost::named("pve1")
    };
    Stage::new(section("http://chat.invalid"), Taken::by(server))
        .on(host)
        .into()
}

/// The section trusts one authority, the server's certificate is of another.
fn untrusted() -> Staged {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = http::Server::start_tls(other.localhost(), |_| Response::new(200).into());
    let path = ours
        .pem_file()
        .to_str()
        .expect("temporary folders are UTF-8");
    let section = section(&server.url()).public("ca-file", path);
    let taken = Taken {
        authority: Some(ours),
        ..Taken::by(server)
    };
    Stage::new(section, taken).into()
}

/// With `http`, a connection is a request; with `https` there is something before it.
fn in_the_handshake(acts: Vec<Act>) -> Staged {
    let server = misbehaving::Server::start(acts);
    let section =
        section(&format!("https://{}", server.addr())).public("tls-fingerprint", "ab".repeat(32));
    Stage::new(section, Silent(server)).into()
}

/// What came whole from who is trusted, whatever was answered.
struct Taken {
    server: http::Server,
    trusts: Box<dyn Fn(&Request) -> bool + Send + Sync>,
    /// The file that the section names lives as long as its authority.
    #[expect(dead_code, reason = "it only has to live")]
    authority: Option<Authority>,
}

impl Taken {
    fn by(server: http::Server) -> Self {
        Taken {
            server,
            trusts: Box::new(|_| true),
            authority: None,
        }
    }
}

#[async_trait]
impl Probe for Taken {
    async fn arrivals(&self, count: usize, deadline: Instant) -> Vec<Arrival> {
        let requests = self.server.wait_for(count, deadline).await;
        assert_eq!(self.server.violations(), [""; 0]);
        let trusted = requests.iter().filter(|request| (self.trusts)(request));
        trusted.map(read).collect()
    }

    fn contacts(&self) -> Option<usize> {
        Some(self.server.connections())
    }

    fn through_proxy(&self) -> usize {
        let requests = self.server.requests();
        let through = requests.iter().filter(|request| request.is_absolute_form());
        through.count()
    }
}

fn read(request: &Request) -> Arrival {
    let json = request.json().expect("the body is JSON");
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    Arrival {
        subject: text("title"),
        text: text("message"),
        headers: request
            .headers
            .iter()
            .map(|(name, _)| name.clone())
            .collect(),
        recipients: Vec::new(),
        key: request.header("idempotency-key").map(str::to_owned),
    }
}

/// Nobody who could read a message.
struct Silent(#[expect(dead_code, reason = "it ends when it is dropped")] misbehaving::Server);

#[async_trait]
impl Probe for Silent {
    async fn arrivals(&self, _: usize, _: Instant) -> Vec<Arrival> {
        Vec::new()
    }
}
