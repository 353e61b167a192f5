//! What a target's test brings to the laws: a far side that can be put into situations.

use std::fmt;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use notify_core::PlainHost;

use crate::Section;

/// How the far side behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Situation {
    /// Takes everything. A mail target's section names two recipients.
    Accepts,
    /// Says no for good, whatever is sent.
    RefusesForGood,
    /// Takes it for the first recipient of the section and refuses the second for good.
    RefusesOneRecipient,
    /// Does not accept the credentials.
    BadCredentials,
    /// Asks to come back later.
    TryLater,
    /// Asks to come back after so long.
    TryLaterAfter(Duration),
    /// Nobody listens there.
    NotReached,
    /// Falls silent before the message has been handed over.
    SilentBeforeSending,
    /// Has the whole message and then says nothing.
    SilentAfterSending,
    /// Ends the connection before the message has been handed over.
    DroppedBeforeSending,
    /// Has the whole message and then ends the connection without an answer.
    DroppedAfterSending,
    /// Speaks something that is not the protocol.
    Garbage,
    /// Sends an answer that does not end.
    Endless,
    /// Shows a certificate that nobody vouches for.
    Untrusted,
    /// Refuses for good and quotes the section's secrets in its answer, in several forms.
    QuotesSecrets,
    /// Takes everything, and can be reached only through the proxy of the host.
    BehindProxy,
}

impl fmt::Display for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a peer answers to a situation.
pub enum Staged {
    /// It is arranged.
    Ready(Box<Stage>),
    /// The transport cannot have it, for this reason.
    Declared(&'static str),
}

impl From<Stage> for Staged {
    fn from(stage: Stage) -> Self {
        Staged::Ready(Box::new(stage))
    }
}

/// An arranged situation.
pub struct Stage {
    pub(super) section: Section,
    pub(super) host: PlainHost,
    pub(super) probe: Box<dyn Probe>,
}

impl Stage {
    /// The section that leads to the far side, and the view from there. Secrets
    /// in the section are canaries. The probe owns the servers: they end with it.
    pub fn new(section: Section, probe: impl Probe + 'static) -> Self {
        let host = PlainHost {
            fqdn: "pve1.example.com".to_owned(),
            ..PlainHost::named("pve1")
        };
        Stage {
            section,
            host,
            probe: Box::new(probe),
        }
    }

    /// On this host instead of the plain `pve1`.
    #[must_use]
    pub fn on(mut self, host: PlainHost) -> Self {
        self.host = host;
        self
    }
}

/// The view from the far side.
#[async_trait]
pub trait Probe: Send + Sync {
    /// What has arrived whole, whatever the answer was: as soon as there are
    /// `count`, or until `deadline`. Zero asks for what is there now.
    async fn arrivals(&self, count: usize, deadline: Instant) -> Vec<Arrival>;

    /// The files in what arrived last, each with its name, all encodings undone.
    ///
    /// Asked of the targets that pass on whole mails.
    async fn attachments(&self) -> Vec<(String, Vec<u8>)> {
        Vec::new()
    }

    /// How long a message may be on its way after it was accepted. Zero for the
    /// fakes, which record before they answer; more where a mail system delivers.
    fn transit(&self) -> Duration {
        Duration::ZERO
    }

    /// How many connections were made, or processes started; none when nobody can count them.
    fn contacts(&self) -> Option<usize> {
        None
    }

    /// How many requests the proxy has seen.
    fn through_proxy(&self) -> usize {
        0
    }
}

/// Nothing ever arrives: for situations in which there is no far side.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

#[async_trait]
impl Probe for Nowhere {
    async fn arrivals(&self, _: usize, _: Instant) -> Vec<Arrival> {
        Vec::new()
    }
}

/// A message as the far side reads it, all encodings undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// The subject or title.
    pub subject: String,
    /// The text. More may stand around it.
    pub text: String,
    /// The names of all headers, in order, once for each time.
    pub headers: Vec<String>,
    /// Who gets it; empty where the transport knows no recipients.
    pub recipients: Vec<String>,
    /// By what the far side could drop a second copy, as the Message-ID.
    pub key: Option<String>,
}

/// A section that the schema accepts and `build` must not.
#[derive(Clone, Debug)]
pub struct Unbuildable {
    /// The section.
    pub section: Section,
    /// The properties that the faults must name, all at once.
    pub properties: Vec<&'static str>,
}

/// The far side of a target, as its test can arrange it.
#[async_trait]
pub trait Peer: Send + Sync {
    /// Arranges a situation, or says why the transport cannot have it.
    async fn stage(&self, situation: Situation) -> Staged;

    /// Sections with faults that only the target's own code can find.
    fn unbuildable(&self) -> Vec<Unbuildable> {
        Vec::new()
    }
}
