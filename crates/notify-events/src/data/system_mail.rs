//! `system-mail`: a daemon wrote to root.

use notify_core::{Content, ForwardedMail, Severity};

use crate::event::{Circumstances, Event, fields};
use crate::kind::{EventKind, FieldDoc};

/// A daemon wrote to root.
pub static SYSTEM_MAIL: EventKind = EventKind {
    name: "system-mail",
    title: "Mail for root",
    doc: "Sent for each mail that a program of this machine writes to root, as smartd and cron do. \
          It has no data: the mail itself is passed on.",
    severities: &[Severity::Unknown],
    fields: &[
        FieldDoc::TYPE,
        FieldDoc::HOSTNAME,
        FieldDoc::sometimes("mail-from", "Who wrote it, where that is certain."),
        FieldDoc::sometimes("mail-to", "To whom it was written, where that is certain."),
        FieldDoc::sometimes(
            "daemon",
            "The program that wrote it, where that is certain.",
        ),
    ],
    data: None,
};

/// A mail for root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemMail {
    /// The mail.
    pub mail: ForwardedMail,
}

impl SystemMail {
    /// The event that it makes.
    pub fn event(self, circumstances: &Circumstances<'_>) -> Event {
        Event {
            severity: Severity::Unknown,
            fields: fields("system-mail", circumstances.hostname.to_owned(), []),
            content: Content::Mail(self.mail),
        }
    }
}
