//! A notification as a command line and a mail.

use notify_core::{Attempt, Failure, Host};
use notify_mail::{Address, Letter};

use crate::Config;

/// What the program gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The arguments, as Proxmox VE gives them.
    pub arguments: Vec<String>,
    /// The standard input.
    pub message: String,
    /// Recipients that no command line can carry.
    pub refused: Vec<String>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// The command line and the mail of one attempt.
///
/// A recipient that is no address by our reading is handed over as it is
/// written, because a `sendmail` program may read more into it, as a list of
/// addresses; in `To` it is not shown, and a warning tells of it.
///
/// # Errors
/// `Misconfigured` when nobody would get the mail, and what rendering says.
pub fn request(config: &Config, attempt: &Attempt<'_>) -> Result<Request, Failure> {
    let recipients = config.addressees.on(attempt.host)?;
    let chosen = recipients.chosen(attempt.recipients)?;
    let (passable, refused): (Vec<&str>, Vec<&str>) =
        chosen.into_iter().partition(|text| is_passable(text));
    if passable.is_empty() {
        return Err(Failure::misconfigured(format!(
            "no recipient can be handed over: {}",
            refused.join(", ").escape_debug()
        )));
    }
    let unread: Vec<String> = passable.iter().filter_map(|text| as_it_is(text)).collect();
    let (from, warning) = sender(config, attempt.host);
    let shown: Vec<Address> = recipients
        .addresses
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    let letter = Letter::of(attempt, &config.author, &from, &shown)?;
    let mut arguments: Vec<String> = ["-B", "8BITMIME", "-f"].map(str::to_owned).into();
    arguments.push(from.to_string());
    arguments.push("--".to_owned());
    arguments.extend(passable.into_iter().map(as_argument));
    Ok(Request {
        arguments,
        message: letter.for_sendmail(),
        refused: refused.into_iter().map(str::to_owned).collect(),
        warnings: recipients
            .warnings
            .into_iter()
            .chain(unread)
            .chain(warning)
            .collect(),
    })
}

fn is_passable(recipient: &str) -> bool {
    !recipient.trim().is_empty() && !recipient.chars().any(char::is_control)
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
