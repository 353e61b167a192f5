//! The properties that every mail target has.

use notify_schema::{Kind, Property, excerpt, parse_size};

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

/// `max-mail-size`: the largest mail of another program that is passed on whole.
pub static MAX_MAIL_SIZE: Property = Property::optional(
    "max-mail-size",
    Kind::Checked {
        what: "octets, or a number with K, M or G, from 16K",
        check: max_mail_size,
    },
    "Largest mail that is forwarded whole. In a larger one the largest attachments are replaced by a line that names them.",
)
.example("10M")
.ours();

/// The smallest limit that leaves room for a header and some text.
const MAX_MAIL_SIZE_MIN: usize = 16 * 1024;

fn max_mail_size(value: &str) -> Result<(), String> {
    octets(value).map(drop)
}

/// What [`MAX_MAIL_SIZE`] says in octets: `10M` is 10 × 1024 × 1024.
///
/// # Errors
/// It is no such number, or too small a one.
pub fn octets(value: &str) -> Result<usize, String> {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let octets = match is_number {
        true => value.parse().ok(),
        false => parse_size(&value.to_ascii_uppercase()).ok(),
    };
    let octets = octets.and_then(|octets: u64| usize::try_from(octets).ok());
    match octets {
        None => Err(format!("not a size: `{}`", excerpt(value))),
        Some(octets) if octets < MAX_MAIL_SIZE_MIN => Err(format!(
            "a mail needs at least 16K, not `{}`",
            excerpt(value)
        )),
        Some(octets) => Ok(octets),
    }
}

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
    use super::{MAX_MAIL_SIZE, SENDER, SENDER_OR_ROOT, octets};

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

    #[test]
    fn a_size_has_a_unit_or_none() {
        assert_eq!(octets("10M"), Ok(10 << 20));
        assert_eq!(octets("16k"), Ok(16 << 10));
        assert_eq!(octets("52428800"), Ok(50 << 20));
        assert_eq!(octets("1G"), Ok(1 << 30));
        for bad in [
            "",
            "M",
            "1.5M",
            "-1",
            "+20000",
            "10 M",
            "10P",
            "15K",
            "0",
            "99999999999999999999",
        ] {
            assert!(octets(bad).is_err(), "{bad}");
            assert!(MAX_MAIL_SIZE.kind.normalized(bad).is_err(), "{bad}");
        }
        assert!(MAX_MAIL_SIZE.kind.normalized("10M").is_ok());
    }
}
