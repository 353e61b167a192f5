//! One SMTP conversation, from the greeting to the end of the connection.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_schema::Secret;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::command;
use super::options::{Answer, Mechanism, Options, Reply, Security, Step};
use super::{Line, Login, Message, Seen};
use crate::act::{Flow, perform};
use crate::wire::Stream;

/// Octets of a line with its CRLF; RFC 5321 4.5.3.1.6.
const LINE_LIMIT: usize = 1000;
/// RFC 4954 4: the line of an AUTH exchange.
const AUTH_LIMIT: usize = 12_288;
/// More than this is not kept in memory.
const DATA_LIMIT: usize = 64 * 1024 * 1024;

/// Speaks with one client until it quits, leaves or is thrown out.
pub(super) async fn serve(
    stream: Stream,
    connection: usize,
    options: Arc<Options>,
    seen: Arc<Seen>,
) -> io::Result<()> {
    let (stream, tls) = match &options.security {
        Security::Implicit(identity) => (identity.accept(stream).await?, true),
        _ => (stream, false),
    };
    let mut session = Session {
        stream: Some(BufReader::new(stream)),
        connection,
        options,
        seen,
        tls,
        ehlo: None,
        login: None,
        envelope: None,
    };
    let greeting = Reply::new(220, "fake.example.com ESMTP");
    if session.answer(Step::Greeting, None, greeting).await?.flow == Flow::Continue {
        while let Some(line) = session.read_command(LINE_LIMIT).await? {
            if session.command(&line).await? == Flow::Over {
                break;
            }
        }
    }
    if let Some(mut stream) = session.stream.take() {
        // Best effort: after a reset there is nothing to shut down.
        let _ = stream.shutdown().await;
    }
    Ok(())
}

struct Envelope {
    sender: String,
    parameters: Vec<String>,
    recipients: Vec<String>,
    eight_bit: bool,
    utf8: bool,
}

struct Session {
    /// None while TLS is negotiated, and after an act has ended the connection.
    stream: Option<BufReader<Stream>>,
    connection: usize,
    options: Arc<Options>,
    seen: Arc<Seen>,
    tls: bool,
    ehlo: Option<String>,
    login: Option<Login>,
    envelope: Option<Envelope>,
}

/// What came of an answer.
struct Answered {
    flow: Flow,
    positive: bool,
}

impl Session {
    async fn command(&mut self, line: &str) -> io::Result<Flow> {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let verb = verb.to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" | "HELO" => self.hello(&verb, argument).await,
            "STARTTLS" => self.starttls(argument).await,
            "AUTH" => self.auth(argument).await,
            "MAIL" => self.mail(argument).await,
            "RCPT" => self.rcpt(argument).await,
            "DATA" => self.data(argument).await,
            "RSET" => {
                self.envelope = None;
                self.say_at(Step::Rset, 250, "2.0.0 Ok").await
            }
            "NOOP" => self.say_at(Step::Noop, 250, "2.0.0 Ok").await,
            "QUIT" => {
                self.say_at(Step::Quit, 221, "2.0.0 Bye").await?;
                Ok(Flow::Over)
            }
            _ => {
                let what = format!("unknown command `{}`", verb.escape_debug());
                self.refuse(500, "5.5.2 unknown command", &what).await
            }
        }
    }

    async fn hello(&mut self, verb: &str, name: &str) -> io::Result<Flow> {
        if verb == "EHLO" && !self.options.ehlo {
            return self
                .say(&Reply::new(502, "5.5.1 not implemented"))
                .await
                .map(|()| Flow::Continue);
        }
        if let Err(why) = command::domain_name(name) {
            let what = format!("{verb} with the name `{}`: {why}", name.escape_debug());
            return self.refuse(501, "5.5.4 bad name", &what).await;
        }
        let text = if verb == "EHLO" {
            self.extensions()
        } else {
            "fake.example.com".to_owned()
        };
        let answered = self
            .answer(Step::Ehlo, None, Reply::new(250, &text))
            .await?;
        if answered.positive {
            self.ehlo = Some(name.to_owned());
            self.envelope = None;
        }
        Ok(answered.flow)
    }

    fn extensions(&self) -> String {
        let options = &self.options;
        let mut lines = vec!["fake.example.com".to_owned()];
        if self.starttls_is_left() {
            lines.push("STARTTLS".to_owned());
        }
        if let Some(limit) = options.size_limit {
            lines.push(format!("SIZE {limit}"));
        }
        if self.auth_is_offered() {
            let names: Vec<_> = options
                .mechanisms
                .iter()
                .map(|known| known.name())
                .collect();
            lines.push(format!("AUTH {}", names.join(" ")));
        }
        if options.eight_bit {
            lines.push("8BITMIME".to_owned());
        }
        if options.smtputf8 {
            lines.push("SMTPUTF8".to_owned());
        }
        lines.push("ENHANCEDSTATUSCODES".to_owned());
        lines.join("\n")
    }

    fn starttls_is_left(&self) -> bool {
        !self.tls && matches!(self.options.security, Security::StartTls(_))
    }

    fn auth_is_offered(&self) -> bool {
        let enough = self.tls || !self.options.auth_only_over_tls;
        !self.options.mechanisms.is_empty() && enough
    }

    async fn starttls(&mut self, argument: &str) -> io::Result<Flow> {
        let Security::StartTls(identity) = &self.options.security else {
            return self
                .refuse(502, "5.5.1 not offered", "STARTTLS that was not offered")
                .await;
        };
        let identity = Arc::clone(identity);
        if self.tls || !argument.is_empty() || self.ehlo.is_none() {
            return self
                .refuse(503, "5.5.1 bad sequence", "STARTTLS out of order")
                .await;
        }
        let ready = Reply::new(220, "2.0.0 Ready to start TLS");
        let answered = self.answer(Step::StartTls, None, ready).await?;
        if answered.flow == Flow::Over || !answered.positive {
            return Ok(answered.flow);
        }
        let stream = self.stream.take().expect("only this function takes it");
        let encrypted = identity.accept(stream.into_inner()).await?;
        self.stream = Some(BufReader::new(encrypted));
        // RFC 3207 4.2: what was said before is forgotten.
        (self.tls, self.ehlo, self.login, self.envelope) = (true, None, None, None);
        Ok(Flow::Continue)
    }

    async fn auth(&mut self, argument: &str) -> io::Result<Flow> {
        if !self.auth_is_offered() {
            return self
                .refuse(502, "5.5.1 not offered", "AUTH that was not offered")
                .await;
        }
        if self.ehlo.is_none() || self.login.is_some() || self.envelope.is_some() {
            return self
                .refuse(503, "5.5.1 bad sequence", "AUTH out of order")
                .await;
        }
        let (name, initial) = argument.split_once(' ').unwrap_or((argument, ""));
        let offered = &self.options.mechanisms;
        let known = offered
            .iter()
            .copied()
            .find(|known| known.name().eq_ignore_ascii_case(name));
        let Some(mechanism) = known else {
            let what = format!("AUTH `{}`, which was not offered", name.escape_debug());
            return self.refuse(504, "5.5.4 unknown mechanism", &what).await;
        };
        let initial = (!initial.is_empty()).then(|| initial.to_owned());
        let given = match mechanism {
            Mechanism::Plain => self.plain(initial).await?,
            Mechanism::Login => self.login(initial).await?,
        };
        let Some((user, password)) = given else {
            return self
                .refuse(
                    501,
                    "5.5.2 cannot read the response",
                    "a broken AUTH exchange",
                )
                .await;
        };
        let expected = self.options.credentials.as_ref();
        let right = expected.is_some_and(|(name, secret)| *name == user && *secret == password);
        let verdict = if right {
            Reply::new(235, "2.7.0 Authentication successful")
        } else {
            Reply::new(535, "5.7.8 Error: authentication failed")
        };
        let answered = self.answer(Step::Auth, None, verdict).await?;
        if answered.positive {
            self.login = Some(Login { mechanism, user });
        }
        Ok(answered.flow)
    }

    async fn plain(&mut self, initial: Option<String>) -> io::Result<Option<(String, Secret)>> {
        let Some(response) = self.response(initial, "").await? else {
            return Ok(None);
        };
        let mut parts = response.splitn(3, '\0');
        let parts = (parts.next(), parts.next(), parts.next());
        Ok(match parts {
            (Some(_), Some(user), Some(password)) => Some((user.to_owned(), password.into())),
            _ => None,
        })
    }

    async fn login(&mut self, initial: Option<String>) -> io::Result<Option<(String, Secret)>> {
        let Some(user) = self.response(initial, "Username:").await? else {
            return Ok(None);
        };
        let password = self.response(None, "Password:").await?;
        Ok(password.map(|password| (user, password.into())))
    }

    /// The client's answer to a question, decoded; `initial` is one that came with AUTH.
    async fn response(
        &mut self,
        initial: Option<String>,
        question: &str,
    ) -> io::Result<Option<String>> {
        let encoded = match initial {
            Some(encoded) => encoded,
            None => {
                self.say(&Reply::new(334, &STANDARD.encode(question)))
                    .await?;
                match self.read_line(AUTH_LIMIT).await? {
                    Some(line) => {
                        self.log(true, "***");
                        line
                    }
                    None => return Ok(None),
                }
            }
        };
        // RFC 4954 4: `=` is an empty initial response, `*` a cancelled exchange.
        let encoded = if encoded == "=" {
            String::new()
        } else {
            encoded
        };
        let bytes = STANDARD.decode(encoded).ok();
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    async fn mail(&mut self, argument: &str) -> io::Result<Flow> {
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

    async fn rcpt(&mut self, argument: &str) -> io::Result<Flow> {
        let Some(utf8) = self.envelope.as_ref().map(|envelope| envelope.utf8) else {
            return self
                .refuse(503, "5.5.1 bad sequence", "RCPT out of order")
                .await;
        };
        let path = command::path(argument, "TO").and_then(|path| {
            if path.address.is_empty() || !path.parameters.is_empty() {
                return Err("an address and no parameters are expected".to_owned());
            }
            if !path.address.is_ascii() && !utf8 {
                return Err("a non-ASCII recipient without SMTPUTF8".to_owned());
            }
            Ok(path)
        });
        let recipient = match path {
            Ok(path) => path.address,
            Err(why) => {
                let what = format!("RCPT {}: {why}", argument.escape_debug());
                return self.refuse(501, "5.1.3 bad recipient", &what).await;
            }
        };
        let yes = Reply::new(250, "2.1.5 Ok");
        let answered = self.answer(Step::Rcpt, Some(&recipient), yes).await?;
        if answered.positive
            && let Some(envelope) = &mut self.envelope
        {
            envelope.recipients.push(recipient);
        }
        Ok(answered.flow)
    }

    async fn data(&mut self, argument: &str) -> io::Result<Flow> {
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
        let mut message = Message {
            connection: self.connection,
            ehlo: self.ehlo.clone().unwrap_or_default(),
            tls: self.tls,
            login: self.login.clone(),
            sender: envelope.sender,
            parameters: envelope.parameters,
            recipients: envelope.recipients,
            data,
            accepted: false,
        };
        let usual = if too_large {
            Reply::new(552, "5.3.4 message size exceeds fixed limit")
        } else {
            Reply::new(250, &format!("2.0.0 Ok: queued as FAKE{number:04}"))
        };
        let scripted = self.options.answer_at(Step::EndOfData, None);
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

    /// Answers at a step: as was told, or as usual.
    async fn answer(
        &mut self,
        step: Step,
        recipient: Option<&str>,
        usual: Reply,
    ) -> io::Result<Answered> {
        let scripted = self.options.answer_at(step, recipient);
        if let Some(Answer::HeldUntil(gate)) = &scripted {
            gate.passed().await;
        }
        self.give(scripted, usual).await
    }

    async fn give(&mut self, scripted: Option<Answer>, usual: Reply) -> io::Result<Answered> {
        let reply = match scripted {
            Some(Answer::Acts(acts)) => {
                self.log(false, "(acts)");
                let flow = perform(&acts, self.stream()).await?;
                if flow == Flow::Over {
                    // An act has ended it; an orderly close would soften a reset.
                    self.stream = None;
                }
                return Ok(Answered {
                    flow,
                    positive: false,
                });
            }
            Some(Answer::Reply(reply)) => reply,
            Some(Answer::HeldUntil(_)) | None => usual,
        };
        self.say(&reply).await?;
        let flow = if reply.code == 421 {
            Flow::Over
        } else {
            Flow::Continue
        };
        Ok(Answered {
            flow,
            positive: reply.is_positive(),
        })
    }

    async fn say_at(&mut self, step: Step, code: u16, text: &str) -> io::Result<Flow> {
        Ok(self.answer(step, None, Reply::new(code, text)).await?.flow)
    }

    /// Answers a violation and keeps a note of it.
    async fn refuse(&mut self, code: u16, text: &str, what: &str) -> io::Result<Flow> {
        self.violation(what);
        self.say(&Reply::new(code, text)).await?;
        Ok(Flow::Continue)
    }

    fn violation(&self, what: &str) {
        let note = format!("connection {}: {what}", self.connection);
        self.seen.violations.push(note);
    }

    async fn say(&mut self, reply: &Reply) -> io::Result<()> {
        for line in &reply.lines {
            self.log(false, &format!("{} {line}", reply.code));
        }
        let bytes = reply.to_wire();
        let stream = self.stream();
        stream.write_all(&bytes).await?;
        stream.flush().await
    }

    /// One command; violations of the line's form are answered here.
    async fn read_command(&mut self, limit: usize) -> io::Result<Option<String>> {
        loop {
            let Some(line) = self.read_line(limit).await? else {
                return Ok(None);
            };
            self.log(true, &discreet(&line));
            if self.stream().buffer().is_empty() {
                return Ok(Some(line));
            }
            // RFC 2920: only after PIPELINING was offered; after STARTTLS it would be an injection.
            self.violation("a command before the answer to the one before");
            self.say(&Reply::new(503, "5.5.1 wait for the answer"))
                .await?;
        }
    }

    /// A line of text without its end; a broken one is answered with 500 and skipped.
    async fn read_line(&mut self, limit: usize) -> io::Result<Option<String>> {
        loop {
            let Some(line) = self.read_raw_line().await? else {
                return Ok(None);
            };
            let limit = if line.len() >= 4 && line[..4].eq_ignore_ascii_case(b"AUTH") {
                AUTH_LIMIT
            } else {
                limit
            };
            let fault = match line.strip_suffix(b"\r\n") {
                None => "a bare LF",
                Some(inner) if inner.contains(&b'\r') || inner.contains(&0) => "a bare CR or a NUL",
                Some(_) if line.len() > limit => "a line that is too long",
                Some(inner) => match std::str::from_utf8(inner) {
                    Ok(text) => return Ok(Some(text.to_owned())),
                    Err(_) => "bytes that are not UTF-8",
                },
            };
            self.refuse(500, "5.5.2 bad line", &format!("{fault} in a command"))
                .await?;
        }
    }

    /// A line with its end, whatever it is; none at the end of the connection.
    async fn read_raw_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.stream().read_until(b'\n', &mut line).await?;
        Ok(line.ends_with(b"\n").then_some(line))
    }

    fn stream(&mut self) -> &mut BufReader<Stream> {
        self.stream
            .as_mut()
            .expect("nothing is read or said after the end")
    }

    fn log(&self, from_client: bool, text: &str) {
        self.seen.lines.push(Line {
            connection: self.connection,
            from_client,
            text: text.to_owned(),
        });
    }
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

/// A command for the transcript: an initial response of AUTH is stars.
fn discreet(line: &str) -> String {
    let mut words = line.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some(verb), Some(mechanism), Some(_)) if verb.eq_ignore_ascii_case("AUTH") => {
            format!("{verb} {mechanism} ***")
        }
        _ => line.to_owned(),
    }
}
