//! One mail address, checked so that no header and no SMTP command breaks on it.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use email_address::EmailAddress;
use notify_schema::excerpt;

/// Most octets of a local part (RFC 5321 4.5.3.1.1).
const LOCAL_PART_MAX: usize = 64;
/// Most octets of a domain (RFC 5321 4.5.3.1.2).
const DOMAIN_MAX: usize = 255;

/// A mail address: a local part, and a domain unless it is local to the host.
///
/// Read from `user@example.com`, `"odd user"@example.com`, `user` and
/// `Name <user@example.com>`, whose name is dropped. A domain that is not ASCII
/// is kept as A-labels (`müller.de` as `xn--mller-kva.de`), which every server
/// takes; the local part is kept letter for letter.
///
/// ```
/// use notify_mail::Address;
/// let address: Address = "Jörg <jörg@müller.de>".parse().expect("an address");
/// assert_eq!(address.to_string(), "jörg@xn--mller-kva.de");
/// assert!(!address.is_ascii());
/// assert!("a@b\r\nBcc: c@d".parse::<Address>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    local: String,
    domain: Option<String>,
}

/// A text that is no mail address, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: `{text}`")]
pub struct NotAnAddress {
    reason: &'static str,
    /// An excerpt of it.
    text: String,
}

impl NotAnAddress {
    fn new(reason: &'static str, text: &str) -> Self {
        NotAnAddress {
            reason,
            text: excerpt(text),
        }
    }
}

impl Address {
    /// The part before the `@`, with its quotes where it has them.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part after the `@`, in ASCII; none for an address on the host itself.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// Whether every server can take it. Others need SMTPUTF8 (RFC 6531).
    pub fn is_ascii(&self) -> bool {
        self.local.is_ascii()
    }

    /// This address, at `domain` when it has no domain of its own.
    #[must_use]
    pub fn or_at(&self, domain: &str) -> Self {
        Address {
            local: self.local.clone(),
            domain: self.domain.clone().or_else(|| Some(domain.to_owned())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.local)?;
        match &self.domain {
            Some(domain) => write!(f, "@{domain}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let refused = |reason| NotAnAddress::new(reason, text);
        if text.chars().any(char::is_control) {
            return Err(refused("an address has no control characters"));
        }
        let bare = without_name(text.trim());
        match bare.rsplit_once('@') {
            Some((local, domain)) if is_local_part(local) => {
                let domain = ascii_domain(domain).ok_or_else(|| refused("not a mail domain"))?;
                Ok(Address {
                    local: local.to_owned(),
                    domain: Some(domain),
                })
            }
            None if is_local_part(bare) => Ok(Address {
                local: bare.to_owned(),
                domain: None,
            }),
            _ => Err(refused("not a mail address")),
        }
    }
}

/// `Name <address>` as `address`; anything else as it is.
fn without_name(text: &str) -> &str {
    text.strip_suffix('>')
        .and_then(|rest| rest.rsplit_once('<'))
        .map_or(text, |(_, address)| address.trim())
}

fn is_local_part(text: &str) -> bool {
    text.len() <= LOCAL_PART_MAX && EmailAddress::is_valid_local_part(text)
}

/// A host name in ASCII or an address literal; none when it is neither.
fn ascii_domain(text: &str) -> Option<String> {
    if let Some(literal) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return address_literal(literal);
    }
    let ascii = if text.is_ascii() {
        text.to_owned()
    } else {
        idna::domain_to_ascii(text).ok()?
    };
    let fits = ascii.len() <= DOMAIN_MAX && EmailAddress::is_valid_domain(&ascii);
    fits.then_some(ascii)
}

/// `[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 4.1.3). The tag may be missing in the input.
fn address_literal(text: &str) -> Option<String> {
    let tagged = text
        .get(..5)
        .filter(|tag| tag.eq_ignore_ascii_case("IPv6:"));
    let number = tagged.map_or(text, |tag| &text[tag.len()..]);
    if let Ok(v6) = number.parse::<Ipv6Addr>() {
        return Some(format!("[IPv6:{v6}]"));
    }
    let v4: Ipv4Addr = text.parse().ok()?;
    Some(format!("[{v4}]"))
}

#[cfg(test)]
mod tests {
    use super::Address;

    fn check(text: &str, expected: Result<&str, &str>) {
        let address = text.parse::<Address>().map(|address| address.to_string());
        let address = address.map_err(|refused| refused.to_string());
        assert_eq!(
            address,
            expected.map(str::to_owned).map_err(str::to_owned),
            "{text:?}"
        );
    }

    #[test]
    fn addresses_are_kept_letter_for_letter() {
        for text in [
            "admin@example.com",
            "First.Last+tag@Example.COM",
            "o'hara@example.com",
            "root",
            "root@pve1",
            "a@under_score.lan",
            r#""odd user"@example.com"#,
            r#""a@b\"c"@example.com"#,
            "a@[192.0.2.1]",
            "a@[IPv6:2001:db8::1]",
            "-f@example.com",
            "jörg@example.com",
        ] {
            check(text, Ok(text));
        }
    }

    #[test]
    fn a_name_is_dropped_and_a_domain_made_ascii() {
        check("Max M. <max@example.com>", Ok("max@example.com"));
        check("<max@example.com>", Ok("max@example.com"));
        check(" max@example.com ", Ok("max@example.com"));
        check("a@müller.de", Ok("a@xn--mller-kva.de"));
        check("a@[2001:DB8::1]", Ok("a@[IPv6:2001:db8::1]"));
    }

    #[test]
    fn what_would_break_a_command_or_a_header_is_refused() {
        check("", Err("not a mail address: ``"));
        check(
            "a b@example.com",
            Err("not a mail address: `a b@example.com`"),
        );
        check("a@x, b@y", Err("not a mail address: `a@x, b@y`"));
        check("a@b@c", Err("not a mail address: `a@b@c`"));
        check("a..b@c", Err("not a mail address: `a..b@c`"));
        check("\"a@b", Err("not a mail address: `\\\"a@b`"));
        check("a@", Err("not a mail domain: `a@`"));
        check("a@b c", Err("not a mail domain: `a@b c`"));
        check("a@-b", Err("not a mail domain: `a@-b`"));
        check("a@b>", Err("not a mail domain: `a@b>`"));
        check("a@[1.2.3]", Err("not a mail domain: `a@[1.2.3]`"));
        check(
            "a@b\r\nRCPT TO:<c@d>",
            Err("an address has no control characters: `a@b\\r\\nRCPT TO:<c@d>`"),
        );
        check(
            "\"a\0\"@b",
            Err("an address has no control characters: `\\\"a\\0\\\"@b`"),
        );
        let long = format!("{}@example.com", "x".repeat(65));
        assert!(long.parse::<Address>().is_err());
        let long = format!("a@{}com", "x.".repeat(130));
        assert!(long.parse::<Address>().is_err());
    }

    #[test]
    fn a_local_address_gets_a_domain_and_others_keep_theirs() {
        let at = |text: &str| {
            let address: Address = text.parse().expect("an address");
            address.or_at("pve1.example.com").to_string()
        };
        assert_eq!(at("root"), "root@pve1.example.com");
        assert_eq!(at("a@b"), "a@b");
    }
}
