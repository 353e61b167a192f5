//! Who gets a mail.

use notify_core::{Failure, Host};
use notify_schema::{Fault, Fields, Level, Position, SectionName};

use crate::{Address, MAILTO, MAILTO_USER};

/// The addresses that a mail goes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients {
    /// As written, in order, none of them twice; at least one.
    pub addresses: Vec<String>,
    /// What a person should know, as a user without address.
    pub warnings: Vec<String>,
}

impl Recipients {
    /// Those of the addresses that are wanted, in our order; none wanted means all.
    ///
    /// # Errors
    /// `Misconfigured` when none of the wanted ones is a recipient any more.
    pub fn chosen(&self, wanted: Option<&[String]>) -> Result<Vec<&str>, Failure> {
        let all = self.addresses.iter().map(String::as_str);
        let Some(wanted) = wanted else {
            return Ok(all.collect());
        };
        let chosen: Vec<&str> = all
            .filter(|address| wanted.iter().any(|one| one == address))
            .collect();
        if chosen.is_empty() {
            let gone = wanted.join(", ");
            return Err(Failure::misconfigured(format!(
                "no longer a recipient of this target: {gone}"
            )));
        }
        Ok(chosen)
    }
}

/// The addresses of `mailto`, then those of the users, without repetitions.
///
/// Two addresses are the same when they are written the same (proxmox-notify
/// compares them so).
///
/// # Errors
/// `Misconfigured` when nobody is left.
///
/// ```
/// use notify_core::PlainHost;
/// use notify_mail::recipients;
/// let host = PlainHost::named("pve1").with_user("root@pam", "admin@example.com");
/// let found = recipients(&host, ["a@example.com", "admin@example.com"], ["root@pam", "guest@pve"])
///     .expect("two have an address");
/// assert_eq!(found.addresses, ["a@example.com", "admin@example.com"]);
/// assert_eq!(found.warnings, ["user has no address: guest@pve"]);
/// ```
pub fn recipients<'a>(
    host: &dyn Host,
    mailto: impl IntoIterator<Item = &'a str>,
    users: impl IntoIterator<Item = &'a str>,
) -> Result<Recipients, Failure> {
    let mut found = Recipients::default();
    let mut without = Vec::new();
    for address in mailto {
        found.add(address);
    }
    for user in users {
        match host.address_of(user) {
            Some(address) => found.add(address),
            None => without.push(user),
        }
    }
    if found.addresses.is_empty() {
        return Err(nobody(&without));
    }
    let warning = |user: &&str| format!("user has no address: {user}");
    found.warnings = without.iter().map(warning).collect();
    Ok(found)
}

impl Recipients {
    fn add(&mut self, address: &str) {
        if !self.addresses.iter().any(|known| known == address) {
            self.addresses.push(address.to_owned());
        }
    }
}

fn nobody(without: &[&str]) -> Failure {
    if without.is_empty() {
        return Failure::misconfigured(NOBODY_NAMED);
    }
    Failure::misconfigured(format!(
        "no recipient has an address: {}",
        without.join(", ")
    ))
}

const NOBODY_NAMED: &str = "no recipient is named, neither `mailto` nor `mailto-user`";

/// What a section says about recipients, with the places where it says so.
#[derive(Clone, Debug)]
pub struct Addressees {
    mailto: Vec<Named>,
    users: Vec<Named>,
    header: Position,
    section: SectionName,
}

#[derive(Clone, Debug)]
struct Named {
    name: String,
    at: Position,
}

impl Addressees {
    /// What a checked section says in [`MAILTO`] and [`MAILTO_USER`].
    pub fn of(fields: &Fields) -> Self {
        let named = |property| {
            let places = fields.all(property).map(|entry| entry.at);
            fields
                .texts(property)
                .zip(places)
                .map(|(name, at)| Named {
                    name: name.to_owned(),
                    at,
                })
                .collect()
        };
        Addressees {
            mailto: named(MAILTO.name),
            users: named(MAILTO_USER.name),
            header: fields.header(),
            section: fields.label(),
        }
    }

    /// These addresses, which stand in no section.
    pub fn of_addresses(addresses: impl IntoIterator<Item = String>) -> Self {
        let at = Position::NOWHERE;
        let named = |name| Named { name, at };
        Addressees {
            mailto: addresses.into_iter().map(named).collect(),
            users: Vec::new(),
            header: at,
            section: SectionName::unnamed(MAILTO.name),
        }
    }

    /// The addresses on this host, as [`recipients()`] finds them.
    ///
    /// # Errors
    /// `Misconfigured` when nobody is left.
    pub fn on(&self, host: &dyn Host) -> Result<Recipients, Failure> {
        let names = |list: &'_ [Named]| -> Vec<String> {
            list.iter().map(|named| named.name.clone()).collect()
        };
        let (mailto, users) = (names(&self.mailto), names(&self.users));
        recipients(
            host,
            mailto.iter().map(String::as_str),
            users.iter().map(String::as_str),
        )
    }

    /// What is wrong with them on this host: users without address, texts that
    /// are no address, nobody left at all.
    pub fn faults(&self, host: &dyn Host) -> Vec<Fault> {
        let mut faults: Vec<Fault> = self
            .mailto
            .iter()
            .filter_map(|named| Some((named.at, not_an_address(&named.name)?)))
            .chain(self.users.iter().filter_map(|named| {
                let reason = match host.address_of(&named.name) {
                    None => format!("user has no address: {}", named.name),
                    Some(address) => format!(
                        "user {} has no usable address: {}",
                        named.name,
                        not_an_address(address)?
                    ),
                };
                Some((named.at, reason))
            }))
            .map(|(at, reason)| self.fault(at, Level::Warning, reason))
            .collect();
        if let Err(nobody) = self.on(host) {
            faults.push(self.fault(self.header, Level::Error, nobody.detail()));
        }
        faults
    }

    fn fault(&self, at: Position, level: Level, message: impl Into<String>) -> Fault {
        Fault {
            level,
            ..Fault::error(at, message).in_section(self.section.clone())
        }
    }
}

fn not_an_address(text: &str) -> Option<String> {
    let address: Result<Address, _> = text.parse();
    address.err().map(|refused| refused.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Addressees, recipients};
    use crate::{MAILTO, MAILTO_USER};
    use notify_core::{FailureKind, PlainHost};
    use notify_schema::{Position, RawProperty, Schema, Source};

    fn host() -> PlainHost {
        PlainHost::named("pve1")
            .with_user("root@pam", "admin@example.com")
            .with_user("odd@pve", "not an address")
    }

    fn check(mailto: &[&str], users: &[&str], expected: Result<(&[&str], &[&str]), &str>) {
        let found = recipients(&host(), mailto.iter().copied(), users.iter().copied());
        match (found, expected) {
            (Ok(found), Ok((addresses, warnings))) => {
                assert_eq!(found.addresses, addresses);
                assert_eq!(found.warnings, warnings);
            }
            (Err(failure), Err(detail)) => {
                assert_eq!(failure.kind(), FailureKind::Misconfigured);
                assert_eq!(failure.detail(), detail);
            }
            (found, expected) => panic!("{found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn addresses_come_first_and_users_after_them() {
        check(
            &["b@x", "a@x"],
            &["root@pam"],
            Ok((&["b@x", "a@x", "admin@example.com"], &[])),
        );
    }

    #[test]
    fn only_equal_texts_are_the_same_address() {
        check(
            &["a@x", "A@x", "a@x", "admin@example.com"],
            &["root@pam"],
            Ok((&["a@x", "A@x", "admin@example.com"], &[])),
        );
    }

    #[test]
    fn a_user_without_address_is_a_warning_unless_nobody_is_left() {
        check(
            &[],
            &["root@pam", "x@pve"],
            Ok((&["admin@example.com"], &["user has no address: x@pve"])),
        );
        check(&[], &["x@pve"], Err("no recipient has an address: x@pve"));
        check(
            &[],
            &["x@pve", "y@pve"],
            Err("no recipient has an address: x@pve, y@pve"),
        );
        check(
            &[],
            &[],
            Err("no recipient is named, neither `mailto` nor `mailto-user`"),
        );
    }

    #[test]
    fn an_attempt_for_some_keeps_our_order() {
        let found = recipients(&host(), ["a@x", "b@x", "c@x"], []).expect("three");
        let wanted = ["c@x".to_owned(), "a@x".to_owned(), "gone@x".to_owned()];
        assert_eq!(found.chosen(Some(&wanted)).expect("two"), ["a@x", "c@x"]);
        assert_eq!(found.chosen(None).expect("all").len(), 3);
        let failure = found.chosen(Some(&wanted[2..])).expect_err("nobody");
        assert_eq!(failure.kind(), FailureKind::Misconfigured);
        assert_eq!(
            failure.detail(),
            "no longer a recipient of this target: gone@x"
        );
    }

    fn faults(lines: &[(&str, &str)]) -> Vec<String> {
        let at = |line| Position::new(Source::Public, line, 2);
        let raw: Vec<_> = lines
            .iter()
            .zip(2..)
            .map(|((key, value), line)| RawProperty::new(key, value, at(line)))
            .collect();
        let checked = Schema::new("mail", [&MAILTO, &MAILTO_USER]).check("ops", at(1), &raw);
        let fields = checked.fields.expect("recipients are never required here");
        let faults = Addressees::of(&fields).faults(&host());
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn addresses_of_no_section_are_taken_as_they_are() {
        let names = ["b@x", "root@pam", "a@x", "b@x"].map(str::to_owned);
        let found = Addressees::of_addresses(names).on(&host());
        let addresses = found.expect("three").addresses;
        assert_eq!(
            addresses,
            ["b@x", "root@pam", "a@x"],
            "no user is looked up"
        );
        let failure = Addressees::of_addresses([])
            .on(&host())
            .expect_err("nobody");
        assert_eq!(failure.kind(), FailureKind::Misconfigured);
        let faults = Addressees::of_addresses(["a b".to_owned()]).faults(&host());
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, ["warning: `mailto`: not a mail address: `a b`"]);
    }

    #[test]
    fn each_fault_has_its_line() {
        let lines = [
            ("mailto", "a@example.com"),
            ("mailto", "a b@example.com"),
            ("mailto-user", "root@pam"),
            ("mailto-user", "x@pve"),
            ("mailto-user", "odd@pve"),
        ];
        assert_eq!(
            faults(&lines),
            [
                "notifications.cfg:3:2: warning: mail `ops`: not a mail address: `a b@example.com`",
                "notifications.cfg:5:2: warning: mail `ops`: user has no address: x@pve",
                "notifications.cfg:6:2: warning: mail `ops`: user odd@pve has no usable address: not a mail address: `not an address`",
            ]
        );
        assert_eq!(
            faults(&[("mailto-user", "x@pve")])
                .last()
                .expect("an error"),
            "notifications.cfg:1:2: error: mail `ops`: no recipient has an address: x@pve"
        );
    }
}
