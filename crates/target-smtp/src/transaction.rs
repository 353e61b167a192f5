//! One mail over a connection, each recipient judged alone.

use lettre::Address as Path;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{
    Extension, MailBodyParameter, MailParameter, RcptParameter,
};
use lettre::transport::smtp::response::{Response, Severity};
use notify_core::{Failure, Receipt};
use notify_mail::Address;

use crate::answer::{Talk, Trouble};
use crate::connection::Connection;
use crate::request::{Request, nobody};

/// How many octets of a mail are handed over at once.
const PIECE: usize = 64 * 1024;

/// Why a mail was not taken.
pub(crate) enum Stop {
    /// The connection had ended before the mail was sent: another one may do.
    Lost(Failure),
    /// The attempt has failed.
    Failed(Failure),
}

impl Stop {
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Stop::Lost(failure) | Stop::Failed(failure) => failure,
        }
    }
}

impl Connection {
    /// Sends a mail. After success the connection is ready for the next.
    ///
    /// # Errors
    /// The mail was not taken, or it is not known; the connection is then to be dropped.
    pub(crate) async fn send(
        &mut self,
        request: &Request,
        talk: &Talk<'_>,
    ) -> Result<Receipt, Stop> {
        self.mail(request, talk).await?;
        let refused = self.recipients(request, talk).await?;
        self.data(talk).await?;
        let answer = self.content(&request.message, talk).await;
        let answer = answer.map_err(Stop::Failed)?;
        Ok(Receipt {
            // A code alone gives it no name.
            reference: (!answer.is_empty()).then_some(answer),
            refused,
            ..Receipt::default()
        })
    }

    async fn mail(&mut self, request: &Request, talk: &Talk<'_>) -> Result<(), Stop> {
        let mut parameters = Vec::new();
        if request.needs_smtputf8 {
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !request.message.is_ascii() && self.offers(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        // What other programs write may be large: better refused now than at its end.
        if request.is_forwarded && self.wire.size().is_some() {
            parameters.push(MailParameter::Size(request.message.len()));
        }
        let command = Mail::new(Some(path(&request.sender)), parameters);
        let step = format!("the sender {}", request.sender);
        let outcome = talk.step(self.smtp.command(command)).await;
        self.said_yes(outcome, Severity::PositiveCompletion, &step, talk)
    }

    /// Those that were refused. At least one was not.
    async fn recipients(
        &mut self,
        request: &Request,
        talk: &Talk<'_>,
    ) -> Result<Vec<(String, Failure)>, Stop> {
        let mut refused = Vec::new();
        let mut parameters = Vec::new();
        // A report about the mail of another program would be one more mail to be forwarded.
        if request.is_forwarded && self.wire.takes_dsn() {
            parameters.push(RcptParameter::Other {
                keyword: "NOTIFY".to_owned(),
                value: Some("NEVER".to_owned()),
            });
        }
        for recipient in &request.recipients {
            let command = Rcpt::new(path(&recipient.address), parameters.clone());
            let outcome = talk.step(self.smtp.command(command)).await;
            let answer = talk.judged(outcome, Severity::PositiveCompletion, &self.wire);
            let step = format!("the recipient {}", recipient.address);
            match answer {
                Ok(_) => {}
                Err(trouble @ Trouble::Refused(..)) if !trouble.ends_the_connection() => {
                    refused.push((recipient.name.clone(), talk.failure(&step, &trouble)));
                }
                Err(trouble) => return Err(stop(&trouble, talk.failure(&step, &trouble))),
            }
        }
        if refused.len() == request.recipients.len() {
            return Err(Stop::Failed(nobody(refused)));
        }
        Ok(refused)
    }

    async fn data(&mut self, talk: &Talk<'_>) -> Result<(), Stop> {
        let outcome = talk.step(self.smtp.command(Data)).await;
        self.said_yes(outcome, Severity::PositiveIntermediate, "DATA", talk)
    }

    /// The mail itself, and the answer to it.
    ///
    /// A server may take its time over a mail, and who does not wait for the
    /// answer sends the mail twice (RFC 5321 4.5.3.2.6): all the time that is
    /// left is given.
    async fn content(&mut self, message: &[u8], talk: &Talk<'_>) -> Result<String, Failure> {
        self.polite = false;
        // lettre ends the last line together with the final dot.
        let lines = message.strip_suffix(b"\r\n").unwrap_or(message);
        // In pieces, because lettre copies what it sends.
        let sending = self.smtp.message_iter(lines.chunks(PIECE));
        let outcome = talk.long_step(sending).await;
        let answer = talk.judged(outcome, Severity::PositiveCompletion, &self.wire);
        match answer {
            Ok(response) => {
                self.polite = true;
                Ok(talk.answer(&response))
            }
            Err(trouble) if self.wire.has_sent_the_final_dot() => {
                Err(talk.failure_after_the_mail(&trouble))
            }
            Err(trouble) => Err(self.why_half_a_mail(trouble, talk).await),
        }
    }

    /// A server that stops reading in the middle of a mail may have said why.
    async fn why_half_a_mail(&mut self, trouble: Trouble, talk: &Talk<'_>) -> Failure {
        let trouble = match trouble {
            Trouble::Broken(_) => {
                let outcome = talk.step(self.smtp.read_response()).await;
                let said = talk.judged(outcome, Severity::PositiveCompletion, &self.wire);
                match said {
                    Err(reason @ Trouble::Refused(..)) => reason,
                    _ => trouble,
                }
            }
            other => other,
        };
        talk.failure("the beginning of the mail", &trouble)
    }

    fn said_yes(
        &self,
        outcome: Option<Result<Response, Error>>,
        wanted: Severity,
        step: &str,
        talk: &Talk<'_>,
    ) -> Result<(), Stop> {
        talk.judged(outcome, wanted, &self.wire)
            .map(drop)
            .map_err(|trouble| stop(&trouble, talk.failure(step, &trouble)))
    }
}

fn stop(trouble: &Trouble, failure: Failure) -> Stop {
    if trouble.ends_the_connection() {
        Stop::Lost(failure)
    } else {
        Stop::Failed(failure)
    }
}

/// lettre's own check knows no `[IPv6:…]` and no underscore; ours has been passed.
fn path(address: &Address) -> Path {
    Path::new_dangerous(address.local(), address.domain().unwrap_or_default())
}
