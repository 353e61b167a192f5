//! A notification as an envelope and a mail.

use notify_core::{Attempt, Content, Failure, Notification};
use notify_mail::{Address, Capacity, Forward, Letter, Message, mail_domain};

use crate::Config;

/// One recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// As the configuration has it; by this name it is refused.
    pub name: String,
    /// As the server gets it, with a domain.
    pub address: Address,
}

/// An envelope and what is in it.
#[derive(Debug)]
pub struct Request {
    /// With a domain.
    pub sender: Address,
    /// Whom the server is asked to take; at least one.
    pub recipients: Vec<Recipient>,
    /// Whom no server, or not this one, can be asked to take.
    pub refused: Vec<(String, Failure)>,
    /// Whether an address in the envelope or the headers is not ASCII (RFC 6531).
    pub needs_smtputf8: bool,
    /// CRLF line ends, ends with one.
    pub message: Vec<u8>,
    /// Whether it is the mail of another program, which can be made smaller.
    pub is_forwarded: bool,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// What a server offers beyond the least that each one can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Addresses that are not ASCII (RFC 6531).
    pub smtputf8: bool,
    /// 8-bit text (RFC 6152).
    pub eight_bit: bool,
    /// The largest mail in octets (RFC 1870); none when it does not say.
    pub max_size: Option<usize>,
}

impl Abilities {
    /// Everything, as long as we do not know better.
    pub const ALL: Abilities = Abilities {
        smtputf8: true,
        eight_bit: true,
        max_size: None,
    };
}

impl Request {
    /// Whether a server of these abilities can take it, or nothing can be done about it.
    pub(crate) fn suits(&self, abilities: Abilities) -> bool {
        let fits = abilities
            .max_size
            .is_none_or(|max| self.message.len() <= max);
        (!self.needs_smtputf8 || abilities.smtputf8)
            && (fits || !self.is_forwarded)
            && (abilities.eight_bit || self.message.is_ascii())
    }
}

/// The envelope and the mail of one attempt, for a server of these abilities.
///
/// A recipient without domain, as `root`, gets that of this host. One that is
/// no address is refused alone, and so is one that needs SMTPUTF8 unless that is
/// offered. All others stand in `To`, whether this attempt is for
/// them or not.
///
/// # Errors
/// `Misconfigured` when nobody is left or the sender cannot be used, and what
/// rendering says.
pub fn request(
    config: &Config,
    notification: &Notification,
    attempt: &Attempt<'_>,
    abilities: Abilities,
) -> Result<Request, Failure> {
    let smtputf8 = abilities.smtputf8;
    let found = config.addressees.on(attempt.host)?;
    let chosen = found.chosen(attempt.recipients)?;
    let domain = mail_domain(attempt.host);
    let sender = complete(&config.from, domain.as_deref())
        .ok_or_else(|| Failure::misconfigured(no_domain("from-address", &config.from)))?;
    if !smtputf8 && !sender.is_ascii() {
        return Err(Failure::misconfigured(needs_smtputf8(&sender)));
    }
    let (mut recipients, mut refused, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    for name in &found.addresses {
        let wanted = chosen.contains(&name.as_str());
        match usable(name, domain.as_deref(), smtputf8) {
            Ok(address) => {
                shown.push(address.clone());
                let name = name.clone();
                recipients.extend(wanted.then_some(Recipient { name, address }));
            }
            Err(failure) => refused.extend(wanted.then(|| (name.clone(), failure))),
        }
    }
    if recipients.is_empty() {
        return Err(nobody(refused));
    }
    let is_forwarded = matches!(notification.content, Content::Mail(_));
    let message = match &notification.content {
        Content::Mail(mail) => {
            let forward = Forward::of(attempt, &config.author, &sender, &shown, mail);
            forward.for_smtp(capacity(config, abilities))
        }
        _ => {
            let letter = Letter::of(attempt, &config.author, &sender, &shown)?;
            Message {
                bytes: letter.for_smtp().into_bytes(),
                warnings: Vec::new(),
            }
        }
    };
    Ok(Request {
        needs_smtputf8: !sender.is_ascii() || !shown.iter().all(Address::is_ascii),
        sender,
        recipients,
        refused,
        message: message.bytes,
        is_forwarded,
        warnings: found.warnings.into_iter().chain(message.warnings).collect(),
    })
}

/// The smaller of what the section wants and what the server takes.
fn capacity(config: &Config, abilities: Abilities) -> Capacity {
    let limits = [config.max_mail_size, abilities.max_size];
    Capacity {
        eight_bit: abilities.eight_bit,
        max_size: limits.into_iter().flatten().min(),
    }
}

/// One failure of many: it can be tried again if one of them can, and says that one's reason.
///
/// # Panics
/// Of no failure at all there is none.
pub(crate) fn nobody(refused: Vec<(String, Failure)>) -> Failure {
    use notify_core::FailureKind::{Misconfigured, Rejected, Unavailable, Uncertain};
    let decisive = [Uncertain, Unavailable, Rejected, Misconfigured]
        .into_iter()
        .find_map(|kind| {
            let mut reasons = refused.iter().map(|(_, failure)| failure);
            reasons.find(|failure| failure.kind() == kind)
        })
        .expect("someone was refused");
    let detail = format!("no recipient was accepted: {}", decisive.report());
    Failure::new(decisive.kind(), detail).with_refused(refused)
}

fn usable(name: &str, domain: Option<&str>, smtputf8: bool) -> Result<Address, Failure> {
    let address: Address = name
        .parse()
        .map_err(|refused| Failure::misconfigured("cannot be used").caused_by(refused))?;
    let address = complete(&address, domain)
        .ok_or_else(|| Failure::misconfigured(no_domain("the recipient", &address)))?;
    if !smtputf8 && !address.is_ascii() {
        return Err(Failure::rejected(needs_smtputf8(&address)));
    }
    Ok(address)
}

fn complete(address: &Address, domain: Option<&str>) -> Option<Address> {
    match (address.domain(), domain) {
        (Some(_), _) => Some(address.clone()),
        (None, Some(domain)) => Some(address.or_at(domain)),
        (None, None) => None,
    }
}

fn no_domain(what: &str, address: &Address) -> String {
    format!("{what} has no domain, and this host has no name that could be one: {address}")
}

fn needs_smtputf8(address: &Address) -> String {
    format!("the server does not offer SMTPUTF8, which this address needs: {address}")
}

#[cfg(test)]
mod tests {
    use super::{Abilities, Request, request};
    use crate::{Config, SMTP};
    use notify_core::{Failure, FailureKind, PlainHost};
    use notify_testkit::{Delivery, Section};

    fn of(from: &str, mailto: &[&str], fqdn: &str, smtputf8: bool) -> Result<Request, Failure> {
        let section = Section::new("relay")
            .public("server", "localhost")
            .public("from-address", from);
        let section = mailto.iter().fold(section, |section, address| {
            section.public("mailto", *address)
        });
        made(&section, fqdn, smtputf8)
    }

    fn made(section: &Section, fqdn: &str, smtputf8: bool) -> Result<Request, Failure> {
        let fields = section.checked(&SMTP).fields.expect("a usable section");
        let config = Config::from_fields(&fields).expect("no fault");
        let host = PlainHost {
            fqdn: fqdn.to_owned(),
            ..PlainHost::named(fqdn)
        };
        let delivery = Delivery::new("subject", "text").host(host);
        let abilities = Abilities {
            smtputf8,
            ..Abilities::ALL
        };
        request(
            &config,
            &delivery.notification,
            &delivery.attempt(),
            abilities,
        )
    }

    fn check(mailto: &[&str], utf8: bool, to: &str, refused: &[(&str, &str)]) {
        let request = of("root", mailto, "pve1.example.com", utf8).expect("someone is left");
        assert_eq!(request.sender.to_string(), "root@pve1.example.com");
        let asked: Vec<_> = request
            .recipients
            .iter()
            .map(|recipient| recipient.address.to_string())
            .collect();
        assert_eq!(asked.join(", "), to);
        let message = String::from_utf8_lossy(&request.message);
        assert!(message.contains(&format!("\r\nTo: {to}\r\n")));
        let found: Vec<_> = request
            .refused
            .iter()
            .map(|(name, failure)| (name.as_str(), failure.report()))
            .collect();
        let expected: Vec<_> = refused
            .iter()
            .map(|(name, reason)| (*name, (*reason).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_author_is_the_name_of_the_sender() {
        let section = Section::new("relay")
            .public("server", "localhost")
            .public("from-address", "pve1@example.com")
            .public("author", "Backup watch")
            .public("mailto", "a@example.com");
        let request = made(&section, "pve1", false).expect("a mail");
        let message = String::from_utf8_lossy(&request.message);
        let from = "From: \"Backup watch\" <pve1@example.com>\r\n";
        assert!(message.contains(from), "{message}");
    }

    #[test]
    fn a_local_part_alone_belongs_to_this_host() {
        check(
            &["root", "a@example.com"],
            false,
            "root@pve1.example.com, a@example.com",
            &[],
        );
    }

    #[test]
    fn what_is_no_address_is_refused_alone() {
        check(
            &["a@example.com", "a b@example.com", "b@example.com, c@d"],
            true,
            "a@example.com",
            &[
                (
                    "a b@example.com",
                    "cannot be used: not a mail address: `a b@example.com`",
                ),
                (
                    "b@example.com, c@d",
                    "cannot be used: not a mail address: `b@example.com, c@d`",
                ),
            ],
        );
    }

    #[test]
    fn what_needs_smtputf8_gets_it_or_is_refused_alone() {
        check(&["jörg@example.com"], true, "jörg@example.com", &[]);
        check(
            &["jörg@example.com", "a@müller.example"],
            false,
            "a@xn--mller-kva.example",
            &[(
                "jörg@example.com",
                "the server does not offer SMTPUTF8, which this address needs: jörg@example.com",
            )],
        );
        let utf8 = |mailto| {
            of("root", &[mailto], "pve1", true)
                .expect("one")
                .needs_smtputf8
        };
        assert!(utf8("jörg@example.com"));
        assert!(!utf8("a@müller.example"));
    }

    fn check_failure(from: &str, mailto: &str, fqdn: &str, kind: FailureKind, report: &str) {
        let failure = of(from, &[mailto], fqdn, false).expect_err("it cannot be sent");
        assert_eq!((failure.kind(), failure.report().as_str()), (kind, report));
    }

    #[test]
    fn without_a_usable_address_nothing_is_sent() {
        check_failure(
            "root",
            "a@b",
            "my_host",
            FailureKind::Misconfigured,
            "from-address has no domain, and this host has no name that could be one: root",
        );
        check_failure(
            "jörg@example.com",
            "a@b",
            "pve1",
            FailureKind::Misconfigured,
            "the server does not offer SMTPUTF8, which this address needs: jörg@example.com",
        );
        check_failure(
            "a@b",
            "root",
            "my_host",
            FailureKind::Misconfigured,
            "no recipient was accepted: the recipient has no domain, and this host has no name that could be one: root",
        );
    }
}
