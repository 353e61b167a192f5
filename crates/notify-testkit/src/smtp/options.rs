//! What an SMTP server offers, and where it departs from a plain "yes".

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify_schema::Secret;

use super::Message;
use crate::act::Act;
use crate::wire::{Gate, Upgrade};

/// A mechanism of AUTH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Two questions, as draft-murchison-sasl-login describes.
    Login,
}

impl Mechanism {
    /// `PLAIN` or `LOGIN`.
    pub const fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
        }
    }
}

/// A point of the conversation at which the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The first line, before the client has said anything.
    Greeting,
    /// EHLO or HELO.
    Ehlo,
    /// STARTTLS.
    StartTls,
    /// The verdict on credentials.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA, before the mail.
    Data,
    /// The final dot.
    EndOfData,
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// QUIT.
    Quit,
}

/// An SMTP reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The text of each line.
    pub lines: Vec<String>,
}

impl Reply {
    /// A reply; each line of `text` becomes one of the reply's.
    pub fn new(code: u16, text: &str) -> Self {
        Reply {
            code,
            lines: text.split('\n').map(str::to_owned).collect(),
        }
    }

    pub(super) fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    pub(super) fn to_wire(&self) -> Vec<u8> {
        let last = self.lines.len().saturating_sub(1);
        let mut out = String::new();
        for (index, line) in self.lines.iter().enumerate() {
            let dash = if index == last { ' ' } else { '-' };
            out.push_str(&format!("{}{dash}{line}\r\n", self.code));
        }
        out.into_bytes()
    }
}

/// What the server does at a step instead of its usual answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Says this. After a 421 it closes the connection (RFC 5321 3.8).
    Reply(Reply),
    /// Does this; goes on with the session unless an act ends it. The usual answer is not sent.
    Acts(Vec<Act>),
    /// Waits for the gate, then answers as usual.
    HeldUntil(Gate),
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Answer::Reply(reply)
    }
}

impl From<(u16, &str)> for Answer {
    fn from((code, text): (u16, &str)) -> Self {
        Answer::Reply(Reply::new(code, text))
    }
}

impl From<Act> for Answer {
    fn from(act: Act) -> Self {
        Answer::Acts(vec![act])
    }
}

impl From<Vec<Act>> for Answer {
    fn from(acts: Vec<Act>) -> Self {
        Answer::Acts(acts)
    }
}

impl From<Gate> for Answer {
    fn from(gate: Gate) -> Self {
        Answer::HeldUntil(gate)
    }
}

/// What the server is about to answer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// Where in the conversation.
    pub step: Step,
    /// The number of the connection, from 1.
    pub connection: usize,
    /// At [`Step::Rcpt`]: the recipient.
    pub recipient: Option<&'a str>,
    /// At [`Step::EndOfData`]: the mail, as it would be accepted.
    pub message: Option<&'a Message>,
}

type Judge = Box<dyn Fn(&Asked<'_>) -> Option<Answer> + Send + Sync>;

#[derive(Clone, Debug)]
struct Rule {
    step: Step,
    recipient: Option<String>,
    /// How often it still holds; none means for ever.
    left: Option<usize>,
    answer: Answer,
}

#[derive(Clone)]
pub(super) enum Security {
    Plain,
    StartTls(Arc<dyn Upgrade>),
    Implicit(Arc<dyn Upgrade>),
}

/// How an SMTP server behaves.
pub struct Options {
    pub(super) security: Security,
    pub(super) mechanisms: Vec<Mechanism>,
    pub(super) credentials: Option<(String, Secret)>,
    pub(super) auth_only_over_tls: bool,
    pub(super) eight_bit: bool,
    pub(super) smtputf8: bool,
    pub(super) size_limit: Option<usize>,
    pub(super) dsn: bool,
    pub(super) ehlo: bool,
    judge: Option<Judge>,
    rules: Mutex<Vec<Rule>>,
}

impl Options {
    /// No TLS, no AUTH; 8BITMIME, SMTPUTF8 and SIZE offered; everyone may send to anyone.
    pub fn plain() -> Self {
        Options {
            security: Security::Plain,
            mechanisms: Vec::new(),
            credentials: None,
            auth_only_over_tls: false,
            eight_bit: true,
            smtputf8: true,
            size_limit: Some(10 * 1024 * 1024),
            dsn: false,
            ehlo: true,
            judge: None,
            rules: Mutex::default(),
        }
    }

    /// STARTTLS offered, with this certificate. Mail without it is refused with 530.
    pub fn starttls(identity: impl Upgrade + 'static) -> Self {
        Options {
            security: Security::StartTls(Arc::new(identity)),
            ..Options::plain()
        }
    }

    /// TLS from the first byte, with this certificate.
    pub fn implicit_tls(identity: impl Upgrade + 'static) -> Self {
        Options {
            security: Security::Implicit(Arc::new(identity)),
            ..Options::plain()
        }
    }

    /// AUTH offered with these mechanisms; mail without it is refused with 530,
    /// other credentials than these with 535.
    #[must_use]
    pub fn auth(mut self, mechanisms: &[Mechanism], user: &str, password: &str) -> Self {
        self.mechanisms = mechanisms.to_vec();
        self.credentials = Some((user.to_owned(), Secret::new(password)));
        self
    }

    /// AUTH is offered only over TLS.
    #[must_use]
    pub fn auth_only_over_tls(mut self) -> Self {
        self.auth_only_over_tls = true;
        self
    }

    /// Without 8BITMIME (RFC 6152); SMTPUTF8 goes with it.
    #[must_use]
    pub fn without_8bitmime(mut self) -> Self {
        (self.eight_bit, self.smtputf8) = (false, false);
        self
    }

    /// Without SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn without_smtputf8(mut self) -> Self {
        self.smtputf8 = false;
        self
    }

    /// With this SIZE in bytes (RFC 1870); a larger mail is refused with 552. None: SIZE is not offered.
    #[must_use]
    pub fn size(mut self, limit: Option<usize>) -> Self {
        self.size_limit = limit;
        self
    }

    /// With DSN (RFC 3461).
    #[must_use]
    pub fn dsn(mut self) -> Self {
        self.dsn = true;
        self
    }

    /// A server that knows only HELO.
    #[must_use]
    pub fn without_ehlo(mut self) -> Self {
        self.ehlo = false;
        self
    }

    /// Answers so at a step, always. The first answer given for a step counts.
    #[must_use]
    pub fn at(self, step: Step, answer: impl Into<Answer>) -> Self {
        self.add(step, None, None, answer.into());
        self
    }

    /// Answers so at a step, this many times; then the next answer given for it counts, or the usual one.
    #[must_use]
    pub fn at_first(self, times: usize, step: Step, answer: impl Into<Answer>) -> Self {
        self.add(step, None, Some(times), answer.into());
        self
    }

    /// Answers so to this recipient.
    #[must_use]
    pub fn to_recipient(self, recipient: &str, answer: impl Into<Answer>) -> Self {
        self.add(Step::Rcpt, Some(recipient), None, answer.into());
        self
    }

    /// Asks this at every step first; where it says nothing, the answers given for the step count.
    #[must_use]
    pub fn judged(
        mut self,
        judge: impl Fn(&Asked<'_>) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        self.judge = Some(Box::new(judge));
        self
    }

    pub(super) fn add(
        &self,
        step: Step,
        recipient: Option<&str>,
        left: Option<usize>,
        answer: Answer,
    ) {
        self.rules().push(Rule {
            step,
            recipient: recipient.map(str::to_owned),
            left,
            answer,
        });
    }

    pub(super) fn forget(&self, step: Step) {
        self.rules().retain(|rule| rule.step != step);
    }

    /// The answer that was given for this step, counted as used.
    pub(super) fn answer_at(&self, asked: &Asked<'_>) -> Option<Answer> {
        if let Some(answer) = self.judge.as_ref().and_then(|judge| judge(asked)) {
            return Some(answer);
        }
        let Asked {
            step, recipient, ..
        } = *asked;
        let mut rules = self.rules();
        let rule = rules.iter_mut().find(|rule| {
            rule.step == step
                && rule.left != Some(0)
                && (rule.recipient.is_none() || rule.recipient.as_deref() == recipient)
        })?;
        rule.left = rule.left.map(|left| left - 1);
        Some(rule.answer.clone())
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let security = match self.security {
            Security::Plain => "plain",
            Security::StartTls(_) => "starttls",
            Security::Implicit(_) => "implicit tls",
        };
        f.debug_struct("Options")
            .field("security", &security)
            .field("mechanisms", &self.mechanisms)
            .field("rules", &self.rules())
            .finish_non_exhaustive()
    }
}
