//! What a section says, in types.

use notify_mail::{AUTHOR, Address, Addressees, SENDER_OR_ROOT};
use notify_schema::{Fault, Fields, Position, SectionName};

/// A usable section of the type `sendmail`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who gets the mail.
    pub addressees: Addressees,
    /// Name of the sender.
    pub author: String,
    /// Address of the sender; without it the host's is used.
    pub from: Option<Address>,
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
            header: fields.header(),
            section: fields.label(),
        }
    }

    /// A fault of the section as a whole.
    pub(crate) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::error(self.header, message).in_section(self.section.clone())
    }
}
