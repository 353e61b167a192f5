//! The target type `sendmail`: a mail through the system's `sendmail` program.
//!
//! - `config.rs`: a checked section becomes a [`Config`].
//! - `request.rs`: a notification becomes a command line and a mail. Pure.
//! - `program.rs`: a program is run, fed and, if need be, killed with all its children.
//! - `status.rs`: what each exit status means.
//! - `deliver.rs`: the mail is handed over, and the ending becomes a receipt or a failure.
//!
//! ```
//! use notify_core::Registry;
//! use notify_schema::{Position, RawProperty, Source};
//!
//! let sendmail = Registry::of([&target_sendmail::SENDMAIL]).expect("one type").target("sendmail").expect("this one");
//! let at = Position::new(Source::Public, 2, 2);
//! let checked = sendmail.schema().check("ops", at, &[RawProperty::new("mailto", "admin@example.com", at)]);
//! assert!((sendmail.build)(&checked.fields.expect("nothing else is required")).is_ok());
//! ```

mod config;
mod deliver;
mod program;
mod request;
mod status;

use std::sync::Arc;

use notify_core::{LegacyMail, Target, TargetType};
use notify_mail::{AUTHOR, MAILTO, MAILTO_USER, MAX_MAIL_SIZE, SENDER_OR_ROOT};
use notify_schema::{Builtin, Fault, Fields};

pub use config::Config;
pub use deliver::Sendmail;
pub use request::{Request, request};

/// The section that exists without a file (pve-manager's default configuration).
static MAIL_TO_ROOT: Builtin = Builtin {
    name: "mail-to-root",
    properties: &[
        ("comment", "Send mails to root@pam's email address"),
        ("mailto-user", "root@pam"),
    ],
};

/// The type `sendmail`.
pub static SENDMAIL: TargetType = TargetType::new("sendmail", "Sendmail", build)
    .properties(&[
        &MAILTO,
        &MAILTO_USER,
        &AUTHOR,
        &SENDER_OR_ROOT,
        &MAX_MAIL_SIZE,
    ])
    .takes_mails()
    .builtins(&[MAIL_TO_ROOT])
    .ignored(&["filter"])
    .at_least_one(&["mailto", "mailto-user"])
    .legacy(legacy)
    .manual(include_str!("../manual.md"));

notify_core::register_target!(SENDMAIL);

fn build(fields: &Fields) -> Result<Arc<dyn Target>, Vec<Fault>> {
    Ok(Arc::new(Sendmail::new(Config::from_fields(fields))))
}

fn legacy(mail: LegacyMail) -> Arc<dyn Target> {
    Arc::new(Sendmail::new(Config::of_legacy(mail)))
}
