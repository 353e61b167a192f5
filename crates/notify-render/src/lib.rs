//! Turns an event's template and data into subject, text and HTML.
//!
//! A template is looked for in a folder of overrides, then in a vendor's
//! folder, then among those that are linked into the program
//! ([`notify_core::TemplateSet`]). A candidate that is missing or faulty is
//! passed over, and the fault is kept for whoever logs. The language is
//! Handlebars, with the helpers of Proxmox VE: `human-bytes`, `duration`,
//! `timestamp`, `relative-percentage`, `object` and `table`, and `html-page`,
//! the look of our own mails.
//!
//! This crate knows no kind of event, only `message` for whoever has words, sends nothing and
//! reads no file but templates. The zone of `timestamp` is an argument.
//!
//! ```
//! use notify_core::{Message as _, Zone};
//! use notify_render::Templates;
//! use serde_json::json;
//!
//! let templates = Templates::linked();
//! let data = json!({"title": "Disk\nfull", "text": "/var is at 100 % & counting"});
//! let message = templates.message("message", data, Zone::Local);
//! assert_eq!(message.subject().expect("the template is built in"), "Disk full");
//! assert!(message.html().expect("as the subject").contains("100 % &amp; counting"));
//! assert!(message.faults().is_empty());
//! ```

mod builtin;
mod compiled;
mod cut;
mod document;
mod escape;
mod folder;
mod lint;
mod nesting;
mod object;
mod page;
mod part;
mod rendered;
mod shelf;
mod shorten;
mod table;
mod templates;
mod texts;
mod values;
mod variables;
mod verbatim;
mod vocabulary;

pub use part::Part;
pub use rendered::Rendered;
pub use templates::Templates;
pub use texts::{Shortened, Texts};
pub use variables::with_common_variables;
pub use verbatim::Verbatim;
