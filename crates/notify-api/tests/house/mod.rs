//! A server on a real socket, with a spool behind it, and users to call it as.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify_api::client::Client;
use notify_api::protocol::{Accepted, AcceptedTarget, Answer, EventState, SendRequest};
use notify_api::{Access, Declined, Intake, RawMail, Rules, Server, SocketFile};
use notify_core::{
    Claim, Content, Entry, EventId, ForwardedMail, LegacyMail, Millis, NewJob, Next, Notification,
    Opened, Outcome, Put, Settlement, Severity, async_trait,
};
use notify_testkit::spool::MemorySpool;
use rustix::process::Uid;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

pub(crate) const NOW: Millis = Millis(1_700_000_000_000);

/// Long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An intake that puts one delivery, to `ops`, for each event.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) opened: Opened,
}

#[async_trait]
impl Intake for Kept {
    fn hostname(&self) -> String {
        "pve1".to_owned()
    }

    fn now(&self) -> Millis {
        NOW
    }

    fn knows_template(&self, name: &str) -> bool {
        ["message", "test"].contains(&name)
    }

    async fn accept(&self, event: Notification) -> Result<Accepted, Declined> {
        self.put(event, None).await
    }

    async fn accept_legacy(
        &self,
        mail: LegacyMail,
        event: Notification,
    ) -> Result<Accepted, Declined> {
        self.put(event, Some(mail)).await
    }

    async fn accept_mail(&self, mail: RawMail) -> Result<Accepted, Declined> {
        let uid = mail.uid.to_string();
        let cut = mail.cut.to_string();
        let fields = [("uid", uid), ("cut", cut)].map(|(name, value)| (name.to_owned(), value));
        let event = Notification {
            id: mail.id,
            severity: Severity::Unknown,
            timestamp: mail.timestamp,
            fields: BTreeMap::from(fields),
            content: Content::Mail(ForwardedMail {
                raw: mail.bytes.into(),
                title: String::new(),
                text: String::new(),
            }),
        };
        self.put(event, None).await
    }

    async fn event(&self, id: EventId) -> Result<Option<EventState>, Declined> {
        let record = self.opened.history.event(id).await?;
        Ok(record.as_ref().map(EventState::from))
    }

    async fn status(&self) -> Result<Value, Declined> {
        Ok(json!({ "accepted": self.opened.spool.counts().await?.accepted }))
    }

    async fn wake(&self) {}
}

impl Kept {
    async fn put(
        &self,
        event: Notification,
        legacy: Option<LegacyMail>,
    ) -> Result<Accepted, Declined> {
        let id = event.id;
        let entry = Entry {
            event,
            trace: "{}".to_owned(),
            jobs: vec![NewJob::first("ops", NOW)],
            accepted: NOW,
            legacy,
        };
        let put = self.opened.spool.put(entry).await?;
        Ok(Accepted {
            id: id.to_string(),
            known: put == Put::Known,
            targets: vec![AcceptedTarget {
                name: "ops".to_owned(),
                kind: Some("smtp".to_owned()),
                state: "pending".to_owned(),
                reason: None,
            }],
            ..Accepted::default()
        })
    }

    /// Makes one attempt at what is due, which ends like this.
    pub(crate) async fn attempt(&self, next: Next) {
        let claim = Claim {
            target: None,
            most: 1,
            lease: Duration::from_secs(30),
        };
        let jobs = self.opened.spool.claim(claim, NOW).await.expect("readable");
        let settlement = Settlement {
            started: NOW,
            outcome: Outcome::Delivered,
            detail: None,
            reference: Some("4F2A1".to_owned()),
            refused: Vec::new(),
            next,
        };
        let lease = &jobs.first().expect("one is due").lease;
        let settled = self.opened.spool.settle(lease, settlement, NOW).await;
        settled.expect("the lease is fresh");
    }
}

/// A running server. It stops when this is dropped.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) kept: Kept,
    pub(crate) runtime: Runtime,
    pub(crate) stop: CancellationToken,
    pub(crate) server: Server,
    serving: Option<tokio::task::JoinHandle<()>>,
    path: PathBuf,
    _file: SocketFile,
    _folder: tempfile::TempDir,
}

impl House {
    pub(crate) fn open(rules: Rules) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Others may pass, as through /run.
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), everybody).expect("our own folder");
        let path = folder.path().join("notify.sock");
        let (file, listener) = SocketFile::bind(&path, rules.access.mode()).expect("a socket");
        listener.set_nonblocking(true).expect("a socket");
        let kept = Kept {
            opened: MemorySpool::new().opened(),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads");
        let server = Server::new(Arc::new(kept.clone()), rules);
        let stop = CancellationToken::new();
        let serving = {
            let _inside = runtime.enter();
            let listener = tokio::net::UnixListener::from_std(listener).expect("a socket");
            let (server, stop) = (server.clone(), stop.clone());
            runtime.spawn(async move { server.serve(listener, stop).await })
        };
        House {
            kept,
            runtime,
            stop,
            server,
            serving: Some(serving),
            path,
            _file: file,
            _folder: folder,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.path, PATIENCE).expect("it listens")
    }

    pub(crate) fn stream(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.path).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a duration");
        stream
    }

    /// All that is answered to these bytes, which are all that come.
    pub(crate) fn answers(&self, bytes: &[u8]) -> Vec<Answer> {
        let mut stream = self.stream();
        // Who is refused before the end cannot send on.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        answers(stream)
    }

    pub(crate) fn accepted(&self) -> u64 {
        let counts = self.runtime.block_on(self.kept.opened.spool.counts());
        counts.expect("readable").accepted
    }

    pub(crate) fn event(&self, id: &str) -> Notification {
        let id = id.parse().expect("an id");
        let record = self.runtime.block_on(self.kept.opened.history.event(id));
        record.expect("readable").expect("it is known").event
    }

    /// Stops it, and waits until it has.
    pub(crate) fn close(&mut self) {
        self.stop.cancel();
        if let Some(serving) = self.serving.take() {
            let served = self
                .runtime
                .block_on(async { tokio::time::timeout(PATIENCE, serving).await });
            served.expect("it ends").expect("no panic");
        }
    }
}

/// What comes to the end; a connection that is cut off ends, too.
pub(crate) fn answers(mut stream: UnixStream) -> Vec<Answer> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            panic!("the server neither answers nor closes")
        }
        _ => {}
    }
    let text = String::from_utf8(bytes).expect("UTF-8");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

/// An event with this title.
pub(crate) fn event(title: &str) -> SendRequest {
    SendRequest {
        title: Some(title.to_owned()),
        ..SendRequest::default()
    }
}

/// The rules of a daemon of this user.
pub(crate) fn own_rules() -> Rules {
    Rules::new(Access::of_daemon(rustix::process::getuid().as_raw()))
}

/// A user that is neither root nor the daemon's own, and the daemon's access without it.
///
/// Root becomes nobody; who is not root calls the daemon of another user.
pub(crate) fn stranger() -> (u32, Access) {
    let own = rustix::process::getuid().as_raw();
    if own == 0 {
        (NOBODY, Access::of_daemon(own))
    } else {
        (own, Access::of_daemon(own + 1))
    }
}

const NOBODY: u32 = 65534;

/// Does this as the stranger.
pub(crate) fn as_stranger<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if rustix::process::getuid().is_root() {
                // Of this thread alone; it ends with the work.
                let nobody = Some(Uid::from_raw(NOBODY));
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).expect("root may");
            }
            work()
        });
        thread.join().expect("no panic")
    })
}
