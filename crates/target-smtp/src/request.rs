//! A notification as an envelope and a mail.

use notify_core::{Attempt, Failure};
use notify_mail::{Address, Letter, mail_domain};

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
    pub message: String,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// The envelope and the mail of one attempt.
///
/// A recipient without domain, as `root`, gets that of this host. One that is
/// no address is refused alone, and so is one that needs SMTPUTF8 unless
/// `smtputf8` is offered. All others stand in `To`, whether this attempt is for
/// them or not.
///
/// # Errors
/// `Misconfigured` when nobody is left or the sender cannot be used, and what
/// rendering says.
pub fn request(config: &Config, attempt: &Attempt<'_>, smtputf8: bool) -> Result<Request, Failure> {
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
    let message = Letter::of(attempt, &config.author, &sender, &shown)?.for_smtp();
    Ok(Request {
        needs_smtputf8: !sender.is_ascii() || !shown.iter().all(Address::is_ascii),
        sender,
        recipients,
        refused,
        message,
        warnings: found.warnings,
    })
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
    use super::{Request, request};
    use crate::{Config, SMTP};
    use notify_core::{Failure, FailureKind, PlainHost};
    use notify_testkit::{Delivery, Section};

    fn of(from: &str, mailto: &[&str], fqdn: &str, utf8: bool) -> Result<Request, Failure> {
        let section = Section::new("relay")
            .public("server", "localhost")
            .public("from-address", from);
        let section = mailto.iter().fold(section, |section, address| {
            section.public("mailto", *address)
        });
        let fields = section.checked(&SMTP).fields.expect("a usable section");
        let config = Config::from_fields(&fields).expect("no fault");
        let host = PlainHost {
            fqdn: fqdn.to_owned(),
            ..PlainHost::named(fqdn)
        };
        let delivery = Delivery::new("subject", "text").host(host);
        request(&config, &delivery.attempt(), utf8)
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
        assert!(request.message.contains(&format!("\r\nTo: {to}\r\n")));
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
