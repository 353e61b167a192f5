//! Mail: addresses, recipients, the composition of messages, and their reading.
//!
//! [`Addressees`] is what a section says about recipients, [`recipients()`] turns
//! it into addresses, [`Address`] checks one of them, and [`Letter`] writes a
//! whole message, in the form of a `sendmail` program or of SMTP. [`Forward`]
//! writes one around the mail of another program, and [`read`] says what that mail
//! says. The properties that mail targets share are declared here once.
//!
//! This crate delivers nothing: it starts no program and opens no connection.
//!
//! ```
//! use chrono::DateTime;
//! use notify_mail::{Address, Letter};
//!
//! let from: Address = "root".parse().expect("a local part is an address on this host");
//! let to = ["Admin <admin@example.com>".parse().expect("an address")];
//! let letter = Letter {
//!     author: "Proxmox VE",
//!     from: &from,
//!     to: &to,
//!     subject: "Grüße\nBcc: x@example.com".into(),
//!     text: "All is well.\n".into(),
//!     html: "<p>All is well.</p>\n".into(),
//!     date: DateTime::UNIX_EPOCH.fixed_offset(),
//!     message_id: "1.mail@pve1.example.com".into(),
//!     instance: "5a1f".into(),
//! };
//! let message = letter.for_sendmail();
//! assert!(message.contains("\nFrom: \"Proxmox VE\" <root>\nTo: admin@example.com\n"));
//! assert!(!message.contains("\nBcc:"), "a title cannot make a header");
//! ```

mod address;
mod body;
mod cms;
mod daemon;
mod decode;
mod forward;
mod header;
mod html;
mod legal;
mod letter;
mod mime;
mod names;
mod parameters;
mod properties;
mod reading;
mod recipients;
mod tnef;

pub use address::{Address, NotAnAddress};
pub use forward::{Capacity, Forward, Message, has_lone_dot, within};
pub use letter::Letter;
pub use names::{mail_domain, message_id};
pub use properties::{AUTHOR, MAILTO, MAILTO_USER, MAX_MAIL_SIZE, SENDER, SENDER_OR_ROOT, octets};
pub use reading::{Reading, read};
pub use recipients::{Addressees, Recipients, recipients};
