//! What the socket hands events to.

use std::fmt::{self, Debug};

use notify_core::{EventId, LegacyMail, Millis, Notification, SpoolError, async_trait, report};
use serde_json::Value;

use crate::protocol::{Accepted, Answer, ErrorAnswer, ErrorKind, EventState};

/// Who takes events and answers for them.
#[async_trait]
pub trait Intake: Debug + Send + Sync {
    /// The short name of this host.
    fn hostname(&self) -> String;

    /// What time it is.
    fn now(&self) -> Millis;

    /// Whether there is a template of this name.
    fn knows_template(&self, name: &str) -> bool;

    /// Takes an event. It is durable when this answers.
    ///
    /// # Errors
    /// Nothing was stored then.
    async fn accept(&self, event: Notification) -> Result<Accepted, Declined>;

    /// Takes an event that goes to addresses, past matchers and targets.
    ///
    /// # Errors
    /// Nothing was stored then.
    async fn accept_legacy(
        &self,
        mail: LegacyMail,
        event: Notification,
    ) -> Result<Accepted, Declined>;

    /// Takes a mail for root.
    ///
    /// # Errors
    /// Nothing was stored then.
    async fn accept_mail(&self, mail: RawMail) -> Result<Accepted, Declined>;

    /// How an event stands, when it is known.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn event(&self, id: EventId) -> Result<Option<EventState>, Declined>;

    /// How the targets and the queue stand.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn status(&self) -> Result<Value, Declined>;

    /// Another process changed the spool.
    async fn wake(&self);
}

/// A mail for root, as it came. `Debug` shows no content.
#[derive(PartialEq, Eq)]
pub struct RawMail {
    /// The id of the event that it becomes.
    pub id: EventId,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether more came than was taken.
    pub cut: bool,
    /// When it came, in seconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Who brought it.
    pub uid: u32,
}

/// Why a request is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined {
    /// What callers decide by.
    pub kind: ErrorKind,
    /// What people read.
    pub message: String,
    /// How long to wait before it may be asked again, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// The longest text of an error, in characters: it may quote what a client sent.
const LONGEST: usize = 500;

impl Declined {
    /// For this reason.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((cut, _)) = message.char_indices().nth(LONGEST) {
            message.truncate(cut);
            message.push('…');
        }
        Declined {
            kind,
            message,
            retry_after_ms: None,
        }
    }

    pub(crate) fn answer(self) -> Answer {
        Answer::Error(ErrorAnswer {
            kind: self.kind,
            message: self.message,
            exit: self.kind.exit(),
            retry_after_ms: self.retry_after_ms,
        })
    }
}

impl From<SpoolError> for Declined {
    fn from(error: SpoolError) -> Self {
        Declined::new(error.kind().into(), report(&error))
    }
}

impl fmt::Debug for RawMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawMail")
            .field("id", &self.id)
            .field("bytes", &self.bytes.len())
            .field("uid", &self.uid)
            .finish_non_exhaustive()
    }
}
