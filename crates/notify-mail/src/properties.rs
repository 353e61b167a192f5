//! The properties that every mail target has.

use notify_schema::{Kind, Property};

use crate::{Address, NotAnAddress};

/// `mailto`: addresses.
pub static MAILTO: Property = Property::repeated(
    "mailto",
    Kind::RECIPIENT,
    "Address that gets the mail. It may stand any number of times.",
)
.example("admin@example.com");

/// `mailto-user`: users whose address is looked up.
pub static MAILTO_USER: Property = Property::repeated(
    "mailto-user",
    Kind::RECIPIENT,
    "User who gets the mail, at the address in the user's settings. It may stand any number of times.",
)
.example("root@pam");

/// `author`: the name in `From`.
pub static AUTHOR: Property = Property::default(
    "author",
    Kind::text(),
    "Proxmox VE",
    "Name that mail programs show as the sender.",
)
.example("Backup watch");

/// `from-address` where there must be one.
pub static SENDER: Property = Property::required(
    "from-address",
    Kind::Checked {
        what: "a mail address",
        check: sender,
    },
    "Address that the mail comes from.",
)
.example("pve1@example.com");

/// `from-address` where the host has one to offer.
pub static SENDER_OR_ROOT: Property = Property::fallback(
    "from-address",
    Kind::Checked {
        what: "a mail address that does not begin with `-`",
        check: sender_on_a_command_line,
    },
    "`email_from` of the datacenter options, else root",
    "Address that the mail comes from.",
)
.example("pve1@example.com");

fn sender(value: &str) -> Result<(), String> {
    let address: Result<Address, _> = value.parse();
    address.map(drop).map_err(|refused| refused.to_string())
}

/// `sendmail -f -x` may be read as two options.
fn sender_on_a_command_line(value: &str) -> Result<(), String> {
    let address: Address = value
        .parse()
        .map_err(|refused: NotAnAddress| refused.to_string())?;
    if address.local().starts_with('-') {
        return Err(format!("must not begin with `-`: `{address}`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{SENDER, SENDER_OR_ROOT};

    #[test]
    fn a_sender_is_an_address() {
        for good in ["pve1@example.com", "root", "PVE <pve1@example.com>"] {
            assert!(SENDER.kind.normalized(good).is_ok(), "{good}");
            assert!(SENDER_OR_ROOT.kind.normalized(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a@b c", "a@b>, <c@d"] {
            assert!(SENDER.kind.normalized(bad).is_err(), "{bad}");
        }
        for option in ["-oQ/tmp@x", "-t", "PVE <-t>"] {
            assert!(SENDER.kind.normalized(option).is_ok(), "{option}");
            assert!(SENDER_OR_ROOT.kind.normalized(option).is_err(), "{option}");
        }
    }
}
