//! What a section says, in types.

use notify_core::LegacyMail;
use notify_mail::{AUTHOR, Address, Addressees, MAX_MAIL_SIZE, SENDER_OR_ROOT, octets};
use notify_schema::{Fault, Fields, Position, SectionName};

/// A usable section of the type `sendmail`, or a legacy mail in its place.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who gets the mail.
    pub addressees: Addressees,
    /// Name of the sender.
    pub author: String,
    /// Address of the sender; without it the host's is used.
    pub from: Option<Address>,
    /// The largest mail in octets that is forwarded whole; none when there is no limit.
    pub max_mail_size: Option<usize>,
    /// The section, for faults that are found later than it is checked.
    header: Position,
    section: SectionName,
}

impl Config {
    /// Reads a checked section. The schema leaves nothing to find fault with.
    pub fn from_fields(fields: &Fields) -> Self {
        Config {
            addressees: Addressees::of(fields),
            author: fields.text(AUTHOR.name).unwrap_or_default().to_owned(),
            from: fields
                .text(SENDER_OR_ROOT.name)
                .and_then(|text| text.parse().ok()),
            max_mail_size: fields
                .text(MAX_MAIL_SIZE.name)
                .and_then(|text| octets(text).ok()),
            header: fields.header(),
            section: fields.label(),
        }
    }

    /// What the legacy mail of a backup job needs, from the host's sender. It has no section.
    pub fn of_legacy(mail: LegacyMail) -> Self {
        Config {
            addressees: Addressees::of_addresses(mail.recipients),
            author: mail.author,
            from: None,
            max_mail_size: None,
            header: Position::NOWHERE,
            section: SectionName::unnamed("sendmail"),
        }
    }

    /// A fault of the section as a whole.
    pub(crate) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::error(self.header, message).in_section(self.section.clone())
    }
}
