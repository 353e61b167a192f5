//! One client: its requests in order, an answer to each.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use notify_core::{Content, EventId, Notification};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::protocol::{
    Accepted, Answer, ErrorKind, EventReference, EventState, LegacyRequest, MailRequest, Pong,
    Request, SendRequest,
};
use crate::socket::Rules;
use crate::socket::reader::{Reader, Taken, Unread};
use crate::socket::server::{Caller, Shared};
use crate::{Declined, RawMail};

/// A stranger may follow so many of the events that it sent last over this connection.
const OWN_EVENTS: usize = 64;

/// How often a followed event is looked at: at first, and at last. In between each pause is a
/// quarter longer, so an answer comes late by a quarter of the time that it took at most.
const LOOKS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

#[derive(Debug)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    caller: Caller,
    stop: CancellationToken,
    own: VecDeque<EventId>,
}

/// Whether the connection goes on.
#[derive(Debug, PartialEq, Eq)]
enum Then {
    GoOn,
    Close,
}

impl Connection {
    pub(crate) fn new(shared: Arc<Shared>, caller: Caller, stop: CancellationToken) -> Self {
        Connection {
            shared,
            caller,
            stop,
            own: VecDeque::new(),
        }
    }

    /// Answers until the client is gone, has asked what ends it, or the daemon stops.
    pub(crate) async fn converse(mut self, stream: UnixStream) {
        let (read, mut write) = stream.into_split();
        let mut read = Reader::new(read, self.shared.long_requests(&self.caller));
        let mut is_first = true;
        loop {
            let rules = self.shared.rules();
            let stop = self.stop.clone();
            let first = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                first = read.first(&rules) => first,
            };
            let Ok(first) = first else { return };
            let then = if is_first && first != b'{' {
                self.mail_to_the_end(&mut read, &mut write, &rules).await
            } else {
                self.request(&mut read, &mut write, &rules).await
            };
            if then == Then::Close {
                return;
            }
            is_first = false;
        }
    }

    /// One line and what it asks.
    async fn request(
        &mut self,
        read: &mut Reader<OwnedReadHalf>,
        write: &mut OwnedWriteHalf,
        rules: &Rules,
    ) -> Then {
        let line = match self.unless_stopped(read.line(rules)).await {
            Ok(line) => line,
            Err(declined) => return end(declined, write, rules).await,
        };
        if line.bytes.trim_ascii().is_empty() {
            return Then::GoOn;
        }
        let request = Request::read(&line.bytes);
        drop(line.bytes);
        // Held until the answer, but not by what takes a place of its own, or for ever.
        let is_short = matches!(request, Ok(Request::Mail(_) | Request::Follow(_)));
        let _place = line.place.filter(|_| !is_short);
        let answered = match request {
            Ok(Request::Mail(mail)) => return self.mail(&mail, read, write, rules).await,
            Ok(Request::Follow(event)) => match self.follow(&event, read, write, rules).await {
                Ok(then) => return then,
                Err(declined) => Err(declined),
            },
            Ok(Request::Send(event)) => self.send(*event, rules).await,
            Ok(Request::Legacy(mail)) => self.legacy(*mail, rules).await,
            Ok(Request::Status(_)) => self.status().await,
            Ok(Request::Wake(_)) => self.wake().await,
            Ok(Request::Ping(_)) => Ok(pong()),
            Err(declined) => Err(declined),
        };
        let text = answered.unwrap_or_else(Declined::answer);
        answer(&text, write, rules).await
    }

    async fn send(&mut self, event: SendRequest, rules: &Rules) -> Result<Answer, Declined> {
        self.shared.count(self.caller.uid, rules)?;
        let intake = &self.shared.intake;
        let fresh = self.shared.fresh_id()?;
        let event = event.event(&intake.hostname(), intake.now(), fresh)?;
        self.check_template(&event)?;
        let id = event.id;
        let accepted = intake.accept(event).await?;
        Ok(self.accepted(id, accepted))
    }

    async fn legacy(&mut self, mail: LegacyRequest, rules: &Rules) -> Result<Answer, Declined> {
        self.require_trust("send mails past the configuration")?;
        self.shared.count(self.caller.uid, rules)?;
        let intake = &self.shared.intake;
        let fresh = self.shared.fresh_id()?;
        let (mail, event) = mail.event(&intake.hostname(), intake.now(), fresh)?;
        self.check_template(&event)?;
        let id = event.id;
        let accepted = intake.accept_legacy(mail, event).await?;
        Ok(self.accepted(id, accepted))
    }

    async fn status(&self) -> Result<Answer, Declined> {
        self.require_trust("see the status")?;
        Ok(Answer::Status(self.shared.intake.status().await?))
    }

    async fn wake(&self) -> Result<Answer, Declined> {
        self.require_trust("wake the daemon")?;
        self.shared.intake.wake().await;
        Ok(Answer::Done {})
    }

    /// A mail of so many bytes.
    async fn mail(
        &mut self,
        mail: &MailRequest,
        read: &mut Reader<OwnedReadHalf>,
        write: &mut OwnedWriteHalf,
        rules: &Rules,
    ) -> Then {
        // What follows the line is no request, so a refusal before it is read ends the connection.
        let begun = self.begin_mail(mail, rules);
        let begun = match begun {
            Ok(begun) => begun,
            Err(declined) => return end(declined, write, rules).await,
        };
        let body = read.body(Some(mail.bytes), rules);
        match self.unless_stopped(body).await {
            Ok(taken) => {
                let text = self.take_mail(begun, taken, mail.cut).await;
                answer(&text, write, rules).await
            }
            Err(declined) => end(declined, write, rules).await,
        }
    }

    /// What does not begin as JSON is a mail up to the end of what the client sends.
    async fn mail_to_the_end(
        &mut self,
        read: &mut Reader<OwnedReadHalf>,
        write: &mut OwnedWriteHalf,
        rules: &Rules,
    ) -> Then {
        let begun = match self.begin_mail(&MailRequest::default(), rules) {
            Ok(begun) => begun,
            Err(declined) => return end(declined, write, rules).await,
        };
        let body = read.body(None, rules);
        match self.unless_stopped(body).await {
            Ok(taken) => {
                let text = self.take_mail(begun, taken, false).await;
                answer(&text, write, rules).await;
                Then::Close
            }
            Err(declined) => end(declined, write, rules).await,
        }
    }

    fn begin_mail(&self, mail: &MailRequest, rules: &Rules) -> Result<(EventId, i64), Declined> {
        self.shared.count(self.caller.uid, rules)?;
        mail.identity(self.shared.intake.now(), self.shared.fresh_id()?)
    }

    async fn take_mail(
        &mut self,
        (id, timestamp): (EventId, i64),
        taken: Taken,
        cut: bool,
    ) -> Answer {
        // The place among the long requests is held until the mail is durable.
        let Taken {
            bytes,
            cut: cut_here,
            place: _place,
        } = taken;
        let mail = RawMail {
            id,
            bytes,
            cut: cut || cut_here,
            timestamp,
            uid: self.caller.uid,
        };
        match self.shared.intake.accept_mail(mail).await {
            Ok(accepted) => self.accepted(id, accepted),
            Err(declined) => declined.answer(),
        }
    }

    fn accepted(&mut self, id: EventId, accepted: Accepted) -> Answer {
        // Who guesses the id of another's event has not sent it.
        if !self.caller.is_trusted && !accepted.known {
            if self.own.len() == OWN_EVENTS {
                self.own.pop_front();
            }
            self.own.push_back(id);
        }
        Answer::Accepted(accepted)
    }

    /// Tells each change of an event until it is settled.
    async fn follow(
        &mut self,
        event: &EventReference,
        read: &mut Reader<OwnedReadHalf>,
        write: &mut OwnedWriteHalf,
        rules: &Rules,
    ) -> Result<Then, Declined> {
        let id = event.id()?;
        if !self.own.contains(&id) {
            self.require_trust("follow events that others sent")?;
        }
        let (soon, late) = LOOKS;
        let mut told: Option<EventState> = None;
        let mut pause = soon;
        loop {
            let state = self.shared.intake.event(id).await?;
            let state = state.ok_or_else(|| {
                Declined::new(ErrorKind::UnknownEvent, format!("there is no event {id}"))
            })?;
            if told.as_ref() != Some(&state) {
                let then = answer(&Answer::Event(state.clone()), write, rules).await;
                if state.settled || then == Then::Close {
                    return Ok(then);
                }
                told = Some(state);
                pause = soon;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 5 / 4).min(late),
                () = read.gone() => return Ok(Then::Close),
                () = self.stop.cancelled() => return Err(stopping()),
            }
        }
    }

    fn require_trust(&self, what: &str) -> Result<(), Declined> {
        if self.caller.is_trusted {
            return Ok(());
        }
        let uid = self.caller.uid;
        let message = format!("the user with uid {uid} may not {what}");
        Err(Declined::new(ErrorKind::Denied, message))
    }

    fn check_template(&self, event: &Notification) -> Result<(), Declined> {
        match &event.content {
            Content::Template { name, .. } if !self.shared.intake.knows_template(name) => {
                let message = format!("there is no template `{}`", name.escape_debug());
                Err(Declined::new(ErrorKind::Request, message))
            }
            _ => Ok(()),
        }
    }

    /// What is read, unless the daemon stops before it has come.
    async fn unless_stopped(
        &self,
        reading: impl Future<Output = Result<Taken, Unread>>,
    ) -> Result<Taken, Declined> {
        let read = tokio::select! {
            biased;
            read = reading => read,
            () = self.stop.cancelled() => return Err(stopping()),
        };
        read.map_err(|unread| self.unread(&unread))
    }

    fn unread(&self, unread: &Unread) -> Declined {
        let rules = self.shared.rules();
        match unread {
            Unread::Gone => Declined::new(ErrorKind::Stalled, "the request is not whole"),
            Unread::Stalled => Declined::new(ErrorKind::Stalled, "the request came too slowly"),
            Unread::TooLong => {
                let message = format!("a line has more than {} bytes", rules.max_size);
                Declined::new(ErrorKind::TooLarge, message)
            }
            Unread::Crowded => {
                Declined::new(ErrorKind::Busy, "there are too many long requests at once")
            }
        }
    }
}

fn pong() -> Answer {
    Answer::Pong(Pong {
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

fn stopping() -> Declined {
    Declined::new(ErrorKind::Stopping, "the daemon stops")
}

/// Says why, and that it is the last word: what the client sends on is not understood.
async fn end(declined: Declined, write: &mut OwnedWriteHalf, rules: &Rules) -> Then {
    answer(&declined.answer(), write, rules).await;
    Then::Close
}

async fn answer(text: &Answer, write: &mut OwnedWriteHalf, rules: &Rules) -> Then {
    match timeout(rules.stall, write.write_all(&text.line())).await {
        Ok(Ok(())) => Then::GoOn,
        _ => Then::Close,
    }
}
