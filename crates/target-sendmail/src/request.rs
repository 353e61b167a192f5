//! A notification as a command line and a mail.

use std::sync::Arc;

use notify_core::{
    Attempt, Content, Failure, ForwardedMail, Host, Notification, RecipientError, check_recipient,
};
use notify_mail::{Address, Letter, has_lone_dot, within};

use crate::Config;

/// What the program gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The arguments, as Proxmox VE gives them.
    pub arguments: Vec<String>,
    /// The standard input.
    pub message: Arc<[u8]>,
    /// Recipients that cannot be handed over, and why.
    pub refused: Vec<(String, RecipientError)>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// The command line and the mail of one attempt.
///
/// The mail of another program is handed over byte for byte, unless it is larger
/// than the section allows.
///
/// A recipient that is no address by our reading is handed over as it is
/// written, because a `sendmail` program may read more into it, as a list of
/// addresses; in `To` it is not shown, and a warning tells of it.
///
/// # Errors
/// `Misconfigured` when nobody would get the mail, and what rendering says.
pub fn request(
    config: &Config,
    notification: &Notification,
    attempt: &Attempt<'_>,
) -> Result<Request, Failure> {
    let recipients = config.addressees.on(attempt.host)?;
    let chosen = recipients.chosen(attempt.recipients)?;
    let mut passable = Vec::new();
    let mut refused = Vec::new();
    for text in chosen {
        match check_recipient(text) {
            Ok(()) => passable.push(text),
            Err(error) => refused.push((text.to_owned(), error)),
        }
    }
    if passable.is_empty() {
        let reasons: Vec<_> = refused.iter().map(|(_, error)| error.to_string()).collect();
        let reasons = reasons.join(", ");
        return Err(Failure::misconfigured(format!(
            "no recipient can be handed over: {reasons}"
        )));
    }
    let unread: Vec<String> = passable.iter().filter_map(|text| as_it_is(text)).collect();
    let (from, warning) = sender(config, attempt.host);
    let mail = match &notification.content {
        Content::Mail(mail) => forwarded(config, mail),
        _ => {
            let shown: Vec<Address> = recipients
                .addresses
                .iter()
                .filter_map(|text| text.parse().ok())
                .collect();
            composed(&Letter::of(attempt, &config.author, &from, &shown)?)
        }
    };
    let mut arguments = mail.options;
    arguments.extend(["-f".to_owned(), from.to_string(), "--".to_owned()]);
    arguments.extend(passable.into_iter().map(as_argument));
    Ok(Request {
        arguments,
        message: mail.message,
        refused,
        warnings: recipients
            .warnings
            .into_iter()
            .chain(unread)
            .chain(warning)
            .chain(mail.warnings)
            .collect(),
    })
}

/// A mail, and what the program must be told about it.
struct Mail {
    options: Vec<String>,
    message: Arc<[u8]>,
    warnings: Vec<String>,
}

/// As Proxmox VE calls the program.
fn composed(letter: &Letter<'_>) -> Mail {
    Mail {
        options: ["-B", "8BITMIME"].map(str::to_owned).into(),
        message: letter.for_sendmail().into_bytes().into(),
        warnings: Vec::new(),
    }
}

/// As Proxmox VE calls it, without reports about the mail's delivery: they would come here again.
///
/// `-i` only where it is needed: without it Postfix's program takes a line of one
/// dot for the end of the mail, and what follows is lost.
fn forwarded(config: &Config, mail: &ForwardedMail) -> Mail {
    let (message, warnings) = match within(mail, config.max_mail_size) {
        Some(shorter) => (shorter.bytes.into(), shorter.warnings),
        None => (Arc::clone(&mail.raw), Vec::new()),
    };
    let mut options = vec!["-N".to_owned(), "never".to_owned()];
    if has_lone_dot(&message) {
        options.push("-i".to_owned());
    }
    Mail {
        options,
        message,
        warnings,
    }
}

/// The warning about a recipient that is no address.
fn as_it_is(recipient: &str) -> Option<String> {
    let refused = recipient.parse::<Address>().err()?;
    Some(format!("{refused}, handed over as it is written"))
}

fn as_argument(recipient: &str) -> String {
    let address: Result<Address, _> = recipient.parse();
    address.map_or_else(|_| recipient.to_owned(), |address| address.to_string())
}

/// The section's sender, else the cluster's, else root, which the MTA completes.
fn sender(config: &Config, host: &dyn Host) -> (Address, Option<String>) {
    let root = || {
        "root"
            .parse()
            .expect("a local part is an address on the host")
    };
    match (&config.from, host.email_from()) {
        (Some(from), _) => (from.clone(), None),
        (None, None) => (root(), None),
        (None, Some(text)) => match text.parse::<Address>() {
            Ok(from) if !from.local().starts_with('-') => (from, None),
            _ => {
                let warning = format!(
                    "`email_from` of the datacenter options is not used, root is: not a sender's address: `{}`",
                    text.escape_debug()
                );
                (root(), Some(warning))
            }
        },
    }
}
