//! What is handed over.

use notify_api::ApiError;
use notify_api::client::Client;
use notify_api::protocol::{Accepted, LegacyRequest, MailRequest, SendRequest};
use notify_core::{EventId, LegacyMail, Notification};
use notify_drop::Arrival;

/// An event on its way to a daemon, in one of three forms.
#[derive(Debug)]
pub(crate) enum Parcel<'a> {
    /// Through the matchers.
    Event(&'a Notification),
    /// Past them, to these addresses.
    Legacy(&'a LegacyMail, &'a Notification),
    /// A mail for root.
    Mail {
        id: EventId,
        raw: &'a [u8],
        arrival: Arrival,
    },
}

impl Parcel<'_> {
    pub(super) fn id(&self) -> EventId {
        match self {
            Parcel::Event(event) | Parcel::Legacy(_, event) => event.id,
            Parcel::Mail { id, .. } => *id,
        }
    }

    /// To a daemon.
    pub(super) fn send(&self, client: &mut Client) -> Result<Accepted, ApiError> {
        match self {
            Parcel::Event(event) => client.send(request(event)),
            Parcel::Legacy(mail, event) => client.legacy(LegacyRequest {
                recipients: mail.recipients.clone(),
                author: mail.author.clone(),
                event: request(event),
            }),
            Parcel::Mail { id, raw, arrival } => {
                let request = MailRequest {
                    bytes: raw.len() as u64,
                    cut: arrival.cut,
                    id: Some(id.to_string()),
                    timestamp: Some(arrival.timestamp),
                };
                client.mail(request, raw)
            }
        }
    }
}

/// An event of this program is no mail: mails go as such.
fn request(event: &Notification) -> SendRequest {
    SendRequest::of(event).unwrap_or_default()
}
