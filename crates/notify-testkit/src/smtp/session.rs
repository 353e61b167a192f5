//! One SMTP conversation, from the greeting to the end of the connection.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::options::{Answer, Asked, Options, Reply, Security, Step};
use super::transaction::Envelope;
use super::{Line, Login, Seen, auth, command, transaction};
use crate::act::{Flow, close, perform};
use crate::wire::Stream;

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
        while let Some(line) = session.read_command(transaction::LINE_LIMIT).await? {
            if session.command(&line).await? == Flow::Over {
                break;
            }
        }
    }
    if let Some(mut stream) = session.stream.take() {
        close(&mut stream).await;
    }
    Ok(())
}

/// The state of a conversation.
pub(super) struct Session {
    /// None while TLS is negotiated, and after an act has ended the connection.
    stream: Option<BufReader<Stream>>,
    pub(super) connection: usize,
    pub(super) options: Arc<Options>,
    pub(super) seen: Arc<Seen>,
    pub(super) tls: bool,
    pub(super) ehlo: Option<String>,
    pub(super) login: Option<Login>,
    pub(super) envelope: Option<Envelope>,
}

/// What came of an answer.
pub(super) struct Answered {
    pub(super) flow: Flow,
    pub(super) positive: bool,
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
        if options.dsn {
            lines.push("DSN".to_owned());
        }
        lines.push("ENHANCEDSTATUSCODES".to_owned());
        lines.join("\n")
    }

    pub(super) fn starttls_is_left(&self) -> bool {
        !self.tls && matches!(self.options.security, Security::StartTls(_))
    }

    pub(super) fn auth_is_offered(&self) -> bool {
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

    /// Answers at a step: as was told, or as usual.
    pub(super) async fn answer(
        &mut self,
        step: Step,
        recipient: Option<&str>,
        usual: Reply,
    ) -> io::Result<Answered> {
        let asked = Asked {
            step,
            connection: self.connection,
            recipient,
            message: None,
        };
        let scripted = self.options.answer_at(&asked);
        if let Some(Answer::HeldUntil(gate)) = &scripted {
            gate.passed().await;
        }
        self.give(scripted, usual).await
    }

    pub(super) async fn give(
        &mut self,
        scripted: Option<Answer>,
        usual: Reply,
    ) -> io::Result<Answered> {
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
    pub(super) async fn refuse(&mut self, code: u16, text: &str, what: &str) -> io::Result<Flow> {
        self.violation(what);
        self.say(&Reply::new(code, text)).await?;
        Ok(Flow::Continue)
    }

    fn violation(&self, what: &str) {
        let note = format!("connection {}: {what}", self.connection);
        self.seen.violations.push(note);
    }

    pub(super) async fn say(&mut self, reply: &Reply) -> io::Result<()> {
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
    pub(super) async fn read_line(&mut self, limit: usize) -> io::Result<Option<String>> {
        loop {
            let Some(line) = self.read_raw_line().await? else {
                return Ok(None);
            };
            let limit = if line.len() >= 4 && line[..4].eq_ignore_ascii_case(b"AUTH") {
                auth::LINE_LIMIT
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
    pub(super) async fn read_raw_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.stream().read_until(b'\n', &mut line).await?;
        Ok(line.ends_with(b"\n").then_some(line))
    }

    fn stream(&mut self) -> &mut BufReader<Stream> {
        self.stream
            .as_mut()
            .expect("nothing is read or said after the end")
    }

    pub(super) fn log(&self, from_client: bool, text: &str) {
        self.seen.lines.push(Line {
            connection: self.connection,
            from_client,
            text: text.to_owned(),
        });
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
