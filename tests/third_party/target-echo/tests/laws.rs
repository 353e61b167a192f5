//! The laws of targets, with a small server that can be put into any situation.

use std::future;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use notify_core::async_trait;
use notify_testkit::laws::{
    self, Arrival, Nowhere, Peer, Probe, Situation, Stage, Staged, Unbuildable,
};
use notify_testkit::{Record, Section, canary};
use serde_json::Value;
use target_echo::ECHO;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

#[tokio::test]
async fn echo_obeys_the_laws() {
    let report = laws::check(&ECHO, &Wall).await;
    assert_eq!(report.arranged.len(), 13, "{:?}", report.arranged);
    assert_eq!(report.declared.len(), 3, "{:?}", report.declared);
}

struct Wall;

#[async_trait]
impl Peer for Wall {
    async fn stage(&self, situation: Situation) -> Staged {
        match situation {
            Situation::RefusesOneRecipient => Staged::Declared("a wall has no recipients"),
            Situation::Untrusted | Situation::BehindProxy => {
                Staged::Declared("a socket is on this machine")
            }
            Situation::NotReached => Stage::new(section(Path::new("/nowhere")), Nowhere).into(),
            _ => {
                let server = Server::start(situation);
                Stage::new(section(&server.folder.path().join("echo")), server).into()
            }
        }
    }

    fn unbuildable(&self) -> Vec<Unbuildable> {
        let section = Section::new("bad").public("socket", "run/echo");
        vec![Unbuildable {
            section: section.secret("token", "change-me"),
            properties: vec!["socket", "token"],
        }]
    }
}

fn section(socket: &Path) -> Section {
    Section::new("wall")
        .public("socket", socket.display().to_string())
        .secret("token", canary::TOKEN)
}

/// Listens on a socket of its own, until it is dropped.
struct Server {
    folder: TempDir,
    arrived: Arc<Record<Arrival>>,
    serving: JoinHandle<()>,
}

impl Server {
    fn start(situation: Situation) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let listener = UnixListener::bind(folder.path().join("echo")).expect("a new socket");
        let arrived = Arc::new(Record::default());
        let record = Arc::clone(&arrived);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, situation, Arc::clone(&record)));
            }
        });
        Server {
            folder,
            arrived,
            serving,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[async_trait]
impl Probe for Server {
    async fn arrivals(&self, count: usize, deadline: Instant) -> Vec<Arrival> {
        self.arrived.wait_for(count, deadline).await
    }
}

/// One connection; it ends when the client goes.
async fn serve(
    stream: UnixStream,
    situation: Situation,
    arrived: Arc<Record<Arrival>>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let greeting = match situation {
        Situation::SilentBeforeSending => future::pending().await,
        Situation::DroppedBeforeSending => return None,
        Situation::Garbage => "220 mail.example.com ESMTP\r\n",
        _ => "echo 1\n",
    };
    stream.write_all(greeting.as_bytes()).await.ok()?;
    let mut line = String::new();
    let length = stream.read_line(&mut line).await.ok()?;
    let message: Value = serde_json::from_str(&line[..length]).ok()?;
    if situation != Situation::BadCredentials {
        arrived.push(arrival(&message));
    }
    let answer = match situation {
        Situation::SilentAfterSending => future::pending().await,
        Situation::DroppedAfterSending => return None,
        Situation::Endless => "x".repeat(1024 * 1024),
        Situation::RefusesForGood => "no such wall.\n".to_owned(),
        Situation::BadCredentials => "token\n".to_owned(),
        Situation::TryLater => "busy\n".to_owned(),
        Situation::TryLaterAfter(delay) => format!("busy {}\n", delay.as_secs()),
        Situation::QuotesSecrets => format!("no {message}, {}\n", message["token"]),
        _ => "ok 17\n".to_owned(),
    };
    stream.write_all(answer.as_bytes()).await.ok()
}

fn arrival(message: &Value) -> Arrival {
    let text = |key: &str| message[key].as_str().expect("it is a text").to_owned();
    let object = message.as_object().expect("it is an object");
    Arrival {
        subject: text("title"),
        text: text("text"),
        headers: object.keys().cloned().collect(),
        recipients: Vec::new(),
        key: Some(text("key")),
    }
}
