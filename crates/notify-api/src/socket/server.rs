//! Accepts clients, as many as there is room for.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use notify_core::EventId;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::protocol::ErrorKind;
use crate::socket::Rules;
use crate::socket::connection::Connection;
use crate::socket::crowd::{Crowd, Place};
use crate::socket::rates::Rates;
use crate::{Declined, Intake};

/// So many requests above 64 KiB are in memory at once, of trusted users and of strangers each.
const LONG_REQUESTS: usize = 4;

/// How long to wait after a failed accept: there may be too many open files.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers the requests that come over the socket. Clones are the same server.
#[derive(Clone, Debug)]
pub struct Server {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) intake: Arc<dyn Intake>,
    rules: RwLock<Arc<Rules>>,
    crowd: Arc<Crowd>,
    rates: Mutex<Rates>,
    long: Arc<Semaphore>,
    long_of_strangers: Arc<Semaphore>,
}

/// Who is at the other end.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) uid: u32,
    pub(crate) is_trusted: bool,
    _place: Place,
}

impl Server {
    /// A server that hands over to `intake`.
    pub fn new(intake: Arc<dyn Intake>, rules: Rules) -> Self {
        Server {
            shared: Arc::new(Shared {
                intake,
                rules: RwLock::new(Arc::new(rules)),
                crowd: Arc::default(),
                rates: Mutex::default(),
                long: Arc::new(Semaphore::new(LONG_REQUESTS)),
                long_of_strangers: Arc::new(Semaphore::new(LONG_REQUESTS)),
            }),
        }
    }

    /// Other rules, for what comes from now on.
    pub fn replace_rules(&self, rules: Rules) {
        let mut current = self
            .shared
            .rules
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(rules);
    }

    /// Serves until `stop`; answers then what was asked before, and returns.
    ///
    /// A client that waits for an event to settle is told that the daemon stops.
    pub async fn serve(&self, listener: UnixListener, stop: CancellationToken) {
        let clients = TaskTracker::new();
        let mut is_well = true;
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    is_well = true;
                    self.welcome(stream, &clients, &stop);
                }
                Err(error) => {
                    if std::mem::take(&mut is_well) {
                        tracing::error!("the socket takes no client at the moment: {error}");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        // Whoever knocks now sees at once that nobody listens.
        drop(listener);
        clients.close();
        clients.wait().await;
    }

    fn welcome(&self, stream: UnixStream, clients: &TaskTracker, stop: &CancellationToken) {
        let rules = self.shared.rules();
        match self.shared.admit(&stream, &rules) {
            Ok(caller) => {
                let connection = Connection::new(Arc::clone(&self.shared), caller, stop.clone());
                clients.spawn(connection.converse(stream));
            }
            Err(declined) => {
                tracing::debug!("a client was turned away: {}", declined.message);
                turn_away(stream, declined);
            }
        }
    }
}

impl Shared {
    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn admit(&self, stream: &UnixStream, rules: &Rules) -> Result<Caller, Declined> {
        let peer = stream.peer_cred().map_err(|error| {
            Declined::new(
                ErrorKind::Denied,
                format!("it is not known who you are: {error}"),
            )
        })?;
        let uid = peer.uid();
        if !rules.access.may_send(uid) {
            let message = format!("the user with uid {uid} may not send here");
            return Err(Declined::new(ErrorKind::Denied, message));
        }
        let is_trusted = rules.access.is_trusted(uid);
        let place = if is_trusted {
            self.crowd.admit(rules.connections)
        } else {
            self.crowd
                .admit_stranger(uid, rules.connections.div_ceil(4))
        };
        let place =
            place.ok_or_else(|| Declined::new(ErrorKind::Busy, "there are too many clients"))?;
        Ok(Caller {
            uid,
            is_trusted,
            _place: place,
        })
    }

    /// Counts an event of this user.
    pub(crate) fn count(&self, uid: u32, rules: &Rules) -> Result<(), Declined> {
        if rules.access.is_unlimited(uid) {
            return Ok(());
        }
        let now = tokio::time::Instant::now().into_std();
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = rates.take(uid, (rules.rate, rules.burst), now);
        taken.map_err(|wait| {
            let wait_ms = u64::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
            let rate = rules.rate;
            let message = format!(
                "the user with uid {uid} sends more than {rate} events a second; \
                 try again in {wait_ms} ms"
            );
            Declined {
                retry_after_ms: Some(wait_ms),
                ..Declined::new(ErrorKind::Rate, message)
            }
        })
    }

    pub(crate) fn long_requests(&self, caller: &Caller) -> Arc<Semaphore> {
        let long = if caller.is_trusted {
            &self.long
        } else {
            &self.long_of_strangers
        };
        Arc::clone(long)
    }

    pub(crate) fn fresh_id(&self) -> Result<EventId, Declined> {
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|error| {
            Declined::new(ErrorKind::Busy, format!("no random numbers: {error}"))
        })?;
        let now = u64::try_from(self.intake.now().0).unwrap_or(0);
        let now = std::time::UNIX_EPOCH + Duration::from_millis(now);
        Ok(EventId::new(now, random))
    }
}

/// Says why and closes, without waiting for anybody.
fn turn_away(stream: UnixStream, declined: Declined) {
    if let Ok(mut stream) = stream.into_std() {
        // A fresh socket has room for a line; who does not read it sees the end.
        let _ = stream.write(&declined.answer().line());
    }
}
