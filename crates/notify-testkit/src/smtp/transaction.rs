//! A mail on its way in: MAIL, RCPT, DATA and the mail itself (RFC 5321 3.3).

use std::io;

use super::Message;
use super::command;
use super::options::{Answer, Asked, Reply, Step};
use super::session::Session;
use crate::act::Flow;

/// Octets of a line with its CRLF; RFC 5321 4.5.3.1.6.
pub(super) const LINE_LIMIT: usize = 1000;
/// More than this is not kept in memory.
const DATA_LIMIT: usize = 64 * 1024 * 1024;

/// What MAIL and RCPT have said so far.
pub(super) struct Envelope {
    sender: String,
    parameters: Vec<String>,
    recipients: Vec<command::Path>,
    eight_bit: bool,
    utf8: bool,
}

impl Session {
    pub(super) async fn mail(&mut self, argument: &str) -> io::Result<Flow> {
        if self.ehlo.is_none() || self.envelope.is_some() {
            return self
                .refuse(503, "5.5.1 bad sequence", "MAIL out of order")
                .await;
        }
        if self.starttls_is_left() {
            return self
                .refuse(
                    530,
                    "5.7.0 Must issue a STARTTLS command first",
                    "MAIL without STARTTLS",
                )
                .await;
        }
        if self.options.credentials.is_some() && self.login.is_none() {
            let reply = Reply::new(530, "5.7.0 Authentication required");
            return self.say(&reply).await.map(|()| Flow::Continue);
        }
        let path = match command::path(argument, "FROM") {
            Ok(path) => path,
            Err(why) => {
                let what = format!("MAIL {}: {why}", argument.escape_debug());
                return self.refuse(501, "5.1.7 bad sender", &what).await;
            }
        };
        let envelope = match self.envelope_of(path) {
            Ok(envelope) => envelope,
            Err(what) => return self.refuse(555, "5.5.4 bad parameter", &what).await,
        };
        if self.is_too_large(&envelope) {
            let reply = Reply::new(552, "5.3.4 message size exceeds fixed limit");
            return self.say(&reply).await.map(|()| Flow::Continue);
        }
        let answered = self
            .answer(Step::Mail, None, Reply::new(250, "2.1.0 Ok"))
            .await?;
        if answered.positive {
            self.envelope = Some(envelope);
        }
        Ok(answered.flow)
    }

    fn envelope_of(&self, path: command::Path) -> Result<Envelope, String> {
        let options = &self.options;
        let mut envelope = Envelope {
            sender: path.address,
            parameters: path.parameters,
            recipients: Vec::new(),
            eight_bit: false,
            utf8: false,
        };
        for parameter in &envelope.parameters {
            let upper = parameter.to_ascii_uppercase();
            match upper.split_once('=').unwrap_or((&upper, "")) {
                ("BODY", "8BITMIME") if options.eight_bit => envelope.eight_bit = true,
                ("BODY", "7BIT") if options.eight_bit => {}
                ("SMTPUTF8", "") if options.smtputf8 => envelope.utf8 = true,
                ("SIZE", size) if options.size_limit.is_some() && size.parse::<usize>().is_ok() => {
                }
                ("AUTH", _) if self.auth_is_offered() => {}
                _ => return Err(format!("MAIL with `{parameter}`, which was not offered")),
            }
        }
        if !envelope.sender.is_ascii() && !envelope.utf8 {
            return Err("a non-ASCII sender without SMTPUTF8".to_owned());
        }
        Ok(envelope)
    }

    fn is_too_large(&self, envelope: &Envelope) -> bool {
        let announced = envelope.parameters.iter().find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.eq_ignore_ascii_case("SIZE")
                .then_some(value.parse::<usize>().ok()?)
        });
        matches!((announced, self.options.size_limit), (Some(size), Some(limit)) if size > limit)
    }

    pub(super) async fn rcpt(&mut self, argument: &str) -> io::Result<Flow> {
        let Some(utf8) = self.envelope.as_ref().map(|envelope| envelope.utf8) else {
            return self
                .refuse(503, "5.5.1 bad sequence", "RCPT out of order")
                .await;
        };
        let path = command::path(argument, "TO").and_then(|path| {
            if path.address.is_empty() {
                return Err("an address is expected".to_owned());
            }
            for parameter in &path.parameters {
                let upper = parameter.to_ascii_uppercase();
                if !self.options.dsn || !is_notify(&upper) {
                    return Err(format!("`{parameter}` was not offered"));
                }
            }
            if !path.address.is_ascii() && !utf8 {
                return Err("a non-ASCII recipient without SMTPUTF8".to_owned());
            }
            Ok(path)
        });
        let recipient = match path {
            Ok(path) => path,
            Err(why) => {
                let what = format!("RCPT {}: {why}", argument.escape_debug());
                return self.refuse(501, "5.1.3 bad recipient", &what).await;
            }
        };
        let yes = Reply::new(250, "2.1.5 Ok");
        let address = &recipient.address;
        let answered = self.answer(Step::Rcpt, Some(address), yes).await?;
        if answered.positive
            && let Some(envelope) = &mut self.envelope
        {
            envelope.recipients.push(recipient);
        }
        Ok(answered.flow)
    }

    pub(super) async fn data(&mut self, argument: &str) -> io::Result<Flow> {
        let recipients = self
            .envelope
            .as_ref()
            .map(|envelope| envelope.recipients.len());
        match recipients {
            Some(1..) if argument.is_empty() => {}
            Some(0) => {
                // All were refused; a client may still try (RFC 5321 3.3).
                let reply = Reply::new(554, "5.5.1 no valid recipients");
                return self.say(&reply).await.map(|()| Flow::Continue);
            }
            _ => {
                return self
                    .refuse(503, "5.5.1 bad sequence", "DATA out of order")
                    .await;
            }
        }
        let go = Reply::new(354, "End data with <CR><LF>.<CR><LF>");
        let answered = self.answer(Step::Data, None, go).await?;
        if answered.flow == Flow::Over || !answered.positive {
            return Ok(answered.flow);
        }
        let Some((data, fault)) = self.read_mail().await? else {
            return Ok(Flow::Over);
        };
        self.end_of_data(data, fault).await
    }

    async fn end_of_data(&mut self, data: Vec<u8>, fault: Option<String>) -> io::Result<Flow> {
        let envelope = self.envelope.take().expect("DATA is refused without one");
        if let Some(what) = fault {
            return self
                .refuse(554, "5.6.0 the content breaks RFC 5321", &what)
                .await;
        }
        let number = self.seen.received.len() + 1;
        let too_large = self
            .options
            .size_limit
            .is_some_and(|limit| data.len() > limit);
        let recipients = envelope.recipients.into_iter();
        let (recipients, rcpt_parameters) = recipients
            .map(|path| (path.address, path.parameters))
            .unzip();
        let mut message = Message {
            connection: self.connection,
            ehlo: self.ehlo.clone().unwrap_or_default(),
            tls: self.tls,
            login: self.login.clone(),
            sender: envelope.sender,
            parameters: envelope.parameters,
            recipients,
            rcpt_parameters,
            data,
            accepted: false,
        };
        let usual = if too_large {
            Reply::new(552, "5.3.4 message size exceeds fixed limit")
        } else {
            Reply::new(250, &format!("2.0.0 Ok: queued as FAKE{number:04}"))
        };
        let scripted = self.options.answer_at(&Asked {
            step: Step::EndOfData,
            connection: self.connection,
            recipient: None,
            message: Some(&message),
        });
        message.accepted = !too_large
            && match &scripted {
                Some(Answer::Reply(reply)) => reply.is_positive(),
                Some(Answer::Acts(_)) => false,
                Some(Answer::HeldUntil(_)) | None => true,
            };
        // Recorded before the answer: who has the answer finds the record.
        self.seen.received.push(message.clone());
        if let Some(Answer::HeldUntil(gate)) = &scripted {
            gate.passed().await;
        }
        if message.accepted {
            self.seen.accepted.push(message);
        }
        Ok(self.give(scripted, usual).await?.flow)
    }

    /// The mail up to the final dot, and what in it breaks the protocol; none when the client left.
    async fn read_mail(&mut self) -> io::Result<Option<(Vec<u8>, Option<String>)>> {
        let envelope = self.envelope.as_ref().expect("DATA is refused without one");
        let (eight_bit, utf8) = (envelope.eight_bit || envelope.utf8, envelope.utf8);
        let (mut data, mut fault, mut in_header) = (Vec::new(), None, true);
        loop {
            let Some(line) = self.read_raw_line().await? else {
                return Ok(None);
            };
            if line == b".\r\n" {
                return Ok(Some((data, fault)));
            }
            in_header &= line != b"\r\n";
            let found = line_fault(&line, eight_bit, utf8 || !in_header);
            fault = fault.or(found.map(str::to_owned));
            if data.len() <= DATA_LIMIT {
                data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            }
        }
    }
}

/// When a sender is to be told (RFC 3461 4.1), in upper case.
fn is_notify(parameter: &str) -> bool {
    let Some(list) = parameter.strip_prefix("NOTIFY=") else {
        return false;
    };
    let event = |word: &str| matches!(word, "SUCCESS" | "FAILURE" | "DELAY");
    list == "NEVER" || list.split(',').all(event)
}

/// What of a line of a mail breaks RFC 5321 2.3.8, 4.5.3.1.6 or RFC 6152.
fn line_fault(line: &[u8], eight_bit: bool, utf8: bool) -> Option<&'static str> {
    let inner = line.strip_suffix(b"\r\n");
    match inner {
        None => Some("a bare LF in the mail"),
        Some(inner) if inner.contains(&b'\r') => Some("a bare CR in the mail"),
        Some(inner) if inner.contains(&0) => Some("a NUL in the mail"),
        Some(_) if line.len() > LINE_LIMIT => Some("a line of the mail over 1000 octets"),
        Some(inner) if !eight_bit && !inner.is_ascii() => {
            Some("8-bit content without BODY=8BITMIME")
        }
        Some(inner) if !utf8 && !inner.is_ascii() => Some("8-bit header without SMTPUTF8"),
        Some(_) => None,
    }
}
