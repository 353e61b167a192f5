//! The laws against targets whose behaviour is known: a good one breaks none,
//! each lying one breaks the law that it should.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot talk to its server has failed"
)]

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify_core::{
    Attempt, Failure, Limit, Limits, Notification, Receipt, Target, TargetType, Unit, async_trait,
};
use notify_schema::{Fault, Fields, Kind, Property, Secret, redacted};
use notify_testkit::Section;
use notify_testkit::canary::TOKEN;
use notify_testkit::http::{Answer, Request, Response, Server};
use notify_testkit::laws::{
    self, Arrival, Nowhere, Peer, Probe, Situation, Stage, Staged, Unbuildable,
};
use notify_testkit::misbehaving::{self, Act};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

static ADDRESS: Property =
    Property::required("address", Kind::text(), "Where it goes.").example("127.0.0.1:80");
static TOKEN_PROPERTY: Property =
    Property::required("token", Kind::text(), "What opens the door.").secret();

/// How a target departs from what is right.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    None,
    AlwaysDelivered,
    SendsTwice,
    Leaks,
    PastesHeaders,
    PastesFields,
    CutsShort,
    IgnoresDeadline,
    CallsAllUnavailable,
}

/// A small HTTP client: `POST /` with a title in a header, the text as body.
#[derive(Debug)]
struct Small {
    address: String,
    token: Secret,
    lie: Lie,
}

impl Small {
    /// The request; a header must not hold a line break.
    fn request(
        &self,
        notification: &Notification,
        attempt: &Attempt<'_>,
    ) -> Result<String, Failure> {
        let (subject, mut text) = (attempt.message.subject()?, attempt.message.text()?);
        if self.lie == Lie::CutsShort {
            text = text.chars().take(90).collect();
        }
        let kind = &notification.fields["type"];
        let kind = match self.lie {
            Lie::PastesFields => kind.clone(),
            _ => serde_json::to_string(kind).unwrap(),
        };
        let subject = match self.lie {
            Lie::PastesHeaders => subject.into_owned(),
            _ => serde_json::to_string(&subject).unwrap(),
        };
        let (key, token) = (attempt.key, self.token.expose());
        let length = text.len();
        Ok(format!(
            "POST / HTTP/1.1\r\nHost: x\r\nX-Title: {subject}\r\nX-Type: {kind}\r\n\
             X-Key: {key}\r\nX-Token: {token}\r\n\
             Connection: close\r\nContent-Length: {length}\r\n\r\n{text}"
        ))
    }

    async fn speak(&self, request: &str) -> Result<Receipt, Failure> {
        let mut stream = TcpStream::connect(&self.address)
            .await
            .map_err(|error| Failure::unavailable("connect").caused_by(error))?;
        let written = stream.write_all(request.as_bytes()).await;
        written.map_err(|error| Failure::unavailable("send").caused_by(error))?;
        let mut answer = Vec::new();
        let mut part = [0; 1024];
        while answer.len() < 4096 {
            match stream.read(&mut part).await {
                Ok(0) => break,
                Ok(count) => answer.extend_from_slice(&part[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => return Err(Failure::uncertain("read").caused_by(error)),
            }
        }
        self.verdict(&String::from_utf8_lossy(&answer))
    }

    fn verdict(&self, answer: &str) -> Result<Receipt, Failure> {
        let status = answer
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3));
        let said = answer
            .split("\r\n\r\n")
            .nth(1)
            .unwrap_or_default()
            .to_owned();
        let said = match self.lie {
            Lie::Leaks => said,
            _ => redacted(&said, [&self.token]).into_owned(),
        };
        Err(match status {
            Some("200") => return Ok(Receipt::with_reference("200")),
            _ if self.lie == Lie::CallsAllUnavailable => Failure::unavailable("no"),
            Some("401") => Failure::misconfigured("bad token"),
            Some("503") => match answer.split("Retry-After: ").nth(1) {
                Some(_) => Failure::unavailable("busy").retry_after(Duration::from_secs(77)),
                None => Failure::unavailable("busy"),
            },
            Some(status) => Failure::rejected(format!("status {status}: {said}")),
            None => Failure::uncertain("no answer"),
        })
    }
}

#[async_trait]
impl Target for Small {
    fn limits(&self) -> Limits {
        match self.lie {
            Lie::CutsShort => Limits {
                title: Some(Limit::new(8, Unit::Bytes)),
                body: Some(Limit::new(100, Unit::Characters)),
            },
            _ => Limits {
                title: Some(Limit::new(1024, Unit::Bytes)),
                body: Some(Limit::new(4096, Unit::Utf16)),
            },
        }
    }

    async fn deliver(
        &self,
        notification: &Notification,
        attempt: &Attempt<'_>,
    ) -> Result<Receipt, Failure> {
        if self.lie == Lie::AlwaysDelivered {
            return Ok(Receipt::default());
        }
        let left = match self.lie {
            Lie::IgnoresDeadline => Duration::from_secs(7),
            _ => attempt.time_left(Instant::now()),
        };
        if left.is_zero() {
            return Err(Failure::unavailable("no time left"));
        }
        let request = self.request(notification, attempt)?;
        let sending = async {
            if self.lie == Lie::SendsTwice {
                self.speak(&request).await?;
            }
            self.speak(&request).await
        };
        tokio::time::timeout(left, sending)
            .await
            .unwrap_or_else(|_| Err(Failure::uncertain("no answer in time")))
    }
}

fn build(fields: &Fields, lie: Lie) -> Result<Arc<dyn Target>, Vec<Fault>> {
    let address = fields.text("address").unwrap().to_owned();
    if !address.contains(':') {
        return Err(vec![fields.fault("address", "no port")]);
    }
    let token = fields.secret("token").unwrap().clone();
    Ok(Arc::new(Small {
        address,
        token,
        lie,
    }))
}

const MANUAL: &str = "\
# small

`address` and `token`.
A title has at most 1024 bytes, a text 4,096 UTF-16 units.

## What it cannot do

The fake looks at no token, and this client
is too small for it.
";

macro_rules! small {
    ($name:ident, $lie:expr) => {
        static $name: TargetType = TargetType::new("small", "Small", |fields| build(fields, $lie))
            .properties(&[&ADDRESS, &TOKEN_PROPERTY])
            .manual(MANUAL);
    };
}
small!(GOOD, Lie::None);
small!(ALWAYS, Lie::AlwaysDelivered);
small!(TWICE, Lie::SendsTwice);
small!(LEAKY, Lie::Leaks);
small!(PASTING, Lie::PastesHeaders);
small!(PASTING_FIELDS, Lie::PastesFields);
small!(SHORT, Lie::CutsShort);
small!(LATE, Lie::IgnoresDeadline);
small!(VAGUE, Lie::CallsAllUnavailable);

static UNTIDY_PROPERTY: Property =
    Property::optional("Help", Kind::PORT, "no sentence").example("70000");
static UNTIDY: TargetType = TargetType::new("untidy", "Untidy", |_| Err(Vec::new()))
    .properties(&[&UNTIDY_PROPERTY, &UNTIDY_PROPERTY]);

struct HttpPeer;

struct HttpProbe(Server);

#[async_trait]
impl Probe for HttpProbe {
    async fn arrivals(&self, count: usize, deadline: Instant) -> Vec<Arrival> {
        self.0
            .wait_for(count, deadline)
            .await
            .iter()
            .map(arrival)
            .collect()
    }

    fn contacts(&self) -> Option<usize> {
        Some(self.0.connections())
    }
}

fn arrival(request: &Request) -> Arrival {
    let title = request.header("x-title").unwrap_or_default();
    Arrival {
        subject: serde_json::from_str(title).unwrap_or_else(|_| title.to_owned()),
        text: request.text(),
        headers: request
            .headers
            .iter()
            .map(|(name, _)| name.clone())
            .collect(),
        recipients: Vec::new(),
        key: request.header("x-key").map(str::to_owned),
    }
}

fn answers(answer: impl Into<Answer>) -> Staged {
    let server = Server::scripted([answer.into()]);
    let section = section(&server.addr().to_string());
    Stage::new(section, HttpProbe(server)).into()
}

fn section(address: &str) -> Section {
    Section::new("ops")
        .public("address", address)
        .secret("token", TOKEN)
}

#[async_trait]
impl Peer for HttpPeer {
    async fn stage(&self, situation: Situation) -> Staged {
        match situation {
            Situation::Accepts => answers(Response::new(200)),
            Situation::RefusesForGood => answers(Response::new(422)),
            Situation::BadCredentials => Staged::Declared("the fake looks at no token"),
            Situation::TryLater => answers(Response::new(503)),
            Situation::TryLaterAfter(delay) => {
                let seconds = delay.as_secs().to_string();
                answers(Response::new(503).header("Retry-After", &seconds))
            }
            Situation::NotReached => {
                Stage::new(section(&misbehaving::refusing().to_string()), Nowhere).into()
            }
            Situation::SilentAfterSending => answers(Act::Hang),
            Situation::DroppedAfterSending => answers(Act::Close),
            Situation::Garbage => answers(Act::send("%%%\r\n")),
            Situation::Endless => answers(Act::Flood(vec![b'x'; 1000], 1_000_000)),
            Situation::QuotesSecrets => answers(Response::new(422).body(json!(TOKEN).to_string())),
            _ => Staged::Declared("this client is too small for it"),
        }
    }

    fn unbuildable(&self) -> Vec<Unbuildable> {
        let section = section("nowhere");
        vec![Unbuildable {
            section,
            properties: vec!["address"],
        }]
    }
}

/// The laws that a type breaks, without what was seen, each once.
async fn check(kind: &'static TargetType) -> Vec<String> {
    let report = laws::examine(kind, &HttpPeer).await;
    let mut laws: Vec<String> = report
        .violations
        .iter()
        .map(|line| line.split(": ").next().unwrap().to_owned())
        .collect();
    laws.dedup();
    for line in &report.violations {
        notify_testkit::canary::assert_no_canary(line);
    }
    laws
}

#[tokio::test]
async fn a_good_target_breaks_no_law() {
    let report = laws::check(&GOOD, &HttpPeer).await;
    assert_eq!(report.arranged.len(), 10, "{:?}", report.arranged);
    assert_eq!(report.declared.len(), 6, "{:?}", report.declared);
}

#[tokio::test]
async fn a_target_that_always_says_delivered_is_caught() {
    let laws = check(&ALWAYS).await;
    for law in [
        "delivered means that it arrived once",
        "deliveries at the same time all arrive",
        "a failure is of its kind",
        "the delay that was asked for is passed on",
        "silence after the message is uncertain",
        "nothing is sent after the deadline",
        "hostile texts arrive as one message",
        "the mail of another program arrives once",
    ] {
        assert!(
            laws.iter().any(|broken| broken == law),
            "{law} is not among {laws:?}"
        );
    }
}

#[tokio::test]
async fn other_lies_are_caught_too() {
    assert_eq!(check(&LEAKY).await, ["no secret in any text"]);
    assert!(
        check(&TWICE)
            .await
            .contains(&"delivered means that it arrived once".to_owned())
    );
    assert!(
        check(&PASTING)
            .await
            .contains(&"a text adds no header".to_owned())
    );
    assert!(
        check(&PASTING_FIELDS)
            .await
            .contains(&"a text adds no header".to_owned())
    );
    assert_eq!(
        check(&SHORT).await,
        [
            "a limit leaves room for a word",
            "a manual names the limits",
            "a text as long as the limit arrives whole",
            "a text arrives to its end",
        ]
    );
    assert!(
        check(&VAGUE)
            .await
            .contains(&"a failure is of its kind".to_owned())
    );
    assert!(
        check(&LATE)
            .await
            .contains(&"an attempt ends before its deadline".to_owned())
    );
}

#[tokio::test]
async fn an_untidy_description_is_caught() {
    let laws = check(&UNTIDY).await;
    for law in [
        "a property obeys its laws",
        "a manual begins with its title",
        "a manual names every property",
        "a manual says what the transport cannot do",
    ] {
        assert!(
            laws.iter().any(|broken| broken == law),
            "{law} is not among {laws:?}"
        );
    }
}

#[tokio::test]
#[should_panic(expected = "target type `small` breaks ")]
async fn a_broken_law_fails_the_test() {
    laws::check(&ALWAYS, &HttpPeer).await;
}
