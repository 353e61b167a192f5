//! A whole message.

use std::borrow::Cow;

use chrono::{DateTime, FixedOffset, Utc};
use notify_core::{Attempt, Failure};

use crate::body::{Encoded, boundary, encode};
use crate::header::{addresses, name_and_address, plain, single_line, unstructured};
use crate::{Address, message_id};

/// What a mail says, to whom, and from whom.
///
/// No text in it can make a header, end the message early or make a line of
/// more than 998 octets.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    /// Name of the sender.
    pub author: &'a str,
    /// Address of the sender.
    pub from: &'a Address,
    /// All recipients, who are shown to each other.
    pub to: &'a [Address],
    /// One line; line breaks in it become blanks.
    pub subject: Cow<'a, str>,
    /// Plain text.
    pub text: Cow<'a, str>,
    /// A whole HTML document.
    pub html: Cow<'a, str>,
    /// When it was written, in the zone of the host.
    pub date: DateTime<FixedOffset>,
    /// Without angle brackets, as [`message_id`] makes it.
    pub message_id: String,
    /// The installation that sends, for the detection of loops.
    pub instance: String,
}

impl<'a> Letter<'a> {
    /// The mail of one attempt: the same, but for its date, for each attempt at a delivery.
    ///
    /// # Errors
    /// What the rendering of the message says.
    pub fn of(
        attempt: &Attempt<'a>,
        author: &'a str,
        from: &'a Address,
        to: &'a [Address],
    ) -> Result<Self, Failure> {
        Ok(Letter {
            author,
            from,
            to,
            subject: attempt.message.subject()?,
            text: attempt.message.text()?,
            html: attempt.message.html()?,
            date: attempt.now,
            message_id: message_id(attempt.key, attempt.host),
            instance: attempt.host.instance().to_owned(),
        })
    }

    /// For the standard input of a `sendmail` program: LF line ends, local time.
    ///
    /// Headers in the order of pve-manager's mails, ours after them.
    pub fn for_sendmail(&self) -> String {
        let parts = Parts::of(self);
        let date = self.date.format(DATE).to_string();
        let headers = [
            format!(
                "Content-Type: multipart/alternative;\n\tboundary=\"{}\"\n",
                parts.boundary
            ),
            plain("MIME-Version", "1.0"),
            unstructured("Subject", &self.subject),
            self.sender(),
            self.recipients(),
            plain("Date", &date),
            self.marks(),
        ];
        let preamble = "This is a multi-part message in MIME format.\n";
        format!("{}\n{preamble}{}", headers.concat(), parts.written())
    }

    /// For the DATA of SMTP: CRLF line ends, UTC. It ends with CRLF; dots are not doubled.
    ///
    /// Headers in the order of Proxmox VE's SMTP mails, ours after them.
    pub fn for_smtp(&self) -> String {
        let parts = Parts::of(self);
        let date = self.date.with_timezone(&Utc).format(DATE).to_string();
        let headers = [
            self.sender(),
            self.recipients(),
            unstructured("Subject", &self.subject),
            plain("MIME-Version", "1.0"),
            plain("Date", &date),
            self.marks(),
            format!(
                "Content-Type: multipart/alternative;\n boundary=\"{}\"\n",
                parts.boundary
            ),
        ];
        format!("{}\n{}", headers.concat(), parts.written()).replace('\n', "\r\n")
    }

    fn sender(&self) -> String {
        name_and_address("From", self.author, &self.from.to_string())
    }

    fn recipients(&self) -> String {
        let to: Vec<String> = self.to.iter().map(ToString::to_string).collect();
        addresses("To", &to)
    }

    fn marks(&self) -> String {
        marks(&self.message_id, [self.instance.as_str()])
    }
}

/// What tells other programs that a program wrote this, and which installations it came through.
pub(crate) fn marks<'a>(message_id: &str, instances: impl IntoIterator<Item = &'a str>) -> String {
    let mut marks = [
        plain("Auto-Submitted", "auto-generated"),
        plain("Message-ID", &format!("<{}>", single_line(message_id))),
    ]
    .concat();
    for instance in instances {
        let word =
            |character: &char| character.is_ascii_alphanumeric() || "-._".contains(*character);
        let id: String = instance.chars().filter(word).take(64).collect();
        marks.push_str(&plain("X-Notify-Loop", &id));
    }
    marks
}

/// RFC 5322 3.3.
pub(crate) const DATE: &str = "%a, %d %b %Y %H:%M:%S %z";

/// Both forms of the content.
struct Parts {
    text: Encoded,
    html: Encoded,
    boundary: String,
}

impl Parts {
    fn of(letter: &Letter<'_>) -> Self {
        let (text, html) = (encode(&letter.text), encode(&letter.html));
        let boundary = boundary(&letter.message_id, &[&text, &html]);
        Parts {
            text,
            html,
            boundary,
        }
    }

    /// The line break before a boundary belongs to the boundary (RFC 2046 5.1.1).
    fn written(&self) -> String {
        let Parts {
            text,
            html,
            boundary,
        } = self;
        let part = |kind: &str, part: &Encoded| {
            format!(
                "--{boundary}\nContent-Type: text/{kind}; charset=\"UTF-8\"\nContent-Transfer-Encoding: {}\n\n{}\n",
                part.name, part.text
            )
        };
        format!(
            "{}{}--{boundary}--\n",
            part("plain", text),
            part("html", html)
        )
    }
}
